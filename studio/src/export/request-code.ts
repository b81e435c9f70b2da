/** The request of an answer, as code that runs beside the image file. */

import type { Answer } from '../model.ts';

export type Language = 'curl' | 'Python' | 'TypeScript';

export interface RequestParts {
  readonly answer: Pick<Answer, 'question' | 'given' | 'givenScores' | 'granularity'>;
  readonly fileName: string;
  readonly mime: string;
  /** The server's address, without a slash at the end. */
  readonly origin: string;
  readonly model: string;
}

export const languages: readonly Language[] = ['curl', 'Python', 'TypeScript'];

export function requestCode(language: Language, parts: RequestParts): string {
  return { curl, Python: python, TypeScript: typescript }[language](parts);
}

/** What goes beside `image_url`. */
const imageFields = ({ answer: { given, givenScores, granularity } }: RequestParts): string =>
  JSON.stringify(given ? { boxes: given, box_scores: givenScores } : { granularity });

/** Text inside of single quotes of a shell. */
const shellQuoted = (text: string): string => text.replaceAll("'", "'\\''");

function curl(parts: RequestParts): string {
  const { answer, fileName, mime, origin, model } = parts;
  const content = `[{"type": "image_url", "image_url": {"url": "data:${mime};base64,'$(base64 < '${shellQuoted(fileName)}' | tr -d '\\n')'"}, ${shellQuoted(imageFields(parts).slice(1, -1))}},
  {"type": "text", "text": ${shellQuoted(JSON.stringify(answer.question))}}]`;
  return `echo '{"model": ${JSON.stringify(model)}, "messages": [{"role": "user", "content": ${content}}]}' |
  curl -s ${origin}/v1/chat/completions -H 'Content-Type: application/json' -d @-
`;
}

/** JSON texts, lists of numbers and objects of both are Python as they are. */
const python = (parts: RequestParts): string => `import base64
from openai import OpenAI

client = OpenAI(base_url="${parts.origin}/v1", api_key="none")
image = base64.b64encode(open(${JSON.stringify(parts.fileName)}, "rb").read()).decode()
completion = client.chat.completions.create(
    model=${JSON.stringify(parts.model)},
    messages=[{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": f"data:${parts.mime};base64,{image}"}, **${imageFields(parts)}},
        {"type": "text", "text": ${JSON.stringify(parts.answer.question)}},
    ]}],
)
message = completion.choices[0].message
print(message.content)
print(message.grounding)
`;

const typescript = (parts: RequestParts): string => `import { readFileSync } from 'node:fs';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: '${parts.origin}/v1', apiKey: 'none' });
const url = \`data:${parts.mime};base64,\${readFileSync(${JSON.stringify(parts.fileName)}).toString('base64')}\`;
const image = { type: 'image_url' as const, image_url: { url }, ...${imageFields(parts)} };
const completion = await client.chat.completions.create({
  model: ${JSON.stringify(parts.model)},
  messages: [{ role: 'user', content: [image, { type: 'text', text: ${JSON.stringify(parts.answer.question)} }] }],
});
console.log(completion.choices[0].message);
`;

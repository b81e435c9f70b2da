/** Requests of the page as code that runs beside the image file. */

import { messagesOf } from '../conversation.ts';
import type { Answer } from '../model.ts';

export type Language = 'curl' | 'Python' | 'TypeScript';

export const languages: readonly Language[] = ['curl', 'Python', 'TypeScript'];

/** Where the code runs. */
export interface CodePlace {
  readonly fileName: string;
  readonly mime: string;
  /** The server's address, without a slash at the end. */
  readonly origin: string;
  readonly model: string;
  /** Whether the server wants a key; the code takes it from the variable CHATREX_KEY. */
  readonly hasKey: boolean;
}

export type AnswerParts = Pick<
  Answer,
  'task' | 'question' | 'style' | 'turns' | 'given' | 'givenScores' | 'granularity'
>;

/** The request that an answer came of. */
export function answerCode(language: Language, answer: AnswerParts, place: CodePlace): string {
  if (answer.task === 'caption') {
    const fields = { style: answer.style ?? 'phrase', ...boxFields(answer) };
    return jsonCode[language]('v1/chatrex/caption', fields, place);
  }
  return chatCode[language](answer, place);
}

/** What the image's boxes are found with. */
export interface BoxesParts {
  readonly granularity: string;
  readonly minScore: number;
  /** Missing where the server's own limit holds. */
  readonly maxOverlap?: number;
}

/** The request that the boxes of an image came of. */
export function boxesCode(language: Language, { granularity, minScore, maxOverlap }: BoxesParts, place: CodePlace) {
  const query = new URLSearchParams({ granularity, min_score: String(minScore) });
  if (maxOverlap !== undefined) query.set('nms_iou', String(maxOverlap));
  return fileCode[language](`v1/chatrex/propose?${query}`, place);
}

const boxFields = ({ given, givenScores, granularity }: AnswerParts) =>
  given ? { boxes: given, box_scores: givenScores } : { granularity };

/** Stands for the image's address in JSON until the code is written. */
const hole = '@image@';

const chatBody = (answer: AnswerParts, model: string): string => {
  const image = { type: 'image_url', image_url: { url: hole }, ...boxFields(answer) };
  return pretty({ model, messages: messagesOf(image, answer.turns ?? [], answer.question) });
};

/** JSON with a message a line, and nothing broken that belongs together. */
const pretty = (body: { model: string; messages: readonly object[] }): string => {
  const messages = body.messages.map((message) => `    ${spaced(message)}`).join(',\n');
  return `{"model": ${JSON.stringify(body.model)},\n  "messages": [\n${messages}\n  ]}`;
};

/** JSON in one line, with a space after each colon and comma outside of texts. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}: ${spaced(field)}`).join(', ')}}`;
}

/** Text inside of single quotes of a shell. */
const shellQuoted = (text: string): string => text.replaceAll("'", "'\\''");

const curlKey = ({ hasKey }: CodePlace): string => (hasKey ? ' \\\n    -H "Authorization: Bearer $CHATREX_KEY"' : '');

/** JSON on standard input, for an image is longer than a command line may be. */
function curlJson(path: string, json: string, place: CodePlace): string {
  const { fileName, mime, origin } = place;
  const url = `data:${mime};base64,'$(base64 < '${shellQuoted(fileName)}' | tr -d '\\n')'`;
  return `echo '${shellQuoted(json).replace(hole, () => url)}' |
  curl -s ${origin}/${path} -H 'Content-Type: application/json'${curlKey(place)} -d @-
`;
}

const pythonKey = ({ hasKey }: CodePlace): string => (hasKey ? 'os.environ["CHATREX_KEY"]' : '"none"');
const pythonHead = (modules: readonly string[]): string => modules.map((name) => `import ${name}\n`).join('');
const pythonUrl = ({ fileName, mime }: CodePlace): string =>
  `image = base64.b64encode(open(${JSON.stringify(fileName)}, "rb").read()).decode()\nurl = f"data:${mime};base64,{image}"\n`;
const typescriptKey = ({ hasKey }: CodePlace): string => (hasKey ? 'process.env.CHATREX_KEY' : "'none'");
const typescriptUrl = ({ fileName, mime }: CodePlace): string =>
  `const url = \`data:${mime};base64,\${readFileSync(${JSON.stringify(fileName)}).toString('base64')}\`;\n`;

/** JSON texts, numbers, lists and objects are both Python and TypeScript as they are. */
const filled = (json: string): string => json.replace(JSON.stringify(hole), 'url');

/** OpenAI's chat completions, with its clients. */
const chatCode: Record<Language, (answer: AnswerParts, place: CodePlace) => string> = {
  curl: (answer, place) => curlJson('v1/chat/completions', chatBody(answer, place.model), place),
  Python: (answer, place) => `${pythonHead(place.hasKey ? ['base64', 'os'] : ['base64'])}from openai import OpenAI

client = OpenAI(base_url="${place.origin}/v1", api_key=${pythonKey(place)})
${pythonUrl(place)}request = ${filled(chatBody(answer, place.model))}
message = client.chat.completions.create(**request).choices[0].message
print(message.content)
print(message.grounding)
`,
  TypeScript: (answer, place) => `import { readFileSync } from 'node:fs';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: '${place.origin}/v1', apiKey: ${typescriptKey(place)} });
${typescriptUrl(place)}const request = ${filled(chatBody(answer, place.model))};
const completion = await client.chat.completions.create(request as OpenAI.ChatCompletionCreateParamsNonStreaming);
const [{ message }] = completion.choices;
console.log(message.content);
console.dir(message, { depth: null });
`,
};

/** A route of our own, with nothing but what each language brings. */
const jsonCode: Record<Language, (path: string, fields: object, place: CodePlace) => string> = {
  curl: (path, fields, place) => curlJson(path, spaced({ image: hole, ...fields }), place),
  Python: (
    path,
    fields,
    place,
  ) => `${pythonHead(['base64', 'json', ...(place.hasKey ? ['os'] : [])])}import urllib.request

${pythonUrl(place)}body = ${filled(spaced({ image: hole, ...fields }))}
request = urllib.request.Request("${place.origin}/${path}", json.dumps(body).encode(), ${pythonHeaders('application/json', place)})
print(json.load(urllib.request.urlopen(request)))
`,
  TypeScript: (path, fields, place) => `import { readFileSync } from 'node:fs';

${typescriptUrl(place)}const reply = await fetch('${place.origin}/${path}', {
  method: 'POST',
  headers: ${typescriptHeaders('application/json', place)},
  body: JSON.stringify(${filled(spaced({ image: hole, ...fields }))}),
});
console.log(await reply.json());
`,
};

/** A route of our own that takes the image file as it is. */
const fileCode: Record<Language, (path: string, place: CodePlace) => string> = {
  curl: (path, place) =>
    `curl -s '${place.origin}/${path}' -H 'Content-Type: ${place.mime}'${curlKey(place)} \\
    --data-binary @'${shellQuoted(place.fileName)}'
`,
  Python: (path, place) => `${pythonHead(['json', ...(place.hasKey ? ['os'] : [])])}import urllib.request

image = open(${JSON.stringify(place.fileName)}, "rb").read()
request = urllib.request.Request("${place.origin}/${path}", image, ${pythonHeaders(place.mime, place)})
print(json.load(urllib.request.urlopen(request)))
`,
  TypeScript: (path, place) => `import { readFileSync } from 'node:fs';

const reply = await fetch('${place.origin}/${path}', {
  method: 'POST',
  headers: ${typescriptHeaders(place.mime, place)},
  body: new Uint8Array(readFileSync(${JSON.stringify(place.fileName)})),
});
console.log(await reply.json());
`,
};

const pythonHeaders = (type: string, place: CodePlace): string =>
  `{"Content-Type": "${type}"${place.hasKey ? `, "Authorization": "Bearer " + ${pythonKey(place)}` : ''}}`;

const typescriptHeaders = (type: string, place: CodePlace): string =>
  `{ 'Content-Type': '${type}'${place.hasKey ? ", Authorization: 'Bearer ' + process.env.CHATREX_KEY" : ''} }`;

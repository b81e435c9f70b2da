/** The prompts of the engine: versioned files in `prompts/rexverse`, which a user can replace (paper, table 9). */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChatRexError } from '../errors.ts';

/** What each prompt must be filled in with. */
const placeholders = {
  caption: [],
  describe: ['phrase'],
  'describe-plain': [],
  verify: ['phrase', 'description'],
  rewrite: ['phrase', 'description'],
  'rewrite-again': ['phrase', 'description', 'answer', 'fault'],
  'ground-json': ['phrases'],
  'ground-rex-omni': ['phrases'],
} as const;

export type PromptName = keyof typeof placeholders;
export type Prompts = Readonly<Record<PromptName, { readonly version: string; readonly text: string }>>;

const maxPromptBytes = 20_000;
const ownFolder = fileURLToPath(new URL('../../prompts/rexverse', import.meta.url));

/**
 * The prompts of the package; a folder's own ones instead where it has some, under any version.
 * @throws ChatRexError naming the file that lacks a placeholder, has an unknown name, or comes in two versions
 */
export async function loadPrompts(folder?: string): Promise<Prompts> {
  const own = await promptsOf(ownFolder);
  const given = folder === undefined ? {} : await promptsOf(folder);
  return { ...own, ...given } as Prompts;
}

async function promptsOf(folder: string): Promise<Partial<Record<PromptName, { version: string; text: string }>>> {
  const names = await readdir(folder).catch((cause) => {
    throw new ChatRexError(
      'not-found',
      `prompts: the folder ${folder} cannot be read; expected files like caption.v1.txt`,
      { cause },
    );
  });
  const prompts: Partial<Record<PromptName, { version: string; text: string }>> = {};
  for (const file of names.sort()) {
    const parts = /^(.+)\.(v\d+)\.txt$/.exec(file);
    if (!parts) continue;
    const [, name, version] = parts;
    if (!(name in placeholders)) {
      throw new ChatRexError(
        'invalid-file',
        `${join(folder, file)}: expected one of ${Object.keys(placeholders).join(', ')}`,
      );
    }
    if (prompts[name as PromptName]) {
      throw new ChatRexError('invalid-file', `${folder} has two versions of the prompt ${name}; keep one`);
    }
    prompts[name as PromptName] = { version, text: await readPrompt(join(folder, file), name as PromptName) };
  }
  return prompts;
}

async function readPrompt(path: string, name: PromptName): Promise<string> {
  const bytes = await readFile(path);
  if (bytes.length > maxPromptBytes) {
    throw new ChatRexError('limit-exceeded', `${path}: ${bytes.length} bytes; a prompt has at most ${maxPromptBytes}`);
  }
  const text = bytes.toString('utf8').trim();
  const missing = placeholders[name].find((key) => !text.includes(`{${key}}`));
  if (text === '' || missing) {
    throw new ChatRexError(
      'invalid-file',
      `${path}: expected ${missing ? `{${missing}} in the text` : 'a text'}; add it`,
    );
  }
  return text;
}

/** Puts values where `{name}` is; braces in the values stay as they are. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

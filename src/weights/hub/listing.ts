/** What a repository of the Hub holds, and which of its files make a model. */

import { HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import { ChatRexError } from '../../errors.ts';
import type { HubSettings } from './environment.ts';
import { type Repository, repositoryText } from './repository.ts';
import { refusal } from './requests.ts';

export interface HubFile {
  /** Inside the repository, with slashes. */
  readonly path: string;
  readonly size: number;
  /** What its content is called in the cache: the SHA-256 of a large file, git's SHA-1 of a small one. */
  readonly etag: string;
  readonly isLarge: boolean;
}

export interface Listing {
  readonly repository: Repository;
  /** The commit that the revision is now: 40 hex digits. */
  readonly commit: string;
  readonly files: readonly HubFile[];
}

/** More files than any model has. */
const maxFiles = 10_000;

const weights = /\.safetensors$/;
const torchWeights = /\.(bin|pth|pt)$/;
const others = /\.(json|model|txt|jinja)$/;

/** @throws ChatRexError 'not-found', 'runtime' when the Hub does not answer, 'unsupported' when there are no weights */
export async function listModel(repository: Repository, settings: HubSettings): Promise<Listing> {
  const { name, revision } = repository;
  const shown = repositoryText(repository);
  const common = { hubUrl: settings.endpoint, fetch: settings.fetch as typeof fetch };
  try {
    const { sha: commit } = await modelInfo({ ...common, name, revision, additionalFields: ['sha'] });
    if (!/^[0-9a-f]{40}$/.test(commit)) throw new ChatRexError('runtime', `${shown}: the Hub names no commit`);
    const all: HubFile[] = [];
    for await (const entry of listFiles({ ...common, repo: name, revision: commit, recursive: true })) {
      if (entry.type !== 'file' || entry.oid === undefined) continue;
      requireFile(shown, entry.path, entry.lfs?.oid ?? entry.oid);
      const { path, size } = entry;
      all.push({ path, size: entry.lfs?.size ?? size, etag: entry.lfs?.oid ?? entry.oid, isLarge: !!entry.lfs });
      if (all.length > maxFiles) throw new ChatRexError('limit-exceeded', `${shown} has more than ${maxFiles} files`);
    }
    return { repository, commit, files: modelFiles(shown, all) };
  } catch (error) {
    if (error instanceof HubApiError) throw refusal(error.statusCode, shown);
    throw error;
  }
}

/** Names come from outside and become paths here. */
function requireFile(repository: string, path: string, etag: string): void {
  const isSafe = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\:\0]/.test(part));
  if (isSafe && /^[0-9a-f]{40,64}$/.test(etag)) return;
  const message = `${repository} lists the file ${JSON.stringify(path.slice(0, 100))}, which cannot be kept`;
  throw new ChatRexError('invalid-file', message);
}

/** Safetensors where there are any, PyTorch's files otherwise; configuration and tokenizer. */
function modelFiles(repository: string, all: readonly HubFile[]): HubFile[] {
  const format = all.some(({ path }) => weights.test(path)) ? weights : torchWeights;
  const chosen = all.filter(({ path }) => format.test(path) || others.test(path));
  if (chosen.some(({ path }) => format.test(path))) return chosen;
  throw new ChatRexError('unsupported', `${repository} holds no weights; give a repository of a model`);
}

/** Where sessions lie: in memory, until the server stops, or in a folder of this machine. */

import { mkdir, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ChatRexError } from '../../errors.ts';

/** An image file of a session, as it was announced. */
export const keptImageSchema = z.object({
  bytes: z.int().min(1),
  type: z.string().regex(/^image\/[\w.+-]{1,40}$/, 'expected a type such as image/jpeg'),
});
export type KeptImage = z.infer<typeof keptImageSchema>;

const headSchema = z.object({
  id: z.string().regex(/^[\w-]{22}$/),
  /** Milliseconds since 1970. */
  createdAt: z.number(),
  /** All that it takes: images, boxes, answers. */
  bytes: z.number(),
  images: z.array(keptImageSchema),
});

/** What is known of a session without opening it. */
export type SessionHead = z.infer<typeof headSchema>;

/** A session whose images are still coming is there for nobody but its sender. */
export interface PlacedSession extends SessionHead {
  readonly isWhole: boolean;
}

export interface SessionPlace {
  /** Whether sessions outlive the server. */
  readonly isLasting: boolean;
  all(): Promise<PlacedSession[]>;
  find(id: string): Promise<PlacedSession | undefined>;
  begin(head: SessionHead, state: Buffer): Promise<void>;
  /** Adds image `index` to a session that is not whole. */
  add(id: string, index: number, bytes: Uint8Array): Promise<void>;
  /** How many of its images are there. */
  count(id: string): Promise<number>;
  finish(id: string): Promise<void>;
  /** An image of a whole session, or its state. */
  read(id: string, part: number | 'state'): Promise<Uint8Array | undefined>;
  remove(id: string): Promise<void>;
}

const nameOf = (part: number | 'state'): string => (part === 'state' ? part : `image-${part}`);

export function memoryPlace(): SessionPlace {
  const sessions = new Map<string, { head: SessionHead; isWhole: boolean; files: Map<string, Uint8Array> }>();
  const shown = (id: string) => {
    const session = sessions.get(id);
    return session && { ...session.head, isWhole: session.isWhole };
  };
  return {
    isLasting: false,
    all: async () => [...sessions.keys()].map((id) => shown(id)!),
    find: async (id) => shown(id),
    async begin(head, state) {
      sessions.set(head.id, { head, isWhole: false, files: new Map([[nameOf('state'), state]]) });
    },
    async add(id, index, bytes) {
      sessions.get(id)?.files.set(nameOf(index), bytes);
    },
    count: async (id) => (sessions.get(id)?.files.size ?? 1) - 1,
    async finish(id) {
      const session = sessions.get(id);
      if (session) session.isWhole = true;
    },
    read: async (id, part) => (sessions.get(id)?.isWhole ? sessions.get(id)?.files.get(nameOf(part)) : undefined),
    async remove(id) {
      sessions.delete(id);
    },
  };
}

/** Nobody but the server's user may read what people keep. */
const ours = { mode: 0o600 };
const oursAlone = { mode: 0o700 };
const headName = 'head.json';
const comingSuffix = '.coming';

/**
 * A folder for each session: `head.json`, `state`, `image-0` and so on. While they are coming its name ends in
 * `.coming`, so that what a crash leaves is no session.
 * @throws ChatRexError 'not-found' when the folder is missing and cannot be made
 */
export async function folderPlace(folder: string): Promise<SessionPlace> {
  await mkdir(folder, { recursive: true, ...oursAlone }).catch((cause: NodeJS.ErrnoException) => {
    throw new ChatRexError('not-found', `--sessions ${folder} cannot be made (${cause.code}); name another folder`, {
      cause,
    });
  });
  const root = await realpath(folder);
  const coming = (id: string) => join(root, `${id}${comingSuffix}`);
  const whole = (id: string) => join(root, id);
  const headIn = async (path: string): Promise<SessionHead | undefined> => {
    const text = await readFile(join(path, headName), 'utf8').catch(() => '');
    try {
      return headSchema.parse(JSON.parse(text));
    } catch {
      // Not one of ours, or not all of it.
      return undefined;
    }
  };
  const find = async (id: string): Promise<PlacedSession | undefined> => {
    for (const [path, isWhole] of [
      [whole(id), true],
      [coming(id), false],
    ] as const) {
      const head = await headIn(path);
      if (head?.id === id) return { ...head, isWhole };
    }
    return undefined;
  };
  return {
    isLasting: true,
    find,
    async all() {
      const names = await readdir(root);
      const ids = new Set(names.flatMap((name) => /^([\w-]{22})(?:\.coming)?$/.exec(name)?.[1] ?? []));
      const found = await Promise.all([...ids].map(find));
      return found.filter((session) => session !== undefined);
    },
    async begin(head, state) {
      await mkdir(coming(head.id), oursAlone);
      await writeFile(join(coming(head.id), nameOf('state')), state, ours);
      await writeFile(join(coming(head.id), headName), JSON.stringify(head), ours);
    },
    async add(id, index, bytes) {
      // Under another name until it is complete.
      const path = join(coming(id), nameOf(index));
      await writeFile(`${path}.part`, bytes, ours);
      await rename(`${path}.part`, path);
    },
    async count(id) {
      const names = await readdir(coming(id)).catch(() => []);
      return names.filter((name) => /^image-\d+$/.test(name)).length;
    },
    finish: (id) => rename(coming(id), whole(id)),
    read: (id, part) => readFile(join(whole(id), nameOf(part))).catch(() => undefined),
    async remove(id) {
      await Promise.all([whole(id), coming(id)].map((path) => rm(path, { recursive: true, force: true })));
    },
  };
}

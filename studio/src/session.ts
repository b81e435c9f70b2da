/**
 * The session survives a reload: images, boxes and answers are kept in this browser's own database, and nowhere else.
 */

import type { Answer, StudioImage } from './model.ts';
import { getState, type StudioState, setState, subscribe } from './store.ts';

const saveAfterMs = 250;

/** What is kept besides images. */
type Kept = Pick<
  StudioState,
  'currentId' | 'answerId' | 'task' | 'draft' | 'names' | 'counted' | 'detail' | 'captionStyle' | 'isFollowUp'
> & { readonly ids: readonly string[] };

/**
 * Restores the session of before, and from then on keeps every change. Without a database the page works all the same.
 */
export async function keepSession(): Promise<void> {
  let database: IDBDatabase;
  try {
    database = await open();
    await restore(database);
  } catch {
    return;
  }
  let saved = getState().images;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const save = () => {
    const state = getState();
    try {
      write(database, state, saved);
      saved = state.images;
    } catch {
      setState({ notice: 'This browser keeps no more; a reload will lose what follows.' });
    }
  };
  subscribe(() => {
    clearTimeout(timer);
    timer = setTimeout(save, saveAfterMs);
  });
  addEventListener('pagehide', save);
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('chatrex-studio', 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('images', { keyPath: 'id' });
      request.result.createObjectStore('session');
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('blocked'));
  });
}

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function restore(database: IDBDatabase): Promise<void> {
  const transaction = database.transaction(['images', 'session']);
  const [kept, images]: [Kept | undefined, StudioImage[]] = await Promise.all([
    done(transaction.objectStore('session').get('session')),
    done(transaction.objectStore('images').getAll()),
  ]);
  if (!kept) return;
  const byId = new Map(images.map((image) => [image.id, image]));
  const { ids, ...rest } = kept;
  setState({ ...rest, images: ids.flatMap((id) => byId.get(id) ?? []).map(settled) });
}

/** What was under way when the page went away is not any more. */
export const settled = (image: StudioImage): StudioImage => ({
  ...image,
  // Sessions of earlier versions have none.
  maxOverlap: image.maxOverlap ?? 1,
  status: image.status === 'looking' ? 'new' : image.status,
  answers: image.answers.map(
    (answer): Answer =>
      answer.status === 'waiting' || answer.status === 'writing' ? { ...answer, status: 'cancelled' } : answer,
  ),
});

function write(database: IDBDatabase, state: StudioState, saved: readonly StudioImage[]): void {
  const { images, currentId, answerId, task, draft, names, counted, detail, captionStyle, isFollowUp } = state;
  const transaction = database.transaction(['images', 'session'], 'readwrite');
  const store = transaction.objectStore('images');
  const before = new Set(saved);
  const ids = images.map(({ id }) => id);
  for (const image of images) if (!before.has(image)) store.put(image);
  for (const { id } of saved) if (!ids.includes(id)) store.delete(id);
  const kept: Kept = { ids, currentId, answerId, task, draft, names, counted, detail, captionStyle, isFollowUp };
  transaction.objectStore('session').put(kept, 'session');
}

/** A link to all that is open: the server keeps it in its own store, and gives it back to whoever has the link. */

import { json, send } from './api.ts';
import { readSession } from './kept-session.ts';
import { newId, type StudioImage } from './model.ts';
import { settled } from './session.ts';
import { getState, setState, show } from './store.ts';

export interface Link {
  readonly id: string;
  readonly url: string;
  readonly expiresAt: string;
  /** What it leads to, to see whether anything has changed since. */
  readonly images: readonly StudioImage[];
}

const sessions = 'v1/chatrex/sessions';
/** Steps back that go along; each holds all boxes. */
const keptSteps = 20;

/**
 * Sends everything to the server.
 * @param onProgress images that are there, of how many
 * @throws StudioError in words for a person
 */
export async function makeLink(onProgress: (done: number, of: number) => void): Promise<Link> {
  const { images, currentId } = getState();
  const state = {
    version: 1,
    current: Math.max(
      0,
      images.findIndex(({ id }) => id === currentId),
    ),
    images: images.map((image) => {
      const { file: _, id: __, past, future, ...rest } = settled(image);
      return { ...rest, past: past.slice(-keptSteps), future: future.slice(0, keptSteps) };
    }),
  };
  const files = images.map(({ file }) => ({ bytes: file.size, type: typeOf(file) }));
  const reply = await send('POST', sessions, json, JSON.stringify({ images: files, state }));
  const { id, expires_at: expiresAt } = await reply.json();
  for (const [index, { file }] of images.entries()) {
    onProgress(index, images.length);
    await send('PUT', `${sessions}/${id}/images/${index}`, { 'content-type': typeOf(file) }, file);
  }
  const url = `${new URL('.', location.href).href}#session=${id}`;
  return { id, url, expiresAt, images };
}

const typeOf = ({ type }: Blob): string => (/^image\/[\w.+-]{1,40}$/.test(type) ? type : 'image/png');

export const deleteLink = async ({ id }: Link): Promise<void> => {
  await send('DELETE', `${sessions}/${id}`, {});
};

/** The session that the page's address names. */
export const linkedId = (): string | undefined => /^#session=([\w-]+)$/.exec(location.hash)?.[1];

/**
 * Opens the session of the page's address beside what is open already, and takes it out of the address, so that a
 * reload does not open it twice.
 * @throws StudioError in words for a person
 */
export async function openLink(id: string): Promise<void> {
  setState({ notice: 'Opening the session of this link…' });
  const reply = await send('GET', `${sessions}/${id}`, {});
  const { current, images } = readSession(await reply.json());
  const opened: StudioImage[] = [];
  for (const [index, image] of images.entries()) {
    const file = await (await send('GET', `${sessions}/${id}/images/${index}`, {})).blob();
    // The same session may be open already.
    opened.push(settled({ ...image, id: newId(), file }));
  }
  history.replaceState(undefined, '', location.pathname + location.search);
  const others = getState().images.length;
  setState({ images: [...getState().images, ...opened] });
  if (opened.length > 0) show(opened[Math.min(current, opened.length - 1)].id);
  const count = opened.length === 1 ? 'One image' : `${opened.length} images`;
  setState({ notice: others > 0 ? `${count} of the link opened beside what you had open.` : undefined });
}

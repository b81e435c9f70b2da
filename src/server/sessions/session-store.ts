/**
 * Sessions of the studio that people keep on this server, to come back to by a link: images, boxes, answers. Bounded in
 * number, bytes and age; the oldest go first. A session never changes. Its id cannot be guessed, and whoever has it may
 * open the session.
 */

import { randomBytes } from 'node:crypto';
import { ApiError } from '../api-error.ts';
import { sizeText } from '../settings.ts';
import type { KeptImage, PlacedSession, SessionPlace } from './session-place.ts';

export interface SessionLimits {
  readonly maxSessions: number;
  /** Of all sessions together; one may take half of it. 0 keeps none. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly maxImageBytes: number;
}

/** How long the images of a session may take to come. */
const comingMs = 3_600_000;
/** 128 bits. */
const idBytes = 16;
const idPattern = /^[\w-]{22}$/;

export class SessionStore {
  readonly #place: SessionPlace;
  readonly #limits: SessionLimits;
  readonly #now: () => number;
  /** Room is made for one session at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param now milliseconds since 1970 */
  constructor(place: SessionPlace, limits: SessionLimits, now: () => number = Date.now) {
    this.#place = place;
    this.#limits = limits;
    this.#now = now;
  }

  /**
   * Begins a session; it is there when the last of its images has come.
   * @param state all but the images, as JSON
   * @throws ApiError 413 when it is larger than one may be, 403 when this server keeps none
   */
  async create(images: readonly KeptImage[], state: string): Promise<{ id: string; expiresAt: number }> {
    const { maxBytes, maxAgeMs, maxImageBytes } = this.#limits;
    if (maxBytes === 0) throw new ApiError(403, 'this server keeps no sessions; export what you want to keep');
    const large = images.find(({ bytes }) => bytes > maxImageBytes);
    if (large)
      throw tooLarge(`an image of the session has ${sizeText(large.bytes)}`, `${sizeText(maxImageBytes)} each`);
    const content = Buffer.from(state);
    const bytes = images.reduce((sum, image) => sum + image.bytes, content.length);
    if (bytes > maxBytes / 2) throw tooLarge(`the session has ${sizeText(bytes)}`, sizeText(maxBytes / 2));
    const id = randomBytes(idBytes).toString('base64url');
    const createdAt = this.#now();
    await this.#inTurn(async () => {
      await this.#makeRoom(bytes);
      await this.#place.begin({ id, createdAt, bytes, images: [...images] }, content);
      if (images.length === 0) await this.#place.finish(id);
    });
    return { id, expiresAt: createdAt + maxAgeMs };
  }

  /**
   * Takes an image of a session that was begun.
   * @returns whether the session is whole now
   * @throws ApiError 404 for another session, 400 for bytes that are not what was announced
   */
  async addImage(id: string, index: number, bytes: Uint8Array): Promise<boolean> {
    const session = await this.#find(id);
    if (session?.isWhole) return true;
    const image = session?.images[index];
    if (!session || !image) throw this.#missing();
    if (bytes.length !== image.bytes) {
      const message = `image ${index} was announced with ${image.bytes} bytes, came ${bytes.length}`;
      throw new ApiError(400, message, { code: 'invalid_image' });
    }
    return this.#inTurn(async () => {
      // It may have become whole meanwhile, or gone.
      const now = await this.#find(id);
      if (!now) throw this.#missing();
      if (now.isWhole) return true;
      await this.#place.add(id, index, bytes);
      const isLast = (await this.#place.count(id)) === session.images.length;
      if (isLast) await this.#place.finish(id);
      return isLast;
    });
  }

  /** @throws ApiError 404 telling why it may be gone */
  async open(id: string): Promise<{ session: PlacedSession; expiresAt: number; state: string }> {
    const session = await this.#find(id);
    const state = session?.isWhole ? await this.#place.read(id, 'state') : undefined;
    if (!session || !state) throw this.#missing();
    return { session, expiresAt: session.createdAt + this.#limits.maxAgeMs, state: Buffer.from(state).toString() };
  }

  /** @throws ApiError 404 */
  async image(id: string, index: number): Promise<{ bytes: Uint8Array; type: string }> {
    const session = await this.#find(id);
    const image = session?.isWhole ? session.images[index] : undefined;
    const bytes = image && (await this.#place.read(id, index));
    if (!image || !bytes) throw this.#missing();
    return { bytes, type: image.type };
  }

  /** @throws ApiError 404 */
  async remove(id: string): Promise<void> {
    if (!(await this.#find(id))) throw this.#missing();
    await this.#place.remove(id);
  }

  /** Removes what is over. */
  async sweep(): Promise<void> {
    await this.#inTurn(() => this.#makeRoom());
  }

  async #find(id: string): Promise<PlacedSession | undefined> {
    if (!idPattern.test(id)) return undefined;
    const session = await this.#place.find(id);
    return session && !this.#isOver(session) ? session : undefined;
  }

  #isOver({ createdAt, isWhole }: PlacedSession): boolean {
    const age = this.#now() - createdAt;
    return age > this.#limits.maxAgeMs || (!isWhole && age > comingMs);
  }

  /** @param bytes of a session that is to come */
  async #makeRoom(bytes?: number): Promise<void> {
    const { maxSessions, maxBytes } = this.#limits;
    const kept = (await this.#place.all()).sort((a, b) => a.createdAt - b.createdAt);
    let total = kept.reduce((sum, session) => sum + session.bytes, bytes ?? 0);
    let count = kept.length + (bytes === undefined ? 0 : 1);
    for (const session of kept) {
      if (!this.#isOver(session) && count <= maxSessions && total <= maxBytes) continue;
      await this.#place.remove(session.id);
      total -= session.bytes;
      count--;
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  #missing(): ApiError {
    const { maxAgeMs, maxBytes, maxSessions } = this.#limits;
    const days = Math.max(1, Math.round(maxAgeMs / 86_400_000));
    const stop = this.#place.isLasting ? '' : ' and until the server stops';
    const rule = `this server keeps sessions for ${days} ${days === 1 ? 'day' : 'days'}${stop}`;
    const full = `the oldest go first when there are more than ${maxSessions}, or more than ${sizeText(maxBytes)}`;
    return new ApiError(404, `there is no session of this name (any more): ${rule}, and ${full}`, {
      code: 'session_not_found',
    });
  }
}

const tooLarge = (what: string, limit: string) =>
  new ApiError(413, `${what}, this server keeps at most ${limit} (chatrex serve --session-megabytes)`, {
    code: 'session_too_large',
  });

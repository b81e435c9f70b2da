/**
 * Images that the model has looked at, kept by their content for further questions: bounded in number and in bytes, the
 * longest unused forgotten first. An image that comes twice at once is looked at once.
 */

import { unlessAborted } from './deferred.ts';

export interface ImageCacheLimits {
  readonly maxEntries: number;
  /** Memory of all images together. One image is kept even if it takes more, as long as it is used. */
  readonly maxBytes: number;
}

interface Entry<T> {
  readonly key: string;
  readonly control: AbortController;
  readonly value: Promise<T>;
  isDone: boolean;
  sizeBytes: number;
  /** Requests that wait for it or use it. */
  users: number;
}

/** An image in use; it is not forgotten before `release`. */
export interface Lease<T> {
  readonly value: T;
  /** Whether it was there or on its way when it was asked for. */
  readonly isHit: boolean;
  /** The memory it takes now. */
  resize(sizeBytes: number): void;
  release(): void;
}

export class ImageCache<T extends { readonly sizeBytes: number }> {
  readonly #limits: ImageCacheLimits;
  readonly #onForget: (value: T) => void;
  /** The longest unused first. */
  readonly #entries = new Map<string, Entry<T>>();
  #bytes = 0;

  /** @param onForget told of every image that is dropped, after its last use */
  constructor(limits: ImageCacheLimits, onForget: (value: T) => void) {
    this.#limits = limits;
    this.#onForget = onForget;
  }

  get entries(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * @param encode looks at the image; its signal fires when nobody waits for it any more
   * @throws what `encode` throws; ChatRexError 'aborted' when `signal` fires meanwhile
   */
  async use(key: string, encode: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<Lease<T>> {
    const found = this.#entries.get(key);
    const entry = found ?? this.#begin(key, encode);
    entry.users++;
    this.#touch(entry);
    try {
      const value = await unlessAborted(entry.value, signal);
      return this.#lease(entry, value, found !== undefined);
    } catch (error) {
      this.#leave(entry);
      throw error;
    }
  }

  /** Drops everything without a word to `onForget`: what was kept is gone already. */
  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #begin(key: string, encode: (signal: AbortSignal) => Promise<T>): Entry<T> {
    const control = new AbortController();
    const value = encode(control.signal);
    const entry: Entry<T> = { key, control, value, isDone: false, sizeBytes: 0, users: 0 };
    this.#entries.set(key, entry);
    value.then(
      ({ sizeBytes }) => {
        entry.isDone = true;
        this.#resize(entry, sizeBytes);
      },
      () => this.#drop(entry),
    );
    return entry;
  }

  #lease(entry: Entry<T>, value: T, isHit: boolean): Lease<T> {
    let isReleased = false;
    return {
      value,
      isHit,
      resize: (sizeBytes) => this.#resize(entry, sizeBytes),
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.#leave(entry);
      },
    };
  }

  #leave(entry: Entry<T>): void {
    entry.users--;
    if (entry.users === 0 && !entry.isDone) {
      // A later request must not join work that is being given up.
      this.#drop(entry);
      entry.control.abort();
      // It may have been complete before it heard of that.
      entry.value.then(this.#onForget, () => {});
    }
    this.#evict();
  }

  #touch(entry: Entry<T>): void {
    if (!this.#isKept(entry)) return;
    this.#entries.delete(entry.key);
    this.#entries.set(entry.key, entry);
  }

  #resize(entry: Entry<T>, sizeBytes: number): void {
    if (!this.#isKept(entry)) return;
    this.#bytes += sizeBytes - entry.sizeBytes;
    entry.sizeBytes = sizeBytes;
    this.#evict();
  }

  #evict(): void {
    for (const entry of this.#entries.values()) {
      if (this.#entries.size <= this.#limits.maxEntries && this.#bytes <= this.#limits.maxBytes) return;
      if (entry.users > 0) continue;
      this.#drop(entry);
      entry.value.then(this.#onForget);
    }
  }

  #drop(entry: Entry<T>): void {
    if (!this.#isKept(entry)) return;
    this.#entries.delete(entry.key);
    this.#bytes -= entry.sizeBytes;
  }

  /** A cleared cache knows nothing of its old entries, nor of a new one under the same key. */
  #isKept(entry: Entry<T>): boolean {
    return this.#entries.get(entry.key) === entry;
  }
}

/** A few sessions, the least recently used of which makes room for a new one. */

import { ChatRexError } from '../errors.ts';

interface Disposable {
  dispose(): Promise<void>;
}

export class SessionCache<S extends Disposable> {
  readonly #capacity: number;
  /** In the order of last use. */
  readonly #sessions = new Map<string, S>();
  #isDisposed = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /**
   * The session of `key`, made by `create` when there is none. To be called and awaited one at a time; not after
   * `dispose`.
   */
  async get(key: string, create: () => Promise<S>): Promise<S> {
    if (this.#isDisposed) throw new ChatRexError('runtime', 'the proposal network was disposed; load it again');
    let session = this.#sessions.get(key);
    if (session) this.#sessions.delete(key);
    else {
      for (const [oldest, unused] of this.#sessions) {
        if (this.#sessions.size < this.#capacity) break;
        this.#sessions.delete(oldest);
        await unused.dispose();
      }
      session = await create();
    }
    this.#sessions.set(key, session);
    return session;
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(sessions.map((session) => session.dispose()));
  }
}

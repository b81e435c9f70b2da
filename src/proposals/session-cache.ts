/** A few sessions, the least recently used of which makes room for a new one, shared by calls that overlap. */

import { ChatRexError } from '../errors.ts';

interface Disposable {
  dispose(): Promise<void>;
}

interface Entry<S> {
  readonly session: Promise<S>;
  users: number;
}

export class SessionCache<S extends Disposable> {
  readonly #capacity: number;
  /** In the order of last use. */
  readonly #entries = new Map<string, Entry<S>>();
  readonly #underWay = new Set<Promise<unknown>>();
  #sleepers: (() => void)[] = [];
  #isDisposed = false;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /**
   * A call that uses sessions, one or several: `dispose` waits for it.
   * @throws ChatRexError 'runtime' after `dispose`; whatever `call` throws
   */
  async during<T>(call: () => Promise<T>): Promise<T> {
    if (this.#isDisposed) throw new ChatRexError('runtime', 'the proposal network was disposed; load it again');
    const result = call();
    this.#underWay.add(result);
    try {
      return await result;
    } finally {
      this.#underWay.delete(result);
    }
  }

  /**
   * Runs `work` with the session of `key`; `create` makes it when there is none. Waits while the cache is full and all
   * its sessions are in use. Call it inside of `during`.
   */
  async use<T>(key: string, create: () => Promise<S>, work: (session: S) => Promise<T>): Promise<T> {
    let entry = this.#entries.get(key);
    while (!entry) {
      const made = this.#makeRoom();
      if (made) entry = { session: made.then(create), users: 0 };
      else {
        await new Promise<void>((wake) => this.#sleepers.push(wake));
        entry = this.#entries.get(key);
      }
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.users++;
    try {
      return await work(await entry.session);
    } catch (error) {
      await this.#forgetIfNotMade(key, entry);
      throw error;
    } finally {
      entry.users--;
      for (const wake of this.#sleepers.splice(0)) wake();
    }
  }

  /** Frees the sessions after the calls under way. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await Promise.allSettled(this.#underWay);
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map(async ({ session }) => (await session).dispose()));
  }

  /** Frees the oldest sessions that nobody uses until one more fits; undefined when none does. */
  #makeRoom(): Promise<unknown> | undefined {
    const freed: Promise<void>[] = [];
    for (const [key, { users, session }] of this.#entries) {
      if (this.#entries.size < this.#capacity) break;
      if (users > 0) continue;
      this.#entries.delete(key);
      freed.push(session.then((unused) => unused.dispose()));
    }
    return this.#entries.size < this.#capacity ? Promise.all(freed) : undefined;
  }

  /** The next call may find what was missing. */
  async #forgetIfNotMade(key: string, entry: Entry<S>): Promise<void> {
    await entry.session.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
  }
}

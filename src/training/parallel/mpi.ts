/**
 * MPI, as far as training needs it: a sum and an exchange of short texts between the processes that `mpirun` started.
 * The library is the machine's own Open MPI, found when it is wanted and called through the package koffi; nothing is
 * compiled.
 */

import koffi from 'koffi';
import { ChatRexError } from '../../errors.ts';

/** Processes that train together, one of which is this. */
export interface Ranks {
  readonly rank: number;
  readonly size: number;
  /** The sum over all ranks takes the place of `values`; every rank calls it with as many. */
  sum(values: Float32Array): Promise<void>;
  /** What every rank says, in the order of the ranks; all wait for all. */
  gather(text: string): Promise<string[]>;
}

/** Names of Open MPI's library: versions 4 and 5 on Linux, the link for developers, and macOS. */
const libraryNames = ['libmpi.so.40', 'libmpi.so', 'libmpi.dylib'];
/** Longest text of `gather`: the metrics of a step. */
const slotBytes = 8192;
/** Counts are 32-bit, and receiving takes as much memory again. */
const mostFloats = 2 ** 26;
/** Calls come from other threads than the first, one at a time. */
const threadSerialized = 2;
const inPlace = 1n;

type Call = (...args: unknown[]) => Promise<void>;

export class Mpi implements Ranks {
  readonly rank: number;
  readonly size: number;
  readonly #allReduce: Call;
  readonly #allGather: Call;
  readonly #finalize: Call;
  readonly #abort: (code: number) => void;

  private constructor(
    place: { rank: number; size: number },
    calls: { allReduce: Call; allGather: Call; finalize: Call; abort: (code: number) => void },
  ) {
    this.rank = place.rank;
    this.size = place.size;
    this.#allReduce = calls.allReduce;
    this.#allGather = calls.allGather;
    this.#finalize = calls.finalize;
    this.#abort = calls.abort;
  }

  /**
   * Joins the processes of `mpirun`; undefined in a process that it did not start, or started alone.
   * @throws ChatRexError 'unsupported' without Open MPI's library, or under another MPI
   * @example const ranks = await Mpi.join(process.env);
   */
  static async join(environment: Readonly<Record<string, string | undefined>>): Promise<Mpi | undefined> {
    const size = Number(environment.OMPI_COMM_WORLD_SIZE ?? 1);
    if (size === 1 && Number(environment.PMI_SIZE ?? 1) > 1) {
      throw new ChatRexError('unsupported', 'mpirun is not that of Open MPI, which training needs; start it with that');
    }
    return size > 1 ? Mpi.#open() : undefined;
  }

  static async #open(): Promise<Mpi> {
    const library = openLibrary();
    const world = library.symbol('ompi_mpi_comm_world');
    const provided = [0];
    library.func('int MPI_Init_thread(void *, void *, int, _Out_ int *)')(null, null, threadSerialized, provided);
    if (provided[0] < threadSerialized) {
      throw new ChatRexError('unsupported', 'this MPI takes calls of one thread only; install one built with threads');
    }
    const ask = (name: string): number => {
      const answer = [0];
      library.func(`int ${name}(void *, _Out_ int *)`)(world, answer);
      return answer[0];
    };
    const call = (prototype: string): Call => {
      const { async: start } = library.func(prototype);
      return (...args) =>
        new Promise((resolve, reject) => {
          start(...args, (error: unknown, code: number) => {
            if (error || code !== 0) reject(new ChatRexError('runtime', `MPI failed: ${error ?? `code ${code}`}`));
            else resolve();
          });
        });
    };
    const [float, byte, sum] = ['float', 'byte', 'op_sum'].map((name) => library.symbol(`ompi_mpi_${name}`));
    const reduce = call('int MPI_Allreduce(void *, void *, int, void *, void *, void *)');
    const gather = call('int MPI_Allgather(void *, int, void *, void *, int, void *, void *)');
    const abort = library.func('int MPI_Abort(void *, int)');
    return new Mpi(
      { rank: ask('MPI_Comm_rank'), size: ask('MPI_Comm_size') },
      {
        allReduce: (values, count) => reduce(inPlace, values, count, float, sum, world),
        allGather: (own, all) => gather(own, slotBytes, byte, all, slotBytes, byte, world),
        finalize: call('int MPI_Finalize()'),
        abort: (code) => abort(world, code),
      },
    );
  }

  async sum(values: Float32Array): Promise<void> {
    for (let start = 0; start < values.length; start += mostFloats) {
      const part = values.subarray(start, start + mostFloats);
      await this.#allReduce(part, part.length);
    }
  }

  async gather(text: string): Promise<string[]> {
    const own = new Uint8Array(slotBytes);
    const { read } = new TextEncoder().encodeInto(text, own);
    if (read < text.length) {
      throw new ChatRexError('limit-exceeded', `a rank says ${text.length} characters; at most ${slotBytes} bytes fit`);
    }
    const all = new Uint8Array(slotBytes * this.size);
    await this.#allGather(own, all);
    return Array.from({ length: this.size }, (_, rank) => {
      const slot = all.subarray(rank * slotBytes, (rank + 1) * slotBytes);
      const end = slot.indexOf(0);
      return new TextDecoder().decode(end < 0 ? slot : slot.subarray(0, end));
    });
  }

  /** Leaves, after the last call of every rank. */
  async finalize(): Promise<void> {
    await this.#finalize();
  }

  /** Ends all ranks at once, this one too. */
  abort(code: number): void {
    this.#abort(code);
  }
}

function openLibrary() {
  for (const name of libraryNames) {
    try {
      const library = koffi.load(name, { global: true });
      // Another MPI may bear the same name.
      library.symbol('ompi_mpi_comm_world');
      return library;
    } catch {}
  }
  throw new ChatRexError(
    'unsupported',
    `mpirun: found no library of Open MPI (${libraryNames.join(', ')}); install it, or set LD_LIBRARY_PATH to its folder`,
  );
}

/** Lets the event loop turn between two pieces of work on a large request, so that no other waits for all of them. */

/** Work on less takes no time that anybody notices. */
const largeBytes = 2 ** 18;

/** @param sizeBytes what the next piece of work is about */
export async function yieldTurn(sizeBytes: number): Promise<void> {
  if (sizeBytes >= largeBytes) await new Promise((resolve) => setImmediate(resolve));
}

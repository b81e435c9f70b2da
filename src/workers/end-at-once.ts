/**
 * Ends this process as the signal does by default, without running exit handlers: with a session under way in another
 * thread, they would make native code abort with a message of its own.
 */
export function endAtOnce(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

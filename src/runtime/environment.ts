/**
 * The process-wide environment of ONNX Runtime, where the command line is long.
 *
 * With the first session of a process ONNX Runtime for Linux searches `/proc/self/cmdline` with a regular expression
 * that recurses over every character (`std::regex`): some 25 kB overflow the main thread's stack of 8 MB, and the
 * process dies without a word (139). The search happens once, so a thread with a stack that is large enough makes the
 * first session. Short command lines cost one small read.
 */

import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { ChatRexError } from '../errors.ts';

/** Shorter command lines fit the 4 MB stack of a worker thread five times over. */
const shortBytes = 2048;

/** The search takes 330 bytes of stack a character; only what is touched becomes memory. */
const stackBytesPerCharacter = 512;
const spareStackMb = 16;

let ready: Promise<void> | undefined;

/**
 * To be awaited before the first session of a process or thread.
 * @param engine where ONNX Runtime's module is, as `import` takes it
 * @throws ChatRexError 'limit-exceeded' when no thread with such a stack can be had
 */
export function prepareEnvironment(engine: string): Promise<void> {
  ready ??= commandLineBytes() < shortBytes ? Promise.resolve() : makeFirstSession(engine, commandLineBytes());
  return ready;
}

/** 0 where the system has no such file; ONNX Runtime reads none there. */
function commandLineBytes(): number {
  try {
    return readFileSync('/proc/self/cmdline').byteLength;
  } catch {
    return 0;
  }
}

async function makeFirstSession(engine: string, bytes: number): Promise<void> {
  const stackSizeMb = spareStackMb + Math.ceil((bytes * stackBytesPerCharacter) / 2 ** 20);
  // No model is needed: the environment is there before the bytes are found to be none.
  const code = `import(${JSON.stringify(engine)}).then(async ({ env, InferenceSession }) => {
    env.logLevel = 'fatal';
    await InferenceSession.create(new Uint8Array(1)).catch(() => {});
  });`;
  try {
    const thread = new Worker(code, { eval: true, execArgv: [], resourceLimits: { stackSizeMb } });
    await new Promise<void>((resolve, reject) => thread.on('exit', () => resolve()).on('error', reject));
  } catch (cause) {
    throw new ChatRexError(
      'limit-exceeded',
      `the command line has ${bytes} bytes, for which ONNX Runtime needs a stack of ${stackSizeMb} MB that cannot be had; ` +
        'shorten it: name a folder, or give the list or the question on standard input',
      { cause },
    );
  }
}

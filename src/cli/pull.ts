/** `chatrex pull`: brings a model of the Hugging Face Hub to this machine, whole or quantised as it arrives. */

import { createInterface } from 'node:readline/promises';
import { Command, Option } from 'commander';
import { pullQuantized } from '../chatrex/pull-quantized.ts';
import { ChatRexError } from '../errors.ts';
import { type QuantizedLanguageFormat, quantizedLanguageFormats } from '../language/language-format.ts';
import type { Quantization } from '../language/load.ts';
import { publishedFiles } from '../weights/hub/cache.ts';
import {
  gigabytes,
  type PullOptions,
  type PullPlan,
  type PullProgress,
  pullFile,
  pullModel,
} from '../weights/hub/pull.ts';
import { parseRepository } from '../weights/hub/repository.ts';
import { interruptible } from './interruption.ts';
import { type ProgressBar, progressBar } from './progress.ts';

interface PullCommandOptions {
  quantize?: QuantizedLanguageFormat;
  out?: string;
  yes?: boolean;
  json?: boolean;
}

/** Less is fetched without a question. */
const muchBytes = 100e6;

export function pullCommand(): Command {
  return new Command('pull')
    .description('fetch a model of the Hugging Face Hub; its name then works wherever a folder does')
    .argument('<model>', `owner/name, owner/name#revision, or ${Object.keys(publishedFiles).join(', ')}`)
    .addOption(
      new Option('--quantize <format>', 'make the smaller folder of it as it arrives').choices([
        ...quantizedLanguageFormats,
      ]),
    )
    .option('--out <folder>', 'the folder to make with --quantize')
    .option('--yes', 'do not ask before much is fetched')
    .option('--json', 'print the folder as JSON')
    .addHelpText('after', helpText)
    .action((model: string, options: PullCommandOptions) => interruptible((signal) => pull(model, options, signal)));
}

const helpText = `
What comes is checked, and kept in the cache that Hugging Face's own tools use; a cut download continues. HF_TOKEN,
HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE and HTTPS_PROXY are heeded.

Examples:
  chatrex pull IDEA-Research/ChatRex-7B
  chatrex pull IDEA-Research/ChatRex-7B --quantize int4 --out models/chatrex-7b-int4
  chatrex pull upn-large
  chatrex detect photo.jpg "dog" --model models/chatrex-7b-int4 --upn upn-large`;

async function pull(model: string, options: PullCommandOptions, signal: AbortSignal): Promise<void> {
  const meter = createMeter();
  const pullOptions: PullOptions = {
    signal,
    onProgress: meter.onProgress,
    confirm: (plan) => (options.yes || plan.bytes < muchBytes ? Promise.resolve(true) : ask(plan)),
  };
  const path = await fetchModel(model, options, pullOptions, meter);
  meter.end(`${model} is in ${path}`);
  process.stdout.write(options.json ? `${JSON.stringify({ model, path })}\n` : `${path}\n`);
}

async function fetchModel(
  model: string,
  { quantize, out }: PullCommandOptions,
  options: PullOptions,
  meter: Meter,
): Promise<string> {
  if ((quantize === undefined) !== (out === undefined)) {
    throw new ChatRexError('invalid-argument', 'pull: --quantize and --out belong together; name the folder to make');
  }
  const address = publishedFiles[model];
  if (address !== undefined) return pullFile(address, options);
  const repository = parseRepository(model);
  if (!repository) {
    const known = Object.keys(publishedFiles).join(', ');
    throw new ChatRexError('invalid-argument', `pull: expected owner/name or ${known}, came '${model}'`);
  }
  if (quantize === undefined || out === undefined) return pullModel(repository, options);
  const quantization: Quantization = { language: quantize };
  const onShard = (shard: string, done: number, count: number) => meter.status(`${shard} (${done + 1} of ${count})`);
  return pullQuantized(repository, out, quantization, { ...options, onShard });
}

/** On a terminal; a script that calls `pull` has decided already. */
async function ask({ name, bytes, folder }: PullPlan): Promise<boolean> {
  const text = `${name}: ${gigabytes(bytes)} to fetch into ${folder}`;
  if (!process.stdin.isTTY) {
    process.stderr.write(`${text}\n`);
    return true;
  }
  const line = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await line.question(`${text}. Go on? [y/N] `);
  line.close();
  return /^y(es)?$/i.test(answer.trim());
}

interface Meter {
  onProgress(progress: PullProgress): void;
  status(text: string): void;
  end(text: string): void;
}

/** Megabytes, time left, and how fast they have come since the beginning. */
function createMeter(): Meter {
  let bar: ProgressBar | undefined;
  const started = performance.now();
  return {
    onProgress: ({ doneBytes, totalBytes, file }) => {
      bar ??= progressBar('pull (MB)', Math.max(1, Math.round(totalBytes / 1e6)));
      const perSecond = doneBytes / ((performance.now() - started) / 1000);
      bar.update(Math.floor(doneBytes / 1e6), `${gigabytes(perSecond)}/s  ${file}`);
    },
    status: (text) => {
      bar ??= progressBar('pull', 1);
      bar.status(text);
    },
    end: (text) => (bar ?? progressBar('pull', 1)).end(text),
  };
}

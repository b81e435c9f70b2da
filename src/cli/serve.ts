/** `chatrex serve`: a server that programs for OpenAI's API already speak to. */

import { basename } from 'node:path';
import { Command } from 'commander';
import { readApiKeys } from '../server/api-keys.ts';
import { createLog } from '../server/log.ts';
import {
  defaultEngineSettings,
  defaultHttpSettings,
  defaultListenSettings,
  defaultSessionSettings,
  largestImage,
} from '../server/settings.ts';
import { type ServerSettings, startServer } from '../server/start-server.ts';
import { untilSignal } from './interruption.ts';
import { list, whole, wholeNumber } from './option-types.ts';

export interface ServeOptions {
  port: number;
  host: string;
  model: string;
  name?: string;
  upn?: string;
  threads?: number;
  apiKeyFile?: string;
  cors: string[];
  allowHost: string[];
  behindProxy?: boolean;
  concurrency: number;
  queue: number;
  cacheImages: number;
  cacheMegabytes: number;
  timeout: number;
  maxBody: number;
  grace: number;
  sessions?: string;
  sessionMegabytes: number;
  sessionDays: number;
  quiet?: boolean;
}

const mebibyte = 2 ** 20;

export const serveCommand = (): Command =>
  withServerOptions(
    new Command('serve').description(
      'serve the model over HTTP: OpenAI’s API with boxes, routes of its own, the studio',
    ),
  )
    .addHelpText(
      'after',
      `
The log is JSON, a line per request, on standard error; it holds neither images nor texts.
SIGTERM or Ctrl-C ends the server when the requests under way have their answers; a second one ends it at once.

Examples:
  chatrex serve
  chatrex serve --host 0.0.0.0 --allow-host chatrex.example.com --api-key-file keys.txt`,
    )
    .action((options: ServeOptions) => serve(options, (url) => `ChatRex answers at ${url}\n`));

/** The options of every command that starts a server. */
export const withServerOptions = (command: Command): Command =>
  command
    .option('--port <port>', 'where to listen; 0 takes any free one', wholeNumber, defaultListenSettings.port)
    .option(
      '--host <host>',
      'the address to listen at; 0.0.0.0 is every one of this machine',
      defaultListenSettings.host,
    )
    .option('--model <model>', 'a model folder, or the name of a bundled model', defaultEngineSettings.model)
    .option('--name <name>', 'what clients call the model; the folder’s name by default')
    .option('--upn <model>', 'override the proposal network of the folder')
    .option('--threads <n>', 'threads of the model; all cores by default', wholeNumber)
    .option('--api-key-file <file>', 'let in only requests with one of these keys, one a line')
    .option('--cors <origin>', 'let pages of this origin ask; may be given several times', list, [])
    .option('--allow-host <name>', 'answer to this host name too; may be given several times', list, [])
    .option('--behind-proxy', 'take the client’s address from X-Forwarded-For')
    .option('--concurrency <n>', 'questions worked on at once', wholeNumber, defaultEngineSettings.concurrency)
    .option('--queue <n>', 'requests that may wait; beyond it comes 429', wholeNumber, defaultEngineSettings.maxWaiting)
    .option('--cache-images <n>', 'images kept for further questions', wholeNumber, defaultEngineSettings.cacheEntries)
    .option(
      '--cache-megabytes <n>',
      'memory they may take',
      wholeNumber,
      Math.floor(defaultEngineSettings.cacheBytes / mebibyte),
    )
    .option('--timeout <seconds>', 'for one request', wholeNumber, defaultEngineSettings.timeoutMs / 1000)
    .option(
      '--max-body <MiB>',
      'largest request; images of three quarters of it, less 1 MiB, are taken',
      whole(2, 512),
      defaultHttpSettings.maxBodyBytes / mebibyte,
    )
    .option('--grace <seconds>', 'for requests under way at the end', wholeNumber, defaultListenSettings.graceMs / 1000)
    .option('--sessions <folder>', 'keep the studio’s sessions here, for links to them; in memory by default')
    .option(
      '--session-megabytes <n>',
      'what all sessions may take; the oldest go first, 0 keeps none',
      wholeNumber,
      defaultSessionSettings.sessionBytes / mebibyte,
    )
    .option('--session-days <n>', 'how long a session is kept', whole(1, 3650), defaultSessionSettings.sessionDays)
    .option('--quiet', 'log failures alone');

/** Serves until a signal ends it; `announce` is what standard output says when it answers. */
export async function serve(options: ServeOptions, announce: (url: string) => string): Promise<void> {
  const log = createLog((line) => {
    if (!options.quiet || line.includes('"level":"error"')) process.stderr.write(line);
  });
  const server = await startServer(await settingsOf(options), { log });
  process.stdout.write(announce(server.url));
  await untilSignal();
  await server.stop();
}

async function settingsOf(options: ServeOptions): Promise<Partial<ServerSettings>> {
  const isLoopback = ['127.0.0.1', '::1', 'localhost'].includes(options.host);
  return {
    host: options.host,
    port: options.port,
    model: options.model,
    modelName: options.name ?? basename(options.model),
    upn: options.upn,
    threads: options.threads,
    apiKeys: options.apiKeyFile === undefined ? defaultHttpSettings.apiKeys : await readApiKeys(options.apiKeyFile),
    corsOrigins: options.cors,
    // Only at the machine's own address does a wrong name mean that somebody is led here.
    allowedHosts: isLoopback || options.allowHost.length > 0 ? options.allowHost : undefined,
    isBehindProxy: options.behindProxy === true,
    concurrency: options.concurrency,
    maxWaiting: options.queue,
    maxWaitingPerClient: Math.ceil(options.queue / 2),
    cacheEntries: options.cacheImages,
    cacheBytes: options.cacheMegabytes * mebibyte,
    timeoutMs: options.timeout * 1000,
    maxBodyBytes: options.maxBody * mebibyte,
    maxImageBytes: largestImage(options.maxBody * mebibyte),
    graceMs: options.grace * 1000,
    sessionFolder: options.sessions,
    sessionBytes: options.sessionMegabytes * mebibyte,
    sessionDays: options.sessionDays,
  };
}

/** Every limit of the server with its default and its reason. */

import { totalmem } from 'node:os';
import { defaultModel } from '../bundled-models.ts';

export interface EngineSettings {
  /** Model folder, or name of a bundled model. */
  readonly model: string;
  /** Another proposal network than the model's. */
  readonly upn?: string;
  /** Threads of one operator; all cores by default. */
  readonly threads?: number;
  /** Questions that are worked on at once; their answers are written together where memory allows. */
  readonly concurrency: number;
  /** Memory for answers that are written together. */
  readonly batchBytes: number;
  /** Requests that may wait, of all clients and of one. */
  readonly maxWaiting: number;
  readonly maxWaitingPerClient: number;
  /** Images kept for further questions, and the memory they may take together. */
  readonly cacheEntries: number;
  readonly cacheBytes: number;
  /** Most pixels of an image. */
  readonly maxPixels: number;
  /** How long one request may take from its turn on. */
  readonly timeoutMs: number;
}

export interface HttpSettings {
  /** The name that clients call the model by. */
  readonly modelName: string;
  /** Largest body of a request; an image in it takes a third more than its file. */
  readonly maxBodyBytes: number;
  /** Largest image file, sent or fetched. */
  readonly maxImageBytes: number;
  /** Keys of which a request must show one; without any, everybody may ask. */
  readonly apiKeys: readonly string[];
  /** Origins whose pages may ask. */
  readonly corsOrigins: readonly string[];
  /** Host names that requests may name besides this machine's loopback names; undefined allows every name. */
  readonly allowedHosts?: readonly string[];
  /** Whether a proxy in front tells the client's address in X-Forwarded-For. */
  readonly isBehindProxy: boolean;
}

export interface SessionSettings {
  /** Folder for the studio's sessions; in memory by default. */
  readonly sessionFolder?: string;
  readonly maxSessions: number;
  /** Of all sessions together; 0 keeps none. */
  readonly sessionBytes: number;
  readonly sessionDays: number;
}

export interface ListenSettings {
  readonly host: string;
  readonly port: number;
  /** Time for the headers of a request, and for the whole of it. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long a connection without a request stays open. */
  readonly keepAliveMs: number;
  /** How long a client may leave an answer unread, besides the time that its length takes at the slowest rate. */
  readonly readTimeoutMs: number;
  readonly slowestBytesPerSecond: number;
  readonly maxConnections: number;
  /** How long requests under way may take when the server is told to stop. */
  readonly graceMs: number;
}

export const defaultEngineSettings: EngineSettings = {
  model: defaultModel,
  // Four take half the time of four alone, eight a little less; more make each wait long (bench/batching.ts).
  concurrency: 8,
  batchBytes: 2 ** 29,
  maxWaiting: 512,
  maxWaitingPerClient: 256,
  cacheEntries: 256,
  // The model and its work need the rest.
  cacheBytes: Math.min(2 ** 32, Math.floor(totalmem() / 8)),
  // A 50-megapixel camera fits, and decoded pixels stay near 150 MB.
  maxPixels: 50_000_000,
  timeoutMs: 600_000,
};

/** Bytes for people. */
export const sizeText = (bytes: number): string =>
  bytes < 2 ** 20 ? `${bytes} bytes` : `${Number((bytes / 2 ** 20).toFixed(1))} MiB`;

const defaultBodyBytes = 17 * 2 ** 20;

/** What a request says besides its image, generously. */
const otherBytes = 2 ** 20;

/** The largest image file that fits into a body of JSON, where it takes a third more. */
export const largestImage = (bodyBytes: number): number => Math.max(0, Math.floor(((bodyBytes - otherBytes) * 3) / 4));

export const defaultHttpSettings: HttpSettings = {
  modelName: defaultModel,
  // A photograph of a telephone has 4 to 8 MB. Every step of reading a body of this size takes the event loop some
  // 25 ms, and nobody else may wait longer than 50.
  maxBodyBytes: defaultBodyBytes,
  maxImageBytes: largestImage(defaultBodyBytes),
  apiKeys: [],
  corsOrigins: [],
  isBehindProxy: false,
};

export const defaultSessionSettings: SessionSettings = {
  maxSessions: 500,
  // A telephone's photographs of a day; in memory they stay beside the model.
  sessionBytes: 256 * 2 ** 20,
  sessionDays: 30,
};

export const defaultListenSettings: ListenSettings = {
  host: '127.0.0.1',
  port: 3000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  keepAliveMs: 5_000,
  readTimeoutMs: 30_000,
  slowestBytesPerSecond: 10_000,
  maxConnections: 4096,
  graceMs: 30_000,
};

/** Most boxes that a client may give for one image; the model speaks about the best hundred. */
export const maxGivenBoxes = 1000;
/** Most characters of a conversation: far more than any model has positions for. */
export const maxTextLength = 65_536;
export const maxMessages = 256;
export const maxStopTexts = 4;

/** Threads of sessions, and how runs that are asked for at the same time share the cores. */

import { availableParallelism } from 'node:os';
import { ChatRexError } from '../errors.ts';
import { Turns } from './turns.ts';

/**
 * Threads of sessions that are not told how many: the environment may say so where several processes share a machine.
 * Threads that wait for each other there take many times as long as one alone.
 */
export function defaultThreads({ CHATREX_THREADS: given } = process.env): number {
  if (given === undefined || given === '') return availableParallelism();
  const threads = Number(given);
  if (Number.isInteger(threads) && threads > 0) return threads;
  throw new ChatRexError('invalid-argument', `CHATREX_THREADS: expected a whole number from 1 up, came '${given}'`);
}

/**
 * Runs share the cores: those that have all come one after the other, those of sessions with one thread side by side.
 */
export const threadsInUse = new Turns(defaultThreads);

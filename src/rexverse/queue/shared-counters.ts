/**
 * One account of calls for all machines of a run, in the queue's own server: calls under way as leases that end by
 * themselves when their machine is lost, requests and tokens that grow with time.
 */

import { ChatRexError } from '../../errors.ts';
import type { Limits } from '../work/limiter.ts';
import { oncePostgresIsUp } from './postgres-is-up.ts';

export interface SharedCounters {
  /**
   * Asks for a call.
   * @returns 0 when it may be made: it is counted, and the lease is held; else milliseconds to wait before asking again
   */
  take(endpoint: string, lease: string, tokens: number): Promise<number>;
  /** A call has ended: its lease, tokens that it took beyond its estimate, and how long everybody has to wait. */
  give(endpoint: string, lease: string, moreTokens: number, pauseMs: number): Promise<void>;
  /** These calls are still under way. */
  renew(endpoint: string, leases: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface SharedCountersOptions {
  readonly limits: Limits;
  /** A lease that is not renewed for this long is lost. */
  readonly leaseMs: number;
}

/**
 * @param url that of the queue: Redis or PostgreSQL
 * @param name of the run's queue
 */
export async function openSharedCounters(
  url: string,
  name: string,
  options: SharedCountersOptions,
): Promise<SharedCounters> {
  try {
    return /^postgres/.test(url) ? await openPostgres(url, name, options) : await openRedis(url, name, options);
  } catch (cause) {
    if (cause instanceof ChatRexError) throw cause;
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new ChatRexError('runtime', `limits are kept by ${url.split('@').at(-1)}, which does not answer: ${said}`, {
      cause,
    });
  }
}

/** How long to wait for a free place among the calls under way. */
const placeMs = 50;

/**
 * KEYS: account, leases. ARGV: lease, tokens, places, requests and tokens a minute (0 has no limit), lease time.
 * The account grows up to a second's worth, as `Limiter`'s does; a call may start when tokens are not in debt.
 */
const takeScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local places, requestRate, tokenRate = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local known = redis.call('HMGET', KEYS[1], 'requests', 'tokens', 'at', 'paused')
local paused = tonumber(known[4] or '0')
if paused > now then return paused - now end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if places > 0 and redis.call('ZCARD', KEYS[2]) >= places then return ${placeMs} end
local minutes = (now - tonumber(known[3] or now)) / 60000
local requests = math.min(math.max(1, requestRate / 60), tonumber(known[1] or math.max(1, requestRate / 60)) + minutes * requestRate)
local tokens = math.min(tokenRate / 60, tonumber(known[2] or tokenRate / 60) + minutes * tokenRate)
local wait = 0
if requestRate > 0 and requests < 1 then wait = (1 - requests) / requestRate * 60000 end
if tokenRate > 0 and tokens < 0 then wait = math.max(wait, -tokens / tokenRate * 60000) end
if wait == 0 then
  requests = requests - 1
  tokens = tokens - tonumber(ARGV[2])
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[6]), ARGV[1])
end
redis.call('HSET', KEYS[1], 'requests', tostring(requests), 'tokens', tostring(tokens), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], 3600000)
redis.call('PEXPIRE', KEYS[2], 3600000)
return math.ceil(wait)`;

/** KEYS as above. ARGV: lease, more tokens, pause. */
const giveScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREM', KEYS[2], ARGV[1])
if tonumber(ARGV[2]) ~= 0 then redis.call('HINCRBYFLOAT', KEYS[1], 'tokens', -ARGV[2]) end
local paused = tonumber(redis.call('HGET', KEYS[1], 'paused') or '0')
if tonumber(ARGV[3]) > 0 and now + ARGV[3] > paused then
  redis.call('HSET', KEYS[1], 'paused', tostring(now + ARGV[3]))
end
return 0`;

/** KEYS: leases. ARGV: lease time, leases. Only those that are still counted. */
const renewScript = `
local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
for at = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', ends, ARGV[at]) end
return 0`;

async function openRedis(
  url: string,
  name: string,
  { limits, leaseMs }: SharedCountersOptions,
): Promise<SharedCounters> {
  const { Redis } = await import('ioredis');
  const client = new Redis(url, { maxRetriesPerRequest: 1 });
  // Whoever asks hears of a lost connection; without a listener it would end the process.
  client.on('error', () => {});
  const keys = (endpoint: string) => [`{${name}:${endpoint}}:account`, `{${name}:${endpoint}}:leases`] as const;
  const { requestsAtOnce = 0, requestsPerMinute = 0, tokensPerMinute = 0 } = limits;
  return {
    take: async (endpoint, lease, tokens) => {
      const rest = [lease, tokens, requestsAtOnce, requestsPerMinute, tokensPerMinute, leaseMs];
      return Number(await client.eval(takeScript, 2, ...keys(endpoint), ...rest));
    },
    give: async (endpoint, lease, moreTokens, pauseMs) => {
      await client.eval(giveScript, 2, ...keys(endpoint), lease, moreTokens, pauseMs);
    },
    renew: async (endpoint, leases) => {
      await client.eval(renewScript, 1, keys(endpoint)[1], leaseMs, ...leases);
    },
    close: async () => client.disconnect(),
  };
}

const tables = `
CREATE TABLE IF NOT EXISTS rexverse_account (
  name text PRIMARY KEY, requests float8 NOT NULL, tokens float8 NOT NULL, at float8 NOT NULL, paused float8 NOT NULL);
CREATE TABLE IF NOT EXISTS rexverse_lease (lease text PRIMARY KEY, name text NOT NULL, ends float8 NOT NULL);`;
const nowSql = 'extract(epoch FROM clock_timestamp()) * 1000';

/** The same account as in Redis; its row is locked while a call is asked for. */
async function openPostgres(
  url: string,
  run: string,
  { limits, leaseMs }: SharedCountersOptions,
): Promise<SharedCounters> {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => {});
  // Two machines that begin together may both try; the second finds them.
  await oncePostgresIsUp(() => pool.query(tables).catch(() => pool.query(tables)));
  const { requestsAtOnce = 0, requestsPerMinute = 0, tokensPerMinute = 0 } = limits;
  const [mostRequests, mostTokens] = [Math.max(1, requestsPerMinute / 60), tokensPerMinute / 60];
  const nameOf = (endpoint: string) => `${run} ${endpoint}`;
  const inTransaction = async <Value>(work: (query: typeof pool.query) => Promise<Value>): Promise<Value> => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const value = await work(client.query.bind(client) as typeof pool.query);
      await client.query('COMMIT');
      return value;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw error;
    } finally {
      client.release();
    }
  };
  return {
    take: (endpoint, lease, estimate) =>
      inTransaction(async (query) => {
        const name = nameOf(endpoint);
        const insert = `INSERT INTO rexverse_account VALUES ($1, $2, $3, ${nowSql}, 0) ON CONFLICT DO NOTHING`;
        await query(insert, [name, mostRequests, mostTokens]);
        const select = `SELECT *, ${nowSql} AS now FROM rexverse_account WHERE name = $1 FOR UPDATE`;
        const [row] = (await query(select, [name])).rows as {
          requests: number;
          tokens: number;
          at: number;
          paused: number;
          now: string;
        }[];
        const now = Number(row.now);
        if (row.paused > now) return row.paused - now;
        await query('DELETE FROM rexverse_lease WHERE name = $1 AND ends <= $2', [name, now]);
        const counted = await query('SELECT count(*) AS count FROM rexverse_lease WHERE name = $1', [name]);
        if (requestsAtOnce > 0 && Number(counted.rows[0].count) >= requestsAtOnce) return placeMs;
        const minutes = (now - row.at) / 60_000;
        let requests = Math.min(mostRequests, row.requests + minutes * requestsPerMinute);
        let tokens = Math.min(mostTokens, row.tokens + minutes * tokensPerMinute);
        const wait = Math.max(
          requestsPerMinute > 0 && requests < 1 ? ((1 - requests) / requestsPerMinute) * 60_000 : 0,
          tokensPerMinute > 0 && tokens < 0 ? (-tokens / tokensPerMinute) * 60_000 : 0,
        );
        if (wait === 0) {
          requests--;
          tokens -= estimate;
          await query('INSERT INTO rexverse_lease VALUES ($1, $2, $3)', [lease, name, now + leaseMs]);
        }
        await query('UPDATE rexverse_account SET requests = $2, tokens = $3, at = $4 WHERE name = $1', [
          name,
          requests,
          tokens,
          now,
        ]);
        return Math.ceil(wait);
      }),
    give: async (endpoint, lease, moreTokens, pauseMs) => {
      await pool.query('DELETE FROM rexverse_lease WHERE lease = $1', [lease]);
      const until = pauseMs > 0 ? `greatest(paused, ${nowSql} + $3)` : 'paused + 0 * $3';
      const update = `UPDATE rexverse_account SET tokens = tokens - $2, paused = ${until} WHERE name = $1`;
      await pool.query(update, [nameOf(endpoint), moreTokens, pauseMs]);
    },
    renew: async (_, leases) => {
      await pool.query(`UPDATE rexverse_lease SET ends = ${nowSql} + $1 WHERE lease = ANY($2)`, [leaseMs, leases]);
    },
    close: () => pool.end(),
  };
}

/**
 * Real servers for tests, from the binaries of the system: Redis and PostgreSQL, each with a folder and a port of its
 * own.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TestService {
  readonly url: string;
  /** kill -9, then started again on the same port with the same folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const hasRedis = spawnSync('redis-server', ['--version']).error === undefined;

/** Redis that writes every command down, so that it comes back as it was. */
export async function startRedis(folder: string): Promise<TestService> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const options = [
    '--port',
    `${port}`,
    '--dir',
    folder,
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
    '--save',
    '',
  ];
  const start = () => spawn('redis-server', [...options, '--bind', '127.0.0.1'], { stdio: 'ignore' });
  return service(start, port, `redis://127.0.0.1:${port}`);
}

const postgresBin = postgresFolder();
export const hasPostgres = postgresBin !== undefined && (process.getuid?.() !== 0 || userId('postgres') !== undefined);

/** PostgreSQL refuses to run as root: then it runs as the user `postgres`. */
export async function startPostgres(folder: string): Promise<TestService> {
  const user = process.getuid?.() === 0 ? userId('postgres') : undefined;
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  if (user) chownSync(folder, user.uid, user.gid);
  const bin = postgresBin as string;
  const init = ['-D', folder, '-U', 'test', '--auth', 'trust', '--no-sync'];
  const made = spawnSync(join(bin, 'initdb'), init, { ...user, stdio: 'pipe', cwd: folder });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  const options = ['-D', folder, '-p', `${port}`, '-h', '127.0.0.1', '-k', folder];
  const start = () => spawn(join(bin, 'postgres'), options, { ...user, stdio: 'ignore', cwd: folder });
  return service(start, port, `postgres://test@127.0.0.1:${port}/postgres`);
}

async function service(start: () => ChildProcess, port: number, url: string): Promise<TestService> {
  let child = start();
  await reachable(port);
  const end = (signal: NodeJS.Signals) =>
    new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  return {
    url,
    restart: async () => {
      await end('SIGKILL');
      child = start();
      await reachable(port);
    },
    stop: () => end('SIGKILL'),
  };
}

function postgresFolder(): string | undefined {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').sort() : [];
  return versions.map((version) => join('/usr/lib/postgresql', version, 'bin')).at(-1);
}

function userId(name: string): { uid: number; gid: number } | undefined {
  const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout?.trim());
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject()));
    });
  });
}

async function reachable(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = new Socket();
      const end = (value: boolean) => {
        socket.destroy();
        resolve(value);
      };
      socket.once('connect', () => end(true)).once('error', () => end(false));
      socket.connect(port, '127.0.0.1');
    });
    if (isOpen) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}

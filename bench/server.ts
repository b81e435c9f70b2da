/**
 * The server under load, on this machine: throughput and processor time beside the same questions asked in one process
 * without a server, times that clients see, memory, whether anything is lost while others only hold connections or
 * write slowly, and how soon the server answers again when its model is killed. Some three minutes on two free cores.
 *
 *     npx tsx bench/server.ts [--questions 1000] [--images 20] [--clients 200] [--idle 1000] [--slow 100] [--rounds 1] [--concurrency 8]
 *
 * Both ways get the same images and questions; every image is looked at once in each. A round asks everything both
 * ways, the process first. The server runs as a user starts it (`chatrex serve`), in two processes of its own; the
 * clients, in this one, take processor time from them. On a busy machine times on the wall say little, and the
 * processor time per question still tells what the server costs.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { ChatRex } from '../src/chatrex.ts';
import { questionFor } from '../src/prompt/templates.ts';

const { values: options } = parseArgs({
  options: {
    questions: { type: 'string', default: '1000' },
    images: { type: 'string', default: '20' },
    clients: { type: 'string', default: '200' },
    idle: { type: 'string', default: '1000' },
    slow: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: '8' },
  },
});
const [questionCount, imageCount, clientCount] = [options.questions, options.images, options.clients].map(Number);
const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const images = await differentImages(imageCount);
const names = 'cat kite butterfly skewer broccoli dog cup car tree apple'.split(' ');
/** Image and text of question `i`: every image is asked about in turn. */
const questionOf = (i: number) => ({
  image: images[i % imageCount],
  text: questionFor('detect', [names[i % names.length], names[(i * 7 + 3) % names.length]]),
});

for (let round = 0; round < Number(options.rounds); round++) {
  const alone = await askInProcess();
  const served = await askServer();
  const { count, seconds, latencies, failures, memory, processor, recovery } = served;
  latencies.sort((a, b) => a - b);
  const quantile = (share: number) => (latencies[Math.floor(share * (latencies.length - 1))] / 1000).toFixed(2);
  console.log(`${questionCount} questions about ${imageCount} images`);
  console.log(`  one process: ${(questionCount / alone.seconds).toFixed(1)} a second`);
  console.log(
    `  server, ${clientCount} clients, ${options.idle} idle connections, ${options.slow} slow writers: ` +
      `${(count / seconds).toFixed(1)} a second, ${(alone.seconds / seconds).toFixed(2)} times as fast (goal .9)`,
  );
  const each = (total: number) => `${((1000 * total) / questionCount).toFixed(0)} ms`;
  const all = processor.server + processor.model;
  console.log(
    `  processor time of a question: one process ${each(alone.processor)}; server ${each(all)}, of it HTTP ` +
      `${each(processor.server)} and the model ${each(processor.model)}; ${(alone.processor / all).toFixed(2)} of a ` +
      `question alone for one served. Clients took ${each(processor.clients)} besides`,
  );
  console.log(`  times of clients: median ${quantile(0.5)} s, p95 ${quantile(0.95)} s, longest ${quantile(1)} s`);
  console.log(`  lost: ${questionCount - count}${failures.size > 0 ? ` (${[...failures].join('; ')})` : ''}`);
  for (const [name, values] of Object.entries(memory)) {
    console.log(`  memory of the ${name}, MiB, by quarters: ${values.map((value) => value.toFixed(0)).join(', ')}`);
  }
  console.log(
    `  model killed with ${recovery.under} questions under way: ${recovery.failed} failed (status ` +
      `${[...recovery.statuses].join(', ') || 'none'}), the next answer after ${recovery.seconds.toFixed(2)} s (goal 5)`,
  );
}

/** The example scene, mirrored, turned and recoloured. */
async function differentImages(count: number): Promise<Buffer[]> {
  const scene = readFileSync(pathOf('../models/nano/example/scene.png'));
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      sharp(scene)
        .flop(i % 2 === 1)
        .rotate(90 * (Math.floor(i / 2) % 4))
        .modulate({ hue: 15 * i })
        .png()
        .toBuffer(),
    ),
  );
}

async function askInProcess(): Promise<{ seconds: number; processor: number }> {
  const model = await ChatRex.load('nano');
  const before = ownProcessor();
  const start = performance.now();
  const encoded = await Promise.all(images.map(() => undefined as Awaited<ReturnType<ChatRex['encode']>> | undefined));
  for (let i = 0; i < questionCount; i++) {
    const { image, text } = questionOf(i);
    encoded[i % imageCount] ??= await model.encode(new Uint8Array(image));
    await encoded[i % imageCount]!.ask(text);
  }
  const seconds = (performance.now() - start) / 1000;
  const processor = ownProcessor() - before;
  await model.dispose();
  return { seconds, processor };
}

async function askServer() {
  const { server, port } = await startServer();
  const idle = await holdConnections(port, Number(options.idle), '');
  const slowHead = 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n';
  const slow = await holdConnections(port, Number(options.slow), `${slowHead}Content-Type: application/json\r\n\r\n`);
  const dripping = setInterval(() => {
    for (const socket of slow.sockets) if (socket.writable) socket.write(' ');
  }, 500);
  const agent = new Agent({ keepAlive: true, maxSockets: clientCount });
  const latencies: number[] = [];
  const failures = new Set<string>();
  const memory: Record<string, number[]> = { server: [], model: [] };
  let next = 0;
  const client = async () => {
    while (next < questionCount) {
      const i = next++;
      if (i % Math.ceil(questionCount / 4) === 0) remember(memory, server.pid!);
      const start = performance.now();
      try {
        const status = await ask(agent, port, questionOf(i));
        if (status === 200) latencies.push(performance.now() - start);
        else failures.add(`status ${status}`);
      } catch (error) {
        failures.add((error as Error).message);
      }
    }
  };
  const modelPid = childOf(server.pid!);
  const processorNow = () => ({
    ...{ server: processorOf(server.pid!), model: processorOf(modelPid), clients: ownProcessor() },
  });
  const before = processorNow();
  const start = performance.now();
  await Promise.all(Array.from({ length: clientCount }, client));
  const seconds = (performance.now() - start) / 1000;
  const after = processorNow();
  const processor = {
    server: after.server - before.server,
    model: after.model - before.model,
    clients: after.clients - before.clients,
  };
  remember(memory, server.pid!);
  const recovery = await killModel(server.pid!, agent, port);
  clearInterval(dripping);
  idle.end();
  slow.end();
  agent.destroy();
  server.kill('SIGTERM');
  await new Promise((resolve) => server.once('exit', resolve));
  return { count: latencies.length, seconds, latencies, failures, memory, processor, recovery };
}

async function startServer(): Promise<{ server: ChildProcess; port: number }> {
  const main = pathOf('../src/cli/main.ts');
  const args = [
    '--import',
    import.meta.resolve('tsx'),
    main,
    'serve',
    '--model',
    'nano',
    '--port',
    '0',
    '--quiet',
    '--concurrency',
    options.concurrency,
  ];
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of server.stdout!) {
    text += chunk;
    const port = /:(\d+)\n/.exec(text)?.[1];
    if (port) return { server, port: Number(port) };
  }
  throw new Error('the server ended before it answered');
}

/** Connections that are opened again when the server cuts them off, as it should. */
async function holdConnections(port: number, count: number, text: string) {
  const sockets = new Set<Socket>();
  let isOver = false;
  const open = () =>
    new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        if (text !== '') socket.write(text);
        resolve();
      });
      sockets.add(socket);
      socket.on('error', () => resolve());
      socket.on('close', () => {
        sockets.delete(socket);
        if (!isOver) setTimeout(() => void (isOver || open()), 100);
      });
      socket.resume();
    });
  await Promise.all(Array.from({ length: count }, open));
  const end = () => {
    isOver = true;
    for (const socket of sockets) socket.destroy();
  };
  return { sockets, end };
}

/** Kills the model's process while it works, and asks until the server answers again. */
async function killModel(pid: number, agent: Agent, port: number) {
  const under = 8;
  const answers = Array.from({ length: under }, (_, i) => ask(agent, port, questionOf(i)).catch(() => 0));
  await new Promise((resolve) => setTimeout(resolve, 100));
  process.kill(childOf(pid), 'SIGKILL');
  const start = performance.now();
  const statuses = (await Promise.all(answers)).filter((status) => status !== 200);
  while ((await ask(agent, port, questionOf(0)).catch(() => 0)) !== 200) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const seconds = (performance.now() - start) / 1000;
  return { under, failed: statuses.length, statuses: new Set(statuses), seconds };
}

function ask(agent: Agent, port: number, { image, text }: { image: Buffer; text: string }): Promise<number> {
  const url = `data:image/png;base64,${image.toString('base64')}`;
  const content = [
    { type: 'image_url', image_url: { url } },
    { type: 'text', text },
  ];
  const body = JSON.stringify({ model: 'nano', messages: [{ role: 'user', content }] });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const call = request({ agent, port, host: '127.0.0.1', path: '/v1/chat/completions', method: 'POST', headers });
    call.once('error', reject);
    call.once('response', (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', reject);
    });
    call.end(body);
  });
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}

/** Seconds of processor time that a process has taken, in all its threads, user and system. */
function processorOf(pid: number): number {
  // Fields 14 and 15; the name before them may hold spaces. A tick is a hundredth of a second on Linux.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function ownProcessor(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Resident memory of the server and of its child, which holds the model. */
function remember(memory: Record<string, number[]>, pid: number): void {
  for (const [name, id] of [
    ['server', pid],
    ['model', childOf(pid)],
  ] as const) {
    const kibibytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]);
    memory[name].push(kibibytes / 1024);
  }
}

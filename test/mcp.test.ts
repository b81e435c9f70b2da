/** `chatrex mcp` asked by the official client over standard input and output. */

import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, it } from 'vitest';

const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

let mcp: Client;
let transport: StdioClientTransport;
beforeAll(async () => {
  const main = pathOf('../src/cli/main.ts');
  const args = [
    '--import',
    import.meta.resolve('tsx'),
    main,
    'mcp',
    '--model',
    'nano',
    '--root',
    pathOf('../models/nano/example'),
  ];
  transport = new StdioClientTransport({ command: process.execPath, args });
  mcp = new Client({ name: 'test', version: '1' });
  await mcp.connect(transport);
});
afterAll(() => mcp.close());

const call = (name: string, args: object) => mcp.callTool({ name, arguments: { image: 'scene.png', ...args } });

it('answers about a file within the root, and draws it', async () => {
  const found = await call('detect', { phrases: ['butterfly'] });
  const { detections } = found.structuredContent as { detections: { label: string; box: number[] }[] };
  expect(detections.length).toBeGreaterThan(0);
  const boxes = detections.map(({ box, label }) => ({ box, label }));
  const drawn = await call('draw', { boxes });
  expect(drawn.structuredContent).toEqual({ boxes: boxes.length });
  expect(drawn.content).toMatchObject([{ type: 'image', mimeType: 'image/png' }]);
});

it('refuses files elsewhere as a result, and goes on', async () => {
  for (const image of ['../README.md', '/etc/passwd', 'file:///etc/passwd', 'http://example.com/a.png']) {
    expect(await call('ask', { image, question: 'What?' })).toMatchObject({ isError: true });
  }
  expect(await call('count', { phrase: 'butterflies' })).toMatchObject({ structuredContent: { count: 2 } });
});

it('ends when its agent does', async () => {
  const { pid } = transport;
  await mcp.close();
  const isAlive = () => {
    try {
      return process.kill(pid!, 0);
    } catch {
      return false;
    }
  };
  // A process that stays would use up the time of the test.
  while (isAlive()) await new Promise((resolve) => setTimeout(resolve, 20));
});

/** `chatrex mcp`: tools for agents, over standard input and output. */

import { once } from 'node:events';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { Command } from 'commander';
import { Engine } from '../server/engine.ts';
import { imageBytes } from '../server/image-source.ts';
import { createMcpServer } from '../server/mcp/create-mcp-server.ts';
import { openFileRoots } from '../server/mcp/file-roots.ts';
import { packageVersion } from '../server/package-version.ts';
import { defaultEngineSettings, defaultHttpSettings } from '../server/settings.ts';
import { untilSignal } from './interruption.ts';
import { list, wholeNumber } from './option-types.ts';

interface McpOptions {
  model: string;
  upn?: string;
  threads?: number;
  root: string[];
}

export const mcpCommand = (): Command =>
  new Command('mcp')
    .description('tools for agents (Model Context Protocol): detect, propose, describe, count, ask, caption, draw')
    .option('--model <model>', 'a model folder, or the name of a bundled model', defaultEngineSettings.model)
    .option('--upn <model>', 'override the proposal network of the folder')
    .option('--threads <n>', 'threads of the model; all cores by default', wholeNumber)
    .option('--root <folder>', 'let agents name files within this folder; may be given several times', list, [])
    .addHelpText(
      'after',
      `
Speaks over standard input and output; a server answers the same tools at /mcp (chatrex serve).

Example, as an agent's configuration has it:
  {"mcpServers": {"chatrex": {"command": "chatrex", "args": ["mcp", "--root", "/home/me/photos"]}}}`,
    )
    .action(serveTools);

async function serveTools({ model, upn, threads, root }: McpOptions): Promise<void> {
  const roots = await openFileRoots(root);
  const report = (details: unknown) => process.stderr.write(`chatrex: ${details}\n`);
  const engine = await Engine.start({ ...defaultEngineSettings, model, upn, threads }, { onDefect: report });
  const { maxImageBytes: maxBytes } = defaultHttpSettings;
  const server = createMcpServer({
    ...{ engine, version: await packageVersion(), client: 'agent', onFailure: report },
    readImage: (image) =>
      /^(?!file:)[a-z]{2,}:/i.test(image) ? imageBytes(image, 'image', { maxBytes }) : roots.read(image, maxBytes),
  });
  await server.connect(new StdioServerTransport());
  await Promise.race([once(process.stdin, 'end'), untilSignal()]);
  await server.close();
  await engine.stop();
}

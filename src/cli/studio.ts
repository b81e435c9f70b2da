/** `chatrex studio`: the server with its page, for people who want to see, ask and correct. */

import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { ChatRexError } from '../errors.ts';
import { studioFolder } from '../server/routes/studio.ts';
import { type ServeOptions, serve, withServerOptions } from './serve.ts';

export const studioCommand = (): Command =>
  withServerOptions(
    new Command('studio').description('open a page in which to ask about images and see what the answers mean'),
  )
    .addHelpText(
      'after',
      `
The page talks to this server and to nobody else. Ctrl-C ends it.

Examples:
  chatrex studio
  chatrex studio --port 8080 --model models/chatrex-7b`,
    )
    .action(studio);

async function studio(options: ServeOptions): Promise<void> {
  if (!existsSync(studioFolder)) {
    throw new ChatRexError('not-found', 'the studio is not built in this checkout; npm run build makes it');
  }
  await serve({ ...options, quiet: options.quiet ?? true }, (url) => `The studio is open at ${url}\n`);
}

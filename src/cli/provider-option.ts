/** `--provider` of all commands that run a model, and what the terminal says where the provider is missing. */

import { type Command, Option } from 'commander';
import { providerChoices, providerVariable, providerWarning } from '../runtime/provider.ts';
import { oneLine } from './one-line.ts';

const running = new Set(
  'ask detect describe caption count chat propose serve studio mcp eval train rexverse'.split(' '),
);

/**
 * Gives the option to every command that runs a model. Its value becomes the environment's, so that worker threads and
 * processes compute there too.
 */
export function addProviderOption(program: Command): void {
  for (const command of program.commands) if (running.has(command.name())) addTo(command);
  program.hook('preAction', (_, action) => {
    const provider = action.getOptionValue('provider');
    if (typeof provider !== 'string') return;
    process.env[providerVariable] = provider;
    action.setOptionValue('provider', undefined);
  });
}

function addTo(command: Command): void {
  for (const inner of command.commands) addTo(inner);
  if (command.commands.length > 0) return;
  command.addOption(
    new Option(
      '--provider <name>',
      `where to compute, or ${providerVariable}; a missing one gives a warning, with -only an error`,
    ).choices(providerChoices),
  );
}

/** A missing provider is one line; other warnings look as Node makes them. */
export function tellWarnings(): void {
  const others = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if ((warning as NodeJS.ErrnoException).code === providerWarning)
      process.stderr.write(`chatrex: ${oneLine(warning.message)}\n`);
    else for (const tell of others) tell.call(process, warning);
  });
}

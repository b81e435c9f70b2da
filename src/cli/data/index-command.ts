/** `chatrex data index`: writes the index of a data set before training needs it. */

import { Command } from 'commander';
import { countFaults } from '../../datasets/faults.ts';
import { faultsOf } from '../../datasets/indexed-dataset.ts';
import { type SpecOptions, specCommand, withDataset } from './open-spec.ts';

export function indexCommand(): Command {
  return specCommand(new Command('index'))
    .description('write the index of a data set, which the first use would write otherwise')
    .option('--rebuild', 'write it even where there is one')
    .addHelpText('after', '\nExample:\n  chatrex data index coco:instances_train2017.json,images=train2017')
    .action(runIndex);
}

async function runIndex(spec: string, { rebuild, ...options }: SpecOptions & { rebuild?: boolean }): Promise<void> {
  await withDataset('data index', spec, { ...options, isRebuilt: rebuild }, async (dataset) => {
    const faults = countFaults(faultsOf(dataset));
    const place = 'indexFolder' in dataset ? `, in ${dataset.indexFolder}` : '';
    process.stdout.write(`${dataset.name}: ${dataset.size} samples, ${faults} faults${place}\n`);
  });
}

import { loadPrompts } from '../prompts.ts';
import { parseModel, type Settings } from '../settings.ts';
import { defaultDescribeOptions } from '../stages/describe.ts';
import { defaultGroundOptions } from '../stages/ground.ts';
import { defaultImageFilters } from '../stages/inspect.ts';

/** Default settings with one model, as a user would name it, in every role. */
export async function testSettings(model: string, changes: Partial<Settings> = {}): Promise<Settings> {
  const spec = await parseModel(model, (folder) => folder);
  return {
    prompts: await loadPrompts(),
    roles: { captioner: spec, grounder: spec, describer: spec, writer: spec },
    filters: defaultImageFilters,
    ground: defaultGroundOptions,
    describe: defaultDescribeOptions,
    ...changes,
  };
}

/** Configurations and run folders from before data sets: RexWorld was all the data, and images were squares. */

import { withOldNames } from '../chatrex/old-names.ts';
import { worldData } from './configs/world-data.ts';

/** Fields of naming inside of UPN training, which no configuration used. */
const droppedIfZero = ['namedObjects', 'namingWeight'] as const;

/**
 * The same configuration in today's fields: `scenes` and `validationScenes` become RexWorld as data, `imageSize` a
 * square canvas. Whatever else there is stays, for the schema to judge.
 * @param stage `namingWeight` means something else to the multimodal model
 */
export function withoutOlderFields(stage: string, older: object): object {
  const config = withoutOlderModel(older);
  const { scenes, validationScenes, imageSize, ...rest } = config as Record<string, unknown>;
  if (scenes === undefined) return config;
  const seed = Number(rest.seed ?? 1);
  const data = { data: [{ data: worldData('train', seed, Number(scenes)), weight: 1 }] };
  const count = Number(validationScenes ?? 0);
  const validation = count > 0 ? { validation: { data: worldData('val', seed, count), count } } : {};
  const canvas =
    imageSize === undefined
      ? {}
      : { canvases: [{ width: Number(imageSize), height: Number(imageSize) }], isPadded: false };
  const kept = Object.entries(rest).filter(
    ([name, value]) => stage !== 'upn' || value !== 0 || !droppedIfZero.some((dropped) => dropped === name),
  );
  return { ...Object.fromEntries(kept), ...data, ...validation, ...canvas };
}

/** What is ours stood among the paper's fields of the model. */
function withoutOlderModel(config: object): object {
  const { model } = config as { model?: unknown };
  if (typeof model !== 'object' || model === null) return config;
  return { ...config, model: withOldNames(model as Record<string, unknown>) };
}

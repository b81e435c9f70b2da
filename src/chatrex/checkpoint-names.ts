/**
 * How tensors are called in a checkpoint, and which of them are no parameters of ours.
 *
 * Our names are those of the released RexSeek (`vision_tower.vision_tower.*`, `mm_projector.0`, `model.layers.0...`)
 * with timm's own inside the ConvNeXt, which the release renamed. The names inside the released ChatRex-7B are
 * published only with its weights; where they differ, `prefixes` of config.json says how.
 */

import { withPrefixes } from '../weights/suggest-prefixes.ts';
import type { ChatRexConfig } from './config.ts';

/** The release took the ConvNeXt apart, and had to respell `gamma`, which transformers renames on loading. */
const releaseSpelling: readonly [RegExp, string][] = [
  [/^vision_tower_aux\.vision_stem\./, 'vision_tower_aux.stem.'],
  [/^vision_tower_aux\.vision_stages\./, 'vision_tower_aux.stages.'],
  [/^(vision_tower_aux\..*)\.ramma$/, '$1.gamma'],
];

/** The parameter's name of a tensor called `name` in a file. */
export function parameterName(name: string, prefixes: Readonly<Record<string, string>> = {}): string {
  return releaseSpelling.reduce(
    (result, [pattern, replacement]) => result.replace(pattern, replacement),
    withPrefixes(name, prefixes),
  );
}

/** Parameter names of tensors beside the language model's that files hold and this model does not use. */
export function unusedTensors({ low }: ChatRexConfig): RegExp[] {
  if (!low || low.kind !== undefined) return [];
  const used = low.numHiddenLayers + 1 + low.selectLayer;
  const above = Array.from({ length: low.numHiddenLayers - used }, (_, i) => used + i);
  return [
    // What of CLIP comes after the layer that is read.
    /^vision_tower\.vision_tower\.vision_model\.post_layernorm\./,
    ...above.map((layer) => new RegExp(`^vision_tower\\.vision_tower\\.vision_model\\.encoder\\.layers\\.${layer}\\.`)),
    /^vision_tower_aux\.(head|norm_pre)\./,
    // A table that follows from the configuration.
    /\.position_ids$/,
  ];
}

/** From what is seen in a box to what the language model knows of it (paper section 3.2, `mm_object_projector`). */

import { linear } from '../nn/linear.ts';
import type { Scope } from '../nn/scope.ts';
import { encodeObjects, type ObjectInputs, poolTokens } from '../objects/object-encoder.ts';
import { scoresOfBoxes, sharesOf } from '../objects/predicted-scores.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { projector } from '../vision/fusion.ts';
import { type EncodedMaps, mapChannels } from '../vision/map-encoder.ts';
import { tokenChannels } from '../vision/token-encoder.ts';
import { type ChatRexConfig, languageConfig } from './config.ts';

/** Root mean square that a name begins with, that of other tokens. */
const nameScale = 0.15;

/**
 * Features pooled from maps, through the projector: [B, K, language.hidden_size]. With a detector's `predictions` the
 * projector also gets the scores of each box, and the tokens of a classifier, pooled like the maps. Then a learned
 * vector per category is added, weighted by the scores.
 */
export function objectProjector(
  scope: Scope,
  config: ChatRexConfig,
): (image: EncodedMaps & { readonly low?: Tensor }, objects: ObjectInputs) => Tensor {
  const { hiddenSize } = languageConfig(config);
  const tokenScale = config.extensions?.tiedObjects?.tokenScale;
  const channels = mapChannels(config.high).reduce((sum, ofMap) => sum + ofMap, 0);
  const features = scope.at('mm_object_projector');
  if (config.high.kind !== 'nanodet' || !config.high.predictions) {
    const project = projector(features, channels, hiddenSize, tokenScale);
    return ({ maps }, objects) => project(encodeObjects(maps, objects).object);
  }
  const { categoryCount, predictions: settings } = config.high;
  const classifierChannels = config.low?.kind === 'efficientnet-lite' ? tokenChannels(config.low) : 0;
  const allChannels = channels + categoryCount + classifierChannels;
  const project = projector(features, allChannels, hiddenSize, tokenScale);
  const options = { hasBias: false, deviation: nameScale };
  const names = linear(scope.at('mm_object_names'), categoryCount, hiddenSize, options);
  return ({ maps, predictions, low }, objects) => {
    const scores = predictions.map((one) => scoresOfBoxes(one, objects.boxesCxcywhNormalized)).reduce(add);
    const { object } = encodeObjects(maps, objects);
    const classified = classifierChannels > 0 && low ? [poolTokens(low, objects)] : [];
    const seen = project(concat([object, multiply(scores, settings.scale), ...classified], 2));
    // What features say is learned from a few thousand photographs, what scores say from a hundred thousand.
    return add(seen, names(sharesOf(scores)));
  };
}

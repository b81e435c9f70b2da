/** Scenes that no step of training sees. */

import { renderScene, type Scene } from '../../world/scene.ts';
import { loadSpriteAtlas } from '../../world/sprite-atlas.ts';

/** The first `count` scenes of the validation split of `seed`. */
export async function validationScenes(seed: number, count: number): Promise<Scene[]> {
  const atlas = await loadSpriteAtlas();
  return Array.from({ length: count }, (_, index) => renderScene(atlas, { split: 'val', seed, index }));
}

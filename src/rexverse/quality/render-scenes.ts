/** Scenes of RexWorld as image files: what the engine is measured on, and what it is asked to teach about. */

import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { writeAll, writeBeside } from '../../files.ts';
import { renderScene, type Scene, type Split } from '../../world/scene.ts';
import { loadSpriteAtlas } from '../../world/sprite-atlas.ts';

export interface SceneFiles {
  readonly split: Split;
  readonly seed: number;
  readonly scenes: number;
}

/**
 * Writes scenes 0 to `scenes - 1` into `folder` as `000000.png` and so on; those that are there are left as they are.
 * @returns the scene of an index, with everything that is true of it
 */
export async function renderSceneFiles(
  folder: string,
  { split, seed, scenes }: SceneFiles,
): Promise<(index: number) => Scene> {
  await mkdir(folder, { recursive: true });
  const atlas = await loadSpriteAtlas();
  const sceneAt = (index: number) => renderScene(atlas, { split, seed, index });
  for (let index = 0; index < scenes; index++) {
    const path = join(folder, `${String(index).padStart(6, '0')}.png`);
    if (await stat(path).catch(() => undefined)) continue;
    const { width, height, data } = sceneAt(index).image;
    const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    await writeBeside(path, (file) => writeAll(file, bytes));
  }
  return sceneAt;
}

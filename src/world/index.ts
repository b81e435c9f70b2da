/**
 * RexWorld: procedural scenes with exact ground truth for every task of the paper (section 4.2).
 *
 * The way of a scene: `scene-plan` decides what and where, `containers` and `composites` build wholes, `raster` draws,
 * `scene` measures what can be seen, `facts` says what is true, `tasks/` asks and answers, `world-stream` delivers.
 */

export { createRandom, type Random } from '../random.ts';
export { CATEGORIES, type Category, type CategoryKind, categoryNamed } from './categories.ts';
export {
  type CocoAnnotation,
  type CocoInstances,
  conversationLine,
  type Granularity,
  renderQuestion,
} from './coco-files.ts';
export { drawContactSheet } from './contact-sheet.ts';
export { type ObjectCrop, renderObjectCrop } from './object-crop.ts';
export { COLOUR_NAMES, type Colour } from './paint.ts';
export type { Phrasings } from './phrasings.ts';
export { type RenderWorldOptions, renderWorld } from './render-world.ts';
export { type RegionCaptionStyle, type Sample, WORLD_TASKS, type WorldTask, type WorldTurn } from './sample.ts';
export { makeSamples, type SampleOptions, sampleRandom } from './samples.ts';
export { type BoxXyxy, renderScene, type Scene, type SceneKey, type SceneObject, type Split } from './scene.ts';
export { loadSpriteAtlas, type SpriteAtlas } from './sprite-atlas.ts';
export { worldPhrases, worldWords } from './vocabulary.ts';
export { numberValue, numberWord } from './words.ts';
export type { CropBatch, CropJob, SceneItem, SceneJob, WorldItem, WorldJob } from './world-job.ts';
export { openWorldStream, type WorldStream, type WorldStreamOptions } from './world-stream.ts';

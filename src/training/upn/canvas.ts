/**
 * Which images share a batch, and the canvas that they are put on. Graphs have static sizes, so a run has a few
 * canvases; images of like aspect ratio share a batch, so that little of it is padding (torchvision's
 * `group_by_aspect_ratio`, as a function of the step instead of buffers that cannot be resumed).
 */

import type { ImageSize } from '../../image/rgb-image.ts';
import { shortestSideSize } from '../../image/transform.ts';
import { createRandom } from '../../random.ts';
import { positionsOf, type StepLayout } from '../mixture.ts';

export interface CanvasSettings extends StepLayout {
  readonly seed: number;
  /** In pixels; width and height are multiples of the network's coarsest stride. */
  readonly canvases: readonly ImageSize[];
}

/** A batch: which positions of the order, on which canvas. */
export interface BatchPlan {
  readonly canvas: number;
  readonly positions: readonly number[];
}

/**
 * Steps whose images are sorted together: enough to find images alike, few enough that their sizes are read in no time.
 */
const windowSteps = 32;

/**
 * @param sizeOf of the image at a position of the order; undefined where there is no image
 * @returns the plan of a step's part: a function of the two, whoever asks
 */
export function createBatchPlanner(
  settings: CanvasSettings,
  sizeOf: (position: number) => Promise<ImageSize | undefined>,
): (step: number, part: number) => Promise<BatchPlan> {
  const { canvases, parts } = settings;
  if (canvases.length === 1) {
    return async (step, part) => ({ canvas: 0, positions: positionsOf(step, part, settings) });
  }
  const windows = new Map<number, Promise<BatchPlan[]>>();
  return async (step, part) => {
    const window = Math.floor(step / windowSteps);
    let plans = windows.get(window);
    if (!plans) {
      plans = planWindow(settings, window, sizeOf);
      windows.clear();
      windows.set(window, plans);
    }
    return (await plans)[(step % windowSteps) * parts + part];
  };
}

async function planWindow(
  settings: CanvasSettings,
  window: number,
  sizeOf: (position: number) => Promise<ImageSize | undefined>,
): Promise<BatchPlan[]> {
  const { canvases, parts, batchSize, seed } = settings;
  const count = windowSteps * parts * batchSize;
  const sized = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const position = window * count + i;
      return { position, size: (await sizeOf(position)) ?? canvases[0] };
    }),
  );
  const aspect = ({ size }: { size: ImageSize }) => size.width / size.height;
  const sorted = sized.sort((a, b) => aspect(a) - aspect(b) || a.position - b.position);
  const plans = Array.from({ length: windowSteps * parts }, (_, batch): BatchPlan => {
    const images = sorted.slice(batch * batchSize, (batch + 1) * batchSize);
    return {
      canvas: bestCanvas(
        images.map(({ size }) => size),
        canvases,
      ),
      positions: images.map(({ position }) => position),
    };
  });
  return createRandom(`batches/${seed}/${window}`).shuffle(plans);
}

/** The canvas on which the images together are largest. */
function bestCanvas(images: readonly ImageSize[], canvases: readonly ImageSize[]): number {
  const shown = canvases.map((canvas) =>
    images.reduce((sum, image) => sum + fitScale(image, canvas) ** 2 * image.width * image.height, 0),
  );
  return shown.indexOf(Math.max(...shown));
}

const fitScale = ({ width, height }: ImageSize, canvas: ImageSize): number =>
  Math.min(canvas.width / width, canvas.height / height);

/** The size that an image is shown in: that of use, as far as the canvas allows. */
export function contentSize(
  image: ImageSize,
  canvas: ImageSize,
  { shorterSide, longerSide }: { readonly shorterSide: number; readonly longerSide: number },
): ImageSize {
  const used = shortestSideSize(image, shorterSide, longerSide);
  const scale = fitScale(used, canvas);
  if (scale >= 1) return used;
  const side = (length: number, most: number) => Math.min(most, Math.max(1, Math.round(length * scale)));
  return { width: side(used.width, canvas.width), height: side(used.height, canvas.height) };
}

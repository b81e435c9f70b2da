/** Scenes as batches for UPN training: mirrored, cropped and lit at random; objects as shares of the picture. */

import { createImageBatch, IMAGENET_STATISTICS, setImage } from '../../image/normalize.ts';
import { resizeImage } from '../../image/resize.ts';
import type { RgbImage } from '../../image/rgb-image.ts';
import type { Granularity } from '../../proposals/network.ts';
import { createRandom, type Random } from '../../random.ts';
import { type HostTensor, hostTensor } from '../../runtime/host-tensor.ts';
import type { Scene } from '../../world/scene.ts';
import type { Objects } from './targets.ts';

export interface UpnBatch {
  readonly feeds: Readonly<Record<string, HostTensor>>;
  /** Per prompt, per picture. */
  readonly objects: Readonly<Record<Granularity, readonly Objects[]>>;
}

/** A crop keeps an object of which at least this share stays inside. */
const keptShare = 0.4;

/** @param key decides the augmentation: same key, same batch; without it pictures stay as they are */
export function upnBatch(scenes: readonly Scene[], imageSize: number, key?: string): UpnBatch {
  const images = createImageBatch(scenes.length, { width: imageSize, height: imageSize });
  const objects: Record<Granularity, Objects[]> = { fine: [], coarse: [] };
  scenes.forEach((scene, i) => {
    const view = key === undefined ? wholeView(scene) : randomView(scene, createRandom(`${key}/${i}`));
    setImage(images, i, cut(scene.image, view, imageSize), IMAGENET_STATISTICS);
    for (const granularity of ['fine', 'coarse'] as const) {
      const boxes = scene.objects
        .filter(({ isFine, isCoarse }) => (granularity === 'fine' ? isFine : isCoarse))
        .flatMap(({ boxXyxy }) => inView(boxXyxy, view));
      objects[granularity].push(Float32Array.from(boxes.flat()));
    }
  });
  const shape = [scenes.length, 3, imageSize, imageSize];
  return { feeds: { pixels: hostTensor('float32', shape, images.pixels) }, objects };
}

/** The part of a scene that is shown, in its pixels, and how. */
interface View {
  left: number;
  top: number;
  size: number;
  isMirrored: boolean;
  /** Factors of red, green and blue. */
  light: readonly [number, number, number];
}

const wholeView = ({ image }: Scene): View => ({
  left: 0,
  top: 0,
  size: image.width,
  isMirrored: false,
  light: [1, 1, 1],
});

function randomView({ image }: Scene, random: Random): View {
  const size = random.chance(0.5) ? image.width : Math.round(image.width * random.range(0.6, 1));
  const brightness = random.range(0.8, 1.2);
  const tint = () => brightness * random.range(0.9, 1.1);
  return {
    size,
    left: random.int(0, image.width - size),
    top: random.int(0, image.height - size),
    isMirrored: random.chance(0.5),
    light: [tint(), tint(), tint()],
  };
}

function cut({ width, data }: RgbImage, { left, top, size, isMirrored, light }: View, side: number): RgbImage {
  const part = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = 3 * ((top + y) * width + left + (isMirrored ? size - 1 - x : x));
      const to = 3 * (y * size + x);
      for (let c = 0; c < 3; c++) part[to + c] = Math.min(255, data[from + c] * light[c]);
    }
  }
  return resizeImage({ width: size, height: size, data: part }, { width: side, height: side }, 'bilinear');
}

/** Centre and size as shares of the view; nothing when too little of the box is in it. */
function inView([x1, y1, x2, y2]: readonly number[], { left, top, size, isMirrored }: View): number[][] {
  const clamp = (value: number) => Math.min(Math.max(value, 0), size);
  const [l, t, r, b] = [clamp(x1 - left), clamp(y1 - top), clamp(x2 - left), clamp(y2 - top)];
  if ((r - l) * (b - t) < keptShare * (x2 - x1) * (y2 - y1)) return [];
  const cx = (l + r) / 2 / size;
  return [[isMirrored ? 1 - cx : cx, (t + b) / 2 / size, (r - l) / size, (b - t) / size]];
}

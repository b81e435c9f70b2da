/** Sprites in memory, as all threads share them. */

/** One image at one resolution: `pixels` is [height, width, 4] bytes, colour premultiplied with alpha. */
export interface SpriteLevel {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** A sprite cropped to its opaque extent; level i + 1 has half the sides of level i. */
export interface Sprite {
  readonly name: string;
  readonly levels: readonly SpriteLevel[];
}

/** Everything a thread needs to draw; structured clone shares `buffer` between threads. */
export interface SpriteAtlas {
  readonly buffer: SharedArrayBuffer;
  readonly sprites: ReadonlyMap<string, Sprite>;
}

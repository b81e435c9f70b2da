/** A scene as bytes: its truth as JSON, then its pixels. Categories travel by name. */

import { categoryNamed } from './categories.ts';
import type { Scene, SceneObject } from './scene.ts';

/** A scene without its image. */
export type SceneRecord = Omit<Scene, 'image' | 'objects'> & {
  readonly width: number;
  readonly height: number;
  readonly objects: readonly (Omit<SceneObject, 'category'> & { readonly category: string })[];
};

export const recordOf = ({ image: { width, height }, objects, ...rest }: Scene): SceneRecord => ({
  ...rest,
  width,
  height,
  objects: objects.map((object) => ({ ...object, category: object.category.name })),
});

/** Length of the JSON as uint32, the JSON, the pixels. */
export function packScene(scene: Scene): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(recordOf(scene)));
  const bytes = new Uint8Array(4 + json.length + scene.image.data.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 4);
  bytes.set(scene.image.data, 4 + json.length);
  return bytes;
}

export function unpackScene(bytes: Uint8Array<ArrayBuffer>): Scene {
  const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return sceneOf(JSON.parse(new TextDecoder().decode(bytes.subarray(4, end))) as SceneRecord, bytes.subarray(end));
}

/** @param data the scene's pixels; left out where only its truth is read */
export const sceneOf = ({ width, height, objects, ...rest }: SceneRecord, data = new Uint8Array(0)): Scene => ({
  ...rest,
  image: { width, height, data },
  objects: objects.map((object) => ({ ...object, category: categoryNamed(object.category) })),
});

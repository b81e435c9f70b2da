/**
 * Annotations of a rendered world in COCO's format, one file per granularity, and its conversations as lines of JSON.
 * Reference: https://cocodataset.org/#format-data (object detection).
 */

import type { Conversation } from '../datasets/sample.ts';
import type { Dialect } from '../grounding/dialect.ts';
import { renderAnswer, renderQuestion } from '../grounding/render.ts';
import type { Granularity } from '../proposals/network.ts';
import { CATEGORIES } from './categories.ts';
import type { Scene, SceneObject } from './scene.ts';

/** The parts of COCO's instances file that RexWorld fills in. */
export interface CocoInstances {
  info: { description: string };
  categories: { id: number; name: string; supercategory: string; frequency: 'f' | 'c' | 'r' }[];
  images: { id: number; file_name: string; width: number; height: number }[];
  annotations: CocoAnnotation[];
}

export interface CocoAnnotation {
  id: number;
  image_id: number;
  category_id: number;
  /** Left, top, width, height in pixels. */
  bbox: [number, number, number, number];
  area: number;
  iscrowd: 0;
  /** Not in COCO: the painted colour, and the object's index in the scene, which conversations use. */
  colour?: string;
  object: number;
}

/** An empty file for scenes to be added to. */
export function createInstances(granularity: Granularity): CocoInstances {
  const categories = CATEGORIES.map(({ id, name, hypernyms, frequency }) => {
    return { id: id + 1, name, supercategory: hypernyms[0], frequency: frequency[0] as 'f' | 'c' | 'r' };
  });
  return { info: { description: `RexWorld, ${granularity} objects` }, categories, images: [], annotations: [] };
}

/** Adds a scene's objects of one granularity. */
export function addScene(file: CocoInstances, granularity: Granularity, scene: Scene, fileName: string): void {
  const { width, height } = scene.image;
  const imageId = file.images.push({ id: file.images.length + 1, file_name: fileName, width, height });
  scene.objects.forEach((object, index) => {
    if (!(granularity === 'fine' ? object.isFine : object.isCoarse)) return;
    file.annotations.push(toAnnotation(object, index, file.annotations.length + 1, imageId));
  });
}

function toAnnotation(object: SceneObject, index: number, id: number, imageId: number): CocoAnnotation {
  const [left, top, right, bottom] = object.boxXyxy;
  return {
    id,
    image_id: imageId,
    category_id: object.category.id + 1,
    bbox: [left, top, right - left, bottom - top],
    area: object.visibleArea,
    iscrowd: 0,
    ...(object.colour && { colour: object.colour }),
    object: index,
  };
}

/**
 * One sample as a line of `conversations.jsonl`: the boxes in the order of the index tokens (all objects of the scene),
 * then questions and answers in the paper's notation (section 3.2).
 */
export function conversationLine(sample: Conversation, scene: Scene, fileName: string, dialect: Dialect): string {
  const { task, style, turns } = sample;
  const conversations = turns.flatMap(({ question, answer }) => [
    { from: 'human', value: renderQuestion(question) },
    { from: 'gpt', value: renderAnswer(answer, dialect) },
  ]);
  const boxesXyxy = scene.objects.map(({ boxXyxy }) => boxXyxy);
  return JSON.stringify({ image: fileName, task, ...(style && { style }), boxesXyxy, conversations });
}

/**
 * Captions of one region: its category, a short phrase, a brief description, a sentence, or an expression that fits
 * nothing else. What is said is fixed by the facts, in a fixed order, so that it can be learned and scored.
 */

import type { Conversation } from '../../datasets/sample.ts';
import { askAboutRegion } from '../../prompt/phrasings.ts';
import { articleFor } from '../../prompt/words.ts';
import { describe, type Modifier, resolve, SIDE_PHRASES } from '../description.ts';
import { nameOf, refer } from '../expressions.ts';
import { gapBetween, holdingRelation, relationTruth, type Side, type Size, sideTruth, sizeTruth } from '../facts.ts';
import { type RegionCaptionStyle, type TaskContext, text, toConversation } from '../sample.ts';
import type { Scene } from '../scene.ts';

const STYLES: readonly (readonly [RegionCaptionStyle, number])[] = [
  ['category', 40],
  ['phrase', 20],
  ['brief', 13],
  ['sentence', 14],
  ['referring', 13],
];

/** A caption of a random region, in a random style unless one is asked for. */
export function regionCaption(context: TaskContext): Conversation | null {
  const { scene, random, regionStyle } = context;
  const object = random.int(0, scene.objects.length - 1);
  return captionRegion(context, object, regionStyle ?? random.weighted(STYLES));
}

/** A caption of this region in this style; null when no referring expression is plain. */
export function captionRegion(context: TaskContext, object: number, style: RegionCaptionStyle): Conversation | null {
  const { scene, random, phrasings } = context;
  const words = captionWords(context, object, style);
  if (words === null) return null;
  const question = askAboutRegion(`region-${style}`, object, phrasings, random);
  const expected = scene.objects[object].category.name;
  return toConversation('region-caption', [{ question, answer: [text(words)], accepted: [expected] }], style);
}

function captionWords({ scene, random }: TaskContext, object: number, style: RegionCaptionStyle): string | null {
  if (style === 'category') return scene.objects[object].category.name;
  if (style === 'phrase') return shortPhrase(scene, object);
  if (style === 'referring') {
    const description = refer(scene, object, random);
    return description && describe(description);
  }
  const looks = `${articleFor(shortPhrase(scene, object))} ${shortPhrase(scene, object)}`;
  const place = placeOf(scene, object);
  if (style === 'brief') return [looks, place].filter(Boolean).join(' ');
  const beside = besideOf(scene, object);
  const where = [place, beside].filter(Boolean).join(', ') || 'in the image';
  return `There is ${looks} ${where}.`;
}

/** Size, colour, noun, and what holds it: "small red car", "apple in a basket". */
export function shortPhrase(scene: Scene, object: number): string {
  const { category, colour, parent, support } = scene.objects[object];
  const modifiers: Modifier[] = [];
  const size = (['small', 'large'] as Size[]).find((one) => sizeTruth(scene, scene.objects[object], one) === 'yes');
  if (size) modifiers.push({ kind: 'size', size });
  if (colour) modifiers.push({ kind: 'colour', colour });
  const words = describe({ noun: category.name, modifiers });
  const holder = parent ?? support;
  if (holder === null || category.kind === 'part') return words;
  const { name } = scene.objects[holder].category;
  return `${words} ${holdingRelation(scene.objects[holder])} ${articleFor(name)} ${name}`;
}

/** "on the left", "at the top" or "" when it is nowhere in particular. */
export function placeOf(scene: Scene, object: number): string {
  const sides: Side[] = ['left', 'right', 'middle', 'top', 'bottom'];
  const side = sides.find((one) => sideTruth(scene, scene.objects[object], one) === 'yes');
  return side ? SIDE_PHRASES[side] : '';
}

/** "next to the dog": the nearest thing with a name of its own. */
function besideOf(scene: Scene, object: number): string {
  const near = scene.objects
    .map((other, index) => ({ index, gap: gapBetween(scene.objects[object], other) }))
    .filter(
      ({ index }) =>
        scene.objects[index].category.kind !== 'part' && relationTruth(scene, object, 'next to', index) === 'yes',
    )
    .sort((a, b) => a.gap - b.gap);
  for (const { index } of near) {
    const name = nameOf(scene, index);
    if (name && resolve(scene, name)?.length === 1) return `next to the ${describe(name)}`;
  }
  return '';
}

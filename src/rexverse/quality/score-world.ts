/**
 * What of an annotation is true, where the truth is known: scenes of RexWorld.
 *
 * A phrase is right when a thing of its name is in the scene; a box when such a thing overlaps it by IoU .5; a
 * description when nothing that it claims of its region (name, color, size, side of the image) is false. Claims that a
 * careful person would hesitate about count neither way.
 */

import { matchBoxes } from '../../evaluation/metrics/match-boxes.ts';
import {
  COUNTABLE_HYPERNYMS,
  colourTruth,
  type Side,
  type Size,
  sideTruth,
  sizeTruth,
  type Truth,
} from '../../world/facts.ts';
import { COLOUR_NAMES } from '../../world/paint.ts';
import type { Scene, SceneObject } from '../../world/scene.ts';
import type { AnnotatedRegion, Annotation } from '../annotation.ts';

/** Right ones of all; kept as counts, so that scenes can be summed. */
export interface Share {
  right: number;
  all: number;
}

export const measures = [
  'phrase precision',
  'phrase recall',
  'box precision',
  'box recall',
  'description',
  'description before verifying',
  'description without the phrase',
  'referring',
] as const;
export type MeasureName = (typeof measures)[number];
export type WorldScore = Record<MeasureName, Share> & {
  /** Right ones of the claims that descriptions make, by kind. */
  claims: Record<ClaimKind, Share>;
};

export type ClaimKind = 'name' | 'color' | 'size' | 'side';

export function emptyScore(): WorldScore {
  const empty = (): Share => ({ right: 0, all: 0 });
  const shares = Object.fromEntries(measures.map((name) => [name, empty()])) as Record<MeasureName, Share>;
  return { ...shares, claims: { name: empty(), color: empty(), size: empty(), side: empty() } };
}

/** Adds a scene to the score; an annotation that is missing found nothing. */
export function addScene(score: WorldScore, scene: Scene, annotation: Annotation | undefined): void {
  const { texts = [], regions = [] } = annotation ?? {};
  const wholes = scene.objects.filter(({ isCoarse }) => isCoarse);
  const names = texts.flatMap(({ phrases }) => phrases.map(({ query }) => query));
  for (const name of new Set(names))
    count(
      score['phrase precision'],
      scene.objects.some((object) => isNamedBy(object, name)),
    );
  for (const category of new Set(wholes.map(({ category }) => category.name))) {
    count(
      score['phrase recall'],
      names.some((name) => nounOf(name, category)),
    );
  }
  addBoxes(score, scene, wholes, regions);
  for (const region of regions) addDescriptions(score, scene, region);
}

function addBoxes(
  score: WorldScore,
  scene: Scene,
  wholes: readonly SceneObject[],
  regions: readonly AnnotatedRegion[],
): void {
  const byName = new Map<string, AnnotatedRegion[]>();
  for (const region of regions) byName.set(region.phrase, [...(byName.get(region.phrase) ?? []), region]);
  const found = new Set<SceneObject>();
  for (const [name, group] of byName) {
    const truths = scene.objects.filter((object) => isNamedBy(object, name));
    const pairs = matchBoxes(
      group.map(({ boxXyxy }) => boxXyxy),
      truths.map(({ boxXyxy }) => boxXyxy),
    );
    for (const { truth } of pairs) found.add(truths[truth]);
    score['box precision'].right += pairs.length;
    score['box precision'].all += group.length;
  }
  for (const object of wholes) count(score['box recall'], found.has(object));
}

function addDescriptions(score: WorldScore, scene: Scene, region: AnnotatedRegion): void {
  const object = objectAt(scene, region);
  const { description, rejected, plainDescription, referring } = region;
  const judge = (measure: MeasureName, text: string | undefined) => {
    if (text !== undefined) count(score[measure], isTrueOf(text, scene, object));
  };
  judge('description', description);
  judge('description before verifying', description ?? rejected?.description);
  judge('description without the phrase', plainDescription);
  judge('referring', referring);
  for (const { kind, truth } of claimsOf(description ?? '', scene, object)) {
    if (truth !== 'unclear') count(score.claims[kind], truth === 'yes');
  }
}

/** The thing that a region shows: the one that overlaps it most, by IoU .5 at least. */
function objectAt(scene: Scene, { boxXyxy }: AnnotatedRegion): SceneObject | undefined {
  const [pair] = matchBoxes(
    [boxXyxy],
    scene.objects.map((object) => object.boxXyxy),
  );
  return pair && scene.objects[pair.truth];
}

/** A description of nothing is false; so is one with a claim that is false. */
function isTrueOf(text: string, scene: Scene, object: SceneObject | undefined): boolean {
  return object !== undefined && claimsOf(text, scene, object).every(({ truth }) => truth !== 'no');
}

/** What the text claims of the thing, up to where it begins to speak of others. */
export function claimsOf(
  text: string,
  scene: Scene,
  object: SceneObject | undefined,
): { kind: ClaimKind; truth: Truth }[] {
  if (text === '') return [];
  const own = text.toLowerCase().split(/,| next to | in an? | on an? /)[0];
  const has = (words: string) => new RegExp(`\\b${words}\\b`).test(own);
  const judged = (truth: (one: SceneObject) => Truth): Truth => (object ? truth(object) : 'no');
  const name = { kind: 'name', truth: object && namesOf(object).some(has) ? 'yes' : 'no' } as const;
  const colors = COLOUR_NAMES.filter(
    (color) => has(color) && !(object && namesOf(object).some((one) => one.includes(color))),
  );
  const sizes = (['small', 'large'] as Size[]).filter(has);
  const sides = (Object.entries(sidePhrases) as [Side, string][]).filter(([, words]) =>
    text.toLowerCase().includes(words),
  );
  return [
    name,
    ...colors.map((color) => ({ kind: 'color' as const, truth: judged((one) => colourTruth(one, color)) })),
    ...sizes.map((size) => ({ kind: 'size' as const, truth: judged((one) => sizeTruth(scene, one, size)) })),
    ...sides.map(([side]) => ({ kind: 'side' as const, truth: judged((one) => sideTruth(scene, one, side)) })),
  ];
}

const sidePhrases: Readonly<Record<Side, string>> = {
  left: 'on the left',
  right: 'on the right',
  top: 'at the top',
  bottom: 'at the bottom',
  middle: 'in the middle',
};

/** The names of a thing: its category's, and general words for it. */
function namesOf({ category: { name, hypernyms } }: SceneObject): string[] {
  return [name, ...hypernyms.filter((one) => COUNTABLE_HYPERNYMS.includes(one))];
}

/** Whether a phrase's noun names the thing, and its color, if it has one, is the thing's. */
function isNamedBy(object: SceneObject, phrase: string): boolean {
  if (!namesOf(object).some((name) => nounOf(phrase, name))) return false;
  const color = COLOUR_NAMES.find((one) => phrase.startsWith(`${one} `) && !object.category.name.startsWith(`${one} `));
  return color === undefined || colourTruth(object, color) !== 'no';
}

function nounOf(phrase: string, name: string): boolean {
  const [words, noun] = [phrase.toLowerCase(), name.toLowerCase()];
  return words === noun || words.endsWith(` ${noun}`);
}

function count(share: Share, isRight: boolean): void {
  share.all++;
  if (isRight) share.right++;
}

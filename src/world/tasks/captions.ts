/**
 * Captions of the whole image with every mentioned object grounded: a sentence, or a short text.
 */

import type { Conversation } from '../../datasets/sample.ts';
import type { GroundedText } from '../../grounding/grounded-text.ts';
import { askAbout } from '../../prompt/phrasings.ts';
import { articleFor } from '../../prompt/words.ts';
import { describe, type Modifier } from '../description.ts';
import { holdingRelation } from '../facts.ts';
import { phrase, type TaskContext, text, toConversation } from '../sample.ts';
import type { Scene } from '../scene.ts';
import { placeOf } from './region-caption.ts';

/** Kinds of things a brief caption mentions; the largest first. */
const MAX_GROUPS = 5;
/** Single things that a detailed caption says the place of. */
const MAX_PLACED = 3;
const MAX_HOLDERS = 2;

/** "There are apples, a red car and a dog on a striped background." */
export function briefCaption({ scene, random, phrasings }: TaskContext): Conversation | null {
  const question = askAbout('caption-brief', [], phrasings, random);
  return toConversation('brief-caption', [{ question, answer: briefText(scene) }]);
}

/** The brief caption, then what holds what, then where single things are. */
export function detailedCaption({ scene, random, phrasings }: TaskContext): Conversation | null {
  const answer = briefText(scene);
  const holders = scene.objects.flatMap((_, index) => (contentsOf(scene, index).length > 0 ? [index] : []));
  for (const holder of holders.slice(0, MAX_HOLDERS)) {
    answer.push(text(` ${capitalised(holdingRelation(scene.objects[holder]))} the `));
    answer.push(
      phrase(nounOf(scene, [holder]), [holder]),
      text(isPlural(contentsOf(scene, holder)) ? ' there are ' : ' there is '),
    );
    answer.push(...listGroups(scene, groupsOf(scene, contentsOf(scene, holder))), text('.'));
  }
  const single = groupsOf(scene, wholesOf(scene)).filter(
    (group) => group.length === 1 && placeOf(scene, group[0]) !== '',
  );
  for (const [object] of single.slice(0, MAX_PLACED)) {
    answer.push(text(' The '), phrase(nounOf(scene, [object]), [object]), text(` is ${placeOf(scene, object)}.`));
  }
  const question = askAbout('caption-detailed', [], phrasings, random);
  return toConversation('detailed-caption', [{ question, answer }]);
}

/** One sentence about the largest groups of whole things. */
export function briefText(scene: Scene): GroundedText {
  const groups = groupsOf(scene, wholesOf(scene)).slice(0, MAX_GROUPS);
  return [
    text(groups[0].length > 1 ? 'There are ' : 'There is '),
    ...listGroups(scene, groups),
    text(
      ` ${scene.background.startsWith('a plain') || /background$/.test(scene.background) ? 'on' : 'in'} ${scene.background}.`,
    ),
  ];
}

/** "apples, a red car and a dog", each grounded without its article; how many apples there are, their boxes say. */
export function listGroups(scene: Scene, groups: readonly (readonly number[])[]): GroundedText {
  return groups.flatMap((group, at): GroundedText => {
    const between = at === 0 ? '' : at === groups.length - 1 ? ' and ' : ', ';
    const noun = nounOf(scene, group);
    const before = group.length > 1 ? between : `${between}${articleFor(noun)} `;
    return [...(before ? [text(before)] : []), phrase(noun, group)];
  });
}

/** Objects of one category together; the largest group, by area, first. */
export function groupsOf(scene: Scene, objects: readonly number[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const index of objects) {
    const { name } = scene.objects[index].category;
    groups.set(name, [...(groups.get(name) ?? []), index]);
  }
  const area = (group: number[]) => group.reduce((sum, index) => sum + scene.objects[index].visibleArea, 0);
  return [...groups.values()].sort((a, b) => area(b) - area(a));
}

/** The things (no parts) that a container, composite or table holds. */
export function contentsOf(scene: Scene, holder: number): number[] {
  return scene.objects.flatMap(({ parent, support, category }, index) =>
    (parent === holder || support === holder) && category.kind !== 'part' ? [index] : [],
  );
}

/** What a person would list: whole things, not pieces. A scene always has one. */
function wholesOf(scene: Scene): number[] {
  return scene.objects.flatMap(({ isCoarse }, index) => (isCoarse ? [index] : []));
}

/** The noun of a group with the colour that all of it has: "red balloons". */
function nounOf(scene: Scene, group: readonly number[]): string {
  const { category, colour } = scene.objects[group[0]];
  const isShared = colour !== null && group.every((index) => scene.objects[index].colour === colour);
  const modifiers: Modifier[] = isShared ? [{ kind: 'colour', colour }] : [];
  return describe({ noun: category.name, modifiers }, isPlural(group) ? 'plural' : 'singular');
}

function isPlural(group: readonly number[]): boolean {
  return group.length > 1;
}

function capitalised(word: string): string {
  return word[0].toUpperCase() + word.slice(1);
}

/**
 * A model that knows everything about one scene, for tests: what it is asked in the frame of the image's list it looks
 * up in the frame of the scene, finding objects by their boxes, so that a mistake in either frame costs it points.
 */

import type { Answer } from '../../../chatrex/answer.ts';
import type { EncodedImage, Turn } from '../../../chatrex/encoded-image.ts';
import type { GroundedText } from '../../../grounding/grounded-text.ts';
import { plainText, renderQuestion } from '../../../grounding/render.ts';
import { CATEGORIES } from '../../categories.ts';
import { allNamed } from '../../description.ts';
import { phrase, text, type WorldTask } from '../../sample.ts';
import { makeSamples } from '../../samples.ts';
import type { Scene } from '../../scene.ts';
import { taskRandom } from '../scene-view.ts';

const namesByLength = CATEGORIES.map(({ name }) => name).sort((a, b) => b.length - a.length);

/** @param boxesXyxy the image's list: the objects of the scene in any order */
export function oracle(scene: Scene, boxesXyxy: readonly (readonly number[])[], questions: number) {
  const sceneIndex = boxesXyxy.map((box) => scene.objects.findIndex((o) => String(o.boxXyxy) === String(box)));
  const known = knownAnswers(scene, questions);
  const toScene = (question: string) => question.replace(/<obj(\d+)>/g, (_, i) => `<obj${sceneIndex[Number(i)]}>`);
  const answer = async (turns: readonly Turn[]): Promise<Answer> => {
    const asked = turns.map(({ question }) => toScene(question));
    const question = asked[asked.length - 1];
    const truth = known.get(asked.join('\n')) ?? nameOfRegion(scene, question) ?? found(scene, question);
    return toAnswer(truth, sceneIndex, boxesXyxy);
  };
  return {
    boxes: {
      boxesXyxy: Float64Array.from(boxesXyxy.flat()),
      scores: boxesXyxy.map(() => 1),
      sources: [],
      leftOut: 0,
      clipped: [],
    },
    ask: (question: string) => answer([{ question }]),
    chat: answer,
  } satisfies Pick<EncodedImage, 'ask' | 'chat' | 'boxes'>;
}

/** The answers of the world by their questions, all turns up to each joined. */
function knownAnswers(scene: Scene, questions: number): Map<string, GroundedText> {
  const known = new Map<string, GroundedText>();
  const tasks: WorldTask[] = [
    'referring',
    'counting',
    'brief-caption',
    'detailed-caption',
    'region-qa',
    'conversation',
  ];
  for (const task of tasks) {
    const options = { phrasings: 'unseen', perTask: { [task]: questions } } as const;
    for (const { turns } of makeSamples(scene, taskRandom(scene, task), options)) {
      const asked = turns.map(({ question }) => renderQuestion(question));
      turns.forEach(({ answer }, turn) => {
        known.set(asked.slice(0, turn + 1).join('\n'), answer);
      });
    }
  }
  return known;
}

function nameOfRegion({ objects }: Scene, question: string): GroundedText | null {
  const region = /<obj(\d+)>/.exec(question);
  return region && [text(objects[Number(region[1])].category.name)];
}

/** Every category that the question names. */
function found(scene: Scene, question: string): GroundedText {
  const names = question.match(new RegExp(`\\b(?:${namesByLength.join('|')})\\b`, 'g')) ?? [];
  return names.map((name) => phrase(name, allNamed(scene, name)));
}

function toAnswer(
  truth: GroundedText,
  sceneIndex: readonly number[],
  boxesXyxy: readonly (readonly number[])[],
): Answer {
  const spans = truth.map((span) =>
    span.kind === 'text' ? span : { ...span, objects: span.objects.map((object) => sceneIndex.indexOf(object)) },
  );
  const rows = spans.flatMap((span) =>
    span.kind === 'text' ? [] : span.objects.map((object) => ({ object, label: span.text })),
  );
  return {
    text: plainText(spans),
    spans,
    objects: rows.map(({ object }) => object),
    labels: rows.map(({ label }) => label),
    boxesXyxy: Float64Array.from(rows.flatMap(({ object }) => boxesXyxy[object])),
    scores: rows.map(() => 1),
    issues: [],
    ending: 'end',
    source: '',
    ids: [],
    promptTokens: 0,
  };
}

/** Boxes of one image as text, a line of JSON and a drawing. */

import { drawBoxes } from '../drawing/draw-boxes.ts';
import { imageFormatOf } from '../drawing/encode.ts';
import type { UpnPreset } from '../proposals/config.ts';
import { loadProposalNetwork } from '../proposals/load-proposal-network.ts';
import type { Proposals } from '../proposals/post-process.ts';
import type { ProposeOptions } from '../proposals/proposal-network.ts';
import type { SessionOptions } from '../runtime/session.ts';
import type { Looker } from './looker.ts';
import { oneLine } from './one-line.ts';

export interface ProposeRequest {
  readonly kind: 'propose';
  readonly model: string;
  readonly preset: UpnPreset;
  readonly wish: Pick<ProposeOptions, 'minScore' | 'nmsIou' | 'maxBoxes' | 'fast'> & {
    readonly granularity: NonNullable<ProposeOptions['granularity']>;
  };
  readonly json?: boolean;
}

/** @throws ChatRexError for a model that cannot be opened, and for options that it refuses for every image */
export async function openProposer(request: ProposeRequest, session?: SessionOptions): Promise<Looker> {
  const { model, preset, wish, json } = request;
  const network = await loadProposalNetwork(model, { preset, session });
  await network.propose([], wish);
  return {
    async look({ path, target }, image, signal) {
      const notes: string[] = [];
      const [proposals] = await network.propose([image], { ...wish, signal });
      const text = json ? jsonLine(path, wish.granularity, proposals) : textLines(path, proposals);
      if (target === undefined) return { text, notes };
      const { boxesXyxy, scores, categories: labels } = proposals;
      const drawing = await drawBoxes(image, boxesXyxy, { scores, labels, format: imageFormatOf(target) });
      return { text, notes, drawing };
    },
    dispose: () => network.dispose(),
  };
}
function jsonLine(image: string, granularity: string, found: Proposals): string {
  const { width, height, scores, granularities, categories, categoryScores } = found;
  const origins = granularity === 'both' ? { granularities } : {};
  const names = categories && {
    categories,
    categoryScores: Array.from(categoryScores ?? [], (score) => rounded(score, 4)),
  };
  const boxes = Array.from(scores, (_, i) => boxAt(found, i).map((value) => rounded(value, 2)));
  const line = {
    image,
    width,
    height,
    granularity,
    boxes,
    scores: Array.from(scores, (s) => rounded(s, 4)),
    ...origins,
    ...names,
  };
  return `${JSON.stringify(line)}\n`;
}

function textLines(image: string, found: Proposals): string {
  const { scores, granularities, categories, width, height } = found;
  const lines = Array.from(scores, (score, i) => {
    const box = boxAt(found, i).map((value) => value.toFixed(1).padStart(8));
    const name = categories ? `  ${categories[i]}` : '';
    return `  ${score.toFixed(2)}  ${granularities[i].padEnd(6)} ${box.join('')}${name}`;
  });
  const count = `${scores.length} ${scores.length === 1 ? 'box' : 'boxes'}`;
  return `${[`${oneLine(image)}  ${width}x${height}  ${count}`, ...lines].join('\n')}\n`;
}

const boxAt = ({ boxesXyxy }: Proposals, i: number): number[] => Array.from(boxesXyxy.subarray(4 * i, 4 * i + 4));

/** Text only: boxes keep their full precision in the library. */
const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

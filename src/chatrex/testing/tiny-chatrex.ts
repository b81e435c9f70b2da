/**
 * The tiny multimodal models in fixtures/chatrex, and the image, boxes and questions that their expected values are of.
 */

import { readFile } from 'node:fs/promises';
import { dialects } from '../../grounding/dialect.ts';
import { decodeImage } from '../../image/decode.ts';
import { createChat } from '../../prompt/conversation.ts';
import { loadTokenizer } from '../../prompt/tokenizer/load-tokenizer.ts';
import { openCheckpoint } from '../../weights/checkpoint.ts';
import { openSafetensors } from '../../weights/safetensors.ts';
import { parseChatRexConfig } from '../config.ts';
import { splitTensors } from '../weights.ts';

const fixtures = new URL('../../../fixtures/chatrex/', import.meta.url).pathname;

export const tinyNames = ['tiny-gated', 'tiny-concat'] as const;

/** Four boxes on the image of 50 x 37. */
export const boxesXyxy = Float64Array.of(4.25, 3.5, 20, 30, 0, 0, 50, 37, 30.5, 10.25, 48.75, 20.5, 41, 1, 44, 3);

export const questions = [
  'Please detect dog; cat in this image. Answer the question with object indexes.',
  'What is <obj2>?',
  'Why?',
];

export async function openTiny(name: (typeof tinyNames)[number]) {
  const folder = fixtures + name;
  const config = parseChatRexConfig(JSON.parse(await readFile(`${folder}/config.json`, 'utf8')));
  const { chatFormat: format, system } = config;
  return {
    config,
    chat: createChat(await loadTokenizer(folder), { format, dialect: dialects[config.dialect], system }),
    image: await decodeImage(`${fixtures}tiny-image.png`),
    tensors: splitTensors(await openCheckpoint(folder), config),
    expected: await openSafetensors(`${folder}/expected.safetensors`),
  };
}

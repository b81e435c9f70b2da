/**
 * A tiny model in the layout of the released ones: eight shards with an index, encoders in float32 beside 16-bit words.
 */

import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { indexFileName } from '../../weights/checkpoint.ts';
import { float32ToBfloat16 } from '../../weights/float16.ts';
import { openSafetensors } from '../../weights/safetensors.ts';
import { type TensorToWrite, writeSafetensors } from '../../weights/safetensors-writer.ts';

const shardCount = 8;
const tiny = 'fixtures/chatrex/tiny-concat';

/**
 * Writes it into the new folder `target`: tensors of no use, added tokens and files that are no part of a model as
 * well.
 */
export async function writeReleasedFolder(target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const file = await openSafetensors(join(tiny, 'model.safetensors'));
  const tensors: TensorToWrite[] = [];
  for (const { name, shape, dtype } of file.tensors.values()) {
    if (dtype === 'int64') continue;
    const values = await file.readFloat32(name);
    const isLanguage = /^(model|lm_head)\./.test(name);
    tensors.push(
      isLanguage
        ? { name, shape, dtype: 'bfloat16', data: float32ToBfloat16(values) }
        : { name, shape, dtype: 'float32', data: values },
    );
  }
  const unused = 'vision_tower.vision_tower.vision_model.post_layernorm.weight';
  if (!file.tensors.has(unused))
    tensors.push({ name: unused, shape: [1], dtype: 'float32', data: new Float32Array(1) });
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < shardCount; shard++) {
    const name = `model-0000${shard + 1}-of-0000${shardCount}.safetensors`;
    const own = tensors.filter((_, i) => Math.floor((i * shardCount) / tensors.length) === shard);
    await writeSafetensors(join(target, name), own, { format: 'pt' });
    for (const tensor of own) weightMap[tensor.name] = name;
  }
  await writeFile(join(target, indexFileName), JSON.stringify({ metadata: {}, weight_map: weightMap }));
  await copyFile(join(tiny, 'config.json'), join(target, 'config.json'));
  // The tokens that the release adds are in a file of their own there.
  const tokenizer = JSON.parse(await readFile(join(tiny, 'tokenizer.json'), 'utf8')) as {
    added_tokens: { id: number; content: string }[];
  };
  const isAdded = ({ content }: { content: string }) => /^<(obj\d+|\/?ground|\/?objects)>$/.test(content);
  const added = tokenizer.added_tokens.filter(isAdded).map(({ id, content }) => [content, id]);
  await writeFile(join(target, 'added_tokens.json'), JSON.stringify(Object.fromEntries(added)));
  const added_tokens = tokenizer.added_tokens.filter((token) => !isAdded(token));
  await writeFile(join(target, 'tokenizer.json'), JSON.stringify({ ...tokenizer, added_tokens }));
  await writeFile(join(target, 'README.md'), '# A model\n');
  await writeFile(join(target, 'modeling.py'), 'raise SystemExit\n');
}

/**
 * The model that an evaluation asks: opened from its folder, and described so that its rows never mix with another's.
 */

import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChatRex, modelFolder } from '../../chatrex.ts';
import { ChatRexError } from '../../errors.ts';
import { granularities, type ProposalKind } from '../../evaluation/data-suites/proposals.ts';
import type { EvaluatedModel } from '../../evaluation/model-subject.ts';
import { readConfig } from '../../language/load.ts';
import { loadProposalNetwork } from '../../proposals/load-proposal-network.ts';
import { locateNetwork } from '../../proposals/locate.ts';
import { nanoDetModelType } from '../../proposals/nanodet/config.ts';
import type { SessionOptions } from '../../runtime/session.ts';

export interface OpenModel {
  readonly model: EvaluatedModel;
  dispose(): Promise<void>;
}

/**
 * Whatever a folder holds of a model; a part that is there and broken is an error, a part that is missing is left out.
 * @param upnSource another proposal network than the folder's
 * @throws ChatRexError 'not-found' when there is neither part
 */
export async function openModel(
  source: string,
  upnSource: string | undefined,
  session: SessionOptions,
): Promise<OpenModel> {
  const { chatrexFolder, upnFolder } = await partsOf(source, upnSource);
  // One session per way of asking: fine, coarse, both.
  const upn = upnFolder === undefined ? undefined : await loadProposalNetwork(upnFolder, { maxSessions: 3, session });
  const chatrex = chatrexFolder === undefined ? undefined : await ChatRex.load(chatrexFolder, { session });
  return {
    model: { upn, chatrex },
    dispose: async () => {
      await upn?.dispose();
      await chatrex?.dispose();
    },
  };
}

async function partsOf(
  source: string,
  upnSource: string | undefined,
): Promise<{ chatrexFolder?: string; upnFolder?: string }> {
  const folder = modelFolder(source);
  const hasConfig = existsSync(join(folder, 'config.json'));
  const isAlone = hasConfig && (await isNetworkAlone(folder));
  const hasChatRex = hasConfig && !isAlone;
  const hasUpn = isAlone || existsSync(join(folder, 'upn'));
  if (!hasChatRex && !hasUpn) {
    throw new ChatRexError('not-found', `model '${source}': expected config.json or upn/ in the folder, found neither`);
  }
  const ownUpn = hasUpn ? (isAlone ? folder : join(folder, 'upn')) : undefined;
  return {
    ...(hasChatRex && { chatrexFolder: folder }),
    upnFolder: upnSource === undefined ? ownUpn : (await locateNetwork(upnSource)).path,
  };
}

async function isNetworkAlone(folder: string): Promise<boolean> {
  const config = (await readConfig(folder)) as { model_type?: string };
  return config.model_type === 'upn' || config.model_type === nanoDetModelType;
}

/** What can be asked of the model's proposal network: all three, or whole things alone. */
export async function proposalKinds(source: string, upnSource?: string): Promise<readonly ProposalKind[]> {
  const { upnFolder } = await partsOf(source, upnSource);
  if (upnFolder === undefined) return granularities;
  const network = await loadProposalNetwork(upnFolder);
  return network.granularities.includes('fine') ? granularities : ['coarse'];
}

/** Who the model is, for `run.json`: its name, and a hash of its parts that does not depend on where they lie. */
export async function describeModel(source: string, upnSource?: string): Promise<Record<string, string>> {
  const { chatrexFolder, upnFolder } = await partsOf(source, upnSource);
  return {
    ...(chatrexFolder !== undefined && { languageModel: await folderHash(chatrexFolder) }),
    ...(upnFolder !== undefined && { proposalNetwork: await folderHash(upnFolder) }),
  };
}

/** Of a file of weights the head and tail are read: gigabytes would take a minute. */
const sampleBytes = 1 << 20;

async function folderHash(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const isFile = statSync(folder).isFile();
  const names = isFile ? [''] : (await readdir(folder)).filter((name) => /\.(json|safetensors|model|pth?)$/.test(name));
  for (const name of names.sort()) {
    hash.update(`${name}\n`);
    hash.update(await fileSample(name === '' ? folder : join(folder, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function fileSample(path: string): Promise<Buffer> {
  if (statSync(path).size <= 2 * sampleBytes) return readFile(path);
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const [head, tail] = [Buffer.alloc(sampleBytes), Buffer.alloc(sampleBytes)];
    await file.read(head, 0, sampleBytes, 0);
    await file.read(tail, 0, sampleBytes, size - sampleBytes);
    return Buffer.concat([Buffer.from(String(size)), head, tail]);
  } finally {
    await file.close();
  }
}

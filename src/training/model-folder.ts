/** What a model folder holds of what was trained. */

import { join } from 'node:path';

export const modelWeightsFile = (folder: string): string => join(folder, 'model.safetensors');

/** Beginnings of parameters that exist for training alone. */
export const trainingOnly: readonly string[] = ['denoising.', 'naming.'];

/** Our own JSON Lines: a header with the categories, then a sample a line. Nothing is lost. */

import { type FileWriter, TextOutput } from '../writer.ts';

export const writer: FileWriter = {
  format: 'json-lines',
  ending: '.jsonl',
  async write(file, { samples, vocabulary }) {
    const output = new TextOutput(file);
    await output.write(`${JSON.stringify({ vocabulary })}\n`);
    for await (const { sample, image } of samples()) {
      await output.write(`${JSON.stringify({ ...sample, ...(image && { image }) })}\n`);
    }
    await output.flush();
  },
};

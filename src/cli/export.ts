/** `chatrex export`: what was trained becomes a model folder; a model becomes .onnx files for other programs. */

import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { defaultModel } from '../bundled-models.ts';
import { planOnnx, writeOnnx } from '../chatrex/export-onnx.ts';
import { ChatRexError } from '../errors.ts';
import type { ImageSize } from '../image/rgb-image.ts';
import { exportMllm, exportUpn, modelFiles } from '../training/export.ts';
import { forceHelp, OutputFiles } from './output-files.ts';
import { progressBar } from './progress.ts';

interface ExportOptions {
  upn?: string;
  mllm?: string;
  out?: string;
  onnx?: string;
  model: string;
  canvas?: ImageSize;
  json?: boolean;
  force?: boolean;
}

export const exportCommand = (): Command =>
  new Command('export')
    .description('export run folders as a model folder (float16), or a model as .onnx files')
    .option('--upn <run>', 'run folder of `train upn`')
    .option('--mllm <run>', 'run folder of `train align` or `train instruct`')
    .option('--out <folder>', 'model folder; the proposal network goes to upn/ in it')
    .option('--onnx <folder>', 'write --model as .onnx files with their weights beside them (docs/onnx.md)')
    .option('--model <model>', 'with --onnx: a model folder, or a bundled or pulled model', defaultModel)
    .option('--canvas <size>', 'with --onnx: size of the images that the UPN takes, such as 1066x800', canvasSize)
    .option('--json', 'with --onnx: print the files with their inputs and outputs')
    .option('--force', forceHelp)
    .addHelpText(
      'after',
      `
Examples:
  chatrex export --upn runs/upn --mllm runs/instruct --out models/mine
  chatrex export --onnx nano-onnx --model nano
  chatrex export --onnx upn-onnx --model models/mine --canvas 512x512`,
    )
    .action(async (options: ExportOptions) => {
      if (options.onnx !== undefined) await exportOnnx(options.onnx, options);
      else await exportRuns(options);
    });

async function exportRuns({ upn, mllm, out, canvas, json, force }: ExportOptions): Promise<void> {
  if (canvas || json) throw new ChatRexError('invalid-argument', '--canvas and --json go with --onnx');
  if (!upn && !mllm)
    throw new ChatRexError('invalid-argument', 'nothing to export; give --upn, --mllm or both, or --onnx');
  if (out === undefined) throw new ChatRexError('invalid-argument', 'export: give --out, the model folder to write');
  const folders = [...(upn ? [join(out, 'upn')] : []), ...(mllm ? [out] : [])];
  await new OutputFiles([], force).require(folders.flatMap(modelFiles));
  if (upn) await exportUpn(upn, join(out, 'upn'));
  if (mllm) await exportMllm(mllm, out);
  process.stderr.write(`wrote ${out}\n`);
}

async function exportOnnx(folder: string, options: ExportOptions): Promise<void> {
  const { upn, mllm, out, model, canvas, json, force } = options;
  if (upn || mllm || out) {
    throw new ChatRexError(
      'invalid-argument',
      '--onnx writes a --model; export runs first, with --upn, --mllm and --out',
    );
  }
  const plan = await planOnnx(model, { canvas });
  await new OutputFiles([], force).require(plan.files.map((file) => join(folder, file)));
  let bar: ReturnType<typeof progressBar> | undefined;
  await writeOnnx(folder, plan, ({ doneBytes, totalBytes, name }) => {
    bar ??= progressBar('export', 100);
    bar.update(Math.floor((100 * doneBytes) / totalBytes), name);
  });
  bar?.end(`wrote ${folder}`);
  if (json) process.stdout.write(`${JSON.stringify(plan.models, null, 2)}\n`);
  else for (const { file } of plan.models) process.stdout.write(`${join(folder, file)}\n`);
}

function canvasSize(text: string): ImageSize {
  const [, width, height] = /^(\d{1,4})x(\d{1,4})$/.exec(text)?.map(Number) ?? [];
  if (width > 0 && height > 0) return { width, height };
  throw new InvalidArgumentError('expected width x height in pixels, such as 1066x800.');
}

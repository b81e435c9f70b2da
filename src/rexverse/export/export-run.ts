/** A run in the formats that others read. */

import { exportJsonLines } from './json-lines.ts';

export const exportFormats = ['jsonl'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** @returns how many images were written */
export function exportRun(folder: string, _format: ExportFormat, out: string): Promise<number> {
  return exportJsonLines(folder, out);
}

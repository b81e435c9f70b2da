/** A line on stderr that says how far a long job is, how fast, and how long it will take. */

import { oneLine } from './one-line.ts';

export interface ProgressBar {
  update(done: number, note?: string): void;
  /** What is going on before or between steps. */
  status(text: string): void;
  end(text: string): void;
}

const width = 24;
/** A terminal is redrawn this often; a log gets a line far more rarely. */
const redrawMs = 100;
const logMs = 15_000;

export function progressBar(title: string, total: number, stream: NodeJS.WriteStream = process.stderr): ProgressBar {
  let startedAt = 0;
  let startedFrom = 0;
  let shownAt = 0;
  const show = (line: string, isForced = false) => {
    const text = oneLine(line);
    const now = Date.now();
    if (!isForced && now - shownAt < (stream.isTTY ? redrawMs : logMs)) return;
    shownAt = now;
    stream.write(stream.isTTY ? `\r\x1b[2K${text.slice(0, (stream.columns ?? 120) - 1)}` : `${text}\n`);
  };
  return {
    update: (done, note = '') => {
      if (startedAt === 0) {
        startedAt = Date.now();
        startedFrom = done;
      }
      const filled = Math.round((width * done) / total);
      const perItem = (Date.now() - startedAt) / Math.max(1, done - startedFrom);
      const left = done > startedFrom ? ` ${formatTime(((total - done) * perItem) / 1000)} left` : '';
      show(
        `${title} [${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${done}/${total}${left}  ${note}`,
        done === total,
      );
    },
    status: (text) => show(`${title}: ${text}`),
    end: (text) => {
      show(`${title}: ${text}`, true);
      if (stream.isTTY) stream.write('\n');
    },
  };
}

export function formatTime(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

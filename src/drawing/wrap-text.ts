/**
 * Words into lines of a given width, keeping track of which span each word came from.
 */
import { type FontWeight, measureText } from './text.ts';

export interface TextSpan {
  readonly text: string;
  readonly weight?: FontWeight;
}

/** A stretch of one span on one line. */
export interface Run {
  readonly span: number;
  text: string;
  readonly x: number;
  width: number;
}

/** A piece without white space inside. */
interface Word {
  readonly span: number;
  readonly text: string;
  /** What stands before it. Without a space it must not be torn from the word before (a full stop after a phrase). */
  readonly before: 'space' | 'nothing' | 'newline';
}

/** Lines of runs, left to right. Words longer than a line are broken where the line ends. */
export function wrapText(spans: readonly TextSpan[], maxWidth: number, size: number): Run[][] {
  const widthOf = (text: string, span: number) => measureText(text, size, spans[span].weight ?? 'regular');
  const lines: Run[][] = [[]];
  let x = 0;
  const add = (word: Word, space: number) => {
    const line = lines[lines.length - 1];
    const last = line[line.length - 1];
    const width = widthOf(word.text, word.span);
    if (last?.span === word.span) {
      last.text += (space > 0 ? ' ' : '') + word.text;
      last.width += space + width;
    } else {
      line.push({ span: word.span, text: word.text, x: x + space, width });
    }
    x += space + width;
  };
  const newLine = () => {
    lines.push([]);
    x = 0;
  };
  for (const unit of unbreakableUnits(spans)) {
    if (unit[0].before === 'newline') newLine();
    const width = unit.reduce((sum, word) => sum + widthOf(word.text, word.span), 0);
    const space = x > 0 && unit[0].before === 'space' ? widthOf(' ', unit[0].span) : 0;
    if (x > 0 && x + space + width > maxWidth) newLine();
    if (width <= maxWidth) {
      for (const [at, word] of unit.entries()) add(word, at === 0 && x > 0 ? space : 0);
      continue;
    }
    for (const { span, text } of unit) {
      for (const character of text) {
        if (x > 0 && x + widthOf(character, span) > maxWidth) newLine();
        add({ span, text: character, before: 'nothing' }, 0);
      }
    }
  }
  return lines;
}

function unbreakableUnits(spans: readonly TextSpan[]): Word[][] {
  const units: Word[][] = [];
  let before: Word['before'] = 'nothing';
  for (const [span, { text }] of spans.entries()) {
    for (const part of text.split(/(\s+)/)) {
      if (part === '') continue;
      if (/^\s+$/.test(part)) {
        before = part.includes('\n') ? 'newline' : 'space';
      } else {
        const word: Word = { span, text: part, before };
        if (before === 'nothing' && units.length > 0) units[units.length - 1].push(word);
        else units.push([word]);
        before = 'nothing';
      }
    }
  }
  return units;
}

/**
 * Annotated images as one HTML file that needs nothing else, in the manner of the paper's figure 19: captions with
 * their phrases in color, pointing at a phrase lights its boxes and pointing at a box its phrases; filters by stage,
 * words and reason.
 */

import { createHash } from 'node:crypto';
import { basename, isAbsolute, join, resolve } from 'node:path';
import sharp from 'sharp';
import { colourAt, toHex } from '../../drawing/colours.ts';
import { escapeHtml } from '../../drawing/grounded-html.ts';
import { writeAll, writeBeside } from '../../files.ts';
import { MAX_IMAGE_PIXELS } from '../../image/decode.ts';
import type { AnnotatedRegion, AnnotatedText, DoneOutcome, Outcome } from '../annotation.ts';
import { groundedText } from '../export/to-sample.ts';
import { outcomesOf } from '../outcomes.ts';
import { readRunFile } from '../run-folder.ts';
import { script, style } from './page-assets.ts';

export interface ViewOptions {
  /** Entries on the page; each takes about 50 kB. */
  readonly limit: number;
  /** Entries to leave out first. */
  readonly skip: number;
}

const longestSide = 640;
/** In place of an image that cannot be shown. */
const noImage = 'data:,';

/** @returns how many entries the page shows */
export async function writeViewPage(folder: string, out: string, { limit, skip }: ViewOptions): Promise<number> {
  let shown = 0;
  await writeBeside(out, async (file) => {
    const write = (text: string) => writeAll(file, Buffer.from(text));
    await write(head(resolve(folder)));
    let place = 0;
    for await (const { outcome, folder: run } of outcomesOf(folder)) {
      if (place++ < skip) continue;
      if (shown === limit) break;
      await write(await card(outcome, run));
      shown++;
    }
    await write(`</main>\n<script>${script}</script>\n</body>\n</html>\n`);
  });
  return shown;
}

function head(title: string): string {
  const scriptHash = createHash('sha256').update(script).digest('base64');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${scriptHash}'">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1 title="${escapeHtml(title)}">${escapeHtml(basename(title))}</h1>
<label>state <select id="state"><option value="">all</option><option>done</option><option>filtered</option><option>failed</option></select></label>
<label>left out by <select id="stage"><option value="">all</option></select></label>
<label>reason <select id="reason"><option value="">all</option></select></label>
<label>words <input id="words" type="search" placeholder="dog"></label>
<output id="count"></output>
</header>
<main>
`;
}

async function card(outcome: Outcome, run: string): Promise<string> {
  const { state, index, name } = outcome;
  const left = leftOut(outcome);
  const attributes = [
    `data-state="${state}"`,
    `data-stages="${escapeHtml([...new Set(left.map(({ stage }) => stage))].join('|'))}"`,
    `data-reasons="${escapeHtml([...new Set(left.map(({ reason }) => reason))].join('|'))}"`,
  ];
  const title = `<h2>${index} <span>${escapeHtml(name)}</span> <em class="${state}">${state}</em></h2>`;
  const inside = outcome.state === 'done' ? await doneBody(outcome, run) : await endedBody(outcome, run);
  const list = left.map(
    ({ stage, what, reason }) => `<li>${escapeHtml(`${stage}: ${reason}`)} <q>${escapeHtml(what)}</q></li>`,
  );
  const details =
    list.length === 0 ? '' : `<details><summary>${list.length} left out</summary><ul>${list.join('')}</ul></details>`;
  return `<article ${attributes.join(' ')}>${title}${inside}${details}</article>\n`;
}

/** What was left out is shown too, where its name says in which file it is. */
async function endedBody(outcome: Exclude<Outcome, DoneOutcome>, run: string): Promise<string> {
  const text = `<section><p>${escapeHtml(endOf(outcome))}</p></section>`;
  const root = (await readRunFile(run))?.root ?? run;
  const shown = /^https?:/.test(outcome.name) ? noImage : await thumbnail(join(root, outcome.name));
  return shown === noImage
    ? text
    : `<div class="pair"><figure><img alt="" loading="lazy" src="${shown}"></figure>${text}</div>`;
}

function endOf(outcome: Exclude<Outcome, DoneOutcome>): string {
  const { stage, reason } = outcome;
  return `${stage}: ${reason}. ${outcome.state === 'failed' ? outcome.message : (outcome.detail ?? '')}`;
}

function leftOut(outcome: Outcome): { stage: string; what: string; reason: string }[] {
  if (outcome.state === 'done') return [...outcome.annotation.dropped];
  const { stage, reason } = outcome;
  return [{ stage, reason, what: outcome.state === 'failed' ? outcome.message : (outcome.detail ?? '') }];
}

async function doneBody({ item, annotation }: DoneOutcome, run: string): Promise<string> {
  const root = item.isDownloaded ? run : ((await readRunFile(run))?.root ?? run);
  const file = isAbsolute(item.file) ? item.file : join(root, item.file);
  const { width, height } = item;
  const boxes = annotation.regions
    .map((region, at) => ({ region, at }))
    // Small boxes last: they lie on top and can be pointed at.
    .sort((a, b) => areaOf(b.region) - areaOf(a.region))
    .map(({ region, at }) => box(region, at));
  const svg = `<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none">${boxes.join('')}</svg>`;
  const image = `<figure><img alt="" loading="lazy" width="${width}" height="${height}" src="${await thumbnail(file)}">${svg}</figure>`;
  const texts = annotation.texts.map(textHtml).join('');
  const regions = annotation.regions.map(regionHtml).join('');
  return `<div class="pair">${image}<section>${texts}<ol start="0">${regions}</ol></section></div>`;
}

function textHtml(one: AnnotatedText): string {
  const question = one.question === undefined ? '' : `<p class="question">${escapeHtml(one.question)}</p>`;
  const spans = groundedText(one).map((span) =>
    span.kind === 'text' ? escapeHtml(span.text) : mark(span.text, span.objects),
  );
  const absent = one.phrases.filter(({ regions }) => regions.length === 0).map(({ query }) => escapeHtml(query));
  const note = absent.length === 0 ? '' : `<p class="absent">not found: ${absent.join(', ')}</p>`;
  return `${question}<p class="caption">${spans.join('')}</p>${note}`;
}

function mark(text: string, regions: readonly number[]): string {
  return `<mark tabindex="0" data-regions="${regions.join(' ')}" style="background:${colorOf(regions[0])}">${escapeHtml(text)}</mark>`;
}

function box({ boxXyxy: [left, top, right, bottom], phrase }: AnnotatedRegion, at: number): string {
  const place = `x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"`;
  return `<g data-regions="${at}"><title>${escapeHtml(phrase)}</title><rect ${place}/><rect ${place} style="stroke:${colorOf(at)}"/></g>`;
}

function regionHtml(region: AnnotatedRegion, at: number): string {
  const { phrase, score, description, referring, rejected, plainDescription } = region;
  const line = (label: string, text: string | undefined, kind = '') =>
    text === undefined ? '' : `<div class="${kind}"><b>${label}</b> ${escapeHtml(text)}</div>`;
  return `<li>${mark(phrase, [at])} <small>${score.toFixed(2)}</small>${line('referring', referring)}${line('description', description)}${line(
    'left out',
    rejected && `${rejected.description} (${rejected.reason})`,
    'rejected',
  )}${line('without its phrase', plainDescription, 'plain')}</li>`;
}

function areaOf({ boxXyxy: [left, top, right, bottom] }: AnnotatedRegion): number {
  return (right - left) * (bottom - top);
}

function colorOf(region: number): string {
  return toHex(colourAt(region));
}

/** A small JPEG as a data URL; an empty image when the file is gone. */
async function thumbnail(file: string): Promise<string> {
  try {
    const bytes = await sharp(file, { limitInputPixels: MAX_IMAGE_PIXELS })
      .autoOrient()
      .flatten({ background: '#fff' })
      .resize(longestSide, longestSide, { fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 80 })
      .toBuffer();
    return `data:image/jpeg;base64,${bytes.toString('base64')}`;
  } catch {
    return noImage;
  }
}

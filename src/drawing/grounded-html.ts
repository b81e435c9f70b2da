/**
 * An answer as one HTML file that needs nothing else: pointing at a phrase shows its boxes, pointing at a box its
 * phrase.
 *
 * There is no script in the page (highlighting is CSS `:has`), and its content policy forbids any, so that text from a
 * model or a user can do no harm even if escaping failed.
 */
import type { BoxArray } from '../boxes/box-array.ts';
import type { GroundedText } from '../grounding/grounded-text.ts';
import type { RgbImage } from '../image/rgb-image.ts';
import { toHex } from './colours.ts';
import { visiblePart } from './draw-boxes.ts';
import { encodeImage, sharpFrom } from './encode.ts';
import { type PhraseBox, phraseBoxes, type ShownSpan, showSpans } from './phrases.ts';

/** The longer side of the embedded image: sharp on a large screen, and the file stays near a megabyte. */
const EMBEDDED_LONGEST = 2048;

export interface GroundedHtmlOptions {
  /** Shown as the heading. */
  readonly question?: string;
}

/**
 * @param boxesXyxy [N,4] in pixels of `image`: the object list to which the answer's indices refer
 * @returns the text of an HTML document
 * @example await writeFile('answer.html', await groundedAnswerHtml(image, answer.spans, encoded.boxes.boxesXyxy));
 */
export async function groundedAnswerHtml(
  image: RgbImage,
  answer: GroundedText,
  boxesXyxy: BoxArray,
  { question }: GroundedHtmlOptions = {},
): Promise<string> {
  const spans = showSpans(answer);
  const boxes = phraseBoxes(spans, boxesXyxy);
  const phrases = new Map(spans.flatMap((span) => (span.phrase === undefined ? [] : [[span.phrase, span.colour!]])));
  const heading = question === undefined ? '' : `<h1>${escapeHtml(question)}</h1>\n`;
  return `<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${escapeHtml(question ?? 'Answer')}</title>
<style>
${STYLE}
${[...phrases].map(([phrase, colour]) => phraseRules(phrase, toHex(colour))).join('\n')}
</style>
</head>
<body>
<main>
<figure>
<img alt="" width="${image.width}" height="${image.height}" src="${await dataUrl(image)}">
<svg viewBox="0 0 ${image.width} ${image.height}" preserveAspectRatio="none">
${boxShapes(boxes, boxesXyxy, image).join('\n')}
</svg>
</figure>
<section>
${heading}<p>${spans.map(spanHtml).join('')}</p>
</section>
</main>
</body>
</html>
`;
}

const STYLE = `:root { color-scheme: light dark; font: 17px/1.7 system-ui, sans-serif; }
body { margin: 0; }
main { display: flex; flex-wrap: wrap; gap: 1.5rem; padding: 1.5rem; max-width: 110rem; margin: auto; }
figure { position: relative; margin: 0; flex: 3 1 26rem; align-self: flex-start; }
figure img { display: block; width: 100%; height: auto; border-radius: .4rem; }
figure svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
section { flex: 2 1 20rem; overflow-wrap: anywhere; }
h1 { font-size: 1.1rem; line-height: 1.4; margin: 0 0 .6rem; white-space: pre-wrap; }
p { margin: 0; white-space: pre-wrap; }
.phrase { color: #000; border-radius: .25em; padding: .05em .2em; cursor: default; -webkit-box-decoration-break: clone; box-decoration-break: clone; }
.box rect { fill: transparent; vector-effect: non-scaling-stroke; stroke-width: 2.5; }
.box rect:first-child { stroke: #0009; stroke-width: 5; }
.box, .phrase { transition: opacity .12s; }`;

/** Everything that does not belong to the phrase under the pointer, or with the keyboard's focus, fades. */
function phraseRules(phrase: number, colour: string): string {
  const active = `main:has(.p${phrase}:is(:hover, :focus-visible))`;
  return `.phrase.p${phrase} { background: ${colour}; } .box.p${phrase} rect:last-child { stroke: ${colour}; }
${active} .box:not(.p${phrase}) { opacity: .08; } ${active} .phrase:not(.p${phrase}) { opacity: .35; }
${active} .box.p${phrase} rect:last-child { stroke-width: 4; }`;
}

function boxShapes(boxes: readonly PhraseBox[], boxesXyxy: BoxArray, image: RgbImage): string[] {
  const shapes = boxes.flatMap(({ object, phrase, text, depth }) => {
    const part = visiblePart(boxesXyxy, object, image, 1);
    if (part === undefined) return [];
    const inset = Math.min(depth * 0.008 * Math.min(image.width, image.height), (part.right - part.left) / 4);
    const width = Math.max(0, part.right - part.left - 2 * inset);
    const height = Math.max(0, part.bottom - part.top - 2 * inset);
    const rect = `<rect x="${part.left + inset}" y="${part.top + inset}" width="${width}" height="${height}"/>`;
    const title = `<title>${escapeHtml(text.trim())} (box ${object})</title>`;
    return [{ area: width * height, html: `<g class="box p${phrase}">${rect}${title}${rect}</g>` }];
  });
  // Small boxes last: they lie on top and can be pointed at.
  return shapes.sort((a, b) => b.area - a.area).map(({ html }) => html);
}

function spanHtml({ text, phrase, objects }: ShownSpan): string {
  if (phrase === undefined) return escapeHtml(text);
  const title = `${objects.length === 1 ? 'box' : 'boxes'} ${objects.join(', ')}`;
  return `<span class="phrase p${phrase}" tabindex="0" title="${title}">${escapeHtml(text)}</span>`;
}

async function dataUrl(image: RgbImage): Promise<string> {
  const encoded = sharpFrom(image).resize(EMBEDDED_LONGEST, EMBEDDED_LONGEST, {
    fit: 'inside',
    withoutEnlargement: true,
  });
  const bytes = await encodeImage(encoded, 'jpeg');
  return `data:image/jpeg;base64,${Buffer.from(bytes).toString('base64')}`;
}

/** Safe in text and in quoted attributes. Characters that HTML forbids become U+FFFD. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character]).replace(/[^\P{Cc}\t\n\r]|\p{Cs}/gu, '\uFFFD');
}

/** The image with its boxes, as PNG, and with its answers as a page that needs nothing else. */

import { dataUrl } from '../api.ts';
import { boxColours, phraseColours } from '../colours.ts';
import { type Answer, type StudioImage, visibleBoxes } from '../model.ts';

/** Boxes of `answer` in its colours, or all that are shown. */
export async function toPng(image: StudioImage, answer: Answer | undefined): Promise<Blob> {
  const bitmap = await createImageBitmap(image.file);
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d')!;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const colours = boxColours(answer);
  const line = Math.max(1.5, Math.min(image.width, image.height) / 250);
  context.font = `600 ${line * 7}px system-ui, sans-serif`;
  context.textBaseline = 'top';
  visibleBoxes(image).forEach(({ id, box: [x1, y1, x2, y2], label }, index) => {
    const colour = colours.get(id) ?? '#ffffff';
    if (colours.size > 0 && !colours.has(id)) return;
    context.lineWidth = line * 2;
    context.strokeStyle = '#0008';
    context.strokeRect(x1, y1, x2 - x1, y2 - y1);
    context.lineWidth = line;
    context.strokeStyle = colour;
    context.strokeRect(x1, y1, x2 - x1, y2 - y1);
    const text = label ? `${index} ${label}` : String(index);
    context.fillStyle = colour;
    context.fillRect(x1, y1, context.measureText(text).width + line * 4, line * 9);
    context.fillStyle = '#000';
    context.fillText(text, x1 + line * 2, y1 + line);
  });
  return canvas.convertToBlob({ type: 'image/png' });
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/**
 * One file: the image, its boxes, every answer; pointing at a phrase lights its boxes, without a script from elsewhere.
 */
export async function toHtml(image: StudioImage): Promise<string> {
  const boxes = visibleBoxes(image);
  const first = boxColours(image.answers[0]);
  const rects = boxes.map(({ id, box: [x1, y1, x2, y2], label }, index) => {
    const shape = `x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}"`;
    const title = escaped(`${index}${label ? ` ${label}` : ''}`);
    return `<rect class="b${index}" ${shape} style="stroke:${first.get(id) ?? '#fff'}"><title>${title}</title></rect>`;
  });
  const answers = image.answers.filter(({ status }) => status === 'done').map((answer) => answerHtml(answer, boxes));
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(image.name)}</title><style>${pageStyle}</style>
<main><svg viewBox="0 0 ${image.width} ${image.height}" role="img" aria-label="${escaped(image.name)}">
<image href="${await dataUrl(image.file)}" width="${image.width}" height="${image.height}"/>${rects.join('')}</svg>
<div>${answers.join('')}</div></main><script>${pageScript}</script></html>
`;
}

function answerHtml({ asked, text, phrases }: Answer, boxes: readonly { id: string }[]): string {
  const colours = phraseColours(phrases);
  let html = '';
  let at = 0;
  phrases.forEach(({ start, end, boxes: ids }, i) => {
    const indices = ids.map((id) => boxes.findIndex((box) => box.id === id)).filter((index) => index >= 0);
    const words = escaped(text.slice(start, end));
    html += escaped(text.slice(at, start));
    html += `<button data-b="${indices.join(' ')}" style="--c:${colours[i]}">${words}</button>`;
    at = end;
  });
  return `<h2>${escaped(asked)}</h2><p>${html}${escaped(text.slice(at))}</p>`;
}

const pageStyle = `body{font:17px/1.7 system-ui,sans-serif;margin:2vw;color-scheme:light dark}
main{display:flex;flex-wrap:wrap;gap:2vw}svg{flex:2 1 400px;max-width:100%;max-height:94vh}div{flex:1 1 280px}
h2{font-size:1em;font-weight:500;opacity:.75;margin:0}p{margin:0 0 1em;white-space:pre-wrap}
rect{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}rect.on{stroke-width:4;fill:#fff4}svg.some rect:not(.on){opacity:.2}
button{font:inherit;color:#000;border:0;border-radius:5px;padding:0 .3em;background:var(--c)}`;

const pageScript = `for(const p of document.querySelectorAll('[data-b]')){const s=on=>{document.querySelector('svg').
classList.toggle('some',on);for(const i of p.dataset.b.split(' '))document.querySelector('.b'+i)?.classList.toggle('on',on)};
p.onpointerenter=p.onfocus=()=>s(true);p.onpointerleave=p.onblur=()=>s(false)}`;

import { useRef, useState } from 'preact/hooks';
import {
  type Corner,
  corners,
  deleteBox,
  drawBox,
  isLargeEnough,
  moved,
  nameInQuestion,
  placeBox,
  resized,
  tidy,
} from '../box-edits.ts';
import { boxColours, plainColours } from '../colours.ts';
import { type Box, type BoxXyxy, type StudioImage, visibleBoxes } from '../model.ts';
import { setState, useStudio } from '../store.ts';
import { useObjectUrl } from './object-url.ts';

/** A change of a box while the pointer is down. */
interface Drag {
  readonly id?: string;
  readonly corner?: Corner;
  readonly fromX: number;
  readonly fromY: number;
  readonly before: BoxXyxy;
  readonly now: BoxXyxy;
}

/** From this many boxes on, only those that matter show their numbers. */
const fewBoxes = 40;
/** Pixels on screen that a pointer may wander in a click. */
const clickPixels = 4;

/** The image with its boxes. One stop of the Tab key; arrows go from box to box. */
export function Stage({ image }: { image: StudioImage }) {
  const { mode, lit, answerId, selectedId } = useStudio();
  const url = useObjectUrl(image.file);
  const frame = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<Drag>();
  const boxes = visibleBoxes(image);
  const isMany = boxes.length > fewBoxes;
  const meant = boxColours(image.answers.find(({ id }) => id === answerId));
  const colours = meant.size > 0 ? meant : plainColours(boxes, isMany);
  const isSome = [lit.length > 0 && 'some-lit', meant.size > 0 && 'some-meant', isMany && 'many'];
  const classes = ['stage', mode, ...isSome].filter(Boolean);
  const focusId = boxes.some(({ id }) => id === selectedId) ? selectedId : boxes[0]?.id;

  const pointAt = (event: PointerEvent): [number, number] => {
    const { left, top, width, height } = frame.current!.getBoundingClientRect();
    return [((event.clientX - left) / width) * image.width, ((event.clientY - top) / height) * image.height];
  };
  const begin = (event: PointerEvent, box?: Box, corner?: Corner) => {
    if (event.button !== 0 || (!box && mode !== 'draw')) return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y] = pointAt(event);
    frame.current!.setPointerCapture(event.pointerId);
    const before = box?.box ?? ([x, y, x, y] as const);
    setDrag({ id: box?.id, corner, fromX: x, fromY: y, before, now: before });
  };
  const move = (event: PointerEvent) => {
    if (!drag) return;
    const [x, y] = pointAt(event);
    const [dx, dy] = [x - drag.fromX, y - drag.fromY];
    const now = !drag.id
      ? ([drag.fromX, drag.fromY, x, y] as const)
      : drag.corner
        ? resized(drag.before, drag.corner, dx, dy)
        : moved(drag.before, dx, dy, image);
    setDrag({ ...drag, now });
  };
  const end = () => {
    if (!drag) return;
    setDrag(undefined);
    const scale = frame.current!.clientWidth / image.width;
    const distance = Math.max(...drag.now.map((value, i) => Math.abs(value - drag.before[i]))) * scale;
    const now = tidy(drag.now, image);
    if (distance < clickPixels) {
      if (drag.id && !drag.corner) nameInQuestion(drag.id);
    } else if (isLargeEnough(now)) {
      if (drag.id) placeBox(drag.id, now);
      else drawBox(now);
    }
  };
  // Small boxes lie on top of large ones, so that each can be reached.
  const area = ({ box: [x1, y1, x2, y2] }: Box) => (x2 - x1) * (y2 - y1);
  const order = boxes.map((box, index) => ({ box, index })).sort((a, b) => area(b.box) - area(a.box));
  return (
    <div
      class={classes.join(' ')}
      style={{ '--ratio': `${image.width} / ${image.height}`, '--shape': image.width / image.height }}
    >
      <div
        ref={frame}
        class="frame"
        onPointerDown={(event) => begin(event)}
        onPointerMove={move}
        onPointerUp={end}
        onPointerCancel={() => setDrag(undefined)}
      >
        <img src={url} alt={image.name} draggable={false} />
        {/* biome-ignore lint/a11y/useSemanticElements: boxes are no fields of a form */}
        <div role="group" aria-label="Boxes. Arrow keys go from box to box, Enter names one in the question.">
          {order.map(({ box, index }) => (
            <BoxButton
              key={box.id}
              {...{ image, box, index, boxes }}
              shown={drag?.id === box.id ? tidy(drag.now, image) : box.box}
              colour={colours.get(box.id)}
              isMeant={meant.has(box.id)}
              isLit={lit.includes(box.id)}
              isSelected={box.id === selectedId}
              isStop={box.id === focusId}
              begin={begin}
            />
          ))}
        </div>
        {drag && !drag.id && <span class="box drawing" style={place(tidy(drag.now, image), image)} />}
      </div>
    </div>
  );
}

const place = ([x1, y1, x2, y2]: BoxXyxy, { width, height }: StudioImage) => ({
  left: `${(100 * x1) / width}%`,
  top: `${(100 * y1) / height}%`,
  width: `${(100 * (x2 - x1)) / width}%`,
  height: `${(100 * (y2 - y1)) / height}%`,
});

interface BoxButtonProps {
  readonly image: StudioImage;
  readonly box: Box;
  readonly index: number;
  readonly boxes: readonly Box[];
  readonly shown: BoxXyxy;
  readonly colour?: string;
  readonly isMeant: boolean;
  readonly isLit: boolean;
  readonly isSelected: boolean;
  readonly isStop: boolean;
  begin(event: PointerEvent, box?: Box, corner?: Corner): void;
}

function BoxButton({
  image,
  box,
  index,
  boxes,
  shown,
  colour,
  isMeant,
  isLit,
  isSelected,
  isStop,
  begin,
}: BoxButtonProps) {
  const { mode } = useStudio();
  const classes = ['box', isMeant && 'meant', isLit && 'lit', isSelected && 'selected', box.source].filter(Boolean);
  const style = { ...place(shown, image), ...(colour && { '--colour': colour }) };
  const light = () => setState({ lit: [box.id] });
  const dim = () => setState({ lit: [] });
  const score = box.source === 'drawn' ? 'drawn by hand' : `score ${box.score.toFixed(2)}`;
  return (
    <button
      type="button"
      class={classes.join(' ')}
      style={style}
      data-box={box.id}
      data-index={index}
      tabIndex={isStop ? 0 : -1}
      aria-label={`Box ${index}${box.label ? `, ${box.label}` : ''}, ${score}`}
      onPointerEnter={light}
      onPointerLeave={dim}
      onFocus={() => setState({ lit: [box.id], selectedId: box.id })}
      onBlur={dim}
      onPointerDown={(event) => mode === 'point' && begin(event, box)}
      onKeyDown={(event) => onBoxKey(event, image, box, index, boxes)}
    >
      <span class="tag">
        {index}
        {box.label && <b> {box.label}</b>}
      </span>
      {isSelected &&
        corners.map((corner) => (
          <span key={corner} class={`handle ${corner}`} onPointerDown={(event) => begin(event, box, corner)} />
        ))}
    </button>
  );
}

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Arrows: another box. With Shift: move this one. With Alt: resize it. */
function onBoxKey(event: KeyboardEvent, image: StudioImage, box: Box, index: number, boxes: readonly Box[]): void {
  const arrow = arrows[event.key];
  const pixels = Math.max(1, Math.round(image.width / 100));
  if (arrow) {
    const [x, y] = arrow;
    if (event.shiftKey) placeBox(box.id, tidy(moved(box.box, x * pixels, y * pixels, image), image));
    else if (event.altKey) {
      const now = tidy(resized(box.box, 'se', x * pixels, y * pixels), image);
      if (isLargeEnough(now)) placeBox(box.id, now);
    } else focusBox(boxes[(index + x + y + boxes.length) % boxes.length].id);
  } else if (event.key === 'Enter' || event.key === ' ') nameInQuestion(box.id);
  else if (event.key === 'Delete' || event.key === 'Backspace') {
    deleteBox(box.id);
    const next = boxes[index + 1] ?? boxes[index - 1];
    if (next) requestAnimationFrame(() => focusBox(next.id));
  } else return;
  event.preventDefault();
}

export const focusBox = (id: string): void =>
  document.querySelector<HTMLElement>(`[data-box="${id}"]`)?.focus({ preventScroll: true });

import { findBoxes } from '../actions.ts';
import { leastScore } from '../api.ts';
import { addBox } from '../box-edits.ts';
import { type Granularity, maxBoxes, type StudioImage, visibleBoxes } from '../model.ts';
import { changeImage, redo, setState, undo, useStudio } from '../store.ts';

const granularities: readonly [Granularity, string][] = [
  ['fine', 'Pieces'],
  ['coarse', 'Whole things'],
  ['both', 'Both'],
];

/** Which boxes are shown, and what the pointer does to them. */
export function Toolbar({ image }: { image: StudioImage }) {
  const { mode } = useStudio();
  const shown = visibleBoxes(image).length;
  const offered = granularities.filter(([value]) => !image.kinds || image.kinds.includes('fine') || value === 'coarse');
  return (
    <div class="toolbar" role="toolbar" aria-label="Boxes">
      {offered.length > 1 && (
        <fieldset class="segments">
          <legend class="hidden">Which boxes to find</legend>
          {offered.map(([value, text]) => (
            <label key={value}>
              <input
                type="radio"
                name="granularity"
                checked={image.granularity === value}
                onChange={() => void findBoxes(image.id, value)}
              />
              <span>{text}</span>
            </label>
          ))}
        </fieldset>
      )}
      <div class="row sliders">
        <Slider
          text="Score from"
          title="Boxes of a lower score are hidden"
          value={image.minScore}
          range={[leastScore, 0.95]}
          onValue={(minScore) => changeImage(image.id, () => ({ minScore }))}
        />
        <Slider
          text="Overlap to"
          title="Of two boxes that overlap more (intersection over union) the one with the lower score is hidden"
          value={image.maxOverlap}
          range={[0.05, 1]}
          onValue={(maxOverlap) => changeImage(image.id, () => ({ maxOverlap }))}
        />
        <span class="count" aria-live="polite">
          {shown} {shown === 1 ? 'box' : 'boxes'}
          {shown === maxBoxes && ' (the most)'}
        </span>
      </div>
      <span class="row end">
        <button
          type="button"
          aria-pressed={mode === 'draw'}
          title="Draw boxes by dragging (d)"
          onClick={() => setState({ mode: mode === 'draw' ? 'point' : 'draw' })}
        >
          Draw
        </button>
        <button type="button" title="Add a box in the middle, to move by keys (b)" onClick={addBox}>
          Add box
        </button>
        <button type="button" disabled={image.past.length === 0} title="Undo (Ctrl+Z)" aria-label="Undo" onClick={undo}>
          ↶
        </button>
        <button
          type="button"
          disabled={image.future.length === 0}
          title="Redo (Ctrl+Shift+Z)"
          aria-label="Redo"
          onClick={redo}
        >
          ↷
        </button>
      </span>
    </div>
  );
}

function Slider({
  text,
  title,
  value,
  range: [least, most],
  onValue,
}: {
  text: string;
  title: string;
  value: number;
  range: readonly [number, number];
  onValue: (value: number) => void;
}) {
  return (
    <label class="slider" title={title}>
      <span>
        {text} <b>{value.toFixed(2)}</b>
      </span>
      <input
        type="range"
        aria-label={text}
        min={least}
        max={most}
        step="0.05"
        value={value}
        onInput={({ currentTarget }) => onValue(Number(currentTarget.value))}
      />
    </label>
  );
}

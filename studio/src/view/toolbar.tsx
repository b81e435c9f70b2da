import { findBoxes } from '../actions.ts';
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
  return (
    <div class="toolbar" role="toolbar" aria-label="Boxes">
      <fieldset class="segments">
        <legend class="hidden">Which boxes to find</legend>
        {granularities.map(([value, text]) => (
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
      <label class="slider">
        Score from <output>{image.minScore.toFixed(2)}</output>
        <input
          type="range"
          min="0.05"
          max="0.95"
          step="0.05"
          value={image.minScore}
          onInput={({ currentTarget }) => {
            const minScore = Number(currentTarget.value);
            changeImage(image.id, () => ({ minScore }));
          }}
        />
      </label>
      <span class="count" aria-live="polite">
        {shown} {shown === 1 ? 'box' : 'boxes'}
        {shown === maxBoxes && ' (the most)'}
      </span>
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

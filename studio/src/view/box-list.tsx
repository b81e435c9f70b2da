import { deleteBox, labelBox, nameInQuestion } from '../box-edits.ts';
import { type StudioImage, visibleBoxes } from '../model.ts';
import { setState, useStudio } from '../store.ts';

/** Every box by its number, to name, correct or delete. */
export function BoxList({ image }: { image: StudioImage }) {
  const { lit } = useStudio();
  const boxes = visibleBoxes(image);
  return (
    <details class="card boxes">
      <summary>Boxes and their names ({boxes.length})</summary>
      <ul>
        {boxes.map((box, index) => (
          <li
            key={box.id}
            class={lit.includes(box.id) ? 'lit' : ''}
            onPointerEnter={() => setState({ lit: [box.id] })}
            onPointerLeave={() => setState({ lit: [] })}
          >
            <button
              type="button"
              class="plain"
              aria-label={`Name box ${index} in the question`}
              onClick={() => nameInQuestion(box.id)}
            >
              {index}
            </button>
            <input
              type="text"
              maxLength={200}
              aria-label={`Name of box ${index}`}
              placeholder="no name"
              value={box.label ?? ''}
              onFocus={() => setState({ lit: [box.id], selectedId: box.id })}
              onBlur={() => setState({ lit: [] })}
              onChange={({ currentTarget }) => labelBox(box.id, currentTarget.value)}
            />
            <span class="score">{box.source === 'drawn' ? 'drawn' : box.score.toFixed(2)}</span>
            <button type="button" class="plain" aria-label={`Delete box ${index}`} onClick={() => deleteBox(box.id)}>
              ×
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

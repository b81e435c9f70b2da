import { deleteBox, labelBox, nameInQuestion } from '../box-edits.ts';
import { boxesCode } from '../export/request-code.ts';
import { type StudioImage, visibleBoxes } from '../model.ts';
import { setState, useStudio } from '../store.ts';
import { Snippets } from './snippets.tsx';

/** Every box by its number, to name, correct or delete. */
export function BoxList({ image }: { image: StudioImage }) {
  const { lit } = useStudio();
  const { granularity, minScore, maxOverlap } = image;
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
      <Snippets
        image={image}
        title="Finding them as code"
        code={(language, place) =>
          boxesCode(language, { granularity, minScore, maxOverlap: maxOverlap < 1 ? maxOverlap : undefined }, place)
        }
      />
    </details>
  );
}

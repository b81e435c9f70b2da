import type { StudioImage } from '../model.ts';
import { show, step, useStudio } from '../store.ts';
import { useObjectUrl } from './object-url.ts';

/** All open images; n and p go through them. */
export function FilmStrip() {
  const { images, currentId } = useStudio();
  if (images.length < 2) return null;
  const at = images.findIndex(({ id }) => id === currentId);
  return (
    <nav class="strip" aria-label="Images">
      <button type="button" disabled={at === 0} title="p" onClick={() => step(-1)}>
        Previous
      </button>
      <ol>
        {images.map((image) => (
          <li key={image.id}>
            <Thumbnail image={image} isCurrent={image.id === currentId} />
          </li>
        ))}
      </ol>
      <span>
        {at + 1} of {images.length}
      </span>
      <button type="button" disabled={at === images.length - 1} title="n" onClick={() => step(1)}>
        Next
      </button>
    </nav>
  );
}

function Thumbnail({ image, isCurrent }: { image: StudioImage; isCurrent: boolean }) {
  const url = useObjectUrl(image.file);
  return (
    <button type="button" class="plain" aria-current={isCurrent} title={image.name} onClick={() => show(image.id)}>
      <img src={url} alt={image.name} loading="lazy" />
    </button>
  );
}

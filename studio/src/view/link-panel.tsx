import { useState } from 'preact/hooks';
import { deleteLink, type Link, makeLink } from '../link.ts';
import { setState, tell, useStudio } from '../store.ts';
import { copy } from './snippets.tsx';

/** A link that brings everything back, on this server. */
export function LinkPanel() {
  const { images } = useStudio();
  const [link, setLink] = useState<Link>();
  const [progress, setProgress] = useState<string>();
  const make = async () => {
    setProgress('Sending…');
    try {
      setLink(await makeLink((done, of) => setProgress(`Sending image ${done + 1} of ${of}…`)));
    } catch (error) {
      setState({ notice: (error as Error).message });
    }
    setProgress(undefined);
  };
  const forget = async (made: Link) => {
    try {
      await deleteLink(made);
      setLink(undefined);
      tell('The server has deleted it.');
    } catch (error) {
      setState({ notice: (error as Error).message });
    }
  };
  return (
    <details class="card">
      <summary>Link</summary>
      <p>
        A link to {images.length === 1 ? 'this image' : `these ${images.length} images`} with boxes and answers. They
        are kept on this server and nowhere else; whoever has the link and may use this server can open them.
      </p>
      {link && (
        <div class="row link">
          <input
            type="text"
            readOnly
            aria-label="Link to this session"
            value={link.url}
            onFocus={({ currentTarget }) => currentTarget.select()}
          />
          <button type="button" onClick={() => void copy(link.url)}>
            Copy
          </button>
          <button type="button" onClick={() => void forget(link)}>
            Delete
          </button>
        </div>
      )}
      {link && (
        <p class="facts">Until {new Date(link.expiresAt).toLocaleDateString()}; earlier when the store is full.</p>
      )}
      {(!link || link.images !== images) && (
        <div class="row">
          <button type="button" disabled={progress !== undefined} onClick={() => void make()}>
            {link ? 'Make a link to what is open now' : 'Make a link'}
          </button>
          <span class="facts" role="status">
            {progress}
          </span>
        </div>
      )}
    </details>
  );
}

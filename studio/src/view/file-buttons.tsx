import { useRef } from 'preact/hooks';
import { openFiles } from '../actions.ts';

/** Ways to open images: one or several files, a folder, and the camera on telephones. */
export function FileButtons({ isSmall = false }: { isSmall?: boolean }) {
  return (
    <div class="row">
      <FileButton
        text={isSmall ? 'Open' : 'Choose an image'}
        name="file"
        isPrimary={!isSmall}
        options={{ multiple: true }}
      />
      <FileButton text="Folder" name="folder" options={{ webkitdirectory: true }} />
      <FileButton text={isSmall ? 'Camera' : 'Photograph'} name="camera" options={{ capture: 'environment' }} />
    </div>
  );
}

function FileButton({
  text,
  name,
  isPrimary,
  options,
}: {
  text: string;
  name: string;
  isPrimary?: boolean;
  options: object;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class={`${isPrimary ? 'primary ' : ''}open-${name}`} onClick={() => input.current?.click()}>
        {text}
      </button>
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        data-name={name}
        {...options}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])].sort((a, b) => a.name.localeCompare(b.name));
          event.currentTarget.value = '';
          void openFiles(files);
        }}
      />
    </>
  );
}

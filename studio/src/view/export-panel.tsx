import { modelName } from '../api.ts';
import { toHtml, toPng } from '../export/annotated.ts';
import { toCoco, toJsonLines, toLabelStudio, toYolo } from '../export/formats.ts';
import { zip } from '../export/zip.ts';
import type { StudioImage } from '../model.ts';
import { getState, setState, tell, useStudio } from '../store.ts';

interface Format {
  readonly text: string;
  make(image: StudioImage): Promise<readonly [name: string, content: Blob | string, type: string]>;
}

const stem = ({ name }: StudioImage) => name.replace(/\.[^.]*$/, '');
const json = 'application/json';

/** Images that somebody looked at; those of a folder that were not opened yet have nothing to export. */
const seen = () => getState().images.filter(({ status }) => status === 'ready');

const forAll: readonly Format[] = [
  { text: 'COCO', make: async () => ['coco.json', toCoco(seen()), json] },
  { text: 'YOLO', make: async () => ['yolo.zip', zip(toYolo(seen())), 'application/zip'] },
  { text: 'Label Studio', make: async () => ['label-studio.json', toLabelStudio(seen(), await modelName()), json] },
  { text: 'JSON Lines', make: async () => ['chatrex.jsonl', toJsonLines(seen()), 'application/jsonl'] },
];

const forOne: readonly Format[] = [
  {
    text: 'PNG',
    make: async (image) => {
      const answer = image.answers.find(({ id }) => id === getState().answerId);
      return [`${stem(image)}-boxes.png`, await toPng(image, answer), 'image/png'];
    },
  },
  { text: 'HTML', make: async (image) => [`${stem(image)}.html`, await toHtml(image), 'text/html'] },
];

/** Files of what is shown: of all images together, or of this one. */
export function ExportPanel({ image }: { image: StudioImage }) {
  useStudio();
  const count = seen().length;
  return (
    <details class="card">
      <summary>Export</summary>
      <p>{count > 1 ? `All ${count} images that were looked at` : 'Boxes and names'}</p>
      <FormatButtons formats={forAll} image={image} />
      <p>This image, as it is shown</p>
      <FormatButtons formats={forOne} image={image} />
    </details>
  );
}

function FormatButtons({ formats, image }: { formats: readonly Format[]; image: StudioImage }) {
  return (
    <div class="row">
      {formats.map((format) => (
        <button key={format.text} type="button" onClick={() => void save(format, image)}>
          {format.text}
        </button>
      ))}
    </div>
  );
}

async function save({ text, make }: Format, image: StudioImage): Promise<void> {
  try {
    const [name, content, type] = await make(image);
    const url = URL.createObjectURL(new Blob([content], { type }));
    const link = document.createElement('a');
    Object.assign(link, { href: url, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    tell(`Saved ${name}.`);
  } catch (error) {
    setState({ notice: `${text} could not be made: ${(error as Error).message}` });
  }
}

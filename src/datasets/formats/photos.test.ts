import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { imageFile } from '../testing/images.ts';
import { faultCounts, readFolder, withFiles } from '../testing/read-all.ts';
import { reader } from './photos.ts';

it('finds images in folders below and behind links, in order, and no circle', async () => {
  const png = await imageFile(7, 5);
  const files = {
    'all/b.png': png,
    'all/a/z.PNG': png,
    'all/notes.txt': 'x',
    'all/.hidden.png': png,
    'else/c.png': png,
  };
  await withFiles({ ...files, 'all/broken.jpg': 'not an image' }, async (folder) => {
    await symlink(join(folder, 'else'), join(folder, 'all/link'));
    await symlink(join(folder, 'all'), join(folder, 'all/circle'));
    await symlink(join(folder, 'nowhere.png'), join(folder, 'all/dangling.png'));
    const result = await readFolder(reader, folder, { path: 'all' });
    expect(result.samples.map(({ id }) => id)).toEqual(['a/z.PNG', 'b.png', 'link/c.png']);
    expect(result.samples[0]).toEqual({
      id: 'a/z.PNG',
      image: { file: 'a/z.PNG', size: { width: 7, height: 5 } },
      regions: [],
      phrases: [],
      conversations: [],
      coverage: { complete: [], isClosed: false },
    });
    expect(faultCounts(result)).toEqual({ 'unreadable-image': 1 });
    await expect(readFolder(reader, folder, { path: 'nowhere' })).rejects.toMatchObject({ code: 'not-found' });
  });
});

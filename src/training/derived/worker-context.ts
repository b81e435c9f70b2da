/** What of a context goes to a worker thread: functions and signals cannot. */

import type { OpenContext } from '../../datasets/dataset.ts';

export const onlyPlaces = ({ cacheFolder, dataRoot }: OpenContext): OpenContext => ({ cacheFolder, dataRoot });

/** `chatrex/datasets`: any data set as samples, and back into files. */

export type { BoxXywh, BoxXyxy } from '../boxes/box.ts';
export { convertDataset } from '../datasets/convert.ts';
export type { ConversationWish, Dataset, DatasetSpec, OpenContext, VocabularyEntry } from '../datasets/dataset.ts';
export { inspectDataset } from '../datasets/inspect.ts';
export { type Mixture, type MixturePart, readMixture } from '../datasets/mixture-spec.ts';
export { createOrder, type Draw, type Order, type OrderPart } from '../datasets/order.ts';
export {
  type DraftRegion,
  type DraftSample,
  defineReader,
  type Reader,
  type ReaderContext,
} from '../datasets/reader.ts';
export type { Conversation, Coverage, ImageRef, Phrase, PhraseKind, Region, Sample, Turn } from '../datasets/sample.ts';
export { parseSpec } from '../datasets/spec.ts';
export { conversationsOf, conversationTasks } from '../datasets/tasks/conversations.ts';
export { datasetFormats, openDataset } from '../open-dataset.ts';

/** Tells from the fields of a record which suite its file belongs to, for error messages. */

import type { RawRecord } from './record-files.ts';

/** The fields that only files of this suite have, most telling first. */
const signatures: readonly (readonly [suite: string, fields: readonly string[]])[] = [
  ['coco or lvis', ['image_id', 'category_id', 'bbox']],
  ['humanref', ['extracted_predictions']],
  ['humanref', ['answer_boxes']],
  ['llava-wild', ['tuple', 'content']],
  ['llava-wild', ['answer1_id', 'answer2_id']],
  ['hallusion', ['set_id', 'figure_id']],
  ['pope', ['label', 'image']],
  ['mm-vet', ['imagesource', 'capability']],
  ['mmmu', ['all_choices', 'index2ans']],
  ['mmmu', ['question_type', 'ground_truth']],
  ['mmbench', ['l2-category']],
  ['seed', ['gt_answer', 'prediction']],
  ['seed', ['question_type_id', 'choice_a']],
  ['refcoco', ['expression', 'bbox']],
  ['regions', ['categories', 'file_name']],
  ['proposals', ['boxes', 'scores', 'granularity']],
];

/** The suite whose fields a record has, or undefined. */
export function guessSuite(record: RawRecord): string | undefined {
  if (record.id === 'images' || record.id === 'annotations') return 'coco or lvis';
  if (typeof record.id === 'string' && /^v1_\d+$/.test(record.id)) return 'mm-vet';
  if (typeof record.id === 'string' && /^(validation|dev|test)_[A-Za-z_]+_\d+$/.test(record.id)) return 'mmmu';
  return signatures.find(([, fields]) => fields.every((field) => field in record))?.[0];
}

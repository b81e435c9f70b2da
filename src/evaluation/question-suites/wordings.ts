/** What LLaVA's and MMMU's scripts add to a question, so that its answer can be read. */

export { inOneWord as oneWord } from '../../prompt/questions.ts';

export const oneLetter = "\nAnswer with the option's letter from the given choices directly.";

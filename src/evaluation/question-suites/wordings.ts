/** What LLaVA's and MMMU's scripts add to a question, so that its answer can be read. */

export const oneWord = '\nAnswer the question using a single word or phrase.';
export const oneLetter = "\nAnswer with the option's letter from the given choices directly.";

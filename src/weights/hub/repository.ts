/** Names of models on the Hugging Face Hub: `owner/name`, or `owner/name#revision`. */

export interface Repository {
  /** `owner/name` */
  readonly name: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

const part = '[A-Za-z0-9][A-Za-z0-9._-]{0,95}';
const spelling = new RegExp(`^(${part}/${part})(?:#([A-Za-z0-9][A-Za-z0-9._/-]{0,199}))?$`);

/** @returns undefined for a text that cannot be one */
export function parseRepository(text: string): Repository | undefined {
  const [, name, revision = 'main'] = spelling.exec(text) ?? [];
  return name === undefined || `${name}/${revision}`.includes('..') ? undefined : { name, revision };
}

/** As a user writes it. */
export const repositoryText = ({ name, revision }: Repository): string =>
  revision === 'main' ? name : `${name}#${revision}`;

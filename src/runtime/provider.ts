/** Where sessions compute: what a caller or the environment asks for, and what is done where it is missing. */

import { ChatRexError } from '../errors.ts';

/** ONNX Runtime's names for where it can compute. */
export const providers = ['cpu', 'cuda', 'webgpu', 'coreml', 'dml'] as const;

export type Provider = (typeof providers)[number];

/**
 * Read where a session's options name no provider: one of `providers`, which may be missing, or one with `-only` behind
 * it, which may not. Worker threads and processes inherit it.
 */
export const providerVariable = 'CHATREX_PROVIDER';

const only = '-only';

/** All values of the variable, and of `--provider`. */
export const providerChoices: readonly string[] = providers.flatMap((name) =>
  name === 'cpu' ? [name] : [name, name + only],
);

export interface ProviderChoice {
  readonly provider: Provider;
  /** Whether a missing provider is an error; otherwise the processor computes, with a warning. */
  readonly isRequired: boolean;
}

/**
 * @param asked by a session's options: whoever writes a provider into a program means it
 * @throws ChatRexError 'invalid-argument' for a value of the environment that is no choice
 * @example chooseProvider(undefined, { CHATREX_PROVIDER: 'cuda' }); // { provider: 'cuda', isRequired: false }
 */
export function chooseProvider(
  asked: Provider | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ProviderChoice {
  if (asked !== undefined) return { provider: asked, isRequired: true };
  const value = environment[providerVariable];
  if (!value) return { provider: 'cpu', isRequired: true };
  if (!providerChoices.includes(value)) {
    const expected = providerChoices.join(', ');
    throw new ChatRexError('invalid-argument', `${providerVariable}: expected one of ${expected}; came '${value}'`);
  }
  const isRequired = value.endsWith(only) || value === 'cpu';
  return { provider: value.replace(only, '') as Provider, isRequired };
}

/** The code of the warning that a missing provider gives, for those who listen to `process.on('warning')`. */
export const providerWarning = 'CHATREX_PROVIDER_MISSING';

/** What did not start once is not tried for every session. */
const missing = new Set<Provider>();

/**
 * The session of a provider, or the processor's where the provider may be missing and is. The first time that happens
 * Node's warning channel says why, on standard error unless a program listens.
 * @throws whatever `open` throws, for a provider that is required or that failed for another reason than its absence
 */
export async function openWithProvider<S>(
  { provider, isRequired }: ProviderChoice,
  open: (provider: Provider) => Promise<S>,
): Promise<S> {
  if (isRequired) return open(provider);
  if (missing.has(provider)) return open('cpu');
  try {
    return await open(provider);
  } catch (error) {
    if (!(error instanceof ChatRexError) || error.code !== 'unsupported') throw error;
    if (!missing.has(provider)) {
      missing.add(provider);
      process.emitWarning(`${error.message}. The processor computes instead`, {
        type: 'ChatRexWarning',
        code: providerWarning,
      });
    }
    return open('cpu');
  }
}

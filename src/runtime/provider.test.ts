import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { ChatRexError } from '../errors.ts';
import { chooseProvider, openWithProvider, providerVariable } from './provider.ts';

describe('the choice of a provider', () => {
  test.each([
    [undefined, undefined, { provider: 'cpu', isRequired: true }],
    ['cuda', undefined, { provider: 'cuda', isRequired: true }],
    ['cpu', 'cuda-only', { provider: 'cpu', isRequired: true }],
    [undefined, 'cuda', { provider: 'cuda', isRequired: false }],
    [undefined, 'cuda-only', { provider: 'cuda', isRequired: true }],
    [undefined, '', { provider: 'cpu', isRequired: true }],
  ] as const)('options %s and environment %s give %o', (asked, value, expected) => {
    expect(chooseProvider(asked, { [providerVariable]: value })).toEqual(expected);
  });

  test('a value that is no provider is refused with those that are', () => {
    expect(() => chooseProvider(undefined, { [providerVariable]: 'gpu' })).toThrow(
      /CHATREX_PROVIDER: expected one of cpu, cuda, cuda-only.*came 'gpu'/,
    );
  });
});

describe('a provider that is missing', () => {
  const absent = new ChatRexError('unsupported', "provider 'coreml' is not in this installation");
  const open = (opened: string[], failure: Error) => async (provider: string) => {
    opened.push(provider);
    if (provider !== 'cpu') throw failure;
    return provider;
  };

  test('is replaced by the processor with one warning, and is not tried again', async () => {
    const opened: string[] = [];
    const warned = once(process, 'warning');
    const choice = { provider: 'coreml', isRequired: false } as const;
    expect(await openWithProvider(choice, open(opened, absent))).toBe('cpu');
    expect(await openWithProvider(choice, open(opened, absent))).toBe('cpu');
    const [warning] = await warned;
    expect(warning.code).toBe('CHATREX_PROVIDER_MISSING');
    expect(warning.message).toMatch(/coreml.*The processor computes instead$/);
    expect(opened).toEqual(['coreml', 'cpu', 'cpu']);
  });

  test('is an error where it is required, and other errors are never hidden', async () => {
    const strict = { provider: 'dml', isRequired: true } as const;
    await expect(openWithProvider(strict, open([], absent))).rejects.toBe(absent);
    const broken = new ChatRexError('weights-mismatch', 'no weight');
    const lenient = { provider: 'dml', isRequired: false } as const;
    await expect(openWithProvider(lenient, open([], broken))).rejects.toBe(broken);
  });
});

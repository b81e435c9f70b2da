/** Roles that answer at once and by rule: what is left is the engine. */

import type { Roles } from '../models/roles.ts';

const nothing = { input: 0, output: 0 };
const identity = (prompt: string, parameters: Readonly<Record<string, unknown>> = {}) => ({
  ...{ prompt, parameters, model: 'instant', revision: '1', parser: 'instant/1' },
});

/** Every call is kept on disk as that of a real model is. */
export function instantRoles(): Roles {
  return {
    captioner: {
      caption: ({ calls }) =>
        calls.call('caption', identity('caption'), async () => ({
          value: 'A small brown dog lies beside a red ball in a photo.',
          usage: nothing,
        })),
    },
    grounder: {
      ground: ({ calls, width, height }, queries) =>
        calls.call('ground', identity('ground', { queries }), async () => ({
          value: queries.map((_, at) => [
            { boxXyxy: [0, (at * height) / 4, width / 2, (at * height) / 4 + height / 3] as const, score: 0.9 },
          ]),
          usage: nothing,
        })),
    },
    describer: {
      describe: ({ calls }, { phrase, region }) =>
        calls.call('describe', identity('describe', { phrase, region }), async () => ({
          value: `A ${phrase} that lies on the floor.`,
          usage: nothing,
        })),
    },
    writer: {
      verify: ({ calls }, { region }, description) =>
        calls.call('verify', identity('verify', { region, description }), async () => ({
          value: { fits: true },
          usage: nothing,
        })),
      rewrite: ({ calls }, { region, phrase }, description) =>
        calls.call('rewrite', identity('rewrite', { region, description }), async () => ({
          value: `The ${phrase} that lies on the floor`,
          usage: nothing,
        })),
    },
    dispose: async () => {},
  };
}

/** The models of a run, each opened when it is first needed; one that plays several roles is opened once. */

import { pathToFileURL } from 'node:url';
import { ChatRexError } from '../../errors.ts';
import type { Settings } from '../settings.ts';
import { ChatRexRoles } from './chatrex-roles.ts';
import { type CallPolicy, Endpoint, type Permits } from './endpoint.ts';
import { endpointCaptioner, endpointDescriber, endpointGrounder, endpointWriter } from './endpoint-roles.ts';
import { type RoleName, type Roles, roleNames } from './roles.ts';

/** Where the key of endpoints comes from; it is written nowhere. */
export const apiKeyVariable = 'CHATREX_API_KEY';

export interface OpenRolesOptions {
  readonly permits: Permits;
  readonly policy: CallPolicy;
  readonly threads?: number;
  readonly apiKey?: string;
}

export function openRoles({ roles, prompts }: Settings, options: OpenRolesOptions): Roles {
  const local = new Map<string, ChatRexRoles>();
  const chatrex = (folder: string, revision: string) => {
    const known = local.get(folder) ?? new ChatRexRoles({ folder, revision, threads: options.threads });
    local.set(folder, known);
    return known;
  };
  const played = roleNames.map((role) => {
    const spec = roles[role];
    if (spec.kind === 'chatrex') return [role, chatrex(spec.folder, spec.revision)];
    const { url, model, maxTokens, temperature } = spec;
    const endpoint = new Endpoint(
      { url, model, maxTokens, temperature },
      options.permits,
      options.policy,
      options.apiKey,
    );
    const play = {
      captioner: () => endpointCaptioner(endpoint, prompts),
      grounder: () => endpointGrounder(endpoint, prompts, spec.format),
      describer: () => endpointDescriber(endpoint, prompts),
      writer: () => endpointWriter(endpoint, prompts),
    } satisfies Record<RoleName, () => unknown>;
    return [role, play[role]()];
  });
  return {
    ...(Object.fromEntries(played) as Omit<Roles, 'dispose'>),
    dispose: async () => {
      for (const one of local.values()) await one.dispose();
    },
  };
}

/** What a caller's own module of models exports. */
export type CreateRoles = (settings: Settings, options: OpenRolesOptions) => Roles | Promise<Roles>;

/** @throws ChatRexError 'invalid-file' for a module without `createRoles` */
export async function importRoles(path: string): Promise<CreateRoles> {
  const module = (await import(pathToFileURL(path).href)) as { createRoles?: CreateRoles };
  if (typeof module.createRoles !== 'function') {
    throw new ChatRexError('invalid-file', `${path}: expected an export createRoles(settings, options), found none`);
  }
  return module.createRoles;
}

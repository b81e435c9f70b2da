/** The models of a run, each opened when it is first needed; one that plays several roles is opened once. */

import { pathToFileURL } from 'node:url';
import { ChatRexError } from '../../errors.ts';
import type { Settings } from '../settings.ts';
import type { ChatRexRoles, ChatRexSettings } from './chatrex-roles.ts';
import type { DetectorGrounder, DetectorSettings } from './detector-grounder.ts';
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

export async function openRoles({ roles, prompts }: Settings, options: OpenRolesOptions): Promise<Roles> {
  const local = new Map<string, Promise<{ dispose(): Promise<void> }>>();
  const once = <Model extends { dispose(): Promise<void> }>(folder: string, open: () => Promise<Model>) => {
    const known = (local.get(folder) as Promise<Model> | undefined) ?? open();
    local.set(folder, known);
    return known;
  };
  const { threads } = options;
  const play = async (role: RoleName) => {
    const spec = roles[role];
    if (spec.kind === 'chatrex') return once(spec.folder, () => openChatRex({ ...spec, threads }));
    if (spec.kind === 'detector') {
      if (role === 'grounder') return once(spec.folder, () => openDetector({ ...spec, threads }));
      throw new ChatRexError('invalid-argument', `${spec.folder} finds things and writes nothing: no ${role}`);
    }
    const { url, model, maxTokens, temperature } = spec;
    const endpoint = new Endpoint(
      { url, model, maxTokens, temperature },
      options.permits,
      options.policy,
      options.apiKey,
    );
    if (role === 'captioner') return endpointCaptioner(endpoint, prompts);
    if (role === 'grounder') return endpointGrounder(endpoint, prompts, spec.format);
    return role === 'describer' ? endpointDescriber(endpoint, prompts) : endpointWriter(endpoint, prompts);
  };
  const played = await Promise.all(roleNames.map(async (role) => [role, await play(role)] as const));
  return {
    ...(Object.fromEntries(played) as unknown as Omit<Roles, 'dispose'>),
    dispose: async () => {
      for (const one of local.values()) await (await one).dispose();
    },
  };
}

/** Only workers that play with a ChatRex load the code and the runtime of one. */
async function openChatRex(settings: ChatRexSettings): Promise<ChatRexRoles> {
  const { ChatRexRoles } = await import('./chatrex-roles.ts');
  return new ChatRexRoles(settings);
}

async function openDetector(settings: DetectorSettings): Promise<DetectorGrounder> {
  const { DetectorGrounder } = await import('./detector-grounder.ts');
  return new DetectorGrounder(settings);
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

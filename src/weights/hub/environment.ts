/** Where the Hub is and where its files go, by the environment variables that Hugging Face's own tools read. */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { EnvHttpProxyAgent, fetch as proxiedFetch } from 'undici';

/** What of the environment is read; `process.env` by default. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How requests are made. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

export interface HubSettings {
  /** `HF_ENDPOINT`, without a slash at its end. */
  readonly endpoint: string;
  /** `HF_TOKEN`. It is sent to the endpoint alone, not to where that redirects. */
  readonly token: string | undefined;
  /** `HF_HUB_CACHE`, or `hub/` in `HF_HOME`; `~/.cache/huggingface/hub` by default. */
  readonly cacheFolder: string;
  /** `HF_HUB_OFFLINE`: nothing is fetched. */
  readonly isOffline: boolean;
  readonly fetch: Fetch;
}

export function hubSettings(env: Environment = process.env): HubSettings {
  const home = env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface');
  return {
    endpoint: (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, ''),
    token: env.HF_TOKEN || undefined,
    cacheFolder: env.HF_HUB_CACHE ?? env.HUGGINGFACE_HUB_CACHE ?? join(home, 'hub'),
    isOffline: /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE ?? ''),
    fetch: fetchOf(env),
  };
}

/** Where files that are on no hub are kept. */
export const downloadsFolder = (env: Environment = process.env): string =>
  join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'chatrex');

/** Node's own fetch knows no proxies. */
function fetchOf(env: Environment): Fetch {
  const [http, https, none] = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].map(
    (name) => env[name.toLowerCase()] ?? env[name],
  );
  if (!http && !https) return (url, init) => fetch(url, init);
  const dispatcher = new EnvHttpProxyAgent({ httpProxy: http, httpsProxy: https, noProxy: none });
  return (url, init) => proxiedFetch(url, { ...(init as object), dispatcher }) as unknown as Promise<Response>;
}

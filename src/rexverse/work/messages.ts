/** What the process of a run and its worker processes say to each other. All of it is plain JSON. */

import type { Annotation, Entry, FilteredOutcome, Item, StageName } from '../annotation.ts';
import type { Usage } from '../models/calls.ts';
import type { CallPolicy } from '../models/endpoint.ts';
import type { Settings } from '../settings.ts';
import type { Inspection } from '../stages/inspect.ts';

/** What a worker process needs to know before its first task. */
export interface WorkerSetup {
  /** The run's folder. */
  readonly folder: string;
  /** Root of its list. */
  readonly root: string;
  readonly settings: Settings;
  readonly policy: CallPolicy;
  /** Items at once. */
  readonly concurrency: number;
  /** Threads of a ChatRex; all cores by default. */
  readonly threads?: number;
  readonly download: DownloadSettings;
  /** A module whose `createRoles(setup, permits)` replaces the models: for measuring the engine itself. */
  readonly rolesModule?: string;
}

export interface DownloadSettings {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Whether addresses of private networks may be fetched from. */
  readonly isPrivateAllowed: boolean;
  /** Whether images are taken whose server asks that they are not used for training. */
  readonly ignoresOptOut: boolean;
}

export type Task =
  | { readonly kind: 'inspect'; readonly entry: Entry; readonly block: number }
  | { readonly kind: 'annotate'; readonly entry: Entry; readonly block: number; readonly item: Item };

/** How a task ended. */
export type TaskResult =
  | {
      readonly kind: 'inspected';
      readonly inspection: Inspection;
      readonly file: string;
      readonly isDownloaded: boolean;
    }
  | { readonly kind: 'annotated'; readonly annotation: Annotation; readonly made: number; readonly reused: number }
  | {
      readonly kind: 'filtered';
      readonly stage: FilteredOutcome['stage'];
      readonly reason: string;
      readonly detail?: string;
      readonly made: number;
      readonly reused: number;
    }
  | TaskFailure;

export interface TaskFailure {
  readonly kind: 'failed';
  readonly stage: StageName;
  readonly reason: string;
  readonly message: string;
  /** Another try may help: not for an image that cannot be decoded, nor for a request that is refused. */
  readonly isWorthAnotherTry: boolean;
  /** The run cannot continue: wrong key, wrong model. */
  readonly isFatal?: boolean;
  /** The run is ending; the item was not at fault and is not counted as tried. */
  readonly isStopped?: boolean;
  readonly made: number;
  readonly reused: number;
}

export type ToWorker =
  | { readonly type: 'setup'; readonly setup: WorkerSetup }
  | { readonly type: 'task'; readonly id: number; readonly task: Task }
  /** Ends the work on a task. */
  | { readonly type: 'cancel'; readonly id: number; readonly reason: string }
  /** No new model calls from now on; those under way are finished and written. */
  | { readonly type: 'drain' }
  | { readonly type: 'permit'; readonly permit: number; readonly isGranted: boolean; readonly reason?: string };

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly id: number; readonly result: TaskResult }
  | {
      readonly type: 'acquire';
      readonly permit: number;
      readonly id: number;
      readonly endpoint: string;
      readonly tokens: number;
    }
  | {
      readonly type: 'release';
      readonly permit: number;
      readonly usage: Usage;
      readonly model: string;
      readonly retryAfterMs?: number;
    }
  /** How many items have passed each stage since the last message of this kind. */
  | { readonly type: 'passed'; readonly stages: Readonly<Partial<Record<StageName, number>>> };

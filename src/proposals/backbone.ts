/** What turns pictures into feature maps. */

import type { Scope } from '../nn/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { UpnConfig } from './config.ts';
import { residualBackbone } from './residual-backbone.ts';
import { swin } from './swin.ts';

/** Images [B, 3, H, W] of static H and W -> one map [B, C, h, w] per chosen stage, finest first. */
export type Backbone = (images: Tensor) => Tensor[];

/** The backbone that a configuration asks for. */
export const createBackbone = (scope: Scope, { backbone, backboneStages }: UpnConfig): Backbone =>
  backbone.kind === 'swin' ? swin(scope, backbone, backboneStages) : residualBackbone(scope, backbone, backboneStages);

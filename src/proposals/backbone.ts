/** What turns images into feature maps. */

import type { Scope } from '../nn/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { convNext } from '../vision/convnext.ts';
import { swin } from '../vision/swin.ts';
import type { UpnConfig } from './config.ts';

/** Images [B, 3, H, W] of static H and W -> one map [B, C, h, w] per chosen stage, finest first. */
export type Backbone = (images: Tensor) => Tensor[];

/** The backbone that a configuration asks for. */
export function createBackbone(scope: Scope, { backbone, backboneStages }: UpnConfig): Backbone {
  if (backbone.kind === 'swin') return swin(scope, backbone, backboneStages);
  const encode = convNext(scope, backbone);
  return (images) => encode(images).filter((_, stage) => backboneStages.includes(stage));
}

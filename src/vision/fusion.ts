/**
 * Low- and high-resolution tokens become image tokens of the language model (paper section 3.2, equation 2).
 *
 * `gated` is the paper's: F = fL + sigmoid(WG [W1 fL; W2 fH]) * W2 fH, then a projector. `concat` is the released
 * code's (RexSeek `encode_images`): both side by side, then a projector, whose parameter names are the checkpoint's.
 * `high` is for a model without a low-resolution encoder: the projector alone.
 */

import { ChatRexError } from '../errors.ts';
import { linear } from '../nn/linear.ts';
import { rmsNorm } from '../nn/rms-norm.ts';
import type { Scope } from '../nn/scope.ts';
import { add } from '../tensor/ops/add.ts';
import { concat } from '../tensor/ops/concat.ts';
import { gelu } from '../tensor/ops/gelu.ts';
import { multiply } from '../tensor/ops/multiply.ts';
import { sigmoid } from '../tensor/ops/sigmoid.ts';
import type { Tensor } from '../tensor/tensor.ts';

export type FusionKind = 'gated' | 'concat' | 'high';

export interface FusionConfig {
  kind: FusionKind;
  /** Zero where there is no such encoder. */
  lowChannels: number;
  highChannels: number;
  /** Width of the language model. */
  hiddenSize: number;
  /** See `projector`. */
  tokenScale?: number;
}

/**
 * Tokens fL [B, T, lowChannels] and fH [B, T, highChannels] of the same places -> image tokens [B, T, hiddenSize]. For
 * `high` fL is undefined, for the others it must not be.
 */
export function fusion(scope: Scope, config: FusionConfig): (low: Tensor | undefined, high: Tensor) => Tensor {
  const { kind, lowChannels, highChannels, hiddenSize, tokenScale } = config;
  if (kind === 'high') {
    const project = projector(scope.at('mm_projector'), highChannels, hiddenSize, tokenScale);
    return (_, high) => project(high);
  }
  if (kind === 'concat') {
    const project = projector(scope.at('mm_projector'), lowChannels + highChannels, hiddenSize, tokenScale);
    return (low, high) => project(concat([present(low), high], 2));
  }
  const w1 = linear(scope.at('mm_fusion.w1'), lowChannels, lowChannels);
  const w2 = linear(scope.at('mm_fusion.w2'), highChannels, lowChannels);
  const gate = linear(scope.at('mm_fusion.wg'), 2 * lowChannels, lowChannels);
  const project = projector(scope.at('mm_projector'), lowChannels, hiddenSize, tokenScale);
  return (low, high) => {
    const detail = w2(high);
    const share = sigmoid(gate(concat([w1(present(low)), detail], 2)));
    return project(add(present(low), multiply(share, detail)));
  };
}

function present(low: Tensor | undefined): Tensor {
  if (low) return low;
  throw new ChatRexError(
    'invalid-argument',
    "fusing needs tokens of a low-resolution encoder; without one it is 'high'",
  );
}

/**
 * LLaVA's two-layer projector (`mlp2x_gelu`): parameters `0` and `2`, GELU between them.
 * @param tokenScale start of the weights of a root mean square norm behind it, parameter `norm`; no norm without it
 */
export function projector(
  scope: Scope,
  channels: number,
  hiddenSize: number,
  tokenScale?: number,
): (x: Tensor) => Tensor {
  const first = linear(scope.at('0'), channels, hiddenSize);
  const second = linear(scope.at('2'), hiddenSize, hiddenSize);
  const norm =
    tokenScale === undefined ? undefined : rmsNorm(scope.at('norm'), hiddenSize, { initialWeight: tokenScale });
  return (x) => {
    const projected = second(gelu(first(x)));
    return norm ? norm(projected) : projected;
  };
}

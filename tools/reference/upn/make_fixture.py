"""Writes fixtures/upn: what the official UPN computes at tiny sizes from weights and pictures that a formula gives.

    python make_fixture.py --code CHECKOUT --out ../../../fixtures/upn/tiny.safetensors

Weights are not stored: patterned.py gives them.
"""

import argparse

import numpy as np
import torch
from safetensors.torch import save_file

from official import TINY, build
from patterned import patterned


def weight(name, shape):
    """Norm scales around one, sampling offsets of a few pixels, embeddings of deviation one, the rest by fan-in."""
    if name.endswith("norm.weight") or ".norm" in name and name.endswith(".weight") and len(shape) == 1 or name.startswith("input_proj") and name.endswith(".1.weight"):
        return 1 + patterned(name, shape, 0.1)
    if name.endswith("sampling_offsets.bias"):
        return patterned(name, shape, 2)
    if len(shape) == 1:
        return patterned(name, shape, 0.05)
    if "prompt" in name or "tgt_embed" in name or "level_embed" in name or "bias_table" in name:
        return patterned(name, shape, 1)
    return patterned(name, shape, 0.7 / float(np.prod(shape[1:])) ** 0.5)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--code", required=True)
parser.add_argument("--out", required=True)
arguments = parser.parse_args()

model = build(arguments.code, TINY)
with torch.no_grad():
    for name, parameter in model.named_parameters():
        # The shared box head has many names; this package calls it by the plainest.
        name = name.replace("transformer.decoder.bbox_embed", "bbox_embed")
        parameter.copy_(weight(name, list(parameter.shape)))

from chatrex.upn.models.module import nested_tensor_from_tensor_list  # noqa: E402

samples = nested_tensor_from_tensor_list([patterned("first", [3, 70, 90], 1), patterned("second", [3, 75, 61], 1)])
tensors = {}
captured = {}
model.transformer.encoder.register_forward_hook(lambda _m, _i, output: captured.update(memory=output))
model.backbone.model.backbone.register_forward_hook(lambda _m, _i, output: captured.update(backbone=output))
select = model.transformer.get_two_stage_proposal


def select_and_record(*inputs):
    result = select(*inputs)
    captured["refpoint_unsigmoid"] = result[0]
    return result


model.transformer.get_two_stage_proposal = select_and_record
with torch.no_grad():
    for prompt in ["fine", "coarse"]:
        output = model(samples, f"{prompt}_grained_prompt")
        tensors[f"{prompt} refpoint_unsigmoid"] = captured["refpoint_unsigmoid"]
        tensors[f"{prompt} pred_logits"] = output["pred_logits"]
        tensors[f"{prompt} pred_boxes_cxcywh"] = output["pred_boxes"]
# Every eighth token and every fourth channel are enough to see a mistake and a fraction of the bytes.
tensors["memory"] = captured["memory"][:, ::8, ::4]
tensors["backbone 3"] = captured["backbone"][3].tensors
tensors["backbone 0"] = captured["backbone"][0].tensors[:, ::4, ::3, ::3]
metadata = {"source": f"official IDEA-Research/ChatRex UPN code, patterned weights, torch {torch.__version__} fp32 CPU"}
save_file({name: value.clone().contiguous() for name, value in tensors.items()}, arguments.out, metadata)

"""Writes inputs, weights and what the official UPN computes from them, for `npm run parity -- upn FILE`.

    python make_parity_file.py --code CHECKOUT --sizes 96x128,80x100 --out upn.safetensors [--preset tiny|large] [--checkpoint upn_large_random.pth]
"""

import argparse

import torch
from safetensors.torch import save_file

from official import LARGE, TINY, build, padded_batch, parse_sizes, randomise

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--code", required=True)
parser.add_argument("--sizes", required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--preset", choices=["tiny", "large"], default="tiny")
parser.add_argument("--checkpoint")
parser.add_argument("--seed", type=int, default=0)
arguments = parser.parse_args()

sizes = {"tiny": TINY, "large": LARGE}[arguments.preset]
model = build(arguments.code, sizes)
if arguments.checkpoint:
    model.load_state_dict(torch.load(arguments.checkpoint, map_location="cpu")["model"])
else:
    randomise(model, arguments.seed)

samples = padded_batch(parse_sizes(arguments.sizes), arguments.seed + 1)
tensors = {"images_padded": samples.tensors, "mask": samples.mask.to(torch.uint8)}
captured = {}


def record(module, name, pick):
    def hook(_module, _inputs, output):
        captured[name] = pick(output)

    module.register_forward_hook(hook)


record(model.transformer.encoder, "memory", lambda output: output)
record(model.backbone.model.backbone, "backbone", lambda output: output)
select = model.transformer.get_two_stage_proposal


def select_and_record(*args):
    result = select(*args)
    captured["refpoint_unsigmoid"] = result[0]
    return result


model.transformer.get_two_stage_proposal = select_and_record
with torch.no_grad():
    for prompt in ["fine_grained_prompt", "coarse_grained_prompt"]:
        output = model(samples, prompt)
        tensors[f"{prompt}.refpoint_unsigmoid"] = captured["refpoint_unsigmoid"]
        tensors[f"{prompt}.pred_logits"] = output["pred_logits"]
        tensors[f"{prompt}.pred_boxes_cxcywh"] = output["pred_boxes"]
tensors["memory"] = captured["memory"]
for index, level in captured["backbone"].items():
    tensors[f"backbone.{index}"] = level.tensors
    tensors[f"mask.{index}"] = level.mask.to(torch.uint8)
for name, value in model.state_dict().items():
    tensors[f"weights.{name}"] = value

metadata = {key: ",".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in sizes.items()}
metadata["source"] = f"official IDEA-Research/ChatRex UPN code, random weights, torch {torch.__version__} fp32 CPU"
save_file({name: value.clone().contiguous() for name, value in tensors.items()}, arguments.out, metadata)

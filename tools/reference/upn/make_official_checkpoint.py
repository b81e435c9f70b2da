"""Writes a checkpoint of exactly the structure of the released upn_large.pth, with random weights.

    python make_official_checkpoint.py --code PATH_TO_CHATREX_CHECKOUT --out upn_large_random.pth

The file is a PyTorch zip archive {"model": state_dict} of 701 tensors, 217.6 M distinct parameters; the box head that the
decoder layers share appears under twelve prefixes that share one storage.
"""

import argparse

import torch

from official import LARGE, build, randomise

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--code", required=True)
parser.add_argument("--out", required=True)
parser.add_argument("--seed", type=int, default=0)
arguments = parser.parse_args()

model = randomise(build(arguments.code, LARGE), arguments.seed)
state = model.state_dict()
torch.save({"model": state}, arguments.out)
print(f"{len(state)} tensors, {sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters")

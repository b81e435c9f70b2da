"""Time and memory of the official UPN-Large in PyTorch on one random picture, as one line of JSON; for bench/upn.ts.

    python bench.py --code CHECKOUT --checkpoint upn_large_random.pth --size 800x1066 --threads 2 --runs 1
"""

import argparse
import json
import resource
import time

import torch

from official import LARGE, build, parse_sizes
from patterned import patterned

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--code", required=True)
parser.add_argument("--checkpoint", required=True)
parser.add_argument("--size", required=True)
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--runs", type=int, default=1)
arguments = parser.parse_args()

torch.set_num_threads(arguments.threads)
model = build(arguments.code, LARGE)
model.load_state_dict(torch.load(arguments.checkpoint, map_location="cpu", mmap=True)["model"], assign=True)
model = model.eval()
from chatrex.upn.models.module import nested_tensor_from_tensor_list  # noqa: E402

[(height, width)] = parse_sizes(arguments.size)
samples = nested_tensor_from_tensor_list([patterned("picture", [3, height, width], 1)])
seconds, cpu_seconds = [], []
for _ in range(arguments.runs):
    started, cpu_started = time.perf_counter(), time.process_time()
    with torch.no_grad():
        output = model(samples, "fine_grained_prompt")
    seconds.append(time.perf_counter() - started)
    cpu_seconds.append(time.process_time() - cpu_started)
print(json.dumps({
    "seconds": seconds,
    "cpuSeconds": cpu_seconds,
    "peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "logits": output["pred_logits"].flatten().tolist(),
    "boxes": output["pred_boxes"].flatten().tolist(),
}))

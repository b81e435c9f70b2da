"""Golden data for src/image: fixtures/image/{resize,decode,sizes}.json.

Needs Pillow, numpy and torchvision, and for the sizes a checkout of IDEA-Research/ChatRex.

    python tools/reference/image.py CHATREX_CHECKOUT
"""

import base64
import importlib.util
import io
import json
import pathlib
import sys

import numpy as np
from PIL import Image, ImageOps

OUT = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "image"


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def picture(width: int, height: int, seed: int) -> Image.Image:
    """Smooth gradients, hard edges and noise, full range, so that overshoot and rounding both happen."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([x * 255 / max(width - 1, 1), y * 255 / max(height - 1, 1), (x + y) % 256], -1)
    smooth[height // 3 : height // 2, width // 4 : width // 2] = [255, 0, 255]
    noise = random.integers(0, 256, (height, width, 3))
    keep = random.random((height, width, 1)) < 0.8
    return Image.fromarray(np.where(keep, smooth, noise).astype(np.uint8))


def resize_cases() -> list:
    shapes = [
        ((40, 30), (13, 10)), ((40, 30), (53, 40)), ((40, 30), (40, 11)), ((40, 30), (17, 30)),
        ((37, 23), (36, 24)), ((37, 23), (5, 41)), ((5, 4), (31, 29)), ((64, 3), (7, 3)),
        ((1, 1), (6, 5)), ((9, 7), (1, 1)), ((200, 2), (3, 1)), ((24, 24), (24, 24)),
    ]  # fmt: skip
    cases = []
    for number, (source, target) in enumerate(shapes):
        image = picture(*source, seed=number)
        for name, kernel in [("bilinear", Image.BILINEAR), ("bicubic", Image.BICUBIC)]:
            result = image.resize(target, kernel)
            cases.append(
                {
                    "filter": name,
                    "from": source,
                    "to": target,
                    "input": encode(image.tobytes()),
                    "expected": encode(result.tobytes()),
                }
            )
    return cases


def decode_cases() -> list:
    base = picture(20, 12, seed=99)
    cases = []

    def add(name: str, image: Image.Image, tolerance: int, **options) -> None:
        buffer = io.BytesIO()
        image.save(buffer, **options)
        shown = ImageOps.exif_transpose(Image.open(io.BytesIO(buffer.getvalue()))).convert("RGB")
        cases.append(
            {
                "name": name,
                "tolerance": tolerance,
                "size": shown.size,
                "file": encode(buffer.getvalue()),
                "expected": encode(shown.tobytes()),
            }
        )

    add("png", base, 0, format="PNG")
    add("png-palette", base.quantize(16), 0, format="PNG")
    add("png-greyscale", base.convert("L"), 0, format="PNG")
    add("png-one-bit", base.convert("1"), 0, format="PNG")
    add("gif", base, 0, format="GIF")
    add("gif-two-frames", base, 0, format="GIF", save_all=True, append_images=[picture(20, 12, seed=100)])
    add("tiff", base, 0, format="TIFF")
    add("webp-lossless", base, 0, format="WEBP", lossless=True)
    add("jpeg-420", base, 1, format="JPEG", quality=90, subsampling=2)
    add("jpeg-444", base, 1, format="JPEG", quality=90, subsampling=0)
    add("jpeg-progressive", base, 1, format="JPEG", quality=90, progressive=True)
    add("jpeg-greyscale", base.convert("L"), 1, format="JPEG", quality=90)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        add(f"jpeg-orientation-{orientation}", base, 1, format="JPEG", quality=95, subsampling=0, exif=exif)
    return cases


def size_cases(checkout: str) -> list:
    path = pathlib.Path(checkout) / "chatrex/upn/transforms/transform.py"
    spec = importlib.util.spec_from_file_location("official_transform", path)
    official = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(official)
    # Exact ties of the rounding first (1333 / 2), then ordinary, tiny and thin pictures.
    sizes = [(1000, 2000), (2000, 1000), (400, 800), (800, 800), (800, 1066), (1066, 800), (1333, 800), (1334, 800)]
    sizes += [(640, 480), (427, 640), (1, 1), (3, 2), (2, 900), (1200, 3), (4000, 3000), (799, 1332), (801, 1335)]
    random = np.random.default_rng(7)
    sizes += [(int(w), int(h)) for w, h in random.integers(1, 1500, (120, 2)) if max(w, h) / min(w, h) < 1000]
    rows = []
    for width, height in sizes:
        resized, _ = official.resize(Image.new("L", (width, height)), None, 800, 1333)
        rows.append([width, height, *resized.size])
    return rows


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name, cases in [
        ("resize", resize_cases()),
        ("decode", decode_cases()),
        ("sizes", size_cases(sys.argv[1])),
    ]:
        text = ",\n".join(json.dumps(case) for case in cases)
        (OUT / f"{name}.json").write_text(f"[\n{text}\n]\n")

"""Runs exported .onnx files by Python's ONNX Runtime and compares with what our own sessions made of the same inputs.

    python3 -m venv /path/to/venv && /path/to/venv/bin/pip install onnxruntime numpy
    npx tsx tools/reference/onnx/expected.ts FOLDER
    /path/to/venv/bin/python tools/reference/onnx/check.py FOLDER

Ends with status 1 when an output differs by more than 1e-5 of the largest value of its tensor, or of 1. The language
model reads a second time with a cache that this script keeps: the keys and values of the first run.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort

TOLERANCE = 1e-5
DTYPES = {"F32": np.float32, "I64": np.int64, "BOOL": np.bool_}


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    body = memoryview(data)[8 + length :]
    return {
        name: np.frombuffer(body[slice(*entry["data_offsets"])], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def cases(tensors: dict[str, np.ndarray]) -> dict[str, dict[str, dict[str, np.ndarray]]]:
    found: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    for key, value in tensors.items():
        title, side, name = key.split("|")
        found.setdefault(title, {"in": {}, "out": {}})[side][name] = value
    return found


def main(folder: Path) -> int:
    worst_of_all, kept, options = 0.0, {}, ort.SessionOptions()
    options.log_severity_level = 3
    print(f"onnxruntime {ort.__version__}")
    for title, case in sorted(cases(read_safetensors(folder / "expected.safetensors")).items()):
        file = title.removesuffix(" after")
        session = ort.InferenceSession(folder / file, options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        past = {f"past.{name.removeprefix('own.')}": value for name, value in kept.items() if name.startswith("own.")}
        feeds = {**(past if title != file else {}), **case["in"]}
        results = dict(zip(names, session.run(names, feeds), strict=True))
        kept = results
        if set(names) != set(case["out"]):
            raise SystemExit(f"{title}: outputs {sorted(names)}, expected {sorted(case['out'])}")
        for name, expected in case["out"].items():
            if results[name].shape != expected.shape:
                raise SystemExit(f"{title}: {name} is {results[name].shape}, expected {expected.shape}")
            scale = max(1.0, float(np.abs(expected).max()))
            worst = float(np.abs(results[name] - expected).max()) / scale
            # A comparison with NaN is false.
            if not worst <= TOLERANCE:
                print(f"{title}: {name} differs by {worst:.1e}")
            worst_of_all = worst if not worst <= worst_of_all else worst_of_all
        print(f"{title}: {len(names)} outputs")
    print(f"greatest difference: {worst_of_all:.1e}")
    return 0 if worst_of_all <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

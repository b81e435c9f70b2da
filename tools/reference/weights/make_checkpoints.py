"""Makes the small weight files in fixtures/weights and expected.json with the values that they hold.

Usage: python make_checkpoints.py OUTPUT_FOLDER
Needs torch (any release since 1.6; typed-storages.pth needs 2.3 or later) and, for safetensors, the package of that name.
With --release-only only the files whose names carry torch's release are made. What the installed release cannot make is
skipped with a message. Values are small and exact in every
element type, so that they can be compared for equality.
"""

import collections
import json
import os
import pickle
import sys
import zipfile

import numpy as np
import torch

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
expected_path = os.path.join(folder, "expected.json")
expected = json.load(open(expected_path)) if os.path.exists(expected_path) else {}
release = "torch-" + ".".join(torch.__version__.split(".")[:2])


def describe(tensor):
    dtype = str(tensor.dtype).replace("torch.", "")
    flat = tensor.detach().contiguous().reshape(-1)
    if dtype in ("float16", "bfloat16"):
        flat = flat.float()
    values = [str(v) if dtype in ("int64", "uint64") else v for v in flat.tolist()]
    return {"dtype": dtype, "shape": list(tensor.shape), "values": values}


def flatten(value, name=""):
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from flatten(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            yield from flatten(item, f"{name}.{i}" if name else str(i))


def save(file_name, value, **options):
    torch.save(value, os.path.join(folder, file_name), **options)
    expected[file_name] = {name: describe(tensor) for name, tensor in flatten(value)}


def ramp(*shape, dtype=torch.float32, start=0.0):
    count = int(np.prod(shape))
    return (torch.arange(count, dtype=torch.float32) * 0.25 + start).reshape(shape).to(dtype)


def every_dtype():
    floats = {name: ramp(2, 3, dtype=getattr(torch, name), start=-0.5) for name in ("float64", "float32", "float16", "bfloat16")}
    whole = {
        name: torch.tensor(values, dtype=getattr(torch, name))
        for name, values in {
            "int64": [-(2**63), -1, 0, 2**53 + 1, 2**63 - 1],
            "int32": [-(2**31), -1, 2**31 - 1],
            "int16": [-(2**15), 2**15 - 1],
            "int8": [-128, 127],
            "uint8": [0, 255],
            "bool": [True, False, True],
        }.items()
    }
    return {**floats, **whole}


def views():
    base = ramp(4, 6)
    shared = ramp(10)
    return {
        "base": base,
        "transposed": base.t(),
        "middle_columns": base[:, 2:5],
        "every_second": base[::2, ::3],
        "middle_row": base[2],
        "expanded": ramp(3, 1).expand(3, 4),
        "permuted": ramp(2, 3, 4, dtype=torch.float16).permute(2, 0, 1),
        "permuted_int64": torch.arange(6).reshape(2, 3).t(),
        "permuted_bytes": torch.arange(6, dtype=torch.uint8).reshape(2, 3).t(),
        "shared_whole": shared,
        "shared_tail": shared[7:],
        "scalar": torch.tensor(1.5),
        "empty": torch.zeros(0, 5),
        "one_sized_axes": ramp(5)[None, :, None],
    }


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 2)
        self.norm = torch.nn.BatchNorm1d(2)


class RunsCommand:
    def __reduce__(self):
        return os.system, ("echo this must never run",)


def save_torch_files():
    save(f"dtypes-{release}.pth", every_dtype())
    save(f"views-{release}.pth", views())
    torch.manual_seed(0)
    module = Small()
    nested = {"model": module.state_dict(), "epoch": 3, "lr": 0.5, "betas": (0.9, 0.999), "name": "small"}
    save(f"nested-{release}.pth", nested)
    parameters = collections.OrderedDict((name, p) for name, p in module.named_parameters())
    save(f"parameters-{release}.pth", parameters)
    for protocol in (3, 4, 5):
        value = {"lists": [ramp(2), {"inner": ramp(3)}], "size": torch.Size([2, 3]), "dtype": torch.float16, "raw": b"xyz"}
        save(f"protocol{protocol}-{release}.pth", value, pickle_protocol=protocol)


def save_fixed_files():
    """Files that do not depend on the release, and files that must be refused."""
    legacy = os.path.join(folder, "legacy.pth")
    torch.save({"w": ramp(2)}, legacy, _use_new_zipfile_serialization=False)
    torch.save({"w": ramp(2), "run": RunsCommand()}, os.path.join(folder, "malicious.pth"))
    torch.save(Small(), os.path.join(folder, "whole-module.pth"))
    torch.save({"w": ramp(2, 2)}, os.path.join(folder, "plain.tmp"))
    with zipfile.ZipFile(os.path.join(folder, "plain.tmp")) as source:
        with zipfile.ZipFile(os.path.join(folder, "compressed.pth"), "w", zipfile.ZIP_DEFLATED) as target:
            for info in source.infolist():
                target.writestr(info.filename, source.read(info))
        with zipfile.ZipFile(os.path.join(folder, "without-pickle.pth"), "w") as target:
            target.writestr("archive/readme.txt", "nothing")
    os.remove(os.path.join(folder, "plain.tmp"))


def save_typed_files():
    """Unsigned types are rebuilt from untyped storages (_rebuild_tensor_v3)."""
    value = {
        "uint16": torch.tensor([0, 65535], dtype=torch.uint16),
        "uint32": torch.tensor([0, 2**32 - 1], dtype=torch.uint32),
        "uint64": torch.tensor([0, 2**63], dtype=torch.uint64),
    }
    save("typed-storages.pth", value)


def save_safetensors():
    from safetensors.torch import save_file

    tensors = every_dtype() | {"scalar": torch.tensor(1.5), "empty": torch.zeros(0, 5), "weird \"name\" é": ramp(2)}
    save_file(tensors, os.path.join(folder, "dtypes.safetensors"), metadata={"format": "pt", "note": "é"})
    expected["dtypes.safetensors"] = {name: describe(tensor) for name, tensor in tensors.items()}


def save_half_conversions():
    """float32 bit patterns with the 16-bit floats that numpy and torch round them to."""
    from safetensors.numpy import save_file

    random = np.random.default_rng(0)
    patterns = [
        random.integers(0, 2**32, 600, dtype=np.uint64).astype(np.uint32),
        # Around the float16 range, ties included: exponents 2^-27 .. 2^17 with few or tie-making low bits.
        (random.integers(100, 145, 1200).astype(np.uint32) << 23)
        | (random.integers(0, 2**11, 1200).astype(np.uint32) << 12)
        | random.choice(np.array([0, 1, 0xFFF], np.uint32), 1200)
        | (random.integers(0, 2, 1200).astype(np.uint32) << 31),
        np.array([65504, 65519.99, 65520, 2**-24, 2**-25, 1.5 * 2**-25, 2**-14, 0, -0.0, np.inf, -np.inf], np.float32).view(np.uint32),
        (random.integers(0, 2**16, 200).astype(np.uint32) << 16) | 0x8000,
    ]
    single = np.concatenate(patterns).astype(np.uint32).view(np.float32)
    single = single[~np.isnan(single)]
    with np.errstate(over="ignore"):
        half = single.astype(np.float16).view(np.uint16)
    brain = torch.from_numpy(single.copy()).bfloat16().view(torch.int16).numpy().view(np.uint16)
    tensors = {"float32": single, "float16_bits": half, "bfloat16_bits": brain}
    save_file(tensors, os.path.join(folder, "half-conversions.safetensors"))


steps = [save_torch_files, save_fixed_files, save_typed_files, save_safetensors, save_half_conversions]
if "--release-only" in sys.argv:
    steps = [save_torch_files]
for step in steps:
    try:
        step()
    except (ImportError, AttributeError, NotImplementedError) as error:
        print(f"skipped {step.__name__}: {error}")
json.dump(expected, open(expected_path, "w"), ensure_ascii=False, indent=1)

"""Numbers that a formula gives; src/proposals/testing/patterned.ts gives the same ones."""

import numpy as np
import torch


def patterned(name, shape, deviation):
    """Numbers in [-1, 1) * sqrt(3) * deviation from a hash of the name and of every index."""
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) % 2**32
    count = int(np.prod(shape))
    x = (np.uint64(seed) + np.arange(count, dtype=np.uint64) * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    for _ in range(2):
        x = x ^ (x >> np.uint64(16))
        x = (x * np.uint64(0x45D9F3B)) & np.uint64(0xFFFFFFFF)
    x = x ^ (x >> np.uint64(16))
    unit = x.astype(np.float64) / 2.0**31 - 1
    return torch.tensor((unit * 3**0.5 * deviation).astype(np.float32)).reshape(shape)

"""Golden data of GGUF's blocks: random bytes and what the package `gguf` makes of them (fixtures/weights/gguf-blocks.json)."""

import base64
import json
import sys

import numpy
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize

random = numpy.random.default_rng(21)
golden = {}
for name in ["Q4_0", "Q4_1", "Q8_0"]:
    values = random.normal(size=(3, 64)).astype(numpy.float32)
    from gguf.quants import quantize

    blocks = quantize(values, Type[name])
    golden[name] = {
        "bytes": base64.b64encode(blocks.tobytes()).decode(),
        "values": [float(value) for value in dequantize(blocks, Type[name]).ravel()],
    }
json.dump(golden, open(sys.argv[1], "w"))

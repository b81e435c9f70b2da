"""Speed and memory of a language model in PyTorch, as one line of JSON; started by bench/language.ts.

Needs: pip install torch transformers
Run:   python tools/reference/language/bench.py FOLDER float32|bfloat16 PROMPT DECODE RUNS
"""

import json
import re
import sys
import time

import torch
from transformers import AutoModelForCausalLM, DynamicCache

folder, dtype = sys.argv[1:3]
prompt_tokens, decode_tokens, runs = map(int, sys.argv[3:6])


def gigabytes(field):
    return int(re.search(rf"^{field}:\s+(\d+)", open("/proc/self/status").read(), re.M)[1]) / 2**20


def median(values):
    return sorted(values)[len(values) // 2]


start = time.perf_counter()
model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
load_seconds = time.perf_counter() - start
prompt = torch.tensor([[3 + (i * 7919) % 31990 for i in range(prompt_tokens)]])
question = torch.tensor([[3 + (i * 104729) % 31990 for i in range(32)]])
prefill, second, decode = [], [], []


def timed(ids):
    """Wall and processor seconds of reading more tokens."""
    start, before = time.perf_counter(), time.process_time()
    model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return time.perf_counter() - start, time.process_time() - before


with torch.inference_mode():
    for _ in range(runs):
        cache = DynamicCache()
        prefill.append(timed(prompt))
        second.append(timed(question))
    for step in range(decode_tokens):
        decode.append(timed(torch.tensor([[3 + step]])))
print(
    json.dumps(
        {
            "load": load_seconds,
            "read": prompt_tokens / median([wall for wall, _ in prefill]),
            "write": 1 / median([wall for wall, _ in decode]),
            "readMs": 1000 * median([processor for _, processor in prefill]) / prompt_tokens,
            "writeMs": 1000 * median([processor for _, processor in decode]),
            "first": median([a + b for (a, _), (b, _) in zip(prefill, second)]),
            "second": median([wall for wall, _ in second]),
            "resident": gigabytes("VmRSS"),
            "own": gigabytes("RssAnon"),
            "peak": gigabytes("VmHWM"),
        }
    )
)

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
with torch.inference_mode():
    for _ in range(runs):
        cache = DynamicCache()
        times = []
        for ids in (prompt, question):
            start = time.perf_counter()
            model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
            times.append(time.perf_counter() - start)
        prefill.append(times[0])
        second.append(times[1])
    for step in range(decode_tokens):
        start = time.perf_counter()
        model(input_ids=torch.tensor([[3 + step]]), past_key_values=cache, use_cache=True, logits_to_keep=1)
        decode.append(time.perf_counter() - start)
print(
    json.dumps(
        {
            "loadSeconds": load_seconds,
            "prefill": prompt_tokens / median(prefill),
            "decode": 1 / median(decode),
            "firstAnswer": median([a + b for a, b in zip(prefill, second)]),
            "secondAnswer": median(second),
            "resident": gigabytes("VmRSS"),
            "own": gigabytes("RssAnon"),
            "peak": gigabytes("VmHWM"),
        }
    )
)

"""PyTorch's side of bench/training-language.ts: a training step of a Llama behind image and object tokens that are given.

    python training_step.py FILE LEARNS THREADS

FILE is a .safetensors with `parameter/NAME` of the language model, `input/image` and `input/objects` (tokens) and the
inputs that src/chatrex/pack-texts.ts describes. LEARNS is `everything`, or `projectors`: then only the tokens have
gradients. Lines of standard input are answered by one line of JSON: `check`, `step`, `memory`.
"""

import json
import resource
import sys
import time

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

path, learns, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
data = load_file(path)
w = {name[10:]: value for name, value in data.items() if name.startswith("parameter/")}
given = {name[6:]: value for name, value in data.items() if name.startswith("input/")}
del data
everything = learns == "everything"
for value in w.values():
    value.requires_grad_(everything)
tokens = {name: given[name].flatten(0, -2).requires_grad_() for name in ("image", "objects")}
layers = 1 + max(int(name.split(".")[2]) for name in w if name.startswith("model.layers."))
width = w["model.norm.weight"].shape[0]
head = 64
angles = given["positions"][0, :, None].float() / 10_000 ** (torch.arange(0, head, 2) / head)
cosines, sines = torch.cos(angles).repeat(1, 2), torch.sin(angles).repeat(1, 2)
mask = given["mask"]


def norm(x, name):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * w[f"model.{name}.weight"]


def rotated(x):
    first, second = x.chunk(2, -1)
    return x * cosines + torch.cat([-second, first], -1) * sines


def attention(x, at):
    def heads(name):
        return F.linear(x, w[f"{at}.{name}.weight"]).unflatten(-1, (-1, head)).transpose(1, 2)

    q, k, v = rotated(heads("q_proj")), rotated(heads("k_proj")), heads("v_proj")
    groups = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    scores = torch.softmax(q @ k.transpose(-1, -2) / head**0.5 + mask, -1)
    return F.linear((scores @ v).transpose(1, 2).flatten(2), w[f"{at}.o_proj.weight"])


def loss():
    table = w["model.embed_tokens.weight"]
    rows = torch.cat([table[given["words"]], tokens["image"], tokens["objects"]])
    x = rows[given["slots"]]
    for i in range(layers):
        at = f"model.layers.{i}"
        x = x + attention(norm(x, f"layers.{i}.input_layernorm"), f"{at}.self_attn")
        y = norm(x, f"layers.{i}.post_attention_layernorm")
        gate, up = (F.linear(y, w[f"{at}.mlp.{name}_proj.weight"]) for name in ("gate", "up"))
        x = x + F.linear(F.silu(gate) * up, w[f"{at}.mlp.down_proj.weight"])
    due = norm(x, "norm").flatten(0, 1)[given["targets"]]
    return F.cross_entropy(F.linear(due, table), given["labels"])


learned = list(w.values()) if everything else list(tokens.values())
optimizer = torch.optim.AdamW(learned, lr=1e-4, weight_decay=0)


def step():
    optimizer.zero_grad()
    value = loss()
    value.backward()
    return value


for line in sys.stdin:
    command = line.strip()
    if command == "check":
        value = step()
        norms = {name: tensor.grad.norm().item() for name, tensor in w.items()} if everything else {}
        answer = {"loss": value.item(), "norms": norms}
    elif command == "step":
        wall, processor = time.perf_counter(), time.process_time()
        step()
        torch.nn.utils.clip_grad_norm_(learned, 1)
        optimizer.step()
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        answer = {"wall": 1000 * wall, "processor": 1000 * processor}
    else:
        answer = {"megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    print(json.dumps(answer), flush=True)

"""PyTorch's side of bench/training-upn.ts: a training step of UPN-nano, from weights, batch and targets in a file.

    python training_step.py FILE CONFIG THREADS

FILE is a .safetensors with `parameter/NAME`, `gradient/NAME` and, for every part of the batch, `PART/INPUT`, named as in
src/training/upn/loss.ts; CONFIG is the stage's configuration as JSON. The parts become one batch, and what a part is
normalised by becomes weights, so that the loss is the mean of the parts' losses. Lines of standard input are answered by one
line of JSON: `check` by the loss and by how gradients compare, `step` by the milliseconds that one step took on the wall and
of the processor, `memory` by the peak in megabytes.
"""

import json
import math
import resource
import sys
import time

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from official import ms_deform_attn

path, config, threads = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
data = load_file(path)
w = {name[10:]: value.requires_grad_() for name, value in data.items() if name.startswith("parameter/")}
upn, parts = config["upn"], config["parts"]
batch, queries, hidden = parts * config["batchSize"], config["denoisingQueries"], upn["hiddenSize"]
heads, points, levels = upn["numHeads"], upn["numPoints"], upn["numLevels"]
(canvas,) = config["canvases"]
if canvas["width"] != canvas["height"] or config["isPadded"]:
    raise SystemExit(f"this script knows one square canvas without padding; got {config['canvases']}")
sides = [canvas["width"] // (4 * 2**stage) for stage in upn["backboneStages"]]
shapes = [(side, side) for side in sides]


def linear(x, at):
    return F.linear(x, w[f"{at}.weight"], w[f"{at}.bias"])


def norm(x, at, epsilon=1e-5):
    return F.layer_norm(x, x.shape[-1:], w[f"{at}.weight"], w[f"{at}.bias"], epsilon)


def mlp(x, at, layers):
    for i in range(layers):
        x = linear(F.relu(x) if i else x, f"{at}.layers.{i}")
    return x


def feed_forward(x, at):
    return linear(F.relu(linear(x, f"{at}.linear1")), f"{at}.linear2")


def convolution(x, at, **options):
    """Channels last in and out, which is also how PyTorch then keeps its maps in memory."""
    return F.conv2d(x.permute(0, 3, 1, 2), w[f"{at}.weight"], w[f"{at}.bias"], **options).permute(0, 2, 3, 1)


def backbone(pixels):
    root, maps = "backbone.model.backbone", []
    x = norm(convolution(pixels.permute(0, 2, 3, 1), f"{root}.stem.0", stride=4), f"{root}.stem.1", 1e-6)
    for i, depth in enumerate(upn["backbone"]["depths"]):
        at = f"{root}.stages.{i}"
        if i > 0:
            x = convolution(norm(x, f"{at}.downsample.0", 1e-6), f"{at}.downsample.1", stride=2)
        for block in (f"{at}.blocks.{j}" for j in range(depth)):
            around = upn["backbone"]["kernelSize"] // 2
            y = convolution(x, f"{block}.conv_dw", padding=around, groups=x.shape[-1])
            y = linear(F.gelu(linear(norm(y, f"{block}.norm", 1e-6), f"{block}.mlp.fc1")), f"{block}.mlp.fc2")
            x = x + y * w[f"{block}.gamma"]
        maps.append(x.permute(0, 3, 1, 2))
    return [maps[stage] for stage in upn["backboneStages"]]


def waves(angle, features, temperature):
    """[...] -> [..., features], sines and cosines in turn."""
    lengths = temperature ** (torch.arange(0, features, 2) / features)
    angles = angle[..., None] / lengths
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(-2)


def grid_constants():
    """Of every token: sine position, middle as shares of the picture, first box before the sigmoid, whether it has one."""
    positions, centres, sizes = [], [], []
    for level, side in enumerate(sides):
        row = waves((torch.arange(side) + 1) / (side + 1e-6) * 2 * math.pi, hidden // 2, 20)
        grid = [row[:, None].expand(side, side, -1), row[None].expand(side, side, -1)]
        positions.append(torch.cat(grid, -1).flatten(0, 1))
        middle = (torch.arange(side) + 0.5) / side
        centres.append(torch.stack(torch.meshgrid(middle, middle, indexing="xy"), -1).flatten(0, 1))
        sizes.append(torch.full((side * side, 2), 0.05 * 2**level))
    boxes = torch.cat([torch.cat(centres), torch.cat(sizes)], 1)
    inside = ((boxes > 0.01) & (boxes < 0.99)).all(1, keepdim=True)
    proposals = torch.where(inside, torch.logit(boxes), torch.inf)
    return torch.cat(positions), torch.cat(centres), proposals, inside.float()


positions, centres, proposals, inside = grid_constants()
level_of_token = torch.repeat_interleave(torch.arange(levels), torch.tensor([side * side for side in sides]))


def deformable(x, memory, places, at):
    """What queries x see of the memory; `places` turns offsets [B, Q, heads, levels, points, 2] into locations."""
    b, count, _ = x.shape
    offsets = linear(x, f"{at}.sampling_offsets").view(b, count, heads, levels, points, 2)
    weights = linear(x, f"{at}.attention_weights").view(b, count, heads, levels * points).softmax(-1)
    value = linear(memory, f"{at}.value_proj").view(b, -1, heads, hidden // heads)
    weights = weights.view(b, count, heads, levels, points)
    return linear(ms_deform_attn(value, shapes, None, places(offsets), weights, None), f"{at}.output_proj")


def encode(maps):
    tokens = []
    for level, feature in enumerate(maps):
        at = f"input_proj.{level}"
        projected = F.conv2d(feature, w[f"{at}.0.weight"], w[f"{at}.0.bias"])
        tokens.append(F.group_norm(projected, 32, w[f"{at}.1.weight"], w[f"{at}.1.bias"]).flatten(2).transpose(1, 2))
    x, where = torch.cat(tokens, 1), positions + w["transformer.level_embed"][level_of_token]
    pixel = 1 / torch.tensor(sides)[:, None, None]
    for at in (f"transformer.encoder.layers.{i}" for i in range(upn["numEncoderLayers"])):
        places = lambda offsets: centres[:, None, None, None] + offsets * pixel
        x = norm(x + deformable(x + where, x, places, f"{at}.self_attn"), f"{at}.norm1")
        x = norm(x + feed_forward(x, at), f"{at}.norm2")
    return x


def self_attention(placed, x, mask, at):
    query_key, value = w[f"{at}.in_proj_weight"].split([2 * hidden, hidden])
    query_key_bias, value_bias = w[f"{at}.in_proj_bias"].split([2 * hidden, hidden])
    q, k = F.linear(placed, query_key, query_key_bias).chunk(2, -1)
    v = F.linear(x, value, value_bias)
    q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (q, k, v))
    return linear(F.scaled_dot_product_attention(q, k, v, mask).transpose(1, 2).flatten(2), f"{at}.out_proj")


def inverse_sigmoid(x):
    return torch.log(x.clamp(min=1e-3) / (1 - x).clamp(min=1e-3))


def decode(memory, x, before, prompt, mask):
    logits, boxes = [], []
    for at in (f"transformer.decoder.layers.{i}" for i in range(upn["numDecoderLayers"])):
        reference = before.detach()
        sines = waves(reference[..., [1, 0, 2, 3]] * 2 * math.pi, hidden // 2, 10_000).flatten(-2)
        position = mlp(sines, "transformer.decoder.ref_point_head", 2)
        x = norm(x + self_attention(x + position, x, mask, f"{at}.self_attn"), f"{at}.norm2")
        centre, size = (part[:, :, None, None, None] for part in reference.split(2, -1))
        places = lambda offsets: centre + offsets * size * (0.5 / points)
        x = norm(x + deformable(x + position, memory, places, f"{at}.cross_attn"), f"{at}.norm1")
        x = norm(x + feed_forward(x, at), f"{at}.norm3")
        seen = norm(x, "transformer.decoder.norm")
        logits.append((seen * prompt).sum(-1))
        boxes.append((mlp(seen, "bbox_embed.0", 3) + inverse_sigmoid(before)).sigmoid())
        before = (mlp(x, "bbox_embed.0", 3) + inverse_sigmoid(reference)).sigmoid()
    return torch.stack(logits), torch.stack(boxes)


def corners(boxes):
    return boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2


def generalized_iou(a, b):
    (low_a, high_a), (low_b, high_b) = corners(a), corners(b)
    area = lambda low, high: (high - low).relu().prod(-1)
    shared = area(torch.maximum(low_a, low_b), torch.minimum(high_a, high_b))
    union = area(low_a, high_a) + area(low_b, high_b) - shared
    hull = area(torch.minimum(low_a, low_b), torch.maximum(high_a, high_b))
    return shared / union.clamp(min=1e-12) - (hull - union) / hull.clamp(min=1e-12)


def box_loss(boxes, target, weights):
    return ((5 * (boxes - target).abs().sum(-1) + 2 * (1 - generalized_iou(boxes, target))) * weights).sum()


def focal(logits, target):
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    p = logits.sigmoid()
    return (0.25 * target + 0.75 * (1 - target)) * (p + target - 2 * p * target) ** 2 * entropy


def quality_focal(logits, target):
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none") * (target - logits.sigmoid()) ** 2


def naming_loss(maps, feeds):
    finest, pooled = feeds["rows"].shape[-1], []
    for feature in maps:
        side = feature.shape[-1]
        matrix = F.interpolate(torch.eye(side)[None], size=finest, mode="linear", align_corners=False)[0].T
        shares = (feeds["rows"] @ matrix)[..., :, None] * (feeds["columns"] @ matrix)[..., None, :]
        pooled.append(shares.flatten(2) @ feature.flatten(2).transpose(1, 2))
    x, total = norm(torch.cat(pooled, 2), "naming.norm"), 0
    for head, labels, share in (("category", "categories", 1), ("colour", "colours", 0.5)):
        losses = F.cross_entropy(linear(x, f"naming.{head}").flatten(0, 1), feeds[labels].flatten(), reduction="none")
        total = total + share * (losses * feeds[f"{labels} weights"].flatten()).sum()
    return total


def read_feeds():
    """The inputs of all parts as those of one batch; everything that is divided by belongs to its own part."""
    names = {name.split("/", 1)[1] for name in data if name.startswith("0/")}
    of_parts = {name: [data[f"{part}/{name}"] for part in range(parts)] for name in names}
    layered = {"is object", "class weights", "box weights", "target boxes"}
    tokens = (batch // parts) * len(centres)
    for name in [name for name in names if name.endswith("token weight")]:
        of_parts[name] = [value.expand(batch // parts, 1) for value in of_parts[name]]
    of_parts["positive tokens"] = [index + part * tokens for part, index in enumerate(of_parts["positive tokens"])]
    for name in {"categories", "colours"} & names:
        known = [(labels >= 0).float() for labels in of_parts[name]]
        of_parts[f"{name} weights"] = [one / one.sum().clamp(min=1) for one in known]
    feeds = {name: torch.cat(values, 1 if name in layered else 0) for name, values in of_parts.items()}
    return {name: value / parts if name.endswith(("weight", "weights")) else value for name, value in feeds.items()}


feeds = read_feeds()


def loss_of_batch():
    maps = backbone(feeds["pixels"])
    memory = encode(maps)
    features = norm(linear(memory * inside, "transformer.enc_output"), "transformer.enc_output_norm")
    unsigmoid = mlp(features, "transformer.enc_out_bbox_embed", 3) + proposals
    fine, coarse = (w[f"transformer.{name}_grained_prompt.weight"] for name in ("fine", "coarse"))
    prompt = fine * (1 - feeds["is coarse"]) + coarse * feeds["is coarse"]
    selected = min(upn["numQueries"], len(centres))
    chosen = (features @ prompt.transpose(1, 2)).detach().topk(selected, 1).indices.expand(-1, -1, 4)
    start = torch.cat([feeds["noised boxes"], unsigmoid.detach().gather(1, chosen)], 1).sigmoid()
    contents = [w["denoising.content"].expand(batch, queries, -1)]
    contents.append(w["transformer.tgt_embed.weight"][:selected].expand(batch, -1, -1))
    logits, boxes = decode(memory, torch.cat(contents, 1), start, prompt, feeds["attention mask"])
    loss = (focal(logits, feeds["is object"]) * feeds["class weights"]).sum()
    loss = loss + box_loss(boxes, feeds["target boxes"], feeds["box weights"])
    for name, one in (("fine", fine), ("coarse", coarse)):
        surprise = quality_focal((features @ one.T).squeeze(-1), feeds[f"{name} token targets"])
        loss = loss + (surprise * feeds[f"{name} tokens counted"] * feeds[f"{name} token weight"]).sum()
    picked = unsigmoid.sigmoid().flatten(0, 1)[feeds["positive tokens"]]
    loss = loss + box_loss(picked, feeds["positive boxes"], feeds["positive weights"])
    return loss + config["namingWeight"] * naming_loss(maps, feeds) if "categories" in feeds else loss


def check():
    loss = loss_of_batch()
    loss.backward()
    gradients = {name: (value.grad, data[f"gradient/{name}"]) for name, value in w.items()}
    norms = {name: [theirs.norm().item(), ours.norm().item()] for name, (theirs, ours) in gradients.items()}
    apart = {name: (theirs - ours).norm().item() for name, (theirs, ours) in gradients.items()}
    return {"loss": loss.item(), "norms": norms, "apart": apart}


optimizer = torch.optim.AdamW(
    w.values(), lr=config["learningRate"], betas=(0.9, 0.99), weight_decay=config["weightDecay"], fused=True
)


def step():
    start, processor = time.perf_counter(), time.process_time()
    optimizer.zero_grad()
    loss_of_batch().backward()
    torch.nn.utils.clip_grad_norm_(w.values(), config["maxNorm"])
    optimizer.step()
    return {"wall": (time.perf_counter() - start) * 1000, "processor": (time.process_time() - processor) * 1000}


def memory():
    return {"megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


commands = {"check": check, "step": step, "memory": memory}
for line in sys.stdin:
    print(json.dumps(commands[line.strip()]()), flush=True)

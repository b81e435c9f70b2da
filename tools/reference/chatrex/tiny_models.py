"""Two small ChatRex models of random weights, assembled from transformers, timm and torchvision, and what they answer.

    python tools/reference/chatrex/tiny_models.py OUTPUT_FOLDER

`tiny-gated`: the paper's fusion and tags, Llama, Vicuna's chat format. `tiny-concat`: the release's fusion, tags, parameter
names and unused tensors, Qwen2 with grouped queries and tied embeddings, ChatML. Each folder is a whole model (config.json,
model.safetensors, tokenizer.json) plus expected.safetensors. Written with torch 2.15, transformers 5.23, timm 1.0.31.
"""

import json
import sys
from itertools import count
from pathlib import Path

import numpy as np
import timm
import torch
import torch.nn as nn
import torch.nn.functional as F
from object_encoder import encode as encode_objects
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

CLIP_STATISTICS = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}
IMAGENET_STATISTICS = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
HIGH, LOW, PATCH = 128, 24, 6
CLIP = dict(hidden_size=16, intermediate_size=40, num_hidden_layers=3, num_attention_heads=4, image_size=LOW, patch_size=PATCH)
DIMS, DEPTHS = [8, 16, 24, 32], [1, 1, 2, 1]
LLM_WIDTH = 32
BOXES = [[4.25, 3.5, 20.0, 30.0], [0.0, 0.0, 50.0, 37.0], [30.5, 10.25, 48.75, 20.5], [41.0, 1.0, 44.0, 3.0]]
QUESTIONS = [
    "Please detect dog; cat in this image. Answer the question with object indexes.",
    "What is <obj2>?",
    "Why?",
]
VICUNA_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)


def make_picture(path: Path) -> Image.Image:
    generator = np.random.default_rng(5)
    y, x = np.mgrid[0:37, 0:50]
    waves = np.stack([128 + 100 * np.sin(x / 5 + y / 9), 5 * x, 255 - 6 * y], 2)
    picture = Image.fromarray(np.clip(waves + generator.integers(-9, 9, waves.shape), 0, 255).astype(np.uint8))
    picture.save(path)
    return picture


def square(picture: Image.Image) -> Image.Image:
    side = max(picture.size)
    canvas = Image.new("RGB", (side, side), tuple(int(m * 255) for m in CLIP_STATISTICS["mean"]))
    canvas.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return canvas


def pixels(picture: Image.Image, side: int, statistics: dict) -> torch.Tensor:
    """What CLIPImageProcessor gives for a square picture: bicubic, then channel statistics."""
    resized = np.asarray(square(picture).resize((side, side), Image.BICUBIC), dtype=np.float32) / 255
    normalized = (resized - np.float32(statistics["mean"])) / np.float32(statistics["std"])
    return torch.from_numpy(normalized).permute(2, 0, 1)[None]


def both_pixels(picture: Image.Image, is_low_from_high: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """The release shrinks the high-resolution input; otherwise each encoder has its own, with its own statistics."""
    if is_low_from_high:
        high = pixels(picture, HIGH, CLIP_STATISTICS)
        return F.interpolate(high, size=(LOW, LOW), mode="bilinear"), high
    return pixels(picture, LOW, CLIP_STATISTICS), pixels(picture, HIGH, IMAGENET_STATISTICS)


def boxes_in_square(picture: Image.Image) -> torch.Tensor:
    side = max(picture.size)
    offset = torch.tensor([(side - picture.width) // 2, (side - picture.height) // 2] * 2)
    return (torch.tensor(BOXES) + offset) * HIGH / side


def tokenizer(specials: list[str]) -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(QUESTIONS + [VICUNA_SYSTEM], trainer)
    made.add_special_tokens(specials)
    return made


class Gated(nn.Module):
    def __init__(self, low: int, high: int):
        super().__init__()
        self.w1, self.w2, self.wg = nn.Linear(low, low), nn.Linear(high, low), nn.Linear(2 * low, low)

    def forward(self, low, high):
        detail = self.w2(high)
        return low + torch.sigmoid(self.wg(torch.cat([self.w1(low), detail], -1))) * detail


class ChatRex(nn.Module):
    def __init__(self, language: nn.Module, is_gated: bool):
        super().__init__()
        self.clip = CLIPVisionModel(CLIPVisionConfig(**CLIP, hidden_act="quick_gelu"))
        self.convnext = timm.create_model("convnext_tiny", depths=DEPTHS, dims=DIMS, num_classes=0, pretrained=False)
        low, high = CLIP["hidden_size"], DIMS[-1]
        self.fusion = Gated(low, high) if is_gated else None
        self.projector = self.mlp(low if is_gated else low + high)
        self.object_projector = self.mlp(sum(DIMS))
        self.language = language

    @staticmethod
    def mlp(width: int) -> nn.Module:
        return nn.Sequential(nn.Linear(width, LLM_WIDTH), nn.GELU(), nn.Linear(LLM_WIDTH, LLM_WIDTH))

    def see(self, small: torch.Tensor, image: torch.Tensor, boxes: torch.Tensor) -> dict[str, torch.Tensor]:
        low = self.clip(small, output_hidden_states=True).hidden_states[-2][:, 1:]
        x = self.convnext.stem(image)
        maps = [x := stage(x) for stage in self.convnext.stages]
        high = maps[-1].flatten(2).transpose(1, 2)
        fused = self.fusion(low, high) if self.fusion else torch.cat([low, high], -1)
        _, objects = encode_objects(maps, boxes, 0.25, 7)
        return {
            "pixels_low": small,
            "low": low,
            "map.1": maps[1],
            "high": maps[-1],
            "image_tokens": self.projector(fused),
            "object_tokens": self.object_projector(objects),
        }

    def embed(self, prompt: list, seen: dict[str, torch.Tensor]) -> torch.Tensor:
        """A prompt is ids, with 'image' and numbers of objects (as tuples) between them."""
        rows = []
        for item in prompt:
            if item == "image":
                rows.append(seen["image_tokens"][0])
            elif isinstance(item, tuple):
                rows.append(seen["object_tokens"][0, item[0]][None])
            else:
                rows.append(self.language.get_input_embeddings()(torch.tensor([item])))
        return torch.cat(rows)[None]

    def greedy(self, embeddings: torch.Tensor, length: int = 64):
        """Without a cache, and the smallest lead that a chosen token had."""
        tokens, lead = [], float("inf")
        first = None
        for _ in range(length):
            result = self.language(inputs_embeds=embeddings, output_hidden_states=True)
            first = first or result
            best = result.logits[0, -1].topk(2)
            lead = min(lead, (best.values[0] - best.values[1]).item())
            tokens.append(best.indices[0].item())
            embeddings = torch.cat([embeddings, self.language.get_input_embeddings()(best.indices[:1])[None]], 1)
        return tokens, lead, first


def randomise(model: nn.Module, seed: int) -> None:
    """Lively random weights that float16 holds exactly, or every answer would be one token over and over."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if "norm" in name and name.endswith("weight"):
            weight.data = 1 + 0.2 * noise
        elif weight.dim() < 2:
            weight.data = 0.2 * noise
        elif "embed" in name or "lm_head" in name:
            weight.data = 0.3 * noise
        else:
            weight.data = 1.6 * noise / weight[0].numel() ** 0.5
        weight.data = weight.data.half().float()


def release_names(model: ChatRex) -> dict[str, torch.Tensor]:
    """The parameter names of RexSeek (and of transformers 4, which kept CLIP under `vision_model.`), with what its files hold besides."""
    named = {}
    for name, value in model.state_dict().items():
        for ours, theirs in [
            ("clip.", "vision_tower.vision_tower.vision_model."),
            ("convnext.stem.", "vision_tower_aux.vision_stem."),
            ("convnext.stages.", "vision_tower_aux.vision_stages."),
            ("projector.", "mm_projector."),
            ("object_projector.", "mm_object_projector."),
            ("language.", ""),
        ]:
            if name.startswith(ours):
                named[(theirs + name.removeprefix(ours)).replace(".gamma", ".ramma")] = value
    named["vision_tower.vision_tower.vision_model.embeddings.position_ids"] = torch.arange(17)[None]
    return named


def own_names(model: ChatRex) -> dict[str, torch.Tensor]:
    named = {}
    for name, value in model.state_dict().items():
        for start, ours in [
            ("clip.", "vision_tower.vision_tower.vision_model."),
            ("convnext.stem.", "vision_tower_aux.stem."),
            ("convnext.stages.", "vision_tower_aux.stages."),
            ("fusion.", "mm_fusion."),
            ("projector.", "mm_projector."),
            ("object_projector.", "mm_object_projector."),
            ("language.", ""),
        ]:
            if name.startswith(start):
                named[ours + name.removeprefix(start)] = value
    return named


def config_of(model: ChatRex, fusion: str, dialect: str, chat_format: str, system: str | None) -> dict:
    c = model.language.config
    rope = c.rope_parameters["rope_theta"]
    return {
        "model_type": "chatrex",
        "imageSize": HIGH,
        "statistics": {"low": CLIP_STATISTICS, "high": CLIP_STATISTICS if fusion == "concat" else IMAGENET_STATISTICS},
        "lowPixels": "from-high" if fusion == "concat" else "bicubic",
        "low": {
            "hiddenSize": CLIP["hidden_size"],
            "intermediateSize": CLIP["intermediate_size"],
            "numHiddenLayers": CLIP["num_hidden_layers"],
            "numAttentionHeads": CLIP["num_attention_heads"],
            "imageSize": LOW,
            "patchSize": PATCH,
            "selectLayer": -2,
        },
        "high": {"depths": DEPTHS, "dims": DIMS, "kernelSize": 7, "layerScale": 1e-6},
        "fusion": fusion,
        "dialect": dialect,
        "chatFormat": chat_format,
        **({"system": system} if system else {}),
        "language": {
            "model_type": c.model_type,
            "hidden_size": c.hidden_size,
            "intermediate_size": c.intermediate_size,
            "num_hidden_layers": c.num_hidden_layers,
            "num_attention_heads": c.num_attention_heads,
            "num_key_value_heads": c.num_key_value_heads,
            "vocab_size": c.vocab_size,
            "max_position_embeddings": c.max_position_embeddings,
            "rms_norm_eps": c.rms_norm_eps,
            "rope_theta": rope,
            "tie_word_embeddings": c.tie_word_embeddings,
        },
    }


def encode_user(text: str, t: Tokenizer) -> list[int]:
    ids = []
    for i, part in enumerate(text.split("<obj2>")):
        ids += ([t.token_to_id("<obj2>")] if i else []) + t.encode(part, add_special_tokens=False).ids
    return ids


def prompt_vicuna(question: str, t: Tokenizer) -> list:
    text = lambda s: t.encode(s, add_special_tokens=False).ids
    objects = [x for i in range(len(BOXES)) for x in (t.token_to_id(f"<obj{i}>"), (i,))]
    head = [t.token_to_id("<s>"), *text(f"{VICUNA_SYSTEM} USER: ")]
    return [*head, "image", *text("\n"), *objects, *encode_user(f"\n{question} ASSISTANT:", t)]


def prompt_chatml(question: str, t: Tokenizer) -> list:
    text = lambda s: t.encode(s, add_special_tokens=False).ids
    start, end = t.token_to_id("<|im_start|>"), t.token_to_id("<|im_end|>")
    objects = [x for i in range(len(BOXES)) for x in (t.token_to_id(f"<obj{i}>"), (i,))]
    body = ["image", *text("\n"), *objects, *encode_user(f"\n{question}", t)]
    return [start, *text("user\n"), *body, end, *text("\n"), start, *text("assistant\n")]


def write(folder: Path, model: ChatRex, names_of, config: dict, t: Tokenizer, prompt_of, picture) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model.eval()
    expected = None
    for seed in count(1):
        randomise(model, seed)
        if expected := answers(model, t, prompt_of, picture):
            break
    tensors = names_of(model)
    halves = {k: v.half().contiguous() if v.is_floating_point() else v for k, v in tensors.items()}
    save_file(halves, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    t.save(str(folder / "tokenizer.json"), pretty=False)
    save_file({k: v.contiguous() for k, v in expected.items()}, folder / "expected.safetensors")


def answers(model: ChatRex, t: Tokenizer, prompt_of, picture) -> dict | None:
    """Everything expected of a model; nothing if its answers hang on a hair or are dull."""
    with torch.no_grad():
        seen = model.see(*both_pixels(picture, model.fusion is None), boxes_in_square(picture))
        expected = dict(seen)
        for i, question in enumerate(QUESTIONS):
            embeddings = model.embed(prompt_of(question, t), seen)
            tokens, lead, first = model.greedy(embeddings)
            print(i, "length", embeddings.shape[1], "smallest lead", round(lead, 5), tokens[:12], len(set(tokens)))
            is_ended = any(t.token_to_id(end) in tokens for end in ["</s>", "<|im_end|>", "<|endoftext|>"])
            if lead < 2e-3 or len(set(tokens)) < 6 or is_ended:
                return None  # a float difference could turn this answer, or it says little
            expected |= {
                f"question.{i}.tokens": torch.tensor(tokens),
                f"question.{i}.logits": first.logits[0, -1],
            }
            if i == 0:
                expected["question.0.embeddings"] = embeddings[0]
                expected["question.0.hidden"] = first.hidden_states[-1][0]
    return expected


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    picture = make_picture(folder / "tiny-image.png")
    shared = dict(hidden_size=LLM_WIDTH, intermediate_size=56, num_hidden_layers=2, max_position_embeddings=512)

    indices = [f"<obj{i}>" for i in range(100)]
    t = tokenizer(["<s>", "</s>", *indices, "<g>", "</g>", "<o>", "</o>"])
    llama = LlamaConfig(**shared, num_attention_heads=2, vocab_size=t.get_vocab_size(), tie_word_embeddings=False)
    model = ChatRex(LlamaForCausalLM(llama), is_gated=True)
    config = config_of(model, "gated", "paper", "vicuna", VICUNA_SYSTEM)
    write(folder / "tiny-gated", model, own_names, config, t, prompt_vicuna, picture)

    tags = ["<ground>", "</ground>", "<objects>", "</objects>"]
    t = tokenizer(["<|endoftext|>", "<|im_start|>", "<|im_end|>", *indices, *tags])
    qwen = Qwen2Config(
        **shared, num_attention_heads=2, num_key_value_heads=1, vocab_size=t.get_vocab_size() + 4, tie_word_embeddings=True
    )
    model = ChatRex(Qwen2ForCausalLM(qwen), is_gated=False)
    config = config_of(model, "concat", "release", "chatml", None)
    write(folder / "tiny-concat", model, release_names, config, t, prompt_chatml, picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Names and shapes of every tensor of the released models, from their architectures (no weights are made or read).

    python tools/reference/chatrex/released_names.py OUTPUT.json

RexSeek-3B as `rexseek/model/architecture/rexseek.py` puts it together: CLIP ViT-L/14-336, ConvNeXt-L taken apart into
`vision_stem` and `vision_stages` with `ramma` for `gamma`, projectors 2560 and 2880 to the width of Qwen2.5-3B. The language
model of ChatRex-7B besides. Shapes are grouped: {"1024,1024": [names]}. transformers 5.23, timm 1.0.31.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import timm
import torch
import torch.nn as nn
from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM


def projector(channels: int, width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(channels, width), nn.GELU(), nn.Linear(width, width))


def main(path: Path) -> None:
    with torch.device("meta"):
        clip = CLIPVisionModel(
            CLIPVisionConfig(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=336, patch_size=14)
        )
        convnext = timm.create_model("convnext_large", num_classes=0, pretrained=False)
        qwen = Qwen2ForCausalLM(
            Qwen2Config(hidden_size=2048, intermediate_size=11008, num_hidden_layers=36, num_attention_heads=16, num_key_value_heads=2, vocab_size=151769)
        )
        llama = LlamaForCausalLM(LlamaConfig(vocab_size=32104))
        modules = {"mm_projector.": projector(2560, 2048), "mm_object_projector.": projector(2880, 2048)}
    shapes = {f"vision_tower.vision_tower.vision_model.{k}": v.shape for k, v in clip.state_dict().items()}
    for name, value in convnext.state_dict().items():
        if name.startswith(("stem.", "stages.")):
            shapes["vision_tower_aux.vision_" + name.replace(".gamma", ".ramma")] = value.shape
    for prefix, module in modules.items():
        shapes |= {prefix + k: v.shape for k, v in module.state_dict().items()}
    shapes |= {k: v.shape for k, v in qwen.state_dict().items()}
    language_7b = {k: v.shape for k, v in llama.state_dict().items()}
    grouped = {}
    for model, tensors in {"rexseek-3b": shapes, "chatrex-7b language": language_7b}.items():
        groups = defaultdict(list)
        for name, shape in tensors.items():
            groups[",".join(map(str, shape))].append(name)
        grouped[model] = groups
    path.write_text(json.dumps(grouped, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

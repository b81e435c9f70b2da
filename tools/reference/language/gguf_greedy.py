"""What a Llama from a GGUF file writes, by transformers: greedy tokens after prompts, to compare with `chatrex convert`.

    python gguf_greedy.py MODEL.gguf PROMPTS.json > expected.json

PROMPTS.json is a list of lists of token ids. Tried with transformers 4.46.3, gguf 0.19.0 and torch 1.13.
"""

import json
import sys

import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

MOST_TOKENS = 60

loaded = load_gguf_checkpoint(sys.argv[1], return_tensors=True)
# transformers 4.46 does not notice that the table of words is also the output.
config = LlamaConfig(**loaded["config"], tie_word_embeddings="lm_head.weight" not in loaded["tensors"])
model = LlamaForCausalLM(config).eval()
model.load_state_dict(loaded["tensors"], strict=False)
model.tie_weights()
answers = []
for prompt in json.load(open(sys.argv[2])):
    ids = list(prompt)
    with torch.no_grad():
        while len(ids) < len(prompt) + MOST_TOKENS and ids[-1:] != [config.eos_token_id]:
            ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    answers.append(ids[len(prompt):])
print(json.dumps(answers))

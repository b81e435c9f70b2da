"""Small language models with random weights as Hugging Face folders, and what transformers computes with them.

Needs: pip install torch transformers safetensors
Run:   python tools/reference/language/make_models.py fixtures/language

Writes, per model, `config.json`, its weights in a 16-bit format and `expected.json`: for three prompts of different
lengths the hidden states after the last norm and 64 greedy tokens, computed in float32 from the rounded weights.
  vicuna    Llama with as many key-value heads as heads, as Vicuna; bfloat16, two shards with an index
  qwen2     Qwen2: grouped queries, biases of q, k, v, tied embeddings, theta 1e6; float16, one file
  llama3    Llama 3.1: grouped queries, scaled rotary frequencies; biases everywhere; bfloat16, one file
and `rotary.json`: the frequencies that transformers gives for each kind of rotary embedding.
"""

import json
import os
import sys

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

VOCABULARY = 96
TOKENS = 64
# The best token must lead by this much, so that rounding cannot decide.
MARGIN = 0.003
# An answer must have more different tokens than this: random models like to repeat themselves.
VARIETY = 10
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}

common = {
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 256,
    "eos_token_id": 2,
    "attn_implementation": "eager",
}
models = {
    "vicuna": (
        LlamaForCausalLM,
        LlamaConfig(
            hidden_size=48,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=3,
            num_key_value_heads=3,
            rms_norm_eps=1e-5,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
            tie_word_embeddings=False,
            **common,
        ),
        torch.bfloat16,
        "60KB",
    ),
    "qwen2": (
        Qwen2ForCausalLM,
        Qwen2Config(
            hidden_size=64,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            rope_parameters={"rope_type": "default", "rope_theta": 1000000.0},
            tie_word_embeddings=True,
            use_sliding_window=False,
            **common,
        ),
        torch.float16,
        "1GB",
    ),
    "llama3": (
        LlamaForCausalLM,
        LlamaConfig(
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=1,
            num_attention_heads=4,
            num_key_value_heads=1,
            head_dim=16,
            attention_bias=True,
            mlp_bias=True,
            rope_parameters=LLAMA3,
            tie_word_embeddings=False,
            **common,
        ),
        torch.bfloat16,
        "1GB",
    ),
}


def randomize(model, generator):
    """Weights large enough that tokens depend on all before them: the library's own start hardly mixes anything."""
    for name, parameter in model.named_parameters():
        if "norm" in name:
            values = 1 + 0.1 * torch.randn(parameter.shape, generator=generator)
        elif parameter.ndim == 1:
            values = 0.3 * torch.randn(parameter.shape, generator=generator)
        elif "embed" in name:
            # Tied embeddings would make a token predict itself, were they not small beside what layers add.
            scale = 0.15 if model.config.tie_word_embeddings else 1.0
            values = scale * torch.randn(parameter.shape, generator=generator)
        else:
            values = 2.0 * torch.randn(parameter.shape, generator=generator) / parameter.shape[1] ** 0.5
        parameter.data.copy_(values)


def greedy(model, prompt):
    """64 tokens without stopping, and the smallest lead of a chosen token."""
    tokens, lead = [], float("inf")
    output = model(input_ids=torch.tensor([prompt]), use_cache=True)
    while True:
        best = output.logits[0, -1].topk(2)
        lead = min(lead, float(best.values[0] - best.values[1]))
        tokens.append(int(best.indices[0]))
        if len(tokens) == TOKENS:
            return tokens, lead
        output = model(input_ids=torch.tensor([[tokens[-1]]]), past_key_values=output.past_key_values, use_cache=True)


def make(folder, architecture, config, dtype, shard_size):
    for seed in range(1000):
        generator = torch.Generator().manual_seed(seed)
        model = architecture(config)
        randomize(model, generator)
        model.tie_weights()
        model = model.to(dtype)
        judge = architecture(config)
        judge.load_state_dict({key: value.float() for key, value in model.state_dict().items()})
        judge.tie_weights()
        judge = judge.float().eval()
        prompts = [torch.randint(3, VOCABULARY, (length,), generator=generator).tolist() for length in (9, 5, 14)]
        answers = []
        for prompt in prompts:
            tokens, lead = greedy(judge, prompt)
            if len(set(tokens)) <= VARIETY or lead < MARGIN:
                break
            answers.append((tokens, lead))
        if len(answers) == len(prompts):
            break
    else:
        raise SystemExit(f"{folder}: no seed gives clear answers")
    model.save_pretrained(folder, max_shard_size=shard_size)
    extra = os.path.join(folder, "generation_config.json")
    if os.path.exists(extra):
        os.remove(extra)
    cases = []
    for prompt, (tokens, _) in zip(prompts, answers):
        hidden = judge.model(input_ids=torch.tensor([prompt])).last_hidden_state[0]
        values = [round(value, 4) for value in hidden.flatten().tolist()]
        cases.append({"prompt": prompt, "hidden": values, "greedy": tokens})
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump({"seed": seed, "cases": cases}, file)
        file.write("\n")
    print(folder, "seed", seed, "lead", [round(lead, 3) for _, lead in answers])


def rotary():
    kinds = {
        "default": {"rope_type": "default", "rope_theta": 10000.0},
        "linear": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0},
        "llama3": {**LLAMA3, "original_max_position_embeddings": 8192},
    }
    result = {}
    for name, parameters in kinds.items():
        config = LlamaConfig(
            hidden_size=128,
            num_attention_heads=2,
            head_dim=64,
            max_position_embeddings=131072,
            rope_parameters=parameters,
        )
        if name == "default":
            frequencies = 1.0 / 10000.0 ** (torch.arange(0, 64, 2).float() / 64)
        else:
            frequencies, _ = ROPE_INIT_FUNCTIONS[name](config, "cpu")
        result[name] = {"parameters": parameters, "frequencies": frequencies.tolist()}
    return result


def main(target):
    torch.set_num_threads(1)
    with torch.no_grad():
        for name, (architecture, config, dtype, shard_size) in models.items():
            make(os.path.join(target, name), architecture, config, dtype, shard_size)
    with open(os.path.join(target, "rotary.json"), "w") as file:
        json.dump(rotary(), file, indent=1)
        file.write("\n")


main(sys.argv[1])

"""What llama.cpp writes greedily after texts, with the probabilities of the likeliest tokens: for gguf_llama_cpp.ts.

    python gguf_llama_cpp.py MODEL.gguf PROMPTS.json > expected.json

PROMPTS.json is a list of texts, special tokens in them by name. Tried with xllamacpp 2026.10.11549.
"""

import json
import sys

import xllamacpp

MOST_TOKENS = 40

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx = 1024
params.n_gpu_layers = 0
params.cpuparams.n_threads = 1
params.verbosity = -1
params.warmup = False
server = xllamacpp.Server(params)
answers = []
for prompt in json.load(open(sys.argv[2])):
    options = {"prompt": prompt, "n_predict": MOST_TOKENS, "temperature": 0, "n_probs": 5, "cache_prompt": False}
    answer = server.handle_completions(options)
    steps = [
        {"id": step["id"], "top": [[one["id"], one["logprob"]] for one in step["top_logprobs"]]}
        for step in answer["choices"][0]["logprobs"]["content"]
    ]
    answers.append({"steps": steps, "promptTokens": answer["usage"]["prompt_tokens"]})
print(json.dumps(answers))

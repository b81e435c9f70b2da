"""What llama.cpp needs for a token of a model of TinyLlama's shape in Q4_0, beside `bench/language.ts 1b --formats int4,int4+int8`.

    python language_llama_cpp.py FILE.gguf [THREADS]

Needs llama-cpp-python, gguf and numpy. FILE is written first, with random weights, where it is missing (620 MB). Medians of
three rounds of 512 tokens read and 16 written, in milliseconds a token, on the clock and of the processor.
"""

import os
import resource
import statistics
import sys
import time

import gguf
import numpy as np
from llama_cpp import Llama

HIDDEN, INNER, LAYERS, HEADS, KEY_HEADS, WORDS = 2048, 5632, 22, 32, 4, 32000


def write_model(path):
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(2048)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_vocab_size(WORDS)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([f"<{i}>".encode() for i in range(WORDS)])
    writer.add_token_scores([float(-i) for i in range(WORDS)])
    writer.add_token_types([1] * WORDS)

    def matrix(name, rows, columns):
        # A block of 32 is a scale in half precision and 16 bytes of two nibbles.
        blocks = np.empty((rows * columns // 32, 18), np.uint8)
        blocks[:, :2] = np.frombuffer(np.float16(0.003).tobytes(), np.uint8)
        blocks[:, 2:] = random.integers(0, 256, (len(blocks), 16), dtype=np.uint8)
        writer.add_tensor(f"{name}.weight", blocks.reshape(rows, -1), raw_dtype=gguf.GGMLQuantizationType.Q4_0)

    def ones(name):
        writer.add_tensor(f"{name}.weight", np.ones(HIDDEN, np.float32))

    matrix("token_embd", WORDS, HIDDEN)
    matrix("output", WORDS, HIDDEN)
    ones("output_norm")
    keys = HIDDEN // HEADS * KEY_HEADS
    for layer in (f"blk.{i}" for i in range(LAYERS)):
        ones(f"{layer}.attn_norm")
        ones(f"{layer}.ffn_norm")
        for name, rows in (("attn_q", HIDDEN), ("attn_k", keys), ("attn_v", keys), ("attn_output", HIDDEN)):
            matrix(f"{layer}.{name}", rows, HIDDEN)
        for name, rows, columns in (("gate", INNER, HIDDEN), ("up", INNER, HIDDEN), ("down", HIDDEN, INNER)):
            matrix(f"{layer}.ffn_{name}", rows, columns)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def timed(calls):
    clock, processor = time.perf_counter(), time.process_time()
    for call in calls:
        model.eval(call)
    count = sum(map(len, calls))
    return 1000 * (time.perf_counter() - clock) / count, 1000 * (time.process_time() - processor) / count


path, threads = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else os.cpu_count()
if not os.path.exists(path):
    write_model(path)
model = Llama(path, n_ctx=1024, n_batch=512, n_ubatch=512, n_threads=threads, n_threads_batch=threads, verbose=False)
rounds = []
for _ in range(4):
    model.reset()
    read = timed([[i * 37 % 30000 + 5 for i in range(512)]])
    rounds.append((*read, *timed([[i + 5] for i in range(16)])))
read, read_cpu, write, write_cpu = (statistics.median(column) for column in zip(*rounds[1:]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(f"reading {read:.2f} ms a token (processor {read_cpu:.2f}), writing {write:.1f} ({write_cpu:.1f}), {peak:.2f} GB at most")

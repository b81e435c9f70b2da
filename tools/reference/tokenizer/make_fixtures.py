"""Small vocabularies of our own, with the ids that sentencepiece and Hugging Face tokenizers give for many strings.

Needs: pip install sentencepiece tokenizers
Run:   python tools/reference/tokenizer/make_fixtures.py fixtures/tokenizer

Writes, all trained on the text below and on seeded scenes:
  sentencepiece.model       BPE with byte fallback, trained with Llama's settings
  sentencepiece.json        the same vocabulary as a tokenizer.json with Llama's normaliser
  byte-level.json           byte-level BPE with Qwen2.5's pre-tokenizer pattern and NFC
  cases.json                strings with ids: `sentencepiece` (both files of that name agree), `byteLevel`
  trained.json              sentences and the merges that a byte-level trainer makes of them
"""

import io
import json
import os
import random
import sys

import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

TEXT = """
A box on the left holds three red apples; the one on the right is empty.
There isn't a dog here, but I've found two cats: they're asleep under the table.
How many umbrellas are there in this image? Answer with the number and the object indexes.
Le café est à côté de la fenêtre, où le garçon mange une crêpe.
Der große Bär überquert die Straße.
Маленькая кошка спит на большом столе.
左边的盒子里有三个红苹果。
右の箱は空です。
ΑΒΓ δεζ 1234567890 3.14 -> (x, y) [1, 2] {3}
"""


def corpus():
    chance = random.Random(7)
    nouns = "apple basket bear bicycle book bottle bowl cake camera car cat chair clock cup dog drum fish flower guitar hat key lamp".split()
    colours = "red green blue yellow purple white black".split()
    sizes = ["small", "large", "tiny", "huge"]
    places = ["left of", "right of", "above", "below", "on", "next to"]
    lines = [line for line in TEXT.splitlines() if line] * 6
    for _ in range(400):
        first, second = chance.sample(nouns, 2)
        lines.append(
            f"the {chance.choice(sizes)} {chance.choice(colours)} {first} {chance.choice(places)} the {chance.choice(colours)} {second}."
        )
    return lines


def train_sentencepiece(lines, size=700):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="bpe",
        vocab_size=size,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        split_digits=True,
        character_coverage=0.995,
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()


def as_tokenizer_json(model):
    """The merges of a sentencepiece BPE: every pair of pieces whose join is a piece, best score first."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = [processor.id_to_piece(i) for i in range(processor.get_piece_size())]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    merges = []
    for piece, i in vocab.items():
        if processor.is_control(i) or processor.is_byte(i) or processor.is_unknown(i):
            continue
        pairs = [(piece[:k], piece[k:]) for k in range(1, len(piece)) if piece[:k] in vocab and piece[k:] in vocab]
        merges += [(-processor.get_score(i), vocab[a], vocab[b], a, b) for a, b in pairs]
    merges = [(a, b) for _, _, _, a, b in sorted(merges)]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return processor, tokenizer


def train_byte_level(lines, size=600):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    return tokenizer


def reference_merges(lines):
    """The merges of Hugging Face's trainer with our own word pattern."""
    tokenizer = Tokenizer(models.BPE())
    pattern = r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=450, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(lines, trainer)
    return [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]


def strings(lines):
    chance = random.Random(11)
    fixed = [
        "", "a", " a", "  two  spaces", "   ", "\n", "line1\nline2\n\n", "\r\n x \r\n\r\n", "\t tab \t\t", "Hello, world!",
        "I'LL we'Re don't 'S", "naïve café - déjà vu", "cafe\u0301 e\u0301\u0301", "ﬁ Ⅷ ½ Å", "🙂👩\u200d🚒🐈", "\u200bzero\u00a0nbsp\u3000wide",
        "1234567890 3.14159", "x" * 60, "the " * 12, "[0.123, 456]", "snake_case CamelCase", "مرحبا", "北京欢迎你,狗", "日本語", "한국어", "𝔘𝔫𝔦",
        "\x00\x01\x7f", "a\u0085b\u2028c", "\u0130stanbul ſ K", "!!!\n\n??", " \n \n x", "a  \n", "…—–", "0x1F ١٢٣ ²",
    ]
    pool = list("aetTh  \n'.,;0129é\u0301ßжの🐈\t-_") + ["the ", "apple", " red", "'s", "  ", "\r\n"]
    mixed = ["".join(chance.choices(pool, k=chance.randint(1, 24))) for _ in range(120)]
    return fixed + mixed + chance.sample(lines, 20)


def main(folder):
    lines = corpus()
    model = train_sentencepiece(lines)
    processor, bpe_json = as_tokenizer_json(model)
    byte_level = train_byte_level(lines)
    # Special tokens are looked for by the judge, and must not be by us; the strings for agreement hold none.
    cases = []
    for text in strings(lines):
        ids = processor.encode(text)
        # sentencepiece gives nothing for the empty string and so do we; the judge's normaliser would add a space.
        assert text == "" or bpe_json.encode(text).ids == ids, text
        byte_ids = byte_level.encode(text).ids
        cases.append({"text": text, "sentencepiece": ids, "byteLevel": byte_ids})
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "sentencepiece.model"), "wb") as file:
        file.write(model)
    for name, tokenizer in (("sentencepiece", bpe_json), ("byte-level", byte_level)):
        with open(os.path.join(folder, f"{name}.json"), "w", encoding="utf-8") as file:
            file.write(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
    with open(os.path.join(folder, "cases.json"), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    sentences = sorted(set(lines))[:120]
    with open(os.path.join(folder, "trained.json"), "w", encoding="utf-8") as file:
        file.write(json.dumps({"sentences": sentences, "merges": reference_merges(sentences)}, indent=0) + "\n")


main(sys.argv[1])

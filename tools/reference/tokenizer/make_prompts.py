"""Whole prompts as ids, by Hugging Face tokenizers, cut and joined the way the released models' inputs are.

Needs: pip install tokenizers; the vocabularies of make_fixtures.py
Run:   python tools/reference/tokenizer/make_prompts.py fixtures/tokenizer

Writes prompts.json: -200 stands for the image, -300 for an object feature. Here special tokens are found in the whole
string by the tokenizer itself, which is what the TypeScript side must equal without ever looking for one.
"""

import json
import os
import re
import sys

from tokenizers import AddedToken, Tokenizer

TAGS = ["<ground>", "</ground>", "<objects>", "</objects>"]
SYSTEM = {
    "vicuna": "There is a red apple. ",
    "chatml": "<|im_start|>system\nThere is a red apple.<|im_end|>\n",
}
TURN = {
    "vicuna": "USER: {} ASSISTANT:",
    "chatml": "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
}
ANSWER_END = {"vicuna": "</s>", "chatml": "<|im_end|>"}
BETWEEN = {"vicuna": "", "chatml": "\n"}
QUESTIONS = [
    "Please detect the red apple; a dog in this image. Answer the question with object indexes.",
    "What is left of <obj0>? And <obj0><obj0>!",
    "<obj0>",
    "  two spaces\nand a line",
    "кошка on the 台?",
]
ANSWERS = [
    "<ground>the red apple</ground><objects><obj0><obj2></objects>\n<ground>a dog</ground><objects>None</objects>",
    "The <ground>small cat</ground><objects><obj1></objects> is left of it.",
]


def encode(tokenizer, text):
    ids = []
    for chunk in re.split("(<image>|<objfeat>)", text):
        if chunk == "<image>":
            ids.append(-200)
        elif chunk == "<objfeat>":
            ids.append(-300)
        elif chunk:
            ids += tokenizer.encode(chunk, add_special_tokens=False).ids
    return ids


def main(folder):
    cases = []
    for chat, name, begin in (("vicuna", "sentencepiece", ["<s>"]), ("chatml", "byte-level", [])):
        tokenizer = Tokenizer.from_file(os.path.join(folder, f"{name}.json"))
        names = [f"<obj{i}>" for i in range(100)] + TAGS
        tokenizer.add_special_tokens([AddedToken(n, normalized=False, special=True) for n in names])
        begin_ids = [tokenizer.token_to_id(n) for n in begin]
        for system in (False, True):
            for boxes in (0, 1, 3):
                for question in QUESTIONS:
                    if boxes == 0 and "<obj" in question:
                        continue
                    objects = "".join(f"<obj{i}><objfeat>" for i in range(boxes))
                    text = TURN[chat].format("<image>\n" + objects + "\n" + question)
                    ids = begin_ids + encode(tokenizer, (SYSTEM[chat] if system else "") + text)
                    cases.append({"chat": chat, "system": system, "boxes": boxes, "question": question, "ids": ids})
        answers = [encode(tokenizer, answer + ANSWER_END[chat]) for answer in ANSWERS]
        further = encode(tokenizer, BETWEEN[chat] + TURN[chat].format(QUESTIONS[0]))
        cases.append({"chat": chat, "answers": answers, "further": further})
    with open(os.path.join(folder, "prompts.json"), "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


main(sys.argv[1])

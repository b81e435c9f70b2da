"""A tiny sentence encoder of random weights with its vectors, and vectors of all-MiniLM-L6-v2, by transformers.

Usage: python tools/reference/evaluation/sentence_encoder.py fixtures/language/sentence-encoder [FOLDER_OF_ALL_MINILM_L6_V2]

Made with torch 1.13 and transformers 4.38.2. Vectors are means over the tokens, scaled to length 1, as sentence-transformers does.
"""

import json
import os
import sys

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

texts = ['dog', 'a dog on the grass', 'Traffic Light', 'bowl (soup)', 'crème brûlée!', 'x-ray 12,5 %', 'unbelievable', '',
         '犬 dog', 'the ' * 40]
folder = sys.argv[1]


def vectors(model, tokenizer, max_length):
    out = []
    for text in texts:
        ids = tokenizer(text, return_tensors='pt', truncation=True, max_length=max_length)
        with torch.no_grad():
            mean = model(**ids).last_hidden_state.mean(dim=1)[0]
        out.append({'text': text, 'ids': ids['input_ids'][0].tolist(),
                    'vector': [round(value, 7) for value in torch.nn.functional.normalize(mean, dim=0).tolist()]})
    return out


def tiny():
    pieces = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'dog', 'a', 'on', 'the', 'grass', 'traffic', 'light', 'bowl', 'soup',
              '(', ')', '!', '-', '%', ',', 'creme', 'bru', '##lee', 'x', 'ray', '12', '5', 'un', '##believ', '##able']
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token='[UNK]'))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(single='[CLS] $A [SEP]', special_tokens=[('[CLS]', 2), ('[SEP]', 3)])
    torch.manual_seed(3)
    config = BertConfig(vocab_size=len(pieces), hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24,
                        max_position_embeddings=32, initializer_range=0.5, layer_norm_eps=1e-12)
    model = BertModel(config, add_pooling_layer=True).eval()
    for name, parameter in model.named_parameters():
        if name.endswith('bias'):
            torch.nn.init.normal_(parameter, std=0.1)
        elif 'LayerNorm' in name:
            torch.nn.init.normal_(parameter, mean=1, std=0.2)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save(os.path.join(folder, 'tokenizer.json'))
    with open(os.path.join(folder, 'sentence_bert_config.json'), 'w') as file:
        json.dump({'max_seq_length': 24}, file)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token='[UNK]', cls_token='[CLS]', sep_token='[SEP]')
    return vectors(model, fast, 24)


def real(path):
    model = BertModel.from_pretrained(path).eval()
    fast = PreTrainedTokenizerFast(tokenizer_file=os.path.join(path, 'tokenizer.json'), cls_token='[CLS]', sep_token='[SEP]')
    fast.backend_tokenizer.no_padding()
    found = vectors(model, fast, 256)
    for one in found:
        one['vector'] = one['vector'][:24]
    return found


os.makedirs(folder, exist_ok=True)
expected = {'tiny': tiny()}
if len(sys.argv) > 2:
    expected['all-MiniLM-L6-v2'] = real(sys.argv[2])
with open(os.path.join(folder, 'expected.json'), 'w') as file:
    json.dump(expected, file, separators=(',', ':'))
    file.write('\n')

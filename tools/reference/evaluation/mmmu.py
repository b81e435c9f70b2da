"""What MMMU's scorer makes of made-up answers: fixtures/evaluation/mmmu.json.

Usage: python tools/reference/evaluation/mmmu.py PATH_OF_MMMU/mmmu/utils fixtures/evaluation/mmmu.json
"""

import json
import random
import sys

sys.path.insert(0, sys.argv[1])
import eval_utils

maker = random.Random(7)
pieces = ['The answer is ', 'so ', 'thus ', 'final ', 'result = ', 'It could be ', '12', '1,234', '-3.5', '2.665', '0.125', '1e3',
          '6.02E-2', ' dollars', '.', '\n', ' therefore ', 'C', 'Transformation', '.5', '1,234.5', ' ', '!', ': ', 'is', '1/64', '%', '']
golds = [['12'], ['1234'], ['-3.5'], ['2.67'], ['0.12'], ['1000'], ['C'], ['Transformation'], ['1/64'], ['0.5', '12'], ['1,234']]
opened = []
for _ in range(300):
    response = ''.join(maker.choice(pieces) for _ in range(maker.randint(1, 8)))
    gold = maker.choice(golds)
    is_right = eval_utils.eval_open(gold, eval_utils.parse_open_response(response))
    opened.append({'response': response, 'truths': gold, 'isRight': is_right})

options = {'A': 'dog', 'B': 'cat', 'C': 'a big red bus', 'D': 'none of them'}
words = ['(A)', '(C)', 'A', 'B', 'D.', 'the', 'cat', 'a big red bus', 'or', 'I think', 'dog,', '.', "'", 'B:', '', 'none of them', '\n']
chosen = []
for _ in range(300):
    response = ' '.join(maker.choice(words) for _ in range(maker.randint(1, 9)))
    eval_utils.random.choice = lambda items: None
    chosen.append({'response': response, 'letter': eval_utils.parse_multi_choice_response(response, list(options), options)})

with open(sys.argv[2], 'w') as file:
    json.dump({'open': opened, 'options': options, 'choice': chosen}, file, separators=(',', ':'))
    file.write('\n')

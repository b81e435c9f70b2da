"""Made-up HumanRef phrases and answers with the figures of RexSeek's own script: fixtures/evaluation/humanref.json.

Usage: python tools/reference/evaluation/humanref.py PATH_OF_RexSeek/rexseek/metric fixtures/evaluation/humanref.json
"""

import json
import random
import sys

sys.path.insert(0, sys.argv[1])
import recall_precision_densityf1 as official

maker = random.Random(5)


def box():
    x, y = maker.randint(0, 60), maker.randint(0, 60)
    return [x, y, x + maker.randint(5, 40), y + maker.randint(5, 40)]


phrases, answers = [], []
for i in range(60):
    domain, sub_domain = maker.choice([('attribute', 'a'), ('position', 'inner'), ('position', 'outer'), ('rejection', 'r')])
    truths = [] if domain == 'rejection' else [box() for _ in range(maker.choice([1, 1, 2, 3, 6, 12]))]
    phrases.append({'id': i, 'domain': domain, 'sub_domain': sub_domain, 'answer_boxes': truths,
                    'candidate_boxes': truths + [box() for _ in range(3)]})
    named = [[side + maker.randint(-4, 4) for side in one] for one in truths if maker.random() < 0.8]
    named += [box() for _ in range(maker.choice([0, 0, 1, 4]))]
    maker.shuffle(named)
    if i == 0 or maker.random() < 0.95:
        answers.append({'id': i, 'extracted_predictions': named if named or maker.random() < 0.5 else [[]]})
answers.sort(key=lambda one: -len(one['extracted_predictions']))

found = official.evaluate_dataset(phrases, answers)
values = [one for own in found['domain'].values() for one in own]
rejections = sum(phrase['domain'] == 'rejection' for phrase in phrases)


def figures(rows):
    row = official.format_row_data(rows, '', False)
    names = {'recall': 'recall_mean', 'precision': 'precision_mean', 'densityF1': 'density_f1_mean', 'recall50': 'recall_50',
             'precision50': 'precision_50', 'densityF150': 'density_f1_50'}
    return {name: row[key] for name, key in names.items()}


# The script counts a missing answer to a phrase about somebody absent as a rejection; ours counts it as wrong.
answered = {answer['id'] for answer in answers}
missing = sum(phrase['domain'] == 'rejection' and phrase['id'] not in answered for phrase in phrases)
expected = {**figures(values), 'rejection': (found['rejection_score'] - missing) / rejections}
with open(sys.argv[2], 'w') as file:
    json.dump({'phrases': phrases, 'answers': answers, 'expected': expected,
               'byDomain': {name: figures(rows) for name, rows in found['domain'].items()}}, file, separators=(',', ':'))
    file.write('\n')

"""Precision and recall without scores by Rex-Omni's program, of the other fixtures: fixtures/evaluation/fastevaluate.json.

Usage: python tools/reference/evaluation/fastevaluate.py PROGRAM    (the program of fastevaluate.cpp beside this file)
Predictions of categories that an image does not have are left out and all scores made equal, as Rex-Omni's converter does.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

root = os.path.join(os.path.dirname(__file__), '../../..')


def positive(truth, found):
    present = {}
    for annotation in truth['annotations']:
        present.setdefault(annotation['image_id'], set()).add(annotation['category_id'])
    return [dict(one, score=0.2) for one in found
            if one['image_id'] not in present or one['category_id'] in present[one['image_id']]]


def mean(values):
    kept = [value for value in values if value > 0]
    return sum(kept) / len(kept) if kept else 0.0


def figures(truth, found, kind):
    for i, annotation in enumerate(truth['annotations']):
        for field, value in [('id', i + 1), ('iscrowd', 0), ('segmentation', []),
                             ('area', annotation['bbox'][2] * annotation['bbox'][3])]:
            annotation.setdefault(field, value)
    for image in truth['images']:
        image.setdefault('width', 640)
        image.setdefault('height', 480)
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ('truth.json', 'found.json')]
        for path, content in zip(paths, (truth, positive(truth, found))):
            with open(path, 'w') as file:
                json.dump(content, file)
        out = subprocess.run([sys.argv[1], *paths, kind], capture_output=True, check=True).stdout.decode('latin1')
    classes = json.loads(re.sub('-?nan', 'NaN', out[out.index('JSON{') + 4:]))
    precision, recall = mean(classes['precision']), mean(classes['recall'])
    return {'precision50': mean(classes['precision50']), 'recall50': mean(classes['recall50']),
            'f1MeanIou': 2 * precision * recall / (precision + recall)}


def load(path):
    with open(os.path.join(root, 'fixtures', path)) as file:
        return json.load(file)


lvis = []
for case in load('evaluation/lvis.json'):
    found = [{'image_id': d[0], 'category_id': d[1], 'bbox': d[2:6], 'score': d[6]} for d in case['detections']]
    lvis.append(figures(case['truth'], found, 'lvis'))
coco = figures(load('metrics/coco-val2014-annotations.json'), load('metrics/coco-val2014-results.json'), 'coco')
with open(os.path.join(root, 'fixtures/evaluation/fastevaluate.json'), 'w') as file:
    json.dump({'lvis': lvis, 'coco': coco}, file)
    file.write('\n')

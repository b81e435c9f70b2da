"""Made-up LVIS annotations and detections with the figures of the package `lvis`: fixtures/evaluation/lvis.json.

Usage: python tools/reference/evaluation/lvis_figures.py fixtures/evaluation/lvis.json
   or: python tools/reference/evaluation/lvis_figures.py ANNOTATIONS DETECTIONS [PER_CLASS]   to print the figures of two files

With numpy 1.24 or later the package needs `np.float`, which this script gives it.
"""

import json
import random
import sys
import tempfile

import numpy as np

np.float = float
from lvis import LVIS, LVISEval, LVISResults  # noqa: E402


def made_up(seed):
    """Few images, many ties, images with over 300 detections, categories of every kind of annotation."""
    maker = random.Random(seed)
    categories = [{'id': 3 * i + 1, 'name': f'thing_{i}', 'frequency': 'rcf'[i % 3]} for i in range(9)]
    ids = [category['id'] for category in categories]
    images, annotations, detections = [], [], []
    for image_id in maker.sample(range(1, 99), 7):
        positive = maker.sample(ids, maker.randint(0, 4))
        negative = maker.sample([i for i in ids if i not in positive], 2)
        images.append({'id': image_id, 'width': 640, 'height': 480, 'neg_category_ids': negative,
                       'not_exhaustive_category_ids': maker.sample(positive, min(len(positive), maker.randint(0, 2)))})
        for category_id in positive:
            for _ in range(maker.randint(1, 4)):
                x, y = maker.randint(0, 400), maker.randint(0, 300)
                width, height = maker.choice([12, 32, 60, 96, 150]), maker.choice([12, 32, 60, 96, 150])
                annotations.append({'id': len(annotations) + 1, 'image_id': image_id, 'category_id': category_id,
                                    'bbox': [x, y, width, height], 'area': width * height * maker.choice([1, 0.5])})
        own = [annotation for annotation in annotations if annotation['image_id'] == image_id]
        for _ in range(maker.choice([30, 0, 310]) if images[1:] else 320):
            if own and maker.random() < 0.6:
                x, y, width, height = maker.choice(own)['bbox']
                box = [x + maker.randint(-6, 6), y + maker.randint(-6, 6), width, height + maker.randint(0, 8)]
                category_id = maker.choice(own)['category_id']
            else:
                box = [maker.randint(0, 400), maker.randint(0, 300), maker.randint(1, 200), maker.randint(1, 200)]
                category_id = maker.choice(ids)
            detections.append({'image_id': image_id, 'category_id': category_id, 'bbox': box,
                               'score': maker.choice([round(maker.random(), 2), round(maker.random(), 6)])})
    return {'images': images, 'categories': categories, 'annotations': annotations}, detections


def figures(annotations, detections, per_class=None):
    with tempfile.NamedTemporaryFile('w', suffix='.json') as file:
        json.dump(annotations, file)
        file.flush()
        truth = LVIS(file.name)
    if per_class is None:
        results = LVISResults(truth, [dict(detection) for detection in detections])
    else:
        by_class = {}
        for detection in detections:
            by_class.setdefault(detection['category_id'], []).append(dict(detection))
        best = [detection for own in by_class.values()
                for detection in sorted(own, key=lambda one: one['score'], reverse=True)[:per_class]]
        results = LVISResults(truth, best, max_dets=-1)
    evaluation = LVISEval(truth, results, 'bbox')
    if per_class is not None:
        evaluation.params.max_dets = -1
    evaluation.run()
    return {name.split('@')[0]: float(value) for name, value in evaluation.get_results().items()}


if len(sys.argv) > 2:
    with open(sys.argv[1]) as truth_file, open(sys.argv[2]) as detections_file:
        per = int(sys.argv[3]) if len(sys.argv) > 3 else None
        print(json.dumps(figures(json.load(truth_file), json.load(detections_file), per)))
else:
    cases = []
    for seed in range(4):
        truth, found = made_up(seed)
        cases.append({
            'truth': truth,
            'detections': [[d['image_id'], d['category_id'], *d['bbox'], d['score']] for d in found],
            'official': figures(truth, found),
            'fixed': figures(truth, found, 10000),
            'fixed12': figures(truth, found, 12),
        })
    with open(sys.argv[1], 'w') as file:
        json.dump(cases, file, separators=(',', ':'))
        file.write('\n')

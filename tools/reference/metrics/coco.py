"""Writes fixtures/metrics/coco-random.json: pycocotools' figures for a small seeded scene list made to be awkward.

Crowds, images without truths, without detections and without both, categories without truths, tied scores, overlaps that fall exactly
on thresholds (integer boxes), more than 100 detections in an image, empty boxes, areas that differ from the box's.
Needs numpy and pycocotools. Run from the repository's root: python tools/reference/metrics/coco.py
With arguments, `coco.py ANNOTATIONS RESULTS`, it prints pycocotools' figures and its processor time for these files instead (see bench/coco.ts).
"""

import contextlib
import importlib.metadata
import io
import json
import sys
import time

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

NAMES = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"]


def mean(values):
    values = values[values > -1]
    return float(values.mean()) if values.size else -1.0


def figures(precision, recall):
    """The twelve numbers and recall at IoU .5 from arrays [T,R,K,A,M] and [T,K,A,M]."""
    out = {}
    for name, area, threshold in [("AP", 0, None), ("AP50", 0, 0), ("AP75", 0, 5), ("APs", 1, None), ("APm", 2, None), ("APl", 3, None)]:
        out[name] = mean((precision if threshold is None else precision[threshold : threshold + 1])[:, :, :, area, 2])
    for name, area, most in [("AR1", 0, 0), ("AR10", 0, 1), ("AR100", 0, 2), ("ARs", 1, 2), ("ARm", 2, 2), ("ARl", 3, 2)]:
        out[name] = mean(recall[:, :, area, most])
    for name, most in [("AR1At50", 0), ("AR10At50", 1), ("AR100At50", 2)]:
        out[name] = mean(recall[:1, :, 0, most])
    return out


def evaluate(dataset, results, use_categories):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = json.loads(json.dumps(dataset))
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(json.loads(json.dumps(results))), "bbox")
        run.params.useCats = int(use_categories)
        start = time.process_time()
        run.evaluate()
        run.accumulate()
        seconds = time.process_time() - start
        run.summarize()
    precision, recall = run.eval["precision"], run.eval["recall"]
    overall = figures(precision, recall)
    assert np.allclose([overall[name] for name in NAMES], run.stats, atol=1e-12)
    by_category = {}
    if use_categories:
        for k, category in enumerate(run.params.catIds):
            by_category[str(category)] = figures(precision[:, :, k : k + 1], recall[:, k : k + 1])
    return {"metrics": overall, "byCategory": by_category}, seconds


def awkward_scenes(generator):
    images = [90, 3, 17, 8, 42, 5, 61, 70, 11, 2, 33, 29]
    categories = [7, 1, 4, 20]
    annotations, results = [], []
    scales = np.array([4, 12, 40])
    for position, image in enumerate(images):
        truth_count = 0 if position in (1, 2) else int(generator.integers(1, 9))
        for _ in range(truth_count):
            scale = generator.choice(scales)
            corner, size = generator.integers(0, 10, 2) * scale, generator.integers(1, 6, 2) * scale
            bbox = [int(value) for value in (*corner, *size)]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(generator.choice([7, 1, 4])),
                    "bbox": bbox,
                    "area": round(float(bbox[2] * bbox[3] * generator.uniform(0.3, 1)), 1),
                    "iscrowd": int(generator.random() < 0.15),
                }
            )
        detection_count = 0 if position in (2, 3) else 130 if position == 4 else int(generator.integers(1, 25))
        own = [annotation for annotation in annotations if annotation["image_id"] == image]
        for _ in range(detection_count):
            if own and generator.random() < 0.7:
                near = own[int(generator.integers(len(own)))]
                bbox = [max(0, int(value + generator.integers(-1, 2) * max(1, value // 10))) for value in near["bbox"]]
                category = near["category_id"] if generator.random() < 0.8 else int(generator.choice(categories))
            else:
                bbox = [int(value) for value in generator.integers(0, 120, 4)]
                category = int(generator.choice(categories))
            if position == 4:
                category = 7
            results.append(
                {"image_id": image, "category_id": category, "bbox": bbox, "score": int(generator.integers(0, 12)) / 12}
            )
    dataset = {
        "images": [{"id": image} for image in images],
        "categories": [{"id": category, "name": f"category {category}"} for category in categories],
        "annotations": annotations,
    }
    generator.shuffle(results)
    return dataset, results


def main():
    if len(sys.argv) == 3:
        dataset, results = (json.load(open(path)) for path in sys.argv[1:])
        for use_categories in (True, False):
            expected, seconds = evaluate(dataset, results, use_categories)
            print(json.dumps({"useCategories": use_categories, "cpuSeconds": round(seconds, 2), **expected["metrics"]}))
        return
    dataset, results = awkward_scenes(np.random.default_rng(5))
    fixture = {
        "note": f"pycocotools {importlib.metadata.version('pycocotools')}, by tools/reference/metrics/coco.py",
        "dataset": dataset,
        "results": results,
        "expected": evaluate(dataset, results, True)[0],
        "expectedClassAgnostic": evaluate(dataset, results, False)[0],
    }
    with open("fixtures/metrics/coco-random.json", "w") as file:
        json.dump(fixture, file)
    print(len(dataset["annotations"]), len(results), fixture["expected"]["metrics"], fixture["expectedClassAgnostic"]["metrics"])


main()

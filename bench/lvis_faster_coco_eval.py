"""faster-coco-eval on LVIS files, for bench/lvis.ts: python lvis_faster_coco_eval.py ANNOTATIONS DETECTIONS"""

import contextlib
import io
import json
import sys

from faster_coco_eval import COCO, COCOeval_faster

with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO(sys.argv[1])
    found = truth.loadRes(sys.argv[2])
    evaluation = COCOeval_faster(truth, found, 'bbox', lvis_style=True)
    evaluation.params.maxDets = [300]
    evaluation.run()
print(json.dumps({'AP': float(evaluation.stats[0])}))

"""faster-coco-eval on the files of bench/coco.ts: python coco_faster_coco_eval.py ANNOTATIONS RESULTS

Prints the processor seconds of evaluating alone, reading excluded, and the AP.
"""

import contextlib
import io
import json
import sys
import time

from faster_coco_eval import COCO, COCOeval_faster

with contextlib.redirect_stdout(io.StringIO()):
    truth = COCO(sys.argv[1])
    found = truth.loadRes(sys.argv[2])
    start = time.process_time()
    evaluation = COCOeval_faster(truth, found, "bbox")
    evaluation.run()
    seconds = time.process_time() - start
print(json.dumps({"seconds": seconds, "AP": float(evaluation.stats[0])}))

"""Writes fixtures/metrics/assignment.json: scipy.optimize.linear_sum_assignment on small seeded matrices.

Squares and rectangles both ways, some pairs forbidden, some matrices infeasible, some with ties (there only the total counts).
Needs numpy and scipy. Run from the repository's root: python tools/reference/metrics/assignment.py
"""

import json

import numpy as np
import scipy
from scipy.optimize import linear_sum_assignment

generator = np.random.default_rng(11)
cases = []
for rows, columns in [(1, 1), (3, 3), (8, 8), (5, 12), (12, 5), (1, 9), (9, 1), (20, 20), (6, 30), (30, 6)]:
    for forbidden in (0, 0.3, 0.7):
        for has_ties in (False, True):
            cost = generator.integers(0, 4, (rows, columns)) if has_ties else generator.normal(0, 10, (rows, columns)).round(3)
            cost = np.where(generator.random((rows, columns)) < forbidden, np.inf, cost)
            case = {
                "rows": rows,
                "columns": columns,
                "hasTies": has_ties,
                "cost": ["inf" if np.isinf(value) else float(value) for value in cost.flatten()],
            }
            try:
                row, column = linear_sum_assignment(cost)
                case["expected"] = {
                    "rows": row.tolist(),
                    "columns": column.tolist(),
                    "total": float(cost[row, column].sum()),
                }
            except ValueError:
                case["expected"] = "infeasible"
            cases.append(case)
with open("fixtures/metrics/assignment.json", "w") as file:
    json.dump({"note": f"scipy {scipy.__version__}, by tools/reference/metrics/assignment.py", "cases": cases}, file)
print(len(cases), sum(case["expected"] == "infeasible" for case in cases), "infeasible")

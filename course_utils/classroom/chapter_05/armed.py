"""The scripted runs of exercise 5.3, and where an answer stops one."""

from ...stopping import Criterion
from ..stage import call, one, truth

# masks are full from epoch 7 on; the right stop is 12
QUICK = {"val_loss": [0.10, 0.30, 0.40, 0.50, 0.45, 0.30, 0.20,
                      0.15, 0.16, 0.14, 0.16, 0.15, 0.17, 0.18, 0.19, 0.20],
         "sparsity": [0.297, 0.52, 0.68, 0.787, 0.85, 0.886, 0.893] + 9 * [0.8999]}
# a slower ramp: full from epoch 11 on; the right stop is 18
SLOW = {"val_loss": [0.10, 0.20, 0.30, 0.25, 0.20, 0.18, 0.16, 0.14, 0.12, 0.13, 0.125,
                     0.20, 0.21, 0.19, 0.20, 0.18, 0.19, 0.18, 0.19, 0.20, 0.21],
        "sparsity": [0.1, 0.3, 0.45, 0.6, 0.7, 0.78, 0.82, 0.85, 0.87, 0.88, 0.89] + 10 * [0.9]}
# the bug of 5.2: never full
SHORT = {"val_loss": QUICK["val_loss"], "sparsity": [0.297, 0.52, 0.68] + 13 * [0.789]}
# nearly full for long: 0.892, then 0.895 itself; full from epoch 13 on; the right stop is 18
NEARLY = {"val_loss": [0.3, 0.2, 0.2, 0.1, 0.11, 0.12, 0.13, 0.14, 0.08, 0.09, 0.1, 0.11, 0.12,
                       0.5, 0.4, 0.3, 0.32, 0.31, 0.33, 0.2],
          "sparsity": [0.3, 0.6, 0.8] + 5 * [0.892] + 5 * [0.895] + 7 * [0.9]}
# masks full from the start, and the first epoch the best: the right stop is 3
FIRST = {"val_loss": [3.0, 3.1, 3.2, 3.3, 3.4, 3.5, 3.6], "sparsity": 7 * [0.9]}


def first_stop(answer, run):
    """The epoch in which the answer, a criterion or a function of the history so far, first says stop."""
    if isinstance(answer, Criterion):
        return answer.first(run)
    for rows in range(1, len(run["val_loss"]) + 1):
        so_far = {name: list(values[:rows]) for name, values in run.items()}
        if one(call(answer, so_far), f"Return True or False; at epoch {rows - 1}", truth, typed=False):
            return rows - 1
    return None

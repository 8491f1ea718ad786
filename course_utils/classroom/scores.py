"""Rules scored on recorded runs of five problems, by networks that the learner has not seen (3.5 and 4.5)."""

import functools

import numpy as np

from .data import load_curves

PROBLEMS = ("diabetes", "soybean", "gene", "thyroid", "building")
SEEN = ("loss", "val_loss", "error", "val_error")  # a rule must not see the test


@functools.cache
def runs(units, seeds):
    """[(problem, what a rule sees, all columns)]: of each problem the runs of these sizes and seeds."""
    curves = load_curves("proben1")
    found = [(problem, run) for problem in PROBLEMS for n in units for seed in seeds
             for run in curves.select(problem=problem, units=n, seed=seed)]
    return [(problem, {name: run[name] for name in SEEN}, run) for problem, run in found]


def score(rule, units, seeds):
    """(cost as a share, problem -> mean regret in percent, stops, problems whose runs never end).

    A run that the rule does not end costs all of its epochs; its stop is None.
    """
    costs, regrets, stops, endless = [], {problem: [] for problem in PROBLEMS}, [], []
    for problem, seen, run in runs(units, seeds):
        val, test, stop = np.array(run["val_loss"]), run["test_loss"], rule.first(seen)
        stops.append(stop)
        if stop is None:
            endless.append(problem)
            stop = len(val) - 1
        costs.append((stop + 1) / len(val))
        regrets[problem].append(100 * (test[val[: stop + 1].argmin()] / test[val.argmin()] - 1))
    lost = {problem: float(np.mean(each)) for problem, each in regrets.items()}
    return float(np.mean(costs)), lost, stops, endless

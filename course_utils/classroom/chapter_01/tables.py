"""The tables of chapter 01, printed."""

import numpy as np

from ...stopping import Below

NETWORKS = ("words", 64), ("both", 64), ("pictures", 64), ("words", 16), ("words", 256)


def soonest(curves, limit):
    """The input whose training loss is below `limit` in the earliest epoch, of the networks with 64 units."""
    epochs = {inputs: _first_below(curves, limit, inputs, units) for inputs, units in NETWORKS if units == 64}
    arrived = {inputs: max(found) for inputs, found in epochs.items() if None not in found}
    return min(arrived, key=arrived.get)


def reached(curves, limit):
    """In which epoch the training loss of each network is first below `limit`; None: in no recorded one."""
    print(f"input      units on words   below {limit} in epoch, five splits")
    for inputs, units in NETWORKS:
        shown = "" if inputs == "pictures" else units
        above = "\n" if (inputs, units) == ("words", 16) else ""  # from here on the network differs
        print(f"{above}{inputs:10} {shown:>14}   {_first_below(curves, limit, inputs, units)}")


def _first_below(curves, limit, inputs, units):
    rule = Below("loss", limit)
    return [rule.first(run) for run in curves.select(input=inputs, units=units)]


def undertrained(runs, limits=(1.0, 0.5, 0.2, 0.05, 0.01)):
    """What loose thresholds cost: when the runs get below them, and how good they are then."""
    epochs = {limit: [Below("loss", limit).first(run) for run in runs] for limit in limits}
    accuracy = {limit: np.array([run["val_accuracy"][epoch] for run, epoch in zip(runs, epochs[limit])])
                for limit in limits}
    best = max(limits, key=lambda limit: accuracy[limit].mean())
    print(f"{len(runs)} splits: mean ± standard deviation\n")
    print("training loss   epoch (from 0)   validation accuracy   below the best row")
    for limit, at in accuracy.items():
        less = "" if limit == best else _spread(accuracy[best] - at)  # split by split
        print(f"      < {limit:<4} {np.mean(epochs[limit]):17.1f}   {_spread(at):>19}   {less:>22}".rstrip())


def _spread(values):
    return f"{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}"


def stops(runs, rules, labels):
    """Where each rule stops the runs, and how good they are then.

    Args:
        rules: name -> criterion.
        labels: of the validation data, for the last line: naming the largest group each time. One split's
            will do, for all have the groups in the same proportions.
    """
    print(f"{'':30} epoch, in {len(runs)} splits   validation accuracy, mean")
    for name, rule in rules.items():
        epochs = [rule.first(run) for run in runs]
        accuracy = np.mean([run["val_accuracy"][epoch] for run, epoch in zip(runs, epochs)])
        print(f"{name:30} {str(epochs):18}   {accuracy:25.2f}")
    sizes = np.unique(labels, return_counts=True)[1]
    print(f"\n{'always the largest group':49}   {sizes.max() / sizes.sum():25.2f}")

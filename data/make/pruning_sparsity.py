"""Record data/curves/pruning_sparsity.npz: accuracy against sparsity, for chapter 05.

    python data/make/pruning_sparsity.py

Labels network (cnn, mlp, gru), schedule, target (0 for dense, 0.5, 0.8, 0.9, 0.95, 0.98) and seed. The CNN
has 6 seeds and all schedules, the others 5 seeds and no one-shot training. Columns as pruning.py says.
dense: from the first weights until `Patience("val_loss", 5)`. Every other run goes on from the best epoch
of it.
gradual: the masks grow to the target in 8 epochs. one-shot: they are drawn once, before the first step.
Both are fine-tuned until `Patience("val_loss", 3)`, armed by the measured sparsity, for 25 epochs at most.
untrained: drawn once and measured at once: one row.

On one machine a second run writes the same bytes; another processor rounds differently, and a stop may move.
"""

import argparse

import numpy as np
from curves_01 import record

import pruning

TARGETS = (0.5, 0.8, 0.9, 0.95, 0.98)
LIMIT = 25  # epochs of a pruned training, of which the ramp takes 8
SEEDS = {"cnn": range(6), "mlp": range(5), "gru": range(5)}
SCHEDULES = {
    "cnn": ("gradual", "one-shot", "untrained"),
    "mlp": ("gradual", "untrained"),
    "gru": ("gradual", "untrained"),
}
EPOCHS = {"cnn": 40, "mlp": 40, "gru": 80}  # enough for the first stop
COLUMNS = ("loss", "val_loss", "val_accuracy", "test_accuracy", "sparsity")


def untrained(weights, target, seed, network):
    """History of one row: each kernel keeps the weights that are largest in size, and no training follows."""
    model = pruning.compiled(pruning.network(network))
    model.set_weights(weights)
    for kernel in pruning.kernels(model):
        size = np.abs(kernel.numpy())
        smallest_kept = np.sort(size, axis=None)[round(target * size.size)]
        kernel.assign(np.where(size >= smallest_kept, kernel.numpy(), 0))
    data = pruning.digits(seed)
    scores = [model.evaluate(*part, batch_size=len(part[1]), verbose=0) for part in data]
    (loss, _), (val_loss, val_accuracy), (_, test_accuracy) = scores
    row = (loss, val_loss, val_accuracy, test_accuracy, pruning.sparsity(model))
    return {name: [value] for name, value in zip(COLUMNS, row, strict=True)}


def run(network, schedule, target, seed):
    """History of one training: column -> list."""
    start = pruning.dense(seed, network, EPOCHS[network])
    stop, best = pruning.first_stop(start)
    if schedule == "dense":
        return {name: start.history[name][: stop + 1] for name in COLUMNS}
    if schedule == "untrained":
        return untrained(start.weights[best], target, seed, network)
    masks = {"gradual": pruning.gradual, "one-shot": pruning.one_shot}[schedule](target)
    second = pruning.armed(target)
    history = pruning.prune(start.weights[best], masks, seed, network, LIMIT, second).history
    return {name: history[name] for name in COLUMNS}


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    pruning.one_thread()
    settings = []
    for network, seeds in SEEDS.items():
        for seed in seeds:
            runs = [("dense", 0.0), *((schedule, t) for schedule in SCHEDULES[network] for t in TARGETS)]
            settings += [
                {"network": network, "schedule": schedule, "target": target, "seed": seed}
                for schedule, target in runs
            ]
    record("pruning_sparsity", run, settings)


if __name__ == "__main__":
    main()

"""Record data/curves/pruning_when.npz: when to prune, with one number of epochs for all, for chapter 05.

    python data/make/pruning_when.py

Labels moment, target, labels and seed (0 to 9); columns as pruning.py says. The MLP, 60 epochs each.
moment: start (masks from the first step), early (after 3 epochs), stop (at `Patience("val_loss", 5)`, from
the best weights so far; the epochs up to the stop count), late (after 48 epochs, from the weights there
are), never. The masks grow for 8 epochs and the rest of the 60 is fine-tuning, so late has 4 epochs of it.
labels: true, or shuffled: a fifth of the training and validation labels changed places, so that a long
training overfits in earnest. The test set keeps its own.

On one machine a second run writes the same bytes; another processor rounds differently, and a stop may move.
"""

import argparse

from curves_01 import record

import pruning

SEEDS = range(10)
EPOCHS = 60
EARLY, LATE = 3, 48
LABELS = {"true": 0.0, "shuffled": 0.2}  # the share that changed places
TARGETS = (0.9, 0.98)
COLUMNS = ("loss", "val_loss", "val_accuracy", "test_accuracy", "sparsity")


def run(labels, moment, target, seed):
    """History of one training, the part before the masks and the part with them: column -> list."""
    shuffled = LABELS[labels]
    start = pruning.dense(seed, "mlp", EPOCHS, shuffled)
    stop, best = pruning.first_stop(start)
    trained, weights = {  # epochs trained before the masks, and the weights they begin from
        "start": (0, None),
        "early": (EARLY, start.weights[EARLY - 1]),
        "stop": (stop + 1, start.weights[best]),
        "late": (LATE, start.weights[LATE - 1]),
        "never": (EPOCHS, None),
    }[moment]
    if trained + pruning.RAMP > EPOCHS and moment != "never":
        raise RuntimeError(f"Seed {seed}: after {trained} epochs there is no room for the masks.")
    history = {name: start.history[name][:trained] for name in COLUMNS}
    if moment != "never":
        left = EPOCHS - trained
        masks = pruning.prune(weights, pruning.gradual(target), seed, "mlp", left, shuffled=shuffled).history
        history = {name: history[name] + masks[name] for name in COLUMNS}
    return history


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    pruning.one_thread()
    settings = []
    for labels in LABELS:
        for seed in SEEDS:
            runs = [("never", 0.0), *((m, t) for t in TARGETS for m in ("start", "early", "stop", "late"))]
            settings += [
                {"labels": labels, "moment": moment, "target": target, "seed": seed}
                for moment, target in runs
            ]
    record("pruning_when", run, settings)


if __name__ == "__main__":
    main()

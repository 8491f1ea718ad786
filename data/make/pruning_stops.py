"""Record data/curves/pruning_stops.npz: trainings in which chapter 05 replays its second stops.

    python data/make/pruning_stops.py

Labels phase and seed (0 to 9); columns as pruning.py says. 40 epochs each: nothing stops them.
dense: the CNN from its first weights.
pruned: what follows the first stop, `Patience("val_loss", 5)` with the best weights restored: tfmot's masks
grow to 0.90 in 8 epochs (240 steps, updated every 10), and the rest is fine-tuning.

On one machine a second run writes the same bytes; another processor rounds differently, and a stop may move.
"""

import argparse

from curves_01 import record

import pruning

SEEDS = range(10)
TARGET = 0.9


def run(phase, seed):
    """History of one training: column -> list."""
    start = pruning.dense(seed)
    if phase == "dense":
        return start.history
    _, best = pruning.first_stop(start)
    return pruning.prune(start.weights[best], pruning.gradual(TARGET), seed).history


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    pruning.one_thread()
    settings = [{"phase": phase, "seed": seed} for seed in SEEDS for phase in ("dense", "pruned")]
    record("pruning_stops", run, settings)


if __name__ == "__main__":
    main()

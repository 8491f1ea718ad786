"""A table of chapter 01, printed."""

import numpy as np

from ...stopping import Below


def undertrained(runs, limits=(1.0, 0.5, 0.2, 0.05, 0.01)):
    """What loose thresholds cost: when the runs get below them, and how good they are then."""
    print(f"training loss   in epoch   validation accuracy, {len(runs)} splits")
    for limit in limits:
        epochs = [Below("loss", limit).first(run) for run in runs]
        at = [run["val_accuracy"][epoch] for run, epoch in zip(runs, epochs)]
        print(f"      < {limit:<4} {np.mean(epochs):11.1f}   {np.mean(at):.2f} ± {np.std(at, ddof=1):.2f}")

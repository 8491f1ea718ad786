"""A table of chapter 01, printed."""

import numpy as np

from ...stopping import Below


def undertrained_or_overfit(curves):
    """Two of the article's questions: what loose thresholds cost, and what becomes of the pictures alone."""
    print("both inputs: where the training loss first gets below a threshold, five splits")
    runs = curves.select(input="both")
    for limit in (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01):
        epochs = [Below("loss", limit).first(run) for run in runs]
        at = [run["val_accuracy"][epoch] for run, epoch in zip(runs, epochs)]
        print(f"   loss < {limit:<4}  epoch {np.mean(epochs):4.1f}  validation accuracy {_mean(at, 2)}")
    pictures = curves.select(input="pictures")
    lowest = [int(np.argmin(run["val_loss"])) for run in pictures]
    rise = [run["val_loss"][-1] / min(run["val_loss"]) for run in pictures]
    gain = [100 * (run["val_accuracy"][-1] - run["val_accuracy"][at]) for run, at in zip(pictures, lowest)]
    print(f"\npictures alone: validation loss lowest at epoch {lowest}")
    print(f"   from there to epoch 44: loss x {_mean(rise, 1)}, accuracy {_mean(gain, 0, '+')} points")


def _mean(values, places, sign=""):
    return f"{np.mean(values):{sign}.{places}f} ± {np.std(values, ddof=1):.{places}f}"

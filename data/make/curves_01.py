"""Record the trainings that chapter 01 replays: data/curves/threshold.npz and data/curves/break.npz.

    python data/make/curves_01.py [threshold | break]

The network is `classroom.models.two_input_model` on `emoji_split(seed)`: Adam at 0.001, batches of 16 in a
new order each epoch. The seed chooses the split, the first weights and the batch orders. On one machine a
second run writes the same bytes; another processor rounds differently, and a stop may move by an epoch.

threshold.npz: Keras's `fit`. Labels input (both, pictures, words), units (of the layer on the words), seed.
Columns loss, accuracy (both are means over the epoch's batches, while the weights move), val_loss,
val_accuracy, gradient_norm and weight_change (see `course_utils.stopping`). 80 epochs with words, 45
otherwise.

break.npz: the article's loop, whose `break` leaves the loop over batches and not the one over epochs. Labels
broken (False: the same training without the break) and seed. Columns, one value an epoch:
  batches_run     batches trained on, of 81
  messages        batches whose loss was below 0.01; with the break 0 or 1: "Stop training" is printed
  smallest_loss   smallest loss of a batch; with the break and a message, the loss that caused it
  mean_loss       mean loss of the batches run, each measured before its update
  full_loss, full_accuracy, val_loss, val_accuracy
                  at the end of the epoch, over all training or validation rows
"""

import one_order  # noqa: F401  before Keras

# isort: split
import argparse
import time

import numpy as np
from npz import save

from course_utils.classroom.data import emoji_split
from course_utils.classroom.models import two_input_model
from course_utils.stopping import GradientNorm, WeightChange, batches

SEEDS = range(5)
BATCH = 16
THRESHOLD = 0.01


def threshold_run(input, units, seed):
    """History of one `fit`: column -> list."""
    split = emoji_split(seed)
    model = two_input_model(len(split.vocabulary), len(split.groups), units, input, seed)
    model.steps_per_execution = 27  # a third of an epoch at once: the same numbers in about half the time
    fit = model.fit(
        batches(*split.train, BATCH, seed),
        validation_data=split.validation,
        validation_batch_size=len(split.validation[1]),
        epochs=80 if input == "words" else 45,
        callbacks=[GradientNorm(), WeightChange()],
        verbose=0,
    )
    return fit.history


def break_run(broken, seed, epochs=25):
    """History of one run of the article's loop: column -> list."""
    split = emoji_split(seed)
    model = two_input_model(len(split.vocabulary), len(split.groups), seed=seed)
    order = batches(*split.train, BATCH, seed)
    history = {}
    for _ in range(epochs):
        losses = []
        for x, y in order:
            model.reset_metrics()  # some versions of Keras return a running mean otherwise
            losses.append(float(model.train_on_batch(x, y)[0]))
            if broken and losses[-1] < THRESHOLD:
                break
        full = model.evaluate(*split.train, batch_size=1294, verbose=0)
        val = model.evaluate(*split.validation, batch_size=1294, verbose=0)
        row = {
            "batches_run": len(losses),
            "messages": sum(loss < THRESHOLD for loss in losses),
            "smallest_loss": min(losses),
            "mean_loss": float(np.mean(losses)),
            "full_loss": full[0],
            "full_accuracy": full[1],
            "val_loss": val[0],
            "val_accuracy": val[1],
        }
        for column, value in row.items():
            history.setdefault(column, []).append(value)
    return history


def record(name, run, settings):
    """Do every run and save labels and columns; a run shorter than the longest is filled up with NaN."""
    import keras

    began, histories = time.perf_counter(), []
    for i, setting in enumerate(settings, 1):
        histories.append(run(**setting))
        keras.backend.clear_session()
        seconds = time.perf_counter() - began
        print(f"{name}: run {i} of {len(settings)}, {seconds:.0f} s", end="\r", flush=True)
    print()
    epochs = max(len(column) for history in histories for column in history.values())
    arrays = {f"label/{label}": np.array([setting[label] for setting in settings]) for label in settings[0]}
    for column in histories[0]:
        padded = np.full((len(histories), epochs), np.nan, "float32")
        for row, history in zip(padded, histories, strict=True):
            row[: len(history[column])] = history[column]
        arrays[f"column/{column}"] = padded
    save(f"curves/{name}.npz", arrays)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "only", nargs="?", choices=["threshold", "break"], help="record one of the two (default: both)"
    )
    only = parser.parse_args().only
    if only != "break":
        kinds = [("both", 64), ("pictures", 64), ("words", 4), ("words", 16), ("words", 64), ("words", 256)]
        settings = [{"input": kind, "units": units, "seed": seed} for kind, units in kinds for seed in SEEDS]
        record("threshold", threshold_run, settings)
    if only != "threshold":
        settings = [{"broken": broken, "seed": seed} for broken in (True, False) for seed in SEEDS]
        record("break", break_run, settings)


if __name__ == "__main__":
    main()

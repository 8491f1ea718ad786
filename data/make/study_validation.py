"""Record data/curves/study_validation.npz: trainings of the study, seen through smaller validation sets.

    python data/make/study_validation.py

Five problems of the study and two of its networks, with Adam; seeds, splits, batch orders and rates are those
of `study.py`. No training depends on what validates it, so val_loss is measured on the first 25, 50, 100 and
200 examples of the validation set beside the whole. It takes no table but those of this repository and of
scikit-learn, and some minutes of one core.
"""

import os

import numpy as np
import study  # first: it chooses the backend
from npz import joined, save
from study_problems import emoji, pictures, prepared

PROBLEMS = ("digits", "clothes", "clothes_noisy", "emoji_words", "emoji_pictures")
SIZES = (25, 50, 100, 200)
NETWORKS = ("16", "64")
EPOCHS = 300
DIGITS = {f"column/val_{size}_loss": study.DIGITS["column/val_loss"] for size in SIZES} | study.DIGITS


def tables():
    """Write the problems' tables where `study.table` reads them."""
    from sklearn.datasets import load_digits

    folder = study.BUILD / "problems"
    folder.mkdir(parents=True, exist_ok=True)
    by_picture, by_words, y = emoji()
    found = {"digits": load_digits(return_X_y=True), "clothes": pictures(), "emoji_words": (by_words, y),
             "emoji_pictures": (by_picture, y)}
    for name, table in found.items():
        x, y = prepared(*table)
        np.savez(folder / f"{name}.npz", x=x, y=y)


def record(problem, network, seeds=range(study.SEEDS), epochs=EPOCHS):
    """The runs of one problem and network: (labels, columns), see `npz.joined`."""
    labels, columns = study.record(study.Family(problem, network, "adam", "", epochs), seeds, sizes=SIZES)
    names = "val_loss", "test_loss", *(f"val_{size}_loss" for size in SIZES)
    return ({label: labels[label] for label in ("problem", "network", "rate", "seed")},
            {name: columns[name] for name in names})


def main():
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # many small products gain nothing by threads
    tables()
    done = []
    for problem in PROBLEMS:
        for network in NETWORKS:
            done.append(joined([record(problem, network)]))
            print(problem, network, flush=True)
    save("curves/study_validation.npz", study.packed(done, DIGITS))


if __name__ == "__main__":
    main()

"""What became of chapter 07's recorded trainings: the epoch that a stop keeps, and what the test says of it.

Accuracies are in percent, epochs count from 0, and every array has a value for each split, in the same order:
they can be subtracted. Needs NumPy and the criteria, no Keras.
"""

import numpy as np

from ...stopping import Patience, replay

WATCHED = {"val_loss": "min", "val_accuracy": "max", "val_f1": "max", "val_auc": "max"}


def best(history, column="val_loss"):
    """The epoch with the lowest "val_loss", or the highest value of another column."""
    values = history[column]
    return int(np.argmin(values) if column.endswith("loss") else np.argmax(values))


def kept(runs, column="test_accuracy"):
    """A column, in percent, of each run's best epoch.

    >>> kept([{"val_loss": [2.0, 1.0, 3.0], "test_accuracy": [0.25, 0.5, 0.75]}])
    array([50.])
    """
    return np.array([100 * run[column][best(run)] for run in runs])


def grid(late, column="val_loss", **chosen):
    """A column of late fusion as an array, (epochs of the pictures' network, epochs of the words' network).

    Args:
        late: the recording clocks_late or clocks_pixels_late.
        chosen: labels of one split: scale=1.0, seed=0.
    """
    return np.array([history[column] for history in late.select(**chosen)])


def outcomes(curves, late, **chosen):
    """What one stop gives and what two give, split by split: dict of arrays (splits,).

    Args:
        curves, late: the recordings clocks and clocks_late, or those of pixels.
        chosen: their labels but way and seed: scale=1.0, or rows=900.

    Returns:
        Test accuracies: pictures, words (alone, each at its best epoch), both (one network, one stop), own
        (both networks alone, each at its best epoch, log-probabilities added), one (the same two networks,
        at the one epoch that is best for their sum), by_test (one network, the stop that is best on the test
        itself), without_pictures, without_words (one network at its stop); and frozen and own_rate, where
        they are recorded. Epochs: pictures_epoch, words_epoch, both_epoch, one_epoch. ratio: how many times
        as many epochs words take as pictures until they are at their best.
    """
    runs = {way: curves.select(way=str(way), **chosen) for way in _ways(curves, chosen)}
    came = {name: kept(runs[name]) for name in ("pictures", "words", "both")}
    for way in ("frozen", "own rate"):
        if way in runs:
            came[way.replace(" ", "_")] = kept(runs[way])
    came["by_test"] = np.array([100 * max(run["test_accuracy"]) for run in runs["both"]])
    for name in ("without_pictures", "without_words"):
        came[name] = kept(runs["both"], name)
    at = {name: np.array([best(run) for run in runs[name]]) for name in ("pictures", "words", "both")}
    own, one, one_epoch = [], [], []
    for split, seed in enumerate(_seeds(curves, chosen)):
        losses, right = (grid(late, column, seed=seed, **chosen) for column in ("val_loss", "test_accuracy"))
        one_epoch.append(int(np.argmin(np.diagonal(losses))))
        one.append(100 * right[one_epoch[-1], one_epoch[-1]])
        own.append(100 * right[at["pictures"][split], at["words"][split]])
    came |= {"own": np.array(own), "one": np.array(one), "one_epoch": np.array(one_epoch)}
    came |= {f"{name}_epoch": epochs for name, epochs in at.items()}
    return came | {"ratio": (at["words"] + 1) / (at["pictures"] + 1)}


def averaged(late, came):
    """Two networks as in `outcomes`, their probabilities averaged and not multiplied: "one" and "own".

    Args:
        late: the recording clocks_late, at scale 1.
        came: what `outcomes` gives at scale 1: it knows where each network stops.

    Returns:
        Test accuracies: own (each network at its best epoch) and one (both at the epoch best for their
        average).
    """
    found = {"one": [], "own": []}
    for seed, stops in enumerate(zip(came["pictures_epoch"], came["words_epoch"])):
        losses, right = (grid(late, f"mean_{column}", scale=1.0, seed=seed)
                         for column in ("val_loss", "test_accuracy"))
        one = int(np.argmin(np.diagonal(losses)))
        found["one"].append(100 * right[one, one])
        found["own"].append(100 * right[stops])
    return {name: np.array(values) for name, values in found.items()}


def side_by_side(measured):
    """What `utilisation` has measured of some networks, a column each: accuracies in percent, and rates.

    >>> from course_utils.multimodal import Utilisation
    >>> print(side_by_side({"one stop": Utilisation(0.5, {"pictures": 0.25, "words": 0.5})}))
                                 one stop
    right, with both               50.0 %
    right, without pictures        25.0 %
    right, without words           50.0 %
    utilisation of pictures         0.500
    utilisation of words            0.000
    """
    inputs = list(next(iter(measured.values())).without)
    rows = {"": [*measured], "right, with both": [f"{100 * used.score:.1f} %" for used in measured.values()]}
    rows |= {f"right, without {name}": [f"{100 * used.without[name]:.1f} %" for used in measured.values()]
             for name in inputs}
    rows |= {f"utilisation of {name}": [f"{used.rate[name]:.3f}" for used in measured.values()]
             for name in inputs}
    return "\n".join(f"{row:23}" + "".join(f"{value:>{max(14, len(name) + 3)}}" for name, value in
                                           zip(measured, values)) for row, values in rows.items())


def conditions(curves, rate, kept_share, patience=3):
    """What four columns keep, as the condition that ends a training: column -> dict of arrays (splits,).

    Args:
        curves: the recording conditions.
        rate, kept_share: its labels rate and kept.

    Returns:
        stop: the epoch in which the patience ends the training (the last one if it does not); epoch,
        test_f1, test_accuracy: of what it keeps; best_epoch, best_f1, best_accuracy: of the best epoch of
        all, as if nothing had ended it.
    """
    came = {}
    for column, mode in WATCHED.items():
        rows = []
        for run in curves.select(rate=rate, kept=kept_share):
            report = replay(Patience(column, patience, mode=mode), run, best=column)
            stop, last = report.best_epoch, best(run, column)
            rows.append((report.epoch, stop, 100 * run["test_f1"][stop], 100 * run["test_accuracy"][stop],
                         last, 100 * run["test_f1"][last], 100 * run["test_accuracy"][last]))
        names = ("stop", "epoch", "test_f1", "test_accuracy", "best_epoch", "best_f1", "best_accuracy")
        came[column] = dict(zip(names, np.array(rows).T))
    return came


def gained(came, column):
    """Test F1 of what a patience on a column keeps, in points above what one on the loss keeps: (splits,).

    Args:
        came: what `conditions` gives.
    """
    return came[column]["test_f1"] - came["val_loss"]["test_f1"]


def within(runs, epochs):
    """Test accuracy of what each run keeps if it must end after 1, 2, ... epochs: (splits, epochs)."""
    return np.array([[100 * run["test_accuracy"][int(np.argmin(run["val_loss"][:end]))]
                      for end in range(1, epochs + 1)] for run in runs])


def own_within(curves, late, epochs, seeds, **chosen):
    """The same of two networks that are trained side by side, each with its own stop: (splits, epochs)."""
    table = []
    for seed in seeds:
        right = grid(late, "test_accuracy", seed=seed, **chosen)
        runs = [curves.select(way=way, seed=seed, **chosen)[0] for way in ("pictures", "words")]
        stops = [[int(np.argmin(run["val_loss"][:end])) for end in range(1, epochs + 1)] for run in runs]
        table.append([100 * right[at] for at in zip(*stops)])
    return np.array(table)


def _chosen(curves, chosen):
    return np.all([curves.labels[label] == value for label, value in chosen.items()], axis=0)


def _ways(curves, chosen):
    return np.unique(curves.labels["way"][_chosen(curves, chosen)])


def _seeds(curves, chosen):
    return np.unique(curves.labels["seed"][_chosen(curves, chosen)])

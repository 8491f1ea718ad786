"""Record data/curves/fashion.npz and data/curves/validation_sets.npz from data/fashion_mnist_12k.npz.

    python data/make/curves_fashion.py

`fashion`: 1000 training, 500 validation and 2000 test images, with true labels and with 30 % of the labels of
training and validation shuffled; the test labels are always the true ones. 20 seeds: each draws its own
images, first weights and batch orders, and uses them twice, once for each kind of label.

`validation_sets`: one training, many validation sets. A network is trained once on 1000 images. The other
9000 are a pool from which validation sets of six sizes are drawn, 200 of each size, and the same training is
looked at through each of them, and once through the whole pool (size 9000). `val_loss` differs from row to
row; all other columns are those of the one training and repeat. Again once with true labels and once with 30
% of the training's and of the pool's shuffled.

About a minute on two cores. A second run on the same machine writes the same bytes.
"""

import argparse

import numpy as np
from npz import joined, save
from recording import Networks, record

from course_utils.classroom.data import load_fashion_mnist

SHUFFLED = (0.0, 0.3)
SEEDS = 20
UNITS = 128
EPOCHS = 60
BATCH_SIZE = 64
LEARNING_RATE = 0.002
TRAIN, VALIDATION = 1000, 500
SIZES = (25, 50, 100, 200, 500, 2000)
DRAWS = 200


def shuffle(labels, share, rng):
    """A copy of the labels (n,) in which a share of them, drawn at random, has changed places.

    With ten classes about a tenth of those meet their own class again: of 30 % shuffled, 27 % are wrong.
    """
    labels = labels.copy()
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    labels[chosen] = labels[rng.permutation(chosen)]
    return labels


def experiment(labels, seeds, pool, validation):
    """Who trains and validates on what: runs of all seeds with true labels, then the same with shuffled ones.

    Args:
        labels: int32 (examples,), the true ones; the first `pool` train and validate, the rest test.
        seeds: ints.
        validation: how many images validate.

    Returns:
        Labels (runs, examples), and the rows for training, validation and test, (runs, n) and (1, n).
    """
    given, train, held_out = [], [], []
    for share in SHUFFLED:
        for seed in seeds:
            rng = np.random.default_rng(seed)
            rows = np.split(rng.permutation(pool)[: TRAIN + validation], [TRAIN])
            own = labels.copy()
            for part in rows:  # each by itself, so that both have exactly this share
                own[part] = shuffle(labels[part], share, rng)
            given.append(own)
            train.append(rows[0])
            held_out.append(rows[1])
    test = np.arange(pool, len(labels))
    return np.stack(given), (np.stack(train), np.stack(held_out), test[None])


def record_fashion(x, labels, pool, seeds, epochs, title=""):
    """The file `fashion`: a pair (labels, columns) for `joined`.

    Args:
        x: float32 (examples, pixels), values in 0..1.
        labels, pool: see `experiment`.
        seeds: ints; each is used twice.
    """
    y, parts = experiment(labels, seeds, pool, VALIDATION)
    networks = Networks([*seeds, *seeds], x.shape[1], UNITS, int(labels.max()) + 1, LEARNING_RATE)
    names = {"shuffled": np.repeat(SHUFFLED, len(seeds)), "seed": np.tile(seeds, len(SHUFFLED))}
    return names, record(networks, x, y, parts, BATCH_SIZE, epochs, title)


def record_validation_sets(x, labels, pool, epochs, draws, title=""):
    """The file `validation_sets`: a list of pairs (labels, columns) for `joined`.

    Args:
        draws: how many sets of each size; the rest as in `record_fashion`.
    """
    y, parts = experiment(labels, [0], pool, pool - TRAIN)
    networks = Networks([0, 0], x.shape[1], UNITS, int(labels.max()) + 1, LEARNING_RATE)
    losses = []  # one array (runs, pool) an epoch: the loss of every image of the pool

    def keep(networks, validation):
        losses.append(networks.scores(*validation)[0].numpy())

    columns = record(networks, x, y, parts, BATCH_SIZE, epochs, title, after_epoch=keep)
    del columns["val_error"]  # it is the pool's, and would stand beside a loss that is not
    losses = np.stack(losses, 2)
    families = []
    for run, share in enumerate(SHUFFLED):
        for size, count in [*((size, draws) for size in SIZES), (pool - TRAIN, 1)]:
            rng = np.random.default_rng([size, 2])  # the same sets for both kinds of label
            sets = [rng.permutation(pool - TRAIN)[:size] for _ in range(count)]
            own = {name: np.repeat(curves[run : run + 1], count, axis=0) for name, curves in columns.items()}
            own["val_loss"] = np.stack([losses[run, rows].mean(0) for rows in sets])
            families.append(({"shuffled": share, "size": size, "draw": np.arange(count)}, own))
    return families


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    (x_train, y_train), (x_test, y_test) = load_fashion_mnist()
    x = np.concatenate([x_train, x_test]).reshape(-1, 28 * 28).astype("float32") / 255
    y = np.concatenate([y_train, y_test]).astype("int32")
    title = f"fashion: {SEEDS} seeds with true and with shuffled labels at once"
    save("curves/fashion.npz", joined([record_fashion(x, y, len(y_train), range(SEEDS), EPOCHS, title)]))
    title = "validation_sets: one training with true and one with shuffled labels"
    families = record_validation_sets(x, y, len(y_train), EPOCHS, DRAWS, title)
    save("curves/validation_sets.npz", joined(families))


if __name__ == "__main__":
    main()

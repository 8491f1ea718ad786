"""Record data/curves/proben1.npz: 400 learning curves on five problems in the manner of Prechelt's Proben1.

    apt-get download libfann-doc
    dpkg-deb -x libfann-doc_*.deb fann
    python data/make/curves_proben1.py fann/usr/share/doc/libfann-dev/examples/datasets

For every problem 20 seeds and four sizes of the hidden layer, 300 epochs of Adam. A seed stands for a split
of its own into 50 % training, 25 % validation and 25 % test (the same for all four sizes), for first weights,
and for batch orders, new in every epoch. About seven minutes on two cores. On the same machine a second run
writes the same bytes; another processor adds in another order, so a curve differs in its details after some
hundred epochs.

Source of the problems: L. Prechelt, Proben1, Technical Report 21/94, University of Karlsruhe, 1994, in the
encoding that comes with the FANN library.
"""

import argparse
from pathlib import Path

import numpy as np
from npz import joined, save
from recording import Networks, record

# name -> has classes; building has three consumptions as targets
PROBLEMS = {"diabetes": True, "soybean": True, "gene": True, "thyroid": True, "building": False}
UNITS = (4, 16, 64, 256)
SEEDS = 20
EPOCHS = 300
BATCH_SIZE = 32
LEARNING_RATE = 0.01


def read_fann(path):
    """A FANN file: "examples inputs outputs", then a line of inputs and a line of outputs for each example.

    Returns:
        float32 arrays (examples, inputs) and (examples, outputs).

    Raises:
        ValueError: the file does not hold as many numbers as its first line says.
    """
    examples, inputs, outputs, *numbers = path.read_text().split()
    examples, inputs, outputs = int(examples), int(inputs), int(outputs)
    if len(numbers) != examples * (inputs + outputs):
        said = f"{examples} x ({inputs} + {outputs})"
        raise ValueError(f"{path}: its first line promises {said} numbers, and it holds {len(numbers)}.")
    table = np.array(numbers, "float32").reshape(examples, inputs + outputs)
    return table[:, :inputs], table[:, inputs:]


def read_problem(folder, name):
    """Both halves of a problem: x (examples, inputs); labels (examples,) or targets (examples, outputs)."""
    halves = [read_fann(folder / f"{name}.{half}") for half in ("train", "test")]
    x, y = (np.concatenate(part) for part in zip(*halves, strict=True))
    return x, y.argmax(1).astype("int32") if PROBLEMS[name] else y


def split(examples, seed):
    """Rows for training (half), validation (a quarter) and test (the rest), drawn with the seed."""
    rows = np.random.default_rng(seed).permutation(examples)
    return np.split(rows, [examples // 2, examples // 2 + examples // 4])


def record_problem(x, y, units, seeds, epochs, title=""):
    """The columns of `recording.record` for one problem and size, one run a seed.

    Args:
        x: float32 (examples, inputs).
        y: labels, int32 (examples,), or targets, float32 (examples, outputs).
        units: width of the hidden layer.
        seeds: ints.
    """
    classes = y.ndim == 1
    outputs = int(y.max()) + 1 if classes else y.shape[1]
    networks = Networks(seeds, x.shape[1], units, outputs, LEARNING_RATE, classes)
    parts = [np.stack(part) for part in zip(*(split(len(x), seed) for seed in seeds), strict=True)]
    return record(networks, x, np.stack([y] * len(seeds)), parts, BATCH_SIZE, epochs, title)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where gene.train, gene.test and the others are")
    folder = parser.parse_args().folder
    families = []
    for name in PROBLEMS:
        x, y = read_problem(folder, name)
        for units in UNITS:
            title = f"{name}: {len(x)} examples, {units} units, {SEEDS} splits at once"
            columns = record_problem(x, y, units, range(SEEDS), EPOCHS, title)
            families.append(({"problem": name, "units": units, "seed": np.arange(SEEDS)}, columns))
    save("curves/proben1.npz", joined(families))


if __name__ == "__main__":
    main()

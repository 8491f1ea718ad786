"""Record data/curves/study.npz: the learning curves on which chapter 08 judges stopping rules.

    python data/make/study_problems.py debian     # the tables, once: see there
    python data/make/study.py

Keras networks, trained by Keras's Adam and by RPROP, on the JAX backend: runs of one problem, network and
optimizer differ in their seed alone, so they train side by side (`jax.vmap`), one process a core. Two cores
need about an hour. What is done lies in build/study/runs, and a second start goes on from there.

A seed stands for a split of its own (50 % training, 25 % validation, 25 % test; the same for all networks),
for first weights, and for batch orders. Half of the seeds learn at 0.01, the other half at 0.001. On the same
machine a second recording gives the same curves; another processor rounds otherwise, and two trainings that
differ by a rounding are two trainings after some dozen epochs.
"""

import argparse
import itertools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import keras
import numpy as np
from npz import joined, save
from study_networks import NETWORKS, WIDTHS, curves

BUILD = Path(__file__).resolve().parents[2] / "build" / "study"
SEEDS = 10
BATCH_SIZE = 32
RATES = (0.01, 0.001)  # learning rates; for RPROP, every weight's first step

# Settings are chosen on half of the problems and judged on the other half; the last are looked at once.
FIRST = ("diabetes", "soybean", "glass", "satellite", "building", "cancer", "digits", "abalone",
         "clothes", "emoji_words")
SECOND = ("gene", "thyroid", "vowel", "sonar", "vehicle", "ionosphere", "kin32fm", "letters",
          "clothes_noisy", "emoji_pictures")
LAST = ("robot", "pumadyn", "bank32nh", "progression", "friedman", "digits_cnn", "digits_gru",
        "digits_dropout")
# Large tables, and what came last, learn by Adam alone.
NO_RPROP = {"digits", "clothes", "clothes_noisy", "emoji_words", "emoji_pictures", "bank32nh",
            "progression", "friedman", "digits_cnn", "digits_gru", "digits_dropout"}

# Binary digits that are kept. Rules compare validation losses, and divide by small changes of the training
# loss; errors, which are shares of some hundred examples, are kept in float16.
DIGITS = {"column/val_loss": 16, "column/loss": 14, "column/test_loss": 11, "column/gradient_norm": 7}


@dataclass(frozen=True)
class Family:
    """Runs that differ in their seed alone."""

    problem: str
    network: str
    optimizer: str
    group: str
    epochs: int

    @property
    def path(self):
        return BUILD / "runs" / f"{self.problem}-{self.network}-{self.optimizer}.npz"


def families():
    """All of them. The last problems train for longer: horizons are a part of what is to be confirmed."""
    found = []
    for group, problems, epochs in (("first", FIRST, 300), ("second", SECOND, 300), ("last", LAST, 600)):
        for problem in problems:
            kind = problem.partition("digits_")[2]
            for network in (f"{kind}-{width}" for width in (8, 16, 32)) if kind else WIDTHS:
                for optimizer in ("adam", "rprop")[: 1 if problem in NO_RPROP else 2]:
                    found.append(Family(problem, network, optimizer, group, epochs))
    return found


def source(problem):
    """The table that a problem uses."""
    return problem if problem.startswith("emoji") else problem.partition("_")[0]


def table(problem, seeds):
    """x, y (seeds, examples[, outputs]) and the rows for training, validation and test, (seeds, n) each."""
    with np.load(BUILD / "problems" / f"{source(problem)}.npz") as file:
        x, y = file["x"], file["y"]
    n, labels, parts = len(x), [], []
    for seed in seeds:
        chance = np.random.default_rng(seed)
        part = np.split(chance.permutation(n), [n // 2, n // 2 + n // 4])
        own = y.copy()
        if problem.endswith("_noisy"):  # of validation, too: who knows which labels are wrong, mends them
            known = np.concatenate(part[:2])
            wrong = known[chance.random(len(known)) < 0.3]
            own[wrong] = own[chance.permutation(wrong)]
        labels.append(own)
        parts.append(part)
    return x, np.stack(labels), [np.stack(part) for part in zip(*parts, strict=True)]


def record(family, seeds=range(SEEDS), epochs=None, sizes=()):
    """Train the runs of a family. Returns (labels, columns): see `npz.joined`.

    `sizes`: val_loss is also measured on the first so many examples of the validation set, as val_25_loss.
    """
    x, y, (rows, validation, test) = table(family.problem, seeds)
    classes = y.ndim == 2
    outputs = int(y.max()) + 1 if classes else y.shape[2]
    rprop = family.optimizer == "rprop"
    rates = np.array([RATES[seed % 2] for seed in seeds], "float32")
    columns = curves(
        lambda: NETWORKS[family.network](x.shape[1], outputs), family.optimizer, rates, list(seeds), x, y,
        rows, {"val": validation, "test": test} | {f"val_{n}": validation[:, :n] for n in sizes},
        rows.shape[1] if rprop else BATCH_SIZE, epochs or family.epochs)
    labels = {"problem": family.problem, "network": family.network, "optimizer": family.optimizer,
              "group": family.group, "rate": rates, "seed": np.array(seeds)}
    return labels, columns


def keep(family):
    """Record a family into its file."""
    labels, columns = record(family)
    family.path.parent.mkdir(parents=True, exist_ok=True)
    part = family.path.with_suffix(f".{os.getpid()}.part.npz")
    np.savez(part, **joined([(labels, columns)]))
    os.replace(part, family.path)


def one_core(cores):
    """A process keeps to its core: many small products gain nothing by threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cores.get()})


def packed(parts, digits=DIGITS):
    """All that was recorded as the arrays of a curves file, rounded to what a rule can tell.

    A loss below 1e-7, which is all that float32 can say of a probability near 1, counts as that: rules that
    divide by losses want them above 0. Runs that are shorter than the longest end in NaN.

    Args:
        parts: arrays of families, as `joined` gives them.
        digits: binary digits to keep of a column; of all others float16.
    """
    epochs = max(part["column/val_loss"].shape[1] for part in parts)
    arrays = {}
    for key in parts[0]:
        values = [part[key] for part in parts]
        if key.startswith("column/"):
            values = [np.pad(v, ((0, 0), (0, epochs - v.shape[1])), constant_values=np.nan) for v in values]
        arrays[key] = np.concatenate(values)
        if key.endswith("loss"):
            arrays[key] = np.maximum(arrays[key], 1e-7)
        if key in digits:
            arrays[key] = shortened(arrays[key], digits[key])
        elif key.startswith("column/"):
            arrays[key] = arrays[key].astype("float16")
    return {key.replace("column/", "planes/"): in_planes(array) if key.startswith("column/") else array
            for key, array in arrays.items()}


def shortened(values, digits):
    """float32 values to so many binary digits, which makes them zip well."""
    values, drop = np.ascontiguousarray(values, "float32"), 24 - digits
    bits = (values.view("uint32") + np.uint32(1 << (drop - 1))) & ~np.uint32((1 << drop) - 1)
    return np.where(np.isfinite(values), bits.view("float32"), values)


def in_planes(values):
    """The first bytes of all numbers, then the second ones, and so on: uint8 (bytes, runs, epochs).

    They zip to three quarters of the size. `data.load_curves` puts them together again.
    """
    return np.moveaxis(np.ascontiguousarray(values)[..., None].view("uint8"), -1, 0)


def recorded():
    """The arrays of every family, in the order of `families`."""
    for family in families():
        with np.load(family.path) as file:
            yield {key: file[key] for key in file.files}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes, one a core")
    workers = parser.parse_args().workers
    missing = [family for family in families() if not family.path.exists()]
    missing.sort(key=cost, reverse=True)  # the longest first
    spawn = multiprocessing.get_context("spawn")
    cores = spawn.Queue()
    there = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    for core in itertools.islice(itertools.cycle(there), workers):
        cores.put(core)
    with ProcessPoolExecutor(workers, spawn, one_core, (cores,)) as pool:
        done = [pool.submit(keep, family) for family in missing]
        bar = keras.utils.Progbar(len(done), unit_name="family")
        for i, future in enumerate(as_completed(done)):
            future.result()
            bar.update(i + 1)
    save("curves/study.npz", packed(list(recorded())))


def cost(family):
    """Numbers read in an epoch, roughly."""
    with np.load(BUILD / "problems" / f"{source(family.problem)}.npz") as file:
        size = file["x"].size
    width = sum(int(part) for part in family.network.rpartition("-")[2].split("+"))
    return size * width * family.epochs * (1 if family.optimizer == "rprop" else 3)


if __name__ == "__main__":
    main()

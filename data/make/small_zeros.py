"""Record data/curves/small_zeros.npz: do zeros buy time in LiteRT? For chapter 09.

    python data/make/small_zeros.py

A network of three Dense layers of 1024, not trained: what it answers is random, what it takes is not. Labels
zeros (none; single, the smallest weights; fours, blocks of four neighbouring inputs of a unit, the smallest
in sum), share (0, 0.8, 0.9, 0.95), file (plain, sparse, int8) and seed (0 to 2). Sparse files leave the zeros
out.

bytes, gz       the file, and after gzip
latency         one example on one thread, by that of the plain file without zeros: the fastest of 200 rounds
                in which all files take turns

Run it when nothing else runs. The course's times are from an AMD EPYC (x86 with AVX2) and do not come again
to the digit.
"""

import argparse
import functools
import gzip

from small_files import race

import small
from course_utils.pruning.masks import mask_of
from course_utils.small import Lite, to_lite
from small import keras, layers, np

SEEDS = range(3)
SHARES = (0.8, 0.9, 0.95)


def network(seed, zeros, share):
    small.seeded(seed)
    inputs = x = keras.Input((1024,))
    for _ in range(3):
        x = layers.Dense(1024, "relu")(x)
        kernel = x._keras_history.operation.kernel
        kernel.assign(kernel.numpy() * mask(kernel.numpy(), zeros, share))
    return keras.Model(inputs, layers.Dense(10)(x))


def mask(kernel, zeros, share):
    if zeros == "none":
        return True
    if zeros == "single":
        return mask_of(kernel, share)
    blocks = np.abs(kernel).reshape(-1, 4, kernel.shape[1]).sum(1)
    return np.repeat(mask_of(blocks, share), 4, 0)


@functools.lru_cache(1)
def table(seed):
    """(zeros, share, file) -> its row."""
    files, x = {}, np.random.default_rng(seed).normal(size=(100, 1024)).astype("float32")
    for setting in settings([seed]):
        *what, kind, _ = setting.values()
        model = network(seed, *what)
        files[*what, kind] = to_lite(model, kind == "int8", x if kind == "int8" else None, kind == "sparse")
    seconds = race({key: Lite(file) for key, file in files.items()}, budget=0.003)
    return {key: {"bytes": len(file), "gz": len(gzip.compress(file)),
                  "latency": seconds[key] / seconds["none", 0.0, "plain"]} for key, file in files.items()}


def run(zeros, share, file, seed):
    return {column: [value] for column, value in table(seed)[zeros, share, file].items()}


def settings(seeds=SEEDS):
    found = [("none", 0.0, "plain"), ("none", 0.0, "int8")]
    found += [("single", 0.9, "plain"), ("single", 0.9, "int8")]
    found += [(zeros, share, "sparse") for zeros in ("single", "fours") for share in SHARES]
    return [{"zeros": zeros, "share": share, "file": file, "seed": seed}
            for seed in seeds for zeros, share, file in found]


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    small.one_thread()
    small.record("small_zeros", run, settings())


if __name__ == "__main__":
    main()

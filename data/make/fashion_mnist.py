"""Build data/fashion_mnist_12k.npz: the first 10,000 training and 2,000 test pictures of Fashion-MNIST.

    apt-get download dataset-fashion-mnist
    dpkg-deb -x dataset-fashion-mnist_*.deb fashion
    python data/make/fashion_mnist.py fashion/usr/share/datasets/fashion-mnist

Any folder with the four original files `*-ubyte.gz` will do. The set comes in random order, so that the
first rows are a fair sample.
"""

import argparse
import gzip
from pathlib import Path

import numpy as np
from npz import save


def read_idx(path):
    """An IDX file's array: two zeros, 8 for "uint8", number of axes, their lengths (big-endian), values."""
    raw = gzip.decompress(path.read_bytes())
    if raw[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is not an IDX file of unsigned bytes")
    axes = raw[3]
    shape = np.frombuffer(raw, ">i4", axes, offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the four files *-ubyte.gz are")
    folder = parser.parse_args().folder
    arrays = {}
    for part, name, rows in (("train", "train", 10_000), ("test", "t10k", 2_000)):
        arrays[f"x_{part}"] = read_idx(folder / f"{name}-images-idx3-ubyte.gz")[:rows]
        arrays[f"y_{part}"] = read_idx(folder / f"{name}-labels-idx1-ubyte.gz")[:rows]
    save("fashion_mnist_12k.npz", arrays)


if __name__ == "__main__":
    main()

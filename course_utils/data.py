"""The course's data: two sets of pictures, recorded training curves, and batches in a new order each epoch.

Everything comes from files in `data/`; nothing is downloaded. Each file is compared with its line in `data/SHA256SUMS` before it is
first used in a process. Where the files come from, and under which licence, is in data/README.md.
This file needs NumPy; scikit-learn is imported where it splits, TensorFlow where it makes batches.
"""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "data"


class DataError(RuntimeError):
    """A data file is missing or damaged. The message says how to mend it."""


class Emoji(NamedTuple):
    """`pictures` uint8 (n, 48, 48, 3), red-green-blue on white; `names`, `groups`, `hexcodes`: strings (n,)."""

    pictures: np.ndarray
    names: np.ndarray
    groups: np.ndarray
    hexcodes: np.ndarray


class EmojiSplit(NamedTuple):
    """Emoji as two inputs and a label: `train` and `validation` are ((pictures, words), labels).

    Pictures are float32 in 0..1, (n, 48, 48, 3). Words are float32, (n, len(vocabulary)): 1 where the emoji's name has the word.
    Labels are integers, positions in `groups`.
    """

    train: tuple
    validation: tuple
    groups: tuple
    vocabulary: tuple


@dataclass(frozen=True)
class Curves:
    """Recorded trainings. `labels` name each run, `columns` hold one row of values per run.

    Labels are arrays (runs,). Columns are float arrays (runs, epochs); a run that is shorter than the longest ends in NaN.

    >>> curves = Curves({"seed": np.array([0, 1])}, {"loss": np.array([[3.0, 2.0], [4.0, np.nan]])})
    >>> curves.select(seed=1)
    [{'loss': [4.0]}]
    """

    labels: dict
    columns: dict

    def __len__(self):
        return len(next(iter(self.labels.values())))

    def at(self, i):
        """History of run i: column -> list of floats, without the epochs at the end in which no column has a value."""
        rows = {name: values[i] for name, values in self.columns.items()}
        measured = np.flatnonzero(~np.all([np.isnan(values) for values in rows.values()], axis=0))
        end = measured[-1] + 1 if len(measured) else 0
        return {name: values[:end].tolist() for name, values in rows.items()}

    def select(self, **wanted):
        """Histories of all runs with these labels, in the order recorded; ValueError if there is no such label or run."""
        chosen = np.ones(len(self), bool)
        for label, value in wanted.items():
            if label not in self.labels:
                raise ValueError(f'There is no label "{label}". Labels: {", ".join(self.labels)}.')
            chosen &= self.labels[label] == value
        if not chosen.any():
            there = "; ".join(f"{name}: {', '.join(map(str, np.unique(self.labels[name])))}" for name in wanted)
            raise ValueError(f"No run has {', '.join(f'{k}={v!r}' for k, v in wanted.items())}. There are {there}.")
        return [self.at(i) for i in np.flatnonzero(chosen)]


def load_openmoji():
    """1644 emoji in 8 groups, drawn by OpenMoji (CC BY-SA 4.0). Returns `Emoji`; raises DataError."""
    return Emoji(**_load("openmoji_48.npz"))


def emoji_split(seed=0, validation=350):
    """A random split of the emoji for training: `EmojiSplit`. The same seed gives the same split.

    Both parts have the groups in the same proportions. The vocabulary is made from the training names only: a word that is met in
    validation alone has no column, as it would be in real use.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.model_selection import train_test_split

    emoji = load_openmoji()
    groups, labels = np.unique(emoji.groups, return_inverse=True)
    rows = train_test_split(np.arange(len(labels)), test_size=validation, stratify=labels, random_state=seed)
    words = CountVectorizer(binary=True, token_pattern=r"\w+", dtype=np.float32)  # the default drops the A of "A button"
    words.fit(emoji.names[rows[0]])

    def part(i):
        return (emoji.pictures[i].astype("float32") / 255, words.transform(emoji.names[i]).toarray()), labels[i]

    return EmojiSplit(part(rows[0]), part(rows[1]), tuple(groups.tolist()), tuple(words.get_feature_names_out().tolist()))


def load_fashion_mnist():
    """10,000 training and 2,000 test pictures of clothes: ((x_train, y_train), (x_test, y_test)), like keras.datasets.

    Pictures are uint8 (n, 28, 28), labels uint8 0..9. With a network, `keras.datasets.fashion_mnist.load_data()` gives all 70,000.
    """
    file = _load("fashion_mnist_12k.npz")
    return (file["x_train"], file["y_train"]), (file["x_test"], file["y_test"])


def load_curves(name):
    """The trainings recorded in `data/curves/<name>.npz`: `Curves`. Raises DataError if there is no such file, or a damaged one."""
    parts = {"label": {}, "column": {}}
    for key, array in _load(f"curves/{name}.npz").items():
        kind, _, key = key.partition("/")
        parts[kind][key] = array
    return Curves(parts["label"], parts["column"])


def batches(x, y, size, seed):
    """A tf.data pipeline of (x, y) batches: every row once an epoch, in a new order each epoch.

    Why not `fit(x, y, batch_size=...)`: once a seed is set, Keras 3 repeats one order in every epoch (seen in 3.13 and 3.15), and curves
    come out falsely smooth. Why not `Dataset.shuffle(seed=...)`: its order also depends on `keras.utils.set_random_seed`. Here the order
    depends on `seed` and on how many times the pipeline has been begun; so make a new pipeline for each training.

    Args:
        x: array, or tuple of arrays, of n rows each. y: labels, n rows. size: rows in a batch; the last may be smaller.
    """
    import tensorflow as tf

    arrays, n = (tuple(x), y) if isinstance(x, (tuple, list)) else (x, y), len(y)
    lengths = {len(array) for array in tf.nest.flatten(arrays)}
    if lengths != {n} or n == 0 or size < 1:
        raise ValueError(f"batches needs as many rows in x as in y, and a size of 1 or more; got {lengths} rows, size {size}.")
    tensors = tf.nest.map_structure(tf.convert_to_tensor, arrays)
    random = np.random.default_rng(seed)

    def epoch():
        order = random.permutation(n)
        for start in range(0, n, size):
            yield order[start : start + size]

    rows = tf.data.Dataset.from_generator(epoch, output_signature=tf.TensorSpec([None], tf.int64))
    pipeline = rows.map(lambda i: tf.nest.map_structure(lambda tensor: tf.gather(tensor, i), tensors))
    return pipeline.apply(tf.data.experimental.assert_cardinality(-(-n // size))).prefetch(1)


@functools.cache
def _check(path):
    """Compare a file with its line in SHA256SUMS, once in a process; DataError if it is missing, unlisted or different."""
    name = path.relative_to(DATA).as_posix()
    try:
        sums = dict(reversed(line.split(maxsplit=1)) for line in (DATA / "SHA256SUMS").read_text().splitlines())
    except FileNotFoundError:
        raise DataError(f"{DATA / 'SHA256SUMS'} is missing: `git checkout -- data` brings it back.") from None
    if not path.exists():
        here = [other for other in sums if Path(other).parent == Path(name).parent]
        mend = _MEND if name in sums else f"Files there: {', '.join(here) or 'none'}."
        raise DataError(f"data/{name} is missing. {mend.format(name)}")
    if name not in sums:
        raise DataError(f"data/{name} has no line in data/SHA256SUMS. If it is yours, run in data/: sha256sum {name} >> SHA256SUMS")
    if hashlib.sha256(path.read_bytes()).hexdigest() != sums[name]:
        raise DataError(f"data/{name} is damaged or changed: its checksum is not the one in data/SHA256SUMS. {_MEND.format(name)}")


_MEND = "`git checkout -- data/{0}` brings it back, or rebuild it as data/README.md says."


def _load(name):
    path = DATA / name
    _check(path)
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}

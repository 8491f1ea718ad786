"""Batches in a new order each epoch, and in the same orders again: what a seeded training needs."""

import numpy as np


def batches(x, y, size, seed, *, sample_weight=None, start=0):
    """Batches of (x, y), for `fit`: every row once an epoch, in a new order each epoch.

    A tf.data pipeline, or where TensorFlow cannot be imported a keras.utils.PyDataset with the same orders.

    Why not `fit(x, y, batch_size=...)`: once a seed is set, Keras 3 repeats one order in every epoch (seen in
    3.13 and 3.15), and curves come out falsely smooth. Why not `Dataset.shuffle(seed=...)`: its order also
    depends on `keras.utils.set_random_seed`. Here it depends on `seed`, and on how often the pipeline has
    been begun: make a new pipeline for each training.

    Args:
        x: array of n rows, or a tuple, list or dict of such arrays, as `fit` takes it.
        y: labels, n rows, in the same forms; None where a model needs none.
        size: rows in a batch; the last batch may be smaller.
        seed: of the orders.
        sample_weight: n weights, in the same forms, or None.
        start: the epoch whose order comes first: a training that goes on at epoch 7 needs start=7.

    Raises:
        TypeError: something in x, y or sample_weight is no array.
        ValueError: arrays differ in length or are empty, the size is below 1, or the start below 0.
    """
    parts = as_arrays(x, y, sample_weight)
    return pipeline(parts, size, Orders(check_rows(parts, size), seed, start))


class Orders:
    """The order of the rows in each epoch: a new one for each, the same for the same seed.

    >>> orders = Orders(4, seed=0)
    >>> third = [orders.draw().tolist() for _ in range(3)][2]
    >>> Orders(4, seed=0, start=2).draw().tolist() == third
    True
    """

    def __init__(self, rows, seed, start=0):
        if start < 0:
            raise ValueError(f"start is an epoch, counted from 0; got {start!r}.")
        self.rows, self.seed = rows, seed
        self._random, self._drawn = np.random.default_rng(seed), 0
        self.go_to(start)

    def draw(self):
        """The next epoch's order."""
        self._drawn += 1
        return self._random.permutation(self.rows)

    def go_to(self, epoch):
        """Draw this epoch's order next."""
        if epoch < self._drawn:
            self._random, self._drawn = np.random.default_rng(self.seed), 0
        while self._drawn < epoch:
            self.draw()


def pipeline(parts, size, orders):
    """What `batches` gives, of parts that `as_arrays` made, in these orders."""
    try:
        import tensorflow as tf
    except ImportError:
        return _without_tensorflow(parts, size, orders)
    tensors = tf.nest.map_structure(tf.convert_to_tensor, parts)

    def order():  # the order of a whole epoch at once: one call into Python an epoch, not one a batch
        yield orders.draw()

    drawn = tf.data.Dataset.from_generator(order, output_signature=tf.TensorSpec([orders.rows], tf.int64))
    rows = drawn.flat_map(lambda order: tf.data.Dataset.from_tensor_slices(order).batch(size))
    data = rows.map(lambda i: tf.nest.map_structure(lambda tensor: tf.gather(tensor, i), tensors))
    return data.apply(tf.data.experimental.assert_cardinality(-(-orders.rows // size))).prefetch(1)


def _without_tensorflow(parts, size, orders):
    import keras

    class Rows(keras.utils.PyDataset):
        """Batches that Keras fetches by number; it says when an epoch begins."""

        order = None

        def __len__(self):
            return -(-orders.rows // size)

        def __getitem__(self, i):
            # Keras may look at a batch to build a model before any epoch begins: that draws no order
            order = np.arange(orders.rows) if self.order is None else self.order
            rows = order[i * size:(i + 1) * size]
            return keras.tree.map_structure(lambda array: array[rows], parts)

        def __iter__(self):
            self.on_epoch_begin()
            return (self[i] for i in range(len(self)))

        def on_epoch_begin(self):
            self.order = orders.draw()

    return Rows()


# ---- the forms that data come in ----


def as_arrays(x, y=None, sample_weight=None):
    """(x,), (x, y) or (x, y, sample_weight), each an array, or a tuple or dict of arrays."""
    parts = (x, y, sample_weight)
    while parts[-1] is None and len(parts) > 1:
        parts = parts[:-1]
    if any(part is None for part in parts):
        raise TypeError("x is missing, or sample weights are given without y.")
    return tuple(_arrays(part, name) for part, name in zip(parts, ("x", "y", "sample_weight")))


def leaves(parts):
    """The arrays in what `as_arrays` made, in order."""
    if isinstance(parts, dict):
        parts = parts.values()
    elif not isinstance(parts, tuple):
        return [parts]
    return [array for part in parts for array in leaves(part)]


def check_rows(parts, size):
    """How many rows there are in each array. ValueError if they differ, or the size is no size."""
    lengths = {len(array) for array in leaves(parts)}
    if len(lengths) != 1 or 0 in lengths or size < 1:
        raise ValueError(
            "batches needs as many rows in x as in y (and in sample_weight), and a size of 1 or more; "
            f"got {' and '.join(map(str, sorted(lengths)))} rows and size {size}."
        )
    return lengths.pop()


def _arrays(part, name):
    if isinstance(part, dict):
        return {key: _arrays(value, f"{name}[{key!r}]") for key, value in part.items()}
    if isinstance(part, (list, tuple)) and any(np.ndim(each) for each in part):
        return tuple(_arrays(each, f"{name}[{i}]") for i, each in enumerate(part))
    if hasattr(part, "toarray") and hasattr(part, "nnz"):
        raise TypeError(f"{name} is a sparse matrix; {name}.toarray() is one that batches can take rows of.")
    array = np.asarray(part)
    if array.ndim == 0:
        raise TypeError(f"{name} should be an array with a row for each example; got {type(part).__name__}.")
    return array

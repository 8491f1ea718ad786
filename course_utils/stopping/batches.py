"""Batches in a new order each epoch, and in the same orders again: what a seeded training needs."""

import numpy as np


def batches(x, y, size, seed):
    """A tf.data pipeline of (x, y) batches: every row once an epoch, in a new order each epoch.

    Why not `fit(x, y, batch_size=...)`: once a seed is set, Keras 3 repeats one order in every epoch (seen in
    3.13 and 3.15), and curves come out falsely smooth. Why not `Dataset.shuffle(seed=...)`: its order also
    depends on `keras.utils.set_random_seed`. Here it depends on `seed`, and on how often the pipeline has
    been begun: make a new pipeline for each training.

    Args:
        x: array of n rows, or a tuple of such arrays.
        y: labels, n rows.
        size: rows in a batch; the last batch may be smaller.
        seed: of the orders.

    Raises:
        ValueError: x and y differ in length or are empty, or the size is below 1.
    """
    import tensorflow as tf

    arrays = (tuple(x) if isinstance(x, (tuple, list)) else x, y)
    n, lengths = len(y), {len(array) for array in tf.nest.flatten(arrays)}
    if lengths != {n} or n == 0 or size < 1:
        raise ValueError(
            "batches needs as many rows in x as in y, and a size of 1 or more; "
            f"got {' and '.join(map(str, sorted(lengths)))} rows and size {size}."
        )
    tensors = tf.nest.map_structure(tf.convert_to_tensor, arrays)
    random = np.random.default_rng(seed)

    def order():  # the order of a whole epoch at once: one call into Python an epoch, not one a batch
        yield random.permutation(n)

    orders = tf.data.Dataset.from_generator(order, output_signature=tf.TensorSpec([n], tf.int64))
    rows = orders.flat_map(lambda order: tf.data.Dataset.from_tensor_slices(order).batch(size))
    pipeline = rows.map(lambda i: tf.nest.map_structure(lambda tensor: tf.gather(tensor, i), tensors))
    return pipeline.apply(tf.data.experimental.assert_cardinality(-(-n // size))).prefetch(1)

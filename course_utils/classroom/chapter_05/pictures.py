"""The digits of chapter 05, and the network that learns to read them."""

import numpy as np


def digits(seed=0):
    """scikit-learn's digits: ((x, y) of 942 for training, of 315 for validation, of 540 for the test).

    x is float32 (n, 8, 8, 1) in 0..1, y int (n,). Each part has the classes in the same proportions.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32").reshape(-1, 8, 8, 1)
    rest, test = train_test_split(np.arange(len(y)), test_size=540, stratify=y, random_state=seed)
    train, val = train_test_split(rest, test_size=315, stratify=y[rest], random_state=seed)
    return tuple((x[rows], y[rows]) for rows in (train, val, test))


def small_network(units=(256, 128), seed=0):
    """A compiled network of dense layers for the digits (Keras 3): 50,826 weights."""
    import keras

    keras.utils.set_random_seed(seed)
    names = [f"dense_{n}" if units.count(n) == 1 else f"dense_{n}_{i}" for i, n in enumerate(units)]
    layers = [keras.layers.Dense(n, "relu", name=name) for n, name in zip(units, names)]
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), *layers,
                              keras.layers.Dense(10, name="classes")])
    model.compile(keras.optimizers.Adam(0.003), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                  metrics=["accuracy"])
    return model


def drawn(picture):
    """A picture, (8, 8, 1) in 0..1, as eight lines of text.

    >>> print(drawn(np.eye(8)[..., np.newaxis]).splitlines()[1])
      @@
    """
    return "\n".join("".join(2 * " .+#@"[int(4 * value)] for value in row).rstrip()
                     for row in np.asarray(picture)[..., 0])

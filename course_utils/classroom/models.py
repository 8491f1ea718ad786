"""The lessons' network for emoji, in one place: recorded and live trainings use the same."""

import keras
import numpy as np


def two_input_model(words, classes, units=64, inputs="both", seed=0):
    """A compiled classifier of a picture and a bag of words, as in `emoji_split`.

    The picture goes through three small convolutions and a mean, the words through a dense layer; their
    features meet in a dense layer of 64. Compiled with Adam (rate 0.001), cross-entropy on integer labels,
    and accuracy.

    Args:
        words: length of the vocabulary.
        classes: number of groups.
        units: size of the dense layer on the words.
        inputs: "both", "pictures" or "words". The model always takes the pair (picture, words); "pictures"
            and "words" say which of the two it looks at, so that the same data serve all three.
        seed: of the initial weights. The global random seed stays as it is.

    >>> two_input_model(words=1000, classes=8, inputs="words").input_shape
    [(None, 48, 48, 3), (None, 1000)]
    """
    if inputs not in ("both", "pictures", "words"):
        raise ValueError(f'inputs is "both", "pictures" or "words", not {inputs!r}')
    random = np.random.default_rng(seed)

    def start():  # with one seed for all, layers of one shape would start with the same weights
        return keras.initializers.GlorotUniform(seed=int(random.integers(2**31)))

    picture, word = keras.Input((48, 48, 3), name="picture"), keras.Input((words,), name="words")
    features = []
    if inputs != "words":
        x = keras.layers.AveragePooling2D(2)(picture)  # a quarter of the work
        for filters in (16, 32, 64):
            x = keras.layers.Conv2D(filters, 3, 2, "same", activation="relu", kernel_initializer=start())(x)
        features.append(keras.layers.GlobalAveragePooling2D()(x))
    if inputs != "pictures":
        features.append(keras.layers.Dense(units, "relu", kernel_initializer=start())(word))
    x = keras.layers.Concatenate()(features) if len(features) == 2 else features[0]
    x = keras.layers.Dense(64, "relu", kernel_initializer=start())(x)
    model = keras.Model([picture, word], keras.layers.Dense(classes, kernel_initializer=start())(x))
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model

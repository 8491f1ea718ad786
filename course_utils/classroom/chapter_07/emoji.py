"""Emoji as two inputs: a picture, or what MobileNetV2 makes of it, and the words of the name.

Needs NumPy and scikit-learn. An input is a dict {"pictures": ..., "words": ...}, as the networks of this
chapter take it.
"""

from typing import NamedTuple

import numpy as np

from ..data import load_emoji_features, load_openmoji


class Split(NamedTuple):
    """Three parts of the emoji, each (inputs, labels).

    Inputs are a dict of float32 arrays, labels integers. `groups` names the labels, `vocabulary` the columns
    of "words".
    """

    train: tuple
    validation: tuple
    test: tuple
    groups: tuple
    vocabulary: tuple


def split(seed=0, scale=1.0, of="features"):
    """900 emoji for training, 300 for validation, 444 for the test: `Split`. The seed draws them.

    Args:
        seed: of the draw.
        scale: the features are multiplied by it, after each of them was brought to mean 0 and spread 1 on the
            training part.
        of: "features", (n, 1280), or "pixels", (n, 48, 48, 3) in 0..1, which `scale` leaves alone.

    The vocabulary comes from the training names: a word met later alone has no column. Raises DataError.
    """
    emoji = load_openmoji()
    groups, labels = np.unique(emoji.groups, return_inverse=True)
    train, *others = np.split(np.random.default_rng(seed).permutation(len(labels)), [900, 1200])
    if of == "features":
        pictures = load_emoji_features()
        mean, spread = pictures[train].mean(0), pictures[train].std(0) + 1e-3  # some features are always 0
        pictures = (pictures - mean) / spread * np.float32(scale)
    else:
        pictures = emoji.pictures.astype("float32") / 255
    words, vocabulary = bag_of_words(emoji.names, train)
    parts = [({"pictures": pictures[rows], "words": words[rows]}, labels[rows]) for rows in (train, *others)]
    return Split(*parts, tuple(groups.tolist()), vocabulary)


def bag_of_words(names, known):
    """1 where a name has a word: float32 (names, words), and the words, those of `known` rows alone.

    >>> bag, words = bag_of_words(np.array(["red cat", "A button", "red flag"]), [0, 1])
    >>> words
    ('a', 'button', 'cat', 'red')
    >>> bag[2].tolist()
    [0.0, 0.0, 0.0, 1.0]
    """
    from sklearn.feature_extraction.text import CountVectorizer

    words = CountVectorizer(binary=True, token_pattern=r"\w+", dtype=np.float32).fit(names[known])
    return words.transform(names).toarray(), tuple(words.get_feature_names_out().tolist())

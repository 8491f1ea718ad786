"""Parts of a network: frozen, set free, cut off."""

import difflib

import keras
import numpy as np


def unfreeze(model, from_layer):
    """Let the layers from `from_layer` on be trained; those before, and BatchNormalization, are frozen.

    A frozen BatchNormalization keeps its means and variances and works as in inference: a few hundred
    pictures would replace what a million taught it. That holds for one in the head too.

    Compile afterwards, or use `fit_in_phases`, which does: a compiled training step does not notice.

    Args:
        model: a Keras model; models inside it are looked through.
        from_layer: name of the first layer to train, in the order of `model.summary()`.

    Returns:
        How many numbers can be trained now.

    Raises:
        ValueError: there is no such layer; the message names those most like it.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="a"),
    ...     keras.layers.BatchNormalization(name="norm"), keras.layers.Dense(2, name="b")])
    >>> unfreeze(model, "b"), unfreeze(model, "a")
    (8, 23)
    """
    layers = _leaves(model)
    names = [layer.name for layer in layers]
    if from_layer not in names:
        raise _no_such_layer(from_layer, names)
    model.trainable = True  # a frozen model hides its layers' weights, whatever they say
    start = names.index(from_layer)
    for i, layer in enumerate(layers):
        layer.trainable = i >= start and not isinstance(layer, keras.layers.BatchNormalization)
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def split_at(model, from_layer):
    """Two models that share their layers with `model`: what comes before `from_layer`, and the rest.

    `top(bottom(x))` is `model(x)`. While the bottom is frozen, its outputs need computing only once
    (`cached_features(bottom, pictures)`): training the top on them trains the last layers of `model`, many
    times faster.

    Raises:
        ValueError: there is no such layer in the model itself, or a connection passes by the cut.

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2, name="b")])
    >>> bottom, top = split_at(model, "b")
    >>> bottom.output_shape, top.input_shape, top.output_shape
    ((None, 3), (None, 3), (None, 2))
    """
    names = [layer.name for layer in model.layers]
    if from_layer not in names:
        raise _no_such_layer(from_layer, names)
    cut = model.get_layer(from_layer).input
    if isinstance(cut, (list, tuple)):
        raise ValueError(f'"{from_layer}" joins {len(cut)} branches: there is no one place before it to cut.')
    try:
        bottom, top = keras.Model(model.inputs, cut), keras.Model(cut, model.outputs[0])
        # Keras 3.13 makes such a top all the same, with the model's own input as one too many
        connected = sum(isinstance(layer, keras.layers.InputLayer) for layer in top.layers) == 1
    except ValueError:
        connected = False
    if not connected:
        why = "a connection passes by it, such as one around a residual block"
        raise ValueError(f'The model cannot be cut before "{from_layer}": {why}.')
    return bottom, top


def _leaves(model):
    """A model's layers in order, with those of models inside it in their place."""
    inside = (_leaves(layer) if isinstance(layer, keras.Model) else [layer] for layer in model.layers)
    return [layer for layers in inside for layer in layers]


def _no_such_layer(name, names):
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    there = f"Near it: {', '.join(near)}." if near else f"Layers: {', '.join(names[:3])}, ..., {names[-1]}."
    return ValueError(f'There is no layer "{name}" in this model. {there} model.summary() shows all.')

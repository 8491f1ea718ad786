"""A bridge between Keras 3 and tf_keras (Keras 2), for libraries that take models of tf_keras alone.

    twin = to_tf_keras(model)         # the same layers with the same weights, in tf_keras
    ...                               # prune it, quantize it, fit it
    changed = to_keras(twin, model)   # a Keras 3 model like `model`, with the weights of `twin`

Configurations of the two differ in small things, so each layer is translated by itself (bridge_layers.py),
its weights are found by the layer's name, and the outputs of both models are compared before you get one.
Needs the package tf-keras, imported when it is used. Losses, metrics, optimizers: see bridge_compile.py.
"""

import re

import keras
import numpy as np
from keras import tree

from .bridge_layers import NO_BRIDGE, BridgeError, Crossing


def to_tf_keras(model, custom_objects=None, wrap=None):
    """The same model in tf_keras: same layers, names and weights, not compiled.

    Sequential and functional models, with several inputs and outputs, shared layers, models in models, and
    operations between layers, such as `x + y` or `keras.ops.mean(x)`. Activations, regularizers and
    constraints that tf_keras lacks are carried over as the Keras 3 objects that they are. Initializers are
    left out: the weights are set. The outputs of both are compared on random inputs.

    Args:
        model: a Keras 3 model that knows its input shapes.
        custom_objects: name of a class in `model` -> class of tf_keras that takes the same configuration and
            has weights of the same names.
        wrap: a function of each tf_keras layer, built and with its weights, which returns the layer itself or
            one that wraps it, to stand in its place.

    Raises:
        BridgeError: a layer has no equal in tf_keras, or the outputs differ.

    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="head")])
    >>> twin = to_tf_keras(model)
    >>> type(twin).__module__.split(".")[0], [layer.name for layer in twin.layers]
    ('tf_keras', ['head'])
    """
    if not isinstance(model, keras.Model):
        raise BridgeError(f"to_tf_keras takes a Keras 3 model; got {type(model)!r}.")
    crossing = Crossing(custom_objects or {})
    twin = crossing.model(model)
    for layer, theirs in _pairs(model, twin):
        _set_weights(theirs, layer)
    _compare(model, twin)
    if wrap is not None:  # the same layers in a new graph
        layers = {key: layer for key, layer in crossing.made.items() if not hasattr(layer, "fit")}
        crossing.made = {key: wrap(layer) for key, layer in layers.items()}
        twin = crossing.model(model)
        _compare(model, twin)
    return twin


def to_keras(model, like):
    """A Keras 3 model with the structure and names of `like` and the weights of `model`, not compiled.

    Args:
        model: a tf_keras model, as `to_tf_keras(like)` makes it, perhaps trained, wrapped or stripped since.
        like: the Keras 3 model that it was. It stays as it is.

    Raises:
        BridgeError: a layer of `like` is missing, weights have other shapes, or the outputs differ.
    """
    twin = clone(like)
    for layer, theirs in _pairs(twin, model):
        _set_weights(layer, theirs)
    _compare(twin, model)
    return twin


def clone(model):
    """A copy of a Keras 3 model with the same names and weights of its own, not compiled.

    keras.models.clone_model alone would rename the inputs, take a layer apart that two inner models share,
    and fail on a loss function of your own.
    """
    copies = {}

    def copy_of(layer):
        if id(layer) not in copies:
            whole = isinstance(layer, keras.Model)
            copies[id(layer)] = structure(layer) if whole else type(layer).from_config(layer.get_config())
        return copies[id(layer)]

    def structure(model):
        inputs, compiled = None, model.compiled
        if not isinstance(model, keras.Sequential):
            inputs = tree.map_structure(_same_input, model.input)
        model.compiled = False  # else it tries to compile the copy
        try:
            twin = keras.models.clone_model(model, inputs, clone_function=copy_of)
        finally:
            model.compiled = compiled
        if not twin.built:  # Sequential, if its shape came with its first data
            twin.build(model.input_shape)
        return twin

    twin = structure(model)
    twin.set_weights(model.get_weights())
    return twin


def _same_input(tensor):
    name = tensor._keras_history.operation.name
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)


# ---- weights, layer by layer ----


def unwrapped(layer):
    """The layer inside tfmot's pruning wrapper, or the layer itself."""
    return layer.layer if type(layer).__name__ == "PruneLowMagnitude" else layer


def _pairs(model, twin):
    """(layer of the Keras 3 model, layer of the same name in tf_keras), through models in models."""
    theirs = {unwrapped(layer).name: unwrapped(layer) for layer in twin.layers}
    for layer in model.layers:
        if layer.name not in theirs:
            raise BridgeError(f'The tf_keras model has no layer "{layer.name}".')
        if isinstance(layer, keras.Model):
            yield from _pairs(layer, theirs[layer.name])
        else:
            yield layer, theirs[layer.name]


def _set_weights(layer, source):
    """Copy the weights of one layer into its equal in the other library, by their names."""
    wanted, given = ([_short_name(weight) for weight in each.weights] for each in (layer, source))
    values = source.get_weights()
    if wanted != given:
        if sorted(wanted) != sorted(given) or len(set(given)) < len(given):
            raise BridgeError(f'"{layer.name}" has the weights {given} on one side of the bridge and '
                              f"{wanted} on the other.")
        values = [values[given.index(name)] for name in wanted]
    try:
        layer.set_weights(values)
    except ValueError as error:
        raise BridgeError(f'The weights of "{layer.name}" do not fit: {error}') from error
    if hasattr(layer, "finalize_state"):  # Normalization computes from them
        layer.finalize_state()


def _short_name(weight):
    # DepthwiseConv2D has a "kernel" here and a "depthwise_kernel" there
    return re.sub(r":\d+$", "", weight.name).split("/")[-1].removeprefix("depthwise_")


def _compare(model, twin):
    """Both models must give the same outputs for random inputs. Raises BridgeError."""
    embeddings = [layer.input_dim for layer in model._flatten_layers() if hasattr(layer, "input_dim")]
    random = np.random.default_rng(0)

    def example(tensor):
        unknown = 8 if len(tensor.shape) < 4 else 32  # a time, or a side of a picture
        shape = [size or unknown for size in (tensor.shape[0] or 2, *tensor.shape[1:])]
        if tensor.dtype == "string":
            raise BridgeError(f'The input "{tensor.name}" is text: begin the model where it is numbers.')
        whole = embeddings or not tensor.dtype.startswith(("float", "bfloat"))
        values = random.integers(0, min(embeddings, default=2), shape) if whole else random.normal(size=shape)
        return keras.ops.convert_to_tensor(values, tensor.dtype)

    wanted = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    inputs = tree.map_structure(example, wanted)
    ours, theirs = (tree.flatten(each(inputs, training=False)) for each in (model, twin))
    for one, other in zip(ours, theirs, strict=True):
        one, other = np.asarray(one, "float64"), np.asarray(other, "float64")
        half = any("16" in layer.compute_dtype for layer in model._flatten_layers() if layer.compute_dtype)
        limit, off = (2e-2 if half else 1e-4) * max(np.abs(one).max(), 1e-3), np.abs(one - other).max()
        if one.shape != other.shape or not off <= limit:
            raise BridgeError(f'The outputs of "{model.name}" in Keras 3 and tf_keras differ by '
                              f"{off:.3g}, for values up to {np.abs(one).max():.3g}. {NO_BRIDGE}")

"""A bridge between Keras 3 and tf_keras (Keras 2), for libraries that take models of tf_keras alone.

    twin = to_tf_keras(model)         # the same layers with the same weights, in tf_keras
    ...                               # prune it, quantize it, fit it
    changed = to_keras(twin, model)   # a Keras 3 model like `model`, with the weights of `twin`

Configurations of the two differ in small things, so each layer is translated by itself (bridge_layers.py),
its weights are found by the layer's name, and both models are compared before you get one (bridge_check.py).
Needs the package tf-keras, imported when it is used. Losses, metrics, optimizers: see bridge_compile.py.
"""

import re

import keras
import numpy as np

from .bridge_check import check_same_training, compare
from .bridge_layers import Crossing
from .clone import BridgeError, clone


def to_tf_keras(model, custom_objects=None, wrap=None, inputs=None):
    """The same model in tf_keras: same layers, names and weights, not compiled.

    Sequential and functional models, with several inputs and outputs, shared layers, models in models, and
    operations between layers, such as `x + y` or `keras.ops.mean(x)`. Activations, regularizers and
    constraints that tf_keras lacks are carried over as the Keras 3 objects that they are. Initializers are
    left out: the weights are set. Outputs and losses of both are compared, on inputs of several kinds.

    Args:
        model: a Keras 3 model that knows its input shapes.
        custom_objects: name of a class in `model` -> class of tf_keras that takes the same configuration and
            has weights of the same names.
        wrap: a function of each tf_keras layer, built and with its weights, and of its Keras 3 layer. It
            returns the former, or one that wraps it, to stand in its place.
        inputs: a batch that the model is made for, to compare on it; made up if None.

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
    compare(model, twin, inputs)
    check_same_training(model, twin, variable_pairs(model, twin))
    if wrap is not None:  # the same layers in a new graph
        layers = {key: layer for key, layer in crossing.made.items() if not hasattr(layer, "fit")}
        crossing.made = {key: wrap(layer, crossing.ours[key]) for key, layer in layers.items()}
        twin = crossing.model(model)
        compare(model, twin, inputs)
    return twin


def to_keras(model, like, inputs=None):
    """A Keras 3 model with the structure and names of `like` and the weights of `model`, not compiled.

    Args:
        model: a tf_keras model, as `to_tf_keras(like)` makes it, perhaps trained, wrapped or stripped since.
        like: the Keras 3 model that it was. It stays as it is.
        inputs: see to_tf_keras.

    Raises:
        BridgeError: a layer of `like` is missing, weights have other shapes, or the outputs differ.
    """
    twin = with_weights_of(model, like)
    compare(twin, model, inputs)
    return twin


def with_weights_of(model, like):
    """As `to_keras`, without the comparison."""
    twin = clone(like)
    for layer, theirs in _pairs(twin, model):
        _set_weights(layer, theirs)
    return twin


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


def variable_pairs(model, twin):
    """(variable of the Keras 3 model, the same in tf_keras), for every weight."""
    return [pair for layer, theirs in _pairs(model, twin)
            for pair in zip(layer.weights, _in_order_of(layer, theirs), strict=True)]


def _in_order_of(layer, source):
    """The weights of `source` in the order of those of its equal in the other library, by their names."""
    for name_of in (_short_name, _long_name):  # the layers in a Bidirectional have both a "kernel"
        wanted, given = ([name_of(weight, each.name) for weight in each.weights] for each in (layer, source))
        if sorted(wanted) == sorted(given) and len(set(given)) == len(given):
            return [source.weights[given.index(name)] for name in wanted]
    wanted, given = ([_short_name(weight) for weight in each.weights] for each in (layer, source))
    if wanted != given:
        raise BridgeError(f'"{layer.name}" has the weights {given} on one side of the bridge and '
                          f"{wanted} on the other.")
    return source.weights


def _set_weights(layer, source):
    """Copy the weights of one layer into its equal in the other library."""
    try:
        layer.set_weights([np.asarray(weight) for weight in _in_order_of(layer, source)])
    except ValueError as error:
        raise BridgeError(f'The weights of "{layer.name}" do not fit: {error}') from error
    if hasattr(layer, "finalize_state"):  # Normalization computes from them
        layer.finalize_state()


def _long_name(weight, layer=""):
    path = re.sub(r":\d+$", "", getattr(weight, "path", weight.name)).split(f"{layer}/", 1)[-1]
    return re.sub(r"(forward_|backward_)\1", r"\1", path)  # tf_keras names them so


def _short_name(weight, layer=""):
    # DepthwiseConv2D has a "kernel" here and a "depthwise_kernel" there
    return _long_name(weight).split("/")[-1].removeprefix("depthwise_")

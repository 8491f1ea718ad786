"""Copies of a Keras 3 model and of its metrics, with the functions that are in them as they are.

A configuration holds a function by its name at best, and a lambda as bytecode; what is not registered does
not come back from it. So what a configuration only describes is taken from the live layer. Objects with
memory (variables, metrics) are made anew: two models never share them.
"""

import copy
import warnings

import keras
from keras import tree

NOTED_LATER = ("trainable", "constraint", "regularizer")  # a variable's own, which no configuration holds


class BridgeError(ValueError):
    """A model cannot cross the bridge. The message names the layer and says what to do instead."""


def clone(model):
    """A copy of a Keras 3 model with the same names and weights of its own, not compiled.

    keras.models.clone_model alone would rename the inputs, take a layer apart that two inner models share,
    and fail on a function of your own.

    Raises:
        BridgeError: a layer cannot be made anew. The message names it.
    """
    copies = {}

    def copy_of(operation):
        if id(operation) not in copies:
            make = structure if isinstance(operation, keras.Model) else rebuilt
            copies[id(operation)] = make(operation)
        return copies[id(operation)]

    def rebuilt(operation):
        return _layer(operation, copy_of) if isinstance(operation, keras.Layer) else _operation(operation)

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
        twin.trainable = model.trainable if not model.trainable else twin.trainable
        return twin

    twin = structure(model)
    twin.set_weights(model.get_weights())
    for ours, theirs in zip(model.weights, twin.weights, strict=True):
        for name in NOTED_LATER:
            if getattr(theirs, name, None) != getattr(ours, name, None):
                setattr(theirs, name, getattr(ours, name))
    return twin


def live(layer, key):
    """The object that a layer's configuration describes under a key; None if it is not found."""
    names = [key, f"_{key}", *(["forward_layer"] if key == "layer" else [])]  # of Bidirectional
    return next((found for name in names if (found := getattr(layer, name, None)) is not None), None)


def fresh_metrics(structure):
    """Metrics in any form that `compile` takes, each object as a copy of its own that has seen nothing."""
    metrics = keras.metrics.Metric
    return tree.map_structure(lambda each: _metric(each) if isinstance(each, metrics) else each, structure)


def _same_input(tensor):
    layer = tensor._keras_history.operation
    more = {name: True for name in ("sparse", "optional") if getattr(layer, name, False)}
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=layer.name, **more)


def _operation(operation):
    """`x + y` and the like have no memory but their place in the graph."""
    twin = object.__new__(type(operation))
    twin.__dict__.update(operation.__dict__, _inbound_nodes=[], _outbound_nodes=[])
    return twin


def _layer(layer, copy_of):
    cls, config = type(layer), configuration(layer)
    alive = {key: _alive(live(layer, key), copy_of) for key, value in config.items() if _is_described(value)}
    alive = {key: value for key, value in alive.items() if value is not None}
    own = not cls.from_config.__func__.__module__.startswith("keras.")
    # Bidirectional writes its layer down and reads it again, whatever it is given
    with keras.saving.custom_object_scope(_names_in(layer)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if alive and not own:
                return cls(**{**config, **alive})
            return cls.from_config(config)
        except Exception as error:
            raise BridgeError(f'"{layer.name}" ({cls.__name__}) cannot be made anew from its get_config, as '
                              f"a copy of the model needs it: {first_line(error)}") from error


def configuration(layer):
    """The layer's get_config, without Keras's warning that a lambda in it would be no good in a file.

    Raises:
        BridgeError: it has none that works.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return layer.get_config()
    except Exception as error:
        raise BridgeError(f'"{layer.name}" ({type(layer).__name__}) has no get_config that works: '
                          f"{first_line(error)}") from error


def first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _is_described(value):
    """Is this a description of something, in a configuration? The name of an activation is one."""
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(each, dict) and "class_name" in each for each in value)
    return isinstance(value, (str, dict))


def _alive(found, copy_of):
    """The object to be used for a description, or None where the description will do."""
    if isinstance(found, keras.Layer):
        return copy_of(found)
    if isinstance(found, (list, tuple)) and found and all(isinstance(each, keras.Layer) for each in found):
        return [copy_of(each) for each in found]
    return found if callable(found) else None


def _names_in(layer):
    """Functions and classes in a layer and the layers in it, by the names that configurations give them."""
    parts = [value for part in layer._flatten_layers() for value in vars(part).values() if callable(value)]
    kinds = [type(value) for value in [*parts, *layer._flatten_layers()]]
    named = [value for value in [*parts, *kinds] if hasattr(value, "__name__")]
    library = ("keras.", "builtins")
    return {value.__name__: value for value in named if not str(value.__module__).startswith(library)}


def _metric(metric):
    """A copy of a metric that has seen nothing. Its get_config may not know all of it, so it is not asked."""
    twin, memo = object.__new__(type(metric)), {}
    memo[id(metric)] = twin
    for value in _inside(vars(metric).values()):
        if isinstance(value, keras.metrics.Metric):
            memo[id(value)] = _metric(value)
        elif isinstance(value, keras.Layer):  # one that it measures with
            memo[id(value)] = value
    try:
        for name, value in vars(metric).items():
            object.__setattr__(twin, name, copy.deepcopy(value, memo))
        twin.reset_state()
    except Exception as error:
        raise BridgeError(f'The metric "{metric.name}" ({type(metric).__name__}) cannot be copied, and two '
                          f"models must not share it: {first_line(error)}") from error
    return twin


def _inside(values):
    for value in values:
        yield from (value if isinstance(value, (list, tuple)) else [value])

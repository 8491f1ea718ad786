"""A bridge between Keras 3 and tf_keras (Keras 2), for libraries that take models of tf_keras alone.

    twin = to_tf_keras(model)         # the same layers with the same weights, in tf_keras
    ...                               # prune it, quantize it, fit it
    changed = to_keras(twin, model)   # a Keras 3 model like `model`, with the weights of `twin`

Configurations of the two differ in small things, so each layer is translated by itself, its weights are found
by the layer's name, and the outputs of both models are compared before you get one. Needs the package tf-keras,
which is imported when it is used. The same losses, metrics and optimizer: see bridge_compile.py.
"""

import importlib
import inspect
import os
import re
import sys

import keras
import numpy as np
from keras import tree

RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}
KNOWN_TO_BASES = ["name", "trainable", "zero_output_for_mask"]
# What both libraries compute alike. (hard_sigmoid, for one, they do not.)
SAME_ACTIVATIONS = ["elu", "exponential", "gelu", "linear", "mish", "relu", "selu", "sigmoid", "softmax",
                    "softplus", "softsign", "tanh"]


class BridgeError(ValueError):
    """A model cannot cross the bridge. The message names the layer and says what to do instead."""


def to_tf_keras(model, custom_objects=None, wrap=None):
    """The same model in tf_keras: same layers, names and weights, not compiled.

    Sequential and functional models, with several inputs and outputs, shared layers, models in models, and
    operations between layers, such as `x + y` or `keras.ops.mean(x)`. Activations, regularizers and
    constraints that tf_keras lacks are carried over as the Keras 3 objects that they are. Initializers are
    left out: the weights are set. The outputs of both are compared on random inputs.

    Args:
        model: a Keras 3 model that knows its input shapes.
        custom_objects: name of a class in `model` -> class of tf_keras that takes the same configuration, with
            weights of the same names.
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
    crossing = _Crossing(custom_objects or {})
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
    """A copy of a Keras 3 model with weights of its own, not compiled."""
    inputs = None
    if not isinstance(model, keras.Sequential):  # left alone, clone_model gives inputs other names
        inputs = tree.map_structure(_same_input, model.input)
    twin = keras.models.clone_model(model, inputs)
    if not twin.built:  # Sequential, if its shape came with its first data
        twin.build(model.input_shape)
    twin.set_weights(model.get_weights())
    return twin


def _same_input(tensor):
    name = tensor._keras_history.operation.name
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)


def import_tf_keras():
    """The module tf_keras. Raises ImportError that says what to install."""
    return import_or_say("tf_keras")


def import_or_say(name):
    """Import tf_keras or tfmot, and leave `keras`, `tf.keras` and the environment as they were.

    tfmot sets TF_USE_LEGACY_KERAS, which every process started later would inherit, and which would turn a
    `tf.keras` that nobody has touched yet into Keras 2.

    Raises:
        ImportError: it is missing, or a part of it. The message says what to install.
    """
    if name in sys.modules:
        return sys.modules[name]
    import tensorflow as tf

    tf.keras.__version__  # noqa: B018  it is loaded when touched first, and this decides which Keras it is
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        minor = ".".join(tf.__version__.split(".")[:2])
        raise ImportError(f"{name} cannot be imported ({error}). It needs packages of the same minor version as "
                          f'TensorFlow: pip install "tensorflow-model-optimization>=0.8,<0.9" '
                          f'"tf-keras=={minor}.*" setuptools') from error
    finally:
        os.environ.pop("TF_USE_LEGACY_KERAS", None)
        if before is not None:
            os.environ["TF_USE_LEGACY_KERAS"] = before


class _Crossing:
    """Builds the tf_keras model, layer by layer. A layer that stands in several places is made once."""

    def __init__(self, custom_objects):
        self.tf_keras, self.custom_objects = import_tf_keras(), custom_objects
        self.symbolic = type(self.tf_keras.Input((1,)))
        self.made = {}  # the id of a Keras 3 layer -> its tf_keras layer

    def model(self, model):
        operations = getattr(model, "operations", None) or getattr(model, "layers", [])
        for operation in operations:  # first, because a layer without configuration fails in get_config
            if not isinstance(operation, (keras.Model, keras.layers.InputLayer)):
                self.check_supported(operation)
        if isinstance(model, keras.Sequential):
            twin = self.sequential(model)
        elif {"layers", "input_layers"} <= set(_config(model)):
            twin = self.functional(model)
        else:
            raise self.unsupported(model, "is a subclassed model, whose layers cannot be read")
        if not model.trainable:
            twin.trainable = False
        return twin

    def sequential(self, model):
        if not model.built:
            raise BridgeError(f'The model "{model.name}" does not know its input shape yet: begin it with a '
                              "keras.Input, or call it once.")
        first = model.inputs[0]
        layers = [self.layer(layer) for layer in model.layers]
        return self.tf_keras.Sequential([self.input(first.shape, first.dtype, first.name), *layers], model.name)

    def functional(self, model):
        config, operations = _config(model), {each.name: each for each in model.operations}
        tensors, waiting = {}, []  # (layer, call, output) -> tensor of tf_keras
        for each in config["layers"]:
            if each["class_name"] == "InputLayer":
                given = each["config"]
                tensors[each["name"], 0, 0] = self.input(given["batch_shape"], given["dtype"], each["name"])
            waiting += [(each["name"], call, node) for call, node in enumerate(each["inbound_nodes"])]
        while waiting:
            ready = [job for job in waiting if all(ref in tensors for ref in _references(job[2]))]
            assert ready, "a Keras graph has no circles"
            for name, call, node in ready:
                args = [_filled(arg, tensors) for arg in node["args"]]
                kwargs = {key: _filled(arg, tensors) for key, arg in node["kwargs"].items()}
                outputs = self.call(operations[name], args, kwargs)
                tensors.update({(name, call, i): out for i, out in enumerate(tree.flatten(outputs))})
            waiting = [job for job in waiting if job not in ready]
        ends = [_filled(_as_tensors(config[key]), tensors) for key in ("input_layers", "output_layers")]
        return self.tf_keras.Model(*ends, name=model.name)

    def input(self, batch_shape, dtype, name):
        return self.tf_keras.Input(tuple(batch_shape[1:]), batch_size=batch_shape[0], dtype=dtype, name=name)

    def call(self, operation, args, kwargs):
        if not isinstance(operation, keras.Layer):
            return self.operation(operation, args, kwargs)
        if len(args) > 1:  # the two may have another order of arguments, and a wrapper takes one by position
            names = [*inspect.signature(operation.call).parameters][1:]
            kwargs = {**dict(zip(names, args[1:])), **kwargs}
        return self.layer(operation)(*args[:1], **{k: v for k, v in kwargs.items() if v is not None})

    def operation(self, operation, args, kwargs):
        """An operation without weights works on TensorFlow's tensors as it is: it becomes a layer."""
        flat = tree.flatten((args, kwargs))
        places = [i for i, value in enumerate(flat) if isinstance(value, self.symbolic)]

        def run(tensors):
            filled = list(flat)
            for place, tensor in zip(places, tensors):
                filled[place] = tensor
            args_now, kwargs_now = tree.pack_sequence_as((args, kwargs), filled)
            return operation(*args_now, **kwargs_now)

        return self.tf_keras.layers.Lambda(run, name=operation.name)([flat[place] for place in places])

    def layer(self, layer):
        if id(layer) not in self.made:
            if isinstance(layer, keras.Model):
                self.made[id(layer)] = self.model(layer)
            else:
                self.check_supported(layer)
                self.made[id(layer)] = self.translated(type(layer).__name__, _config(layer), layer)
        return self.made[id(layer)]

    def check_supported(self, operation):
        name, module = type(operation).__name__, type(operation).__module__
        if name in self.custom_objects or not isinstance(operation, keras.Layer) and not operation.__dict__.get(
                "_trainable_variables"):
            return
        if not module.startswith("keras."):
            raise self.unsupported(operation, "is a layer of your own")
        if not hasattr(self.tf_keras.layers, name):
            raise self.unsupported(operation, "is a layer that tf_keras does not have")

    def unsupported(self, layer, why):
        kind = "class_name=tf_keras class"
        return BridgeError(f'"{layer.name}" ({type(layer).__name__}) {why}, so it cannot cross to tf_keras. '
                           "PruneWhen prunes in Keras 3 and needs no bridge; or say what it is in tf_keras: "
                           f"custom_objects=dict({kind}).")

    def translated(self, kind, config, live=None):
        """A layer of tf_keras from a configuration of Keras 3; `live` is the Keras 3 layer, where known."""
        cls = self.custom_objects.get(kind) or getattr(self.tf_keras.layers, kind)
        accepted, defaults, arguments = _parameters(cls), _parameters(getattr(keras.layers, kind, cls)), {}
        for key, value in config.items():
            theirs = RENAMED.get(kind, {}).get(key, key)
            if key == "dtype":
                arguments["dtype"] = value["config"]["name"] if isinstance(value, dict) else value
            elif key.endswith("_initializer"):
                pass
            elif theirs in accepted or theirs in KNOWN_TO_BASES:
                arguments[theirs] = self.value(key, value, live)
            elif value is not None and value != defaults.get(key, inspect.Parameter.empty):
                raise BridgeError(f'"{config["name"]}" ({kind}) has {key}={value!r}, which tf_keras does not know. '
                                  "PruneWhen prunes in Keras 3 and needs no bridge.")
        return cls(**arguments)

    def value(self, key, value, live):
        """One value of a configuration, as tf_keras takes it."""
        if key == "activation" or key.endswith("_activation"):
            if value is None or value in SAME_ACTIVATIONS:
                return value
            return getattr(live, key, None) or keras.activations.get(value)
        if key == "function":  # Lambda
            return getattr(live, key)
        if isinstance(value, list):
            return [self.value("", each, None) for each in value]
        if not isinstance(value, dict) or "class_name" not in value:
            return value
        kind, config = value["class_name"], value.get("config")
        if key == "seed":
            return config["seed"]
        if (value.get("module") or "").startswith("keras.layers"):
            return self.translated(kind, config)
        for module in ("regularizers", "constraints"):
            known = getattr(getattr(self.tf_keras, module), kind, None)
            if value.get("module") == f"keras.{module}" and known is not None:
                return known(**config)
        return getattr(live, key, None) or keras.saving.deserialize_keras_object(value)


def _config(layer):
    try:
        return layer.get_config()
    except NotImplementedError as error:
        raise BridgeError(f'"{layer.name}" ({type(layer).__name__}) has no get_config: {error}') from error


def _parameters(cls):
    """Names of the arguments of a layer's class and its bases -> default."""
    found = {}
    for base in cls.__mro__:
        if base.__name__ == "Layer":
            break
        if "__init__" in vars(base):
            for name, parameter in inspect.signature(base.__init__).parameters.items():
                found.setdefault(name, parameter.default)
    return found


# ---- references to tensors in the configuration of a functional model ----


def _references(node):
    """The (layer, call, output) that a part of a configuration mentions."""
    if isinstance(node, dict) and node.get("class_name") == "__keras_tensor__":
        return [tuple(node["config"]["keras_history"])]
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, (list, tuple)) else ()
    return [reference for part in parts for reference in _references(part)]


def _filled(node, tensors):
    """A part of a configuration with its references replaced by tensors, and the rest as values."""
    if isinstance(node, dict) and "class_name" in node:
        if node["class_name"] == "__keras_tensor__":
            return tensors[tuple(node["config"]["keras_history"])]
        if node["class_name"] == "__tuple__":
            return tuple(_filled(part, tensors) for part in node["items"])
        return keras.saving.deserialize_keras_object(node)
    if isinstance(node, dict):
        return {key: _filled(part, tensors) for key, part in node.items()}
    return [_filled(part, tensors) for part in node] if isinstance(node, (list, tuple)) else node


def _as_tensors(ends):
    """`input_layers` and `output_layers` in the form that the nodes have."""
    if isinstance(ends, dict):
        return {key: _as_tensors(part) for key, part in ends.items()}
    if len(ends) == 3 and isinstance(ends[0], str):
        return {"class_name": "__keras_tensor__", "config": {"keras_history": ends}}
    return [_as_tensors(part) for part in ends]


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
            raise BridgeError(f'"{layer.name}" has the weights {given} on one side of the bridge and {wanted} '
                              "on the other.")
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
        shape = [2, *(size or 32 for size in tensor.shape[1:])] if tensor.shape[0] is None else tensor.shape
        if tensor.dtype == "string":
            raise BridgeError(f'The input "{tensor.name}" is text: begin the model where it is numbers.')
        whole = embeddings or not tensor.dtype.startswith(("float", "bfloat"))
        values = random.integers(0, min(embeddings, default=2), shape) if whole else random.normal(size=shape)
        return keras.ops.convert_to_tensor(values, tensor.dtype)

    inputs = tree.map_structure(example, model.inputs[0] if isinstance(model, keras.Sequential) else model.input)
    ours, theirs = (tree.flatten(each(inputs, training=False)) for each in (model, twin))
    for one, other in zip(ours, theirs, strict=True):
        one, other = np.asarray(one, "float64"), np.asarray(other, "float64")
        half = any("16" in layer.compute_dtype for layer in model._flatten_layers() if layer.compute_dtype)
        limit, off = (2e-2 if half else 1e-4) * max(np.abs(one).max(), 1e-3), np.abs(one - other).max()
        if one.shape != other.shape or not off <= limit:
            raise BridgeError(f'The outputs of "{model.name}" in Keras 3 and tf_keras differ by {off:.3g}, for values '
                              f"up to {np.abs(one).max():.3g}. PruneWhen prunes in Keras 3 and needs no bridge.")

"""How bridge.py builds a tf_keras model from the configuration of a Keras 3 model, layer by layer."""

import importlib
import inspect
import os
import sys

import keras
from keras import tree

from .bridge_check import NO_BRIDGE
from .clone import BridgeError, configuration, first_line, live

RENAMED = {"LeakyReLU": {"negative_slope": "alpha"}}
KNOWN_TO_BASES = ["name", "trainable", "zero_output_for_mask"]
TF_KERAS_DOES = [("data_format", "channels_last"), ("autocast", True)]
# What both libraries compute alike. (hard_sigmoid, for one, they do not.)
SAME_ACTIVATIONS = ["elu", "exponential", "gelu", "linear", "mish", "relu", "selu", "sigmoid", "softmax",
                    "softplus", "softsign", "tanh"]




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
    if sys.modules.get(name) is not None:
        return sys.modules[name]
    import tensorflow as tf

    tf.keras.Model  # noqa: B018  touching it decides which Keras it is
    before = os.environ.get("TF_USE_LEGACY_KERAS")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        minor = ".".join(tf.__version__.split(".")[:2])
        raise ImportError(f"{name} cannot be imported ({error}). What it needs, with tf-keras of the same "
                          f'minor as TensorFlow: pip install "tensorflow-model-optimization>=0.8,<0.9" '
                          f'"tf-keras=={minor}.*" setuptools') from error
    finally:
        os.environ.pop("TF_USE_LEGACY_KERAS", None)
        if before is not None:
            os.environ["TF_USE_LEGACY_KERAS"] = before


class Crossing:
    """Builds the tf_keras model, layer by layer. A layer that stands in several places is made once."""

    def __init__(self, custom_objects):
        self.tf_keras, self.custom_objects = import_tf_keras(), custom_objects
        self.symbolic = type(self.tf_keras.Input((1,)))
        self.made, self.ours = {}, {}  # the id of a Keras 3 layer -> its tf_keras layer, and itself

    def model(self, model):
        operations = getattr(model, "operations", None) or getattr(model, "layers", [])
        for operation in operations:  # first, because a layer without configuration fails in get_config
            if not isinstance(operation, (keras.Model, keras.layers.InputLayer)):
                self.check_supported(operation)
        if isinstance(model, keras.Sequential):
            twin = self.sequential(model)
        elif {"layers", "input_layers"} <= set(configuration(model)):
            twin = self.functional(model)
        else:
            raise self.unsupported(model, "is a subclassed model, whose layers cannot be read")
        if is_own(model, "call"):
            raise self.unsupported(model, "has a `call` of its own beside its layers")
        if not model.trainable:
            twin.trainable = False
        return twin

    def sequential(self, model):
        if not model.built:
            raise BridgeError(f'The model "{model.name}" does not know its input shape yet: begin it with a '
                              "keras.Input, or call it once.")
        first = model.inputs[0]
        layers = [self.layer(layer) for layer in model.layers]
        begin = self.input(first.shape, first.dtype, first.name)
        return self.tf_keras.Sequential([begin, *layers], model.name)

    def functional(self, model):
        config, operations = configuration(model), {each.name: each for each in model.operations}
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
        twin = self.tf_keras.Model(*ends, name=model.name)
        if isinstance(config["output_layers"], dict):  # columns are named after the keys: "val_key_loss"
            twin.output_names = sorted(config["output_layers"])
        return twin

    def input(self, batch_shape, dtype, name):
        return self.tf_keras.Input(tuple(batch_shape[1:]), batch_size=batch_shape[0], dtype=dtype, name=name)

    def call(self, operation, args, kwargs):
        if not isinstance(operation, keras.Layer):
            return self.operation(operation, args, kwargs)
        if len(args) > 1:  # the two may have another order of arguments, and a wrapper takes one by position
            names = [*inspect.signature(operation.call).parameters][1:]
            kwargs = {**dict(zip(names, args[1:])), **kwargs}
        # Keras 3 notes training=False at every call and lets `fit` overrule it; tf_keras would obey
        given = {key: value for key, value in kwargs.items() if value is not None and key != "training"}
        return self.layer(operation)(*args[:1], **given)

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

        # autocast: a Lambda would make float32 of half precision
        return self.tf_keras.layers.Lambda(run, name=operation.name, autocast=False)(
            [flat[place] for place in places])

    def layer(self, layer):
        if id(layer) not in self.made:
            self.ours[id(layer)] = layer
            if isinstance(layer, keras.Model):
                self.made[id(layer)] = self.model(layer)
            else:
                self.check_supported(layer)
                self.made[id(layer)] = self.translated(type(layer).__name__, configuration(layer), layer)
        return self.made[id(layer)]

    def check_supported(self, operation):
        name, module = type(operation).__name__, type(operation).__module__
        if name in self.custom_objects or not isinstance(operation, keras.Layer):  # no weights
            return
        if not module.startswith("keras."):
            raise self.unsupported(operation, "is a layer of your own")
        if not hasattr(self.tf_keras.layers, name):
            raise self.unsupported(operation, "is a layer that tf_keras does not have")

    def unsupported(self, layer, why):
        return BridgeError(f'"{layer.name}" ({type(layer).__name__}) {why}, so it cannot cross to tf_keras. '
                           f"{NO_BRIDGE} Or say what it is in tf_keras: "
                           f"custom_objects={{'{type(layer).__name__}': a class of tf_keras}}.")

    def translated(self, kind, config, ours=None):
        """A layer of tf_keras from a configuration of Keras 3; `ours` is the Keras 3 layer, where known."""
        if kind not in self.custom_objects and not hasattr(self.tf_keras.layers, kind):
            raise BridgeError(f'"{config.get("name", kind)}" ({kind}) is in a layer, and tf_keras does not '
                              f"have it. {NO_BRIDGE}")
        cls = self.custom_objects.get(kind) or getattr(self.tf_keras.layers, kind)
        accepted, defaults, arguments = _parameters(cls), _parameters(getattr(keras.layers, kind, cls)), {}
        for key, value in config.items():
            theirs = RENAMED.get(kind, {}).get(key, key)
            if key == "dtype":
                arguments["dtype"] = value["config"]["name"] if isinstance(value, dict) else value
            elif key.endswith("_initializer"):
                pass
            elif key.endswith("_regularizer") and key != "activity_regularizer" and _is_frozen(ours):
                pass  # Keras 3 does not count what frozen weights cost, tf_keras would
            elif theirs in accepted or theirs in KNOWN_TO_BASES:
                arguments[theirs] = self.value(key, value, ours)
            elif (key, value) in TF_KERAS_DOES or value in (None, False):  # False: something new, not used
                pass
            elif value != defaults.get(key, inspect.Parameter.empty):
                raise BridgeError(f'"{config["name"]}" ({kind}) has {key}={value!r}, which tf_keras does not '
                                  f"know. {NO_BRIDGE}")
        try:
            return cls(**arguments)
        except Exception as error:
            raise BridgeError(f'"{config.get("name", kind)}" ({kind}) cannot be made in tf_keras: '
                              f"{first_line(error)}. {NO_BRIDGE}") from error

    def value(self, key, value, ours):
        """One value of a configuration, as tf_keras takes it."""
        alive = live(ours, key)
        if key == "activation" or key.endswith("_activation"):
            known = value if isinstance(value, str) and value in SAME_ACTIVATIONS else None
            if value is None or known and (alive is None or alive is keras.activations.get(known)):
                return value  # a function of your own may be called relu
            return alive or keras.activations.get(value)
        if key == "function":  # Lambda
            return alive
        if isinstance(value, list):
            parts = alive if isinstance(alive, (list, tuple)) else [None] * len(value)
            return [self.layer_in(each, part) for each, part in zip(value, parts, strict=True)]
        if not isinstance(value, dict) or "class_name" not in value:
            return value
        kind, config = value["class_name"], value.get("config")
        if key == "seed":
            return config["seed"]
        if isinstance(alive, keras.Layer) or (value.get("module") or "").startswith("keras.layers"):
            return self.layer_in(value, alive)
        for module in ("regularizers", "constraints"):
            known = getattr(getattr(self.tf_keras, module), kind, None)
            if value.get("module") == f"keras.{module}" and known is not None:
                return known(**config)
        return alive or keras.saving.deserialize_keras_object(value)

    def layer_in(self, value, alive):
        """A layer within a layer, or any other part of a list in a configuration."""
        if not isinstance(value, dict) or "class_name" not in value:
            return value
        if isinstance(alive, keras.Model):
            return self.layer(alive)
        return self.translated(value["class_name"], value["config"], alive)


def _is_frozen(layer):
    return layer is not None and not layer.trainable


def is_own(model, name):
    """Is this method of a model somebody's own, in its class or in the object alone, and not Keras's?"""
    return name in vars(model) or not str(getattr(type(model), name).__module__).startswith("keras.")


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

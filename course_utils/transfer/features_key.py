"""What decides the features of a model: a key made from all of it, and the parts that no key can hold."""

import hashlib
import json
import types
import warnings

import keras
import numpy as np

from ..stopping.layers import walk

OUTSIDE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer",  # code from elsewhere
           "StringLookup", "IntegerLookup", "TextVectorization", "Discretization")  # learnt, but no weights
PREDICTING = ("call", "predict", "predict_step", "make_predict_function")
REFERENCES = ("keras_history", "input_layers", "output_layers")
TRAINING_ONLY = ("_initializer", "_regularizer", "_constraint")


def unknown_to(model):
    """Descriptions of the parts of a model that may compute something else with the same weights and
    settings.

    All but Keras's own layers with Keras's own functions in them. An empty list: `key_of` holds everything.

    >>> unknown_to(keras.Sequential([keras.Input((3,)), keras.layers.Lambda(abs, name="size")]))
    ['"size" (a Lambda)']
    """
    parts = [(model, None), *((layer, path) for layer, path, _ in walk(model))]
    for holder, path in parts[:]:  # a functional model holds bare operations too, such as x * 2
        within = f"{path}/" if path else ""
        parts += [(operation, f"{within}{operation.name}") for operation in getattr(holder, "operations", ())
                  if not isinstance(operation, keras.Layer)]
    found = [_stranger(part, path) for part, path in parts]
    return [each for each in found if each]


def key_of(model, images):
    """A text that differs when the features may differ, and only then: hexadecimal.

    Args:
        model: one for which `unknown_to` finds nothing.
        images: array, what the model gets.
    """
    config = json.dumps(_nameless(_config(model)), sort_keys=True, default=_plain)
    digest = hashlib.sha256(f"3 {keras.__version__} {keras.backend.backend()} {config}".encode())
    for array in (images, *model.get_weights()):
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")
    return digest.hexdigest()[:32]


def _stranger(layer, path=None):
    """What of a layer is not Keras's own, in words; "" if all is."""
    name = f'"{path or layer.name}"'
    if not _is_keras(type(layer)):
        return f"{name} (a {type(layer).__name__}, a class of its own)"
    if type(layer).__name__ in OUTSIDE:
        return f"{name} (a {type(layer).__name__})"
    for attribute, value in vars(layer).items():
        if isinstance(layer, keras.Model) and attribute not in PREDICTING:
            continue  # its loss, say
        if not attribute.endswith(TRAINING_ONLY) and _is_own_code(value):
            return f"{name} (its {attribute.strip('_')} is a function of its own)"
    if not isinstance(layer, keras.Model) and isinstance(layer, keras.Layer):  # of a model, its layers tell
        try:
            _config(layer)
        except Exception as error:  # an initializer, say, that Keras has no words for
            return f"{name} (its settings cannot be written down: {error})"
    return ""


def _config(layer):
    """A layer's settings. Keras warns of a lambda in them, which could not be loaded: nothing is, from
    here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The object being serialized includes a `lambda`")
        return layer.get_config()


def _is_own_code(value):
    """Is it, or does it hold, a function or an object to be called that is not Keras's?"""
    if isinstance(value, (list, tuple)):
        return any(map(_is_own_code, value))
    if isinstance(value, dict):
        return any(map(_is_own_code, value.values()))
    if isinstance(value, (type, types.ModuleType)) or not callable(value):
        return False
    if isinstance(value, types.MethodType):
        return not _is_keras(value.__func__)
    return not (_is_keras(value) or _is_keras(type(value)))


def _is_keras(thing):
    return (getattr(thing, "__module__", None) or "").partition(".")[0] == "keras"


def _nameless(config):
    """A model's config with its layers numbered, and without what does not change an output.

    Keras counts names on ("dense_1", "dense_2") as long as a process lives: the same model built twice has
    others. Only names are replaced, where a layer is named or referred to: an activation "relu" in a layer
    "relu" stays what it is.
    """
    names = [layer.get("name") or layer["config"].get("name") for layer in config.get("layers", ())]
    numbers = {name: f"layer {i}" for i, name in enumerate(names)}

    def refer(entry):
        """References to layers: [name, node, tensor], or lists and dicts of such."""
        if isinstance(entry, dict):
            return [[key, refer(value)] for key, value in entry.items()]
        if isinstance(entry, (list, tuple)):
            if len(entry) == 3 and isinstance(entry[0], str):
                return [numbers.get(entry[0], entry[0]), *entry[1:]]
            return [refer(each) for each in entry]
        return entry

    def walk(entry):
        if isinstance(entry, (list, tuple)):
            return [walk(each) for each in entry]
        if not isinstance(entry, dict):
            return entry
        if "class_name" in entry and isinstance(entry.get("config"), dict):  # a layer, or another object
            config, entry = entry["config"], {key: v for key, v in entry.items() if key != "shared_object_id"}
            if "layers" in config:
                config = _nameless(config)
            elif "inbound_nodes" in entry or str(entry.get("module")).startswith("keras.layers"):
                config = {key: value for key, value in config.items() if key not in ("name", "trainable")}
            rest = {key: walk(value) for key, value in entry.items() if key not in ("config", "name")}
            return dict(rest, config=walk(config))
        return {key: refer(value) if key in REFERENCES else walk(value) for key, value in entry.items()
                if not key.endswith(TRAINING_ONLY)}

    return walk({key: value for key, value in config.items() if key not in ("name", "trainable")})


def _plain(value):
    """What JSON cannot hold: arrays whole, other things as they show themselves."""
    return [str(value.dtype), value.tolist()] if isinstance(value, (np.ndarray, np.generic)) else repr(value)

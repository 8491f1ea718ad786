"""A Keras model as a LiteRT file: by TensorFlow's converter, with what that does not say in time."""

import re

import keras
import numpy as np

from .copies import copy_of, graph_of
from .lite import Lite
from .quiet import quietly

CALIBRATION = 100  # examples that an int8 file is calibrated on
LOOPS = (keras.layers.GRU, keras.layers.LSTM, keras.layers.SimpleRNN)


def to_lite(model, int8=False, data=None, sparse=False):
    """The bytes of a LiteRT (TensorFlow Lite) file that does what a model does, for one example at a time.

    It is loaded and run once before it is returned. `Path("model.tflite").write_bytes(file)` keeps it.

    GRU, LSTM and SimpleRNN are unrolled for int8=True, and the file grows with every step: the converter
    ends the whole process where it calibrates a loop. Layers that compute in 16 bits do it in float32 there.

    Args:
        model: a built Keras 3 model, on TensorFlow. It stays as it is.
        int8: False: all in float32. "weights": large kernels in 8 bits, what goes from layer to layer in
            float32 (LiteRT's dynamic range). True: all in 8 bits but what goes in and comes out, which stays
            float32 (full integer).
        data: for int8=True, inputs like those that will come, in the form that the model takes: from a
            hundred of its rows the ranges of all numbers are learnt.
        sparse: write kernels with many zeros without them. The file is smaller, and seldom faster.

    Raises:
        TypeError: it is no Keras 3 model.
        ValueError: Keras is not on TensorFlow, `data` is missing or has another form, the model has something
            that LiteRT has not, or LiteRT cannot run the file, as often when it is both sparse and in 8 bits.

    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> model.set_weights([np.eye(3, 2), np.zeros(2)])
    >>> Lite(to_lite(model)).predict(np.array([[1.0, 2.0, 3.0]])).tolist()
    [[1.0, 2.0]]
    """
    _check(model, int8, data)
    rows = None if data is None else _rows(model, data)
    import tensorflow as tf

    one = _for_one(_plainer(model, int8))
    try:
        with quietly():
            converter = tf.lite.TFLiteConverter.from_keras_model(one)
            converter.optimizations = [tf.lite.Optimize.DEFAULT] * bool(int8) + [
                tf.lite.Optimize.EXPERIMENTAL_SPARSITY] * bool(sparse)
            if int8 is True:
                converter.representative_dataset = lambda: iter(rows)
                converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            file = converter.convert()
    except Exception as error:
        raise ValueError(_why_not(model, error)) from error
    try:
        Lite(file).seconds(1)
    except (ValueError, RuntimeError) as error:
        mend = " Leave out sparse or int8: the two together often lead there." if sparse and int8 else ""
        raise ValueError(f'LiteRT cannot run the file that was made of "{model.name}": '
                         f"{error.__cause__ or error}{mend}") from error
    return file


def _check(model, int8, data):
    if not isinstance(model, keras.Model):
        raise TypeError(f"to_lite takes a model of Keras 3; got {type(model).__name__}.")
    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"LiteRT files are made with TensorFlow, and Keras is on {keras.backend.backend()}: "
                         "save the model, and load it with KERAS_BACKEND=tensorflow in the environment.")
    if not getattr(model, "inputs", None):
        raise ValueError(f'What goes into "{model.name}" is not known: make it a Sequential or functional '
                         "model, and begin it with an Input.")
    if not isinstance(int8, bool) and int8 != "weights":
        raise ValueError(f'int8 is True, False or "weights"; got {int8!r}.')
    if int8 is True and data is None:
        raise ValueError("int8=True learns the ranges of all numbers from data: give some inputs, about a "
                         "hundred.")
    if int8 is not True and data is not None:
        raise ValueError("data is for int8=True; nothing else learns from it.")


def _inputs(model):
    """Name -> tensor: each input by the key that it is given by, or by its own name."""
    structure = (graph_of(model) or model).input
    if isinstance(structure, dict):
        return {key: structure[key] for key in sorted(structure)}
    return {tensor._keras_history.operation.name: tensor for tensor in keras.tree.flatten(structure)}


def _rows(model, data):
    """The examples to calibrate on: a list of dicts of arrays with one row."""
    inputs = _inputs(model)
    if isinstance(data, dict):
        if data.keys() != inputs.keys():
            raise ValueError(f'"{model.name}" takes {", ".join(inputs)}; got {", ".join(map(str, data))}.')
        data = [data[name] for name in inputs]
    elif len(inputs) == 1 or not isinstance(data, (list, tuple)):
        data = [data]
    arrays = [np.asarray(each) for each in data]
    given, asked = [array.shape for array in arrays], [tensor.shape for tensor in inputs.values()]
    fine = len(given) == len(asked) and all(
        len(shape) == len(own) and shape[0] == given[0][0] > 0
        and all(size in (None, other) for size, other in zip(own[1:], shape[1:]))
        for shape, own in zip(given, asked))
    if not fine:
        raise ValueError(f'data should have the shape {_shapes(asked)}, as "{model.name}" takes it, with '
                         f"some rows for None; got {_shapes(given)}.")
    places = np.unique(np.linspace(0, given[0][0] - 1, CALIBRATION).astype(int))
    return [{name: array[[place]].astype(tensor.dtype)
             for (name, tensor), array in zip(inputs.items(), arrays)} for place in places]


def _shapes(shapes):
    return " and ".join(str(tuple(shape)) for shape in shapes)


def _for_one(model):
    """The same for a batch of one, with lists for dicts. Of any batch there can be no loop in a file."""
    inputs = {name: keras.Input(batch_shape=(1, *tensor.shape[1:]), dtype=tensor.dtype, name=name)
              for name, tensor in _inputs(model).items()}
    as_given = keras.tree.pack_sequence_as((graph_of(model) or model).input, [*inputs.values()])
    outputs = model(as_given, training=False)
    return keras.Model([*inputs.values()], keras.tree.flatten(outputs))


def _plainer(model, int8):
    """The model, or where that would not do a copy: without loops, and in float32."""

    def change(layer):
        if isinstance(layer, keras.Model):
            return {}
        half = {"dtype": "float32"} if "float16" in str(layer.compute_dtype) else {}
        return {**half, "unroll": True} if int8 is True and type(layer) in LOOPS else half

    for layer in model._flatten_layers() if int8 is True else ():
        if isinstance(layer, keras.layers.RNN) and not layer.unroll and (
                type(layer) not in LOOPS or layer not in model.layers):
            raise ValueError(f'"{layer.name}" ({type(layer).__name__}) is a loop, and the converter would '
                             'end the process where it calibrates one. Build it with unroll=True, or ask for '
                             'int8="weights".')
    if not any(map(change, model._flatten_layers())):
        return model
    copy, _ = copy_of(model, change)
    copy.set_weights(model.get_weights())
    return copy


def _why_not(model, error):
    text = str(error).strip() or type(error).__name__
    first = text.splitlines()[0][:500]
    operation = re.search(r"'tf\.(\w+)' op", first)
    layers = [layer for layer in model._flatten_layers(include_self=False)
              if re.search(rf"/{re.escape(layer.name)}(_\d+)?/", first)]
    if not operation or not layers:
        return f'"{model.name}" cannot be made a LiteRT file: {first}'
    return (f'"{model.name}" cannot be made a LiteRT file: LiteRT has no {operation[1]} as '
            f'"{layers[-1].name}" ({type(layers[-1]).__name__}) needs it.')

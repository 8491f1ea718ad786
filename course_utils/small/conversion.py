"""A Keras model as a LiteRT file: the way of TensorFlow's converter, and what it does not say in time."""

import keras
import numpy as np

from .copies import copy_of
from .lite import Lite
from .quiet import quietly

CALIBRATION = 100  # examples that an int8 file is calibrated on


def to_lite(model, int8=False, data=None, sparse=False):
    """The bytes of a LiteRT (TensorFlow Lite) file that does what a model does, for one example at a time.

    The file is loaded and run once before it is returned. Write it with `Path("m.tflite").write_bytes(file)`.

    Args:
        model: a built Keras 3 model, on TensorFlow.
        int8: False: all in float32. "weights": weights in 8 bits where a layer has enough of them, and
            numbers between layers in float32 (LiteRT's dynamic range). True: both in 8 bits, but for what
            goes in and comes out, which stays float32 (full integer).
        data: for int8=True: inputs like those that will come, from which the ranges of all numbers are learnt;
            in the form that the model takes, one row an example. A hundred of them are used.
        sparse: write kernels with many zeros without them. The file is smaller; it is seldom faster.

    GRU, LSTM and SimpleRNN are unrolled for int8=True, and the file grows with every step: the converter
    crashes where it calibrates a loop.

    Returns:
        bytes.

    Raises:
        TypeError: it is no Keras 3 model.
        ValueError: Keras is not on TensorFlow, `data` is missing or of another form, the model has something
            that LiteRT has not, or the file cannot be loaded and run, as many are that are sparse and in 8 bits.

    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> model.set_weights([np.eye(3, 2), np.zeros(2)])
    >>> Lite(to_lite(model)).predict(np.array([[1.0, 2.0, 3.0]])).tolist()
    [[1.0, 2.0]]
    """
    rows = _checked(model, int8, data)
    import tensorflow as tf

    if int8 is True:
        model = _unrolled(model)
    try:
        with quietly():
            converter = tf.lite.TFLiteConverter.from_keras_model(_for_one(model))
            converter.optimizations = [tf.lite.Optimize.DEFAULT] * bool(int8) + [
                tf.lite.Optimize.EXPERIMENTAL_SPARSITY] * bool(sparse)
            if int8 is True:
                converter.representative_dataset = lambda: iter(rows)
                converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            file = converter.convert()
    except Exception as error:
        raise ValueError(_why_not(model, error)) from error
    try:
        lite = Lite(file)
        lite.seconds(1)
    except (ValueError, RuntimeError) as error:
        mend = " Leave out sparse, or int8: the two together often do that." if sparse and int8 else ""
        raise ValueError(f'The file of "{model.name}" was written, and LiteRT cannot run it: {error}.{mend}'
                         ) from error
    return file


def _checked(model, int8, data):
    """The examples to calibrate on, a list of dicts; None where none are needed."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"to_lite takes a model of Keras 3; got {type(model).__name__}.")
    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"LiteRT files are made with TensorFlow, and Keras is on {keras.backend.backend()}: "
                         "save the model, and load it with KERAS_BACKEND=tensorflow in the environment.")
    if not getattr(model, "inputs", None):
        raise ValueError(f'It is not known what goes into "{model.name}": begin it with an Input, or call it once.')
    if int8 not in (False, True, "weights"):
        raise ValueError(f'int8 is True, False or "weights"; got {int8!r}.')
    if (int8 is True) != (data is not None):
        raise ValueError("int8=True learns from data which numbers come: give data, a hundred examples or more."
                         if int8 is True else "data is for int8=True alone.")
    return None if data is None else _rows(model, data)


def _rows(model, data):
    names, tensors = _names(model), keras.tree.flatten(model.input)
    arrays = [np.asarray(each) for each in (keras.tree.flatten(data) if isinstance(data, (dict, list, tuple)) and
                                            len(tensors) > 1 or isinstance(data, dict) else [data])]
    shapes = [tuple(tensor.shape[1:]) for tensor in tensors]
    fine = len(arrays) == len(tensors) and all(
        array.ndim == len(shape) + 1 and len(array) == len(arrays[0]) > 0
        and all(asked in (None, size) for asked, size in zip(shape, array.shape[1:]))
        for array, shape in zip(arrays, shapes))
    if not fine:
        raise ValueError(f'data should be as "{model.name}" takes it, one row an example, each of shape '
                         f"{', '.join(map(str, shapes))}; got {', '.join(str(each.shape) for each in arrays)}.")
    places = np.unique(np.linspace(0, len(arrays[0]) - 1, CALIBRATION).astype(int))
    return [{name: array[place: place + 1].astype(tensor.dtype)
             for name, array, tensor in zip(names, arrays, tensors)} for place in places]


def _names(model):
    """What each input is called, in the order of `keras.tree.flatten`: by the key that it is given by."""
    if isinstance(model.input, dict):
        return sorted(model.input)
    return [tensor._keras_history.operation.name for tensor in keras.tree.flatten(model.input)]


def _for_one(model):
    """The same model for a batch of one: with any batch, LiteRT knows less and is slower."""
    inputs = [keras.Input(batch_shape=(1, *tensor.shape[1:]), dtype=tensor.dtype, name=name)
              for name, tensor in zip(_names(model), keras.tree.flatten(model.input))]
    outputs = model(keras.tree.pack_sequence_as(model.input, inputs), training=False)
    return keras.Model(inputs, keras.tree.flatten(outputs))


def _unrolled(model):
    """The model with its recurrent layers unrolled, if it has any."""
    loops = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.RNN) and not layer.unroll]
    if not loops:
        return model
    plain = (keras.layers.GRU, keras.layers.LSTM, keras.layers.SimpleRNN)
    other = [layer for layer in loops if type(layer) not in plain or layer not in model.layers]
    if other:
        raise ValueError(f'"{other[0].name}" ({type(other[0]).__name__}) is a loop, and the converter crashes where '
                         'it calibrates one for int8=True: build it with unroll=True, or use int8="weights".')
    copy, _ = copy_of(model, lambda layer: {"unroll": True} if layer in loops else {})
    copy.set_weights(model.get_weights())
    return copy


def _why_not(model, error):
    text = str(error)
    named = [layer for layer in model._flatten_layers(include_self=False) if f"/{layer.name}" in text]
    where = f'"{named[0].name}" ({type(named[0]).__name__})' if named else "something in it"
    first = (text.strip() or type(error).__name__).splitlines()[0]
    return f'The model "{model.name}" cannot be made a LiteRT file: it fails at {where}. {first[:500]}'

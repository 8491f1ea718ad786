"""A LiteRT file that runs on arrays. Needs ai-edge-litert, which is small, or TensorFlow."""

import time
from pathlib import Path

import numpy as np

from .quiet import quietly

BATCH = 256  # rows at once, for a file that takes any number


class Lite:
    """A LiteRT (TensorFlow Lite) file, loaded, to be run on arrays.

    The interpreter is that of ai-edge-litert where it is installed, and else TensorFlow's.

    Args:
        file: its bytes, as `to_lite` returns them, or a path.
        threads: how many the interpreter may use.

    Attributes:
        content: the bytes.
        inputs, outputs: name -> shape of what goes in and comes out, tuples, with None for any size.

    Raises:
        ValueError: the file cannot be loaded; the message has LiteRT's words.
    """

    def __init__(self, file, threads=1):
        self.content = file if isinstance(file, bytes) else Path(file).read_bytes()
        try:
            with quietly():
                self._interpreter = interpreter_class()(model_content=self.content, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"LiteRT cannot load this file, {len(self.content):,} bytes: {error}") from error
        self._in, self._out = _details(self._interpreter)
        for detail in self._in.values():  # else there is anything, such as words that no vocabulary has
            self._interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
        self.inputs, self.outputs = ({name: _shape(detail) for name, detail in details.items()}
                                     for details in (self._in, self._out))

    def predict(self, x):
        """What the file makes of some examples.

        Args:
            x: an array with one row an example; a dict of arrays by name where there are several inputs.

        Returns:
            An array, one row an example; a list of them where there are several outputs, in the order that
            `keras.tree.flatten` gives the model's.

        Raises:
            ValueError: an input is missing or unknown, or has another shape or number of rows.
        """
        arrays = self._named(x)
        rows = len(next(iter(arrays.values())))
        fixed = [shape[0] for shape in self.inputs.values() if shape[0] is not None]
        size = fixed[0] if fixed else BATCH
        if rows == 0 or fixed and rows % size:
            raise ValueError(f"The file takes {size} rows at once, and at least one row; got {rows}.")
        answers = [self._run({name: array[start: start + size] for name, array in arrays.items()})
                   for start in range(0, rows, size)]
        together = [np.concatenate(each) for each in zip(*answers)]
        return together[0] if len(together) == 1 else together

    def accuracy(self, x, y):
        """The share of examples of which the largest output is that of the class.

        Args:
            x: as in `predict`, for a file with one output of (rows, classes).
            y: the classes, whole numbers, (rows,).

        Raises:
            ValueError: x or y has another shape.
        """
        told, y = self.predict(x), np.asarray(y)
        if isinstance(told, list) or told.ndim != 2 or y.shape != (len(told),):
            shapes = [each.shape for each in told] if isinstance(told, list) else told.shape
            raise ValueError(f"An accuracy takes outputs of shape (rows, classes) and classes (rows,); got "
                             f"{shapes} and {y.shape}.")
        return float(np.mean(told.argmax(1) == y))

    def seconds(self, times):
        """What one run takes, the mean of some, on the rows that it ran on last; on zeros at first."""
        began = time.perf_counter()
        for _ in range(times):
            self._interpreter.invoke()
        return (time.perf_counter() - began) / times

    def _named(self, x):
        names = ", ".join(self._in)
        if not isinstance(x, dict):
            if len(self._in) > 1:
                raise ValueError(f"The file has several inputs: give a dict of arrays by name, {names}.")
            x = {names: x}
        if x.keys() != self._in.keys():
            raise ValueError(f"The file's inputs are {names}; got {', '.join(map(str, x))}.")
        arrays = {name: _as_asked(np.asarray(array), self._in[name]) for name, array in x.items()}
        for name, array in arrays.items():
            asked = self.inputs[name]
            if array.ndim != len(asked) or any(size not in (None, own)
                                               for size, own in zip(asked[1:], array.shape[1:])):
                raise ValueError(f'"{name}" takes an array of one row an example and the shape {asked}; got '
                                 f"{array.shape}.")
        if len({len(array) for array in arrays.values()}) != 1:
            raise ValueError("Each input should have the same number of rows.")
        return arrays

    def _run(self, arrays):
        shapes = {name: tuple(detail["shape"]) for name, detail in self._in.items()}
        if shapes != {name: array.shape for name, array in arrays.items()}:
            for name, array in arrays.items():
                self._interpreter.resize_tensor_input(self._in[name]["index"], array.shape)
            with quietly():
                self._interpreter.allocate_tensors()
            self._in, self._out = _details(self._interpreter)
        for name, array in arrays.items():
            self._interpreter.set_tensor(self._in[name]["index"], array)
        self._interpreter.invoke()
        return [_as_numbers(self._interpreter.get_tensor(detail["index"]), detail)
                for detail in self._out.values()]


def interpreter_class():
    """LiteRT's interpreter.

    Raises:
        ImportError: neither package is installed.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:
        try:
            import tensorflow as tf
        except ModuleNotFoundError:
            raise ImportError("LiteRT's interpreter is not installed: pip install ai-edge-litert",
                              name="ai_edge_litert") from None
        with quietly():  # it announces that it will move to the other package
            return tf.lite.Interpreter
    return Interpreter


def _details(interpreter):
    """(name -> what LiteRT says of each input, the same of each output)."""
    if signatures := interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(next(iter(signatures)))
        return runner.get_input_details(), runner.get_output_details()
    return tuple({detail["name"]: detail for detail in details}
                 for details in (interpreter.get_input_details(), interpreter.get_output_details()))


def _shape(detail):
    return tuple(None if size < 0 else int(size) for size in detail["shape_signature"])


def _as_asked(array, detail):
    """An array of the type that a file asks for: 8 bits q stand for (q - zero point) x scale."""
    scale, zero = detail["quantization"]
    if scale and array.dtype != detail["dtype"]:
        limits = np.iinfo(detail["dtype"])
        array = np.clip(np.round(array / scale + zero), limits.min, limits.max)
    return np.ascontiguousarray(array.astype(detail["dtype"]))


def _as_numbers(array, detail):
    scale, zero = detail["quantization"]
    return (array.astype("float32") - zero) * np.float32(scale) if scale else array.copy()

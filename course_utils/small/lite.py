"""A LiteRT file that runs on arrays. Needs ai-edge-litert, which is small, or TensorFlow."""

import time
from pathlib import Path

import numpy as np

from .quiet import quietly


class Lite:
    """A LiteRT (TensorFlow Lite) file, loaded, to be run on arrays.

    The interpreter is that of ai-edge-litert where it is installed, and else TensorFlow's.

    Args:
        file: its bytes, as `to_lite` returns them, or a path.
        threads: how many the interpreter may use.

    Attributes:
        content: the bytes.
        inputs, outputs: name -> shape of what goes in and comes out, tuples; None where the batch may have
            any size.

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
            ValueError: an input is missing or unknown, or has another shape.
        """
        arrays = self._named(x)
        rows, answers = len(next(iter(arrays.values()))), []
        size = rows if all(shape[0] is None for shape in self.inputs.values()) else \
            next(shape[0] for shape in self.inputs.values() if shape[0])
        if size != next(iter(self._in.values()))["shape"][0]:
            self._resize(size)
        for start in range(0, rows, max(size, 1)):
            answers.append(self._run({name: array[start: start + size] for name, array in arrays.items()}))
        together = [np.concatenate(each) for each in zip(*answers)]
        return together[0] if len(together) == 1 else together

    def accuracy(self, x, y):
        """The share of examples of which the largest output is that of the class. y: whole numbers, (n,)."""
        return float(np.mean(np.asarray(self.predict(x)).argmax(-1) == np.asarray(y)))

    def seconds(self, times):
        """What one run takes, the mean of some, on what was there last."""
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
            if array.ndim != len(self.inputs[name]) or array.shape[1:] != tuple(self._in[name]["shape"][1:]):
                raise ValueError(f'"{name}" takes one row an example, each of shape '
                                 f"{tuple(self.inputs[name][1:])}; got an array of shape {array.shape}.")
        if len({len(array) for array in arrays.values()}) != 1:
            raise ValueError("The inputs have another number of rows each.")
        return arrays

    def _resize(self, size):
        for detail in self._in.values():
            self._interpreter.resize_tensor_input(detail["index"], (size, *detail["shape"][1:]))
        with quietly():
            self._interpreter.allocate_tensors()
        self._in, self._out = _details(self._interpreter)

    def _run(self, arrays):
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
    """An array of the type that a file asks for; 8 bits stand for (number - zero point) x scale."""
    scale, zero = detail["quantization"]
    if scale and np.issubdtype(detail["dtype"], np.integer) and np.issubdtype(array.dtype, np.floating):
        limits = np.iinfo(detail["dtype"])
        array = np.clip(np.round(array / scale + zero), limits.min, limits.max)
    return np.ascontiguousarray(array.astype(detail["dtype"]))


def _as_numbers(array, detail):
    scale, zero = detail["quantization"]
    return (array.astype("float32") - zero) * np.float32(scale) if scale else array.copy()

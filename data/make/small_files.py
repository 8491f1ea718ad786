"""LiteRT files for the recordings of chapter 09, and how long they take, one in turn with the others."""

import contextlib
import io
import time
import warnings

import small  # noqa: F401  before TensorFlow

# isort: split
import numpy as np
import tensorflow as tf

warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated")  # it works in this version


def lite(model, pictures=None, sparse=False):
    """The bytes of a LiteRT file: in 32 bits, or in 8 with the ranges that these pictures give."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.EXPERIMENTAL_SPARSITY] * sparse
    if pictures is not None:
        converter.optimizations = [*converter.optimizations, tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([picture[None]] for picture in pictures)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return converter.convert()


def running(file, threads=1):
    """A function of one example that runs a LiteRT file; `.seconds(n)` is what one of n runs takes."""
    lite = tf.lite.Interpreter(model_content=file, num_threads=threads)
    lite.allocate_tensors()
    (asked,), (told,) = lite.get_input_details(), lite.get_output_details()
    lite.set_tensor(asked["index"], np.zeros(asked["shape"], asked["dtype"]))

    def one(example):
        lite.set_tensor(asked["index"], example[None])
        lite.invoke()
        return lite.get_tensor(told["index"])[0]

    def seconds(n):
        began = time.perf_counter()
        for _ in range(n):
            lite.invoke()
        return (time.perf_counter() - began) / n

    one.seconds = seconds
    return one


def race(entries, rounds=80, budget=0.001):
    """Key -> the fastest of `rounds` rounds, in which all take turns, in seconds for one run."""
    runs = {key: max(1, int(budget / entry.seconds(20))) for key, entry in entries.items()}
    taken = [{key: entry.seconds(runs[key]) for key, entry in entries.items()} for _ in range(rounds)]
    return {key: min(each[key] for each in taken) for key in entries}


def processor():
    """Its name, as Linux tells it."""
    with open("/proc/cpuinfo") as file:
        return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))

"""Record data/curves/pruning_sizes.npz: what pruning buys, beside int8 and fewer filters, for chapter 05.

    python data/make/pruning_sizes.py

Labels model and seed (0 to 4); every column has one row.
dense        the CNN at the best epoch of `Patience("val_loss", 5)`
pruned       tfmot's masks to 0.90 in 8 epochs, then `Patience("val_loss", 3)`, armed; stripped
half         half of the filters of both convolutions removed (those whose weights are smallest in sum),
             trained on until `Patience("val_loss", 3)`
int8         dense with weights and activations in 8 bits (LiteRT, calibrated on 100 training pictures)
pruned int8  pruned, then the same
dynamic, pruned dynamic, half dynamic
             weights in 8 bits, activations in float32 (LiteRT's dynamic range)

test_accuracy          of the LiteRT file, share of 540 pictures
zeros                  share of zeros among the kernels' weights (NaN for the 8-bit files)
weights                number of weights
keras_bytes, keras_gz  the .keras file without optimizer, raw and after gzip (NaN for the 8-bit files)
lite_bytes, lite_gz    the LiteRT file, raw and after gzip
microseconds           one picture through LiteRT's interpreter on one thread: the smallest of 15 rounds of
                       200 pictures, in which the eight models take turns
latency                microseconds by those of dense in the same run

Accuracies come again on one machine; microseconds do not, and a .keras file holds its date, which moves its
gzip by a few bytes.
"""

import argparse
import contextlib
import gzip
import io
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from curves_01 import record

import pruning
from course_utils.stopping import replay

# isort: split
import tensorflow as tf

warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated")  # it works in this version
SEEDS = range(5)
TARGET = 0.9
MODELS = ("dense", "pruned", "half", "int8", "pruned int8", "dynamic", "pruned dynamic", "half dynamic")
ROUNDS, PICTURES = 15, 200


def pruned(start, seed):
    """The pruned CNN, stripped."""
    rule = pruning.armed(TARGET)
    trained = pruning.prune(start, pruning.gradual(TARGET), seed, stop=rule)
    report = replay(rule, trained.history, best="val_loss", best_when=pruning.at_target(TARGET))
    model = pruning.network()
    model.set_weights(trained.weights[report.best_epoch])
    return model


def half(start, seed):
    """The CNN without half of its filters, trained on."""
    first, first_bias, second, second_bias, dense, *rest = start

    def largest(kernel):
        size = np.abs(kernel).sum((0, 1, 2))
        return np.sort(np.argsort(size)[len(size) // 2 :])

    a, b = largest(first), largest(second)
    flat = dense.reshape(4, 4, len(second_bias), -1)[:, :, b].reshape(-1, dense.shape[1])
    pruning.tf_keras.backend.clear_session()
    pruning.tf_keras.utils.set_random_seed(seed)
    model = pruning.compiled(pruning.network(filters=(len(a), len(b))))
    model.set_weights([first[..., a], first_bias[a], second[:, :, a][..., b], second_bias[b], flat, *rest])
    data, rule = pruning.digits(seed), pruning.Patience("val_loss", 3)
    trained = pruning.fit(model, data, seed, pruning.EPOCHS, rule, phase=1)
    model.set_weights(trained.weights[replay(rule, trained.history, best="val_loss").best_epoch])
    return model


def keras_file(model):
    """The bytes of the .keras file, without optimizer."""
    plain = pruning.tf_keras.models.clone_model(model)  # not compiled
    plain.set_weights(model.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        plain.save(path)
        return path.read_bytes()


def lite(model, eight_bits="", pictures=None):
    """The bytes of a LiteRT file; `eight_bits` is "", "dynamic" or "int8"."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if eight_bits:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if eight_bits == "int8":
        converter.representative_dataset = lambda: ([pictures[i : i + 1]] for i in range(100))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return converter.convert()


class Lite:
    """A LiteRT file that can be asked for the class of one picture."""

    def __init__(self, content):
        self.interpreter = tf.lite.Interpreter(model_content=content, num_threads=1)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        self.output = self.interpreter.get_output_details()[0]["index"]

    def label(self, picture):
        self.interpreter.set_tensor(self.input, picture[np.newaxis])
        self.interpreter.invoke()
        return int(self.interpreter.get_tensor(self.output).argmax())

    def seconds(self):
        began = time.perf_counter()
        for _ in range(PICTURES):
            self.interpreter.invoke()
        return (time.perf_counter() - began) / PICTURES


def table(seed):
    """Model -> its row, a dict of column -> number."""
    data = pruning.digits(seed)
    trained = pruning.dense(seed)
    start = trained.weights[pruning.first_stop(trained)[1]]
    models = {"dense": pruning.network(), "pruned": pruned(start, seed), "half": half(start, seed)}
    models["dense"].set_weights(start)
    files = {name: lite(model) for name, model in models.items()}
    for name, model in models.items():
        files[f"{name} dynamic".removeprefix("dense ")] = lite(model, "dynamic")
        files[f"{name} int8".removeprefix("dense ")] = lite(model, "int8", data.train[0])
    running = {name: Lite(files[name]) for name in MODELS}
    rounds = [{name: model.seconds() for name, model in running.items()} for _ in range(ROUNDS)]
    fastest = {name: min(seconds[name] for seconds in rounds) for name in MODELS}
    rows = {}
    for name in MODELS:
        model = models[name.split()[0] if name.split()[0] in models else "dense"]
        keras_bytes = keras_file(model) if name in models else None
        labels = [running[name].label(picture) for picture in data.test[0]]
        rows[name] = {
            "test_accuracy": np.mean(labels == data.test[1]),
            "zeros": pruning.sparsity(model) if name in models else np.nan,
            "weights": model.count_params(),
            "keras_bytes": len(keras_bytes) if keras_bytes else np.nan,
            "keras_gz": len(gzip.compress(keras_bytes, 9)) if keras_bytes else np.nan,
            "lite_bytes": len(files[name]),
            "lite_gz": len(gzip.compress(files[name], 9)),
            "microseconds": 1e6 * fastest[name],
            "latency": fastest[name] / fastest["dense"],
        }
    return rows


def main():
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    pruning.one_thread()
    tables = {}

    def run(model, seed):
        if seed not in tables:
            tables[seed] = table(seed)
        return {column: [value] for column, value in tables[seed][model].items()}

    record("pruning_sizes", run, [{"model": model, "seed": seed} for seed in SEEDS for model in MODELS])


if __name__ == "__main__":
    main()

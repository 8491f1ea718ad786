"""What the callbacks and the replay cost: ratios measured in one run. `make bench` writes them to README.md;
`python benchmarks/bench.py masks` measures one part of the table anew.

A training step takes at least 2 ms here; a ratio for a step that takes microseconds would only say how slow
Python is. What is compared takes turns, in rounds of a second or two, because the machine's own speed drifts
by more than a callback costs; what is shown is the median over many rounds of the ratio within the round.
Ratios are of processor time, on one thread: other programs on the machine have little say in it. Budgets are
of the clock on the wall.
"""

import datetime
import os
import platform
import statistics
import sys
import time
from pathlib import Path

import bench_pruning
import bench_scale
import bench_small
import keras
import numpy as np
import tensorflow as tf

from course_utils.classroom import data
from course_utils.multimodal import FreezeWhen
from course_utils.stopping import (
    After,
    Below,
    Epochs,
    GeneralizationLoss,
    GradientNorm,
    ImprovementBelow,
    Lasting,
    NotFinite,
    Patience,
    Plateau,
    Probe,
    ProgressQuotient,
    Runs,
    Smoothed,
    StopWhen,
    SuccessiveIncreases,
    TimeBudget,
    first_rows,
)

ROUNDS, EPOCHS, STEPS, BATCH = 60, 3, 60, 32
README = Path(__file__).with_name("README.md")

CRITERIA = [
    Below("val_loss", 0.1), NotFinite("val_loss"), Epochs(100), Patience("val_loss", 5),
    Patience("val_loss", 20), Patience("val_loss", 10, min_delta=0.001),
    ImprovementBelow("val_loss", 0.001, window=10, relative=True), GeneralizationLoss(5), ProgressQuotient(1),
    SuccessiveIncreases(3), Plateau("val_loss", 0.001, 4), Smoothed(5, Patience("val_loss", 5)),
    Lasting(3, GeneralizationLoss(2)),
    After(10, Patience("val_loss", 5)) | Epochs(200),
]


class Stopwatch(Probe):
    """Times training, each epoch, and each validation to its epoch's end. It is first, its `lap` last."""

    def __init__(self, clock):
        super().__init__("stopwatch")
        self.clock, self.epochs, self.validations = clock, [], []
        self.lap = Probe("lap")
        self.lap.on_epoch_end = self.end_of_epoch
        self.lap.on_train_end = lambda logs=None: setattr(self, "whole", clock() - self.training)

    def on_train_begin(self, logs=None):
        self.training = self.clock()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = self.clock()

    def on_test_begin(self, logs=None):
        self.validation = self.clock()

    def end_of_epoch(self, epoch, logs=None):
        now = self.clock()
        self.epochs.append(now - self.epoch)
        self.validations.append(now - self.validation)


def network():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(512, "relu") for _ in range(3)]
    model = keras.Sequential([keras.Input((256,)), *layers, keras.layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def images():
    chance = np.random.default_rng(0)
    x = chance.normal(size=(STEPS * BATCH, 256)).astype("float32")
    y = chance.integers(0, 10, STEPS * BATCH)
    train = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH).cache()
    return train, train.take(STEPS // 4)


def seconds_an_epoch(model, pictures, callbacks):
    train, validation = pictures
    watch = Stopwatch(time.process_time)
    model.fit(train, validation_data=validation, epochs=EPOCHS, verbose=0,
              callbacks=[watch, *callbacks, watch.lap])
    return min(watch.epochs[1:])  # in the first, what a callback changes is compiled


def training(pictures):
    """What callbacks cost in a real fit. Rows: what, measured, limit (below 0: at least), remark."""
    never = 10**6
    columns = {
        "nothing": lambda: [],
        "EarlyStopping": lambda: [keras.callbacks.EarlyStopping(patience=never, restore_best_weights=True)],
        "StopWhen": lambda: [StopWhen(Patience("val_loss", never), restore_best="val_loss")],
        "budgets": lambda: [StopWhen(Patience("val_loss", never) | TimeBudget(never) | NotFinite())],
        "GradientNorm": lambda: [GradientNorm()],
    }
    models = {name: network() for name in columns}
    for name, make in columns.items():
        seconds_an_epoch(models[name], pictures, make())  # TensorFlow compiles
    rounds = []
    for number in range(ROUNDS):
        first = number % len(columns)  # none is always the first
        order = [*columns][first:] + [*columns][:first]
        rounds.append({name: seconds_an_epoch(models[name], pictures, columns[name]()) for name in order})

    def ratio(one, other):
        ratios = sorted(each[one] / each[other] for each in rounds)
        middle = ratios[len(ratios) // 4 : -len(ratios) // 4]
        return statistics.median(ratios), f"half of {len(ratios)} rounds: {middle[0]:.3f} to {middle[-1]:.3f}"

    plain = statistics.median(each["nothing"] for each in rounds)
    step = 1000 * plain / (STEPS * (1 + 1 / 4 / 3))  # a batch of validation takes a third of a step
    assert step >= 2, f"a step takes {step:.2f} ms: too short to say something about training"
    return [
        ("a step of the training, in ms", step, None,
         f"an epoch is {STEPS} steps and {STEPS // 4} batches of validation"),
        row("StopWhen(Patience) / EarlyStopping", ratio("StopWhen", "EarlyStopping"), 1.02),
        row("StopWhen(Patience) / no callback", ratio("StopWhen", "nothing"), 1.02),
        row("StopWhen with budgets, asked every batch / no callback", ratio("budgets", "nothing"), None),
        row("GradientNorm (epoch's mean) / no callback", ratio("GradientNorm", "nothing"), 1.03),
    ]


def row(what, measured, limit):
    return what, measured[0], limit, measured[1]


def replaying():
    """What it costs to ask recorded runs."""
    recorded = [*data.load_curves("proben1").select(), *data.load_curves("validation_sets").select()][:1000]
    rows = sum(len(run["val_loss"]) for run in recorded)
    patiences = [Patience("val_loss", patience) for patience in range(1, 15)]
    seconds, some, ratios = [], recorded[::4], []
    for _ in range(5):
        seconds.append(timed(all_stops, CRITERIA, recorded)[0])
        ours, stops = timed(all_stops, patiences, some)
        theirs, their_stops = timed(all_stops_by_keras, patiences, some)
        assert their_stops == stops
        ratios.append(theirs / ours)
    return [
        (f"1000 recorded runs under {len(CRITERIA)} criteria, in s", statistics.median(seconds), 0.1,
         f"runs of 60 and of 300 epochs, {rows} in all"),
        ("EarlyStopping fed with recorded runs / first_rows", statistics.median(ratios), -500.0,
         f"{len(some)} of these runs under 14 patiences; the stops are equal"),
    ]


def all_stops(criteria, recorded):
    runs = Runs(recorded)
    return [first_rows(criterion, runs).tolist() for criterion in criteria]


def all_stops_by_keras(patiences, recorded):
    return [[early_stopping(criterion, run) for run in recorded] for criterion in patiences]


def timed(function, *args):
    began = time.process_time()
    result = function(*args)
    return time.process_time() - began, result


class Stub:
    stop_training = False


def early_stopping(criterion, run):
    """Where Keras's EarlyStopping of that patience ends a recorded run, or -1."""
    rule, model = keras.callbacks.EarlyStopping("val_loss", patience=criterion.patience, mode="min"), Stub()
    rule.set_model(model)
    rule.on_train_begin()
    for epoch, value in enumerate(run["val_loss"]):
        rule.on_epoch_end(epoch, {"val_loss": value})
        if model.stop_training:
            return epoch
    return -1


class Batches(Probe):
    """Seconds of each batch, with all that came before it since the last."""

    def on_train_begin(self, logs=None):
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        self.seconds.append(now - self.began)
        self.began = now


def budget(pictures):
    """How far a time budget is overdrawn, against one batch and one validation of the same training."""
    train, validation = pictures
    model, overdrawn, seconds = network(), [], []
    model.fit(train, validation_data=validation, verbose=0)  # what is compiled once is compiled now
    for number in range(21):
        watch, batches = Stopwatch(time.perf_counter), Batches("batches")
        stop = StopWhen(TimeBudget(1 + 0.03 * number))  # it runs out in different places of an epoch
        callbacks = [watch, batches, stop, watch.lap]
        model.fit(train, validation_data=validation, epochs=100, verbose=0, callbacks=callbacks)
        seconds.append(watch.whole - stop.criterion.seconds)
        overdrawn.append(seconds[-1] / (max(batches.seconds[-STEPS:]) + max(watch.validations)))
    median = f"{1000 * statistics.median(seconds):.0f} ms"
    return [("a time budget is overdrawn by, in (a batch + a validation)", max(overdrawn), 1.0,
             f"the worst of {len(seconds)} trainings of a second or two, against the longest of its last "
             f"{STEPS} batches and its longest validation; the median is {median}")]


def two_inputs(words):
    """Chapter 01's network for emoji, but with convolutions of all 48 x 48 pixels: a branch that weighs."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    inputs = [keras.Input((48, 48, 3)), keras.Input((words,))]
    picture, word = inputs[0], layers.Dense(64, "relu")(inputs[1])
    for number, filters in enumerate((16, 32, 64)):
        picture = layers.Conv2D(filters, 3, 2, "same", activation="relu", name=f"picture_{number}")(picture)
    both = layers.Concatenate()([layers.GlobalAveragePooling2D()(picture), word])
    model = keras.Model(inputs, layers.Dense(8)(layers.Dense(64, "relu")(both)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def freezing():
    """What FreezeWhen costs in a step before the freeze, and what a frozen branch saves after it."""
    split = data.emoji_split(0)
    train = tf.data.Dataset.from_tensor_slices(split.train).batch(BATCH, drop_remainder=True).cache()
    models = {name: two_inputs(len(split.vocabulary)) for name in ("plain", "before", "after")}
    criteria, rounds = {"before": Epochs(10**6), "after": Epochs(1)}, []
    for number in range(ROUNDS // 3):
        seconds = {}
        for name in ([*models] * 2)[number % 3 : number % 3 + 3]:  # none is always the first
            watch, pictures = bench_pruning.Epoch(), [f"picture_{number}" for number in range(3)]
            freeze = [FreezeWhen(criteria[name], pictures)] if name in criteria else []
            models[name].fit(train, epochs=4, verbose=0, callbacks=[watch, *freeze, watch.last])
            seconds[name] = sum(watch.seconds[2:])  # the second epoch traces the frozen step
        rounds.append(seconds)
    step = 1000 * statistics.median(each["plain"] for each in rounds) / (2 * int(train.cardinality()))

    def ratio(name):
        ratios = sorted(each[name] / each["plain"] for each in rounds)
        middle = ratios[len(ratios) // 4 : -len(ratios) // 4]
        return statistics.median(ratios), (f"of {step:.1f} ms; half of {len(ratios)} rounds: {middle[0]:.3f} "
                                           f"to {middle[-1]:.3f}")

    return [row("a step under FreezeWhen before the freeze / a step", ratio("before"), 1.03),
            row("a step after the pictures' branch is frozen / a step", ratio("after"), 0.6)]


def table(rows):
    lines = ["| what | measured | limit | |", "|---|---|---|---|"]
    for what, value, limit, remark in rows:
        bound = "" if limit is None else f"at most {limit:g}" if limit > 0 else f"at least {-limit:g}"
        lines.append(f"| {what} | {value:.{3 if value < 2 else 1}f} | {bound} | {remark} |")
    return lines


def main(names):
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    pictures = images()
    parts = {"training": lambda: training(pictures), "replaying": replaying,
             "budget": lambda: budget(pictures), "schedules": bench_pruning.same_sparsity,
             "masks": lambda: bench_pruning.step_cost(network), "freezing": freezing,
             "scale": bench_scale.rows, "small": bench_small.rows}
    rows = []
    for name in names or parts:
        rows += parts[name]()
        print(*table(rows), sep="\n", flush=True)  # a part that fails later takes nothing with it
    versions = f"keras {keras.__version__}, TensorFlow {tf.__version__}, Python {platform.python_version()}"
    head = f"{datetime.date.today()}, {versions}, {os.cpu_count()} cores."
    before, _, measured = README.read_text(encoding="utf-8").partition("## Measured")
    old = measured.strip().splitlines()[4:] if names else []  # a part leaves the others' rows
    lines = [*old, *table(rows)[2:]]
    newest = {line.split(" | ")[0]: line for line in lines}
    text = "\n".join([before + "## Measured", "", head, "", *table([]), *newest.values(), ""])
    README.write_text(text, encoding="utf-8")
    over = [what for what, value, limit, _ in rows
            if limit is not None and (value > limit if limit > 0 else value < -limit)]
    if over:
        sys.exit("Over the limit: " + "; ".join(over))


if __name__ == "__main__":
    main(sys.argv[1:])

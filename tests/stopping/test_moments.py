"""Right place, right moment, right name: what a step is, which weights are kept, whose column it is."""

import copy
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils.pruning import PruneWhen
from course_utils.stopping import (
    After,
    Asked,
    Below,
    Epochs,
    GradientNorm,
    History,
    Patience,
    Probe,
    StepBudget,
    StopWhen,
    TensorBoardReport,
    When,
    scale_learning_rate,
)
from fits import Weights, X, Y, both, fit, same, tiny

NOISE = np.random.default_rng(0)


class Gan(keras.Model):
    """Two optimizers of its own, and none where Keras looks."""

    def __init__(self):
        super().__init__()
        self.g = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
        self.d = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])

    def compile(self, d_opt, g_opt):
        super().compile()
        self.d_opt, self.g_opt = d_opt, g_opt

    def call(self, z):
        return self.d(self.g(z))

    def train_step(self, real):
        z = tf.random.normal((tf.shape(real)[0], 4))
        with tf.GradientTape() as tape:
            d_loss = tf.reduce_mean(tf.nn.softplus(-self.d(real)) + tf.nn.softplus(self.d(self.g(z))))
        weights = self.d.trainable_weights
        self.d_opt.apply_gradients(zip(tape.gradient(d_loss, weights), weights))
        with tf.GradientTape() as tape:
            g_loss = tf.reduce_mean(tf.nn.softplus(-self.d(self.g(z))))
        weights = self.g.trainable_weights
        self.g_opt.apply_gradients(zip(tape.gradient(g_loss, weights), weights))
        return {"d_loss": d_loss, "g_loss": g_loss}


def test_a_gan_has_steps_too():
    model, stop = Gan(), StopWhen(StepBudget(10))
    model.compile(keras.optimizers.Adam(), keras.optimizers.Adam())
    model.fit(np.random.rand(120, 8).astype("float32"), batch_size=20, epochs=6, verbose=0,
              callbacks=[GradientNorm(), stop])
    assert stop.report.reason == "10 steps are done in batch 3 of epoch 1"
    assert stop.report.step == int(model.d_opt.iterations) == 10 and stop.history["steps"] == [6, 10]
    assert np.isfinite(stop.history["gradient_norm"]).all() and stop.report.notes == ()


class Busy(Gan):
    """Its discriminator takes a second step in each batch."""

    def train_step(self, real):
        logs, weights = super().train_step(real), self.d.trainable_weights
        self.d_opt.apply_gradients([(tf.zeros_like(weight), weight) for weight in weights])
        return logs


class OfParts(Gan):
    """Its optimizers are those of the models in it."""

    d_opt, g_opt = property(lambda self: self.d.optimizer), property(lambda self: self.g.optimizer)

    def compile(self, d_opt, g_opt):
        keras.Model.compile(self)
        self.d.compile(d_opt)
        self.g.compile(g_opt)


@pytest.mark.parametrize(("kind", "a_batch"), [(Busy, 2), (OfParts, 1)])
def test_of_all_optimizers_in_a_model_the_busiest_counts(kind, a_batch):
    model, stop = kind(), StopWhen(Epochs(2))
    model.compile(keras.optimizers.Adam(), keras.optimizers.Adam())
    model.fit(np.random.rand(60, 8).astype("float32"), batch_size=20, epochs=2, verbose=0, callbacks=[stop])
    assert stop.history["steps"] == [3 * a_batch, 6 * a_batch] and stop.report.notes == ()


class ByHand(keras.Model):
    """A train_step that moves the weights by itself, with no optimizer at all."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
        for weight, slope in zip(self.trainable_weights, tape.gradient(loss, self.trainable_weights)):
            weight.assign_sub(0.01 * slope)
        return {"loss": loss}


def test_where_no_optimizer_moves_batches_are_counted_and_the_report_says_so():
    inputs = keras.Input((2,))
    model, stop = ByHand(inputs, keras.layers.Dense(1)(inputs)), StopWhen(StepBudget(5))
    model.compile("sgd", "mse")
    fit(model, stop, epochs=4)
    assert stop.report.step == 5 and stop.history["steps"] == [3, 5]
    assert stop.report.notes == ("steps are batches: no optimizer of the model was seen at work",)


def test_a_step_is_an_update_with_accumulated_gradients_too():
    model = tiny(keras, optimizer=keras.optimizers.SGD(0.01, gradient_accumulation_steps=2))
    stop = StopWhen(Epochs(2))
    fit(model, stop)  # three batches an epoch
    assert stop.history["steps"] == [1, 3] and int(model.optimizer.iterations) == 3


def test_the_norm_of_accumulated_gradients_is_that_of_the_update():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False,
                                                                   kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.1, gradient_accumulation_steps=2), "mse")
    x, y = np.ones((8, 1), "float32"), np.array([[1], [-1]] * 4, "float32")  # -2 and +2: their mean is 0
    stop = StopWhen(Epochs(2))
    model.fit(x, y, batch_size=1, shuffle=False, epochs=2, verbose=0, callbacks=[GradientNorm(), stop])
    assert stop.history["gradient_norm"] == [0.0, 0.0]
    model.fit(x, np.ones((8, 1)), batch_size=1, shuffle=False, verbose=0, callbacks=[GradientNorm(), stop])
    mean = np.mean([2 * 0.8**k for k in range(4)])
    assert stop.history["gradient_norm"][0] == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize("spe", [1, 64])
def test_a_ramp_takes_its_epochs_however_many_steps_are_run_at_once(spe):
    x = NOISE.normal(size=(208, 6)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x, x[:, :1])).batch(16)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(32), keras.layers.Dense(1)])
    model.compile("adam", "mse", steps_per_execution=spe)
    prune = PruneWhen(Epochs(1), 0.9, epochs=8, frequency=1)
    model.fit(data, epochs=10, verbose=0, callbacks=[prune])
    reached = [sparsity > 0.89 for sparsity in prune.history["sparsity"]]
    assert reached[:7] == [False] * 7
    assert reached[8] and prune.report.step == 130


def test_a_ramp_that_begins_in_an_epoch_of_unknown_length_waits_for_its_length():
    x = NOISE.normal(size=(208, 6)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x, x[:, :1])).batch(16).filter(lambda a, b: True)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(32), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    prune = PruneWhen(StepBudget(3), 0.9, epochs=8, frequency=1)
    model.fit(data, epochs=10, verbose=0, callbacks=[prune])
    # Keras 3.15 makes 14 updates of 13 batches whose number it does not know
    assert prune.pruner.facts()["ramp"] == 8 * prune.history["steps"][0]
    assert prune.history["sparsity"][6] < 0.9 < prune.history["sparsity"][8] + 1e-2


def test_a_ramp_that_begins_in_the_first_epoch_counts_updates_and_not_batches():
    x = NOISE.normal(size=(208, 6)).astype("float32")  # 13 batches, 6 updates
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(32), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01, gradient_accumulation_steps=2), "mse")
    prune = PruneWhen(StepBudget(2), 0.9, epochs=8, frequency=1)
    model.fit(x, x[:, :1], batch_size=16, epochs=1, verbose=0, callbacks=[prune])
    assert prune.pruner.facts()["ramp"] == 8 * 6


@pytest.mark.parametrize("order", [
    "swap, stop", "stop, epoch swap", pytest.param("stop, swap", marks=pytest.mark.rare),
    pytest.param("epoch swap, stop", marks=pytest.mark.rare)])
def test_the_kept_weights_are_those_that_were_measured(order):
    keras.utils.set_random_seed(0)
    chance = np.random.default_rng(0)
    x = chance.normal(size=(160, 8)).astype("float32")
    y = (x @ chance.normal(size=(8, 1)) + 0.8 * chance.normal(size=(160, 1))).astype("float32")
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.02, use_ema=True, ema_momentum=0.95), "mse")
    stop = StopWhen(Patience("val_loss", 3), "val_loss")
    swap = keras.callbacks.SwapEMAWeights("epoch" in order)
    callbacks = [stop, swap] if order.startswith("stop") else [swap, stop]
    model.fit(x[:120], y[:120], validation_data=(x[120:], y[120:]), epochs=25, verbose=0, callbacks=callbacks)
    assert model.evaluate(x[120:], y[120:], verbose=0) == pytest.approx(stop.report.kept, rel=1e-5)


def test_what_training_measured_best_are_the_weights_of_training():
    """SwapEMAWeights puts averages in for validation: the training loss was measured with others."""
    model = tiny(keras, optimizer=keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    stop, seen = StopWhen(Epochs(3), "loss"), Weights()
    fit(model, seen, keras.callbacks.SwapEMAWeights(), stop, validation_data=(X, Y))
    assert same(model.get_weights(), seen.at[stop.report.best_epoch])


@pytest.mark.parametrize("name", ["seconds", "steps", "epoch", "batch"])
def test_a_metric_with_a_name_of_the_history_s_own_is_an_error_at_the_first_row(name):
    class Named(Probe):
        def on_epoch_end(self, epoch, logs=None):
            logs[name] = 1.0

    with pytest.raises(ValueError, match=f'A metric is called "{name}", which is a column of the history'):
        fit(tiny(keras), Named("named"), StopWhen(Epochs(2)))


def test_a_probe_and_pruning_do_not_write_over_a_metric():
    class Named(Probe):
        def on_epoch_end(self, epoch, logs=None):
            logs[self.name] = 1.0

    with pytest.raises(ValueError, match='There is a column "gradient_norm" already'):
        fit(tiny(keras), Named("gradient_norm"), GradientNorm())
    with pytest.raises(ValueError, match='A metric is called "sparsity"'):
        fit(tiny(keras), Named("sparsity"), PruneWhen(Epochs(1), 0.5))


def test_what_was_used_can_be_copied(tmp_path):
    model = tiny(keras)
    stop, prune = StopWhen(Epochs(9), "loss"), PruneWhen(Epochs(1), 0.5, epochs=1)
    board, lower = TensorBoardReport(stop, tmp_path), When(Epochs(2), scale_learning_rate(0.5))
    fit(model, GradientNorm(), prune, lower, stop, board)
    for used in (stop, prune, board, lower):
        for twin in (copy.deepcopy(used), pickle.loads(pickle.dumps(used))):
            if hasattr(used, "report"):
                assert twin.report == used.report
            fit(model, *([twin.stop, twin] if isinstance(twin, TensorBoardReport) else [twin]))


def test_two_prunings_in_one_fit_leave_no_constraint():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(8), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    fit(model, PruneWhen(Epochs(1), 0.5, epochs=1), PruneWhen(Epochs(2), 0.8, epochs=1), epochs=4)
    assert [variable.constraint for variable in model.trainable_variables] == [None] * 4


def counting(method, seen):
    def counted(self, rows):
        seen.append(self.rows)
        return method(self, rows)

    return counted


def test_a_row_costs_the_same_however_long_the_run_is(monkeypatch):
    """No wrapper copies the history for each row: it did, around a function."""
    copied = []
    for name in ("head", "tail"):
        monkeypatch.setattr(History, name, counting(getattr(History, name), copied))
    rule = After(2, Asked(lambda history: history.rows > 900)) | Below("loss", 0)
    history = {"loss": [1.0] * 1000}
    assert rule.first(history) == 902 and len(copied) < 6


def test_a_row_of_a_fit_costs_the_same_however_long_it_is(monkeypatch):
    copied = []
    for name in ("head", "tail"):
        monkeypatch.setattr(History, name, counting(getattr(History, name), copied))
    rule = After(2, Asked(lambda history: False)) | Patience("loss", 99)
    fit(tiny(keras, run_eagerly=True), StopWhen(rule), epochs=12)
    assert len(copied) < 6


def test_best_by_a_metric_that_needs_no_validation_is_measured_in_training():
    stop = StopWhen(Epochs(3), "loss")
    model = tiny(keras, optimizer=keras.optimizers.SGD(0.01, use_ema=True))
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[stop])
    assert stop.report.best_epoch == 2


@both
def test_a_metric_called_batch_loss_is_not_overwritten_where_batches_are_rows(K):
    model = tiny(K, metrics=[K.metrics.MeanAbsoluteError(name="batch_loss")])
    with pytest.raises(ValueError, match='A metric is called "batch_loss", which is a column of the history'):
        fit(model, StopWhen(Below("loss", -1), check="batch"))
    stop = StopWhen(Epochs(2))
    fit(model, stop)
    assert "batch_loss" in stop.history  # where epochs are rows it is a metric like any other


@both
@pytest.mark.parametrize("make", [lambda: StopWhen(Epochs(2)), lambda: When(Epochs(2), print)])
def test_an_object_that_is_listed_twice_is_an_error_before_the_first_step(K, make):
    model, twice = tiny(K), make()
    with pytest.raises(ValueError, match=f"This {type(twice).__name__} stands twice in callbacks"):
        fit(model, twice, twice)
    assert int(model.optimizer.iterations) == 0
    fit(model, twice, make())

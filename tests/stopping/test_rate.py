"""The learning rate: the probe's column is what it says, in both Kerases, whoever sets the rate."""

import keras
import numpy as np
import pytest
import tf_keras

from course_utils.stopping import Below, LearningRate, MissingColumn, RateFloor, StopWhen
from course_utils.stopping.history import missing_column
from course_utils.stopping.rate import rate_of
from fits import Script, both, fit, shared, tiny


def rates(K, *callbacks, optimizer=None, epochs=3, **options):
    """The column that the probe writes after these callbacks."""
    stop = StopWhen(Below("loss", -1))
    fit(tiny(K, rate=0.5, optimizer=optimizer), *callbacks, LearningRate(), stop, epochs=epochs, **options)
    return stop.history["learning_rate"]


@both
def test_a_fixed_rate(K):
    assert rates(K) == pytest.approx([0.5] * 3)


@both
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
def test_a_schedule_is_read_at_the_last_update(K, kind):
    """Three updates an epoch, the rate halved after each: the third was made with a quarter."""
    halved = K.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    optimizer = getattr(K.optimizers, kind)(halved)
    assert rates(K, optimizer=optimizer) == pytest.approx([0.5 / 4, 0.5 / 32, 0.5 / 256])


@both
def test_the_rate_moved_the_weights(K):
    """Not what somebody says the rate is: what the last step was made with."""
    halved = K.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    model = K.Sequential([K.Input((1,)) if K is keras else K.layers.InputLayer((1,)),
                          K.layers.Dense(1, use_bias=False)])
    model.compile(K.optimizers.SGD(halved), loss=lambda y, z: z)  # the gradient is the mean input, 1
    moved = []

    class Moves(K.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.before = float(np.ravel(model.get_weights()[0])[0])

        def on_train_batch_end(self, batch, logs=None):
            moved.append(self.before - float(np.ravel(model.get_weights()[0])[0]))

    stop = StopWhen(Below("loss", -1e9), check="batch")
    model.fit(np.ones((3, 1)), np.ones((3, 1)), batch_size=1, epochs=2, verbose=0,
              callbacks=[Moves(), LearningRate(per_batch=True), stop])
    assert stop.history["learning_rate"] == pytest.approx(moved, rel=1e-3)


def test_a_schedule_under_loss_scaling():
    halved = keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(halved), initial_scale=2.0)
    assert rates(keras, optimizer=optimizer, epochs=1) == pytest.approx([0.5 / 4])


@both
def test_beside_keras_own_callbacks(K):
    """They write the rate that the epoch was trained with, the plateau's before it lowers it."""
    by_epoch = K.callbacks.LearningRateScheduler(lambda epoch: 0.5 / (1 + epoch))
    assert rates(K, by_epoch) == pytest.approx([0.5, 0.25, 0.5 / 3])
    for probes in [[LearningRate()], []] if K is keras else [[LearningRate()]]:  # tf_keras writes "lr"
        plateau = K.callbacks.ReduceLROnPlateau("flat", factor=0.1, patience=1, min_lr=1e-3, mode="min")
        column = rates(K, Script(flat=[1.0] * 6), *probes, plateau, epochs=6)
        assert column == pytest.approx([0.5, 0.5, 0.05, 0.005, 1e-3, 1e-3])


@both
def test_training_ends_at_the_floor(K):
    plateau = K.callbacks.ReduceLROnPlateau("flat", factor=0.1, patience=1, min_lr=1e-3, mode="min")
    stop = StopWhen(RateFloor(1e-3))
    fit(tiny(K, rate=0.5), Script(flat=[1.0] * 9), LearningRate(), plateau, stop, epochs=9)
    assert stop.report.reason == "learning_rate 0.001 at epoch 4 has reached its floor, 0.001"
    down = K.optimizers.schedules.PolynomialDecay(0.5, 4, 0.125)
    stop = StopWhen(RateFloor(0.125))
    fit(tiny(K, optimizer=K.optimizers.SGD(down)), LearningRate(), stop, epochs=9)
    assert stop.report.epoch == 1  # update 4 is the second of epoch 1


@both
def test_a_column_that_is_something_else_is_not_taken_for_the_rate(K):
    with pytest.raises(ValueError, match='There is a column "learning_rate" already, and in it 7.0'):
        rates(K, Script(learning_rate=[7.0]))
    stop = StopWhen(RateFloor(0.5, metric="rate"))
    fit(tiny(K, rate=0.5), Script(learning_rate=[7.0]), LearningRate("rate"), stop)
    assert stop.report.reason == "rate 0.5 at epoch 0 has reached its floor, 0.5"
    assert stop.history["learning_rate"] == [7.0]


def test_without_the_probe_the_error_names_it():
    with pytest.raises(MissingColumn, match=r"The probe LearningRate\(\) writes it: put it before"):
        fit(shared(keras), StopWhen(RateFloor(1e-3)))
    assert "LearningRate(per_batch=True)" in str(missing_column("learning_rate", ["batch", "loss"]))


def test_a_model_without_a_rate_is_refused_when_training_begins():
    class Bare:
        optimizer = None

    class Odd:
        optimizer = object()

    with pytest.raises(TypeError, match="read from model.optimizer; this model has no optimizer"):
        rate_of(Bare())
    with pytest.raises(TypeError, match="this model has object, which has none"):
        rate_of(Odd())
    probe = LearningRate()
    probe.set_model(Bare())
    with pytest.raises(TypeError, match="no optimizer"):
        probe.on_train_begin()


def test_a_rate_that_is_a_function_is_read_too():
    assert rates(keras, optimizer=keras.optimizers.SGD(lambda: 0.25), epochs=1) == [0.25]


def test_the_legacy_optimizers_of_tf_keras():
    legacy = tf_keras.optimizers.legacy.SGD
    halved = tf_keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    assert rates(tf_keras, optimizer=legacy(0.25), epochs=1) == pytest.approx([0.25])
    assert rates(tf_keras, optimizer=legacy(halved), epochs=1) == pytest.approx([0.5 / 4])

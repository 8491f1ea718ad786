"""Rows that are evaluations: every so many steps, in both Kerases, and with data that has no end."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils.stopping import After, Epochs, Every, Patience, StepBudget, StopWhen, replay
from fits import Clock, X, Y, both, fit, tiny

RANDOM = np.random.default_rng(1)
VALIDATION = (RANDOM.normal(size=(8, 2)).astype("float32"), RANDOM.normal(size=(8, 1)).astype("float32"))


@both
def test_an_evaluation_is_a_row_and_the_best_weights_are_those_it_measured(K):
    model = tiny(K, 0.1, run_eagerly=True)
    stop = StopWhen(Patience("val_loss", 2), "val_loss", check=Every(2, VALIDATION))
    fit(model, stop, epochs=20)  # three batches an epoch
    history = stop.history
    assert history.unit == "evaluation" and history["evaluation"] == list(range(history.rows))
    assert history["steps"] == [2 * (n + 1) for n in range(history.rows)]
    assert stop.report.reason.endswith("for 2 evaluations") and " at step " in stop.report.reason
    assert model.evaluate(*VALIDATION, verbose=0) == pytest.approx(stop.report.kept, rel=1e-5)
    replayed = replay(stop.criterion, history, best="val_loss")
    assert (replayed.reason, replayed.kept, replayed.step) == (
        stop.report.reason, stop.report.kept, stop.report.step)


@both
def test_what_the_epoch_has_measured_is_not_disturbed(K):
    """The epoch's own loss is the mean over its batches, evaluations or not."""
    losses = []
    for callbacks in ([], [StopWhen(Patience("val_loss", 99), check=Every(1, VALIDATION))]):
        losses.append(fit(tiny(K, 0.1, run_eagerly=True), *callbacks, epochs=2).history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)


def test_data_without_an_end():
    data = tf.data.Dataset.from_tensor_slices((X, Y)).repeat().batch(5).filter(lambda x, y: True)
    model = tiny(keras, 0.05)
    stop = StopWhen(Patience("val_loss", 3) | StepBudget(60), "val_loss",
                    check=Every(4, tf.data.Dataset.from_tensor_slices(VALIDATION).batch(4)))
    model.fit(data, epochs=1, verbose=0, callbacks=[stop])
    assert stop.report.epoch == 0 and stop.report.step <= 60 and stop.history.rows >= 4
    assert all(not steps % 4 for steps in stop.history["steps"])


def test_several_steps_at_once_are_evaluated_once():
    model = tiny(keras, steps_per_execution=3)
    stop = StopWhen(Patience("val_loss", 99), check=Every(2, VALIDATION))
    fit(model, stop, epochs=4)
    assert stop.history["steps"] == [3, 6, 9, 12]


def test_it_resumes(tmp_path):
    def run(folder, epochs):
        clock = Clock()
        stop = StopWhen(Patience("val_loss", 99), "val_loss", check=Every(2, VALIDATION), clock=clock,
                        state=folder / "state")
        backup = keras.callbacks.BackupAndRestore(folder / "backup")
        try:
            fit(tiny(keras, 0.1, run_eagerly=True), clock, stop, backup, *epochs, epochs=6)
        except KeyboardInterrupt:
            pass
        return stop

    class Dies(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    whole = run(tmp_path / "whole", [])
    run(tmp_path, [Dies()])
    assert dict(run(tmp_path, []).history) == dict(whole.history)


def test_what_makes_no_sense_is_refused():
    for steps, message in itertools.product((0, 1.5), ["steps should be a whole number"]):
        with pytest.raises(ValueError, match=message):
            Every(steps, VALIDATION)
    with pytest.raises(ValueError, match="an evaluation needs data"):
        Every(5, None)
    for rule, message in ((Epochs(3), "here they are evaluations"), (After(1, Epochs(3)), "evaluations")):
        with pytest.raises(ValueError, match=message):
            StopWhen(rule, check=Every(5, VALIDATION))
    with pytest.raises(ValueError, match="or an Every"):
        StopWhen(Epochs(3), check="evaluation")

"""StopWhen and When in real fits of keras and tf_keras, under a fake clock, and against EarlyStopping.

Curves are scripted: a callback that stands first writes the columns into the logs, the fit itself is real.
What holds for any curve is tried with a stub in a model's place, through the same hooks.
"""

import copy
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from any_curve import NESTED, histories
from course_utils.stopping import (
    Above,
    After,
    Armed,
    Below,
    Epochs,
    GradientNorm,
    History,
    MissingColumn,
    NotFinite,
    Patience,
    Probe,
    StepBudget,
    StopWhen,
    TimeBudget,
    WeightChange,
    When,
    best_so_far,
    replay,
    scale_learning_rate,
)
from fits import (
    BATCH,
    INF,
    NAN,
    SAMPLES,
    SHARED,
    Clock,
    EachBatch,
    Interrupt,
    Script,
    Weights,
    X,
    Y,
    both,
    fit,
    same,
    shared,
    tiny,
)

# ---- live against replay ----


class Stub:
    """All of a model that the callbacks touch."""

    def __init__(self):
        self.stop_training, self.metrics, self.optimizer, self.weights = False, [], self, [None]
        self.iterations = 0

    def get_weights(self):
        return list(self.weights)

    def set_weights(self, weights):
        self.weights = list(weights)


def drive(callback, history, clock=None):
    """What fit does, a row at a time: returns the stub and the epoch it stopped at (None: it did not)."""
    model, stop = Stub(), None
    callback.set_model(model)
    callback.set_params({"epochs": history.rows})
    callback.on_train_begin()
    for epoch in range(history.rows):
        callback.on_epoch_begin(epoch)
        own = ("seconds", "steps", "job_seconds")
        row = {name: values[epoch] for name, values in history.items() if name not in own}
        logs = {name: value for name, value in row.items() if value is not None}
        model.weights = [epoch]
        model.iterations = history["steps"][epoch]
        if clock is not None:
            clock.now = history["seconds"][epoch]
        given = dict(logs)
        callback.on_epoch_end(epoch, logs)
        assert logs.keys() == given.keys()
        if model.stop_training:
            stop = epoch
            break
    callback.on_train_end()
    return model, stop


def alike(live, replayed):
    assert live.reason == replayed.reason and live.ended_by == replayed.ended_by
    assert (live.epoch, live.step, live.metric) == (replayed.epoch, replayed.step, replayed.metric)
    assert (live.best_epoch, live.kept, live.epochs_after_best) == (
        replayed.best_epoch,
        replayed.kept,
        replayed.epochs_after_best,
    )


@settings(max_examples=150)
@given(NESTED, histories(), st.sampled_from([None, "min", "max"]))
def test_live_is_replay_on_any_curve(criterion, history, mode):
    if not history.rows:
        return
    for name, values in history.items():
        if not name.startswith("val_"):  # Keras measures what it trains on in every epoch
            history[name] = [1.0 if value is None else value for value in values]
    history["job_seconds"] = list(history["seconds"])  # of a run that is one job
    clock = Clock()
    clock.now = 0.0
    best = "val_loss" if mode else None
    # Keras would say that validation never came; here it may come late, or never
    stop = StopWhen(criterion, best, mode, validation_freq=10**9, clock=clock)
    model, stopped = drive(stop, history, clock)
    replayed = replay(criterion, history, best, mode)
    alike(stop.report, replayed)
    assert stop.report.seconds == replayed.seconds
    assert stopped == criterion.first(history) and (stopped is None or stopped == replayed.epoch)
    if replayed.best_epoch is not None:
        assert model.weights == [replayed.best_epoch]
    if history.keys() <= stop.history.keys():
        alike(replay(criterion, stop.history, best, mode), replayed)  # what it kept says the same


CURVE = [5.0, 4.0, 4.5, None, 3.0, 3.5, NAN, 3.0, INF, 6.0]


def doubled(history):
    values = [value for value in history["val_loss"] if value is not None]
    return values[-1] >= 2 * min(values)


@both
@pytest.mark.parametrize(
    "criterion",
    [
        Patience("val_loss", 3),
        Patience("val_loss", 2, min_delta=1.5),
        Patience("score", 4, mode="max"),
        Below("val_loss", 3.5) & Above("score", 0.2),
        After(2, Below("val_loss", 4.2)) | Epochs(9),
        NotFinite("val_loss"),
        Below("val_loss", 0),
        After(1, doubled),
        Below("val_loss", 0) | After(3, Patience("val_loss", 1)),
        StepBudget(12),
    ],
    ids=repr,
)
def test_live_is_replay_in_a_real_fit(K, criterion):
    script = dict(val_loss=CURVE, score=[0.1, 0.3, 0.2, 0.3, 0.35, 0.35, 0.3, 0.2, 0.1, 0.0])
    clock, notes = Clock(), Weights()
    stop = StopWhen(criterion, "val_loss", clock=clock)
    model = shared(K)
    fit(model, clock, Script(**script), notes, stop, epochs=10)
    recorded = History(script, seconds=[3.0 * n for n in range(1, 11)], steps=[3 * n for n in range(1, 11)])
    replayed = replay(criterion, recorded, best="val_loss")
    if "StepBudget" in repr(criterion):  # it ends in a batch, which a history of epochs does not know
        assert (
            stop.report.reason == "12 steps are done in batch 2 of epoch 3"
            and replayed.epoch == stop.report.epoch
        )
        assert (stop.report.best_epoch, stop.report.kept) == (replayed.best_epoch, replayed.kept)
    else:
        alike(stop.report, replayed)
        assert stop.report.seconds == replayed.seconds
    assert same(model.get_weights(), notes.at[replayed.best_epoch])
    assert len(notes.at) == replayed.epoch + 1 == stop.history.rows
    assert stop.history["val_loss"] == pytest.approx(CURVE[: stop.history.rows], nan_ok=True)


# ---- Patience against EarlyStopping ----


def early_stopping(K, values, patience, min_delta, mode):
    """(stop epoch or None, restored epoch) of Keras's own callback, fed by hand."""
    stopping = K.callbacks.EarlyStopping("x", min_delta, patience, mode=mode, restore_best_weights=True)
    model = Stub()
    stopping.set_model(model)
    stopping.on_train_begin()
    for epoch, value in enumerate(values):
        model.weights = [epoch]
        stopping.on_epoch_end(epoch, {"x": value})
        if model.stop_training:
            break
    stopping.on_train_end()
    return (epoch if model.stop_training else None), model.weights[0]


def ours(values, patience, min_delta, mode):
    report = replay(Patience("x", patience, min_delta, mode=mode), {"x": values}, best="x", mode=mode)
    return (None if report.ended_by == "all epochs done" else report.epoch), report.best_epoch


@both
@settings(max_examples=100)
@given(
    st.lists(st.sampled_from([n / 8 for n in range(-8, 9)]), min_size=1, max_size=15),
    st.integers(1, 4),
    st.sampled_from([0, 1 / 8, 1 / 2, 1]),
    st.sampled_from(["min", "max"]),
)
def test_patience_stops_where_early_stopping_does(K, values, patience, min_delta, mode):
    stop, restored = early_stopping(K, values, patience, min_delta, mode)
    stop_here, best = ours(values, patience, min_delta, mode)
    assert stop_here == stop
    if not min_delta:
        assert best == restored


@pytest.mark.parametrize(
    "values, patience, min_delta, keras_says, we_say",
    [
        # the first value is NaN: Keras 3 finds nothing better, stops while improving, restores the NaN epoch
        ([NAN, 4.0, 3.0, 2.0, 1.0], 2, 0, (2, 0), (None, 4)),
        # an epoch that is better by less than min_delta is never stored
        ([4.0, 3.5, 3.25, 3.5], 3, 1.0, (3, 0), (3, 2)),
    ],
)
def test_where_we_differ_from_early_stopping(values, patience, min_delta, keras_says, we_say):
    assert early_stopping(keras, values, patience, min_delta, "min") == keras_says
    assert ours(values, patience, min_delta, "min") == we_say


@both
def test_patience_nought_is_refused_where_keras_takes_it_for_one(K):
    values = [3.0, 4.0, 5.0]
    assert early_stopping(K, values, 0, 0, "min") == early_stopping(K, values, 1, 0, "min") == (1, 0)
    with pytest.raises(ValueError, match="patience should be a whole number of at least 1; got 0"):
        Patience("x", 0, mode="min")


@both
def test_side_by_side_with_early_stopping_in_one_fit(K):
    script = dict(val_score=[1.0, 3.0, 2.0, 3.0, 2.5, 9.0])
    theirs = K.callbacks.EarlyStopping("val_score", patience=3, mode="max", restore_best_weights=True)
    stop = StopWhen(Patience("val_score", 3, mode="max"), "val_score", "max")
    model, notes = shared(K), Weights()
    fit(model, Script(**script), notes, theirs, stop, epochs=6)
    assert len(notes.at) == 5 and stop.report.epoch == 4 and theirs.stopped_epoch == 4
    assert same(model.get_weights(), notes.at[1]) and same(theirs.best_weights, notes.at[1])
    # both were met in this epoch: ours says why, whoever came first in the list
    assert stop.report.ended_by == "Patience('val_score', patience=3, mode='max')"


# ---- one object, several fits; other ends ----


@both
def test_every_fit_begins_afresh(K):
    stop, model, notes = StopWhen(Patience("val_loss", 2), "val_loss"), shared(K), Weights()
    fit(model, Script(val_loss=[0.1, 0.2, 0.3, 0.4]), stop, epochs=4)
    assert (stop.report.epoch, stop.report.best_epoch, stop.report.kept) == (2, 0, 0.1)
    fit(model, Script(val_loss=[5.0, 4.0, 3.0, 4.0]), notes, stop, epochs=4)  # never as good as the first
    assert (stop.report.epoch, stop.report.best_epoch, stop.report.kept, stop.report.step) == (3, 2, 3.0, 12)
    assert stop.report.ended_by == "all epochs done" and stop.history["val_loss"] == [5.0, 4.0, 3.0, 4.0]
    assert stop.history["steps"] == [3, 6, 9, 12] and same(model.get_weights(), notes.at[2])
    other = tiny(K)
    fit(other, Script(val_loss=[1.0]), stop, epochs=1)
    assert stop.report.best_epoch == 0 and stop.report.reason.startswith("1 epoch is done; ")


@both
def test_the_best_weights_come_back_whoever_ended_it(K):
    class Ends(Probe):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 2

    stop, model, notes = StopWhen(Below("val_loss", 0), "val_loss"), shared(K), Weights()
    fit(model, Script(val_loss=[3.0, 1.0, 2.0, 0.5]), notes, Ends("ends"), stop, epochs=4)
    assert stop.report.ended_by == "another callback"
    assert stop.report.reason == "another callback stopped training in epoch 2"
    assert (stop.report.epoch, stop.report.best_epoch, stop.report.epochs_after_best) == (2, 1, 1)
    assert same(model.get_weights(), notes.at[1])


@both
def test_after_ctrl_c_the_report_stands_and_the_best_weights_can_come_back(K):
    stop, model, notes = StopWhen(Patience("val_loss", 5) | TimeBudget(99), "val_loss"), shared(K), Weights()
    with pytest.raises(KeyboardInterrupt):
        fit(model, Script(val_loss=[3.0, 1.0, 2.0, 0.5]), notes, stop, Interrupt(3, 1), epochs=4)
    report = stop.report
    assert report.ended_by is None and "was interrupted, in epoch 3" in report.reason
    assert (report.epoch, report.best_epoch, report.kept, report.epochs_after_best) == (3, 1, 1.0, 2)
    assert stop.history.rows == 3 and not same(model.get_weights(), notes.at[1])
    assert (
        pickle.loads(pickle.dumps(stop)).report == report
    )  # in the middle of a run, with a generator inside
    stop.restore_best()
    assert same(model.get_weights(), notes.at[1])
    fit(model, Script(val_loss=[3.0, 2.0]), stop, epochs=2)
    assert stop.report.ended_by == "all epochs done" and stop.report.best_epoch == 1


def test_ctrl_c_in_the_first_epoch():
    stop = StopWhen(Epochs(3), "loss")
    with pytest.raises(KeyboardInterrupt):
        fit(shared(keras), stop, Interrupt(0, 1))
    assert "was interrupted, in epoch 0; Epochs(3) is not met so far" in stop.report.reason
    assert (stop.report.epoch, stop.report.best_epoch, str(stop.report)) == (0, None, stop.report.reason)
    with pytest.raises(RuntimeError, match="No weights were kept: loss was never a number"):
        stop.restore_best()


def test_no_weights_to_restore_is_an_error_that_says_why():
    stop = StopWhen(Epochs(1))
    fit(shared(keras), stop, epochs=1)
    with pytest.raises(RuntimeError, match="No weights were kept: restore_best was not asked for"):
        stop.restore_best()


def test_best_is_best_whatever_the_criterion_thinks():
    stop, model, notes = (
        StopWhen(After(2, Patience("val_loss", 1, min_delta=1)), "val_loss"),
        shared(keras),
        Weights(),
    )
    fit(model, Script(val_loss=[NAN, 0.5, 3.0, 2.5]), notes, stop, epochs=4)
    assert (stop.report.epoch, stop.report.best_epoch) == (3, 1) and same(model.get_weights(), notes.at[1])


@both
def test_only_where_it_may_be_the_best_is_an_epoch_the_best(K):
    script = dict(val_loss=[0.1, 0.2, 0.9, 0.5, 0.7, 0.8], sparsity=[0.0, 0.5, 0.9, 0.9, 0.9, 0.9])
    ripe, model, notes = Above("sparsity", 0.8), shared(K), Weights()
    stop = StopWhen(Armed(ripe, Patience("val_loss", 2)), "val_loss", best_when=ripe)
    fit(model, Script(**script), notes, stop, epochs=6)
    assert (stop.report.epoch, stop.report.best_epoch, stop.report.kept) == (5, 3, 0.5)
    assert same(model.get_weights(), notes.at[3])
    replayed = str(replay(stop.criterion, stop.history, "val_loss", best_when=ripe))
    assert replayed.splitlines()[:2] == str(stop.report).splitlines()[:2]
    assert "best val_loss 0.5 (of the epochs where Above('sparsity', 0.8) is met) at epoch 3" in replayed
    # a second fit begins afresh, and here nothing may be the best
    script["sparsity"] = [0.0] * 6
    fit(model, Script(**script), stop, epochs=6)
    assert stop.report.best_epoch is None and stop.report.ended_by == "all epochs done"
    nothing = "no epoch where Above('sparsity', 0.8) is met has a finite val_loss: there is no best epoch"
    assert nothing in str(stop.report)
    assert nothing in str(replay(ripe, stop.history, "val_loss", best_when=ripe))
    with pytest.raises(RuntimeError, match="never a number where Above.'sparsity', 0.8. is met"):
        stop.restore_best()


def test_a_direction_is_said_once():
    stop = StopWhen(Patience("val_score", 2, mode="max") | Epochs(9), "val_score")
    fit(shared(keras), Script(val_score=[1.0, 3.0, 2.0]), stop)
    assert (stop.report.best_epoch, stop.report.kept) == (1, 3.0)
    assert replay(stop.criterion, stop.history, "val_score").kept == 3.0
    assert StopWhen(Patience("val_score", 2, mode="max"), "val_score", "min").best.sign == 1  # as it was told
    with pytest.raises(ValueError, match='Is a small or a large "val_other" better'):
        StopWhen(Patience("val_score", 2, mode="max"), "val_other")


def test_what_may_be_best_is_checked():
    for arguments in ({"criterion": Epochs(2)}, {"criterion": Epochs(2), "history": {"loss": [1.0]}}):
        rule = replay if "history" in arguments else StopWhen
        with pytest.raises(ValueError, match="says which epochs may be best: name"):
            rule(**arguments, best_when=Above("sparsity", 0.8))
    stop = StopWhen(Epochs(2), "loss", best_when=Above("sparsity", 0.8))
    with pytest.raises(MissingColumn, match='no column "sparsity" after epoch 0'):
        fit(shared(keras), stop)
    # validated in every second epoch only
    stop = StopWhen(Epochs(2), "loss", best_when=Below("val_loss", 9), validation_freq=2)
    fit(shared(keras), stop, validation_data=(X, Y), validation_freq=2, epochs=2)
    assert stop.report.best_epoch == 1
    asked = StopWhen(Epochs(9), "loss", best_when=lambda history: len(history["loss"]) == 2)
    fit(shared(keras), asked, epochs=3)
    assert asked.report.best_epoch == 1


@both
def test_the_best_weights_find_their_places_when_a_part_was_frozen_meanwhile(K):
    class Pair(K.layers.Layer):
        def __init__(self):
            super().__init__()
            self.first, self.second = K.layers.Dense(2), K.layers.Dense(2)

        def build(self, shape):
            self.first.build(shape)
            self.second.build(shape)
            super().build(shape)

        def call(self, x):
            return self.second(self.first(x))

    class Notes(Probe):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                self.best = {id(weight): np.asarray(weight) + 0 for weight in self.model.weights}

    K.utils.set_random_seed(3)
    inputs, pair = K.Input((2,)), Pair()
    model = K.Model(inputs, K.layers.Dense(1)(pair(inputs)))
    model.compile(K.optimizers.SGD(0.05), "mse")

    def freeze(model):
        pair.first.trainable = False  # in tf_keras it moves behind its equally large neighbour

    stop, notes = StopWhen(Epochs(3), "val_loss"), Notes("notes")
    fit(model, Script(val_loss=[1.0, 2.0, 2.0]), notes, stop, When(Epochs(2), freeze))
    assert all(np.array_equal(weight, notes.best[id(weight)]) for weight in model.weights)


def test_nothing_is_restored_where_nothing_was_a_number():
    stop, model, notes = StopWhen(Epochs(9), "val_loss"), shared(keras), Weights()
    fit(model, Script(val_loss=[NAN, -INF, INF]), notes, stop)
    assert same(model.get_weights(), notes.at[2]) and stop.report.best_epoch is None
    assert "val_loss was never a finite number: there is no best epoch" in str(stop.report)
    alike(stop.report, replay(Epochs(9), stop.history, best="val_loss"))


def test_the_report_is_valid_at_any_time():
    seen = []

    class Reads(Probe):
        def on_train_begin(self, logs=None):
            seen.append(stop.report)

        def on_epoch_end(self, epoch, logs=None):
            seen.append(stop.report)

    stop = StopWhen(Epochs(2), "loss")
    assert (
        stop.report.reason == "training has not begun" and stop.report.ended_by is stop.report.epoch is None
    )
    fit(shared(keras), stop, Reads("reads"))
    assert "is running, or was interrupted, before the first epoch" in seen[0].reason
    assert "is running, or was interrupted, in epoch 0" in seen[1].reason and seen[1].step == 3
    assert seen[2].reason == stop.report.reason == "2 epochs are done at epoch 1" and len(seen) == 3


@both
def test_epochs_count_as_keras_does_when_it_goes_on(K):
    stop = StopWhen(Patience("val_loss", 2), "val_loss")
    fit(shared(K), Script(first_epoch=5, val_loss=[3.0, 1.0, 2.0, 2.0]), stop, initial_epoch=5, epochs=9)
    assert stop.report.reason == "val_loss 2 at epoch 8 has not improved on 1 (epoch 6) for 2 epochs"
    assert (stop.report.epoch, stop.report.best_epoch, stop.report.step) == (8, 6, 12)
    alike(stop.report, replay(Patience("val_loss", 2), stop.history, best="val_loss"))
    stop = StopWhen(Below("loss", -1) | Epochs(9))
    fit(shared(K), stop, initial_epoch=5, epochs=7)
    assert stop.report.reason.startswith("all 2 epochs are done; ") and stop.report.epoch == 6
    alike(stop.report, replay(Below("loss", -1) | Epochs(9), stop.history))


# ---- within an epoch ----


@both
def test_a_loss_that_is_no_number_ends_training_in_its_batch(K):
    class Breaks(EachBatch):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if (self.epoch, batch) == (2, 0):
                self.model.set_weights([np.full_like(weight, NAN) for weight in self.model.get_weights()])

    stop, model = StopWhen(NotFinite(), "loss"), tiny(K)
    fit(model, Breaks(), stop, epochs=5)
    assert stop.report.reason == "loss is nan in batch 1 of epoch 2" and stop.report.ended_by == "NotFinite()"
    assert (stop.report.step, stop.report.best_epoch) == (8, 1) and stop.history["steps"] == [3, 6, 8]
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@both
@pytest.mark.parametrize("budget", [5, 9, 11, 30])
def test_steps_are_counted_where_keras_runs_several_at_once(K, budget):
    class Counts(EachBatch):
        def on_train_begin(self, logs=None):
            self.before, self.seen = int(self.model.optimizer.iterations), []

        def on_train_batch_end(self, batch, logs=None):
            self.seen.append((int(self.model.optimizer.iterations) - self.before, batch))

    name = f"eight at once {K.__name__}"
    model = SHARED[name] = SHARED.get(name) or tiny(K, steps_per_execution=8)
    counts, stop = Counts(), StopWhen(StepBudget(budget))
    fit(model, counts, stop, batch_size=1, epochs=2)
    steps, batch = counts.seen[-1]  # Keras 3 calls the tenth batch the fifteenth: 8 + 8, counted from 0
    assert counts.seen[0][0] > 1  # tf_keras goes on with 2, what was left, after a fit cut short
    assert stop.report.step == steps and [done for done, _ in counts.seen if done >= budget] in ([steps], [])
    if budget <= steps:
        assert stop.report.reason == f"{budget} steps are done in batch {batch} of epoch {int(steps > 10)}"
    else:
        assert steps == 20 and "was never met" in stop.report.reason


@both
@pytest.mark.parametrize(
    "limit, ends, reason",
    [
        # an epoch is three batches of 1 s and a validation pass of 3 s
        (2, 6 - 1, "2 seconds are up in batch 1 of epoch 0"),  # what validation takes is not known yet
        (
            7,
            6,
            "7 seconds are up at epoch 0 (3 s kept for validation)",
        ),  # no time for one more batch and its validation
        (10, 10, "10 seconds are up in batch 0 of epoch 1 (3 s kept for validation)"),
        (10.5, 11, "10.5 seconds are up in batch 1 of epoch 1 (3 s kept for validation)"),
        (15, 12, "15 seconds are up at epoch 1 (3 s kept for validation)"),
        (16.5, 17, "16.5 seconds are up in batch 1 of epoch 2 (3 s kept for validation)"),
        (99, 18, None),
    ],
)
def test_a_time_budget_keeps_validation_back(K, limit, ends, reason):
    clock = Clock()
    stop = StopWhen(TimeBudget(limit), clock=clock)
    fit(shared(K), clock, stop, validation_data=(X, Y))
    assert clock.now - 1000 == ends == stop.report.seconds
    assert stop.report.reason == reason if reason else stop.report.ended_by == "all epochs done"


@both
@pytest.mark.parametrize(
    "limit, ends, reason",
    [
        # only the second and the fourth epoch are validated: they end at 3, 9, 12 and 18 s
        (11, 11, "11 seconds are up in batch 1 of epoch 2"),  # nothing to keep back
        (13, 12, "13 seconds are up at epoch 2 (3 s kept for validation)"),
        (16.5, 17, "16.5 seconds are up in batch 1 of epoch 3 (3 s kept for validation)"),
    ],
)
def test_time_is_kept_back_only_for_epochs_that_are_validated(K, limit, ends, reason):
    clock = Clock()
    stop = StopWhen(TimeBudget(limit), validation_freq=2, clock=clock)
    fit(shared(K), clock, stop, validation_data=(X, Y), validation_freq=2, epochs=4)
    assert clock.now - 1000 == ends and stop.report.reason == reason


def test_a_budget_with_batches_as_rows_looks_ahead_too():
    clock = Clock()
    stop = StopWhen(TimeBudget(10), check="batch", clock=clock)
    fit(shared(keras), clock, stop, validation_data=(X, Y))
    assert clock.now - 1000 == 10 and "in batch 0 of epoch 1 (3 s kept" in stop.report.reason
    clock = Clock()
    stop = StopWhen(TimeBudget(7), check="batch", clock=clock)
    fit(shared(keras), clock, stop, validation_data=(X, Y))
    assert clock.now - 1000 == 6 and "at epoch 0 (3 s kept" in stop.report.reason


def test_both_budgets_within_an_epoch():
    clock = Clock()
    stop = StopWhen(TimeBudget(2) & StepBudget(4) | NotFinite(), clock=clock)
    fit(shared(keras), clock, stop)
    assert (
        stop.report.reason == "2 seconds are up in batch 0 of epoch 1; 4 steps are done in batch 0 of epoch 1"
    )
    assert stop.report.ended_by == "TimeBudget(seconds=2); StepBudget(4)" and stop.report.step == 4


@both
@pytest.mark.parametrize("check", ["epoch", "batch"])
def test_after_hides_rows_from_budgets(K, check):
    stop = StopWhen(After(2, StepBudget(1)), check=check)
    fit(shared(K), stop)
    if check == "epoch":
        assert stop.report.reason == "1 step is done in batch 0 of epoch 2" and stop.report.step == 7
    else:
        assert stop.report.reason == "1 step is done at batch 2 of epoch 0" and stop.report.step == 3


# ---- batches as rows ----


def own_losses(model):
    """Each batch's mean squared error, from the model's weights, by hand."""
    kernel, bias = (np.asarray(weight) for weight in model.trainable_weights)
    return [
        float(np.mean((X[at : at + BATCH] @ kernel + bias - Y[at : at + BATCH]) ** 2))
        for at in range(0, SAMPLES, BATCH)
    ]


@both
def test_batch_loss_is_the_batch_s_own(K):
    model = tiny(K, rate=0.0, metrics=["mae", "mse"])
    expected = own_losses(model)
    stop = StopWhen(Below("batch_loss", 0), check="batch")
    fit(model, stop, epochs=2)
    assert stop.history["batch_loss"] == pytest.approx(2 * expected, rel=1e-4)
    assert stop.history["loss"][2] == pytest.approx(
        np.average(expected, weights=[4, 4, 2]), rel=1e-4
    )  # the running mean
    assert stop.history["batch"] == [0, 1, 2] * 2 and stop.history["epoch"] == [0] * 3 + [1] * 3
    assert stop.history["steps"] == [1, 2, 3, 4, 5, 6]


@both
def test_batches_as_rows_stop_in_the_batch(K):
    model = tiny(K, rate=0.0)
    expected = own_losses(model)
    lowest = int(np.argmin(expected))
    stop = StopWhen(Below("batch_loss", 1.001 * expected[lowest]), "batch_loss", check="batch")
    fit(model, stop)
    assert stop.report.step == lowest + 1 and f"at batch {lowest} of epoch 0" in stop.report.reason
    alike(stop.report, replay(stop.criterion, stop.history, best="batch_loss"))
    never = StopWhen(Below("batch_loss", 0), "batch_loss", check="batch")
    fit(model, never, epochs=2)
    assert never.report.reason.startswith("all 2 epochs are done; ") and never.history.rows == 6
    alike(never.report, replay(never.criterion, never.history, best="batch_loss"))


def reports_the_batch_loss(K):
    class Own(K.Model):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

    return Own


def reports_a_mean_of_another_name(K):
    class Own(reports_the_batch_loss(K)):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.total_loss = K.metrics.Mean(name="total_loss")

        @property
        def metrics(self):
            return [self.total_loss]

        def train_step(self, data):
            self.total_loss.update_state(super().train_step(data)["loss"])
            return {"loss": self.total_loss.result()}

    return Own


@both
@pytest.mark.parametrize("kind", [reports_the_batch_loss, reports_a_mean_of_another_name])
def test_batch_loss_with_a_train_step_of_one_s_own(K, kind):
    model = tiny(K, rate=0.0, inner=kind(K))
    probe, stop = GradientNorm(per_batch=True), StopWhen(Below("gradient_norm", 0), check="batch")
    fit(model, probe, stop, epochs=2)
    assert stop.history["batch_loss"] == pytest.approx(2 * own_losses(model), rel=1e-4)
    assert stop.history["gradient_norm"][:3] == pytest.approx(stop.history["gradient_norm"][3:], rel=1e-4)


@both
def test_under_jit(K):
    model, clock = tiny(K, jit_compile=True), Clock()
    stop = StopWhen(StepBudget(5) | NotFinite() | TimeBudget(99), "loss", check="batch", clock=clock)
    fit(model, clock, GradientNorm(per_batch=True), stop)
    assert stop.report.reason == "5 steps are done at batch 1 of epoch 1"
    assert len(stop.history["batch_loss"]) == 5 and min(stop.history["gradient_norm"]) > 0


# ---- columns ----


@both
def test_epochs_without_validation_hold_none(K):
    stop = StopWhen(Patience("val_loss", 2, min_delta=1e9), "val_loss", validation_freq=2)
    fit(shared(K), stop, validation_data=(X, Y), validation_freq=2, epochs=9)
    values = stop.history["val_loss"]
    assert [value is None for value in values] == [True, False, True, False, True, False]
    assert stop.report.epoch == 5 and stop.report.best_epoch == best_so_far(values)
    alike(stop.report, replay(stop.criterion, stop.history, best="val_loss"))


@both
def test_a_function_sees_none_before_the_first_validation(K):
    seen = []

    def watch(history):
        seen.append(list(history["val_loss"]))
        return seen[-1][-1] is not None

    stop = StopWhen(After(1, watch), validation_freq=3)
    fit(shared(K), stop, validation_data=(X, Y), validation_freq=3)
    assert seen[0] == [None] and seen[1][0] is None and stop.report.epoch == 2
    with pytest.raises(MissingColumn, match='no column "val_los".*Did you mean'):
        fit(shared(K), StopWhen(lambda history: history["val_los"]), validation_data=(X, Y))


@both
def test_validation_freq_may_be_a_list_as_in_keras(K):
    stop = StopWhen(Below("val_loss", -1), "val_loss", validation_freq=[2, 3])
    fit(shared(K), stop, validation_data=(X, Y), validation_freq=[2, 3], epochs=4)
    assert [value is None for value in stop.history["val_loss"]] == [True, False, False, True]


@both
@pytest.mark.parametrize(
    "criterion, options, message",
    [
        (
            Below("los", 1),
            {},
            'There is no column "los" after epoch 0. Columns: epoch, loss, seconds, steps. '
            'Did you mean "loss"?',
        ),
        (Patience("val_loss"), {}, "Validation columns need validation_data in fit"),
        (
            Patience("val_loss") | Epochs(9),
            dict(validation_data=(X, Y), validation_freq=3),
            "give validation_freq=n to the callback",
        ),
        (Below("gradient_norm", 1), {}, r"The probe GradientNorm\(\) writes it: put it before this callback"),
        (After(9, Below("weight_change", 1)), {}, r"The probe WeightChange\(\) writes it"),
        (Below("batch_loss", 1), {}, 'Only check="batch" makes it'),
    ],
)
def test_a_missing_column_ends_the_first_epoch_with_a_mend(K, criterion, options, message):
    with pytest.raises(MissingColumn, match=message):
        fit(shared(K), StopWhen(criterion), WeightChange(), **options)


@both
def test_a_missing_column_for_the_best_epoch(K):
    with pytest.raises(MissingColumn, match='no column "val_auc" after epoch 0.*put that callback before'):
        fit(shared(K), StopWhen(Epochs(9), "val_auc", "max"), validation_data=(X, Y))


def test_a_probe_behind_its_reader_is_named():
    with pytest.raises(MissingColumn, match=r"after batch 0 of epoch 0.*GradientNorm\(per_batch=True\)"):
        fit(tiny(keras), StopWhen(Below("gradient_norm", 1), check="batch"), GradientNorm(per_batch=True))
    with pytest.raises(MissingColumn, match="If a callback writes it, put that callback before this one."):
        fit(tiny(keras), StopWhen(Below("norm", 1)), GradientNorm("norm"))
    stop = StopWhen(Above("norm", 0))
    fit(tiny(keras), GradientNorm("norm"), stop)
    assert stop.report.epoch == 0


@both
def test_metrics_that_are_not_one_number(K):
    class Each(K.metrics.Metric):
        def __init__(self):
            super().__init__(name="each")

        def update_state(self, y_true, y_pred, sample_weight=None):
            pass

        def result(self):
            return tf.constant([1.0, 2.0])

        def reset_state(self):
            pass

    model = tiny(K, metrics=[Each(), "mae"])
    stop = StopWhen(NotFinite() | Epochs(9), "mae", "min")
    fit(model, stop, epochs=2)
    assert "each" not in stop.history and stop.history.rows == 2 and stop.report.best_epoch == 1
    for build in (lambda: StopWhen(NotFinite("each")), lambda: StopWhen(Epochs(1), "each", "min")):
        with pytest.raises(
            TypeError, match='"each" should be one number per epoch; after epoch 0 it is array'
        ):
            fit(model, build())


@both
def test_keras_s_logs_stay_as_they_are(K):
    class Spy(EachBatch):
        def __init__(self):
            super().__init__()
            self.seen = []

        def on_train_batch_end(self, batch, logs=None):
            self.seen.append(dict(logs))

        def on_epoch_end(self, epoch, logs=None):
            self.seen.append(dict(logs))

    before, after, clock = Spy(), Spy(), Clock()
    options = dict(clock=clock, check="batch"), dict(clock=clock, validation_freq=1)
    stops = (
        StopWhen(Below("batch_loss", -1), **options[0]),
        StopWhen(TimeBudget(99) | NotFinite(), "loss", **options[1]),
    )
    history = fit(
        shared(K), clock, before, *stops, When(Epochs(1), lambda model: None), after, validation_data=(X, Y)
    )
    assert before.seen == after.seen and len(before.seen) == 12
    assert set(history.history) == {"loss", "val_loss"}


@both
def test_a_model_with_several_outputs(K):
    inputs = K.Input((2,))
    model = K.Model(
        inputs, {"a": K.layers.Dense(1, name="a")(inputs), "b": K.layers.Dense(1, name="b")(inputs)}
    )
    model.compile("sgd", {"a": "mse", "b": "mae"}, metrics={"a": ["mae"], "b": ["mse"]})
    stop = StopWhen(Patience("val_b_loss", 5) & Below("a_mae", -1) | Epochs(2), "val_a_mae", "min")
    targets = {"a": Y, "b": Y}
    model.fit(X, targets, validation_data=(X, targets), epochs=3, verbose=0, callbacks=[stop])
    assert stop.report.reason == "2 epochs are done at epoch 1" and stop.report.metric == "val_a_mae"
    assert {"loss", "a_loss", "b_loss", "a_mae", "val_a_mae", "val_b_mse"} <= set(stop.history)
    batches = StopWhen(Below("batch_loss", 0), check="batch")
    model.fit(X, targets, epochs=1, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[batches])
    losses, sizes = batches.history["batch_loss"], [4, 4, 2]
    assert np.average(losses, weights=sizes) == pytest.approx(batches.history["loss"][-1], rel=1e-4)


@both
def test_a_function_as_criterion(K):
    asked = []

    def enough(history):
        asked.append(history.rows)
        return len(history["loss"]) == 2

    stop = StopWhen(enough)
    fit(shared(K), stop)
    assert stop.report.reason == "enough said stop at epoch 1" and stop.report.ended_by == "enough"
    assert asked == [1, 2]
    with pytest.raises(TypeError, match="forgets returned None for a history of 1 row. Is a return missing"):

        def forgets(history):
            pass

        fit(shared(K), StopWhen(forgets))


# ---- When ----


@both
def test_when_acts_once_and_training_goes_on(K):
    model = tiny(K, rate=0.5)
    when = When(Patience("val_loss", 2), scale_learning_rate(0.1))
    fit(model, Script(val_loss=[1.0, 2.0, 2.0, 3.0, 3.0, 3.0]), when, epochs=6)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.05)
    (event,) = when.events
    assert event.reason == "val_loss 2 at epoch 2 has not improved on 1 (epoch 0) for 2 epochs"
    assert (event.epoch, event.step, event.ended_by) == (2, 9, "Patience('val_loss', patience=2)")
    assert when.report.ended_by == "all epochs done" and when.report.epoch == 5  # it ended nothing
    assert when.report.reason == f"all 6 epochs are done; acted 1 time, the last because {event.reason}"
    fit(model, Script(val_loss=[1.0]), when, epochs=1)
    assert when.events == [] and "was never met" in when.report.reason


@both
def test_when_acts_several_times_each_time_afresh(K):
    model = tiny(K, rate=1e-3)
    when = When(Patience("val_loss", 2), scale_learning_rate(0.5), times=2)
    #                              best 1 ...  2nd | afresh: best 5, 4 ...       2nd | no third time
    fit(model, Script(val_loss=[1.0, 2.0, 2.0, 5.0, 4.0, 6.0, 6.0, 9.0, 9.0, 9.0, 9.0]), when, epochs=11)
    assert [event.epoch for event in when.events] == [2, 6]
    assert when.events[1].reason == "val_loss 6 at epoch 6 has not improved on 4 (epoch 4) for 2 epochs"
    assert float(model.optimizer.learning_rate) == pytest.approx(0.25e-3)


@both
@pytest.mark.parametrize("check", ["epoch", "batch"])
def test_budgets_count_from_the_last_time_it_acted(K, check):
    clock, steps, seconds = Clock(validation=0.0), [], []
    by_steps = When(
        StepBudget(4), lambda model: steps.append(int(model.optimizer.iterations)), times=2, check=check
    )
    by_time = When(
        After(1, TimeBudget(2)) | Below("loss", -1),
        lambda model: seconds.append(clock.now - 1000),
        times=9,
        check=check,
        clock=clock,
    )
    model = tiny(K)
    fit(model, clock, by_steps, by_time, epochs=5)
    assert steps == [4, 8]
    if check == "epoch":  # an epoch is hidden, and then two seconds are long over
        assert seconds == [4, 7, 10, 13]
    else:  # a batch is hidden
        assert seconds == [2, 4, 6, 8, 10, 12, 14]
    assert by_steps.history["steps"][-1] == 15  # the history itself counts from the start


def test_when_may_end_training_itself():
    def end(model):
        model.stop_training = True

    when = When(Epochs(2), end)
    fit(shared(keras), when)
    assert when.report.ended_by == "Epochs(2)" and when.report.reason == "2 epochs are done at epoch 1"


def test_when_does_not_claim_the_end_that_another_made():
    when = When(Epochs(2), lambda model: None)
    fit(shared(keras), StopWhen(Epochs(2)), when)
    assert len(when.events) == 1 and when.report.ended_by == "another callback"
    assert when.report.reason.startswith("another callback stopped training in epoch 1; acted 1 time")


@both
def test_a_learning_rate_schedule_is_an_error(K):
    schedule = K.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model = tiny(K, optimizer=K.optimizers.SGD(schedule))
    with pytest.raises(
        TypeError, match="learning rate is a schedule, which sets the rate itself; give the optimizer a"
    ):
        fit(model, When(Epochs(1), scale_learning_rate(0.5)))


# ---- copies ----


@both
def test_copies_and_pickles(K):
    """Tuners copy callbacks before each fit; people pickle what they have."""
    stop = StopWhen(Patience("val_loss", 1) | TimeBudget(99), "val_loss")
    for twin in (copy.deepcopy(stop), pickle.loads(pickle.dumps(stop))):
        fit(shared(K), Script(val_loss=[1.0, 2.0, 3.0]), twin)
        assert twin.report.epoch == 1 and stop.report.reason == "training has not begun"
    model = shared(K)
    fit(model, Script(val_loss=[1.0, 2.0, 3.0]), stop)
    for twin in (copy.deepcopy(stop), pickle.loads(pickle.dumps(stop))):
        assert twin.report == stop.report and twin.history == stop.history
        fit(model, Script(val_loss=[3.0, 2.0, 1.0]), twin)
        assert twin.report.best_epoch == 2 and stop.report.best_epoch == 0


def test_copies_of_when():
    when = copy.deepcopy(When(Epochs(1), scale_learning_rate(0.5)))
    fit(shared(keras), when, epochs=2)
    assert when.events[0].epoch == 0


# ---- what is refused ----


@pytest.mark.parametrize(
    "build, error, message",
    [
        (lambda: StopWhen("loss"), TypeError, "A criterion is such as .*; got 'loss'"),
        (lambda: StopWhen(Below), TypeError, "A criterion is such as"),
        (lambda: StopWhen(Below("loss", 1) and Epochs(3)), TypeError, "use | and &"),
        (lambda: StopWhen(Epochs(1), True), TypeError, 'is a name, as "val_loss"; got True'),
        (
            lambda: StopWhen(Epochs(1), "val_accuracy"),
            ValueError,
            'Is a small or a large "val_accuracy" better?',
        ),
        (lambda: StopWhen(Epochs(1), "val_loss", "auto"), ValueError, "Not 'auto'"),
        (lambda: StopWhen(Epochs(1), mode="max"), ValueError, "mode='max' belongs to the column"),
        (
            lambda: StopWhen(Epochs(1), check="batches"),
            ValueError,
            'check should be "epoch" or "batch", or an Every; got \'batches\'',
        ),
        (
            lambda: StopWhen(Below("val_loss", 1), check="batch"),
            ValueError,
            '"val_loss" is measured once an epoch',
        ),
        (
            lambda: StopWhen(Below("loss", 1), "val_loss", check="batch"),
            ValueError,
            '"val_loss" is measured once an epoch',
        ),
        (lambda: StopWhen(Below("weight_change", 1), check="batch"), ValueError, "measured once an epoch"),
        (
            lambda: StopWhen(After(2, Epochs(1)), check="batch"),
            ValueError,
            "Epochs counts rows.* Use StepBudget",
        ),
        (
            lambda: StopWhen(Armed(Epochs(1), Below("loss", 1)), check="batch"),
            ValueError,
            "Epochs counts rows.* Use StepBudget",
        ),
        (
            lambda: StopWhen(Epochs(1), validation_freq=0),
            ValueError,
            "validation_freq should be a whole number",
        ),
        (
            lambda: StopWhen(Epochs(1), validation_freq="2"),
            ValueError,
            "validation_freq should be a whole number",
        ),
        (
            lambda: When(Epochs(1), None),
            TypeError,
            "do is a function of the model, such as scale_learning_rate",
        ),
        (
            lambda: When(Epochs(1), print, times=0),
            ValueError,
            "times should be a whole number of at least 1; got 0",
        ),
        (lambda: When(Epochs(1), print, check=1), ValueError, "check should be"),
        (lambda: scale_learning_rate(0), ValueError, "factor should be a finite number above 0; got 0"),
        (
            lambda: scale_learning_rate("half"),
            ValueError,
            "factor should be a finite number above 0; got 'half'",
        ),
    ],
)
def test_bad_parameters_are_refused_where_they_are_given(build, error, message):
    with pytest.raises(error, match=message):
        build()

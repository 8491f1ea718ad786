"""Signal, Deadline and StopFile: what ends a job and not the training. Killed at random: test_state.py."""

import os
import signal
import threading
import time
from datetime import datetime, timedelta

import keras
import pytest

from course_utils.stopping import Deadline, Epochs, Patience, Signal, StopFile, StopWhen, When, replay
from fits import Clock, EachBatch, Interrupt, Script, X, Y, fit, same, tiny

VAL_LOSS = [5.0, 4.0, 4.5, 3.0, 3.5, 3.25, 4.0, 2.0, 1.0, 0.5]  # patience 3 ends it at epoch 6


class Does(EachBatch):
    """Calls a function in a batch of an epoch, or at an epoch's end (batch None)."""

    def __init__(self, function, epoch, batch=None):
        super().__init__()
        self.function, self.at, self.epoch = function, (epoch, batch), None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            self.function()

    def on_epoch_end(self, epoch, logs=None):
        if (epoch, None) == self.at:
            self.function()


def term():
    os.kill(os.getpid(), signal.SIGTERM)


def small():
    return tiny(keras, 0.1, run_eagerly=True)


def job(folder, rule, *more):
    model, stop = small(), StopWhen(rule, "val_loss", state=folder / "state")
    fit(model, Script(val_loss=VAL_LOSS), *more, stop, keras.callbacks.BackupAndRestore(folder / "backup"),
        epochs=10)
    return model, stop


@pytest.mark.parametrize("at", [(4, 1), (4, None)], ids=["in a batch", "at an epoch's end"])
@pytest.mark.parametrize("how", ["signal", "file", "deadline"])
def test_a_job_that_is_interrupted_is_gone_on_with_by_the_next(how, at, tmp_path, monkeypatch):
    whole, undisturbed = job(tmp_path / "whole", Patience("val_loss", 3))
    rule, happens = {
        "signal": (Signal(), term),
        "file": (StopFile(tmp_path / "STOP"), (tmp_path / "STOP").touch),
        "deadline": (Deadline(datetime.now() + timedelta(days=2)),
                     lambda: monkeypatch.setattr(time, "time", lambda: 9e9)),
    }[how]
    _, first = job(tmp_path, Patience("val_loss", 3) | rule, Does(happens, *at))
    assert first.interrupted and first.report.epoch == 4
    assert {"signal": "SIGTERM came", "file": "STOP is there", "deadline": "too near for another"}[how] \
        in first.report.reason
    assert "another one can go on" in str(first.report)
    assert first.history.rows == (4 if at[1] == 1 else 5), "an unfinished epoch is no row"
    assert (tmp_path / "state").exists() and any((tmp_path / "backup").iterdir())
    monkeypatch.undo()
    (tmp_path / "STOP").unlink(missing_ok=True)
    model, stop = job(tmp_path, Patience("val_loss", 3) | rule)
    assert not stop.interrupted and stop.report.reason == undisturbed.report.reason
    assert (stop.report.epoch, stop.report.step) == (undisturbed.report.epoch, undisturbed.report.step)
    assert same(model.get_weights(), whole.get_weights())
    assert not (tmp_path / "state").exists() and not (tmp_path / "backup").exists()


def test_a_backup_that_was_kept_once_is_deleted_as_usual_later(tmp_path):
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    stop = StopWhen(Epochs(9) | Signal(), state=tmp_path / "state")
    fit(small(), Does(term, 2, 0), stop, backup, epochs=9)
    assert stop.interrupted and (tmp_path / "backup").exists()
    assert not {"on_epoch_end", "on_train_end"} & backup.__dict__.keys() and backup.delete_checkpoint
    fit(small(), stop, backup, epochs=9)
    assert not (tmp_path / "backup").exists() and stop.report.epoch == 8


def test_other_callbacks_keep_their_state_too(tmp_path):
    when = When(Epochs(2), lambda model: None, state=tmp_path / "state")
    stop = StopWhen(Epochs(9) | Signal(), state=tmp_path / "state")
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    fit(small(), Does(term, 4, 0), when, stop, backup, epochs=9)
    kept = sorted(path.name for path in (tmp_path / "state").iterdir())
    assert {"when_epoch_4.npz", "stopwhen_epoch_4.npz"} <= set(kept), kept
    again = When(Epochs(2), lambda model: pytest.fail("it acted twice"), state=tmp_path / "state")
    fit(small(), again, StopWhen(Epochs(9) | Signal(), state=tmp_path / "state"), backup, epochs=9)
    assert len(again.events) == 1


def test_a_regular_end_in_the_same_row_is_the_end(tmp_path):
    _, stop = job(tmp_path, Patience("val_loss", 3) | Signal(), Does(term, 6))
    assert not stop.interrupted and not (tmp_path / "state").exists()
    assert stop.report.reason.startswith("val_loss 4 at epoch 6") and "SIGTERM" in stop.report.reason


def test_an_action_may_wait_for_a_signal_and_for_the_next_one():
    acted = []
    when = When(Signal("SIGUSR1"), lambda model: acted.append(when.recorder.epoch), times=2)
    usr1 = (Does(lambda: os.kill(os.getpid(), signal.SIGUSR1), epoch, 0) for epoch in (1, 3, 5))
    fit(small(), *usr1, when, epochs=7)
    assert acted == [1, 3] and not when.interrupted


def test_signals_are_as_they_were_when_training_is_over():
    seen = []
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append("mine"))
    try:
        mine = signal.getsignal(signal.SIGTERM)
        stop = StopWhen(Epochs(2) | Signal())
        fit(small(), stop)
        assert signal.getsignal(signal.SIGTERM) == mine
        # the second signal does what it would have done
        fit(small(), Does(lambda: (term(), term()), 0, 1), stop)
        assert seen == ["mine"] and stop.interrupted and signal.getsignal(signal.SIGTERM) == mine
        with pytest.raises(KeyboardInterrupt):
            fit(small(), Interrupt(0, 1), stop)
        fit(small(), stop)  # after Ctrl-C Keras calls no end; the next fit begins afresh
        assert signal.getsignal(signal.SIGTERM) == mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_outside_the_main_thread_it_is_an_error_before_the_first_step():
    errors = []

    def train():
        try:
            fit(small(), StopWhen(Signal()))
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert errors == ["Signal works in the main thread only: Python catches signals nowhere else."]


def test_they_stand_in_the_history_and_replay(tmp_path):
    stop = StopWhen(Epochs(9) | Signal() | StopFile(tmp_path / "STOP") | Deadline(datetime(2100, 1, 1)))
    fit(small(), Does(term, 3), stop, epochs=9)
    assert stop.history["signal"] == [0.0, 0.0, 0.0, 15.0] and stop.history["stop_file"] == [0.0] * 4
    assert all(left > 1e9 for left in stop.history["seconds_left"])
    replayed = replay(stop.criterion, stop.history)
    assert replayed.reason == stop.report.reason == "SIGTERM came at epoch 3" and replayed.epoch == 3


def test_a_metric_with_the_name_of_their_column_is_an_error():
    script = Script(signal=[1.0])
    with pytest.raises(ValueError, match='A metric is called "signal", which is a column of the history'):
        fit(small(), script, StopWhen(Epochs(1) | Signal()), epochs=1)
    stop = StopWhen(Epochs(1))
    fit(small(), script, stop, epochs=1)
    assert stop.history["signal"] == [1.0]  # without a Signal it is a metric like any other


def test_a_deadline_keeps_what_was_measured_back(monkeypatch):
    stop = StopWhen(Deadline(datetime.fromtimestamp(10_000), margin=5) | Epochs(9))
    monkeypatch.setattr(time, "time", lambda: 9_900.0)
    fit(small(), stop, epochs=1)
    recorder = stop.recorder
    recorder.longest_batch, recorder.reserve, recorder.saving = 1.0, 20.0, 3.0
    source = stop.criterion.criteria[0].source()
    assert source.read(recorder) == pytest.approx(100 - 5 - 24)


def test_what_a_deadline_keeps_back_is_measured():
    """Two seconds a batch, three a validation, five to save."""
    class Saves(EachBatch):
        def on_epoch_end(self, epoch, logs=None):
            clock.now += 5

    clock = Clock(batch=2.0, validation=3.0)
    stop = StopWhen(Deadline(datetime(2100, 1, 1)), clock=clock)
    fit(small(), clock, stop, Saves(), epochs=2, validation_data=(X, Y))
    recorder = stop.recorder
    assert (recorder.longest_batch, recorder.reserve, recorder.saving) == (2.0, 3.0, 5.0)


@pytest.mark.parametrize(("make", "error", "message"), [
    (lambda: Signal("SIGKILL"), ValueError, "'SIGKILL' cannot be caught"),
    (lambda: Signal("TERM"), ValueError, 'names such as "SIGTERM"'),
    (lambda: Deadline("soon"), ValueError, 'a clock time such as "06:30"; got \'soon\''),
    (lambda: Deadline(), ValueError, "SLURM_JOB_END_TIME, and that is not set"),
    (lambda: Deadline("06:30", margin=-1), ValueError, "margin is a number of seconds"),
    (lambda: StopFile(3), TypeError, "path of a file"),
])
def test_what_makes_no_sense_is_refused(make, error, message, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    with pytest.raises(error, match=message):
        make()


def test_forms_of_a_deadline(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_END_TIME", "1800000000")
    assert Deadline()._moment.timestamp() == 1800000000
    for text in ("00:00", "23:59", "06:30:15"):
        moment = Deadline(text)._moment
        assert timedelta(0) < moment - datetime.now() <= timedelta(days=1)
    assert eval(repr(Deadline("06:30", margin=60))) == Deadline("06:30", margin=60)
    assert repr(Signal("SIGTERM", "SIGUSR1")) == "Signal('SIGTERM', 'SIGUSR1')"


def test_an_old_stop_file_and_two_of_a_kind_are_refused(tmp_path):
    (tmp_path / "STOP").touch()
    with pytest.raises(FileExistsError, match="It is an old one: remove it"):
        fit(small(), StopWhen(StopFile(tmp_path / "STOP")))
    with pytest.raises(FileNotFoundError, match="no folder .*gone, so nobody could put the file STOP there"):
        fit(small(), StopWhen(StopFile(tmp_path / "gone" / "STOP")))
    with pytest.raises(ValueError, match='measure the column "signal"'):
        fit(small(), StopWhen(Signal("SIGTERM") | Signal("SIGUSR1")))

"""Resume: StopWhen(state=...) with BackupAndRestore, after kills at random places and after single ones."""

import errno
import functools
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from course_utils.stopping import (
    After,
    Armed,
    Below,
    Deadline,
    Epochs,
    Patience,
    StepBudget,
    StopFile,
    StopWhen,
    TimeBudget,
    When,
)
from course_utils.stopping.state import State
from fits import Clock, EachBatch, Interrupt, Script, Weights, both, fit, same, tiny

WORKER = Path(__file__).with_name("killed_training.py")
VAL_LOSS = [5.0, 4.0, 4.5, 3.0, 3.5, 3.25, 4.0, 2.0, 1.0, 0.5]  # patience 3 ends it at epoch 6
ALONE = {"PYTHONPATH": os.pathsep.join([str(WORKER.parent.parent), *sys.path]), "CUDA_VISIBLE_DEVICES": "-1"}


# ---- killed at random ----


FEW = ("keras-stop-2", "tf_keras-when-1", "keras-signal-2")
MANY = ("keras-stop-6", "keras-prune-6", "tf_keras-when-6", "keras-signal-10", "tf_keras-signal-4")


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The results of such cases; those of one group are run together, by one process."""
    @functools.cache
    def results(cases):
        command = [sys.executable, str(WORKER), str(tmp_path_factory.mktemp("killed")), *cases]
        environment = {**os.environ, **ALONE}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
        assert ran.returncode == 0, ran.stderr[-3000:]
        return json.loads(ran.stdout.splitlines()[-1])

    return results


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the trainings are forks of one process")
@pytest.mark.parametrize("case, group", [(case, FEW) for case in FEW] + [
    pytest.param(case, MANY, marks=pytest.mark.rare) for case in MANY])
def test_a_training_that_is_killed_again_and_again_ends_as_if_nothing_had_been(case, group, killed):
    kind, kills = case.split("-")[1:]
    whole, runs = killed(group)[case].values()
    assert sum(run["killed"] for run in runs) == int(kills)
    if kind in ("stop", "signal"):
        assert whole["ended_by"].startswith("Patience") and 0 < whole["best"][0] == whole["epoch"] - 4
    for run in runs:
        for what in ("reason", "ended_by", "epoch", "step", "best", "losses", "weights", "left", "events",
                     "rate", "sparsity"):
            assert run[what] == whole[what], what
        assert run["seconds"] == sorted(run["seconds"])
    assert "state" not in whole["left"]
    if kind in ("when", "prune"):
        assert len(whole["events"]) == (3 if kind == "prune" else 2)
        assert whole["rate"] == pytest.approx(0.0125)
    if kind == "prune":
        assert whole["sparsity"][0] == 0.5 and 0 < whole["sparsity"][1][2] < 0.5


# ---- interrupted where one wants it, within this process ----


def small(K, rate=0.1):
    """Eagerly: there is no time to compile a model that trains for a few epochs."""
    return tiny(K, rate, run_eagerly=True)


def resumable(K, folder, criterion, restore_best="val_loss", *, interrupt=(), epochs=10, **options):
    """One process's life: a fresh model, a fresh StopWhen, and a fit that may be interrupted."""
    model, clock = small(K), Clock()
    stop = StopWhen(criterion, restore_best, state=folder / "state", clock=clock, **options)
    backup = K.callbacks.BackupAndRestore(str(folder / "backup"))
    script = Script(val_loss=VAL_LOSS)
    try:
        fit(model, clock, script, stop, *interrupt, backup, epochs=epochs)
    except KeyboardInterrupt:
        pass
    if hasattr(model, "_training_state"):  # tf_keras leaves it behind
        del model._training_state
    return model, stop


class Dies(EachBatch):
    """Ctrl-C between the ends of the callbacks before it and after it."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


class DiesAtTheEnd(EachBatch):
    """It stands first: no other callback's end is reached."""

    def on_train_end(self, logs=None):
        raise KeyboardInterrupt


PLACES = {
    "in the first batch": lambda: [Interrupt(0, 0)],
    "in a batch": lambda: [Interrupt(5, 1)],
    "before the first backup": lambda: [Dies(0)],
    "before a backup": lambda: [Dies(4)],
    "before the backup of the stop": lambda: [Dies(6)],
}


@both
@pytest.mark.parametrize("place", PLACES)
def test_an_interrupted_training_goes_on(K, place, tmp_path):
    whole, undisturbed = resumable(K, tmp_path / "whole", Patience("val_loss", 3))
    resumable(K, tmp_path, Patience("val_loss", 3), interrupt=PLACES[place]())
    model, stop = resumable(K, tmp_path, Patience("val_loss", 3))
    assert undisturbed.report.epoch == stop.report.epoch == 6 and stop.report.best_epoch == 3
    assert str(stop.report) == str(undisturbed.report) and dict(stop.history) == dict(undisturbed.history)
    assert stop.events == undisturbed.events and stop.report == undisturbed.report
    assert same(model.get_weights(), whole.get_weights())
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("place", PLACES)
def test_what_may_be_best_goes_on_too(place, tmp_path):
    """Only from the fourth epoch on after the first below 4.2: a count that must not begin anew."""
    rules = dict(criterion=Patience("val_loss", 3), best_when=Armed(Below("val_loss", 4.2), Epochs(4)))
    _, undisturbed = resumable(keras, tmp_path / "whole", **rules)
    resumable(keras, tmp_path, **rules, interrupt=PLACES[place]())
    _, stop = resumable(keras, tmp_path, **rules)
    assert undisturbed.report.best_epoch == 5 and stop.report == undisturbed.report


@both
@pytest.mark.parametrize("restore_best", ["val_loss", None])
@pytest.mark.parametrize("kills", [1, 2])
def test_killed_when_it_had_just_been_stopped(K, restore_best, kills, tmp_path):
    """The backup is written, the end of training not reached: Keras will run one more batch, to no effect."""
    rules = Patience("val_loss", 3) | StepBudget(1000)
    whole, undisturbed = resumable(K, tmp_path / "whole", rules, restore_best)
    for _ in range(kills):
        clock = Clock()
        before = StopWhen(rules, restore_best, state=tmp_path / "state", clock=clock)
        backup = K.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        with pytest.raises(KeyboardInterrupt):
            fit(small(K), DiesAtTheEnd(), clock, Script(val_loss=VAL_LOSS), before, backup, epochs=10)
    model, stop = resumable(K, tmp_path, rules, restore_best)
    assert stop.report == undisturbed.report and dict(stop.history) == dict(undisturbed.history)
    assert same(model.get_weights(), whole.get_weights()) and not (tmp_path / "state").exists()


@both
def test_killed_after_its_last_epoch(K, tmp_path):
    """No epoch is left to run: Keras begins none."""
    whole, undisturbed = resumable(K, tmp_path / "whole", Patience("val_loss", 9), epochs=5)

    model, before = small(K), StopWhen(Patience("val_loss", 9), "val_loss", state=tmp_path / "state")
    backup = K.callbacks.BackupAndRestore(str(tmp_path / "backup"))
    with pytest.raises(KeyboardInterrupt):
        fit(model, DiesAtTheEnd(), Script(val_loss=VAL_LOSS), before, backup, epochs=5)
    model, stop = resumable(K, tmp_path, Patience("val_loss", 9), epochs=5)
    assert stop.report.reason == undisturbed.report.reason and stop.report.ended_by == "all epochs done"
    assert (stop.report.epoch, stop.report.best_epoch, stop.report.step) == (4, 3, 15)
    assert same(model.get_weights(), whole.get_weights())


@both
def test_budgets_go_on_counting(K, tmp_path):
    """A second a batch, three batches an epoch; the clock of the second process begins anew."""
    resumable(K, tmp_path, TimeBudget(20), None, interrupt=[Interrupt(3, 1)])
    _, stop = resumable(K, tmp_path, TimeBudget(20), None)
    assert (stop.report.epoch, stop.report.step, stop.report.seconds) == (6, 20, 20.0)
    assert stop.history["seconds"] == [3.0 * epoch for epoch in range(1, 7)] + [20.0]
    resumable(K, tmp_path, StepBudget(20), None, interrupt=[Interrupt(3, 1)])
    _, stop = resumable(K, tmp_path, StepBudget(20), None)
    assert (stop.report.epoch, stop.report.step) == (6, 20)


@both
def test_time_for_validation_is_still_kept_back(K, tmp_path):
    validation = {"validation_data": (np.ones((4, 2), "float32"), np.ones((4, 1), "float32"))}

    def run(*interrupt):
        clock = Clock()  # a second a batch, three a validation: 6 an epoch
        stop = StopWhen(TimeBudget(17), state=tmp_path / "state", clock=clock)
        backup = K.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        fit(small(K), clock, stop, *interrupt, backup, epochs=9, **validation)
        return stop.report

    with pytest.raises(KeyboardInterrupt):
        run(Interrupt(2, 0))
    report = run()
    assert report.epoch == 2 and "in batch 1 of epoch 2 (3 s kept for validation)" in report.reason


@both
def test_a_step_before_this_training_is_not_counted_after_a_resume(K, tmp_path):
    def run(*interrupt, before=0):
        model = small(K)
        if before:
            fit(model, epochs=before)
        stop = StopWhen(StepBudget(12), state=tmp_path / "state")
        fit(model, stop, *interrupt, K.callbacks.BackupAndRestore(str(tmp_path / "backup")), epochs=9)
        return stop.report

    with pytest.raises(KeyboardInterrupt):
        run(Interrupt(2, 1), before=2)
    assert (run().epoch, run().step) == (3, 12)


@both
def test_rows_that_are_batches_are_resumed_too(K, tmp_path):
    def run(folder, *interrupt):
        stop = StopWhen(After(4, Below("batch_loss", 0)) | Patience("batch_loss", 8), check="batch",
                        state=folder / "state", clock=Clock())
        backup = K.callbacks.BackupAndRestore(str(folder / "backup"))
        fit(small(K, 0.05), stop, *interrupt, backup, epochs=8)
        return stop

    whole = run(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Interrupt(2, 1))
    stop = run(tmp_path)
    assert stop.report == whole.report and dict(stop.history) == dict(whole.history)


def test_what_was_measured_survives_exactly(tmp_path):
    """None, NaN, infinities, floats of all digits; and a function is shown the same rows again."""
    seen = []

    def watch(history):
        seen.append(dict(history.head(history.rows)))
        return False

    odd = [float("nan"), float("inf"), 0.1 + 0.2, -1e-300, 5e-324, 1e300]
    columns = {"odd": odd, "late": [None, None, None, 1.0, None, 2.0]}

    def run(*interrupt):
        stop = StopWhen(watch, "odd", "max", state=tmp_path / "state", validation_freq=3, clock=Clock())
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        fit(small(keras), Script(**columns), stop, *interrupt, backup, epochs=6)
        return stop

    with pytest.raises(KeyboardInterrupt):
        run(Interrupt(4, 0))
    before = list(seen)
    seen.clear()
    stop = run()
    for again, first in zip(seen, before[:4], strict=False):
        assert again.pop("late")[:3] == [None] * len(again["odd"][:3])  # it came later: None before
        assert repr(again) == repr({name: values for name, values in first.items() if name != "late"})
    assert len(seen) == 6
    assert repr(stop.history["odd"]) == repr(odd) and stop.history["late"] == columns["late"]
    assert stop.report.best_epoch == 5 and [type(epoch) for epoch in stop.history["epoch"]] == [int] * 6


def test_a_resume_before_the_first_validation(tmp_path):
    """The criterion reads a column that has not been measured yet."""

    def run(*interrupt):
        stop = StopWhen(lambda history: history["val_loss"][-1] is not None, state=tmp_path / "state",
                        validation_freq=5)
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        fit(small(keras), Script(val_loss=[None] * 4 + VAL_LOSS[4:]), stop, *interrupt, backup, epochs=8)
        return stop.report

    with pytest.raises(KeyboardInterrupt):
        run(Interrupt(2, 0))
    assert run().epoch == 4


def test_another_criterion_is_another_run(tmp_path):
    resumable(keras, tmp_path, Patience("val_loss", 3), interrupt=[Interrupt(5, 0)])
    with pytest.raises(RuntimeError, match="another training.*criterion: .*Patience.*now .*Epochs"):
        resumable(keras, tmp_path, Patience("val_loss", 1) & Epochs(4))


def test_what_differs_from_job_to_job_does_not_matter(tmp_path):
    rule = Patience("val_loss", 3)
    _, whole = resumable(keras, tmp_path / "whole", rule)
    resumable(keras, tmp_path, rule | Deadline(datetime(2100, 1, 1)), interrupt=[Interrupt(5, 0)])
    _, stop = resumable(keras, tmp_path, rule | Deadline(datetime(2100, 1, 2)) | StopFile(tmp_path / "STOP"))
    assert (stop.report.reason, stop.report.epoch) == (whole.report.reason, whole.report.epoch)


def test_weights_of_another_run_are_noticed(tmp_path):
    """The same script, the same epoch and the same number of steps: the weights tell."""
    resumable(keras, tmp_path, Patience("val_loss", 3), interrupt=[Interrupt(5, 0)])
    facts, arrays = State(tmp_path / "state").load(5)
    facts["of"]["weights"] += 1
    State(tmp_path / "state").save(5, facts, arrays)
    with pytest.raises(RuntimeError, match=r"another moment of this one \(weights: "):
        resumable(keras, tmp_path, Patience("val_loss", 3))


def test_a_model_of_another_shape_is_another_run(tmp_path):
    State(tmp_path).save(3, {"of": {"rows": "epoch", "best": [None, None], "criterion": ["Epochs(9)"],
                                    "shapes": [[7, 1], [1]]}}, {"best": None})
    with pytest.raises(RuntimeError, match=r"shapes: \[\[7, 1\], \[1\]\]; now \[\[2, 1\], \[1\]\]"):
        fit(small(keras), StopWhen(Epochs(9), state=tmp_path), epochs=9, initial_epoch=3)


def test_an_action_hears_that_a_training_goes_on_in_which_it_had_acted(tmp_path):
    heard = []

    class Action:
        def __call__(self, model):
            heard.append("acts")

        def resume(self, model):
            heard.append("goes on")

    for interrupt in ([Interrupt(2, 1)], [Interrupt(5, 1)], []):  # before it acts, after it, to the end
        clock = Clock()
        when = When(Below("val_loss", 3.1), Action(), state=tmp_path / "state", clock=clock)
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        try:
            fit(small(keras), clock, Script(val_loss=VAL_LOSS), when, *interrupt, backup, epochs=8)
        except KeyboardInterrupt:
            pass
    assert heard == ["acts", "goes on"]


@both
def test_without_a_state_a_resumed_run_says_that_it_does_not_know(K):
    stop, when = StopWhen(Epochs(2)), When(Epochs(2), lambda model: None)
    fit(small(K), stop, when, epochs=9, initial_epoch=3)
    for report in (stop.report, when.report):
        assert report.notes == ("this fit began at epoch 3: what came before is not known",)
    assert str(stop.report).endswith("not known")


# ---- a disk that fails ----


def test_a_full_disk_is_a_warning_and_training_goes_on(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    stop = StopWhen(Patience("val_loss", 3), "val_loss", state=tmp_path / "state")
    with pytest.warns(UserWarning, match="could not be written to .* \\(No space left on device\\)"):
        fit(small(keras), Script(val_loss=VAL_LOSS), stop, epochs=10)
    assert stop.report.best_epoch == 3 and not (tmp_path / "state").exists()


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match="could not be written to .*No space left"):
        State(tmp_path).save(5, {}, {})
    assert os.listdir(tmp_path) == []


def test_a_disk_that_is_full_when_training_begins_is_a_warning_too(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.warns(UserWarning, match="could not be written to .*No space left"):
        State(tmp_path).try_out()


def test_a_folder_that_cannot_be_written_to_is_an_error_before_the_first_step(tmp_path):
    (tmp_path / "state").write_text("a file is no folder")
    model = small(keras)
    before = model.get_weights()
    with pytest.raises(OSError, match="state=.* cannot be written to"):
        fit(model, StopWhen(Epochs(3), state=tmp_path / "state"))
    assert same(before, model.get_weights())


def test_ctrl_c_leaves_the_state_and_a_fresh_fit_clears_it(tmp_path):
    resumable(keras, tmp_path, Patience("val_loss", 3), interrupt=[Interrupt(5, 0)])
    files = sorted(path.name for path in (tmp_path / "state").iterdir())
    assert files == ["stopwhen_epoch_4.npz", "stopwhen_epoch_5.npz"]
    (tmp_path / "state" / "notes.txt").write_text("mine")
    stop = StopWhen(Epochs(2), state=tmp_path / "state")
    watch = Weights()
    watch.on_epoch_begin = lambda epoch, logs=None: watch.at.append(os.listdir(tmp_path / "state"))
    fit(small(keras), stop, watch, epochs=2)
    assert watch.at[0] == ["notes.txt"] and stop.report.epoch == 1 and stop.history.rows == 2
    assert os.listdir(tmp_path / "state") == ["notes.txt"]


# ---- what does not fit together ----


@both
def test_a_hole_is_an_error_that_says_what_to_do(K, tmp_path):
    resumable(K, tmp_path, Patience("val_loss", 3), interrupt=[Interrupt(5, 0)])
    (tmp_path / "state" / "stopwhen_epoch_5.npz").unlink()
    with pytest.raises(RuntimeError) as refused:
        resumable(K, tmp_path, Patience("val_loss", 3))
    said = str(refused.value)
    assert "Training begins at epoch 5, and" in said and "no state for it (for epochs: 4)" in said
    assert "StopWhen should stand before BackupAndRestore." in said and "delete that folder and" in said


def test_only_a_newer_state_is_a_hole(tmp_path):
    State(tmp_path).save(9, {}, {})
    with pytest.raises(RuntimeError, match=r"begins at epoch 7, .* \(for epochs: 9\)"):
        fit(small(keras), StopWhen(Epochs(9), state=tmp_path), epochs=9, initial_epoch=7)
    assert (tmp_path / "stopwhen_epoch_9.npz").exists()
    with pytest.raises(RuntimeError, match=r"\(for epochs: none\)"):
        fit(small(keras), StopWhen(Epochs(9), state=tmp_path / "none"), epochs=9, initial_epoch=7)


def test_the_wrong_order_is_noticed(tmp_path):
    """BackupAndRestore first, and killed between the two."""

    def run(*last):
        stop = StopWhen(Patience("val_loss", 3), "val_loss", state=tmp_path / "state")
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        fit(small(keras), Script(val_loss=VAL_LOSS), backup, *last, stop, epochs=10)

    with pytest.raises(KeyboardInterrupt):
        run(Dies(4))
    with pytest.raises(RuntimeError, match="StopWhen should stand before BackupAndRestore"):
        run()


def test_weights_of_another_moment_are_noticed(tmp_path):
    """Keras writes the weights first and the epoch after: killed between them, it trains an epoch twice."""
    resumable(keras, tmp_path, Patience("val_loss", 3), interrupt=[Interrupt(5, 0)])
    metadata = tmp_path / "backup" / "training_metadata.json"
    assert json.loads(metadata.read_text())["epoch"] == 5
    metadata.write_text(json.dumps({"epoch": 4, "batch": 0}))
    with pytest.raises(RuntimeError, match=r"another moment of this one \(iterations: \[12\]; now \[15\]\)"):
        resumable(keras, tmp_path, Patience("val_loss", 3))


@pytest.mark.parametrize(
    "other, what",
    [
        (dict(restore_best="loss"), r"best: \['val_loss', 1\]; now \['loss', 1\]"),
        (dict(restore_best=None), "best: "),
        (dict(restore_best=None, check="batch"), "rows: epoch; now batch"),
    ],
)
def test_another_question_is_noticed(other, what, tmp_path):
    resumable(keras, tmp_path, StepBudget(99), interrupt=[Interrupt(5, 0)])
    with pytest.raises(RuntimeError, match=what):
        resumable(keras, tmp_path, StepBudget(99), **other)


def test_every_way_to_be_damaged_is_said_in_the_same_words(tmp_path):
    """A flag that says encrypted, an unknown method, a newer version, facts that are none, no zip."""
    state, path = State(tmp_path), tmp_path / "stopwhen_epoch_5.npz"
    weights = [np.arange(12, dtype="float32").reshape(3, 4)]
    state.save(5, {"history": {"loss": [1.0]}}, {"best": weights})
    good = path.read_bytes()
    central = good.index(b"PK\x01\x02")
    damaged = [bytes([*good[:at], good[at] ^ (1 << bit), *good[at + 1:]])
               for at, bit in [(central + 8, 0), (central + 10, 0), (central + 6, 7)]]
    np.savez(path, facts="[]")
    damaged.append(path.read_bytes())
    np.savez(path, facts='{"version": 1, "arrays": {}}')
    damaged.append(path.read_bytes())
    np.save(tmp_path / "x.npy", weights[0])
    damaged.append((tmp_path / "x.npy").read_bytes())
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(RuntimeError, match=r"stopwhen_epoch_5.npz is damaged \(.*delete that folder"):
            state.load(5)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 and no more", b"not a zip file"])
def test_a_damaged_file_is_named(damage, tmp_path):
    (tmp_path / "stopwhen_epoch_3.npz").write_bytes(damage)
    with pytest.raises(RuntimeError, match=r"stopwhen_epoch_3.npz is damaged \("):
        State(tmp_path).load(3)


@pytest.mark.parametrize("folder", [True, 3, b"state"])
def test_a_state_is_a_folder(folder):
    with pytest.raises(TypeError, match="state is a folder for StopWhen's files"):
        StopWhen(Epochs(1), state=folder)


# ---- the files ----


def test_the_last_two_epochs_are_kept(tmp_path):
    state = State(tmp_path / "new" / "folder")
    for epoch in (1, 2, 3):
        state.save(epoch, {"epoch": epoch}, {"best": [np.full(2, epoch, "float32")]})
    assert sorted(os.listdir(state.folder)) == ["stopwhen_epoch_2.npz", "stopwhen_epoch_3.npz"]
    facts, arrays = state.load(2)
    assert facts == {"epoch": 2} and arrays["best"][0].tolist() == [2.0, 2.0]
    assert arrays["best"][0].dtype == "float32"
    assert os.listdir(state.folder) == ["stopwhen_epoch_2.npz"]  # epoch 3 will be trained again
    state.clear()
    assert not state.folder.exists()
    state.clear()


def test_no_weights_is_not_no_weight(tmp_path):
    state = State(tmp_path)
    state.save(1, {}, {"best": None, "masks": []})
    assert state.load(1) == ({}, {"best": None, "masks": []})


def test_a_file_that_was_not_finished_is_no_state(tmp_path, monkeypatch):
    state = State(tmp_path)
    state.save(4, {"fine": True}, {})

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        state.save(5, {"fine": False}, {})
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path)) == ["stopwhen_epoch_4.npz", "stopwhen_epoch_5.tmp"]
    assert state.load(4)[0] == {"fine": True}
    assert os.listdir(tmp_path) == ["stopwhen_epoch_4.npz"]


def test_a_file_that_another_process_has_just_removed_is_no_error(tmp_path, monkeypatch):
    """Two on one folder: a file is there when it is listed, and gone when it is to be removed."""
    state, glob = State(tmp_path), Path.glob
    state.save(5, {}, {})
    gone = [tmp_path / "stopwhen_epoch_7.npz", tmp_path / "stopwhen_epoch_7.tmp"]
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: [*glob(folder, pattern), *gone])
    assert state.load(5) == ({}, {})


def test_weights_of_half_the_size_survive(tmp_path):
    """numpy cannot write bfloat16; a model takes it back from float32, in which every value has a place."""
    values = np.array([1.0, 3.140625, -1e-30], ml_dtypes.bfloat16)
    State(tmp_path).save(1, {}, {"best": [values, np.array([1.5], "float16"), np.array(7, "int64")]})
    wide, half, whole = State(tmp_path).load(1)[1]["best"]
    assert wide.astype(ml_dtypes.bfloat16).tolist() == values.tolist()
    assert half.dtype == "float16" and whole.dtype == "int64" and whole == 7
    layer = keras.layers.Dense(1, use_bias=False, dtype="bfloat16")
    layer.build((None, 3))
    layer.set_weights([wide.reshape(3, 1)])
    assert tf.reduce_all(layer.kernel.value[:, 0] == tf.constant(values))


def test_the_saved_best_weights_fit_after_a_freeze(tmp_path):
    """tf_keras puts frozen weights last; what is kept is saved in the order of the day."""
    model = tf_keras.Sequential([tf_keras.Input((2,)), tf_keras.layers.Dense(2), tf_keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    stop = StopWhen(Epochs(9), "loss", state=tmp_path)
    fit(model, stop, epochs=2, validation_freq=1)
    stop.best.keep(model)
    before = {weight.name: weight.numpy() for weight in model.weights}
    model.layers[0].trainable = False
    stop.on_epoch_begin(1)
    stop.state.save(2, {}, {"best": stop.best.weights_for(model)})
    for weight, value in zip(model.weights, State(tmp_path).load(2)[1]["best"], strict=True):
        assert np.array_equal(before[weight.name], value)

"""fit_in_phases(state=...): killed at random and at single places, it ends as if nothing had been."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from course_utils.stopping import Epochs, Patience, Signal, batches
from course_utils.transfer import Phase, fit_in_phases, phase_state, unfreeze

WORKER = Path(__file__).with_name("killed_phases.py")
ALONE = {"PYTHONPATH": os.pathsep.join(sys.path), "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = X[:, :1] * 2
PHASES = (Phase("head", Epochs(2), 0.05), Phase("all", Epochs(3), 0.01, unfreeze_from="a"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the trainings are forks of one process")
@pytest.mark.rare
def test_phases_that_are_killed_again_and_again_end_as_if_nothing_had_been(tmp_path, kills=6):
    command = [sys.executable, str(WORKER), str(tmp_path), str(kills)]
    ran = subprocess.run(command, env={**os.environ, **ALONE}, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr[-3000:]
    result = json.loads(ran.stdout.splitlines()[-1])
    whole, runs = result["whole"], result["runs"]
    assert sum(run["killed"] for run in runs) == kills
    assert (
        whole["report"][3] == 8 and list(whole["phases"]) == ["head", "all", "last"] and whole["left"] == []
    )
    for run in runs:
        for what in ("history", "phases", "report", "weights", "left"):
            assert run[what] == whole[what], what
        assert run["seconds"] == sorted(run["seconds"])


class Dies(keras.callbacks.Callback):
    """Fails at the beginning of an epoch, or after its last batch; notes the epochs that began."""

    def __init__(self, epoch=None, error=RuntimeError):
        super().__init__()
        self.epoch, self.error, self.seen = epoch, error, []

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append(epoch)
        if epoch == self.epoch:
            raise self.error("killed")


def train(folder, dies=None, *, phases=PHASES, seed=1, wide=5, **settings):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(wide, "relu", name="a"),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(1, name="b"),
        ]
    )
    unfreeze(model, "b")
    given = {
        "data": (X, Y),
        "loss": "mse",
        "validation_data": (X, Y),
        "verbose": 0,
        "run_eagerly": True,
        **settings,
    }
    callbacks = [*given.pop("callbacks", []), *([dies] if dies else [])]
    return model, *fit_in_phases(model, phases, given.pop("data"), callbacks=callbacks, state=folder, **given)


def same(run, other):
    (model, history, report), (model_2, history_2, report_2) = run, other
    assert {**history, "seconds": 0} == {**history_2, "seconds": 0}
    assert list(report.phases) == list(report_2.phases)
    for name, each in report.phases.items():
        assert (each.reason, each.step, each.kept, each.notes) == (
            report_2.phases[name].reason,
            report_2.phases[name].step,
            report_2.phases[name].kept,
            (),
        )
    assert report.kept == report_2.kept
    return all(np.array_equal(a, b) for a, b in zip(model.get_weights(), model_2.get_weights()))


def test_it_goes_on_in_the_phase_it_was_in(tmp_path):
    whole = train(None)
    for epoch in (1, 2, 4):
        with pytest.raises(RuntimeError, match="killed"):
            train(tmp_path / "state", Dies(epoch), seed=1 if epoch == 1 else 2)
    dies = Dies()
    assert same(train(tmp_path / "state", dies, seed=3), whole)
    assert dies.seen == [4] and not (tmp_path / "state").exists()


def test_ctrl_c_leaves_the_state(tmp_path):
    whole = train(None)
    _, _, report = train(tmp_path / "state", Dies(3, KeyboardInterrupt))
    assert report.interrupted and report.epochs == 3 and (tmp_path / "state").exists()
    assert same(train(tmp_path / "state"), whole)


def test_without_restore_best_and_with_a_pipeline_that_repeats(tmp_path):
    import tensorflow as tf

    settings = {"restore_best": None, "data": tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)}
    whole = train(None, **settings)
    with pytest.raises(RuntimeError, match="killed"):
        train(tmp_path / "state", Dies(3), **settings)
    assert same(train(tmp_path / "state", **settings), whole)


@pytest.mark.parametrize("place, when", [("close_phase", 1), ("close_phase", 2), ("empty", 2)])
def test_killed_after_a_phase_s_last_epoch(place, when, tmp_path, monkeypatch):
    """Keras runs one more batch before it stops: nothing may come of that, not even of its dropout."""
    whole, whole_place = train(None), getattr(phase_state.PhaseFiles, place)

    def dies(self, done=2, *others, **options):
        if done == when:
            raise RuntimeError("killed")
        whole_place(self, done, *others, **options)

    for seed in (1, 4):
        with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="killed"):
            patched.setattr(phase_state.PhaseFiles, place, dies)
            train(tmp_path / "state", seed=seed)
    assert same(train(tmp_path / "state", seed=5), whole)


def test_anothers_state_is_refused_before_the_first_step(tmp_path):
    with pytest.raises(RuntimeError, match="killed"):
        train(tmp_path, Dies(3))
    head, all_ = PHASES
    for settings, message in (
        ({"phases": [head]}, r'list of phases was \["head", "all"\], and is \["head"\]'),
        (
            {"phases": [Phase("head", Epochs(2), 0.06), all_]},
            'learning_rate of phase "head" was 0.05, and is 0.06',
        ),
        (
            {"phases": [head, Phase("all", Patience("val_loss", 3), 0.01, unfreeze_from="a")]},
            "the criterion of",
        ),
        ({"wide": 6}, "model's shapes"),
        ({"optimizer": "sgd"}, "the optimizer"),
        ({"restore_best": "loss"}, "restore_best"),
        ({"seed_": 5}, "seed"),
        ({"data": (X + 1, Y)}, "checksum of the data"),
    ):
        dies = Dies()
        if "seed_" in settings:
            settings = {"phases": PHASES, "batch_size": 6}
            message = "batch_size was 32, and is 6"
        with pytest.raises(RuntimeError, match=f"belongs to another training.*{message}.*delete that folder"):
            train(tmp_path, dies, **settings)
        assert dies.seen == []
    train(tmp_path)  # it is still whole


@pytest.mark.parametrize("name", ["phases.npz", "running.npz"])
def test_a_damaged_state_is_said(name, tmp_path):
    with pytest.raises(RuntimeError, match="killed"):
        train(tmp_path, Dies(1))
    path, dies = tmp_path / name, Dies()
    content = path.read_bytes()
    i = content.index(b"\x93NUMPY") + 200  # within the facts, past their header
    for damaged in (content[:100], b"", bytes([*content[:i], content[i] ^ 255, *content[i + 1:]])):
        path.write_bytes(damaged)
        with pytest.raises(RuntimeError, match=f"{name} is damaged.*delete that folder"):
            train(tmp_path, dies)
    assert dies.seen == []


def test_no_byte_of_a_damaged_state_makes_another_of_it(tmp_path):
    files = phase_state.PhaseFiles(tmp_path, {"seed": 1})
    files._write("phases.npz", {"identity": {"seed": 1}, "done": 1}, {"model": [X[:2]], "none": None})
    path, said = tmp_path / "phases.npz", 0
    content = path.read_bytes()
    for i in range(len(content)):
        path.write_bytes(bytes([*content[:i], content[i] ^ 255, *content[i + 1:]]))
        try:
            facts, arrays = files._read("phases.npz")
        except RuntimeError as error:
            assert "phases.npz is damaged" in str(error)
            said += 1
        else:  # a byte that says nothing, such as a date
            assert facts == {"identity": {"seed": 1}, "done": 1}
            assert arrays["none"] is None and np.array_equal(arrays["model"], [X[:2]])
    assert said > 2 * len(content) / 3


def test_a_state_of_another_version_is_said(tmp_path, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="killed"):
        patched.setattr(phase_state, "VERSION", phase_state.VERSION - 1)
        train(tmp_path, Dies(1))
    with pytest.raises(RuntimeError, match="another version of this library wrote it.*delete that folder"):
        train(tmp_path)


def test_a_folder_that_cannot_be_written_to_is_found_at_once_and_a_full_disk_is_survived(
    tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("not a folder")
    dies = Dies()
    with pytest.raises(OSError):
        train(tmp_path / "file", dies)
    assert dies.seen == []
    savez, count = np.savez, []

    def full(file, **arrays):
        count.append(1)
        if len(count) > 1:
            file.write(b"half of it")
            raise OSError("No space left on device")
        savez(file, **arrays)

    monkeypatch.setattr(phase_state.np, "savez", full)
    with pytest.warns(UserWarning, match="could not be kept.*No space left") as said:
        train(tmp_path / "state")
    assert len([each for each in said if "could not be kept" in str(each.message)]) == 1
    assert not (tmp_path / "state").exists()


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    def full(_):
        raise OSError("No space left on device")

    monkeypatch.setattr(phase_state.os, "fsync", full)
    with pytest.warns(UserWarning, match="could not be kept.*No space left"):
        phase_state.PhaseFiles(tmp_path, {}).save(1, {}, {})
    assert list(tmp_path.iterdir()) == []


def test_backup_and_restore_is_refused(tmp_path):
    backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
    with pytest.raises(ValueError, match="BackupAndRestore knows one fit.*state=folder"):
        train(None, callbacks=[backup])
    with pytest.raises(TypeError, match="state is a folder"):
        train(5)


def test_with_a_state_a_backup_is_left_out_and_the_phases_resume(tmp_path):
    def backup():
        return keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))

    whole = train(tmp_path / "whole")
    with pytest.warns(UserWarning, match="left out: state= holds"), pytest.raises(RuntimeError):
        train(tmp_path / "state", Dies(3), callbacks=[backup()])
    with pytest.warns(UserWarning, match="left out"):
        same(train(tmp_path / "state", callbacks=[backup()]), whole)


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_signal_ends_the_job_and_the_next_one_goes_on_in_the_same_phase(epoch, tmp_path):
    phases = tuple(replace(phase, criterion=phase.criterion | Signal()) for phase in PHASES)

    class Asked(keras.callbacks.Callback):
        def on_epoch_begin(self, at, logs=None):
            if at == epoch:
                signal.raise_signal(signal.SIGTERM)

    whole = train(tmp_path / "whole", phases=phases)
    _, _, first = train(tmp_path / "state", Asked(), phases=phases)
    assert first.interrupted and list(first.phases) == ["head", "all"][: 1 + (epoch > 1)]
    again = train(tmp_path / "state", phases=phases)
    assert not again[2].interrupted and not (tmp_path / "state").exists()
    same(again, whole)


def test_batches_begin_at_an_epochs_order():
    def epochs(pipeline, count):
        return [np.concatenate([y for _, y in pipeline]).tolist() for _ in range(count)]

    rows = np.arange(20)
    whole = epochs(batches(rows, rows, 6, seed=3), 5)
    assert epochs(batches(rows, rows, 6, seed=3, start=2), 3) == whole[2:]
    random = np.random.default_rng(3)
    assert whole == [random.permutation(20).tolist() for _ in range(5)]
    with pytest.raises(ValueError, match="start is an epoch"):
        batches(rows, rows, 6, seed=3, start=-1)

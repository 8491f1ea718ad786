"""Criteria as Ray Tune's stoppers, without Ray: a stub has the one class of it that matters here."""

import abc
import pickle
import sys
import types
from datetime import datetime

import numpy as np
import pytest
from hypothesis import assume, given, settings

from any_curve import NESTED, histories
from course_utils.scale import CriterionStopper, as_stopper, installed
from course_utils.stopping import (
    Deadline,
    Epochs,
    MissingColumn,
    NotFinite,
    Patience,
    Signal,
    TimeBudget,
    replay,
)

RULE = Patience("val_loss", 2) | NotFinite()
CURVE = [0.9, 0.5, 0.6, 0.4, 0.45, 0.42, 0.41]  # stops at 5, and would at 3 if the fourth were missing


class TuneStopper(abc.ABC):
    """As ray/tune/stopper/stopper.py."""

    @abc.abstractmethod
    def __call__(self, trial_id, result): ...

    @abc.abstractmethod
    def stop_all(self): ...


@pytest.fixture
def ray(monkeypatch):
    ray, tune = types.ModuleType("ray"), types.ModuleType("ray.tune")
    ray.tune, tune.Stopper = tune, TuneStopper
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.tune", tune)
    monkeypatch.setattr(installed.metadata, "version", lambda package: "2.60.0")
    return tune


def result(number, value, **more):
    """As Tune makes one."""
    return {"val_loss": value, "loss": value, "training_iteration": number, "time_total_s": 2.0 * number,
            "config": {"rate": 0.1}, "done": False, "date": "2026-11-26_06-30-00", "pid": 7, **more}


def feed(stopper, values=CURVE, trial="a", start=1):
    """The number of the result at which it was stopped, or None."""
    for number, value in enumerate(values, start):
        if stopper(trial, result(number, value)):
            return number
    return None


def test_a_trial_is_stopped_where_its_replay_is():
    stopper = CriterionStopper(RULE)
    assert feed(stopper) == 6
    assert stopper.reasons == {"a": "val_loss 0.42 at epoch 5 has not improved on 0.4 (epoch 3) for 2 epochs"}
    assert feed(stopper, [0.3, float("nan")], "b") == 2 and feed(stopper, [3.0, 2.0], "c") is None
    assert stopper.stop_all() is False
    reports = stopper.reports(best="val_loss")
    assert (reports["a"].reason, reports["a"].kept) == (stopper.reasons["a"], 0.4)
    assert "was never met" in reports["c"].reason


@settings(max_examples=60)
@given(history=histories(), criterion=NESTED)
def test_any_criterion_on_any_curve(history, criterion):
    assume(not any(part.interrupts for part in criterion.parts()))
    stopper = CriterionStopper(criterion)
    rows = [dict(zip(history, values)) for values in zip(*history.values())]
    expected = criterion.met(history).tolist() if rows else []
    assert [stopper("a", {"training_iteration": i + 1, **row}) for i, row in enumerate(rows)] == expected


@pytest.mark.parametrize("folder", [True, False])
def test_a_rewound_curve_is_judged_as_if_it_were_not(tmp_path, folder):
    stopper = CriterionStopper(RULE, tmp_path if folder else None)
    assert feed(stopper, CURVE[:3]) is None
    for _ in range(5):  # killed, and begun again from the same checkpoint: 0.6 is one failure, not six
        assert feed(stopper, CURVE[2:3], start=3) is None
    assert feed(stopper, CURVE[3:], start=4) == 6
    assert feed(stopper, CURVE[3:4], start=4) is None and not stopper.reasons  # it was stopped, and is back


@pytest.mark.parametrize("killed_after", range(1, 7))
@pytest.mark.parametrize("snapshot_after", range(0, 7))
def test_after_the_driver_s_kill_an_old_snapshot_does_no_harm(tmp_path, killed_after, snapshot_after):
    """Tune restores the stopper as it was some results ago, and the trial from a checkpoint of its own."""
    stopper, snapshot = CriterionStopper(RULE, tmp_path), None
    for number, value in enumerate(CURVE[:killed_after], 1):
        if number > snapshot_after and snapshot is None:
            snapshot = pickle.dumps(stopper)
        stopper("a", result(number, value))
    for again in range(1, killed_after + 1):
        restored = pickle.loads(snapshot or pickle.dumps(stopper))
        assert feed(restored, CURVE[again - 1:], start=again) == 6
    assert restored.reports()["a"].epoch == 5


def test_in_memory_it_remembers_through_pickle_what_it_was_told():
    stopper = CriterionStopper(RULE)
    feed(stopper, CURVE[:4])
    assert feed(pickle.loads(pickle.dumps(stopper)), CURVE[4:], start=5) == 6
    forgot = pickle.loads(pickle.dumps(CriterionStopper(RULE)))
    with pytest.warns(UserWarning, match="Trial a goes from result 0 to result 5"):
        feed(forgot, CURVE[4:], start=5)


def test_another_driver_reads_the_reasons_of_the_first(tmp_path):
    feed(CriterionStopper(RULE, tmp_path))
    later = CriterionStopper(RULE, tmp_path)
    assert later.reports()["a"].reason == replay(RULE, {"val_loss": CURVE, "loss": CURVE}).reason
    assert list(later.histories) == ["a"] and later.histories["a"]["val_loss"] == CURVE[:6]


def test_what_a_result_has_as_a_row():
    stopper = CriterionStopper(Epochs(9))
    stopper("a", result(1, np.float32(0.5), nested={"top5": np.int64(3)}, weights=[1, 2], missing=None))
    (row,) = zip(*stopper.histories["a"].values())
    assert dict(zip(stopper.histories["a"], row)) == {
        "val_loss": 0.5, "loss": 0.5, "training_iteration": 1, "time_total_s": 2.0, "nested/top5": 3,
        "missing": None, "epoch": 0, "seconds": 2.0}


def test_what_the_trial_reports_itself_comes_first():
    stopper = CriterionStopper(TimeBudget(3))
    assert not stopper("a", result(1, 0.5, epoch=10, seconds=1.0))
    assert stopper("a", result(2, 0.5, epoch=20, seconds=3.0)) and stopper.reasons["a"].endswith("epoch 20")
    assert feed(stopper, trial="b") == 2  # by Tune's time_total_s


def test_a_column_that_no_trial_reports_is_named():
    with pytest.raises(MissingColumn, match=r'a reports no "val_accuracy", which .* It reports: epoch, loss'):
        feed(CriterionStopper(Patience("val_accuracy", 2, mode="max")))
    stopper = CriterionStopper(Patience("val_accuracy", 1, mode="max"))
    values = [None, 0.5, None, 0.4]  # measured every other time
    assert [stopper("a", result(i, 0.1, val_accuracy=v)) for i, v in enumerate(values, 1)][-1]


@pytest.mark.parametrize("criterion", [Signal(), Deadline(datetime(2026, 11, 26)), TimeBudget(9, of="job")])
def test_what_ends_a_job_is_refused(criterion):
    with pytest.raises(ValueError, match="ends a job, for another one to go on"):
        CriterionStopper(Patience("val_loss", 2) | criterion)


# ---- Tune ----


def test_tune_takes_it_for_one_of_its_own(ray, tmp_path):
    stopper = as_stopper(RULE, tmp_path)
    assert isinstance(stopper, ray.Stopper) and feed(stopper) == 6


def test_a_new_driver_takes_it_for_one_of_its_own(ray, tmp_path, monkeypatch):
    snapshot = pickle.dumps(as_stopper(RULE, tmp_path))
    monkeypatch.setattr(ray, "Stopper", type("Stopper", (abc.ABC,), {}))  # of a new process
    assert isinstance(pickle.loads(snapshot), ray.Stopper)


def test_ray_that_is_missing_or_old_is_named_with_the_line_that_brings_it(monkeypatch):
    def missing(package):
        raise installed.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(installed.metadata, "version", missing)
    with pytest.raises(ImportError, match=r"needs ray, which is not installed: pip install 'ray\[tune\]>="):
        as_stopper(RULE)
    monkeypatch.setattr(installed.metadata, "version", lambda package: "2.9.3")
    with pytest.raises(ImportError, match=r"needs ray 2\.\d+ or newer, and 2\.9\.3 is installed: pip"):
        as_stopper(RULE)

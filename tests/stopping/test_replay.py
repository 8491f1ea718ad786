"""Replay: the report of a run that is over. That StopWhen gives the same is tested in test_callbacks.py."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from any_curve import NESTED, VALUES, histories
from course_utils.stopping import (
    Above,
    After,
    Below,
    Epochs,
    History,
    MissingColumn,
    Patience,
    StepBudget,
    TimeBudget,
    best_so_far,
    replay,
)

NAN, INF = math.nan, math.inf


@given(NESTED, histories(), st.sampled_from(["min", "max"]))
def test_the_report_tells_what_the_criterion_found(criterion, history, mode):
    report = replay(criterion, history, "val_loss", mode)
    row = criterion.first(history)
    last = history.rows - 1 if row is None else row
    assert report.epoch == (last if history.rows else None)
    assert (report.ended_by == "all epochs done") == (row is None)
    if row is None:
        assert f"{history.rows} epoch" in report.reason and report.reason.endswith(
            f"{criterion!r} was never met"
        )
    else:
        assert report.reason == criterion.reason(history, row)
        assert (report.step, report.seconds) == (history["steps"][row], history["seconds"][row])
    kept = [v for v in history["val_loss"][: last + 1] if v is not None and math.isfinite(v)]
    assert report.kept == ((min if mode == "min" else max)(kept) if kept else None)
    if kept:
        assert report.best_epoch == history["val_loss"].index(report.kept)  # the first of equals
        assert report.epochs_after_best == last - report.best_epoch
    else:
        assert report.best_epoch is report.epochs_after_best is None and report.metric == "val_loss"


@given(st.lists(VALUES, max_size=10), st.sampled_from([1, -1]))
def test_best_so_far(values, sign):
    numbers = np.array([NAN if v is None or not math.isfinite(v) else sign * v for v in values], dtype=float)
    assert best_so_far(values, sign) == (None if np.isnan(numbers).all() else int(np.nanargmin(numbers)))


@pytest.mark.parametrize(
    "criterion, epoch, best_epoch, kept",
    [
        (Patience("val_loss", 2), 3, 1, 0.5),
        (Patience("val_loss", 9), 4, 4, 0.4),
        (Below("val_loss", 0.55), 1, 1, 0.5),
        (After(2, Below("val_loss", 0.65)), 2, 1, 0.5),  # rows that the criterion does not see can be best
        (Epochs(1), 0, 0, 0.9),
        (Below("val_loss", 0) | Epochs(3), 2, 1, 0.5),
        (lambda history: history["val_loss"][-1] > 0.6, 0, 0, 0.9),
    ],
)
def test_one_curve(criterion, epoch, best_epoch, kept):
    report = replay(criterion, {"val_loss": [0.9, 0.5, 0.6, 0.7, 0.4]}, best="val_loss")
    assert (report.epoch, report.best_epoch, report.kept) == (epoch, best_epoch, kept)
    assert report.step is report.seconds is None


def test_min_delta_does_not_decide_which_epoch_is_best():
    report = replay(Patience("val_loss", 2, min_delta=1), {"val_loss": [3.0, 2.5, 2.25]}, best="val_loss")
    assert (report.epoch, report.best_epoch, report.kept) == (2, 2, 2.25)


def test_without_a_column_for_the_best():
    report = replay(Below("loss", 0.5), {"loss": np.array([0.9, 0.4])})
    assert (report.reason, report.ended_by) == ("loss 0.4 < 0.5 at epoch 1", "Below('loss', 0.5)")
    assert report.metric is report.best_epoch is report.kept is report.epochs_after_best is None
    assert str(report) == report.reason


def test_reads_what_fit_returned():
    class Fitted:
        history = {"accuracy": [0.5, 0.9, 0.8]}

    report = replay(Above("accuracy", 0.7), Fitted(), best="accuracy", mode="max")
    assert (report.epoch, report.kept) == (1, 0.9)


def test_no_epochs_at_all():
    report = replay(Epochs(3), {}, best=None)
    assert report.reason == "0 epochs are done; Epochs(3) was never met" and report.epoch is None
    report = replay(Patience("val_loss"), {"val_loss": []}, best="val_loss")
    assert report.best_epoch is report.epoch is report.step is None


def test_epochs_keep_the_numbers_that_the_history_gives_them():
    history = {"loss": [3.0, 2.0, 2.5], "epoch": [5, 6, 7]}
    report = replay(Patience("loss", 1), history, best="loss")
    assert report.reason == "loss 2.5 at epoch 7 has not improved on 2 (epoch 6) for 1 epoch"
    assert (report.epoch, report.best_epoch, report.epochs_after_best) == (7, 6, 1)
    assert replay(Epochs(9), history).reason.startswith("all 3 epochs are done; ")


def test_rows_that_are_batches():
    rows = History(
        batch_loss=[3.0, 2.0, 2.5, 2.6], batch=[0, 1, 0, 1], epoch=[0, 0, 1, 1], steps=[1, 2, 3, 4]
    )
    report = replay(Patience("batch_loss", 2), rows, best="batch_loss")
    assert report.reason == (
        "batch_loss 2.6 at batch 1 of epoch 1 has not improved on 2 (batch 1 of epoch 0) for 2 batches"
    )
    assert (report.epoch, report.step, report.best_epoch, report.epochs_after_best) == (1, 4, 0, 1)
    assert replay(StepBudget(9), rows).reason.startswith("all 2 epochs are done; ")


def test_budgets_are_looked_at_where_rows_end():
    history = {"loss": [3.0, 2.0, 1.0], "seconds": [40.0, 80.0, 120.0], "steps": [10, 20, 30]}
    assert replay(TimeBudget(minutes=1), history).reason == "1 minute is up at epoch 1"
    report = replay(StepBudget(15) | TimeBudget(60), history)
    assert report.reason == "15 steps are done at epoch 1; 60 seconds are up at epoch 1"
    assert report.ended_by == "StepBudget(15); TimeBudget(seconds=60)"
    assert (report.step, report.seconds) == (20, 80.0)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ((0.1, {"loss": [1]}), TypeError, "A criterion is such as"),
        ((Epochs(1), [1, 2]), TypeError, "A history maps column names to lists"),
        ((Epochs(1), {"loss": [1], "val_loss": []}), ValueError, "differ in length"),
        ((Below("los", 1), {"loss": [1]}), MissingColumn, 'Did you mean "loss"'),
        (
            (Epochs(1), {"loss": [1]}, "val_loss"),
            MissingColumn,
            'There is no column "val_loss". Columns: loss.',
        ),
        ((Epochs(1), {"auc": [1]}, "auc"), ValueError, 'Is a small or a large "auc" better?'),
        ((Epochs(1), {"loss": [1]}, None, "max"), ValueError, "mode='max' belongs to the column"),
        ((Epochs(1), {"loss": [1]}, True), TypeError, "is a name"),
    ],
)
def test_what_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        replay(*arguments)

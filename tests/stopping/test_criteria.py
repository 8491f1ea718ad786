"""The contract of every criterion on any curve, and what each one says on a curve written by hand.

A new criterion must be added to CRITERIA: a test fails where one is missing.
"""

import copy
import math
import pickle
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any_curve import CRITERIA, NESTED, SIMPLE, every_criterion, has_fallen, histories, is_long, last_is_worst
from course_utils import stopping
from course_utils.stopping import (
    Above,
    After,
    AllOf,
    AnyOf,
    Armed,
    Asked,
    AtLeast,
    AtMost,
    Below,
    Combined,
    Criterion,
    Deadline,
    Epochs,
    GeneralizationLoss,
    History,
    ImprovementBelow,
    Lasting,
    MissingColumn,
    NotFinite,
    Patience,
    Plateau,
    ProgressQuotient,
    RateFloor,
    Signal,
    Smoothed,
    StepBudget,
    StopFile,
    SuccessiveIncreases,
    TimeBudget,
    as_criterion,
)

# ---- any curve, any criterion ----

def test_no_criterion_escapes_the_contract():
    here = {
        kind
        for kind in [getattr(stopping, name) for name in stopping.__all__]
        if isinstance(kind, type) and issubclass(kind, Criterion) and not kind.__name__.startswith("_")
    }
    interrupts = {Deadline, Signal, StopFile}  # they read what happens to a process: test_interrupts.py
    assert here - {Criterion, Combined} - interrupts == set(CRITERIA)


@every_criterion
@given(st.data(), histories())
def test_causal(kind, data, history):
    criterion = data.draw(CRITERIA[kind])
    met = criterion.met(history)
    assert met.shape == (history.rows,) and met.dtype == bool
    for rows in range(history.rows + 1):
        assert (met[:rows] == criterion.met(history.head(rows))).all()


@every_criterion
@given(st.data(), histories())
def test_live_on_a_growing_history_is_replay(kind, data, history):
    criterion = data.draw(CRITERIA[kind])
    growing, step, live = History(), criterion.live(), []
    for row in range(history.rows):
        growing.add({name: values[row] for name, values in history.items()})
        live.append(step(growing, row))
    assert all(type(verdict) is bool for verdict in live)
    assert live == criterion.met(history).tolist()


@every_criterion
@given(st.data(), histories())
def test_first_is_the_first_row_that_is_met(kind, data, history):
    criterion = data.draw(CRITERIA[kind])
    met = criterion.met(history)
    assert criterion.first(history) == (int(met.argmax()) if met.any() else None)


def counts_rows(criterion):
    return any(isinstance(part, Epochs | Asked) for part in criterion.parts())


@every_criterion
@given(st.data(), histories())
def test_a_row_that_was_not_measured_leaves_the_verdict(kind, data, history):
    criterion = data.draw(
        CRITERIA[kind].filter(lambda c: not counts_rows(c)) if kind not in (Epochs, Asked) else NESTED
    )
    if counts_rows(criterion):
        return
    met = criterion.met(history)
    for row in range(history.rows):
        if all(history[name][row] is None for name in criterion.columns):
            assert met[row] == (row > 0 and met[row - 1])


@given(NESTED, histories(), st.data())
def test_rows_of_other_columns_do_not_matter(criterion, history, data):
    """Put unmeasured rows in between: the verdicts of the others stay (where rows are not counted)."""
    if counts_rows(criterion) or "After" in repr(criterion) or "Armed" in repr(criterion):
        return
    measured, spread = criterion.met(history), History()
    places = []
    for row in range(history.rows):
        for _ in range(data.draw(st.integers(0, 2))):
            spread.add({name: None for name in history})
        places.append(spread.rows)
        spread.add({name: values[row] for name, values in history.items()})
    if places:
        assert criterion.met(spread)[places].tolist() == measured.tolist()


@every_criterion
@given(st.data(), histories())
def test_every_met_row_has_a_reason_and_parts(kind, data, history):
    criterion = data.draw(CRITERIA[kind])
    batches = History(history, batch=list(range(history.rows)), epoch=[7] * history.rows)
    for row in np.flatnonzero(criterion.met(history)):
        reason = criterion.reason(history, row)
        assert (
            f"epoch {row}" in reason
            and len(reason.split()) >= 3
            and "\n" not in reason
            and not reason.endswith(".")
        )
        assert f"batch {row} of epoch 7" in criterion.reason(batches, row, "batch")
        assert "in batch 3" in criterion.reason(history, row, place="in batch 3")
        parts = criterion.parts_met(history, row)
        assert parts and all(part in criterion.parts() or part is criterion for part in parts)


@given(NESTED, histories())
def test_the_parts_that_are_met_are_met(criterion, history):
    if "After" in repr(criterion) or "Armed" in repr(criterion):  # their parts see fewer rows
        return
    for row in np.flatnonzero(criterion.met(history)):
        assert all(part.met(history)[row] for part in criterion.parts_met(history, row))


@every_criterion
@given(st.data(), histories())
def test_what_is_met_within_an_epoch_is_met_at_its_end(kind, data, history):
    criterion = data.draw(CRITERIA[kind])
    if not history.rows:
        return
    newest = {name: values[-1] for name, values in history.items()}
    met = criterion.met_mid_epoch(newest, history.rows - 1)
    if met:
        assert criterion.every_batch and criterion.met(history)[-1]
    asked_once_a_row = any(name in repr(criterion) for name in ("Lasting", "Armed"))
    newest_decides = all(part.every_batch for part in criterion.parts()) and not asked_once_a_row
    if newest_decides and None not in newest.values():
        assert bool(met) == criterion.met(history)[-1]


@given(NESTED, NESTED, histories(), st.integers(0, 15))
def test_combinations_are_what_they_are_called(one, other, history, rows):
    assert (AnyOf(one, other).met(history) == (one.met(history) | other.met(history))).all()
    assert (AllOf(one, other).met(history) == (one.met(history) & other.met(history))).all()
    unseen = [False] * min(rows, history.rows)
    assert After(rows, one).met(history).tolist() == unseen + one.met(history.tail(rows)).tolist()
    start = other.first(history)
    expected = [False] * history.rows if start is None else After(start, one).met(history).tolist()
    assert Armed(other, one).met(history).tolist() == expected


@pytest.mark.parametrize(
    "kind", [kind for kind in SIMPLE if kind is not Asked], ids=lambda kind: kind.__name__
)
@settings(max_examples=25)
@given(st.data(), histories(), st.integers(0, 4))
def test_the_score_decides(kind, data, history, hidden):
    criterion = data.draw(SIMPLE[kind])
    scores = criterion.score(history)
    assert scores.shape == (history.rows,) and scores.dtype == float
    measured = [
        row
        for row in range(history.rows)
        if all(history[name][row] is not None for name in criterion.columns)
    ]
    begun = range(measured[0], history.rows) if measured else range(0)
    assert np.isnan(scores[: len(scores) - len(begun)]).all()
    assert [criterion.is_met(scores[row]) for row in begun] == criterion.met(history)[
        len(scores) - len(begun) :
    ].tolist()
    after = After(hidden, criterion).score(history)
    assert after.shape == scores.shape and np.isnan(after[:hidden]).all()
    assert after[hidden:].tolist() == pytest.approx(
        criterion.score(history.tail(hidden)).tolist(), nan_ok=True
    )


NAMES = {name: getattr(stopping, name) for name in stopping.__all__}
NAMES |= {"nan": math.nan, "inf": math.inf, "has_fallen": has_fallen, "is_long": is_long}
NAMES |= {"last_is_worst": last_is_worst}


@every_criterion
@given(st.data())
def test_a_criterion_is_a_value(kind, data):
    criterion = data.draw(CRITERIA[kind])
    twins = [copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion))]
    if not any(isinstance(part, Asked) for part in criterion.parts()):
        twins.append(eval(repr(criterion), NAMES))  # it is shown as one would write it
    for twin in twins:
        assert twin == criterion and hash(twin) == hash(criterion)


@given(NESTED, NESTED, histories())
def test_one_criterion_serves_many_runs_at_once(criterion, other, history):
    """No state in the record: two live runs of one criterion, in step, do not disturb each other."""
    once, twice, alone = criterion.live(), criterion.live(), criterion.met(history).tolist()
    backwards = History({name: values[::-1] for name, values in history.items()})
    for row in range(history.rows):
        assert once(history.head(row + 1), row) == alone[row]
        twice(backwards.head(row + 1), row)


# ---- each criterion, on curves written by hand ----

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    "criterion, values, met",
    [
        (Below("x", 0.5), [0.6, 0.5, 0.4, None, NAN, -INF], [0, 0, 1, 1, 0, 1]),
        (Above("x", 0.5), [0.4, 0.5, 0.6, None, NAN, INF], [0, 0, 1, 1, 0, 1]),
        (AtMost("x", 0.5), [0.6, 0.5, 0.4, None, NAN, -INF, INF], [0, 1, 1, 1, 0, 1, 0]),
        (AtLeast("x", 0.5), [0.4, 0.5, 0.6, None, NAN, INF, -INF], [0, 1, 1, 1, 0, 1, 0]),
        # 0.001 in float32 is a little more than 0.001; 0.0010001 is more than that
        (RateFloor(1e-3, "x"), [0.1, 0.0010001, np.float32(1e-3), 1e-4, None, NAN], [0, 0, 1, 1, 1, 0]),
        (RateFloor(0, "x"), [1e-9, 0.0], [0, 1]),
        (NotFinite("x"), [1, None, NAN, 1, INF, None, -INF], [0, 0, 1, 0, 1, 1, 1]),
        (Epochs(2), [None, None, None], [0, 1, 1]),
        (Patience("x", 2, mode="min"), [3, 2, 2, 2], [0, 0, 0, 1]),
        (Patience("x", 2, mode="min"), [3, 2, 2, 1, 2, None, 2], [0, 0, 0, 0, 0, 0, 1]),
        (Patience("x", 1, mode="min"), [3, 2, 2, 1], [0, 0, 1, 0]),
        (Patience("x", 2, mode="max"), [3, 4, 4, 5, 5, 5], [0, 0, 0, 0, 0, 1]),
        # steps of 0.5 add up to 1: the best that counts is the last improvement, not the newest value
        (Patience("x", 2, min_delta=0.75, mode="min"), [4, 3.5, 3, 2.5, 2], [0, 0, 0, 0, 0]),
        (Patience("x", 2, min_delta=1, mode="min"), [4, 3.5, 3, 2.5], [0, 0, 1, 0]),
        (Patience("x", 2, min_delta=1, mode="max"), [0, 1, 1.5, 2, 2.5], [0, 0, 0, 0, 1]),
        (Patience("x", 1, min_delta=0.5, relative=True, mode="min"), [8, 4, 3.9, 1.9], [0, 1, 0, 0]),
        (Patience("x", 1, min_delta=0.5, relative=True, mode="max"), [-8, -4, -3.9, -1.9], [0, 1, 0, 0]),
        (Patience("x", 1, min_delta=0.5, relative=True, mode="min"), [-1, -1.5, -1.6], [0, 1, 0]),
        (Patience("x", 2, mode="min"), [NAN, 3, 2, NAN, NAN, 1], [0, 0, 0, 0, 1, 0]),
        (Patience("x", 2, mode="min"), [NAN, NAN, 1], [0, 1, 0]),
        (Patience("x", 2, mode="min"), [INF, INF, 1], [0, 1, 0]),
        (Patience("x", 2, mode="max"), [INF, 5, 5], [0, 0, 1]),
        (Patience("x", 1, min_delta=0.1, mode="min"), [-INF, -INF], [0, 1]),
        (ImprovementBelow("x", 0.5, mode="min"), [2, 1, 0.5, 0.25, 0.25, -1], [0, 0, 1, 1, 1, 0]),
        (ImprovementBelow("x", 0, mode="min"), [2, 1, 1, 1.5, 1], [0, 0, 1, 1, 0]),
        (ImprovementBelow("x", -0.5, mode="min"), [2, 2, 2.25, 2.75, 4], [0, 0, 0, 1, 1]),
        (ImprovementBelow("x", 0.25, mode="max"), [0.5, 1, 1.25, 1], [0, 0, 1, 1]),
        (ImprovementBelow("x", 0.25, 2, mode="min"), [4, 4, 3.5, 3.75, 3], [0, 0, 0, 1, 0]),
        (ImprovementBelow("x", 0.5, relative=True, mode="min"), [8, 4, 3, 1], [0, 1, 1, 0]),
        (ImprovementBelow("x", 0, mode="min"), [None, 2, None, 2, None, 1], [0, 0, 0, 1, 1, 0]),
        (ImprovementBelow("x", 0, mode="min"), [2, NAN, 2, 2], [0, 0, 0, 1]),
        (ImprovementBelow("x", 0, mode="min"), [INF, INF, 2, INF, -INF], [0, 1, 0, 1, 0]),
        (ImprovementBelow("x", 0, mode="max"), [INF, INF, 2, INF, -INF], [0, 1, 1, 0, 1]),
        (ImprovementBelow("x", 0.5, relative=True, mode="min"), [INF, 2, INF, 0, 0.5], [0, 0, 1, 0, 1]),
        (ImprovementBelow("x", 0.5, relative=True, mode="max"), [INF, 2, -INF, -1, 0], [0, 1, 1, 0, 0]),
        (Smoothed(2, Below("x", 2)), [3, 2, 1, 4, 1, None, 0], [0, 0, 1, 0, 0, 0, 1]),
        (Smoothed(3, Below("x", 2)), [1, 4, 0, 1], [1, 0, 1, 1]),  # the mean of one, of two, of three
        (Smoothed(2, NotFinite("x")), [1, NAN, 1, 1], [0, 1, 1, 0]),
        (Smoothed(2, Above("x", 5)), [1, INF, 1, 1], [0, 1, 1, 0]),
        # 4, 3, 3, 2: without the means, epoch 2 is worse than epoch 1
        (Smoothed(2, Patience("x", 1, mode="min")), [4, 2, 4, 0], [0, 0, 1, 0]),
        (Smoothed(2, ImprovementBelow("x", 0, mode="max")), [1, 3, 0, 5], [0, 0, 1, 0]),
        (After(1, Smoothed(3, Below("x", 2))), [9, 1, 2, 4], [0, 1, 1, 0]),
        # 4 is 100 % above 2 and 300 % above 1; exactly at alpha is not yet above it
        (GeneralizationLoss(100, "x"), [2, 4, 4.5, 1, 2, 2.5], [0, 0, 1, 0, 0, 1]),
        (GeneralizationLoss(0, "x"), [2, 2, NAN, 3, None, INF, 1], [0, 0, 0, 1, 1, 1, 0]),
        (GeneralizationLoss(5, "x"), [INF, INF, NAN, 2, 3], [0, 0, 0, 0, 1]),
        (Lasting(2, GeneralizationLoss(100, "x")), [1, 3, 2, 3, None, 4, 5], [0, 0, 0, 0, 0, 1, 1]),
        (After(1, GeneralizationLoss(0, "x")), [1, 3, 2, 4], [0, 0, 0, 1]),
        (SuccessiveIncreases(1, 2, "x"), [9, 5, 9, 6, 0, 5, 9, 9], [0, 0, 0, 1, 0, 0, 0, 1]),
        (SuccessiveIncreases(2, 1, "x"), [1, 2, 2, 3, 4, 5], [0, 0, 0, 0, 1, 1]),
        (SuccessiveIncreases(1, 2, "x"), [9, None, 5, 9, 6, None, 0], [0, 0, 0, 0, 1, 1, 0]),
        (SuccessiveIncreases(1, 1, "x"), [1, NAN, 2, 3], [0, 0, 0, 1]),
        (SuccessiveIncreases(1, 1, "x"), [-INF, -1, INF, INF], [0, 1, 1, 0]),
        (Plateau("x", 0.5, 2), [4, 3, 2.5, 2.5, None, 9], [0, 1, 1, 1, 1, 0]),  # half of the distance
        (Plateau("x", 0, 3), [0.1, 0.1, 0.1, 0.1, 0.2], [0, 0, 1, 1, 0]),
        (Plateau("x", 1, 2), [1, NAN, 1, 1, INF, INF, 1], [0, 0, 0, 1, 0, 0, 0]),
        (Lasting(1, Below("x", 1)), [2, 0, 2], [0, 1, 0]),
        (Lasting(2, Below("x", 1)), [0, 2, 0, None, None, 0, 0, 2], [0, 0, 0, 0, 0, 1, 1, 0]),
        (Lasting(2, Below("x", 1)), [None, 0, 0, None, 2], [0, 0, 1, 1, 0]),
        (Lasting(2, After(1, Below("x", 1))), [0, 0, 0], [0, 0, 1]),
        (After(1, Lasting(2, Below("x", 1))), [0, 0, 0], [0, 0, 1]),
        (Lasting(2, Lasting(2, Below("x", 1))), [0, 0, 0, 0], [0, 0, 1, 1]),
        (Lasting(2, is_long), [0, 0, 0, 0], [0, 0, 0, 1]),
        (Lasting(2, Below("x", 1) | Above("x", 3)), [0, 2, 4, 0], [0, 0, 0, 1]),
        (Lasting(2, Epochs(1)), [None, None], [0, 1]),
        (After(2, Below("x", 1)), [0, 0, 0, 2], [0, 0, 1, 0]),
        (After(2, Patience("x", 2, mode="min")), [1, 1, 1, 1, 1], [0, 0, 0, 0, 1]),
        (After(1, Epochs(2)), [5, 5, 5], [0, 0, 1]),
        (After(1, After(1, Below("x", 1))), [0, 0, 0], [0, 0, 1]),
        (After(9, Below("x", 1)), [0, 0], [0, 0]),
        # armed at 5: the 1 before it is not known, and 5 itself is the first value that patience sees
        (Armed(Above("x", 4), Patience("x", 2, mode="min")), [1, 2, 5, 4, 4, 4, 3], [0, 0, 0, 0, 0, 1, 0]),
        (Armed(Above("x", 4), Below("x", 1)), [0, 5, 2, 0, 0.5, 2], [0, 0, 0, 1, 1, 0]),
        (Armed(Above("x", 4), Epochs(2)), [1, 5, 1, 1], [0, 0, 1, 1]),
        (Armed(Above("x", 9), Below("x", 1)), [0, 0], [0, 0]),
        (Armed(Patience("x", 1, mode="min"), Above("x", 2)), [1, 3, 1, 4], [0, 1, 0, 1]),
        (Below("x", 1) | Above("x", 3), [2, 0, 4, NAN], [0, 1, 1, 0]),
        (Below("x", 3) & Above("x", 1), [2, 0, 4, 2], [1, 0, 0, 1]),
        (Below("x", 1) | Below("x", 2) & Above("x", 1.5), [0, 1.2, 1.7], [1, 0, 1]),
        (Below("x", 1) | is_long, [2, 2, 2], [0, 0, 1]),
        (is_long & Below("x", 1), [0, 0, 0], [0, 0, 1]),
        (After(1, is_long), [0, 0, 0, 0], [0, 0, 0, 1]),
    ],
)
def test_verdicts(criterion, values, met):
    assert criterion.met({"x": values}).tolist() == [bool(verdict) for verdict in met]


def test_budgets():
    clock = {"seconds": [59.0, 60.0, 61.0], "steps": [10, 20, 30]}
    assert (
        TimeBudget(60).met(clock).tolist() == TimeBudget(minutes=1).met(clock).tolist() == [False, True, True]
    )
    assert StepBudget(20).met(clock).tolist() == [False, True, True]
    jobs = {"seconds": [50.0, 100.0, 150.0, 200.0], "job_seconds": [50.0, 100.0, 40.0, 90.0]}
    assert TimeBudget(120).first(jobs) == 2
    assert TimeBudget(90, of="job").met(jobs).tolist() == [False, True, False, True]
    assert TimeBudget(90, of="job").met_mid_epoch({"job_seconds": 91.0, "seconds": 1.0}, 0)
    assert not TimeBudget(90, of="job").met_mid_epoch({"job_seconds": 1.0, "seconds": 91.0}, 0)


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("90s", 90),
        ("1h30m", 5400),
        ("2 days", 172_800),
        ("1 Day 1 hour 1 min 1 sec", 90_061),
        ("30m 1h", 5400),
        ("1.5 h", 5400),
        ("0.25s", 0.25),
        (timedelta(hours=1, minutes=30), 5400),
        (timedelta(days=2, seconds=1), 172_801),
        (timedelta(microseconds=1), 1e-6),
        (timedelta(milliseconds=59_999, microseconds=999), 59.999999),
    ],
)
def test_a_time_budget_as_text(text, seconds):
    budget = TimeBudget(text)
    assert budget.limit == pytest.approx(seconds, rel=1e-12)
    assert budget.met({"seconds": [seconds * 0.99, seconds * 1.01]}).tolist() == [False, True]
    assert eval(repr(budget)) == budget and "seconds=" not in repr(budget)


WRONG_TIMES = ["", "90", "1:30:00", "1h30", "-5m", "5 parsecs", "1h 1h", "h", "1,5h", "m5", "1h,30m"]


@pytest.mark.parametrize("text", WRONG_TIMES)
def test_a_wrong_time_is_shown_the_right_form(text):
    with pytest.raises(ValueError, match='A time is written as "1h30m", "90 s" or "2 days 4 h"') as caught:
        TimeBudget(text)
    assert repr(text) in str(caught.value)


def test_a_time_budget_is_shown_as_one_would_write_it():
    assert repr(TimeBudget("1h30m", of="job")) == "TimeBudget('1h30m', of='job')"
    assert repr(TimeBudget(timedelta(hours=1.5))) == "TimeBudget('1h30m')"
    assert repr(TimeBudget(hours=2)) == "TimeBudget(hours=2)"
    assert repr(TimeBudget(90)) == "TimeBudget(seconds=90)"


@pytest.mark.parametrize(
    "criterion, row, reason",
    [
        (Below("loss", 0.5), 2, "loss 0.4 < 0.5 at epoch 2"),
        (Below("loss", 0.4000001), 2, "loss 0.4 < 0.4000001 at epoch 2"),
        (Above("loss", 0.55), 1, "loss 0.6 > 0.55 at epoch 1"),
        (AtMost("loss", 0.6), 1, "loss 0.6 <= 0.6 at epoch 1"),
        (AtLeast("loss", 0.55), 1, "loss 0.6 >= 0.55 at epoch 1"),
        (NotFinite("x"), 0, "x is nan at epoch 0"),
        (RateFloor(1e-3), 2, "learning_rate 0.001 at epoch 2 has reached its floor, 0.001"),
        (RateFloor(1e-3), 3, "learning_rate 0.0001 at epoch 3 has reached its floor, 0.001"),
        (TimeBudget(hours=1.5e-3), 0, "0.0015 hours are up at epoch 0"),
        (TimeBudget(hours=0.01, of="job"), 1, "0.01 hours of this job are up at epoch 1"),
        (TimeBudget("1m 30s"), 0, "1 minute 30 seconds are up at epoch 0"),
        (TimeBudget("1 min"), 0, "1 minute is up at epoch 0"),
        (TimeBudget(timedelta(minutes=1, milliseconds=500)), 0, "1 minute 0.5 seconds are up at epoch 0"),
        (TimeBudget(90), 0, "90 seconds are up at epoch 0"),
        (TimeBudget(minutes=1), 0, "1 minute is up at epoch 0"),
        (StepBudget(1), 0, "1 step is done at epoch 0"),
        (StepBudget(30), 0, "30 steps are done at epoch 0"),
        (Epochs(1), 0, "1 epoch is done at epoch 0"),
        (Epochs(4), 3, "4 epochs are done at epoch 3"),
        (Patience("loss", 1), 3, "loss 0.4 at epoch 3 has not improved on 0.4 (epoch 2) for 1 epoch"),
        (
            Patience("loss", 2, min_delta=0.3),
            3,
            "loss 0.4 at epoch 3 has not improved on 0.6 (epoch 1) by more than 0.3 for 2 epochs",
        ),
        (
            Patience("loss", 1, 0.5, relative=True),
            3,
            "loss 0.4 at epoch 3 has not improved on 0.4 (epoch 2) by more than 50 % for 1 epoch",
        ),
        (Patience("x", 3, mode="min"), 2, "x nan at epoch 2 has not been finite for 3 epochs"),
        (After(1, Patience("x", 3, mode="max")), 3, "x nan at epoch 3 has not been finite for 3 epochs"),
        (
            ImprovementBelow("loss", 0),
            3,
            "loss did not move, from 0.4 (epoch 2) to 0.4 at epoch 3; 0 or less in 1 epoch is the end",
        ),
        (
            ImprovementBelow("loss", 0.25, window=2),
            3,
            "loss improved by 0.2, from 0.6 (epoch 1) to 0.4 at epoch 3; 0.25 or less in 2 epochs is the end",
        ),
        (
            ImprovementBelow("loss", 0.5, relative=True),
            1,
            "loss improved by 33.3 %, from 0.9 (epoch 0) to 0.6 at epoch 1; "
            "50 % or less in 1 epoch is the end",
        ),
        (
            ImprovementBelow("loss", -0.25, mode="max"),
            1,
            "loss got worse by 0.3, from 0.9 (epoch 0) to 0.6 at epoch 1; "
            "-0.25 or less in 1 epoch is the end",
        ),
        (
            After(2, ImprovementBelow("loss", 0)),
            3,
            "loss did not move, from 0.4 (epoch 2) to 0.4 at epoch 3; 0 or less in 1 epoch is the end",
        ),
        (
            GeneralizationLoss(5, "error"),
            3,
            "error 0.6 at epoch 3 is 50 % above its lowest, 0.4 (epoch 1); more than 5 % is the end",
        ),
        (
            GeneralizationLoss(49.99999, "error"),
            3,
            "error 0.6 at epoch 3 is 50 % above its lowest, 0.4 (epoch 1); more than 49.99999 % is the end",
        ),
        (
            Plateau("loss", 0.2, 2),
            1,
            "loss 0.6 at epoch 1: the standard deviation of 2 epochs is 0.15 <= 0.2",
        ),
        (Lasting(1, Below("loss", 0.5)), 2, "loss 0.4 < 0.5 at epoch 2 (for 1 epoch in a row)"),
        (Lasting(2, Below("loss", 0.7)), 3, "loss 0.4 < 0.7 at epoch 3 (for 3 epochs in a row)"),
        (Smoothed(2, Below("loss", 0.6)), 2, "loss 0.5 < 0.6 at epoch 2 (means of 2 epochs)"),
        (Smoothed(1, Below("loss", 0.5)), 2, "loss 0.4 < 0.5 at epoch 2 (means of 1 epoch)"),
        (Smoothed(9, Below("loss", 0.7)), 2, "loss 0.633 < 0.7 at epoch 2 (means of 9 epochs)"),
        (
            Smoothed(2, Patience("loss", 1, mode="max")),
            1,
            "loss 0.75 at epoch 1 has not improved on 0.9 (epoch 0) for 1 epoch (means of 2 epochs)",
        ),
        (After(1, Smoothed(2, Below("loss", 0.6))), 2, "loss 0.5 < 0.6 at epoch 2 (means of 2 epochs)"),
        (After(1, Epochs(2)), 2, "2 epochs are done at epoch 2"),
        (
            After(1, Patience("loss", 1, min_delta=0.3)),
            2,
            "loss 0.4 at epoch 2 has not improved on 0.6 (epoch 1) by more than 0.3 for 1 epoch",
        ),
        (
            Armed(Below("loss", 0.7), Epochs(2)),
            2,
            "2 epochs are done at epoch 2 (armed: loss 0.6 < 0.7 at epoch 1)",
        ),
        (Below("loss", 0.5) | Epochs(2), 1, "2 epochs are done at epoch 1"),
        (Below("loss", 0.5) | Epochs(2), 2, "loss 0.4 < 0.5 at epoch 2; 3 epochs are done at epoch 2"),
        (Below("loss", 0.5) & Epochs(2), 2, "loss 0.4 < 0.5 at epoch 2; 3 epochs are done at epoch 2"),
        (Below("loss", 0) | After(1, Epochs(1)), 2, "2 epochs are done at epoch 2"),
        (as_criterion(has_fallen), 1, "has_fallen said stop at epoch 1"),
        (
            Patience("rare", 2, mode="min"),
            3,
            "rare 0.7 at epoch 3 has not improved on 0.5 (epoch 0) for 2 measured epochs",
        ),
        (
            ImprovementBelow("rare", 0, window=2, mode="min"),
            3,
            "rare got worse by 0.2, from 0.5 (epoch 0) to 0.7 at epoch 3; "
            "0 or less in 2 measured epochs is the end",
        ),
    ],
)
def test_reasons(criterion, row, reason):
    history = {"loss": [0.9, 0.6, 0.4, 0.4], "x": [NAN] * 4, "seconds": [100.0] * 4, "steps": [30] * 4}
    history["learning_rate"] = [0.1, 0.01, float(np.float32(1e-3)), 1e-4]
    history["job_seconds"] = [0.0, 36.0, 1.0, 2.0]
    history["error"], history["rare"] = [0.9, 0.4, 0.5, 0.6], [0.5, 0.6, None, 0.7]
    assert criterion.met(history)[row] and criterion.reason(history, row) == reason


def test_a_limit_and_a_value_that_differ_never_print_alike():
    assert Below("loss", 0.01234).reason({"loss": [0.0123]}, 0) == "loss 0.0123 < 0.01234 at epoch 0"
    near = Patience("loss", 1, min_delta=0.1).reason({"loss": [0.12304, 0.123]}, 1)
    assert "loss 0.123 at epoch 1 has not improved on 0.12304 (epoch 0)" in near


def scores_of(criterion, values):
    return criterion.score({"x": values}).tolist()


def test_window_1_is_the_articles_formula():
    """Each value against the one before; the first has none, so its improvement is infinite."""
    losses = [4.0, 3.0, 3.5, 3.5, 1.0]
    assert scores_of(ImprovementBelow("x", 0, mode="min"), losses) == [INF, 1.0, -0.5, 0.0, 2.5]
    assert scores_of(ImprovementBelow("x", 0, mode="max"), losses) == [INF, -1.0, 0.5, 0.0, -2.5]


def test_a_window_looks_back_over_measured_rows_and_at_no_best():
    rule = ImprovementBelow("x", 0, window=2, mode="min")
    assert scores_of(rule, [4.0, 1.0, 3.0, 2.0]) == [INF, INF, 1.0, -1.0]
    assert scores_of(rule, [4.0, None, 1.0, None, 3.0, 2.0]) == [INF, INF, INF, INF, 1.0, -1.0]
    reason = rule.reason({"x": [4.0, None, 1.0, None, 3.0, 2.0]}, 5)
    assert reason.startswith("x got worse by 1, from 1 (epoch 2) to 2 at epoch 5; 0 or less in 2 measured")


def test_a_relative_improvement_is_a_share_of_the_size_before():
    rule = ImprovementBelow("x", 0, relative=True, mode="min")
    assert scores_of(rule, [8.0, 4.0, 5.0, -5.0, -7.5]) == [INF, 0.5, -0.25, 2.0, 0.5]
    assert scores_of(rule, [0.0, 0.0, -0.5]) == [INF, 0.0, 0.5]  # of zero there are no shares: the difference
    more = ImprovementBelow("x", 0, relative=True, mode="max")
    assert scores_of(more, [-8.0, -4.0, -5.0]) == [INF, 0.5, -0.25]


def test_an_improvement_from_or_to_what_is_no_number():
    rule = ImprovementBelow("x", 0, mode="min")
    for values in ([1.0, NAN, 1.0, 1.0], [1.0, NAN, NAN, 1.0]):
        assert np.isnan(rule.score({"x": values})[1:3]).all()
    assert scores_of(rule, [INF, INF, 1.0, INF, -INF]) == [INF, 0.0, INF, -INF, INF]
    reason = rule.reason({"x": [1.0, INF]}, 1)
    assert reason.startswith("x got worse by inf, from 1 (epoch 0) to inf at epoch 1")


def means(values, window):
    """The moving mean as one would write it; of those there are at the beginning."""
    return [sum(values[max(0, i + 1 - window): i + 1]) / min(window, i + 1) for i in range(len(values))]


@pytest.mark.parametrize("window", [1, 2, 4, 9])
@pytest.mark.parametrize(
    "criterion",
    [
        Below("x", 1.5),
        Patience("x", 2, mode="min"),
        Patience("x", 1, 0.25, mode="max"),
        ImprovementBelow("x", 0.25, mode="min"),
        ImprovementBelow("x", 0.1, 3, relative=True, mode="max"),
    ],
    ids=repr,
)
def test_smoothed_is_the_criterion_on_the_means(criterion, window):
    noisy = [4.0, 2.0, 3.5, 1.0, 2.5, 0.5, 1.75, 1.25, 1.5, 0.25]
    smooth, smoothed = {"x": means(noisy, window)}, Smoothed(window, criterion)
    assert smoothed.score({"x": noisy}).tolist() == criterion.score(smooth).tolist()
    assert smoothed.met({"x": noisy}).tolist() == criterion.met(smooth).tolist()
    assert smoothed.first({"x": noisy}) == criterion.first(smooth)
    for row in np.flatnonzero(smoothed.met({"x": noisy})):
        said = criterion.reason(smooth, row)
        assert smoothed.reason({"x": noisy}, row).startswith(f"{said} (means of {window} epoch")


def test_means_are_of_measured_rows():
    rule = Smoothed(2, Below("x", 2))
    values = [None, 3.0, None, 2.0, None, None, 1.0]
    assert np.isnan(rule.score({"x": values})[0])
    assert scores_of(rule, values)[1:] == [3.0, 3.0, 2.5, 2.5, 2.5, 1.5]
    assert rule.reason({"x": values}, 6) == "x 1.5 < 2 at epoch 6 (means of 2 epochs)"
    falling = Smoothed(2, Patience("x", 1, mode="max"))
    assert falling.reason({"x": values}, 3).startswith("x 2.5 at epoch 3 has not improved on 3 (epoch 1)")


def test_nan_stays_in_the_means_for_as_long_as_the_window():
    scores = Smoothed(3, Below("x", 9)).score({"x": [1.0, NAN, 1.0, 1.0, 4.0]})
    assert np.isnan(scores).tolist() == [False, True, True, True, False] and scores[4] == 2


def test_the_quotient_by_hand():
    """Strips of 2. P = 1000 (mean / min - 1): 500 for 4, 2; 125 for 5, 4; 0 for 3, 3."""
    rule = ProgressQuotient(0.5, strip=2)
    history = {
        "val_loss": [2.0, 1.0, 9.0, 1.5, 1.0, 1.25, 9.0, 1.0, 9.0],
        "loss": [4.0, 2.0, 5.0, 4.0, 3.0, 3.0, 3.0, 3.0, 3.0],
    }
    expected = [NAN, 0.0, NAN, 50 / 125, NAN, INF, NAN, 0.0, NAN]
    assert rule.score(history).tolist() == pytest.approx(expected, nan_ok=True)
    assert np.flatnonzero(rule.met(history)).tolist() == [5]
    assert rule.reason(history, 5) == (
        "val_loss 1.25 at epoch 5 is 25 % above its lowest, 1 (epoch 1), with no progress of loss in 2 epochs"
    )
    # a row in which one of the columns is missing is in no strip
    gaps = {
        "val_loss": [2.0, None, 1.0, 9.0, 9.0, 1.5, None],
        "loss": [4.0, 7.0, 2.0, None, 5.0, 4.0, 4.0],
    }
    assert rule.score(gaps).tolist() == pytest.approx([NAN, NAN, 0.0, 0.0, NAN, 0.4, 0.4], nan_ok=True)
    assert ProgressQuotient(0.25, strip=2).reason(gaps, 5) == (
        "val_loss 1.5 at epoch 5 is 50 % above its lowest, 1 (epoch 2): 0.4 times the progress of loss in "
        "2 epochs, 125; more than 0.25 is the end"
    )


def test_a_constant_strip_has_no_progress_however_it_is_rounded():
    for value in (0.1, 1 / 3, 0.7, 1e-300, 3e300):
        history = {"val_loss": [1.0] * 6 + [2.0], "loss": [value] * 7}
        assert ProgressQuotient(3, strip=7).score(history)[-1] == INF
        assert Plateau("loss", 0, 7).first(history) == 6


def test_scores_of_increases_and_of_lasting():
    rises = SuccessiveIncreases(3, strip=2, metric="x")
    values = [1, 5, 9, 6, 0, 7, 9, 7, 0, 8]
    assert rises.score({"x": values}).tolist() == pytest.approx(
        [NAN, 0, NAN, 1, NAN, 2, NAN, 0, NAN, 1], nan_ok=True
    )
    one = SuccessiveIncreases(1, strip=2, metric="x")
    assert one.reason({"x": values}, 3) == "x rose in 1 strip of 2 epochs, from 5 (epoch 1) to 6 at epoch 3"
    lasting = Lasting(2, Below("x", 1))
    assert scores_of(lasting, [None, 0.0, 0.0, None, 2.0, 0.0]) == [0, 1, 2, 2, 0, 1]


@pytest.mark.parametrize(
    "rule, history, said",
    [
        (GeneralizationLoss(5), {"val_loss": [1, 0, 2]}, r"val_loss is 0 in measured row 1 \(counted from 0"),
        (GeneralizationLoss(5), {"val_loss": [None, 1, -0.2]}, "val_loss is -0.2 in measured row 1"),
        (GeneralizationLoss(5), {"val_loss": [-INF]}, "val_loss is -inf in measured row 0"),
        (ProgressQuotient(1), {"val_loss": [1, 1], "loss": [1, 0.0]}, "; loss is 0 in measured row 1"),
        (ProgressQuotient(1), {"val_loss": [-1], "loss": [1]}, "; val_loss is -1 in measured row 0"),
    ],
)
def test_errors_that_are_compared_by_ratio_must_be_above_0(rule, history, said):
    for ask in (rule.met, rule.first, rule.score):
        with pytest.raises(ValueError, match=said):
            ask(history)
    with pytest.raises(ValueError, match=r"^GeneralizationLoss\(5\) compares errors by their ratio"):
        GeneralizationLoss(5).met({"val_loss": [0]})


def test_parts_met():
    rule = Below("loss", 0.5) | (Epochs(2) & Above("loss", 0)) | After(1, StepBudget(1))
    history = {"loss": [0.9, 0.6, 0.4], "steps": [9, 9, 9]}
    assert rule.parts() == [Below("loss", 0.5), Epochs(2), Above("loss", 0), StepBudget(1)]
    assert rule.parts_met(History.of(history), 1) == [Epochs(2), Above("loss", 0), StepBudget(1)]
    assert (
        rule.columns == ("loss", "steps")
        and rule.every_batch
        and not (Epochs(2) | Below("loss", 1)).every_batch
    )


@pytest.mark.parametrize("rows_before, found", [(0, []), (1, []), (2, [StepBudget(5)])])
def test_after_holds_within_an_epoch_too(rows_before, found):
    assert After(2, StepBudget(5)).met_mid_epoch({"steps": 7}, rows_before) == found
    both = After(2, StepBudget(5)) | NotFinite()
    assert both.met_mid_epoch({"steps": 7, "loss": 1.0}, rows_before) == found


def test_both_within_an_epoch():
    both = StepBudget(5) & NotFinite()
    assert both.met_mid_epoch({"steps": 7, "loss": 1.0}, 0) == []
    assert both.met_mid_epoch({"steps": 7, "loss": NAN}, 0) == [StepBudget(5), NotFinite()]
    assert (StepBudget(5) & Below("loss", 1)).met_mid_epoch({"steps": 7, "loss": 0.0}, 0) == []


# ---- functions as criteria ----


def test_a_function_gets_the_history_so_far():
    seen = []

    def watch(history):
        seen.append({name: list(values) for name, values in history.items()})  # it grows
        return False

    assert as_criterion(watch).first({"loss": [3, 2]}) is None
    assert seen == [{"loss": [3]}, {"loss": [3, 2]}]
    seen.clear()
    After(1, watch).met({"loss": [3, 2, 1]})
    assert seen == [{"loss": [2], "epoch": [1]}, {"loss": [2, 1], "epoch": [1, 2]}]


def test_a_function_is_asked_once_more_for_the_reason_and_no_oftener():
    asked = []

    def at_last(history):
        asked.append(history.rows)
        return history.rows == 3

    rule = at_last | Below("loss", 0)
    assert rule.first({"loss": [3, 2, 1]}) == 2 and asked == [1, 2, 3]
    assert rule.reason({"loss": [3, 2, 1]}, 2) == "at_last said stop at epoch 2" and asked == [1, 2, 3, 3]


def test_a_function_that_changes_its_mind_still_leaves_a_reason():
    answers = iter([False, True, False, False, False])
    rule = (lambda history: next(answers)) | Below("loss", 0)
    history = History.of({"loss": [2, 1]})
    assert rule.first(history) == 1
    assert rule.reason(history, 1).endswith("is met at epoch 1") and rule.parts_met(history, 1) == [rule]


@pytest.mark.parametrize(
    "answer, message",
    [
        (None, "returned None for a history of 1 row. Is a return missing"),
        (..., "returned Ellipsis"),
        (np.array([True, False]), r"returned an array of shape \(2,\); it should return one answer"),
        ("False", "returned 'False', which counts as true"),
        ((epoch > 3 for epoch in range(3)), "returned <generator"),
        (math.isnan, "returned <built-in function isnan>"),
        (math.nan, "returned nan, which counts as true"),
    ],
)
def test_what_a_function_may_not_return(answer, message):
    with pytest.raises(TypeError, match=message):
        as_criterion(lambda history: answer).first({"loss": [1, 2]})


def test_a_function_has_no_score_and_says_so():
    with pytest.raises(TypeError, match="is_long is a function that says yes or no"):
        as_criterion(is_long).score({"loss": [1]})
    with pytest.raises(TypeError, match=r"ask one of its parts\(\) for a score"):
        (Epochs(1) | is_long).score({"loss": [1]})


# ---- what is refused ----


@pytest.mark.parametrize(
    "misuse",
    [
        lambda: Below("loss", 1) and Epochs(3),
        lambda: Below("loss", 1) or Epochs(3),
        lambda: not Epochs(3),
        lambda: bool(Epochs(3) | Epochs(4)),
        lambda: 1 if After(1, Epochs(3)) else 0,
    ],
)
def test_and_or_not_are_refused(misuse):
    with pytest.raises(TypeError, match="use | and & : Python's `or` and `and` would silently drop one"):
        misuse()


@pytest.mark.parametrize(
    "build, error, message",
    [
        (
            lambda: Below(0.01, "loss"),
            TypeError,
            'The column to watch is a name, such as "val_loss"; got 0.01',
        ),
        (lambda: Below("", 1), TypeError, "is a name"),
        (lambda: Below("loss", "0.01"), ValueError, "value should be a finite number; got '0.01'"),
        (lambda: Below("loss", NAN), ValueError, "value should be a finite number; got nan"),
        (lambda: Below("loss", None), ValueError, "finite number; got None"),
        (lambda: Above("loss", True), ValueError, "finite number; got True"),
        (lambda: NotFinite(None), TypeError, "is a name"),
        (
            lambda: TimeBudget(),
            ValueError,
            r"Say one of TimeBudget\(seconds=...\), TimeBudget\(minutes=...\), TimeBudget\(hours=...\)",
        ),
        (lambda: TimeBudget(hours=1, minutes=1), ValueError, "Say one of"),
        (lambda: TimeBudget(5, of="epoch"), ValueError, "of should be \"run\" or \"job\"; got 'epoch'"),
        (lambda: TimeBudget(timedelta(0)), ValueError, "above 0; got 0.0"),
        (lambda: TimeBudget(hours=timedelta(hours=1)), ValueError, "above 0; got datetime.timedelta"),
        (lambda: TimeBudget("0s"), ValueError, "above 0; got 0"),
        (lambda: RateFloor(-1), ValueError, "floor should be a finite number of at least 0; got -1"),
        (lambda: RateFloor(0, 0), TypeError, "is a name"),
        (lambda: AtLeast("loss", NAN), ValueError, "value should be a finite number; got nan"),
        (lambda: AtMost(0, "loss"), TypeError, "is a name"),
        (lambda: TimeBudget(5, 5), ValueError, "Say one of"),
        (lambda: TimeBudget(0), ValueError, "a time budget should be a finite number above 0; got 0"),
        (lambda: TimeBudget(minutes=-1), ValueError, "above 0; got -1"),
        (lambda: TimeBudget(minutes="5"), ValueError, "above 0; got '5'"),
        (lambda: TimeBudget(minutes=True), ValueError, "above 0; got True"),
        (lambda: TimeBudget(INF), ValueError, "above 0; got inf"),
        (lambda: StepBudget(0), ValueError, "steps should be a whole number of at least 1; got 0"),
        (lambda: StepBudget(1e3), ValueError, "whole number of at least 1; got 1000.0"),
        (lambda: Epochs(0), ValueError, "epochs should be a whole number of at least 1"),
        (
            lambda: Patience("val_loss", 0),
            ValueError,
            "patience should be a whole number of at least 1; got 0",
        ),
        (lambda: Patience("val_loss", 2.5), ValueError, "patience should be a whole number"),
        (
            lambda: Patience("val_loss", min_delta=-0.1),
            ValueError,
            "min_delta should be a finite number of at least 0",
        ),
        (lambda: Patience("val_loss", min_delta=None), ValueError, "min_delta should be a finite number"),
        (lambda: Patience("accuracy"), ValueError, 'Is a small or a large "accuracy" better?'),
        (lambda: Patience("val_los"), ValueError, 'Or did you mean "val_loss"?'),
        (lambda: Patience("val_loss", mode="auto"), ValueError, "Not 'auto'"),
        (lambda: Patience(["val_loss"]), TypeError, "is a name"),
        (lambda: After(-1, Epochs(1)), ValueError, "rows should be a whole number of at least 0; got -1"),
        (lambda: After(Epochs(1), 2), ValueError, r"rows should be a whole number .* got Epochs\(1\)"),
        (lambda: After(1, "loss"), TypeError, "A criterion is such as .*; got 'loss'"),
        (lambda: ImprovementBelow(0.1, "loss"), TypeError, "is a name"),
        (lambda: ImprovementBelow("loss", NAN), ValueError, "epsilon should be a finite number; got nan"),
        (lambda: ImprovementBelow("loss", 0.1, 0), ValueError, "window should be a whole number"),
        (lambda: ImprovementBelow("accuracy", 0.1), ValueError, 'Is a small or a large "accuracy" better?'),
        (lambda: GeneralizationLoss(-1), ValueError, "alpha should be a finite number of at least 0; got -1"),
        (lambda: GeneralizationLoss("val_loss", 5), ValueError, "alpha should be a finite number"),
        (lambda: GeneralizationLoss(5, 5), TypeError, "is a name"),
        (lambda: ProgressQuotient(1, 1), ValueError, "strip should be a whole number of at least 2; got 1"),
        (lambda: ProgressQuotient(NAN), ValueError, "alpha should be a finite number of at least 0; got nan"),
        (lambda: ProgressQuotient(1, train=None), TypeError, "is a name"),
        (lambda: SuccessiveIncreases(0), ValueError, "s should be a whole number of at least 1; got 0"),
        (lambda: SuccessiveIncreases(2, 0), ValueError, "strip should be a whole number of at least 1"),
        (lambda: Plateau("loss", -1, 4), ValueError, "std should be a finite number of at least 0"),
        (lambda: Plateau("loss", 0.1, 1), ValueError, "window should be a whole number of at least 2"),
        (lambda: Lasting(0, Epochs(1)), ValueError, "rows should be a whole number of at least 1; got 0"),
        (lambda: Lasting(2, "loss"), TypeError, "A criterion is such as"),
        (
            lambda: Lasting(2, ProgressQuotient(1)),
            ValueError,
            r"ProgressQuotient\(1\) speaks at the end of a strip only: it is never met in 2 rows in a row",
        ),
        (lambda: Smoothed(0, Below("loss", 1)), ValueError, "window should be a whole number of at least 1"),
        (lambda: Smoothed(Below("loss", 1), 2), ValueError, r"whole number .* got Below\('loss', 1\)"),
        (lambda: Smoothed(2, 0.5), TypeError, "A criterion is such as"),
        (
            lambda: Smoothed(2, Below("loss", 1) | Below("val_loss", 1)),
            TypeError,
            "Smoothed takes a simple criterion that reads a column; got Below",
        ),
        (lambda: Smoothed(2, Below("loss", 1) & Epochs(1)), TypeError, "takes a simple criterion"),
        (lambda: Smoothed(2, Lasting(1, Below("loss", 1))), TypeError, "takes a simple criterion"),
        (lambda: Smoothed(2, After(1, Below("loss", 1))), TypeError, "takes a simple criterion"),
        (lambda: Smoothed(2, has_fallen), TypeError, "takes a simple criterion .* got has_fallen"),
        (lambda: Smoothed(2, Epochs(1)), TypeError, r"takes a simple criterion .* got Epochs\(1\)"),
        (lambda: Below("loss", 1) | 0.5, TypeError, "A criterion is such as"),
        (lambda: "loss" & Below("loss", 1), TypeError, "A criterion is such as"),
        (lambda: as_criterion(Below), TypeError, "A criterion is such as"),
        (lambda: AnyOf(), TypeError, "AnyOf takes at least one criterion"),
        (lambda: AllOf(), TypeError, "AllOf takes at least one criterion"),
    ],
)
def test_bad_parameters_are_refused_where_they_are_given(build, error, message):
    with pytest.raises(error, match=message):
        build()


@pytest.mark.parametrize(
    "rule",
    [
        Below("los", 1),
        Patience("val_los", 2, mode="min"),
        Below("los", 1) | Epochs(1),
        After(0, Above("los", 1)),
        ImprovementBelow("los", 1, mode="min"),
        Smoothed(2, Below("los", 1)),
        TimeBudget(5),
    ],
)
def test_a_missing_column_is_an_error_in_replay_too(rule):
    for ask in (rule.met, rule.first):
        with pytest.raises(MissingColumn, match="There is no column"):
            ask({"loss": [1, 2], "val_loss": [1, 2]})


# ---- criteria of one's own ----


@dataclass(frozen=True)
class Own(Criterion):
    """Met where the first column is twice the second; the kind of criterion that reads two."""

    columns = ("val_loss", "loss")

    def scores(self, values):
        for value, train in values:
            yield value / train if train else math.nan

    def is_met(self, score):
        return score > 2


@given(histories())
def test_two_columns_are_measured_only_together(history):
    met = Own().met(history)
    for row in range(history.rows):
        value, train = history["val_loss"][row], history["loss"][row]
        if value is None or train is None:
            assert met[row] == (row > 0 and met[row - 1])
        else:
            assert met[row] == (bool(train) and value / train > 2)


def test_two_columns_are_smoothed_together():
    """The row in which one of them is missing is in neither mean."""
    history = {"val_loss": [4.0, 8.0, 9.0, 6.0], "loss": [2.0, 2.0, None, 3.0]}
    assert Smoothed(2, Own()).score(history).tolist() == [2.0, 6.0 / 2.0, 3.0, 7.0 / 2.5]
    assert Smoothed(2, Own()).met(history).tolist() == [False, True, True, True]

    class Told(Own):
        def sentence(self, history, row, place, unit):
            return f"{history['val_loss'][row]} and {history['loss'][row]} {place}"

    assert Smoothed(2, Told()).reason(history, 3) == "7.0 and 2.5 at epoch 3 (means of 2 epochs)"


def test_ones_own_has_a_repr_and_a_reason_for_nothing():
    class Plain(Own):
        pass

    assert repr(Own()) == "Own()" or repr(Own()).endswith("Own()")
    assert repr(Plain()).endswith("Plain()")
    assert Own().reason({"val_loss": [5], "loss": [1]}, 0).endswith("Own() is met at epoch 0")


class Bare(Criterion):  # no dataclass
    columns = ("loss",)

    def scores(self, values):
        yield from values

    def is_met(self, score):
        return score < 1


def skips(values):
    for value in values:
        if value != 2:
            yield value


def looks_ahead(values):
    values = list(values)
    for value in values:
        yield value - min(values)


def repeats(values):
    for value in values:
        yield value
        yield value


@pytest.mark.parametrize("scores", [skips, looks_ahead, repeats, lambda values: iter([5.0])])
def test_scores_that_do_not_follow_the_values_are_an_error(scores):
    class Wrong(Bare):
        def scores(self, values):
            return scores(values)

    history = History.of({"loss": [3, 2, 1]})
    step = Wrong().live()
    for ask in (Wrong().met, Wrong().score, Wrong().first, lambda h: [step(h, row) for row in range(3)]):
        with pytest.raises(RuntimeError, match="Wrong.scores should yield one score for each value"):
            ask(history)


def test_columns_as_a_string_are_an_error():
    class Wrong(Bare):
        columns = "loss"  # the comma is missing

    assert Bare().first({"loss": [1, 0]}) == 1 and repr(Bare()) == "Bare()"
    with pytest.raises(TypeError, match="should be a tuple of names; got 'loss'. Is a comma missing?"):
        Wrong().first({"loss": [1, 0]})


# ---- a patience to begin with ----


def test_patience_for_is_three_quarters_of_a_root():
    assert [stopping.patience_for(epochs) for epochs in (1, 4, 10, 20, 30, 50, 100, 300, 600, 10_000)] == [
        1, 2, 2, 3, 4, 5, 8, 13, 18, 75]
    every = [stopping.patience_for(epochs) for epochs in range(1, 2000)]
    assert every == sorted(every) and all(type(n) is int and n >= 1 for n in every)
    assert all(abs(n - 0.75 * math.sqrt(epochs)) <= 0.5 for epochs, n in enumerate(every, 1))
    assert Patience("val_loss", stopping.patience_for(np.int64(100))) == Patience("val_loss", 8)


@pytest.mark.parametrize("wrong", [0, -5, 30.5, math.nan, math.inf, "300", None, True, [300]], ids=str)
def test_patience_for_wants_a_count_of_epochs(wrong):
    with pytest.raises((ValueError, TypeError), match="epochs"):
        stopping.patience_for(wrong)

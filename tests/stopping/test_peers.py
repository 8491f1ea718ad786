"""Criteria of other tools, against values worked out by hand and against their formulas, written plainly."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.stopping import CorrelationBelow, GrowingPatience, IncToDec, Lasting
from course_utils.stopping import peers as room

NAN, INF = math.nan, math.inf


def scores_of(rule, values):
    return rule.score({"x": values}).tolist()


# ---- AutoGluon's patience ----


def test_growing_patience_by_hand():
    """The best row is 0, 1, 2, 2, ...; from row 2 on the patience is round(0.5 * 2 + 1) = 2."""
    rule = GrowingPatience("x", 0.5, 1, least=1, mode="min")
    assert scores_of(rule, [5, 4, 3, 3, 4]) == [0, 0, 0, 0.5, 1]
    assert rule.first({"x": [5, 4, 3, 3, 4]}) == 4
    # unmeasured rows are not counted; a later best makes it more patient
    assert scores_of(rule, [5, None, 4, 3, None, 3, 2, 3, 3]) == [0, 0, 0, 0, 0, 0.5, 0, 1 / 3, 2 / 3]
    assert GrowingPatience("x", 0.5, 1, least=1, mode="max").first({"x": [5, 4, 3]}) == 1


@pytest.mark.parametrize(
    ("rule", "best", "patience"),
    [
        (GrowingPatience("x", mode="min"), 0, 10),
        (GrowingPatience("x", mode="min"), 5, 12),  # 11.5, rounded to even as Python does, and AutoGluon
        (GrowingPatience("x", mode="min"), 10, 13),
        (GrowingPatience("x", mode="min"), 300, 100),
        (GrowingPatience("x", mode="min"), 40_000, 10_000),
        (GrowingPatience("x", plus=2, mode="min"), 3, 10),
        (GrowingPatience("x", plus=2, least=1, mode="min"), 3, 3),
        (GrowingPatience("x", most=12, mode="min"), 300, 12),
    ],
)
def test_how_the_patience_grows(rule, best, patience):
    assert rule.patience(best) == patience
    if best < 1000:
        values = [-float(row) for row in range(best + 1)] + [0.0] * patience
        assert rule.first({"x": values}) == best + patience


def test_growing_patience_where_nothing_is_a_number():
    rule = GrowingPatience("x", 0, 2, least=1, mode="min")
    assert rule.first({"x": [NAN, NAN, NAN]}) == 2 and rule.first({"x": [NAN, 1, NAN, 0.5]}) is None
    assert rule.reason({"x": [INF, NAN, NAN]}, 2) == (
        "x nan at epoch 2 has not become finite for 2 epochs; its patience was 2"
    )
    assert rule.reason({"x": [3, 1, None, 2, 2]}, 4) == (
        "x 2 at epoch 4 has not improved on 1 (epoch 1) for 2 measured epochs; its patience was 2"
    )


# ---- CatBoost's IncToDec ----


def p_value(values, i, wait):
    """The documentation's formula for scores, larger is better, with CatBoost's wait: no shortcut."""
    best = max(range(i + 1), key=lambda j: (values[j], -j))
    if i - best <= wait:
        return 1.0
    rise = max(0.99 ** (i - a) * (values[b] - values[a]) for a in range(i + 1) for b in range(a, i + 1))
    fall = values[best] - values[i]
    return 1.0 if fall == 0 else math.exp(-0.5 * fall / rise) if rise else 0.0


def test_inc_to_dec_by_hand():
    """It rose by 0.5 and, a row and then two rows later, has fallen by 0.2 and by 0.7."""
    rule = IncToDec(0.5, "x", wait=0, mode="min")
    expected = [1, 1, math.exp(-0.5 * 0.2 / (0.5 * 0.99**2)), math.exp(-0.5 * 0.7 / (0.5 * 0.99**3))]
    assert scores_of(rule, [1.0, 0.5, 0.7, 1.2]) == pytest.approx(expected)
    assert rule.first({"x": [1.0, 0.5, 0.7, 1.2]}) == 3
    assert IncToDec(0.5, "x", wait=2, mode="min").first({"x": [1.0, 0.5, 0.7, 1.2, 1.2]}) == 4
    assert IncToDec(0.5, "x", wait=0, mode="max").first({"x": [0.0, 0.5, 0.3, -0.2]}) == 3
    # it never rose, so any fall is too much; equal to the best is no fall
    assert scores_of(IncToDec(0.5, "x", wait=0, mode="min"), [1.0, 1.0, 2.0]) == [1, 1, 0]


@given(st.lists(st.floats(-100, 100).map(lambda v: round(v, 2)), max_size=15), st.integers(0, 3))
def test_inc_to_dec_is_its_formula(values, wait):
    scores = scores_of(IncToDec(0.1, "x", wait=wait, mode="max"), values)
    assert scores == pytest.approx([p_value(values, i, wait) for i in range(len(values))])
    losses = [-value for value in values]
    assert scores_of(IncToDec(0.1, "x", wait=wait, mode="min"), losses) == scores


def test_inc_to_dec_passes_over_what_is_no_number():
    rule = IncToDec(0.5, "x", wait=0, mode="min")
    assert scores_of(rule, [1.0, NAN, 0.5, INF, -INF, 1.2]) == pytest.approx(
        [1, NAN, 1, NAN, NAN, math.exp(-0.5 * 0.7 / (0.5 * 0.99**5))], nan_ok=True
    )
    assert rule.met({"x": [NAN, NAN]}).tolist() == [False, False]
    assert rule.reason({"x": [1.0, NAN, 0.5, INF, None, 2.5]}, 5).startswith(
        "x 2.5 at epoch 5 is worse than its best, 0.5 (epoch 2): p 0.1"
    )


def test_inc_to_dec_remembers_so_many_rows(monkeypatch):
    """A rise begins at most so many rows ago, as in CatBoost; also where rows in between were no number."""
    monkeypatch.setattr(room, "MEMORY", 3)
    rule = IncToDec(0.5, "x", wait=0, mode="max")
    assert scores_of(rule, [0.0, 0.1, 0.2, 9.0, 8.0])[-1] == pytest.approx(math.exp(-0.5 / (8.9 * 0.99**3)))
    late = scores_of(rule, [0.0, 0.1, NAN, NAN, NAN, 9.0, 8.0])[-1]  # of the rise to 0.1 something is left
    assert late == pytest.approx(math.exp(-0.5 / (0.1 * 0.99**6)))


def test_inc_to_dec_costs_no_more_than_its_memory():
    """Noise leaves few places from which a rise may start; a curve that only rises leaves them all."""
    steps = 0

    class Counted(float):
        def __sub__(self, other):
            nonlocal steps
            steps += 1
            return float(self) - float(other)

        def __mul__(self, sign):
            return Counted(float(self) * sign)

        __rmul__ = __mul__

    noise = random.Random(0)
    list(IncToDec(0.5, "x", mode="max").scores([Counted(noise.random()) for _ in range(2000)]))
    assert steps < 2000 * 20


# ---- correlation ----


def test_correlation_by_hand():
    """(2, 4, 6) with (1, 2, 3): 1. (4, 6, 8) with (2, 3, 1), moves -2, 0, 2 with 0, 1, -1: -1/2."""
    rule = CorrelationBelow(0, 3, "v", "t")
    history = {"v": [2.0, 4.0, 6.0, 8.0], "t": [1.0, 2.0, 3.0, 1.0]}
    assert rule.score(history).tolist() == pytest.approx([NAN, NAN, 1, -0.5], nan_ok=True)
    assert rule.first(history) == 3
    assert rule.reason(history, 3) == (
        "t and v have a correlation of -0.5 over 3 epochs at epoch 3; below 0 is the end"
    )
    gaps = {"v": [2.0, None, 4.0, 6.0, 1.0, 8.0], "t": [1.0, 5.0, 2.0, 3.0, None, 1.0]}
    assert rule.score(gaps).tolist() == pytest.approx([NAN, NAN, NAN, 1, 1, -0.5], nan_ok=True)
    assert "over 3 measured epochs at epoch 5" in rule.reason(gaps, 5)


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=4, max_size=9))
def test_correlation_is_numpys(pairs):
    pairs = [(round(v, 2), round(t, 2)) for v, t in pairs]
    history = dict(zip(("v", "t"), map(list, zip(*pairs))))
    scores = CorrelationBelow(0, 4, "v", "t").score(history)
    for row in range(3, len(pairs)):
        v, t = (np.array(history[name][row - 3: row + 1]) for name in ("v", "t"))
        if np.ptp(v) and np.ptp(t):
            assert scores[row] == pytest.approx(np.corrcoef(v, t)[0, 1], abs=1e-6)
        else:
            assert math.isnan(scores[row])


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_a_window_with_no_number_has_no_correlation(bad):
    history = {"v": [1.0, 2.0, bad, 2.0, 1.0, 0.0, 1.0], "t": [3.0, 2.0, 1.0, 2.0, 3.0, 4.0, 5.0]}
    scores = CorrelationBelow(1, 3, "v", "t").score(history)
    assert np.isnan(scores).tolist() == [True] * 5 + [False] * 2
    assert CorrelationBelow(1, 3, "v", "t").first(history) == 5


def test_a_constant_column_has_no_correlation_however_it_is_rounded():
    for value in (0.1, 1 / 3, 1e-300, 3e300):
        history = {"v": [value] * 5, "t": [5.0, 4.0, 3.0, 2.0, 1.0]}
        assert np.isnan(CorrelationBelow(1, 5, "v", "t").score(history)).all()


def test_the_scale_does_not_matter():
    v, t = [3.0, 1.0, 2.0, 5.0], [1.0, 2.0, 1.5, 0.5]
    scores = [CorrelationBelow(0, 4, "v", "t").score({"v": [unit * x for x in v], "t": t})[-1]
              for unit in (1.0, 1e-200, 1e200)]
    assert scores == pytest.approx([scores[0]] * 3) and scores[0] < -0.9


def test_parting_for_several_rows():
    history = {"val_loss": [4.0, 3.0, 2.0, 3.0, 4.0, 5.0], "loss": [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]}
    assert CorrelationBelow(0, 3).met(history).tolist() == [False] * 4 + [True] * 2
    assert Lasting(2, CorrelationBelow(0, 3)).first(history) == 5


# ---- what is refused ----


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: GrowingPatience("accuracy"), ValueError, 'Is a small or a large "accuracy" better?'),
        (lambda: GrowingPatience(5), TypeError, "is a name"),
        (lambda: GrowingPatience("loss", -0.1), ValueError, "share should be a finite number of at least 0"),
        (lambda: GrowingPatience("loss", plus=-1), ValueError, "plus should be a finite number of at least"),
        (lambda: GrowingPatience("loss", least=0), ValueError, "least should be a whole number of at least"),
        (lambda: GrowingPatience("loss", most=9), ValueError, "most should be a whole .* at least 10; got 9"),
        (lambda: IncToDec(0), ValueError, "threshold should be a finite number above 0; got 0"),
        (lambda: IncToDec(1.5), ValueError, "threshold is held against a p of at most 1; got 1.5"),
        (lambda: IncToDec("val_loss"), ValueError, "threshold should be a finite number"),
        (lambda: IncToDec(0.1, wait=-1), ValueError, "wait should be a whole number of at least 0"),
        (lambda: IncToDec(0.1, "auc"), ValueError, 'Is a small or a large "auc" better?'),
        (lambda: CorrelationBelow(1.1), ValueError, "A correlation lies between -1 and 1, and .* got 1.1"),
        (lambda: CorrelationBelow(0, 2), ValueError, "window should be a whole number of at least 3; got 2"),
        (lambda: CorrelationBelow(0, train=None), TypeError, "is a name"),
    ],
)
def test_bad_parameters_are_refused_where_they_are_given(build, error, message):
    with pytest.raises(error, match=message):
        build()

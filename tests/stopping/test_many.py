"""Many runs at once: the same stops as run by run, on curves of every kind, in a fraction of the time."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from any_curve import CRITERIA, every_criterion, histories
from course_utils.stopping import (
    After,
    Armed,
    Below,
    CorrelationBelow,
    Epochs,
    GeneralizationLoss,
    GrowingPatience,
    History,
    ImprovementBelow,
    IncToDec,
    Lasting,
    MissingColumn,
    NotFinite,
    Patience,
    Plateau,
    ProgressQuotient,
    Runs,
    Smoothed,
    SuccessiveIncreases,
    as_criterion,
    compare,
    first_rows,
)

MANY = st.lists(histories(), max_size=4)


def outcomes(ask):
    """What comes out, or the error."""
    try:
        return ask()
    except Exception as error:
        return type(error), str(error)


def run_by_run(criterion, runs):
    found = [criterion.first(run) for run in runs]
    return [-1 if row is None else row for row in found]


@every_criterion
@given(data=st.data(), runs=MANY)
def test_the_same_stops_as_run_by_run(kind, data, runs):
    criterion = data.draw(CRITERIA[kind])
    together = outcomes(lambda: first_rows(criterion, runs).tolist())
    assert together == outcomes(lambda: run_by_run(criterion, runs))


SPECIAL = [0.0, 0.5, 1.0, np.nan, np.inf, -np.inf, None]
SHORT = [{"loss": list(curve), "val_loss": list(curve[::-1])} for curve in product(SPECIAL, repeat=4)]


@pytest.mark.parametrize("criterion", [
    Patience("loss", 1), Patience("loss", 2, 0.5), Patience("loss", 2, 0.5, relative=True),
    Patience("loss", 1, mode="max"), Patience("loss", 2, 0.5, mode="max"), ImprovementBelow("loss", 0),
    ImprovementBelow("loss", -0.5, 2), ImprovementBelow("loss", 0, 1, relative=True),
    ImprovementBelow("loss", -0.6, 1, relative=True), SuccessiveIncreases(1, 2, "loss"),
    Plateau("loss", 0, 2), GrowingPatience("loss", 1, 0, 1), IncToDec(0.5, "loss", 0), CorrelationBelow(0, 3),
    NotFinite(), Smoothed(2, Patience("loss", 1)), Smoothed(3, ImprovementBelow("loss", 0)),
    Lasting(2, Below("loss", 1)), Lasting(2, Below("loss", 1) | Below("val_loss", 0.5)),
    After(1, Patience("loss", 1)) & Below("val_loss", 1),
    Armed(Below("loss", 0.5), Lasting(2, Below("val_loss", 1))),
], ids=repr)
def test_the_same_stops_on_all_short_curves_of_special_values(criterion):
    assert first_rows(criterion, SHORT).tolist() == run_by_run(criterion, SHORT)


PLAIN = np.random.default_rng(0).uniform(0.2, 1, (2, 20, 40)).tolist()
PLAIN = [{"loss": loss, "val_loss": val_loss} for loss, val_loss in zip(*PLAIN)]


@pytest.mark.parametrize("criterion", [
    Below("val_loss", 0.25), NotFinite(), Epochs(30), Patience("val_loss", 5), GeneralizationLoss(300),
    ImprovementBelow("val_loss", -0.6), ProgressQuotient(0.15), SuccessiveIncreases(2),
    Plateau("val_loss", 0.1, 4), GrowingPatience("val_loss", least=5), IncToDec(0.3, wait=5),
    CorrelationBelow(-0.4, 8),
    Smoothed(3, Patience("val_loss", 5)), Lasting(2, Below("val_loss", 0.5)), Armed(Epochs(9), Epochs(9)),
    After(10, Patience("val_loss", 5)) | Epochs(35), Patience("val_loss", 5) & Below("val_loss", 0.9),
], ids=repr)
def test_no_run_is_asked_alone_without_need(criterion, monkeypatch):
    expected = run_by_run(criterion, PLAIN)
    with monkeypatch.context() as patch:
        patch.setattr(type(criterion), "first", lambda *_: pytest.fail("a run was asked alone"))
        assert first_rows(criterion, PLAIN).tolist() == expected
    assert len(set(expected)) > 1 or isinstance(criterion, (NotFinite, Epochs, Armed)), expected


def is_long(history):
    return history.rows > 4


def test_groups_of_runs_are_put_back_in_their_order(monkeypatch):
    """Runs of like length are computed together, and not too many of them."""
    monkeypatch.setattr("course_utils.stopping.runs.CELLS", 100)
    some = [{name: values[: 1 + 7 * place % 39] for name, values in run.items()}
            for place, run in enumerate(PLAIN)]
    some[13]["val_loss"] = [0.5] * len(some[13]["loss"])  # a close call: Plateau asks this run alone
    runs = Runs(some, {"seed": range(100, 120)})
    groups = runs.alike()
    assert sorted(run for numbers, _ in groups for run in numbers) == list(range(20))
    for numbers, group in groups:
        assert group.rows * len(group) <= 100 and group.rows < 2 * group.lengths.min()
        assert [group[place] for place in range(len(group))] == [some[run] for run in numbers]
        assert group.labels["seed"].tolist() == [100 + run for run in numbers]
    for criterion in (Patience("val_loss", 3), After(2, Patience("val_loss", 2, 0.1)), as_criterion(is_long),
                      Plateau("val_loss", 0, 2)):
        expected = run_by_run(criterion, some)
        assert first_rows(criterion, runs).tolist() == expected
        rest = [History.of(run).tail(2) for run in some]
        assert first_rows(criterion, runs.tail(2)).tolist() == first_rows(criterion, rest).tolist()
        assert [row + 1 if row >= 0 else len(run["loss"]) for row, run in zip(expected, some)] == (
            compare([criterion], some)[0].stops + 1).tolist()


def test_what_is_in_a_list_is_looked_at_when_it_is_read():
    values = [np.array([0.9]), np.float32(0.5), None, "0.75", True]
    unread = {"val_loss": [0.9, 0.5, 0.6, 0.7, 0.8], "note": values, "odd": [[1, 2]] * 5}
    assert first_rows(Patience("val_loss", 1), [unread]).tolist() == [2]
    column, measured = Runs([{"val_loss": values}]).column("val_loss")
    np.testing.assert_array_equal(column[:, 0], [0.9, 0.5, np.nan, 0.75, 1])
    assert measured[:, 0].tolist() == [True, True, False, True, True]
    with pytest.raises(TypeError, match='Column "odd" should hold one value per row'):
        first_rows(Below("odd", 1), [unread])


def test_a_close_call_is_left_to_the_criterion():
    """A spread that is its limit, or one float away from it."""
    values = [0.1, 0.3, 0.1, 0.3]
    spread = Plateau("val_loss", 0, 4).score({"val_loss": values})[-1]
    for limit in (spread, np.nextafter(spread, 0), np.nextafter(spread, 1)):
        criterion = Plateau("val_loss", float(limit), 4)
        assert first_rows(criterion, [{"val_loss": values}]).tolist() == run_by_run(
            criterion, [{"val_loss": values}])


def test_a_correlation_that_is_0_but_for_rounding_is_left_to_the_criterion(monkeypatch):
    run, asked = {"loss": [-1.0, 0.0, 1.0], "val_loss": [0.1, -0.2, 0.1]}, []
    criterion, first = CorrelationBelow(0, 3), CorrelationBelow.first
    assert abs(criterion.score(run)[-1]) < 1e-15
    monkeypatch.setattr(CorrelationBelow, "first", lambda self, run: asked.append(run) or first(self, run))
    for factor in (1, 1 + 1e-12):  # 1e-13 away from the limit, by its own size far away
        asked.clear()
        first_rows(criterion, [run | {"val_loss": [0.1, -0.2, 0.1 * factor]}])
        assert len(asked) == 1


def test_what_raises_alone_raises_together():
    runs = [{"val_loss": [0.9, 0.8]}, {"val_loss": [0.9, 0.0]}]
    with pytest.raises(ValueError, match="must be above 0; val_loss is 0 in measured row 1"):
        first_rows(GeneralizationLoss(5), runs)
    with pytest.raises(MissingColumn, match='no column "val_los"'):
        first_rows(Patience("val_los", 1, mode="min"), runs)
    # it has ended before the value at which it would raise
    assert first_rows(GeneralizationLoss(5), [{"val_loss": [0.9, 1.0, 0.0]}]).tolist() == [1]


def test_runs_of_all_forms():
    """Lists, arrays, histories; with holes; of any length."""
    lists = [{"val_loss": [0.9, None, 0.5, 0.6]}, {"val_loss": [0.9]}, {"val_loss": []}]
    for runs in (lists, [History.of(run) for run in lists], Runs(lists)):
        assert first_rows(Patience("val_loss", 1), runs).tolist() == [3, -1, -1]
    arrays = [{"val_loss": np.array([0.9, 0.5, 0.6], dtype="float32")}, {"val_loss": np.array([9, 3, 4])}]
    assert first_rows(Patience("val_loss", 1), arrays).tolist() == [2, 2]
    assert first_rows(Patience("val_loss", 1), []).tolist() == []
    with pytest.raises(ValueError, match="differ in length"):
        Runs([{"loss": [1.0], "val_loss": [1.0, 2.0]}])


def test_compare_takes_runs_that_were_read_once():
    runs, criteria = Runs(PLAIN), [Patience("val_loss", 3), lambda history: history.rows > 9]
    once, again = compare(criteria, PLAIN), compare(criteria, runs)
    assert str(once) == str(again)
    assert once[1].stops.tolist() == [9] * len(PLAIN)

"""Compare: what each criterion costs and loses. Three short runs, every figure worked out by hand."""

import math

import numpy as np
import pytest

from course_utils.stopping import Above, Below, Epochs, MissingColumn, Patience, TimeBudget, compare

NAN, INF = math.nan, math.inf

# their best epochs are 3, 4 and 2
RUNS = [
    {"val_loss": [1.0, 0.5, 0.75, 0.25], "test_loss": [2.0, 1.0, 0.5, 1.25]},
    {"val_loss": [8.0, 4.0, 5.0, 6.0, 2.0], "test_loss": [8.0, 4.0, 5.0, 6.0, 5.0]},
    {"val_loss": [3.0, 2.0, 1.0], "test_loss": [3.0, 2.0, 4.0]},
]
SCORES = [{"val_accuracy": [0.5, 0.75, 0.25, 0.875], "test_accuracy": [0.5, 0.625, 0.25, 0.5]}]


def test_one_row_by_hand():
    """Patience 1 meets epoch 2 of the first two runs, which keeps their epoch 1, and never the third."""
    (row,) = compare([Patience("val_loss", 1)], RUNS)
    assert row.stops.tolist() == [2, 2, 2]
    assert row.fired.tolist() == [True, True, False] and row.never == 1
    assert row.kept.tolist() == [0.5, 4.0, 1.0]
    assert row.share.tolist() == [3 / 4, 3 / 5, 1.0]
    assert row.regret.tolist() == [100.0, 100.0, 0.0]


def test_a_run_goes_on_to_its_own_last_epoch():
    (row,) = compare([Below("val_loss", 0)], RUNS)
    assert row.stops.tolist() == [3, 4, 2] and row.never == 3
    assert row.share.tolist() == [1, 1, 1] and row.regret.tolist() == [0, 0, 0]


def test_met_in_the_last_epoch_is_met():
    (row,) = compare([Below("val_loss", 2.5)], [RUNS[1]])
    assert row.stops.tolist() == [4] and row.share.tolist() == [1] and row.never == 0


def test_a_measured_column_says_what_a_user_would_lose():
    """By test_loss the epochs kept, 1, 1 and 2, are better, better and as good as the best, 3, 4 and 2."""
    (row,) = compare([Patience("val_loss", 1)], RUNS, measured="test_loss")
    assert row.kept.tolist() == [1.0, 4.0, 4.0]
    assert row.regret == pytest.approx([100 * (1 / 1.25 - 1), 100 * (4 / 5 - 1), 0])
    (row,) = compare([Patience("val_loss", 1)], RUNS, measured="test_loss", regret="difference")
    assert row.regret.tolist() == [-0.25, -1.0, 0.0]


def test_the_first_of_equals_is_kept():
    run = {"val_loss": [2.0, 1.0, 1.0], "test_loss": [9.0, 3.0, 6.0]}
    (row,) = compare([Epochs(1)], [run], measured="test_loss")
    assert row.kept.tolist() == [9] and row.regret.tolist() == [200]
    (row,) = compare([Epochs(3)], [run], measured="test_loss")
    assert row.kept.tolist() == [3] and row.regret.tolist() == [0]


def test_where_more_is_better_losing_is_positive_too():
    (row,) = compare([Above("val_accuracy", 0.7)], SCORES, "val_accuracy", "max", regret="difference")
    assert row.stops.tolist() == [1] and row.kept.tolist() == [0.75] and row.regret.tolist() == [0.125]
    (row,) = compare([Epochs(4)], SCORES, "val_accuracy", "max", regret="difference")
    assert row.kept.tolist() == [0.875] and math.copysign(1, row.regret[0]) == 1  # 0, and not -0


def test_the_measured_column_has_a_direction_of_its_own():
    """Best by a loss, measured in accuracy: to keep epoch 0, 0.5, instead of epoch 1, 0.75, is to lose."""
    run = {"val_loss": [2.0, 1.0], "test_accuracy": [0.5, 0.75], "test_loss": [4.0, 3.0]}
    options = dict(measured="test_accuracy", regret="difference")
    (row,) = compare([Epochs(1)], [run], measured_mode="max", **options)
    assert row.regret.tolist() == [0.25]
    (row,) = compare([Epochs(1)], [run], measured_mode="min", **options)
    assert row.regret.tolist() == [-0.25]
    with pytest.raises(ValueError, match='large "test_accuracy" better. Say measured_mode="min"'):
        compare([Epochs(1)], [run], **options)
    # best by accuracy, measured in a loss, whose direction is known
    (row,) = compare([Epochs(1)], [run], "test_accuracy", "max", "test_loss", "difference")
    assert row.regret.tolist() == [1.0]


def test_the_direction_of_best_serves_where_it_is_measured():
    (row,) = compare([Epochs(1)], SCORES, "val_accuracy", "max", measured="val_accuracy", regret="difference")
    assert row.regret.tolist() == [0.375]


def test_names():
    rules = {"soon": Epochs(1), "late": Epochs(3), 3: lambda history: False}
    table = compare(rules, RUNS)
    assert [row.name for row in table] == ["soon", "late", "3"]
    assert table["late"] is table[1] and table[-1] is table["3"] and table["3"].never == 3
    with pytest.raises(KeyError, match="No criterion is called 'lat'. There are: soon, late, 3."):
        table["lat"]
    assert compare([Epochs(1), Epochs(2)], RUNS)["Epochs(2)"].stops.tolist() == [1, 1, 1]


def test_criteria_and_runs_may_come_one_by_one():
    table = compare((Epochs(n) for n in (1, 2)), iter(RUNS))
    assert len(table) == 2 and all(len(row.stops) == 3 for row in table)


def test_a_function_is_a_criterion():
    def worse(history):
        return history.rows > 1 and history["val_loss"][-1] > history["val_loss"][-2]

    assert compare([worse], RUNS)["worse"].stops.tolist() == [2, 2, 2]


def test_epochs_keep_the_numbers_that_the_history_gives_them():
    run = {"val_loss": [1.0, 0.5, 0.75, 0.25], "epoch": [5, 6, 7, 8]}
    (row,) = compare([Patience("val_loss", 1)], [run])
    assert row.stops.tolist() == [7] and row.share.tolist() == [0.75] and row.regret.tolist() == [100]


# ---- what is not a number, or not there ----


def test_nan_and_infinity_are_never_best():
    run = {"val_loss": [NAN, 2.0, None, -INF, INF, 1.0]}
    (row,) = compare([Epochs(5)], [run])
    assert row.kept.tolist() == [2.0] and row.regret.tolist() == [100]


def test_a_stop_before_anything_was_kept_has_no_regret():
    runs = [{"val_loss": [NAN, 2.0, 1.0]}, {"val_loss": [4.0, 2.0, 1.0]}]
    row, whole = table = compare([Epochs(1), Epochs(3)], runs)
    assert np.isnan(row.kept).tolist() == np.isnan(row.regret).tolist() == [True, False]
    assert row.regret[1] == 300 and whole.regret.tolist() == [0, 0]
    assert [cells[3] for cells in table.cells()] == ["300.0 % (1 of 2 runs)", "0.0 ± 0.0 %"]


@pytest.mark.parametrize("never", [NAN, INF, None])
def test_a_run_without_a_best_epoch_does_not_spoil_the_others(never):
    runs = [{"val_loss": [4.0, 2.0, 3.0]}, {"val_loss": [never] * 4}, {"val_loss": [4.0, 1.0]}]
    (row,) = table = compare([Epochs(1)], runs)
    assert row.stops.tolist() == [0, 0, 0] and row.share.tolist() == [1 / 3, 1 / 4, 1 / 2]
    assert row.regret[[0, 2]].tolist() == [100, 300] and np.isnan(row.regret[1]) and np.isnan(row.kept[1])
    assert table.cells()[0][3] == "200.0 ± 141.4 % (2 of 3 runs)"
    assert compare([Epochs(1)], runs[1:2]).cells()[0][3] == "none known"


@pytest.mark.parametrize("missing", [NAN, None])
def test_the_best_epoch_may_not_be_measured(missing):
    run = {"val_loss": [2.0, 1.0, 3.0], "test_loss": [5.0, missing, 6.0]}
    row, whole = compare([Epochs(1), Epochs(3)], [run], measured="test_loss", regret="difference")
    assert row.kept.tolist() == [5.0] and np.isnan([row.regret[0], whole.kept[0], whole.regret[0]]).all()


# ---- the table ----


def test_the_table():
    """Medians of 2, 2, 2 and 0, 0, 0 epochs; shares (3/4 + 3/5 + 1) / 3 and (1/4 + 1/5 + 1/3) / 3.

    Regrets of 100, 100, 0 and 300, 300, 200: deviations of 33, 33 and -67, and sqrt(6667 / 2) = 57.7.
    """
    table = compare({"patient": Patience("val_loss", 1), "one <b>": Epochs(1)}, RUNS)
    assert str(table) == repr(table) == (
        "criterion  stop, median  epochs  regret, mean ± sd  never fired\n"
        "patient               2     78%      66.7 ± 57.7 %       1 of 3\n"
        "one <b>               0     26%     266.7 ± 57.7 %       0 of 3")


def test_the_table_as_html_is_escaped():
    table = compare({"one <b>": Epochs(1), "a & b": Epochs(1)}, RUNS)
    text = table._repr_html_()
    assert text.startswith("<table><tr><th>criterion</th>") and text.endswith("</tr></table>")
    assert "<b>" not in text and "<td>one &lt;b&gt;</td>" in text and "<td>a &amp; b</td>" in text
    assert text.count("<tr>") == 3 and text.count("<td>") == 10


def test_a_median_between_two_epochs_is_not_rounded():
    assert compare([Below("val_loss", 0)], RUNS[:2]).cells()[0][1] == "3.5"


def test_small_differences_are_not_shown_as_nothing():
    runs = [{"val_error": [0.034, 0.03]}, {"val_error": [0.032, 0.03]}]
    (cells,) = compare([Epochs(1)], runs, "val_error", "min", regret="difference").cells()
    assert cells[3] == "0.003 ± 0.00141"


def test_nothing_lost_is_never_minus_nothing():
    runs = [{"val_loss": [1.0, 0.5], "test_loss": [1.0, 1.0001]}]
    assert compare([Epochs(1)], runs, measured="test_loss").cells()[0][3] == "0.0 %"


# ---- what is refused ----


@pytest.mark.parametrize("arguments, options, error, message", [
    (([], RUNS), {}, ValueError, "at least one criterion and one history"),
    (({}, RUNS), {}, ValueError, "at least one criterion and one history"),
    (([Epochs(1)], []), {}, ValueError, "at least one criterion and one history"),
    (([Epochs(1)], [RUNS[0], {"val_loss": []}]), {}, ValueError, "Run 1 has no rows"),
    (([Epochs(1), Epochs(1)], RUNS), {}, ValueError, r"Two criteria are called Epochs\(1\). Give a mapping"),
    (([lambda h: True, lambda h: False], RUNS), {}, ValueError, "Two criteria are called <lambda>"),
    (([0.1], RUNS), {}, TypeError, "A criterion is such as"),
    (({"a": 0.1}, RUNS), {}, TypeError, "A criterion is such as"),
    (([Epochs(1)], RUNS[0]), {}, TypeError, "A history maps column names to lists"),
    (([Epochs(1)], [{"val_loss": [1], "loss": [2, 1]}]), {}, ValueError, "differ in length"),
    (([Epochs(1)], RUNS), {"regret": "share"}, ValueError, "\"percent\" or \"difference\"; got 'share'"),
    (([Epochs(1)], SCORES), {"best": "val_accuracy"}, ValueError, 'Say mode="min" or mode="max"'),
    (([Epochs(1)], SCORES, "val_accuracy", "max"), {}, ValueError, 'for "val_accuracy" say regret'),
    (([Epochs(1)], RUNS), {"measured": "test_loss", "measured_mode": "max"}, ValueError, '"test_loss" say'),
    (([Epochs(1)], RUNS), {"measured_mode": "max"}, ValueError, "belongs to the measured column"),
    (([Epochs(1)], [{"val_loss": [1.0, 0.0]}]), {}, ValueError, '"val_loss" is 0 at epoch 1. Say regret='),
    (([Epochs(1)], [{"val_loss": [-1.0, 2.0]}]), {}, ValueError, '"val_loss" is -1 at epoch 0'),
    (([Epochs(2)], [{"val_loss": [2, 1], "epoch": [7, 8], "test_loss": [1, -3]}]), {"measured": "test_loss"},
     ValueError, '"test_loss" is -3 at epoch 8'),
    (([Epochs(1)], [{"loss": [1]}]), {}, MissingColumn, 'no column "val_loss". Columns: loss.'),
    (([TimeBudget(1)], RUNS), {}, MissingColumn, 'no column "seconds"'),
    (([Epochs(1)], RUNS), {"best": "val_los"}, MissingColumn, 'Did you mean "val_loss"'),
    (([Epochs(1)], RUNS), {"measured": "test_los"}, MissingColumn, 'Did you mean "test_loss"'),
    (([Epochs(1)], [*RUNS, {"val_loss": [1]}]), {"measured": "test_loss"}, MissingColumn, '"test_loss"'),
    (([Epochs(1)], [{"val_loss": [NAN]}]), {"measured": "test_loss"}, MissingColumn, '"test_loss"'),
])
def test_what_is_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        compare(*arguments, **options)


def test_a_difference_may_have_any_sign():
    (row,) = compare([Epochs(1)], [{"val_loss": [1.0, -1.0, 0.0]}], regret="difference")
    assert row.regret.tolist() == [2.0]

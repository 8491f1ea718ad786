"""What 04b alone uses: nobody is scored on who chose, and the figures can be read."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom import data
from course_utils.classroom.chapter_04 import appendix
from course_utils.stopping import Patience, compare, plots


def test_the_two_halves_share_no_patient_and_make_a_whole():
    (x, y), (x_new, y_new) = appendix.diabetes_rows(0)
    assert len(y) == 40 and len(y_new) == 402 and abs(y.mean()) < 1e-9 and np.isclose(y.std(), 1)
    halves = appendix.both_paths([0])
    whole = [((path @ x_new.T - y_new) ** 2).mean(1) for path in (
        appendix.descent(x, y), np.array([appendix.ridge(x, y, penalty) for penalty in appendix.PENALTIES]))]
    for i in (0, 1):
        assert not np.allclose(halves[0][i], halves[1][i])
        assert np.allclose((halves[0][i][0] + halves[1][i][0]) / 2, whole[i])  # of 201 each


@pytest.mark.parametrize("penalty", [0.001, 1.0])
def test_ridge_is_the_lowest_point_of_what_it_minimises(penalty):
    (x, y), _ = appendix.diabetes_rows(1)

    def cost(w):
        return ((x @ w - y) ** 2).mean() / 2 + penalty / 2 * w @ w

    lowest = appendix.ridge(x, y, penalty)
    for i in range(10):
        for step in (-1e-3, 1e-3):
            assert cost(lowest + step * np.eye(10)[i]) > cost(lowest)


def test_same_cost_finds_the_patience_that_trains_as_many_epochs():
    runs = [{"val_loss": [1.0] * 20, "test_loss": [1.0] * 20}]
    assert appendix.same_cost(8 / 20, runs, longest=15)[0] == 7  # seven failures after the first epoch


def test_each_half_sets_the_threshold_of_the_other():
    falls = [[5.0, 4.0, 3.0], [5.0, 2.0, 1.0], [5.0, 4.0, 3.5], [5.0, 2.5, 1.5]]
    runs = [{"val_loss": losses, "test_loss": losses} for losses in falls]
    duel = appendix.against_patience({"made up": runs}, quantile=1.0)
    # the even runs need less than 1.5, and never get there; the odd ones need less than 3.5
    assert duel.never.tolist() == [[True, False, True, False]]
    np.testing.assert_allclose(duel.shares[0], [[1, 2 / 3, 1, 2 / 3]])
    np.testing.assert_allclose(duel.regrets[0], [[0, 100, 0, 100 * (2.5 / 1.5 - 1)]])
    assert duel.table().splitlines()[1].split() == ["made", "up", "83", "41.7", "0.0"]  # patience ends none
    assert "2 runs never get below: they take 60 % of all epochs" in duel.who_trains()
    assert "the other 2 stop after 67 % of their epochs; patience trains them for 100 %" in duel.who_trains()


def test_error_minus_loss_tells_what_each_keeps_at_the_test():
    run = {"val_loss": [2.0, 1.0, 3.0], "val_error": [0.3, 0.2, 0.1], "test_error": [0.5, 0.25, 0.125]}
    assert appendix.error_minus_loss([run, run], patience=5).tolist() == [-12.5, -12.5]
    assert appendix.error_minus_loss([run], patience=1).tolist() == [-12.5]  # the loss had been stopped
    assert appendix.loss_or_error({"made up": [run, run]}, 5, 3).splitlines()[-1].split() == [
        "made", "up", "-12.50", "±", "0.00", "-12.50", "±", "0.00", "100", "/", "100"]


def test_who_chooses_the_steps_and_the_penalty_does_not_score_them():
    tuning = np.array([[3.0, 1.0, 2.0], [1.0, 2.0, 3.0]]), np.array([[1.0, 2.0], [2.0, 1.0]])
    scoring = np.array([[1.0, 5.0, 7.0], [4.0, 1.0, 8.0]]), np.array([[6.0, 1.0], [1.0, 3.0]])
    scores = appendix.choose_and_score(tuning, scoring)
    assert [each.tolist() for each in scores] == [[5, 4], [6, 3], [7, 8]]
    assert "stopped in 2 of 2, L2 in 2 of 2" in str(scores)


def test_a_gain_is_told():
    assert appendix.gained(np.array([2.0, 0.0, -0.04, -1.96])) == (
        "gain +0.0 ± 1.6 points, better in 1 of 4, worse in 2, the same in 1")


def test_only_the_runs_that_may_choose_do_and_only_what_they_can_pay():
    even = np.array([True, False])
    runs = [{"val_loss": [3.0, 4.0, 2.0, 1.0], "test_loss": [3.0, 4.0, 2.0, 1.0]},
            {"val_loss": [1.0, 2.0, 3.0, 4.0], "test_loss": [1.0, 2.0, 3.0, 4.0]}]
    rows = compare({str(n): Patience("val_loss", n) for n in (1, 2)}, runs, measured="test_loss")
    assert [appendix.choice(rows, even, limit).name for limit in (1, 0.5)] == ["2", "1"]
    assert appendix.choice(rows, ~even, limit=1).name == "1"  # equally good, and the first


def test_the_figure_of_one_run_says_what_each_patience_keeps():
    figure, said = appendix.one_run({"val_loss": [3.0, 1.0, 2.0, 0.5, 0.7]}, 2, 4, "a run")
    assert "stops at epoch 2 and keeps epoch 1." in said and "stops at epoch 4 and keeps epoch 3." in said
    plt.close(figure)


def test_both_panels_mark_where_the_run_gets_below():
    losses = [0.02, 0.009, 0.02, 0.02, 0.007, *[0.02] * 50]
    figure, said = appendix.two_readings({"val_loss": losses}, 0.01, 0.008)
    for ax in figure.axes:
        marks = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if line.get_marker() in "so"]
        assert marks == [(1, 0.009), (4, 0.007)]
    assert "at epoch 1, the one from past runs at epoch 4" in said
    plt.close(figure)


def test_the_figures_can_be_read():
    run = data.load_curves("proben1").select(problem="building", units=64)[1]
    (x, y), _ = appendix.diabetes_rows(0)
    for drawn, said in (appendix.two_readings(run, 0.02, 0.008), appendix.one_run(run, 83, 239, "a run"),
                        appendix.same_path(x, y, appendix.both_paths([0])[0])):
        assert said and plots.unreadable(drawn.get_figure(root=True) or drawn) == []
    plt.close("all")

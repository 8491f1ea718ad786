"""What notebook 91 says of recorded runs, and the tables that it prints."""

import re

import numpy as np
import pytest

from course_utils.classroom.chapter_91 import tables
from course_utils.classroom.data import load_curves
from course_utils.stopping import Patience, compare


@pytest.fixture(scope="module")
def regrets():
    """(blind, watched): problem -> regrets of its twenty splits."""
    return tables.blind_and_watched(load_curves("proben1"))


def test_blind_costs_more_on_average_and_on_four_problems_by_more_than_two_standard_errors(regrets):
    gaps = {problem: blind - regrets[1][problem] for problem, blind in regrets[0].items()}
    assert all(len(gap) == 20 and gap.mean() > 0 for gap in gaps.values())
    sure = {problem for problem, gap in gaps.items() if gap.mean() > 2 * gap.std(ddof=1) / 20**0.5}
    assert sure == {"soybean", "gene", "thyroid", "building"}
    every = np.concatenate([*gaps.values()])
    assert (every > 0).sum() > 2 * (every < 0).sum()
    assert every[every > 0].mean() > 2 * -every[every < 0].mean()


def test_blind_borrows_its_epoch_and_watched_keeps_its_own(regrets):
    runs = load_curves("proben1").select(problem="gene", units=64)
    rule, best = Patience("val_loss", 10), []
    for run in runs:
        best.append(int(np.argmin(run["val_loss"][: rule.first(run) + 1])))
    others = [int(np.median([best[(i + n) % 20] for n in range(1, 6)])) for i in range(20)]
    for ours, epochs in zip(regrets, (others, best)):
        np.testing.assert_allclose(ours["gene"], tables.regrets(runs, epochs))


def test_a_split_is_no_judge_of_itself():
    runs = [{"val_loss": [abs(epoch - best) for epoch in range(60)]} for best in (50, 3, 1, 4, 2)]
    assert tables.medians_of_others(runs, [59] * 5, count=3) == [3, 2, 4, 3, 3]


def test_what_comes_after_a_run_s_stop_is_not_known():
    runs = [{"val_loss": [2.0, 1.0, 3.0, 3.0, 0.5]}] * 2  # patience 2 never sees the last epoch
    assert tables.medians_of_others(runs, [3, 3], count=1) == [1, 1]
    assert tables.medians_of_others(runs, [4, 4], count=1) == [4, 4]


def test_a_regret_is_that_of_compare():
    runs, rule = load_curves("proben1").select(problem="building", units=64), Patience("val_loss", 10)
    kept = [int(np.argmin(run["val_loss"][: rule.first(run) + 1])) for run in runs]
    theirs = compare([rule], runs, measured="test_loss")[0].regret
    np.testing.assert_allclose(tables.regrets(runs, kept), theirs)


def test_the_table_has_a_line_for_each_problem(regrets, capsys):
    tables.print_regrets(*regrets)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [*regrets[0]]
    assert all(re.fullmatch(r".* \d+ / \d+ of \d+", line) for line in lines[1:])
    assert {line.index(" / ") for line in lines[1:]} == {lines[1].index(" / ")}


def test_the_line_for_pip_names_a_repository():
    assert tables.pip_line().startswith('pip install "git+https://')

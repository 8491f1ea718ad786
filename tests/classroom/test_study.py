"""Chapter 08's rooms (study, race, rules, rprop, figures) and its recording: a slice of it is made anew."""

import itertools
import math
import os
import subprocess
import sys

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from any_curve import histories
from course_utils.classroom import data
from course_utils.classroom.chapter_08 import figures, race
from course_utils.classroom.chapter_08.rprop import Rprop
from course_utils.classroom.chapter_08.rules import FAMILIES, GapPatience
from course_utils.classroom.chapter_08.study import (
    SEEN,
    Price,
    Study,
    at_regret,
    by_seed,
    by_validation_size,
    clairvoyant,
    interval,
    own_patience,
    patience_line,
    phase_of_transfer,
    prices,
    ratio,
    study,
)
from course_utils.classroom.data import DATA, load_curves
from course_utils.stopping import (
    Epochs,
    GeneralizationLoss,
    History,
    Patience,
    SuccessiveIncreases,
    as_criterion,
    compare,
    first_rows,
    patience_for,
    plots,
)

COLUMNS = (*SEEN, "test_loss", "test_error")


def made_up_study(runs=12, epochs=25, problems="abbcac", seed=0):
    """Runs of several lengths that fall and jump about, their problems in no order."""
    chance = np.random.default_rng(seed)
    fall = 1 + 3 * np.exp(-np.arange(epochs) / chance.uniform(1, 9, (runs, 1)))
    columns = {name: fall + chance.uniform(0, 0.3, (runs, epochs)) for name in COLUMNS}
    columns["val_loss"] = columns["val_loss"].round(1)  # so that some are equal
    for i, end in enumerate(chance.integers(epochs // 2, epochs + 1, runs)):
        for values in columns.values():
            values[i, end:] = np.nan
    return Study(columns, {"problem": np.array([problems[i % len(problems)] for i in range(runs)])})


def histories_of(on, *more):
    return [{name: on.columns[name][i, :end].tolist() for name in (*SEEN, *more)}
            for i, end in enumerate(on.lengths)]


# ---- the prices ----


@pytest.mark.parametrize("on", [made_up_study(), study("second", optimizer="rprop", network="16", epochs=60)],
                         ids=["made up", "recorded"])
def test_a_price_is_what_compare_says(on):
    rules = [Patience("val_loss", 2), GeneralizationLoss(20), SuccessiveIncreases(2, strip=3), Epochs(1),
             lambda history: history["loss"][-1] < history["val_loss"][-1] / 2, GapPatience(3)]
    rules = list(map(as_criterion, rules))
    table = compare(rules, histories_of(on, "test_loss"), measured="test_loss")
    names = on.labels["problem"].tolist()
    assert len(on.problems) > 2 and any(row.never for row in table)
    for price, row in zip(prices(rules, on), table):
        for found, values in ((price.cost, row.share), (price.regret, row.regret)):
            each = [np.mean(values[np.array(names) == problem]) for problem in on.problems]
            np.testing.assert_allclose(found, each, rtol=1e-9, atol=1e-12)
        assert price.name == row.name and price.never == row.never / len(names)


def test_a_rule_sees_no_test_and_nothing_behind_its_end():
    on = made_up_study()
    for run, end in zip(on.runs, on.lengths):
        assert set(run) == set(SEEN) and not [name for name in run if "test" in name] and run.rows == end


def test_a_study_can_be_cut_and_its_runs_chosen():
    glass = dict(problem="glass", rate=0.001)
    whole, cut = study("first", **glass), study("first", epochs=40, **glass)
    assert len(whole.of) == len(cut.of) == 6 * 2 * 5 and whole.problems == cut.problems == ("glass",)
    assert set(whole.lengths) == {300} and set(cut.lengths) == {40}
    np.testing.assert_array_equal(cut.columns["loss"], whole.columns["loss"][:, :40])
    assert set(study("last", epochs=1000).lengths) == {600}


def brute(on, column, worth, i):
    """The row at which a run costs and loses least, tried one by one."""
    val, values, end = on.columns["val_loss"][i], on.columns[column][i], on.lengths[i]
    best = values[min(range(end), key=lambda row: val[row])]
    paid = []
    for last in range(end):
        kept = values[min(range(last + 1), key=lambda row: val[row])]
        paid.append(100 * (kept / best - 1) + worth * 100 * (last + 1) / end)
    return paid.index(min(paid))


@pytest.mark.parametrize("column", ["val_loss", "test_loss"])
@pytest.mark.parametrize("worth", [0.1, 1.0, 5.0])
def test_the_clairvoyant_tries_every_row(column, worth):
    on = made_up_study()
    stops = np.array([brute(on, column, worth, i) for i in range(len(on.of))])
    found, right = clairvoyant(on, column, worth), on.price("", stops)
    np.testing.assert_allclose(found.cost, right.cost)
    np.testing.assert_allclose(found.regret, right.regret)
    assert len(set(stops)) > 2 and found.never == 0


@pytest.mark.parametrize("worth", [0.05, 0.5, 3.0])
def test_each_problem_s_own_patience_is_the_best_of_the_line(worth):
    on = made_up_study(runs=30, epochs=60)
    found, line = own_patience(on, worth), patience_line(on)
    for place in range(len(on.problems)):
        paid = [price.regret[place] + worth * 100 * price.cost[place] for price in line]
        best = line[paid.index(min(paid))]
        assert (found.cost[place], found.regret[place]) == (best.cost[place], best.regret[place])


# ---- at equal regret ----


@pytest.mark.parametrize(("costs", "regrets", "regret", "right"), [
    ([10, 20, 30], [4, 1, 0], 2.5, 15), ([10, 20, 30], [4, 1, 0], 1, 20),
    ([10, 20, 30], [4, 1, 0], 0.25, 27.5),
    ([10, 20, 30], [4, 1, 0], 9, 10),  # nobody can be less patient than the shortest
    ([10, 20, 30], [4, 1, 0], -2, 30),
    ([10, 20, 30], [4, 1, 1], 0.5, 20), ([10, 20, 30], [4, 1, 2], 0.5, 20),  # the third length buys nothing
    ([10, 12, 20], [4, 5, 1], 2.5, 15), ([10, 12, 14, 20], [4, 5, 4.5, 1], 2.5, 15),  # nor does the second
    ([10, 20, 30, 40], [4, 1, 2, 0], 0.5, 30)])
def test_what_patience_costs_at_a_regret(costs, regrets, regret, right):
    assert at_regret(np.array(costs, float), np.array(regrets, float), regret) == pytest.approx(right)


def price(name, cost, regret):
    return Price(name, np.array(cost, float), np.array(regret, float))


LINE = [price("Patience 1", [8, 9, 10, 13], [9, 8, 7, 12]),
        price("Patience 3", [10, 12, 14, 20], [5, 4, 3, 8]),
        price("Patience 5", [16, 18, 20, 30], [1, 1, 1, 1])]


def test_a_ratio_divides_by_the_cost_of_patience_at_the_mean_regret():
    # means: (10, 9), (14, 5), (21, 1). A regret of 3 is halfway from 5 to 1: 17.5
    rule = price("a rule", [10, 20, 30, 24], [0, 6, 2, 4])
    assert ratio(rule, LINE) == pytest.approx(21 / 17.5)
    # of the second and fourth problem: (11, 10), (16, 6), (24, 1), and the rule (22, 5): a fifth of the way
    assert ratio(rule.on([1, 3]), [own.on([1, 3]) for own in LINE]) == pytest.approx(22 / 17.6)


def test_an_interval_draws_the_same_problems_for_the_rule_and_for_patience():
    for own in LINE:  # patience against itself
        assert interval(own, LINE) == pytest.approx((1, 1), abs=1e-12)
        dearer = price("dearer", 1.1 * own.cost, own.regret)
        assert interval(dearer, LINE) == pytest.approx((1.1, 1.1), abs=1e-12)
    # drawn apart from each other, two such unlike problems would spread
    apart = [price("Patience 1", [1, 100], [4, 4]), price("Patience 5", [2, 200], [1, 1])]
    assert interval(price("", [4, 400], [1, 1]), apart) == pytest.approx((2, 2))


def test_an_interval_of_two_problems_goes_from_the_one_to_the_other():
    # each is drawn twice in a quarter of the samples, so the outer 2.5 % are these
    line = [price("Patience 1", [10, 10], [4, 4]), price("Patience 5", [20, 20], [1, 1])]
    low, high = interval(price("", [10, 30], [1, 1]), line)
    assert (low, high) == pytest.approx((0.5, 1.5))
    assert ratio(price("", [10, 30], [1, 1]), line) == pytest.approx(1)


def test_an_interval_is_the_same_again_and_wider_for_unlike_problems():
    chance = np.random.default_rng(3)
    line = [price(own.name, np.full(20, own.cost[0]), np.full(20, own.regret[0])) for own in LINE]
    alike, unlike = (price("", 16 + sd * chance.normal(size=20), np.ones(20)) for sd in (0.5, 5))
    assert interval(alike, line) == interval(alike, line) != interval(alike, line, seed=2)
    widths = [np.subtract(*interval(own, line)[::-1]) for own in (alike, unlike)]
    assert 0 < widths[0] < widths[1]
    low, high = interval(unlike, line)
    assert low < ratio(unlike, line) < high
    # as the standard error of a mean says: 1.96 sd / sqrt(20) to both sides, of 16
    assert widths[1] == pytest.approx(2 * 1.96 * unlike.cost.std() / 20**0.5 / 16, rel=0.1)


def test_the_cheapest_that_is_good_enough():
    a, b, c = price("a", [30, 10], [1, 1]), price("b", [10, 20], [2, 3]), price("c", [5, 5], [9, 0])
    assert race.cheapest([a, b, c], 2.5) is b  # mean regrets 1, 2.5, 4.5; mean costs 20, 15, 5
    assert race.cheapest([a, b, c], 2.4) is a and race.cheapest([a, b, c], 4.5) is c
    assert race.cheapest([a, b, c], 0.5) is None and race.cheapest([], 9) is None


# ---- the race ----


class FourProblems:
    problems = "wxyz"


@pytest.fixture
def small_race(monkeypatch):
    """race(halves=...) over four problems: a suits w and y alone, b the others; c suits none."""
    line = [price("Patience 1", [8] * 4, [9] * 4), price("Patience 5", [15, 16, 17, 18], [1] * 4)]
    families = {"none": [price("c", [1] * 4, [7] * 4)], "Patience": line,
                "two": [price("a", [10, 11, 12, 13], [0, 5, 0, 5]),
                        price("b", [20, 21, 22, 23], [5, 0, 5, 0])]}
    monkeypatch.setattr(race, "study", lambda *groups: FourProblems)
    monkeypatch.setattr(race, "settings", lambda *groups: families)
    monkeypatch.setattr(race, "patience_line", lambda on: line)
    return lambda **how: {entry.name: entry for entry in race.race(**how)}


def test_each_half_is_judged_by_the_setting_of_the_other(small_race):
    entries = small_race(halves=([0, 2], [1, 3]))
    two = entries["two"]
    assert [best.name for best in two.chosen] == ["a", "b"]
    assert [best.cost.tolist() for best in two.chosen] == [[10, 12], [21, 23]]
    assert [judged.name for judged in two.judged] == ["a", "b"]
    assert [judged.cost.tolist() for judged in two.judged] == [[11, 13], [20, 22]]
    # a on x and z, b on w and y; judged where they were chosen it would be 10, 21, 12, 23 with a regret of 0
    assert two.price.cost.tolist() == [20, 11, 22, 13] and two.price.regret.tolist() == [5] * 4
    assert two.ratio == pytest.approx(16.5 / 12.25)  # a regret of 5 lies halfway from Patience 1 to 5
    assert two.low <= two.ratio <= two.high
    assert (entries["Patience"].ratio, entries["Patience"].chosen[0].name) == (pytest.approx(1), "Patience 5")


def test_halves_are_the_first_and_the_last_problems_and_may_stand_in_any_order(small_race):
    entries = small_race()
    assert entries["two"].price is None  # no setting suits both w and x
    swapped = small_race(halves=([3, 1], [2, 0]))["two"]
    assert swapped.price.cost.tolist() == [20, 11, 22, 13]


def test_a_family_without_a_good_setting_comes_last(small_race):
    entries = small_race(halves=([0, 2], [1, 3]))
    assert list(entries) == ["Patience", "two", "none"]
    none = entries["none"]
    assert none.chosen == (None, None) and none.price is None and np.isnan([none.ratio, none.low]).all()


def test_the_last_problems_are_judged_by_what_was_chosen_on_all_others(monkeypatch):
    rules = [Patience("val_loss", n) for n in (1, 4, 2, 3, 9)]
    monkeypatch.setattr(race, "FAMILIES", {"Patience": rules, "never good": [Epochs(1)]})
    race.settings.cache_clear()
    try:
        found = race.on_the_last("Patience 4")
        twenty, last = study("first", "second"), study("last")
        times, low, high, own = found["Patience"]
        assert list(found) == ["Patience"] and own.name == repr(rules[1])
        assert prices([Epochs(1)], twenty)[0].regret.mean() > prices(rules, twenty)[1].regret.mean()
        np.testing.assert_array_equal(own.cost, prices([rules[1]], last)[0].cost)
        assert (times, low, high) == pytest.approx((1, 1, 1)) and len(own.cost) == 8
    finally:
        race.settings.cache_clear()


def test_who_wins_twice_has_both_intervals_below_1(monkeypatch):
    highs = {"Patience": (0.9, 0.9), "both": (0.99, 0.98), "first": (0.99, 1.0), "last": (1.0, 0.9),
             "no setting": (0.9, None)}
    entries = [race.Entry(name, (), (), None, 0.8, 0.7, high) for name, (high, _) in highs.items()]
    last = {name: (0.8, 0.7, high, None) for name, (_, high) in highs.items() if high}
    monkeypatch.setattr(race, "race", lambda like: {"Patience 3": entries}[like])
    monkeypatch.setattr(race, "on_the_last", lambda like: {"Patience 3": last}[like])
    assert race.win_twice("Patience 3") == ["both"]


def test_what_each_problem_needs():
    on = made_up_study(runs=30, epochs=60)
    rules = {n: Patience("val_loss", n) for n in (1, 2, 3, 5, 8, 13, 21)}
    found = prices(rules, on)
    for goal in (1.0, 10.0, 60.0):
        needed, costs = [], []
        for place in range(len(on.problems)):
            lost = [own.regret[place] <= goal for own in found]
            good = [i for i in range(len(lost)) if all(lost[i:])]
            if good:
                needed.append(good[0])
                costs.append([own.cost[place] for own in found])
        settings, own, same = race.needs(rules, on, goal)
        assert needed and settings == [list(rules)[i] for i in sorted(needed)]
        assert own == pytest.approx(np.mean([cost[i] for cost, i in zip(costs, needed)]))
        assert same == pytest.approx(np.mean([cost[max(needed)] for cost in costs]))


# ---- the rules ----


def test_every_setting_has_a_name_of_its_own_and_reads_what_a_rule_may_see():
    assert len(FAMILIES) == 14 and next(iter(FAMILIES)) == "Patience"
    for name, rules in FAMILIES.items():
        assert len({repr(rule) for rule in rules}) == len(rules) >= 6, name
        assert {column for rule in rules for column in rule.columns} <= set(SEEN), name


def by_the_gap(losses, val_losses, patience):
    """GapPatience once more, from its docstring, on whole arrays."""
    since = goal = None
    for row, val_loss in enumerate(val_losses):
        if goal is None or val_loss < goal:
            since, goal = row, 0.998 * val_loss
        halves = [0.5 ** (row - before + (before > 0)) for before in range(row + 1)]
        mean = np.dot(halves, losses[: row + 1])
        quotient = np.clip(mean / min(val_losses[: row + 1]), 0.1, 1.5)
        if row - since >= max(1, patience * math.sqrt(quotient)):
            return row
    return None


@pytest.mark.parametrize("patience", [1, 5, 9])
def test_patience_by_the_gap_on_recorded_runs(patience):
    on = study("first", network="16", optimizer="adam")
    runs, rule = histories_of(on)[::7], GapPatience(patience)
    found = [rule.first(run) for run in runs]
    assert found == [by_the_gap(run["loss"], run["val_loss"], patience) for run in runs]
    assert first_rows(rule, runs).tolist() == [-1 if row is None else row for row in found]
    assert len(set(found)) > 4


def test_patience_by_the_gap_is_shorter_where_a_network_memorises():
    val_loss = [1.0, *[0.9] * 30]
    ends = [GapPatience(8).first({"loss": [loss] * 31, "val_loss": val_loss})
            for loss in (0.001, 0.225, 0.9, 9)]
    # waits of 8 sqrt(0.1) = 2.5, 8 sqrt(0.25) = 4, 8, and 8 sqrt(1.5) = 9.8 epochs after epoch 1
    assert ends == [4, 5, 9, 11]


@st.composite
def positive(draw):
    history = draw(histories())
    return History(loss=history["error"], val_loss=history["val_error"])


@given(st.sampled_from([1, 2, 3.5]), positive())
def test_patience_by_the_gap_keeps_the_contract_of_a_criterion(patience, history):
    rule = GapPatience(patience)
    met, growing, step, live = rule.met(history), History(), rule.live(), []
    for row in range(history.rows):
        assert (met[: row + 1] == rule.met(history.head(row + 1))).all()
        growing.add({name: values[row] for name, values in history.items()})
        live.append(step(growing, row))
        if None in (history["loss"][row], history["val_loss"][row]):
            assert met[row] == (row > 0 and met[row - 1])
    assert live == met.tolist()
    assert rule.first(history) == (int(met.argmax()) if met.any() else None)


# ---- RPROP ----


def test_the_steps_of_rprop_within_both_bounds():
    weights = keras.Variable([0.0, 0.0, 1.0])
    rprop = Rprop(learning_rate=0.1, grow=2.0, shrink=0.5, least=0.04, most=0.3)
    gradients = [(7, 0.1, 0), (0.1, -3, 0), (2, -1, 5), (5, 2, 5), (-1, 1, 0), (-9, -1, -1)]
    # first: 0.1, 0.2, at most 0.3, 0.3, a jump: half and wait, 0.15 back
    # second: 0.1, a jump: 0.05 and wait, 0.05, a jump: at least 0.04, 0.04, a jump
    # third: nothing for a gradient of 0, then 0.1, 0.2, nothing, 0.2 back: after a 0 no step is changed
    right = [(-0.1, -0.1, 1), (-0.3, -0.1, 1), (-0.6, -0.05, 0.9), (-0.9, -0.05, 0.7), (-0.9, -0.09, 0.7),
             (-0.75, -0.09, 0.9)]
    for gradient, expected in zip(gradients, right):
        rprop.apply([keras.ops.convert_to_tensor(gradient, "float32")], [weights])
        np.testing.assert_allclose(keras.ops.convert_to_numpy(weights), expected, atol=1e-6)


def test_the_first_step_of_rprop_is_the_rate_even_where_it_is_set_late():
    weights, rprop = [keras.Variable([1.0]), keras.Variable([[1.0, 2.0]])], Rprop(0.1)
    rprop.build(weights)
    rprop.learning_rate = 0.5
    rprop.apply([keras.ops.ones((1,)), -keras.ops.ones((1, 2))], weights)
    assert [keras.ops.convert_to_numpy(w).ravel().tolist() for w in weights] == [[0.5], [1.5, 2.5]]
    rprop.learning_rate = 9.0  # from now on each weight has its own
    rprop.apply([keras.ops.ones((1,)), -keras.ops.ones((1, 2))], weights)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(weights[0]), [-0.1], rtol=1e-5)


def test_rprop_survives_its_config():
    how = dict(learning_rate=0.02, grow=1.1, shrink=0.4, least=1e-5, most=3.0)
    again = Rprop.from_config(Rprop(**how, clipnorm=2.0).get_config())
    assert again.get_config() == Rprop(**how, clipnorm=2.0).get_config()
    assert {name: again.get_config()[name] for name in how} == pytest.approx(how)
    assert (again.grow, again.shrink, again.least, again.most, again.clipnorm) == (1.1, 0.4, 1e-5, 3.0, 2.0)


def test_rprop_learns_a_regression_in_fit():
    keras.utils.set_random_seed(1)
    x = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
    y = np.tanh(x @ [[1.0], [-2.0], [0.5]]).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(6, "tanh"), keras.layers.Dense(1)])
    model.compile(Rprop(), "mse")
    losses = model.fit(x, y, batch_size=len(x), epochs=60, verbose=0).history["loss"]
    assert losses[-1] < 0.01 < losses[0] and losses[-1] < losses[20] < losses[0]


@pytest.mark.parametrize("wrong", [dict(grow=1.0), dict(shrink=1.0), dict(shrink=0.0), dict(least=0.0),
                                   dict(least=2.0, most=1.0), dict(grow=0.5, shrink=1.2)], ids=str)
def test_rprop_refuses_factors_and_bounds_the_wrong_way_round(wrong):
    with pytest.raises(ValueError, match="0 < shrink < 1 < grow and 0 < least <= most") as error:
        Rprop(**wrong)
    assert all(f"{name}={value}" in str(error.value) for name, value in wrong.items())


# ---- the recording ----


@pytest.fixture
def make(monkeypatch):
    """data/make/study.py. It chooses a backend for Keras, which must not stay for other tests."""
    for name in ("KERAS_BACKEND", "JAX_PLATFORMS"):
        monkeypatch.setenv(name, os.environ.get(name, "cpu"))
    monkeypatch.syspath_prepend(str(DATA / "make"))
    import study as make

    return make


def test_every_run_is_there_whole():
    curves = load_curves("study")
    assert len(curves) == 2610 and set(curves.columns) == set(COLUMNS)
    last = curves.labels["group"] == "last"
    for name, values in curves.columns.items():
        assert values.shape == (2610, 600) and values.dtype == np.float32
        assert np.isfinite(values[last]).all() and np.isfinite(values[~last, :300]).all(), name
        assert np.isnan(values[~last, 300:]).all(), name
        measured = values[~np.isnan(values)]
        assert (measured > 0).all() if name.endswith("loss") else (measured >= 0).all(), name
    problems = {group: set(curves.labels["problem"][curves.labels["group"] == group])
                for group in ("first", "second", "last")}
    assert [len(names) for names in problems.values()] == [10, 10, 8]
    assert len(set().union(*problems.values())) == 28
    highest = {name: np.nanmax(curves.columns["val_error"][curves.labels["problem"] == name])
               for name in set().union(*problems.values())}
    assert {name for name, most in highest.items() if most > 1} <= {  # else they are shares of wrong classes
        "building", "abalone", "kin32fm", "robot", "pumadyn", "bank32nh", "progression", "friedman"}
    assert (DATA / "curves" / "study.npz").stat().st_size < 8e6


def test_runs_differ_by_their_seed_and_half_of_them_learn_slowly():
    labels = load_curves("study").labels
    rates = np.where(labels["seed"] % 2, 0.001, 0.01)
    np.testing.assert_allclose(labels["rate"], rates, rtol=1e-6)
    each = list(zip(*(labels[name] for name in ("problem", "network", "optimizer", "seed"))))
    assert len(set(each)) == len(each) and set(labels["seed"]) == set(range(10))
    values = load_curves("study").columns["val_loss"][:, :10]
    assert len(np.unique(values, axis=0)) == len(values)


def test_the_script_records_what_is_in_the_file(make):
    labels = load_curves("study").labels
    there = list(zip(*(labels[name].tolist() for name in ("problem", "network", "optimizer", "group"))))
    families = [family for family in make.families() for _ in range(make.SEEDS)]
    assert [(f.problem, f.network, f.optimizer, f.group) for f in families] == there
    ends = (~np.isnan(load_curves("study").columns["loss"])).sum(1)
    assert ends.tolist() == [f.epochs for f in families]
    assert len({f.path for f in make.families()}) == len(make.families())


def test_byte_planes_are_put_together_again(make, monkeypatch):
    chance = np.random.default_rng(0)
    values = (chance.normal(size=(5, 40)) * 10.0 ** chance.integers(-30, 30, (5, 40))).astype("float32")
    values[0, :4] = np.nan, np.inf, -0.0, 1e-45
    half = values.clip(-6e4, 6e4).astype("float16")
    planes = {"planes/loss": make.in_planes(values), "planes/error": make.in_planes(half),
              "label/seed": np.arange(5)}
    assert planes["planes/loss"].shape == (4, 5, 40) and planes["planes/loss"].dtype == np.uint8
    monkeypatch.setattr(data, "_load", lambda name: planes)
    columns = load_curves("made up").columns
    np.testing.assert_array_equal(columns["loss"].view("uint32"), values.view("uint32"))
    np.testing.assert_array_equal(columns["error"], half.astype("float32"))
    assert columns["error"].dtype == np.float32


@pytest.mark.parametrize("digits", [7, 11, 14, 16])
def test_what_is_shortened_errs_by_half_of_its_last_digit(make, digits):
    chance = np.random.default_rng(digits)
    values = np.exp(chance.uniform(-60, 60, 5000)).astype("float32") * chance.choice([-1, 1], 5000)
    values[:3] = np.nan, np.inf, 0
    short = make.shortened(values, digits)
    exact = values[3:].astype(float)
    assert short.dtype == np.float32 and short[2] == 0 and np.isnan(short[0]) and np.isinf(short[1])
    assert (np.abs(short[3:] - exact) <= 2.0 ** (np.frexp(exact)[1] - digits - 1)).all()
    mantissas = np.frexp(short[3:].astype(float))[0] * 2.0**digits
    assert (mantissas == mantissas.round()).all()  # no more digits than that
    np.testing.assert_array_equal(make.shortened(short, digits), short)


def test_shorter_runs_are_filled_up_and_losses_stay_above_zero(make):
    chance, parts = np.random.default_rng(0), []
    for runs, epochs in ((2, 3), (3, 5)):
        part = {f"column/{name}": chance.uniform(0.1, 1, (runs, epochs)).astype("float32")
                for name in COLUMNS}
        parts.append({"label/seed": np.arange(runs), **part})
    parts[0]["column/loss"][0, 1] = 0
    packed = make.packed(parts)
    assert set(packed) == {"label/seed", *(f"planes/{name}" for name in COLUMNS)}
    assert packed["label/seed"].tolist() == [0, 1, 0, 1, 2]
    for name in COLUMNS:
        planes = np.ascontiguousarray(np.moveaxis(packed[f"planes/{name}"], 0, -1))
        values = planes.view(f"<f{planes.shape[-1]}")[..., 0].astype(float)
        assert values.shape == (5, 5) and planes.shape[-1] == (2 if name.endswith("error") else 4)
        assert np.isnan(values[:2, 3:]).all() and np.isfinite(values[2:]).all()
        given = parts[1][f"column/{name}"]
        digits = make.DIGITS.get(f"column/{name}", 11)
        np.testing.assert_allclose(values[2:], given, rtol=2.0**-digits)
        assert name != "loss" or values[0, 1] == pytest.approx(1e-7, rel=1e-3)


ANEW = """
import sys
from pathlib import Path
import numpy as np
import study
from sklearn.datasets import load_breast_cancer
from study_problems import prepared

study.BUILD = Path(sys.argv[1])
(study.BUILD / "problems").mkdir()
x, y = prepared(*load_breast_cancer(return_X_y=True))
np.savez(study.BUILD / "problems" / "cancer.npz", x=x, y=y)
family = next(f for f in study.families() if f.path.stem == sys.argv[2])
labels, columns = study.record(family, seeds=[0, 3, 8], epochs=40)
np.savez(study.BUILD / "anew.npz", rate=labels["rate"], **columns)
"""


def record_anew(script, *arguments):
    """Run a script in a process of its own, on JAX."""
    folders = [str(DATA / "make"), str(DATA.parent), *sys.path]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "-1",
                   "PYTHONPATH": os.pathsep.join(folders)}
    done = subprocess.run([sys.executable, "-c", script, *map(str, arguments)], env=environment, text=True,
                          capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("family", [
    "cancer-16-adam", pytest.param("cancer-8-rprop", marks=pytest.mark.rare)])
def test_a_slice_recorded_anew_is_the_one_in_the_file(family, tmp_path):
    """Where rounding differs, so do two trainings in the end: 40 epochs of an easy problem are not so far."""
    record_anew(ANEW, tmp_path, family)
    problem, network, optimizer = family.split("-")
    curves = load_curves("study")
    chosen = np.isin(curves.labels["seed"], [0, 3, 8])
    for label, value in (("problem", problem), ("network", network), ("optimizer", optimizer)):
        chosen &= curves.labels[label] == value
    with np.load(tmp_path / "anew.npz") as anew:
        np.testing.assert_array_equal(anew["rate"], curves.labels["rate"][chosen])
        for name in ("loss", "val_loss", "test_loss"):
            recorded = curves.columns[name][chosen, :40]
            assert anew[name].shape == recorded.shape == (3, 40)
            np.testing.assert_allclose(anew[name][:, :10], recorded[:, :10], rtol=1e-3, err_msg=name)
            np.testing.assert_allclose(anew[name], recorded, rtol=1e-2, err_msg=name)
        for name in ("error", "val_error", "test_error"):
            np.testing.assert_allclose(anew[name], curves.columns[name][chosen, :40], atol=0.02, err_msg=name)


# ---- advice that was tried ----


def lost(on, rule):
    """By how many percent of test loss a rule's weights are worse than the best: a number a run."""
    return on.lost(first_rows(rule, on.runs))


def test_seen_through_fewer_examples_the_trainings_are_the_same():
    sizes = by_validation_size()
    assert list(sizes) == [25, 50, 100, 200, "all"] and len(sizes["all"].of) == 5 * 2 * 10
    for on in sizes.values():
        np.testing.assert_array_equal(on.columns["test_loss"], sizes["all"].columns["test_loss"])
        np.testing.assert_array_equal(on.best, sizes["all"].kept[-1])
    values = [on.columns["val_loss"] for on in sizes.values()]
    assert all((a != b).mean() > 0.9 for a, b in itertools.pairwise(values))
    # the smaller the set, the further from the whole one
    far = [np.abs(each - values[-1]).mean() for each in values[:-1]]
    assert far == sorted(far, reverse=True)
    assert (sizes["all"].regrets()[-1] == 0).all()


def test_a_small_validation_set_asks_for_no_more_patience():
    """The page: twice as long for weights that are no better, on digits worse ones; more examples help."""
    sizes = by_validation_size()
    for size in (25, 50, 100):
        on = sizes[size]
        five, twenty = prices([Patience("val_loss", n) for n in (5, 20)], on)
        assert 1.9 < twenty.cost.mean() / five.cost.mean() < 2.4
        more = twenty.regret - five.regret
        assert more[on.problems.index("digits")] > 5 and more.min() > -0.5 and more.mean() > 1
        each = lost(on, Patience("val_loss", 20)) - lost(on, Patience("val_loss", 5))
        assert (each > 0).sum() > 2 * (each < 0).sum() > 0
    losses = [lost(on, Patience("val_loss", 5)).mean() for on in sizes.values()]
    assert losses[0] > 6 and losses[1] > 5 and max(losses[2:4]) < 1.2 and abs(losses[4]) < 0.5


def test_shuffled_labels_end_sooner_and_patience_with_them():
    clean, noisy = (by_seed(study(problem=name)) for name in ("clothes", "clothes_noisy"))
    last = race.on_the_last()
    settings = {name: next(rule for rule in FAMILIES[name] if repr(rule) == price.name)
                for name, (*_, price) in last.items()}
    five = [prices([settings["Patience"]], on)[0] for on in (clean, noisy)]
    assert np.median(noisy.best) < np.median(clean.best) and five[1].cost.mean() < 0.75 * five[0].cost.mean()
    assert five[1].regret.mean() < 0.5
    times = {name: ratio(prices([rule], noisy)[0], patience_line(noisy)) for name, rule in settings.items()}
    assert 0.9 < min(times.values()) < 0.95 and len(noisy.problems) == 10


@pytest.mark.parametrize(("way", "phase", "epochs"), [("scratch", 0, 40), ("features", 0, 60),
                                                      ("fine-tuned", 1, 10)])
def test_the_rule_of_thumb_loses_next_to_nothing_on_photos(way, phase, epochs):
    on = phase_of_transfer(way, phase)
    assert len(on.problems) == 5 and set(on.lengths) == {epochs}
    price = prices([Patience("val_loss", patience_for(epochs))], on)[0]
    assert price.never == 0 and price.regret.mean() < 0.5 and price.cost.max() < 0.7
    assert prices([Patience("val_loss", 10)], on)[0].never == (way == "fine-tuned")


SMALLER = """
import sys
from pathlib import Path
import numpy as np
import study_validation as make

make.study.BUILD = Path(sys.argv[1])
make.tables()
labels, columns = make.record("digits", "16", seeds=[0, 3], epochs=20)
np.savez(make.study.BUILD / "anew.npz", seed=labels["seed"], **columns)
"""


@pytest.mark.rare
def test_a_slice_of_the_smaller_sets_recorded_anew_is_the_one_in_the_file(tmp_path):
    record_anew(SMALLER, tmp_path)
    curves = load_curves("study_validation")
    runs = np.flatnonzero((curves.labels["problem"] == "digits") & (curves.labels["network"] == "16"))[[0, 3]]
    assert curves.labels["seed"][runs].tolist() == [0, 3]
    with np.load(tmp_path / "anew.npz") as anew:
        assert anew["seed"].tolist() == [0, 3]
        for name in ("val_loss", "val_25_loss", "val_200_loss", "test_loss"):
            np.testing.assert_allclose(anew[name], curves.columns[name][runs, :20], rtol=1e-2, err_msg=name)


# ---- what the figures say ----


@pytest.fixture(scope="module")
def twenty():
    return study("first", "second")


@pytest.fixture(scope="module")
def raced():
    return race.race(), race.on_the_last()


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def readable(drawn):
    """The description of a figure that can be read."""
    figure, said = drawn
    assert plots.unreadable(figure.get_figure(root=True) or figure) == []
    return said


def regrets(line):
    return {int(price.name.split()[1]): price.regret.mean() for price in line}


def test_patience_falls_steeply_and_is_flat_from_8_on(twenty):
    line = patience_line(twenty)
    lost = regrets(line)
    assert f"{lost[1]:.1f}" == "6.8" and (min(lost), max(lost)) == (1, 100)
    assert abs(lost[8]) < 0.05 < 0.2 < lost[5] and max(abs(r) for n, r in lost.items() if n >= 8) < 0.25


def test_a_rule_is_scored_by_the_patience_that_loses_as_much(twenty):
    line = patience_line(twenty)
    rules = prices({"quick": GeneralizationLoss(1), "slow": SuccessiveIncreases(8)}, twenty)
    said = readable(figures.equal_regret(line, rules))
    assert "at 18 percent of the epochs, lies to its right; a slow one, at 47, lies on its flat end" in said
    assert [f"{ratio(rule, line):.1f}" for rule in rules] == ["1.4", "2.5"]


def test_the_race_is_told_as_it_was(raced):
    entries = [entry for entry in raced[0] if entry.name != "Patience"]
    said = readable(figures.the_race(raced[0]))
    below, above = ([e for e in entries if e.high < 1], [e for e in entries if e.low > 1])
    assert [entry.name for entry in below] == ["Patience by the gap"] and len(entries) == 13
    assert said.startswith("13 rules")
    assert f"{len(below)} lies wholly below 1, at {below[0].ratio:.2f}; " in said
    assert f"{13 - len(below) - len(above)} lie around 1; {len(above)} lie above" in said
    assert said.endswith(f"up to {max(entry.ratio for entry in entries):.1f}.")
    assert (f"{below[0].ratio:.2f}", len(above), f"{entries[-1].ratio:.1f}") == ("0.95", 8, "4.7")


def test_on_new_problems_no_rival_is_surely_better(raced):
    entries, last = raced
    names = [entry.name for entry in entries if entry.name != "Patience"]
    assert len(names) == 13 and all(last[name][2] >= 1 for name in names)
    ours = next(entry for entry in entries if entry.name == "Patience by the gap")
    assert names[0] == ours.name and ours.high < 1 and last[ours.name][1] < 1 < last[ours.name][2]


def test_only_who_sees_the_test_is_far_below_patience(twenty):
    worths, line = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8), patience_line(twenty)
    oracles = {"validation": [clairvoyant(twenty, "val_loss", worth) for worth in worths],
               "own": [own_patience(twenty, worth) for worth in worths],
               "test": [clairvoyant(twenty, "test_loss", worth) for worth in worths]}
    said = readable(figures.left_to_win(line, oracles, oracles["validation"][2]))
    assert "Only one who sees the test lies far below, at regrets under zero" in said
    times = {name: [ratio(price, line) for price in found] for name, found in oracles.items()}
    assert min(times["validation"]) > 0.85 and min(times["own"]) > 0.7 > max(times["test"])
    assert all(price.regret.mean() < 0 for price in oracles["test"])


def test_a_tenth_of_the_rate_asks_for_more_patience():
    lines = {f"learning rate {rate}": patience_line(study("first", "second", optimizer="adam", rate=rate))
             for rate in (0.01, 0.001)}
    said = readable(figures.by_rate(lines))
    fast, slow = map(regrets, lines.values())
    assert "At 0.01 it reaches zero at length 5" in said and fast[4] > 0.2 > 0 > fast[5] > -0.1
    assert "nears zero only at about 17" in said and slow[10] > 0.3 and slow[14] > 0.1 > abs(slow[17])
    assert slow[1] > fast[1]

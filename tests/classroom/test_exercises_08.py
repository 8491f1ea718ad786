"""The exercises of chapter 08: right answers, wrong answers with their messages, and the score of 8.5."""

import itertools
import statistics

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom.chapter_08 import exercises as ex
from course_utils.classroom.chapter_08 import figures, race
from course_utils.classroom.chapter_08.study import SEEN, patience_line, prices, study
from course_utils.stopping import (
    Below,
    Epochs,
    GeneralizationLoss,
    Patience,
    SuccessiveIncreases,
    compare,
    patience_for,
    plots,
)
from exercise_rules import ExerciseRules

# ---- 8.2 ----


def of_each(regrets, problems):
    """Problem -> its runs' regrets."""
    return {name: [r for r, p in zip(regrets, problems) if p == name] for name in dict.fromkeys(problems)}


def votes(of_problem=statistics.fmean, of_all=statistics.fmean):
    """A function of the regrets and problems, from a number of each problem's runs and one of these."""
    return lambda *given: of_all([of_problem(runs) for runs in of_each(*given).values()])


def with_bincount(regrets, problems):
    _, of = np.unique(problems, return_inverse=True)
    return np.mean(np.bincount(of, regrets) / np.bincount(of))


def with_weights(regrets, problems):
    weights = [1 / problems.count(problem) for problem in problems]
    return sum(w * r for w, r in zip(weights, regrets)) / sum(weights)


def side_by_side(regrets, problems):
    pairs = itertools.groupby(zip(problems, regrets), key=lambda pair: pair[0])
    return statistics.fmean(statistics.fmean(regret for _, regret in runs) for _, runs in pairs)


def the_last_of_each(regrets, problems):
    return statistics.fmean(dict(zip(problems, regrets)).values())


def sorting(regrets, problems):
    problems.sort()
    return votes()(regrets, problems)


def by_problem(regrets, problems):
    return {name: statistics.fmean(runs) for name, runs in of_each(regrets, problems).items()}


def each_regret_once(regrets, problems):
    return statistics.fmean(statistics.fmean(set(runs)) for runs in of_each(regrets, problems).values())


def by_place(regrets, problems):
    means = [[r for r in regrets if problems[regrets.index(r)] == name] for name in dict.fromkeys(problems)]
    return np.mean([np.mean(of) if of else 0 for of in means])


def without_zeros(regrets, problems):
    means = list(by_problem(regrets, problems).values())
    return sum(means) / len([mean for mean in means if mean])


def by_letter(regrets, problems):
    return votes()(regrets, [name[0] for name in problems])


LISTS = {}


def kept_lists(regrets, problems):
    for regret, problem in zip(regrets, problems):
        LISTS.setdefault(problem, []).append(regret)
    return statistics.fmean(statistics.fmean(of) for of in LISTS.values())


MEANS = {}


def known_by_problems(regrets, problems):
    return MEANS.setdefault(tuple(problems), votes()(regrets, problems))


def yielding(regrets, problems):
    yield votes()(regrets, problems)


# ---- 8.3 ----


def chosen(good=lambda regret, goal: regret <= goal, by=lambda cost, regret: cost, pick=min, none=None):
    """Right; each argument breaks one thing."""
    def choose(settings, goal):
        left = {name: by(*of) for name, of in settings.items() if good(of[1], goal)}
        return pick(left, key=left.get) if left else none

    return choose


def in_a_loop(settings, goal):
    best = None
    for name, (cost, regret) in settings.items():
        if regret <= goal and (best is None or cost < settings[best][0]):
            best = name
    return best


def sorted_by_cost(settings, goal):
    for name in sorted(settings, key=lambda name: settings[name][0]):
        if settings[name][1] <= goal:
            return name


def with_arrays(settings, goal):
    names, costs, regrets = list(settings), *np.array([*settings.values(), (np.inf, np.inf)], float).T
    costs = np.where(regrets <= goal, costs, np.inf)
    return np.array(names)[costs.argmin()] if costs.min() < np.inf else None


def without_none(settings, goal):
    return min((cost, name) for name, (cost, regret) in settings.items() if regret <= goal)[1]


def the_first(settings, goal):
    return next((name for name, (_, regret) in settings.items() if regret <= goal), None)


def popping(settings, goal):
    for name in [name for name, (_, regret) in settings.items() if regret > goal]:
        settings.pop(name)
    return min(settings, key=settings.get, default=None)


def least_of_all_if_none(settings, goal):
    return chosen()(settings, goal) or min(settings, key=lambda name: settings[name][1], default=None)


def by_its_cost(settings, goal):
    least = min((cost for cost, regret in settings.values() if regret <= goal), default=None)
    return next((name for name, (cost, _) in settings.items() if cost == least), None)


def below(start):
    def choose(settings, goal):
        least, best = start, None
        for name, (cost, regret) in settings.items():
            if regret <= goal and cost < least:
                least, best = cost, name
        return best

    return choose


def whole_entry(settings, goal):
    name = chosen()(settings, goal)
    return name if name is None else (name, *settings[name])


# ---- 8.4 ----


def paying(so_far=min, offset=1, pick=lambda paid: paid.index(min(paid))):
    """Right; each argument breaks one thing."""
    def stop(val_loss, worth):
        lowest = [so_far(val_loss[:end]) for end in range(1, len(val_loss) + 1)]
        return pick([worth * (epoch + offset) + loss for epoch, loss in enumerate(lowest)])

    return stop


def with_numpy(val_loss, worth):
    return np.argmin(worth * np.arange(len(val_loss)) + np.minimum.accumulate(val_loss))


def backwards(val_loss, worth):
    best = None
    for epoch in reversed(range(len(val_loss))):
        paid = worth * epoch + val_loss[epoch]  # the optimum is always a new lowest
        if best is None or paid <= best[0]:
            best = paid, epoch
    return best[1]


def greedy(val_loss, worth):
    """Goes on for as long as the next epoch pays."""
    epoch = 0
    while epoch + 1 < len(val_loss) and val_loss[epoch] - val_loss[epoch + 1] > worth:
        epoch += 1
    return epoch


def first_rise(val_loss, worth):
    return next((t for t in range(1, len(val_loss)) if val_loss[t] >= val_loss[t - 1]), len(val_loss) - 1)


def one_ahead(val_loss, worth):
    paid = [worth * epoch + min(val_loss[: epoch + 2]) for epoch in range(len(val_loss))]
    return paid.index(min(paid))


def waiting(epochs, start=float("inf")):
    """She waits so many epochs at most."""
    def stop(val_loss, worth):
        best, at = start, 0
        for epoch, loss in enumerate(val_loss):
            if loss + worth * epoch < best:
                best, at = loss + worth * epoch, epoch
            if epoch - at >= epochs:
                break
        return at

    return stop


def zero_for_nothing(val_loss, worth):
    best, at = None, 0
    for epoch, loss in enumerate(val_loss):
        if not best or loss + worth * (epoch + 1) < best:
            best, at = loss + worth * (epoch + 1), epoch
    return at


def rounding(digits):
    return paying(pick=lambda paid: min(range(len(paid)), key=lambda epoch: round(paid[epoch], digits)))


def emptying(val_loss, worth):
    found = paying()(val_loss, worth)
    val_loss.clear()
    return found


# ---- 8.5 ----

end = Epochs(500)
eighteen = Patience("val_loss", 18) | end


def by_hand(history):
    losses = history["val_loss"]
    return len(losses) - 1 - losses.index(min(losses)) >= 18 or len(losses) >= 500


def of_the_length(history):
    return len(history["val_loss"]) >= 90


def of_the_test(history):
    return history["test_loss"][-1] > min(history["test_loss"])


class Counter:
    """It remembers the run before: who keeps a count has to begin anew."""

    def __init__(self):
        self.lowest, self.wait = float("inf"), 0

    def __call__(self, history):
        loss = history["val_loss"][-1]
        self.wait = 0 if loss < self.lowest else self.wait + 1
        self.lowest = min(self.lowest, loss)
        return self.wait >= 18 or history.rows >= 500


class CounterAnew(Counter):
    def __call__(self, history):
        if history.rows == 1:
            self.__init__()
        return super().__call__(history)


class TestChapter08(ExerciseRules):
    chapters = [ex]
    names = dict(np=np, Epochs=Epochs, Patience=Patience, patience_for=patience_for)
    answers = {
        ex.at_equal_regret: (
            [18 / 15.6, 1.15, np.float32(1.154), np.array(1.1538), 1.158],
            {"the other way round": (15.6 / 18, "the other way round"),
             "beside Patience 5": (18 / 16, "with Patience 5"),
             "beside Patience 3": (18 / 14, "with Patience 3"),
             "rounded": (1.13, "with Patience 5"),
             "halfway": (1.2, "nearer to 0.3"),
             "the wrong way": (1.25, "wrong way"),
             "the cost of patience": (15.6, "what patience would cost"),
             "the difference": (2.4, "in points"),
             "dearer by": (0.154, "how much dearer"),
             "percent dearer": (15.4, "how many percent"),
             "percent": (115.4, "in percent of"),
             "the cost of the rule": (18, "18 times"),
             "nothing": (1, "Find that cost first"),
             "a text": ("1.15", "leave out the quotes"),
             "a list": ([1.15], "take it out"),
             "None": (None, "one number")},
            ...),
        ex.one_vote_each: (
            [votes(), with_bincount, with_weights, lambda r, p: np.array(votes()(r, p)),
             lambda r, p: np.float32(votes()(r, p))],
            {"over the runs": (lambda r, p: np.mean(r), "more votes"),
             "the sum": (votes(of_all=sum), "sum of the problems"),
             "the worst": (votes(of_all=max), "the worst problem"),
             "the median": (votes(of_all=statistics.median), "the median of the problems"),
             "over the count of runs": (lambda r, p: votes(of_all=sum)(r, p) / len(r), "not by that of"),
             "side by side": (side_by_side, "need not stand beside"),
             "the last run": (the_last_of_each, "with one vote each"),
             "the worst run": (votes(of_problem=max), "with one vote each"),
             "the best run": (votes(of_problem=min), "with one vote each"),
             "the median run": (votes(of_problem=statistics.median_low), "you return 5, "),
             "absolute": (lambda r, p: votes()([abs(x) for x in r], p), "m 0.5 on average"),
             "never below 0": (lambda r, p: max(0.0, votes()(r, p)), "may be negative"),
             "by the count": (lambda r, p: np.mean(r) * len(set(p)), "with one vote each"),
             "rounded": (lambda r, p: round(votes()(r, p)), "you return 6"),
             "to two decimals": (lambda r, p: round(votes()(r, p), 2), "Do not round"),
             "each regret once": (each_regret_once, "Equal regrets count each"),
             "by place": (by_place, "Means of the problems"),
             "without means of 0": (without_zeros, "and so does a mean of 0"),
             "three runs": (votes(lambda runs: statistics.fmean(runs[:3])), "gene lost 2 on average"),
             "by the first letter": (by_letter, "glass 1.25 and thyroid 0"),
             "by the first letters": (lambda r, p: votes()(r, [name[:5] for name in p]),
                                      "Means of the problems"),
             "known by the problems": (known_by_problems, "a lost 0 in its one run"),
             "lists that are kept": (kept_lists, "keeps something from one call to the next"),
             "a generator": (yielding, "a generator (is there a yield"),
             "sorted": (sorting, "changes the lists"),
             "each": (by_problem, "one number"),
             "a text": (lambda r, p: str(votes()(r, p)), "leave out the quotes"),
             "nothing": (lambda r, p: None, "return missing"),
             "no function": (5.5, "function")},
            lambda regrets, problems: ...),
        ex.choose_a_setting: (
            [chosen(), in_a_loop, sorted_by_cost, with_arrays],
            {"less than": (chosen(good=lambda regret, goal: regret < goal), '"At most" the goal'),
             "at least": (chosen(good=lambda regret, goal: regret >= goal), "b is cheaper"),
             "all": (chosen(good=lambda *_: True), "b is cheaper"),
             "the dearest": (chosen(pick=max), "b is cheaper"),
             "least regret": (chosen(by=lambda cost, regret: regret), "b is cheaper"),
             "least regret of all": (lambda s, goal: min(s, key=lambda name: s[name][1]), "b is cheaper"),
             "cost times regret": (chosen(by=lambda cost, regret: cost * abs(regret)), "b is cheaper"),
             "the first": (the_first, "b is cheaper"),
             "the last": (chosen(pick=lambda left, key: [*left][-1]), "it is 'z', and you return 'y'"),
             "absolute": (chosen(good=lambda regret, goal: abs(regret) <= goal), "may be negative"),
             "raises": (without_none, "ValueError"),
             "a word for none": (chosen(none="none"), "return None. You return 'none'"),
             "the best where none is": (least_of_all_if_none, "there is none: return None"),
             "the whole": (whole_entry, "The name alone"),
             "the cost": (lambda s, goal: s[chosen()(s, goal)][0], "should return a name"),
             "cost and regret": (chosen(by=lambda cost, regret: cost + regret), "you return"),
             "cost and half the regret": (chosen(by=lambda cost, regret: cost + regret / 2), "you return"),
             "whole costs": (chosen(by=lambda cost, regret: int(cost)), "a costs more, if by little"),
             "costs as texts": (chosen(by=lambda cost, regret: str(cost)), "the cost alone counts"),
             "a margin": (chosen(good=lambda regret, goal: regret <= goal + 0.05), "loses too much"),
             "by its cost": (by_its_cost, "b costs as much and loses too much"),
             "100 at most": (below(100), "No cost is too high"),
             "10,000 at most": (below(10_000), "No cost is too high"),
             "a goal of 0 or more": (chosen(good=lambda regret, goal: regret <= max(goal, 0)),
                                     "A goal may be below 0"),
             "the size of the goal": (chosen(good=lambda regret, goal: regret <= abs(goal)),
                                      "A goal may be below 0"),
             "rounded regrets": (chosen(good=lambda regret, goal: round(regret, 2) <= goal),
                                 "h loses too much"),
             "a hundredth more": (chosen(good=lambda regret, goal: regret <= goal + 0.01),
                                  "h loses too much"),
             "rounded costs": (chosen(by=lambda cost, regret: round(cost, 1)), "costs less than i"),
             "swapped": (lambda s, goal: chosen()({n: of[::-1] for n, of in s.items()}, goal),
                         "a goal of 3 it is 'b', and you return None"),
             "pops": (popping, "changes the dict"),
             "nothing": (lambda s, goal: None, "it is 'b', and you return None"),
             "no function": ("b", "function")},
            lambda settings, goal: ...),
        ex.the_clairvoyant: (
            [paying(), with_numpy, backwards, paying(so_far=lambda losses: losses[-1], offset=0)],
            {"the lowest": (lambda v, worth: v.index(min(v)), "costs 0.75"),
             "of equals the last": (lambda v, worth: paying(pick=lambda paid: len(paid) - 1
                                                            - paid[::-1].index(min(paid)))(v, worth),
                                    "of equals, the first"),
             "from 1": (lambda v, worth: paying()(v, worth) + 1, "Epochs count from 0"),
             "greedy": (greedy, "Three epochs of waiting cost"),
             "the first rise": (first_rise, "no reason to stop for one who sees"),
             "before the rise": (lambda v, worth: first_rise(v, worth) - 1, "no reason to stop"),
             "the highest": (paying(so_far=max), "She sees the last"),
             "the last": (lambda v, worth: len(v) - 1, "costs 0.75"),
             "the first": (lambda v, worth: 0, "She sees the last"),
             "without worth": (lambda v, worth: paying()(v, 0), "costs 0.75"),
             "half": (lambda v, worth: paying()(v, worth / 2), "costs 0.75"),
             "double": (lambda v, worth: paying()(v, 2 * worth), "She sees the last"),
             "one ahead": (one_ahead, "you at 3"),
             "waits three": (waiting(3), "Nine epochs of waiting"),
             "waits six": (waiting(6), "Nine epochs of waiting"),
             "below 10": (waiting(99, 10), "Nine epochs of waiting"),
             "waits ten": (waiting(10), "There the sum is"),
             "waits twenty": (waiting(20), "There the sum is"),
             "the first twenty": (lambda v, worth: paying()(v[:20], worth), "There the sum is"),
             "below 1000": (waiting(99, 1000), "set no limit"),
             "sizes": (lambda v, worth: paying()([abs(loss) for loss in v], worth), "may be negative"),
             "0 is nothing": (zero_for_nothing, "a sum may be 0"),
             "a toll of 1 at most": (lambda v, worth: paying()(v, min(worth, 1)), "set no limit"),
             "to three decimals": (rounding(3), "do not round"),
             "to five decimals": (rounding(5), "do not round"),
             "the first five": (lambda v, worth: paying()(v[:5], worth), "Nine epochs of waiting"),
             "rounded": (rounding(2), "Do not round"),
             "what is paid": (paying(pick=min), "one epoch"),
             "a list": (paying(pick=lambda paid: paid), "one epoch"),
             "a text": (lambda v, worth: str(paying()(v, worth)), "leave out the quotes"),
             "emptied": (emptying, "Change a copy"),
             "nothing": (lambda v, worth: None, "return missing"),
             "no function": (4, "function")},
            lambda val_loss, worth: ...),
        ex.your_rule: (
            [eighteen, by_hand, Patience("val_loss", 15) | end, CounterAnew(),
             Patience("val_loss", 20, min_delta=0.002, relative=True) | Epochs(450)],
            {"too soon": (Patience("val_loss", 8), "leaves slow runs too soon"),
             "sooner": (Patience("val_loss", 12) | end, "1 % of regret"),
             "too late": (Patience("val_loss", 40) | end, "waits longer than it has to"),
             "both": (GeneralizationLoss(5) | end, "1 % of regret and 20 % of the epochs"),
             "never": (Patience("val_loss", 18), "2 of 510 runs it never ends"),
             "never, half of them": (SuccessiveIncreases(8), "247 of 510 runs it never ends"),
             "and": (Patience("val_loss", 18) & end, "it never ends"),
             "one epoch": (Epochs(120), "one epoch: that is a number"),
             "early, one epoch": (Epochs(60), "one epoch: that is a number"),
             "of the length": (of_the_length, "one epoch: that is a number"),
             "the test": (Patience("test_loss", 18) | end, "a rule must not see it"),
             "the test, a function": (of_the_test, "a rule must not see it"),
             "no such column": (Patience("val_accuracy", 18, mode="max"), 'no column "val_accuracy"'),
             "a threshold": (Below("val_loss", 0.1) | end, "1 % of regret and"),
             "the other direction": (Patience("val_loss", 18, mode="max") | end, "too soon"),
             "a count that goes on": (Counter(), "it remembers the runs before"),
             "a text": (lambda history: "no", "returned 'no', which counts as true"),
             "a callback": (keras.callbacks.EarlyStopping(patience=18), "A criterion is such as"),
             "a class": (Patience, "A criterion is such as"),
             "a list": ([Patience("val_loss", 18), end], "A criterion is such as"),
             "a typed text": ("Patience 18", "should be a criterion"),
             "a number": (18, "should be a criterion"),
             "nothing": (lambda history: None, "Is a return missing"),
             "too far back": (lambda history: history["val_loss"][-18] > 0, "IndexError")},
            ...)}

    @pytest.fixture(autouse=True)
    def close_figures(self):
        yield
        plt.close("all")


def test_what_8_5_tells_is_what_compare_says_of_the_same_runs():
    last = study("last")
    columns = {name: last.columns[name] for name in (*SEEN, "test_loss")}
    runs = [{name: values[i, :end].tolist() for name, values in columns.items()}
            for i, end in enumerate(last.lengths)]
    for rule in (Patience("val_loss", 15) | end, Patience("val_loss", 8), GeneralizationLoss(5) | end):
        row = compare([rule], runs, measured="test_loss")[0]
        problems = last.labels["problem"].tolist()
        cost, regret = (statistics.fmean(votes_of.values()) for votes_of in
                        (by_problem(row.share, problems), by_problem(row.regret, problems)))
        worst = max(by_problem(row.regret, problems).items(), key=lambda pair: pair[1])
        said = ex.your_rule.grade(rule).text
        assert (f"trains {100 * cost:.1f} % of the epochs and loses {regret:.2f} %, most on {worst[0]}, "
                f"{worst[1]:.1f} %") in said


def test_8_5_can_be_missed_by_a_number_and_only_a_budget_ends_every_run():
    # what the hints say, and that no single epoch would do
    last = study("last")
    found = prices([Epochs(n) for n in range(10, 601, 10)], last)
    assert not [p.name for p in found if p.cost.mean() <= ex.MOST_COST and p.regret.mean() <= ex.MOST_LOST]
    alone, short = prices([Patience("val_loss", patience_for(epochs)) for epochs in (600, 300)], last)
    assert alone.cost.mean() <= ex.MOST_COST and alone.regret.mean() <= ex.MOST_LOST and alone.never > 0
    assert short.regret.mean() > ex.MOST_LOST


def test_the_numbers_of_8_1_are_those_of_the_study():
    line = {price.name: price for price in patience_line(study("first", "second"))}
    for name, cost, regret in (("Patience 3", 14, 1.3), ("Patience 5", 16, 0.3)):
        assert round(100 * line[name].cost.mean()) == cost and round(line[name].regret.mean(), 1) == regret
        for digits in (str(cost), str(regret)):
            assert digits in " ".join([*ex.at_equal_regret.hints, ex.at_equal_regret.code])


@pytest.mark.parametrize("rule", [eighteen, Patience("val_loss", 3), Patience("val_loss", 100)])
def test_the_figure_of_8_5_can_be_read(rule):
    last = study("last")
    rivals = [price for name, (*_, price) in race.on_the_last().items() if name != "Patience"]
    own = prices([rule], last)[0]
    drawn = figures.your_rule(patience_line(last), own, rivals, ex.MOST_COST, ex.MOST_LOST)
    assert plots.unreadable(drawn.figure) == [] and len(rivals) == 13
    diamonds = next(line for line in drawn.lines if "rivals" in line.get_label())
    places = [[100 * rival.cost.mean(), rival.regret.mean()] for rival in rivals]
    np.testing.assert_allclose(diamonds.get_xydata(), places)
    cross = next(line for line in drawn.lines if line.get_label() == "your rule")
    np.testing.assert_allclose(cross.get_xydata(), [[100 * own.cost.mean(), own.regret.mean()]])
    plt.close("all")

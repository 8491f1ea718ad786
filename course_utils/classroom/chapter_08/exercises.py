"""The five exercises of chapter 08, the study."""

import functools

import numpy as np

from ...stopping import MissingColumn, as_criterion, first_rows
from ..exercises import Chapter
from ..stage import Right, Wrong, one, shown, whole
from ..untouched import DICT, LISTS, call_untouched, first_fault
from .race import on_the_last
from .study import SEEN, patience_line, ratio, study

chapter = Chapter()
summary = chapter.summary


@chapter.exercise(
    "8.1", "At equal regret",
    hints=["How much of the way from 1.3 down to 0.3 is 0.5? Go as much of the way from 14 to 16.",
           "Patience of that regret would cost 15.6 %. How many times that is 18 %?"],
    solution="answer = 18 / 15.6  # 0.5 is 0.8 of the way from 1.3 to 0.3, and 15.6 is 0.8 of the way from "
             "14 to 16",
    fact="At equal regret it is 15 % dearer. Beside Patience 5, which loses less, it would be 1.13, beside "
         "Patience 3, which loses more, 1.29.")
def at_equal_regret(answer):
    value = one(answer, "The answer is one number, such as 0.9")
    if np.isclose(value, 18 / 15.6, atol=0.005):
        return None
    mistakes = {
        15.6 / 18: "That is patience's cost as a multiple of the rule's. It is the other way round.",
        18 / 16: "That compares with Patience 5, which loses less than the rule does.",
        18 / 14: "That compares with Patience 3, which loses more than the rule does.",
        18 / 15: "That is halfway from 14 to 16. 0.5 is nearer to 0.3 than to 1.3.",
        18 / 14.4: "That goes the wrong way: 0.5 is near 0.3, so the cost is near 16.",
        15.6: "15.6 % is what patience would cost at this regret. How many times that does the rule cost?",
        2.4: "That is the difference in points. A multiple is asked for.",
        18 / 15.6 - 1: "That is how much dearer it is. As a multiple it is 1 more.",
        100 * (18 / 15.6 - 1): "That is how many percent dearer it is. As a multiple, no dearer is 1.",
        1800 / 15.6: "That is in percent of patience's cost. As a multiple it is a hundredth of that."}
    for wrong, reason in mistakes.items():
        if np.isclose(value, wrong, rtol=0.005):
            return reason
    return (f"18 % is not {value:g} times what patience costs at a regret of 0.5 %. Find that cost first: it "
            "lies between 14 and 16.")


VOTES = (  # regrets, problems, the mean, what to say
    ([10.0, 0.0, 2.0], ["a", "b", "b"], 5.5,
     "Problem a lost 10 in its one run, b lost 1 on average: with one vote each that makes 5.5."),
    ([4.0, 1.0, 8.0, 3.0, 2.0], ["a", "b", "a", "a", "b"], 3.25,
     "a lost 5 on average, b 1.5. Runs of one problem need not stand beside each other."),
    ([7.0, 3.0, 0.0, 2.0, -1.0, 0.5], ["z", "a", "a", "m", "m", "m"], 3.0,
     "z lost 7, a 1.5 and m 0.5 on average, whatever the order of their names."),
    ([-2.0, 0.5], ["b", "b"], -0.75,
     "With one problem it is the mean of its runs. A regret may be negative."),
    ([0.5, 0.25, 0.125], ["b", "c", "a"], 0.875 / 3,
     "With one run each it is the mean of these. Do not round."),
    ([1.0, 1.0, 1.25, 5.0, 1.0, 0.0], ["gene", "gene", "glass", "gene", "gene", "thyroid"], 3.25 / 3,
     "gene lost 2 on average, glass 1.25 and thyroid 0. Equal regrets count each, and so does a mean of 0."),
    ([0.0, 10.0, 4.0], ["a", "b", "b"], 3.5, "a lost 0 in its one run, b lost 7 on average."))


def _some_runs(seed):
    """A case of 17 runs of six problems; in quarters, so that equal regrets are frequent."""
    numbers = np.random.default_rng(seed)
    counts = {"glass": 4, "gene": 5, "heart": 2, "horse": 1, "heartc": 3, "card": 2}
    problems = numbers.permutation([name for name, count in counts.items() for _ in range(count)]).tolist()
    regrets = (numbers.integers(-2, 9, len(problems)) / 4).tolist()
    means = {name: float(np.mean([r for r, p in zip(regrets, problems) if p == name]))
             for name in dict.fromkeys(problems)}
    told = ", ".join(f"{name} {mean:.4g}" for name, mean in means.items())
    return regrets, problems, float(np.mean(list(means.values()))), f"Means of the problems: {told}."


@chapter.exercise(
    "8.2", "One problem, one vote",
    hints=["First the mean of each problem's runs, then the mean of these means.",
           "A dict helps: `by_problem.setdefault(problem, []).append(regret)`."],
    solution='''
def mean_regret(regrets, problems):
    by_problem = {}
    for regret, problem in zip(regrets, problems):
        by_problem.setdefault(problem, []).append(regret)
    means = [sum(of) / len(of) for of in by_problem.values()]
    return sum(means) / len(means)
''',
    fact="Else a problem that is cheap to record, and so has many runs, decides the race.")
def one_vote_each(answer):
    def fault(regrets, problems, right, reason):
        got = call_untouched(answer, list(regrets), list(problems), said=LISTS)
        value = one(got, "The function should return one number", typed=False)
        if np.isclose(value, right, rtol=1e-6, atol=1e-9):  # float32 will do
            return None
        each = [np.mean([r for r, p in zip(regrets, problems) if p == name])
                for name in dict.fromkeys(problems)]
        mistakes = [(np.mean(regrets),
                     "That is the mean over the runs: a problem with more runs has more votes."),
                    (np.sum(each), "That is the sum of the problems' means."),
                    (np.max(each), "That is the worst problem's mean."),
                    (np.median(each), "That is the median of the problems' means."),
                    (np.sum(each) / len(regrets),
                     "Divide by the number of problems, not by that of the runs.")]
        said = next((text for wrong, text in mistakes if np.isclose(value, wrong)), reason)
        return (f"For regrets {regrets} of problems {', '.join(problems)} you return {value:.6g}, and it is "
                f"{right:g}. {said}")

    return first_fault(fault, (*VOTES, *map(_some_runs, range(3))))


SETTINGS = (  # settings, goal, the name, what to say
    ({"a": (30, 1.0), "b": (20, 2.5), "c": (10, 5.0)}, 3.0, "b",
     "a and b lose little enough, and b is cheaper."),
    ({"a": (30, 1.0), "b": (20, 2.5), "c": (10, 5.0)}, 2.5, "b",
     "\"At most\" the goal: a setting that loses exactly that much is good enough."),
    ({"a": (30, 1.0), "b": (20, 2.5), "c": (10, 5.0)}, 9.0, "c",
     "All are good enough, and c is the cheapest."),
    ({"x": (15.0, 0.9), "z": (15.5, 0.2), "y": (50.0, 0.1)}, 0.5, "z",
     "The one that loses least is not the cheapest of those that lose little enough."),
    ({"early": (11, -0.5), "late": (12, 0.0), "first": (9, 0.1)}, 0.0, "early", "A regret may be negative."),
    ({"a": (15.75, 0.2), "b": (15.5, 1.0), "c": (15.5, 0.9)}, 0.95, "c",
     "b costs as much and loses too much; a costs more, if by little."),
    ({"d": (30_000, 0.0), "e": (40_000, -0.1)}, 0.0, "d", "No cost is too high to be the least."),
    ({"i": (15.63, 0.25), "h": (15.62, 0.504), "g": (15.625, 0.5)}, 0.503, "g",
     "h loses too much, if by little, and g costs less than i. Do not round."),
    ({"r": (32, -0.5), "s": (29, -0.25), "t": (27, 0.0)}, -0.25, "s",
     "A goal may be below 0, as a regret may: asked is a gain of at least 0.25."),
    ({"f": (9, 0.5), "g": (11, 0.4)}, 0.5, "f", "9 is less than 11, and the cost alone counts."),
    ({"a": (30, 1.0), "b": (20, 2.5)}, 0.5, None, "None is good enough."),
    ({}, 1.0, None, "Where there are no settings there is nothing to choose."))


def _some_settings(seed):
    """A case of six settings, no two of them at one cost."""
    numbers = np.random.default_rng(seed)
    costs, regrets = numbers.permutation(40)[:6] / 2 + 5, numbers.integers(-4, 12, 6) / 4
    settings = dict(zip(numbers.permutation([*"uvwxyz"]).tolist(), zip(costs.tolist(), regrets.tolist())))
    good = {name: cost for name, (cost, regret) in settings.items() if regret <= 1}
    return (settings, 1.0, min(good, key=good.get, default=None),
            "Of those that are good enough the cost alone counts.")


@chapter.exercise(
    "8.3", "Choose a setting",
    hints=["Which settings lose at most `goal`? Keep those, with their costs.",
           "`min(good, key=good.get, default=None)` is the key of the least value."],
    solution='''
def choose(settings, goal):
    good = {name: cost for name, (cost, regret) in settings.items() if regret <= goal}
    return min(good, key=good.get, default=None)
''',
    fact="This is the step that flatters: what was cheapest on these problems was probably also lucky on "
         "them.")
def choose_a_setting(answer):
    def fault(settings, goal, right, reason):
        got = call_untouched(answer, dict(settings), goal, said=DICT, none=True)
        name = got.item() if isinstance(got, np.ndarray) and got.shape == () else got
        if right is None and got is not None:
            return (f"With {settings} and a goal of {goal:g} there is none: return None. You return "
                    f"{shown(got)}. {reason}")
        if not isinstance(name, str) and name is not None:
            if isinstance(name, (tuple, list)) and right in [part for part in name if isinstance(part, str)]:
                return f"You return {shown(got)}. The name alone is asked for."
            return f"The function should return a name, such as {right!r}; you return {shown(got)}."
        if name != right:
            return (f"With {settings} and a goal of {goal:g} it is {right!r}, and you return {name!r}. "
                    f"{reason}")
        return None

    return first_fault(fault, (*SETTINGS, *map(_some_settings, range(4))))


RUNS = (  # losses, toll, the epoch, what to say. Binary fractions: sums are exact
    ([1.0, 0.5, 0.375, 0.375, 0.0], 0.125, 4,
     "She sees the last epoch's 0 beforehand. Three epochs of waiting cost 0.375, and the loss falls by "
     "more."),
    ([1.0, 0.5, 0.375, 0.375, 0.0], 0.25, 1, "Now waiting from epoch 1 to 4 costs 0.75, and gains only 0.5."),
    ([1.0, 0.875, 0.75, 0.625], 0.125, 0, "Each epoch gains exactly what it costs: of equals, the first."),
    ([0.5, 0.75, 1.0], 0.0, 0, "The lowest so far stays at 0.5: of equals, the first."),
    ([0.5, 0.75, 0.25, 0.25], 0.0, 2, "Where epochs cost nothing she goes on to the lowest, and not beyond."),
    ([4.0, 3.0, 2.0, 1.0, 3.0], 0.5, 3, "Each epoch to the lowest gains 1 and costs 0.5."),
    ([14.0, 14.25, 14.0, 14.5, 14.0, 14.25, 14.0, 14.125, 14.0, 13.0], 2**-7, 9,
     "Nine epochs of waiting cost 0.07, and gain 1."),
    ([1.0, 0.9921875, 0.99609375], 2**-8, 1, "A small gain is a gain. Do not round."),
    ([0.5, -0.5, 0.0], 0.25, 1, "A loss may be negative, and a sum may be 0: there it is the least."))


def _a_run(seed, epochs=16):
    """A case whose loss falls by fits and starts."""
    numbers = np.random.default_rng(seed)
    losses, toll = np.cumsum(numbers.integers(-6, 5, epochs)) / 16 + 9, float(2.0**-numbers.integers(2, 6))
    paid = np.minimum.accumulate(losses) + toll * np.arange(1, epochs + 1)
    return losses.tolist(), toll, int(paid.argmin()), f"There the sum is {paid.min():g}, the least."


def _in_another_unit(unit):
    """One of RUNS, its losses and its toll times a power of 2."""
    losses, toll, right, _ = RUNS[1]
    return ([unit * loss for loss in losses], unit * toll, right,
            "Losses may be large or small: do not round, and set no limit to a sum or a toll.")


@chapter.exercise(
    "8.4", "The clairvoyant",
    hints=["For every epoch: what has she paid if she stops after it? `toll * (epoch + 1) + min(...)`.",
           "The lowest loss so far at an epoch: `min(val_loss[: epoch + 1])`."],
    solution='''
def stop(val_loss, toll):
    paid = [toll * (epoch + 1) + min(val_loss[: epoch + 1]) for epoch in range(len(val_loss))]
    return paid.index(min(paid))
''',
    fact="On this validation curve no rule can do better at this toll. The test may think otherwise.")
def the_clairvoyant(answer):
    def fault(losses, toll, right, reason):
        got = call_untouched(answer, list(losses), toll)
        epoch = one(got, "The function should return one epoch", whole, typed=False)
        if epoch == right:
            return None
        if epoch == right + 1 and epoch >= len(losses):
            return (f"{losses}, a toll of {toll:g}: you return {epoch}. Epochs count from 0, so the last is "
                    f"{right}.")
        before = next((t for t in range(1, len(losses)) if losses[t] >= losses[t - 1]), None)
        if before is not None and epoch in (before, before - 1):
            reason += (" Do you stop at the first rise? That is no reason to stop for one who sees what "
                       "follows.")
        return (f"Losses {losses}, a toll of {toll:g}: she stops at epoch {right}, you at {epoch}. "
                f"{reason}")

    others = _in_another_unit(2.0**20), _in_another_unit(2.0**-20), _a_run(27, 40)  # the last: a long wait
    return first_fault(fault, (*RUNS, *map(_a_run, range(4)), *others))


MOST_COST, MOST_LOST = 0.20, 1.0


@functools.cache
def _last():
    on = study("last")
    rivals = [price for name, (*_, price) in on_the_last().items() if name != "Patience"]
    return on, patience_line(on), rivals


@chapter.exercise(
    "8.5", "Your rule in the race",
    hints=["600 epochs allow more patience than 300. What does `patience_for` say?",
           "A few runs may never run out of patience: join a budget with |.",
           "Thresholds in units of the loss do not travel. What counts epochs does."],
    solution='''
rule = Patience("val_loss", patience_for(600)) | Epochs(500)
''',
    fact="(A patience may score above 1, too, where a shorter one loses no more.) Compare your cross with "
         "the line of patience: if it lies below, it was cheaper on these eight. By luck? On others, too? "
         "That is the question this chapter is about.")
def your_rule(answer):
    if isinstance(answer, (int, float, str)):
        return f'The answer should be a criterion, such as Patience("val_loss", 5); this is {answer!r}.'
    rule = as_criterion(answer)
    on, line, rivals = _last()
    try:
        stops = first_rows(rule, on.runs)
    except MissingColumn as error:
        said = str(error).split(".")[0]
        why = " The test is for the score: a rule must not see it." if "test_" in said else ""
        return f"{said}. The columns are {', '.join(SEEN)}.{why}"
    price = on.price("your rule", stops)
    cost, lost, worst = price.cost.mean(), price.regret.mean(), on.problems[int(price.regret.argmax())]

    def draw():
        from ..notebook import show
        from .figures import your_rule as picture

        show(picture(line, price, rivals, MOST_COST, MOST_LOST),
             "Regret against cost in the drawer, the last eight: a line of patiences by their length, "
             f"thirteen rivals as diamonds, and your rule, a cross at {100 * cost:.0f} % of the epochs and "
             f"{lost:.1f} %.")

    said = (f"In the drawer, the last eight, your rule trains {100 * cost:.1f} % of the epochs and loses "
            f"{lost:z.2f} %, most on {worst}, {price.regret.max():z.1f} %.")
    if price.never:
        count = int((stops < 0).sum())
        raise Wrong(f"{said} But {count} of {len(stops)} runs it never ends. Join a budget with |, such as "
                    "Epochs(500).", draw)
    if len(set(stops.tolist())) == 1:
        raise Wrong(f"{said} It ends all runs at one epoch: that is a number, and no rule.", draw)
    if cost > MOST_COST or lost > MOST_LOST:
        limits = [f"{MOST_LOST:g} % of regret"] * bool(lost > MOST_LOST)
        limits += [f"{100 * MOST_COST:.0f} % of the epochs"] * bool(cost > MOST_COST)
        hint = " It leaves slow runs too soon." if lost > MOST_LOST else " It waits longer than it has to."
        if rule.first(on.runs[0]) != stops[0]:
            hint = (" Asked again, it ends the first run in another epoch: it remembers the runs before. "
                    "Begin anew where the history has one row.")
        raise Wrong(f"{said} The limit is {' and '.join(limits)}.{hint}", draw)
    return Right(f"{said} That is {ratio(price, line):.2f} times what patience costs at this regret.", draw)

"""The five exercises of chapter 02, budgets and events."""

import functools
import math
import random

import numpy as np

from ...stopping import ImprovementBelow, MissingColumn, as_criterion, compare
from ..data import load_curves
from ..exercises import Chapter
from ..stage import Clock, Right, Wrong, all_of, one, several, truth, whole
from ..untouched import LISTS, call_untouched
from .lifetimes import lifetime, other_budgets

chapter = Chapter()
summary = chapter.summary
_call = functools.partial(call_untouched, said=LISTS)


SECONDS, LOSSES, LIMIT, EPSILON = [3, 6, 9, 12, 15], [0.9, 0.6, 0.65, 0.5, 0.499], 12, 0.01


@chapter.exercise(
    "2.1", "Which clause",
    hints=["Write the improvement under each loss: the loss before, minus this one. It begins inf, 0.3.",
           "The first epoch in which one of the two holds ends training. An improvement can be negative."],
    solution='answer = (2, "improvement")  # from 0.6 to 0.65 is an improvement of -0.05: <= 0.01',
    fact="With window 1 a single bad epoch is enough. Epoch 3 would have been the best so far.")
def which_clause(answer):
    asked = 'The answer is an epoch from 0 to 4 and a clause, such as (4, "time")'
    parts = several(answer)
    if parts is None or len(parts) != 2:
        return f"{asked}; this is {answer!r}."
    epoch, clause = one(parts[0], asked, whole), parts[1]
    if epoch not in range(len(LOSSES)):
        return f"{asked}; there is no epoch {epoch}."
    clause = clause.strip().lower() if isinstance(clause, str) else clause
    if not isinstance(clause, str) or clause not in ("improvement", "time"):
        return f'The clause is "improvement" or "time"; this is {clause!r}.'
    if (epoch, clause) == (2, "improvement"):
        return None

    def draw():
        from ..notebook import show
        from .figures import listed_losses

        ax = listed_losses(SECONDS, LOSSES, LIMIT, epoch)
        show(ax, f"The five losses over time, the limit of {LIMIT} s, and your epoch.")

    reasons = {
        (0, "improvement"): "At epoch 0 there is nothing to compare with: its improvement is infinite.",
        (1, "improvement"): "From 0.9 to 0.6 is an improvement of 0.3, more than 0.01.",
        (2, "time"): "The epoch is right, the clause is not: 9 of 12 seconds have passed.",
        (3, "improvement"): "At epoch 3 the loss improves by 0.15. Or do you count from 1?",
        (3, "time"): "Time is up at epoch 3. But at epoch 2 the loss rose: its improvement is -0.05, and "
                     "that is less than 0.01.",
        (4, "improvement"): "0.001 is small enough, but epoch 2 came first. A rise is an improvement below "
                            "0.",
        (4, "time"): "At epoch 3, 12 seconds have passed, and 12 >= 12. And something came before that."}
    early = f"At epoch {epoch} only {SECONDS[epoch]} seconds have passed."
    raise Wrong(reasons.get((epoch, clause), early), draw)


@chapter.exercise(
    "2.2", "Improvement as a list",
    hints=["Each epoch is compared with the one before. What can you say of the first?",
           "`zip(losses, losses[1:])` gives the pairs (before, now). Put float(\"inf\") in front."],
    solution='''
def improvements(losses):
    return [float("inf")] + [before - now for before, now in zip(losses, losses[1:])]
''',
    fact="The infinity that kept the article's loop going is right in one place: before there is anything to "
         "compare with.")
def improvement_list(answer):
    losses, expected = [0.9, 0.6, 0.65, 0.5], [math.inf, 0.3, -0.05, 0.15]
    values = np.array(_numbers(answer, losses), dtype=float)
    if len(values) == len(losses) - 1 and values[0] == math.inf:
        return "Three numbers for four epochs. The first is there; is the last epoch left out?"
    if len(values) == len(losses) - 1:
        return ("Three numbers for four epochs. Epoch 0 needs one too: inf, for it has nothing to compare "
                "with.")
    if len(values) != len(losses):
        return f"There are 4 epochs, and you give {len(values)} numbers."
    if _near(values, expected).all():
        return _other_lists(answer)
    if np.isinf(values).all():
        return ("All infinite: inf minus anything is inf, as in the article's loop. Subtract from the last "
                "loss, not from the last improvement.")
    if np.allclose(values[1:], np.negative(expected[1:])):
        return "The sign: from 0.9 to 0.6 is an improvement of +0.3."
    if np.allclose(values[1:], np.abs(expected[1:])):
        return "At epoch 2 the loss rose by 0.05. Its improvement is -0.05; abs hides that."
    if np.allclose(values[1:], expected[1:]):
        return (f"Epoch 0 says {values[0]:g}. That could stop training before anything was compared: it is "
                "inf.")
    if np.allclose(values[1:], np.subtract(losses[0], losses[1:])):
        return "You compare every epoch with the first. Improvement is over the epoch just before."
    epoch = int(np.flatnonzero(~_near(values, expected))[0])
    return f"At epoch {epoch} you say {values[epoch]:.6g}; the improvement is {expected[epoch]:g}."


def _numbers(answer, losses):
    return all_of(_call(answer, list(losses)), "The answer should be a list, one number for each epoch",
                  typed=False)


def _near(values, due):
    """Where they agree. Where a loss is NaN anything will do that is not finite: the text leaves it open."""
    values, due = np.array(values, float), np.array(due, float)
    return np.where(np.isnan(due), ~np.isfinite(values), np.isclose(values, due, atol=1e-6))


def _other_lists(answer):
    """What is wrong with an answer that is right for the first four losses, or None."""
    cases = [([2.0, 1.5], "Is a number fixed, or does the list keep what it had before?"),
             ([0.7], "One loss has one improvement, and it is infinite."),
             ([0.5, 0.0, 0.0, 0.0, 0.5], "A loss may be 0, an improvement too, and each may come again."),
             ([0.5, 0.49994], "A small improvement is not rounded."),
             ([9.0, 2.0, 8.0], "A large improvement, and a large rise, count in full."),
             ([0.9, math.nan, 0.5, 0.3], "An epoch whose loss is NaN is an epoch, too, and no number says "
                                         "what it improved by: leave it NaN.")]
    draw = random.Random(0)
    for _ in range(10):
        drawn = [round(draw.uniform(-5, 20), 5) for _ in range(draw.randint(2, 12))]
        cases.append((drawn, "Each epoch is compared with the one before."))
    for losses, why in cases:
        got, due = _numbers(answer, losses), [math.inf, *np.subtract(losses[:-1], losses[1:]).tolist()]
        if len(got) != len(due):
            return (f"Right for the four losses. But for the losses {losses} your list has {len(got)} "
                    f"numbers, and {len(due)} are due, one an epoch. {why}")
        for epoch in np.flatnonzero(~_near(got, due)).tolist():
            return (f"Right for the four losses. But for the losses {losses} you say {got[epoch]:.6g} at "
                    f"epoch {epoch}; {due[epoch]:.6g} is due. {why}")
    return None


@chapter.exercise(
    "2.3", "The condition, mended",
    hints=["Which value says how much time has passed? `seconds[-1]` is the last one of the list.",
           "The improvement needs two losses: `losses[-2] - losses[-1]`. With one loss there is none yet.",
           "Either clause is enough: `or`. The formula has >= for the time and <= for the improvement."],
    solution='''
def should_stop(seconds, losses, limit, epsilon):
    small = len(losses) > 1 and losses[-2] - losses[-1] <= epsilon
    return seconds[-1] >= limit or small
''',
    fact='In the course\'s words: TimeBudget(seconds=limit) | ImprovementBelow("loss", epsilon). '
         "But TimeBudget also looks after each batch, and leaves room for the validation: "
         "you write that next.")
def mended_condition(answer):
    cases = [  # seconds, losses, limit, epsilon, stop?, what to say if not
        ([1.0], [0.9], 10.0, 0.01, False,
         "You stop at epoch 0. 1 of 10 seconds has passed, and there is nothing to compare with yet: its "
         "improvement is infinite, and the formula asks for <= epsilon."),
        ([1.0], [0.9], 10.0, 1000.0, False,
         "At epoch 0, with an epsilon of 1000, you stop. Nothing has been compared yet: the first "
         "improvement is infinite, and neither a finite number nor the loss."),
        ([1.0, 2.0], [0.9, 0.5], 10.0, 0.01, False,
         "2 of 10 seconds have passed, the loss fell by 0.4, a good epoch, and you stop. Is a comparison "
         "the wrong way round, as \"exceeds\" is in the article's text, or the order of the arguments?"),
        ([1.0, 2.0], [0.9, 0.9], 10.0, 0.01, True,
         "The loss did not move, and you go on. One clause is enough (`or`), and two losses make an "
         "improvement: do you ask for both clauses, or is the improvement left out?"),
        ([1.0, 2.0], [0.9, 0.895], 10.0, 0.01, True,
         "The loss fell by 0.005, less than the epsilon of 0.01, and you go on. Is epsilon fixed, or left "
         "out?"),
        ([1.0, 2.0], [0.5, 0.3], 10.0, 0.25, True,
         "The loss fell from 0.5 to 0.3, by less than the epsilon of 0.25, and you go on. Is epsilon "
         "fixed, or taken as a share of the loss?"),
        ([1.0, 2.0], [0.5, 0.7], 10.0, 0.01, True,
         "The loss rose from 0.5 to 0.7, and you go on. That is an improvement of -0.2, and less than 0.01."),
        ([5.0, 11.0], [0.9, 0.5], 10.0, 0.01, True,
         "11 of 10 seconds have passed, and you go on. What has passed is seconds[-1], counted from the "
         "start of training, and `limit` says how much may. Do you compare these two, in every epoch?"),
        ([12.0], [0.9], 10.0, 0.01, True,
         "12 of 10 seconds have passed, and you go on, because it is epoch 0. The time counts there too."),
        ([5.0, 10.0], [0.9, 0.5], 10.0, 0.01, True,
         "After exactly 10 of 10 seconds time is up: the formula has >=."),
        ([1.0, 2.0], [0.5, 0.25], 10.0, 0.25, True,
         "The loss fell by exactly epsilon, and you go on: the formula has <=."),
        ([1.0, 2.0, 3.0], [0.9, 0.5, 0.495], 10.0, 0.01, True,
         "Losses 0.9, 0.5, 0.495: the last epoch improved by 0.005, and you go on. Compare with the epoch "
         "before, not with the first."),
        ([1.0, 2.0, 3.0], [0.5, 0.7, 0.6], 10.0, 0.01, False,
         "Losses 0.5, 0.7, 0.6: the last epoch improved by 0.1, and you stop. Compare it with the epoch just "
         "before, not with the best so far, and look at no earlier pair."),
        ([4.0, 8.0, 9.0], [2.0, 1.0, 0.8], 10.0, 0.01, False,
         "After 9 of 10 seconds, with losses 2, 1 and 0.8, you stop. `seconds` holds the time since the "
         "start: its last value is how much has passed."),
        ([6.0, 12.0], [0.9, 0.5], 20.0, 0.01, False,
         "12 of 20 seconds have passed, the loss fell by 0.4, and you stop. Is the limit fixed?"),
        ([5.2, 10.7], [0.9, 0.5], 10.5, 0.01, True,
         "10.7 of 10.5 seconds have passed, and you go on. Is a time rounded?"),
        ([5.0, 10.2], [0.9, 0.5], 10.5, 0.01, False,
         "10.2 of 10.5 seconds have passed, the loss fell by 0.4, and you stop. Is the limit rounded, or do "
         "you stop before it?"),
        ([5.0, 9.996], [0.9, 0.5], 10.0, 0.01, False,
         "9.996 of 10 seconds have passed, the loss fell by 0.4, and you stop. Is the time rounded, or do "
         "you stop before the limit?"),
        ([1.0, 2.0], [0.5, 0.5], 10.0, 0.0, True,
         "An epsilon of 0, and a loss that did not move: 0 <= 0, and you go on."),
        ([1.0, 2.0], [0.0, 0.0], 10.0, 0.01, True,
         "Both losses were 0: a loss of 0 is a loss, too. It did not move, and you go on."),
        ([0.0], [0.9], 0.0, 0.01, True, "A limit of 0 is reached at once: 0 >= 0, and you go on."),
        ([1.0, 2.0], [0.504, 0.4996], 10.0, 0.0042, False,
         "The loss fell by 0.0044, more than the epsilon of 0.0042, and you stop. Is something rounded?"),
        ([1.0, 2.0], [0.9, math.nan], 10.0, 0.01, False,
         "The loss is NaN, and you stop. The formula asks for <=, and no comparison with NaN is true."),
    ]
    for seconds, losses, limit, epsilon, stop, message in cases + _drawn_cases():
        try:
            said = _call(answer, list(seconds), list(losses), limit, epsilon)
        except IndexError:
            if len(losses) > 1:
                raise
            return "At epoch 0 there is one loss, nothing to compare with yet; your function asks for two."
        if one(said, "Return True or False", truth, typed=False) != stop:
            return message
    return None


def _drawn_cases():
    """Thirty more, in which nothing is by a hair. What they are drawn from is the same every time."""
    draw, cases = random.Random(0), []
    while len(cases) < 30:
        epochs = draw.randint(1, 4)
        losses = [round(draw.uniform(-1, 1), 4) for _ in range(epochs)]
        seconds = sorted(round(draw.uniform(0, 11), 4) for _ in range(epochs))
        limit, epsilon = round(draw.uniform(8, 12), 4), round(draw.uniform(-1, 1), 4)
        improved = losses[-2] - losses[-1] if epochs > 1 else math.inf
        if min(abs(seconds[-1] - limit), abs(improved - epsilon)) > 0.001:
            stop = seconds[-1] >= limit or improved <= epsilon
            cases.append((seconds, losses, limit, epsilon, stop,
                          f"With seconds {seconds}, losses {losses}, limit {limit} and epsilon {epsilon} the "
                          f"latest improvement is {improved:.4g}, and you {'go on' if stop else 'stop'}."))
    return cases


@chapter.exercise(
    "2.4", "A budget that keeps its word",
    hints=["Start the clock in on_train_begin: self.start = self.clock(). What has passed is "
           "self.clock() - self.start.",
           "Look at it in on_train_batch_end, and set self.model.stop_training = True when time is up. "
           "Never set it to False: another callback may have asked for the end.",
           "Keras validates after the last batch as well. Measure a validation pass between on_test_begin "
           "and on_test_end. Stop when what has passed, and one more pass, reach the budget.",
           "Ask the same in on_epoch_end, after the validation: another epoch would train at least one "
           "batch, and be validated, too."],
    solution='''
class PromptBudget(keras.callbacks.Callback):
    def __init__(self, seconds, clock):
        super().__init__()
        self.seconds, self.clock = seconds, clock

    def on_train_begin(self, logs=None):
        self.start, self.validation = self.clock(), 0.0

    def on_test_begin(self, logs=None):
        self.test_start = self.clock()

    def on_test_end(self, logs=None):
        self.validation = self.clock() - self.test_start

    def on_train_batch_end(self, batch, logs=None):
        if self.clock() - self.start + self.validation >= self.seconds:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):  # else one more batch is trained, and validated
        self.on_train_batch_end(None)
''',
    fact="In the first epoch nobody knows how long validation takes: a budget that ends there may be overrun "
         "by a whole validation and part of a batch. Later it is overrun by part of a batch at most, unless "
         "a validation takes longer than the last.")
def prompt_budget(answer):
    if not isinstance(answer, type):
        return ("The answer should be the class itself, check(PromptBudget), without parentheses behind it; "
                "a function will not do.")
    clock = Clock()
    callback = answer(30, clock)
    model, parts = lifetime(callback, clock)

    def draw():
        from ..notebook import show
        from .figures import budgets

        ax = budgets({"yours": parts}, 30)
        show(ax, "Your run as a bar over time: training and validation, and the budget of 30 seconds.")

    ended, stopped = parts[-1][2], parts[-1][1]
    if not model.stop_training:
        if vars(callback).get("stop_training"):
            raise Wrong("You set self.stop_training. Keras reads the model's: self.model.stop_training.")
        raise Wrong(f"The budget was 30 s, and at {ended:g} s training still ran. Is stop_training set to "
                    "True, do you read self.clock() and no other clock, or does your clock start anew in "
                    "each epoch?", draw)
    if stopped == 1:
        raise Wrong("You stopped after one batch. Does the stop ask what time it is? And training began long "
                    "after the callback was built: start the clock in on_train_begin.", draw)
    if ended >= 46:
        raise Wrong(f"You ended at {ended:g} s of 30. Once an epoch is too seldom: look in "
                    "on_train_batch_end, after every batch.", draw)
    if ended > 31 and stopped < 30:
        raise Wrong(f"You stopped at {stopped:g} s, and with 3 s of validation it was {ended:g} of 30. Room "
                    "was left, but too late: look after every batch.", draw)
    if ended > 31:
        raise Wrong(f"You stopped at {stopped:g} s, but validation took 3 s more and ended at {ended:g}. "
                    "Leave room for it.", draw)
    if ended > 30:
        raise Wrong(f"You stopped at {stopped:g} s, and with validation it was {ended:g} of 30. At 27 s "
                    "there was just room for it. Is it >=, not >, do you look after every batch, and does "
                    "the clock start with training?", draw)
    if ended < 30:
        raise Wrong(f"You ended at {ended:g} s of 30: too careful. Validation takes 3 s; how much do you "
                    "keep back?", draw)
    _, again = lifetime(callback, clock)
    if again != parts:
        raise Wrong(f"A second fit with the same callback ended at {again[-1][2]:g} s, the first at "
                    f"{ended:g}. Begin afresh in on_train_begin.")
    other_budgets(answer)
    return None


MOST_COST, MOST_REGRET = 0.20, 3.0
PROBLEMS = ("diabetes", "soybean", "gene", "thyroid", "building")
WINDOWS = (1, 5, 10, 20, 30, 40, 60)


@functools.cache
def _unseen():
    """[(problem, history)]: the ten splits of each problem that the lesson does not look at."""
    curves = load_curves("proben1")
    return [(problem, curves.select(problem=problem, units=64, seed=seed)[0])
            for problem in PROBLEMS for seed in range(10, 20)]


@functools.cache
def _known():
    """[(window, cost, regret)] of ImprovementBelow with epsilon 0.001, relative, on the runs not seen."""
    rules = {window: ImprovementBelow("val_loss", 0.001, window, relative=True) for window in WINDOWS}
    rows = compare(rules, [history for _, history in _unseen()], measured="test_loss")
    return [(row.name, row.share.mean(), row.regret.mean()) for row in rows]


@chapter.exercise(
    "2.5", "Epsilon and window",
    hints=["Which of the two moved the regret in the table above? Begin with that one.",
           "`compare([rule], seen, measured=\"test_loss\")` prices a rule on the fifty runs of the lesson. "
           "Its column \"epochs\" is the cost.",
           "The lesson's table ends at window 20, with too much regret. What does a longer window do to "
           "regret, and what to the cost?"],
    solution='''
rule = ImprovementBelow("val_loss", epsilon=0.001, window=40, relative=True)
''',
    fact="Epochs(60), the same length for every run, trains 20 % and loses 4.3 %, most of it on soybean: "
         "what is long enough for one problem is too short for another.")
def epsilon_and_window(answer):
    if isinstance(answer, (int, float, str, tuple)):
        return f'The answer should be a rule, ImprovementBelow("val_loss", ...); this is {answer!r}.'
    rule = as_criterion(answer)
    if any(name.startswith("test") for name in rule.columns):
        return "The test columns are for the score: a rule must not see them."
    try:
        row = compare({"yours": rule}, [history for _, history in _unseen()], measured="test_loss")[0]
    except MissingColumn as error:
        clock = " These runs were recorded without a clock." if "seconds" in rule.columns else ""
        return f"{error}{clock}"
    cost, regret = row.share.mean(), row.regret.mean()
    names = np.array([problem for problem, _ in _unseen()])
    lost = {problem: row.regret[names == problem].mean() for problem in PROBLEMS}
    worst = max(lost, key=lost.get)

    def draw():
        from ..notebook import show
        from .figures import cost_and_regret

        ax = cost_and_regret(_known(), (cost, regret), (MOST_COST, MOST_REGRET))
        show(ax, "Regret against cost. A line comes down from short windows to window 60; "
                 f"your rule is a dot at {100 * cost:.1f} % of the epochs and {regret:z.1f} % regret.")

    said = f"Your rule trains {100 * cost:.1f} % of the epochs and loses {regret:z.1f} %."
    if row.never:
        where = ", ".join(dict.fromkeys(names[~row.fired].tolist()))
        on = "" if "val_loss" in rule.columns else " Your rule does not look at val_loss."
        raise Wrong(f"{row.never} of 50 runs never end ({where}).{on} Does your rule ask for something that "
                    "need not happen, such as a rise by a fixed amount, or is its window as long as the run?",
                    draw)
    if regret > MOST_REGRET:
        cheap = " It is cheap, and cheap alone does not win." if cost <= MOST_COST / 2 else ""
        raise Wrong(f"{said} The limit is {MOST_REGRET:g} %.{cheap} Most is lost on {worst}: "
                    f"{lost[worst]:.0f} %.", draw)
    if cost > MOST_COST:
        raise Wrong(f"{said} It loses little because it trains so long: the limit is {100 * MOST_COST:g} % "
                    "of the epochs.", draw)
    if _waits_for_a_best(rule):
        raise Wrong(f"{said} That is within both limits, but by another rule: yours looks for a new best, "
                    "and does not compare an epoch with the one a window before. Choose the window of "
                    "ImprovementBelow.", draw)
    return Right(f"{said} Both limits are kept on fifty other runs of the same five problems.", draw)


def _waits_for_a_best(rule):
    """Does the rule overlook the epoch in which a loss that falls steadily is high, once?"""
    curve = 0.99 ** np.arange(300)
    curve[150] = 10.0  # worse than any epoch before: no improvement, whatever the window
    stop = rule.first({name: curve.tolist() for name in _unseen()[0][1]})
    return stop is None or stop > 150

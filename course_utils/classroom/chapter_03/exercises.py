"""The five exercises of chapter 03, validation early stopping."""

import functools
import math
import random

import numpy as np

from ...stopping import MissingColumn, Patience, as_criterion, compare
from ..exercises import Chapter
from ..scores import runs, score
from ..stage import Right, Wrong, all_of, call, check_hooks, one, whole
from ..untouched import CHANGED, call_untouched
from .fates import RUNS, alone, can_be_made, drawn_runs, nothing_to_keep, own_picture, same_fate
from .losses import MISTAKES, PLACES, TEST, VAL, drawn_losses

chapter = Chapter()
summary = chapter.summary

LOSSES = [0.9, 0.7, 0.72, 0.6, 0.61, 0.65, 0.58, 0.6, 0.63, 0.59, 0.55]


@chapter.exercise(
    "3.1", "Stop and keep",
    hints=["Write the count under each epoch: 0 where the loss is lower than all before, else one more than "
           "before. It begins 0, 0, 1, 0.",
           "Two numbers are asked for: the epoch after which training stops, and the epoch whose weights are "
           "kept."],
    solution="answer = (9, 6)  # epochs 7, 8 and 9 fail one after the other; epoch 6 is the best until then",
    fact="Epoch 10 would have been better still. Patience 3 never sees it: that is its price.")
def stop_and_keep(answer):
    stop, kept = all_of(answer, "The answer is two epochs, (stop, keep), such as (4, 2)", whole, count=2)
    if (stop, kept) == (9, 6):
        return None
    reasons = {
        (5, 3): "You counted every epoch that fails. One that improves, such as 3, starts the count again.",
        (9, 9): "Training stops at 9, but the weights that are kept are the best epoch's, not the last.",
        (9, 10): "Epoch 10 has the lowest loss, but nobody trains it: training stops before.",
        (10, 10): "Epochs 7, 8 and 9 are three failures in a row. Keras stops there and never sees epoch 10.",
        (10, 6): "Epoch 9 is the third failure in a row. Training stops there and never sees epoch 10.",
        (6, 9): "Right numbers, wrong order: first the stop, then the epoch whose weights are kept.",
        (8, 6): "Epochs 7 and 8 are two failures in a row; patience is 3.",
        (9, 3): "The stop is right. But epoch 6, with 0.58, is better than epoch 3, with 0.6.",
        (10, 7): "You may be counting from 1: your epochs 10 and 7 are Keras's 9 and 6."}
    if (stop, kept) in reasons:
        raise Wrong(reasons[stop, kept], own_picture(LOSSES, stop, kept))
    if stop == 9:
        raise Wrong(f"The stop is right. Which of epochs 0 to 9 has the lowest loss? Not {kept}.",
                    own_picture(LOSSES, stop, kept))
    raise Wrong("Write the count of failures in a row under each epoch: 0, 0, 1, 0, 1, ... Where is it 3 for "
                "the first time?", own_picture(LOSSES, stop, kept))


@chapter.exercise(
    "3.2", "The best epoch",
    hints=["Go through the values with the best so far in hand. Which comparison replaces it?",
           "NaN is not smaller than anything, and nothing is smaller than NaN: np.isnan tells you."],
    solution='''
def best_epoch(values, mode):
    sign = 1 if mode == "min" else -1
    best, epoch = float("inf"), None
    for i, value in enumerate(values):
        if sign * value < best:  # a tie does not replace it, and NaN is never smaller
            best, epoch = sign * value, i
    return epoch
''',
    fact="NumPy would disagree: where there is a NaN, np.argmin and np.argmax both pick it, as the lowest "
         "and as the highest of all.")
def best_epoch(answer):
    nan = math.nan
    cases = [
        ([0.5, 0.3, 0.4], "min", 1, "The smallest of 0.5, 0.3, 0.4 is at epoch 1."),
        ([0.5, 0.7, 0.6], "max", 1, 'With mode="max" the largest of 0.5, 0.7, 0.6 is best, at epoch 1.'),
        ([nan, 0.5, 0.4], "min", 2, "Epoch 0 is NaN. It compares as false with everything: np.argmin "
                                    "returns it, and so does a best that begins with the first value."),
        ([0.4, nan, 0.3, 0.5], "min", 2, "There is a NaN at epoch 1; the smallest number is at epoch 2."),
        ([0.4, nan, 0.6, 0.5], "max", 2, 'There is a NaN at epoch 1; with mode="max" the best is epoch 2.'),
        ([0.3, nan, 0.4], "min", 0, "There is a NaN at epoch 1, and a loss behind it that is no better than "
                                    "0.3. Is a NaN taken for the best?"),
        ([0.4, 0.3, 0.3], "min", 1, "Epochs 1 and 2 tie. Keep the first: the later one cost more and is no "
                                    "better."),
        ([0.7, 0.6, 0.7], "max", 0, 'Epochs 0 and 2 tie, and with mode="max", too, the first is kept.'),
        ([0.5, 0.499999999999, 0.6], "min", 1, "0.499999999999 is better than 0.5, by however little. How "
                                               "much is enough to go on waiting is another question."),
        ([0.4, 0.5, 0.500000000001], "max", 2, 'With mode="max", 0.500000000001 is better than 0.5, by '
                                               "however little."),
        ([2.0, 5.0, 3.0, 7.0, 6.0], "max", 3, "With values above 1 it fails. Is a number fixed?"),
        ([2.0, 1.5, 1.7], "min", 1, 'All of 2, 1.5, 1.7 are above 1. With mode="min", begin with infinity.'),
        ([-0.5, -0.2, -0.3], "max", 1, 'All of -0.5, -0.2, -0.3 are below 0. With mode="max", begin with '
                                       "minus infinity."),
        ([-3.0, nan, -200.0], "max", 0, "Of -3, NaN, -200 epoch 0 has the largest. What stands for the "
                                        "NaN in yours? Minus infinity, or nothing."),
        ([3e300, 2e300, nan, 2.5e300], "min", 1, "Runs diverge: 3e300, 2e300, NaN, 2.5e300 are larger than "
                                                 "any number you would choose. Infinity is not."),
        ([-3e300, -2e300, nan, -2.5e300], "max", 1, "-3e300, -2e300, NaN, -2.5e300 are smaller than any "
                                                    "number you would choose. Minus infinity is not."),
        ([0.5, 0.0, 0.3], "min", 1, "The smallest of 0.5, 0, 0.3 is 0. Python takes 0 for false: do you ask "
                                    "`if value` or `not best`?"),
        ([nan, 0.5], "min", 1, "Epoch 0 is NaN, and 0.5 the only number. What stands for the NaN in yours?"),
        ([nan, 3e300], "min", 1, "Epoch 0 is NaN, and 3e300 the only number. What stands for the NaN in "
                                 "yours? To add 1 to a number so large changes nothing."),
        ([0.5, 0.6, 0.7, 0.6, 0.7, 0.6, 0.4], "min", 6, "The smallest, 0.4, comes last, after five that are "
                                                        "no better. Look at all of them."),
        *_drawn_values()]
    for values, mode, expected, reason in cases:
        given = list(values)
        try:
            got = call(answer, given, mode)
        except Wrong:
            if values is cases[0][0]:
                raise  # no function, or one that returns nothing at all
            raise Wrong(f"{reason} You return no epoch.") from None
        got = one(got, f"The answer is an epoch, a whole number; for {values}", whole, typed=False)
        shifted = expected - sum(map(math.isnan, values[:expected]))
        if got == shifted < expected and values[got] == values[got]:
            return (f"For {values} you return {got}, and it should be {expected}. Do you leave out the last "
                    "value? Or NaN? Then the values behind it move up, and are no longer at their epochs.")
        if got != expected:
            odd = ", a NaN" if got in range(len(values)) and math.isnan(values[got]) else ""
            return f"{reason} You return {got}{odd}."
        if repr(given) != repr(values):  # NaN is not equal to itself
            return CHANGED
    return None


def _drawn_values():
    """Cases as above, always the same: few values and many, of both signs, with ties, zeros and NaN."""
    draw = random.Random(32)
    for number in range(60):
        values = [0.5, *(draw.choice((math.nan, *range(-3, 4))) / 2 for _ in range(draw.randrange(16)))]
        draw.shuffle(values)
        mode, best = (("min", min), ("max", max))[number % 2]
        best = best(value for value in values if value == value)
        yield (values, mode, values.index(best),
               f'For {values} and mode="{mode}" the best is {best:g}, at epoch {values.index(best)}.')


@chapter.exercise(
    "3.3", "MyEarlyStopping",
    hints=['The lesson\'s loop is all there is to it: `value = logs["val_loss"]`, then best and wait.',
           "What a loop keeps in variables, a callback keeps in self. Set it up in on_train_begin, so that a "
           "second fit begins afresh.",
           "Where the loss improves: self.weights = self.model.get_weights(). In on_train_end: set_weights, "
           "if there are any. In a run of NaN alone there are none."],
    solution='''
class MyEarlyStopping(keras.callbacks.Callback):
    def __init__(self, patience):
        super().__init__()
        self.patience = patience

    def on_train_begin(self, logs=None):
        self.best, self.wait, self.weights = float("inf"), 0, None

    def on_epoch_end(self, epoch, logs=None):
        value = logs["val_loss"]
        if value < self.best:
            self.best, self.wait, self.weights = value, 0, self.model.get_weights()
        else:
            self.wait += 1
            if self.wait >= self.patience:
                self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.weights is not None:
            self.model.set_weights(self.weights)
''',
    fact="Here yours does what Keras's EarlyStopping does with restore_best_weights=True, and where "
         "the losses begin with NaN it does better than Keras.")
def my_early_stopping(answer):
    if not callable(answer):  # a function that makes callbacks will do
        return "The answer should be the class itself: check(MyEarlyStopping), without parentheses behind it."
    if getattr(answer, "__module__", "").startswith("keras."):
        return f"{answer.__name__} is Keras's own. Write a class, with these few lines in it."
    can_be_made(answer)
    try:
        for losses, patience, meant in (*RUNS, *drawn_runs()):
            same_fate(answer, losses, patience, meant)
    except Wrong:
        if isinstance(answer, type):
            check_hooks(answer)  # a misspelt one may be why
        raise
    nothing_to_keep(answer)
    alone(answer)
    return None


@chapter.exercise(
    "3.4", "What a stop loses",
    hints=["Two epochs matter: the best by val_loss until the stop (its own epoch counts), and the best "
           "by val_loss of the whole run.",
           "The first is np.argmin(val_loss[: stop + 1]). Look both up in test_loss; 100 * (a / b - 1)."],
    solution='''
def regret(val_loss, test_loss, stop):
    kept = np.argmin(val_loss[: stop + 1])
    best = np.argmin(val_loss)
    return 100 * (test_loss[kept] / test_loss[best] - 1)
''',
    fact="A regret can be negative: a later, lower validation loss is not always a lower test loss. Choosing "
         "the epoch by the test loss would hide that.")
def stop_regret(answer):
    val, test = VAL, TEST
    got = _regret(answer, val, test, 2)
    if not _same(got, 20.0):
        named = [reason for value, reason in MISTAKES if math.isclose(got, value, abs_tol=0.02)]
        if abs(got - 20) < 0.02:
            return f"You return {got:.12g} where it is 20. Numbers of 32 bits, float32, are rounded."
        right = f"Epoch 1 is kept, epoch 3 is best: 100 (0.9 / 0.75 - 1) = 20. You return {got:.4g}."
        return named[0] if named else right
    got = _regret(answer, val, test, 1)
    if not _same(got, 20.0):
        return (f"With stop=1 it is 20 again, and you return {got:.4g}. The epoch of the stop was trained: "
                "val_loss[: stop + 1].")
    got = _regret(answer, [0.5, 0.4, 0.3], [0.4, 0.8, 0.64], 0)
    if _same(got, 37.5) or got == 0:
        return (f"A regret can be negative: here the test loss is 0.4 at the epoch kept and 0.64 at the best "
                f"by val_loss, -37.5 %. You return {got:.4g}: leave the sign as it is.")
    if got == 20:
        return "With other losses it should be -37.5, and you return 20 again. Is a number fixed?"
    if 0 < abs(got + 37.5) < 1 and not _same(got, -37.5):
        return f"You return {got:.10g} where it is -37.5: do not round, neither with round nor with //."
    if not _same(got, -37.5):
        return ("Of val_loss [0.5, 0.4, 0.3], with stop=0, epoch 0 is kept, and the last, 2, is the best of "
                f"the whole run: 100 (0.4 / 0.64 - 1) = -37.5. You return {got:.4g}.")
    got = _regret(answer, [0.5, 0.4, 0.4, 0.3, 0.3], [0.9, 0.8, 0.7, 0.6, 0.5], 2)
    if not _same(got, 100 / 3):
        if abs(got - 100 / 3) < 0.5:
            return f"You return {got:.10g} where it is 33.3333...: do not round, the digits are somebody's."
        return ("Epochs 1 and 2 tie for the lowest val_loss until the stop, 3 and 4 for that of the whole "
                f"run. The first of equals is kept, so it should be 33.3, and you return {got:.4g}.")
    for val, test, stop, right, reason in (*PLACES, *drawn_losses()):
        got = _regret(answer, val, test, stop)
        if not _same(got, right):
            return f"With val_loss {val}, stop={stop}: {reason} You return {got:.8g}; it is {right:.8g}."
    return None


def _same(got, right):
    """Whether two regrets differ by less than what another order of the same sums makes."""
    return math.isclose(got, right, rel_tol=1e-11, abs_tol=1e-11)


def _regret(answer, val, test, stop):
    got = call_untouched(answer, list(val), list(test), stop)
    return one(got, "One number is asked for, in percent", typed=False)


MOST_REGRET, MOST_COST = 10.0, 0.30
UNITS, SEEDS = (16, 256), range(10, 20)  # other networks than the lesson's
FEW_STOPS = 10  # different epochs in which 100 runs end: fewer, and a rule tells problems apart and counts
NOISE = 0.3  # points of regret, about what one epoch more of patience changes: less is no difference


@functools.cache
def _frontier():
    """[(name, cost, regret)] of Patience 1 to 50, on the runs not seen; from 25 on it is too dear."""
    rules = {f"Patience {n}": Patience("val_loss", n) for n in range(1, 51)}
    rows = compare(rules, [run for _, _, run in runs(UNITS, SEEDS)], measured="test_loss")
    return [(row.name, row.share.mean(), row.regret.mean()) for row in rows]


def _length_of_patience(stops):
    """n, if these are the stops of Patience("val_loss", n) on every run not seen, else None."""
    losses = [np.array(run["val_loss"]) for _, _, run in runs(UNITS, SEEDS)]
    n = stops[0] - int(losses[0][: stops[0] + 1].argmin())
    if n < 1 or any(stop - loss[: stop + 1].argmin() != n for stop, loss in zip(stops, losses)):
        return None
    plain = Patience("val_loss", n)
    same = (plain.first({"val_loss": loss.tolist()}) == stop for stop, loss in zip(stops, losses))
    return n if all(same) else None


@chapter.exercise(
    "3.5", "A rule of your own",
    hints=["Start with Patience and find a length that keeps both limits. Which problem loses most?",
           "What if the curve is smoothed first: Smoothed(5, Patience(\"val_loss\", ...))? What if patience "
           "grows with the epoch of the best, as a function of the history?",
           "Some long runs never lose patience. `| Epochs(...)` is their end."],
    solution='''
rule = Smoothed(5, Patience("val_loss", 12)) | Epochs(200)
''',
    fact="One rule for five problems and two sizes of network. It is hardly the best on each of them.")
def own_rule(answer):
    if isinstance(answer, (int, float, str)):
        return f'The answer should be a criterion, such as Patience("val_loss", 5); this is {answer!r}.'
    rule = as_criterion(answer)
    try:
        cost, by_problem, stops, endless = score(rule, UNITS, SEEDS)
    except MissingColumn as error:
        unseen = "test_" in str(error).split(".")[0]
        test = " The test is for the score: a rule must not see it." if unseen else ""
        return f"{error}{test}"
    if endless:
        return (f"On {endless[0]} one run never ends: 300 epochs were recorded, none meets the rule. "
                "A budget joined with | ends it, such as Epochs(200).")
    worst, regret = max(by_problem, key=by_problem.get), float(np.mean(list(by_problem.values())))

    def draw():
        from ..notebook import show
        from .figures import cost_and_regret

        ax = cost_and_regret(_frontier(), (cost, regret), (MOST_COST, MOST_REGRET))
        show(ax, "Regret against cost. A line joins Patience 1 to Patience 50; your rule is a dot at "
                 f"{100 * cost:.0f} % of the epochs and {regret:.1f} % regret.")

    said = f"Your rule trains {100 * cost:.0f} % of the epochs and loses {regret:z.1f} %."
    ulps = 1e-9  # the same stops are the same cost, whichever way it is summed
    better = [(name, c, r) for name, c, r in _frontier() if c < cost - ulps and r < regret - ulps]
    if regret > MOST_REGRET:
        most = f"Most is lost on {worst}: {by_problem[worst]:.0f} %."
        raise Wrong(f"{said} The limit is {MOST_REGRET:g} %. {most}", draw)
    if cost > MOST_COST:
        raise Wrong(f"{said} It loses little because it trains so long: the limit is "
                    f"{100 * MOST_COST:.0f} % of the epochs.", draw)
    if better:
        name, c, r = better[-1]
        raise Wrong(f"{said} {name} with a budget of 300 is cheaper and better: {100 * c:.2f} % and "
                    f"{r:z.2f} %, against your {100 * cost:.2f} % and {regret:z.2f} %. You lose most on "
                    f"{worst}, {by_problem[worst]:.0f} %.", draw)
    plain = _length_of_patience(stops)
    if plain:
        raise Wrong(f"{said} It keeps both limits, and on all 100 runs it stops where Patience {plain} does: "
                    "that is the rule of 'Patience on five problems'. Let yours do something else, "
                    "somewhere.", draw)
    costs, regrets = [c for _, c, _ in _frontier()], [r for _, _, r in _frontier()]
    gain = float(np.interp(cost, costs, regrets)) - regret
    beside = (f"That is {gain:.1f} points below the line of Patience: skill or luck? Chapter 04 will ask."
              if gain > NOISE else
              "That is on the line of Patience, as near as these runs can tell." if gain > -NOISE else
              "That is above the line of Patience, but no length of Patience is both cheaper and better.")
    if len(set(stops)) < FEW_STOPS:
        beside += (f" But it ends the {len(stops)} runs in only {len(set(stops))} different epochs: it "
                   "counts epochs, and does not watch how a run goes.")
    return Right(f"{said} {beside}", draw)

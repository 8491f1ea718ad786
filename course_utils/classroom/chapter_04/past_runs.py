"""Past runs for exercise 4.4, and what is wrong with a threshold that was made from them."""

import math
import random

import numpy as np

from ..stage import Wrong, one
from ..untouched import call_untouched

SHAPES = 6  # of a run, see _run
SAID = "Your function changes the runs that it is given, and the caller still needs them. Change a copy."


def _run(best, shape):
    """A run whose lowest loss is `best`, in the first, the last or another epoch. Lengths differ."""
    return [
        [best, best + 0.5, best + 0.6],  # the first is best
        [2.0, best + 0.9, best + 0.7, best + 0.5, best],  # the last is, and nothing rises
        [1.9, best + 0.6, best + 0.8, best + 0.7, best, best + 0.4, best + 0.5],  # in the second valley
        [1.8, best + 0.7, best, best + 0.3, best + 0.6, best + 0.4, best + 0.5, best + 0.6],  # in the first
        [*np.linspace(2.1, best + 0.5, 25), best, *np.linspace(best + 0.5, best + 0.9, 12)],  # after epoch 20
        [*np.linspace(2.2, best + 0.5, 12), best, best + 0.5]][shape]  # the last but one


def past_runs(bests):
    """Runs with these lowest losses, of one shape after the other."""
    return [_run(best, i % SHAPES) for i, best in enumerate(bests)]


# 0.20 to 0.39 in mixed order, and a bad one
PAST = past_runs([0.60037, *(0.20037 + 0.01 * (7 * k % 20) for k in range(20))])
TEN = past_runs([0.41, 0.37, 0.32, 0.52, 0.35, 0.4, 0.31, 0.46, 0.34, 0.39])
OTHERS = (  # past runs, and what they are like
    (past_runs([0.0, 0.0, -0.2, 0.0, -0.3]), "whose lowest losses are 0 and below"),
    (past_runs([0.3, 0.2, 0.3, 0.3, 0.1, 0.3]), "four of which have the same lowest loss"),
    ([[1000 * loss for loss in run] for run in past_runs(0.3 + 0.007 * (7 * k % 41) for k in range(41))],
     "all of whose losses are 300 and more"))


def first_valley(run):
    """The value before the first rise."""
    return next((a for a, b in zip(run, run[1:]) if b > a), run[-1])


def fault_of_threshold(answer):
    """What is wrong with the function `answer`, a sentence, or None."""
    got = _threshold(answer, PAST)
    bests = np.array([min(run) for run in PAST])
    right = float(np.quantile(bests, 0.95))
    if np.isclose(got, right):
        return _of_others(answer)
    if abs(got - right) < 0.006:
        return f"You return {got:.6g} where it is {right:.6g}: do not round."

    def of_each(lowest):
        return np.quantile([lowest(run) for run in PAST], 0.95)

    every = np.concatenate(PAST)
    mistakes = [
        (np.quantile(every, 0.95), "You took all epochs of all runs. Nearly every epoch is below that: a "
                                   "new run would stop at once. Take one number from each run, its lowest."),
        (np.mean([np.quantile(run, 0.95) for run in PAST]), "A quantile of each run's epochs fires at once, "
                                                            "also as a mean. Take each run's lowest first."),
        (np.quantile(PAST[0], 0.95), "That is one run and its epochs. Take the lowest of every run."),
        (np.quantile(bests, 0.05), "Only 5 % of the past runs got that low, so most runs would never stop. "
                                   "An error is small when it is good: take the other end."),
        (np.quantile(bests, 0.0095), "np.percentile counts to 100: 95, or np.quantile with 0.95."),
        (bests.max(), "That is the worst of the best: all runs got there, and one bad run decides. 95 % is "
                      "asked for."),
        (of_each(lambda run: run[-1]), "You took the last value of each run. It had been lower before: take "
                                       "the lowest."),
        (of_each(first_valley), "You took the value before the first rise. Some runs fall lower after it."),
        (of_each(lambda run: min(run[1:])), "You leave out the first epoch. In some runs it is the best."),
        (of_each(lambda run: min(run[:-1])), "You leave out the last epoch. In some runs it is the best."),
        (bests.min(), "That is the best there ever was. No other run got there."),
        (bests.mean(), "That is the mean of the lowest values; nearly half of the runs never got there."),
        (np.median(bests), "That is the median: half of the runs never got there. 95 % should.")]
    for wrong, reason in mistakes:
        if np.isclose(got, wrong):
            return reason
    below = np.mean(bests <= got)
    if got > right:
        return (f"{got:.4g} is easier than needed: 95 % of the past runs got down to {right:.4g}. Take the "
                "lowest loss of every run, in whichever epoch it is, and np.quantile(values, 0.95) of those.")
    return f"Only {100 * below:.0f} % of the past runs got down to {got:.4g}; 95 % got down to {right:.4g}."


def _of_others(answer):
    """What is wrong with the threshold of other runs than PAST, a sentence, or None."""
    for past, they in ((TEN, "like those"), *OTHERS, *_drawn()):
        got, lowest = _threshold(answer, past), [min(run) for run in past]
        right, (low, high) = float(np.quantile(lowest, 0.95)), sorted(lowest)[-2:]
        if math.isclose(got, right, rel_tol=1e-11, abs_tol=1e-13):  # another order of the same sums
            continue
        said = f"Right for these 21 runs, but not for {len(past)} others, {they}: you return {got:.12g}"
        if any(got == round(right, digits) for digits in range(5, 16)):  # fewer are seen above
            return f"{said} where it is {right:.12g}. Do not round."
        if low <= got <= high and past is TEN:
            return (f"{said}. That is between {low:g} and {high:g}, the largest two of their lowest losses, "
                    f"and np.quantile(values, 0.95) gives {right:g}: other ways to take a quantile, or "
                    "losses kept from the call before, give other numbers.")
        return (f"{said}, and it is {right:.6g}. Is a number fixed, or a list kept from the call before? "
                "The lowest loss of every run counts, in whichever epoch it is, and if two have the same.")
    return None


def _drawn():
    """As OTHERS, always the same: few runs and many, of any length."""
    draw = random.Random(44)
    for count in (2, 5, 33, 60):
        runs = [[draw.uniform(-0.2, 2) for _ in range(draw.randint(1, 30))] for _ in range(count)]
        yield runs, "whose losses go up and down"


def _threshold(answer, past):
    try:
        got = call_untouched(answer, [list(run) for run in past], said=SAID)
    except (ValueError, IndexError) as error:
        if "inhomogeneous" in str(error):
            raise Wrong("The runs have different lengths, so they make no array. Go through them one by "
                        "one.") from None
        if "index out of range" in str(error):
            raise Wrong("The runs have different lengths: the shortest has 3 epochs. Take the lowest of "
                        "each, in whichever epoch it is.") from None
        raise
    return one(got, "One threshold is asked for", typed=False)

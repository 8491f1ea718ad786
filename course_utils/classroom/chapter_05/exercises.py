"""The five exercises of chapter 05, stop-time pruning."""

import numpy as np

from ...stopping import MissingColumn, as_criterion
from ..exercises import Chapter
from ..stage import Right, Wrong, all_of, call, one, several, shown
from .armed import QUICK, fault
from .second_stops import (
    FULL,
    MOST_EPOCHS,
    MOST_LOST,
    SEEN,
    TARGET,
    fault_in_score,
    fault_in_scripts,
    line,
    score,
)

chapter = Chapter()
summary = chapter.summary

# ---- 5.1 ----

# three zeros of six, one of them negative; and eighteen of twenty, beside a weight that is tiny and no zero
KERNELS = [np.array([[0.0, 0.5, -0.0], [-0.7, 0.0, 0.2]]),
           np.array([[1e-30, 0, 0, 0, 0], [0, 0, -0.4, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])]
# 12 zeros of 12, none of 4, 2 of 4, 1 of 3, 2 of 6, none of 1
MANY = [np.repeat([0.0, 0.5], (360, 40)).reshape(20, 20)]  # more zeros than a byte counts
SIX = [np.zeros((2, 2, 1, 3)), np.ones(4), np.eye(2), np.array([1.0, 0.0, 2.0]),
       np.array([[0.0, 3, 1, 1, 2, 0.0]]), np.array([[5.0]])]


def _share(answer, kernels):
    """What the answer gives for these kernels. Wrong if it is no number, or changes them."""
    given = [kernel.copy() for kernel in kernels]
    handed = list(given)
    got = one(call(answer, handed), "One number is asked for, over all the arrays", typed=False)
    same = len(handed) == len(given) and all(ours is theirs for ours, theirs in zip(given, handed))
    if not same or not all(map(np.array_equal, given, kernels)):
        raise Wrong("Afterwards the arrays that you were given are others: a network whose zeros are counted "
                    "should not notice. Only read them.")
    return got


@chapter.exercise(
    "5.1", "Count the zeros",
    hints=["Sparsity is zeros divided by weights. How many of each are there in all the arrays together?",
           "`np.sum(kernel == 0)` counts the zeros of one array, and `kernel.size` its weights."],
    solution='''
def share_of_zeros(kernels):
    return sum(np.sum(kernel == 0) for kernel in kernels) / sum(kernel.size for kernel in kernels)
''',
    fact="A small layer hardly counts in it, yet the network may fail when nearly all of that layer is cut: "
         "look at each layer's share, too.")
def share_of_zeros(answer):
    got, due = _share(answer, KERNELS), 21 / 26
    if got == 0:
        return ("You return 0, and there are zeros. Do you take one array at a time? `kernels == 0` asks "
                "whether the list is 0. (Or // cuts the share off, or it is not zeros that you count.)")
    exact = 2e-7  # room for a sum in float32, not for six decimals
    if np.isclose(got, due, rtol=exact, atol=0):
        six = _share(answer, SIX)
        if np.isclose(six, 17 / 30, rtol=exact, atol=0):
            return _fault_of_one(answer)
        if np.isclose(six, 16 / 23):
            return ("Right for these two arrays. But of six, some have one dimension only, and you leave "
                    "those out.")
        return ("Right for these two arrays, but not for six, of 1, 2 and 4 dimensions. Is a number fixed, "
                "or rounded?")
    if np.isclose(got, 0.9) and np.isclose(got, _share(answer, SIX)):
        return ("You return 0.9 for any arrays. Count those in `kernels`: is a number fixed, or another "
                "network counted?")
    mistakes = [
        (0.7, "That is the mean of the two shares. The second array has 20 weights and the first 6: add up "
              "the zeros and the weights first, then divide."),
        (5 / 26, "That is the share of weights that are *not* zero."),
        (21, "That is how many zeros there are. Divide by the number of weights."),
        (21 / 6, "len(kernel) counts the rows. kernel.size counts the weights."),
        (21 / 2, "You divide by the number of arrays. Divide by the number of weights."),
        (0.5, "That is the share of the first array. Does the return stand inside the loop?"),
        (0.9, "That is the share of the last array. Is the sum begun anew for each array?"),
        (22 / 26, "You count 1e-30 as a zero. It is tiny, and a file has to store it all the same."),
        (23 / 26, "You count negative weights as zeros."),
        (24 / 26, "You count negative weights as zeros, and tiny ones.")]
    for wrong, reason in mistakes:
        if np.isclose(got, wrong, atol=1e-6):
            return reason
    if abs(got - due) < 0.01:
        return f"{got:g} is 21 of 26, rounded. Do not round: return the share as it is."
    if abs(got - 100 * due) < 1:
        return f"You return {got:g}, which are percent. A share from 0 to 1 is asked for."
    return f"Of 6 weights 3 are zeros, of 20 weights 18: that is 21 of 26, or 0.8077. You return {got:.4g}."


def _fault_of_one(answer):
    """What is wrong with the share in one array with many zeros, or with none, or None."""
    for kernels, due, what in ((SIX[1:2], 0, "no zeros"), (MANY, 0.9, "360 zeros of 400")):
        said = f"Right so far. But where there is one array, with {what},"
        try:
            got = _share(answer, kernels)
        except (IndexError, KeyError, ValueError, ZeroDivisionError) as error:
            return f"{said} yours raises {type(error).__name__}: {error}."
        if not np.isclose(got, due, rtol=2e-7):
            return f"{said} you return {got:.4g}, not {due}."
    return None


# ---- 5.2 ----

END, EVERY = 280, 150  # the end_step that somebody wrote, and the steps between two masks


def _asked(step, end=END, target=TARGET):
    return target * (1 - (1 - step / end) ** 3)


@chapter.exercise(
    "5.2", "The last mask",
    hints=["At which steps, from 0 to 280, is a mask drawn? Put the last of them into the formula.",
           "The formula says 0.90 where step and end_step are the same. When is a mask drawn at that step?"],
    solution="answer = 0.810, 300  # the last mask is that of step 150: 0.9 (1 - (130 / 280) ** 3)",
    fact="Little more than half of the schedule, and the masks are at 0.81: it is steep at first. The last "
         "tenth of the cut would never have come.")
def last_mask(answer):
    asked = "The answer is two numbers, a sparsity and a step, as in (0.5, 200)"
    if isinstance(answer, tuple) and len(answer) > 2:
        asked += " (with a decimal point: a comma begins another number)"
    reached, end = all_of(answer, asked, count=2)
    if not np.isfinite([reached, end]).all():
        return f"{asked}; this is {shown(answer)}."
    if reached > 1 and end <= 1:
        return "The sparsity comes first, then the step."
    if 1 < reached <= 100:
        return f"A sparsity is a share, from 0 to 1: not {reached:g}, but {reached / 100:g}."
    reached_by = [
        (0.9, "0.90 is what the formula says at step 280, but no mask is drawn there: 280 is not a multiple "
              "of 150. (At step 150 it is 0.8999 if the factor 0.9 in front is left out.)"),
        (0.0, "There is a mask at step 0, which asks for 0. And another one, at step 150."),
        (0.9 * EVERY / END, "That would be a straight line. The schedule has a cube in it, and is steep at "
                            "first."),
        (0.9 * (1 - EVERY / END) ** 3, "That is what is missing at step 150. Take it from 0.9."),
        (TARGET * (1 - (EVERY / END) ** 3), "The inner brackets hold 1 - step / end_step: where is the 1?"),
        (_asked(EVERY, 300), "That is step 150 of a schedule that ends at 300. This one ends at 280."),
        (_asked(100), "That is step 100. A mask is drawn every 150 steps here."),
        (_asked(200), "That is step 200. A mask is drawn every 150 steps here.")]
    if abs(reached - _asked(EVERY)) > 1e-4:
        for wrong, reason in reached_by:
            if abs(reached - wrong) < 0.0006:
                return reason
        near = abs(reached - _asked(EVERY)) < 0.012
        return ("The last mask is drawn at step 150. Put 150 for step and 280 for end_step: that is not "
                f"{reached:.5g}{', if near. Round at the end, to three decimals' if near else ''}.")
    if end == 300:
        return None
    reasons = {280: "280 is what it was, and the masks end at 0.81.",
               281: "281 is no multiple of 150 either: the last mask would again be that of step 150.",
               150: "The masks would get there, in half the time. But an end_step above 280 is asked for.",
               450: "The masks would get there. But there is a smaller multiple of 150 above 280."}
    if end < END and end % EVERY == 0 and end != EVERY:
        return f"An end_step above {END} is asked for; this is {end:g}."
    if end % EVERY:
        return reasons.get(int(end), f"{end:g} is no multiple of 150: no mask is drawn at that step, and "
                                     "only there does the formula say 0.90.")
    return reasons.get(int(end), f"The masks would get there at {end:g}, but 280 is a long way from it.")


# ---- 5.3 ----

@chapter.exercise(
    "5.3", "The armed stop",
    hints=["First pick the losses that count: those of epochs with a sparsity above 0.899. "
           "`zip(history[\"val_loss\"], history[\"sparsity\"])`",
           "Stop if the lowest of these is at least three of them ago. What if there are fewer than four?"],
    solution='''
def second_stop(history):
    pairs = zip(history["val_loss"], history["sparsity"])
    losses = [loss for loss, share in pairs if share > 0.899]
    return len(losses) > 3 and min(losses[-3:]) >= min(losses[:-3])
''',
    fact="Nearly Armed(at_target(0.9), Patience(\"val_loss\", 3)), which once armed counts every "
         "epoch. On masks that never get full both never stop: then only `epochs` of fit ends the run.")
def armed_stop(answer):
    def draw(stop):
        from ..notebook import show
        from .figures import armed_run

        show(armed_run(QUICK, stop, 12), "Validation loss of the scripted run, full masks from epoch 7 on. "
                                         f"The right stop is epoch 12; yours: {stop}.")

    return fault(answer, draw)


# ---- 5.4 ----

STATEMENTS = {
    "a": (False, "int8 has 151 kB after gzip, pruned has 103 kB."),
    "b": (True, "103 kB become 33, which is 3.1 times smaller."),
    "c": (False, "pruned takes as long as not pruned, half takes a third of that."),
    "d": (True, "int8 takes 0.30 of the time, with zeros 0.31.")}


@chapter.exercise(
    "5.4", "Read the table",
    hints=["Each letter asks for two rows of the table or more. Which column?",
           "*time* is against *not pruned*: 1 is as slow. For b, divide int8's bytes by those without it."],
    solution='answer = "bd"',
    fact="In this table zeros make a file small after gzip, and save no time. Short numbers help with both.")
def read_the_table(answer):
    parts = several(answer, ordered=False)
    letters = None if parts is None else {str(letter).strip().lower() for letter in parts}
    if letters is None or not letters <= set(STATEMENTS):
        return f'The answer is made of the letters a, b, c and d, such as "acd"; this is {shown(answer)}.'
    for letter, (holds, reason) in STATEMENTS.items():
        if (letter in letters) != holds:
            return f"{letter} {'holds' if holds else 'does not hold'}: {reason}"
    return None


# ---- 5.5 ----

@chapter.exercise(
    "5.5", "Your second stop",
    hints=["at_target(0.9) says whether the masks are full. Both parts of the answer need it.",
           "The validation loss goes on falling for long, by little. What ends a run that is never quite "
           "finished?",
           "In Armed(at_target(0.9), ...), `Patience(...) | Epochs(n)` counts from the first full mask."],
    solution='''
full = at_target(0.9)
answer = Armed(full, Patience("val_loss", 3) | Epochs(12)), full
''',
    fact="Two questions, two answers: when to leave, and which epoch to take home. Both had to wait. "
         "(On these twenty patience alone lasts too long, whatever its length: the grey line. So here the "
         "budget counts, and patience is for runs like the made-up ones.)")
def your_second_stop(answer):
    parts = several(answer, typed=False)
    if parts is None or len(parts) != 2:
        return f"Two things are asked for: a rule, and which epochs may be best; this is {shown(answer)}."
    for part in parts:
        if isinstance(part, (int, float, str)):
            return f"Both parts are criteria, such as at_target(0.9); this is {shown(part)}."
    rule, counted = as_criterion(parts[0]), None if parts[1] is None else as_criterion(parts[1])
    try:
        epochs, shares, lost, endless = score(rule, counted)
        in_score = fault_in_score(rule, counted, epochs, shares, lost, endless)
        in_scripts = in_score or fault_in_scripts(rule, counted)
    except MissingColumn as error:
        unseen = "test_" in str(error).split(".")[0]
        why = ("The test is for the score: a rule must not see it." if unseen else
               "A rule is asked after each epoch of a recorded run, and has these to go by.")
        return f"{str(error).split('.')[0]}. The columns are {', '.join(SEEN)}. {why}"

    def draw():
        from ..notebook import show
        from .figures import second_stop_scores

        ax = second_stop_scores(line(), (epochs, lost), (shares > FULL).all(), (MOST_EPOCHS, MOST_LOST))
        show(ax, "Accuracy lost against epochs of pruning. A line joins armed patience 1 to 10; your rule "
                 f"is a mark at {epochs:.1f} epochs and {lost:.2f} points.")

    if in_score:
        raise Wrong(in_score, draw if shares.all() else None)
    said = f"All keep {TARGET:g}, after {epochs:.1f} epochs and for {lost:z.2f} points."
    return f"{said} {in_scripts}" if in_scripts else Right(said, draw)

"""The five exercises of chapter 05, stop-time pruning."""

import numpy as np

from ...stopping import MissingColumn, as_criterion, replay
from ..exercises import Chapter
from ..stage import Right, Wrong, all_of, call, one, several, shown
from .armed import FIRST, NEARLY, QUICK, SHORT, SLOW, first_stop
from .second_stops import FULL, GENTLE, GENTLE_FULL, TARGET, after_the_masks, line, score

chapter = Chapter()
summary = chapter.summary

# ---- 5.1 ----

# three zeros of six, one of them negative; and eighteen of twenty, beside a weight that is small and no zero
KERNELS = [np.array([[0.0, 0.5, -0.0], [-0.7, 0.0, 0.2]]),
           np.array([[1e-9, 0, 0, 0, 0], [0, 0, -0.4, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])]


@chapter.exercise(
    "5.1", "Count the zeros",
    hints=["Sparsity is zeros divided by weights. How many of each are there in all the arrays together?",
           "`np.sum(kernel == 0)` counts the zeros of one array, and `kernel.size` its weights."],
    solution='''
def share_of_zeros(kernels):
    return sum(np.sum(kernel == 0) for kernel in kernels) / sum(kernel.size for kernel in kernels)
''',
    fact="A small layer hardly counts in it, and can be ruined by it: look at the share of each layer, too.")
def share_of_zeros(answer):
    asked = "One number is asked for, over all the arrays"
    got = one(call(answer, [kernel.copy() for kernel in KERNELS]), asked, typed=False)
    if got == 0:
        return ("You return 0. `kernels` is a list, and `kernels == 0` asks whether the list is 0. Take one "
                "array at a time.")
    if np.isclose(got, 21 / 26):
        other = [np.zeros((2, 2, 1, 3)), np.ones(4), np.eye(2)]
        if np.isclose(one(call(answer, other), asked, typed=False), 14 / 20):
            return None
        return "Right for these two arrays, but not for three, of 4, 1 and 2 dimensions. Is a number fixed?"
    mistakes = [
        (0.7, "That is the mean of two shares. The second array has 20 weights and the first 6: add up the "
              "zeros and the weights first, then divide."),
        (5 / 26, "That is the share of weights that are *not* zero."),
        (21, "That is how many zeros there are. Divide by the number of weights."),
        (21 / 6, "len(kernel) counts the rows. kernel.size counts the weights."),
        (21 / 2, "You divide by the number of arrays. Divide by the number of weights."),
        (0.5, "That is the first array alone. Does the return stand inside the loop?"),
        (0.9, "That is the last array alone. Is the sum begun anew for each array?"),
        (22 / 26, "You count 0.000000001 as a zero. It is small, and a file has to store it all the same."),
        (23 / 26, "You count negative weights as zeros."),
        (24 / 26, "You count negative weights as zeros, and small ones.")]
    for wrong, reason in mistakes:
        if np.isclose(got, wrong, atol=1e-6):
            return reason
    return f"Of 6 weights 3 are zeros, of 20 weights 18: that is 21 of 26, or 0.808. You return {got:.4g}."


# ---- 5.2 ----


def _asked(step, end=199, target=0.9):
    return target * (1 - (1 - step / end) ** 3)


@chapter.exercise(
    "5.2", "The last mask",
    hints=["At which steps, from 0 to 199, is a mask drawn? Put the last of them into the formula.",
           "The formula says 0.90 where step and end_step are the same. When is a mask drawn at that step?"],
    solution="answer = 0.789, 200  # the last mask is that of step 100: 0.9 (1 - (99 / 199) ** 3)",
    fact="Half of the schedule, and the masks are at 0.79: it is steep at first. What is missing is the part "
         "that hurts.")
def last_mask(answer):
    asked = "The answer is two numbers, a sparsity and a step, as in (0.5, 300)"
    reached, end = all_of(answer, asked, count=2)
    if reached > 1 and end <= 1:
        return "The sparsity comes first, then the step."
    if 1 < reached <= 100:
        return f"A sparsity is a share, from 0 to 1: not {reached:g}, but {reached / 100:g}."
    reached_by = [
        (0.9, "0.90 is what the formula says at step 199. But no mask is drawn there: 199 is not a multiple "
              "of 100."),
        (0.0, "There is a mask at step 0, which asks for 0. And another one, at step 100."),
        (_asked(100, 199, 1), "That is the share of the way. Times the target, 0.9."),
        (0.9 * 100 / 199, "That would be a straight line. The schedule has a cube in it, and is steep at "
                          "first."),
        (0.9 * (99 / 199) ** 3, "That is what is missing at step 100. Take it from 0.9."),
        (_asked(100, 200), "That is step 100 of a schedule that ends at 200. This one ends at 199.")]
    if not np.isclose(reached, _asked(100), atol=0.0011):
        for wrong, reason in reached_by:
            if np.isclose(reached, wrong, atol=0.0011):
                return reason
        return ("The last mask is drawn at step 100. Put 100 for step and 199 for end_step: that is not "
                f"{reached:.3g}.")
    if end == 200:
        return None
    reasons = {199: "199 is what it was, and the masks end at 0.79.",
               198: "198 is no multiple of 100 either: the last mask would again be that of step 100.",
               100: "The masks would get there, in half the time. A gentler end_step is nearer to 199.",
               300: "The masks would get there. But a multiple of 100 that is nearer to 199 exists."}
    if end % 100:
        return reasons.get(int(end), f"{end:g} is no multiple of 100: no mask is drawn at that step, and "
                                     "only there does the formula say 0.90.")
    return reasons.get(int(end), f"The masks would get there at {end:g}, but 199 is a long way from it.")


# ---- 5.3 ----

@chapter.exercise(
    "5.3", "The armed stop",
    hints=["First pick the losses that count: those of epochs with a sparsity above 0.895. "
           "`zip(history[\"val_loss\"], history[\"sparsity\"])`",
           "Stop if the lowest of these is at least three of them ago. What if there are fewer than four?"],
    solution='''
def second_stop(history):
    pairs = zip(history["val_loss"], history["sparsity"])
    losses = [loss for loss, share in pairs if share > 0.895]
    return len(losses) > 3 and min(losses[-3:]) >= min(losses[:-3])
''',
    fact="Three lines, or Armed(Above(\"sparsity\", 0.895), Patience(\"val_loss\", 3)). On masks that never "
         "get full it never stops: put a budget beside it.")
def armed_stop(answer):
    stop = first_stop(answer, QUICK)

    def draw():
        from ..notebook import show
        from .figures import armed_run

        show(armed_run(QUICK, stop, 12), "Validation loss of the scripted run, full masks from epoch 7 on. "
                                         f"The right stop is epoch 12; yours: {stop}.")

    if stop != 12:
        reasons = {
            3: "You stop at epoch 3, where sparsity is 0.787: the first epochs are not to be counted.",
            7: "You stop at epoch 7, the first with full masks. The waiting was done before: begin to count "
               "there.",
            6: "You stop at epoch 6, with sparsity 0.893.",
            9: "You stop at epoch 9, the best there is with full masks. Do you still compare with the loss "
               "of epoch 0, before the cut?",
            10: "You stop at epoch 10. With full masks the lowest is epoch 9, one epoch ago. Do you still "
                "compare with the loss of epoch 0, before the cut?",
            11: "You stop at epoch 11. The lowest with full masks is epoch 9; 10 and 11 are two without a "
                "better one. Does a new lowest begin the count again?",
            13: "You stop at epoch 13. After epoch 9 the third without a better one is 12: one too late.",
            14: "You stop at epoch 14. The loss need not rise three times in a row; it must not get below "
                "0.14.",
            None: "You never stop this run. Its sparsity gets to 0.8999, not to 0.9: weights are whole."}
        always_full = {**QUICK, "sparsity": [0.95] * len(QUICK["sparsity"])}
        if stop is None and first_stop(answer, always_full) is None:
            raise Wrong("You never stop this run, nor one with sparsity 0.95 from the first epoch on. Is it "
                        "the sparsity that you hold against 0.895?", draw)
        raise Wrong(reasons.get(stop, f"You stop at epoch {stop}. Full masks from epoch 7 on, the lowest "
                                      "loss at 9, and three without a better one: epoch 12."), draw)
    slow = first_stop(answer, SLOW)
    if slow != 18:
        reasons = {11: "it stops at epoch 11: epochs before were counted. Is an epoch fixed, or a share that "
                       "is too small?",
                   20: "it stops at epoch 20. Epoch 17 is as low as epoch 15, and so no new lowest: the "
                       "comparison is >=.",
                   16: "it stops at epoch 16: there, too, five epochs after the first full masks. Is a "
                       "number of epochs fixed? It is due three after the lowest.",
                   14: "it stops at epoch 14: three epochs with full masks, but 13 was a new lowest.",
                   None: "it never stops."}
        return ("Right for masks that are full at epoch 7, but where the ramp takes until epoch 11 "
                + reasons.get(slow, f"it stops at epoch {slow}. It is due at 18: 15 was the lowest."))
    short = first_stop(answer, SHORT)
    if short is not None:
        return f"Right twice, but a run whose masks end at 0.789 is stopped at epoch {short}: not full."
    nearly = first_stop(answer, NEARLY)
    if nearly != 18:
        share = NEARLY["sparsity"][nearly] if nearly is not None else 0.9
        reasons = {0.892: "masks at 0.892 are not full: the border is 0.895",
                   0.895: "masks at exactly 0.895 are not full: the comparison is >"}
        return (f"Right so far, but where the sparsity stays at 0.892 and at 0.895 for some epochs, it stops "
                f"at epoch {nearly}, not at 18: {reasons.get(share, 'full masks begin at epoch 13')}.")
    first = first_stop(answer, FIRST)
    if first != 3:
        return ("Right so far. But where masks are full from the start and losses rise from 3.0 on, epochs "
                f"1, 2 and 3 bring no new lowest, and it stops at epoch {first}, not at 3.")
    return None


# ---- 5.4 ----

STATEMENTS = {
    "a": (False, "dense and pruned files are of one size until packed: a zero takes four bytes, too."),
    "b": (True, "no other row is smaller after gzip."),
    "c": (False, "pruned takes as long as dense, half takes a third of that."),
    "d": (True, "int8 takes 0.30 of the time, with zeros 0.31.")}


@chapter.exercise(
    "5.4", "Read the table",
    hints=["Each letter asks for two rows of the table. Which column?",
           "*file* is before it is packed, *gzip* after. *time* is against dense: 1 is as slow."],
    solution='answer = "bd"',
    fact="Zeros and short numbers help in different places: the first where bytes are packed, the second "
         "where they are multiplied.")
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

MOST_EPOCHS, MOST_LOST = 20, 0.5


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
    fact="Two questions, two answers: when to leave, and which epoch to take home. Both had to wait.")
def your_second_stop(answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return f"Two things are asked for: a rule, and which epochs may be best; this is {shown(answer)}."
    for part in answer:
        if isinstance(part, (int, float, str)):
            return f"Both parts are criteria, such as at_target(0.9); this is {shown(part)}."
    rule, counted = as_criterion(answer[0]), None if answer[1] is None else as_criterion(answer[1])
    try:
        epochs, shares, lost, endless = score(rule, counted)
    except MissingColumn as error:
        unseen = "test_" in str(error).split(".")[0]
        return f"{error}{' The test is for the score: a rule must not see it.' if unseen else ''}"
    full = shares > FULL

    def draw():
        from ..notebook import show
        from .figures import second_stop_scores

        ax = second_stop_scores(line(), (epochs, lost), full.all(), (MOST_EPOCHS, MOST_LOST))
        show(ax, "Accuracy lost against epochs of pruning. A line joins armed patience 1 to 10; your rule "
                 f"is a mark at {epochs:.1f} epochs and {lost:.2f} points.")

    if endless:
        raise Wrong(f"{endless} of {len(shares)} runs never {'ends' if endless == 1 else 'end'}. Join a "
                    "budget to the patience: Armed(full, Patience(...) | Epochs(n)).", draw)
    if not shares.all():
        raise Wrong(f"{np.sum(shares == 0)} of {len(shares)} runs keep nothing: they end before an epoch may "
                    "be best. Let the rule wait for the masks as well.")
    if not full.all():
        why = ("Your rule stays for long; the choice of the best epoch has to wait, too."
               if epochs > 8 else "Has your rule waited for the masks?")
        raise Wrong(f"{np.sum(~full)} of {len(full)} runs keep less than {TARGET:g}, the least sparse "
                    f"{shares.min():.2f}. {why}", draw)
    said = f"All keep {TARGET:g}, after {epochs:.1f} epochs and for {lost:z.2f} points."
    if epochs > MOST_EPOCHS:
        raise Wrong(f"{said} That is too long: at most {MOST_EPOCHS} epochs on the mean. The last points are "
                    "dear.", draw)
    if lost > MOST_LOST:
        raise Wrong(f"{said} That is too much: at most {MOST_LOST:g} points. Fine-tune for a little longer.",
                    draw)
    report = replay(rule, GENTLE, best="val_loss", best_when=counted)
    slow = f"{said} But these runs all fill their masks in eight epochs. On a run that takes {GENTLE_FULL}"
    if report.epoch < GENTLE_FULL:
        raise Wrong(f"{slow}, your rule stops at epoch {report.epoch}, with sparsity "
                    f"{GENTLE['sparsity'][report.epoch]:.2f}. Let it wait for the measured sparsity, not "
                    "for the usual number of epochs.")
    if report.best_epoch is None or report.best_epoch < GENTLE_FULL:
        kept = GENTLE["sparsity"][report.best_epoch] if report.best_epoch is not None else 0
        raise Wrong(f"{slow}, and is nearly full for long, your choice of the best epoch keeps {kept:.2f}. "
                    "Only epochs with full masks may be best.")
    falls, rises = (rule.first(after_the_masks(falls)) for falls in (True, False))
    if rises is None or (falls is not None and falls <= rises):
        where = ["not at all" if stop is None else f"at epoch {stop}" for stop in (rises, falls)]
        raise Wrong(f"{said} But take two runs with full masks from epoch 8 on. Where the validation loss "
                    f"only rises from then on, your rule stops {where[0]}; where it falls on, {where[1]}. "
                    "A run that gets no better should be left sooner than one that does: that is what "
                    "patience is for.")
    return Right(said, draw)

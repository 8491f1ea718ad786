"""The five exercises of chapter 04, scores and noise."""

import functools
import random

import numpy as np

from ...stopping import MissingColumn, Patience, as_criterion
from ..exercises import Chapter
from ..scores import PROBLEMS, score
from ..stage import Right, Wrong, all_of, whole
from ..untouched import call_untouched
from .past_runs import fault_of_threshold

chapter = Chapter()
summary = chapter.summary

LOSSES = [0.5, 0.4, 0.44, 0.5, 0.3, 0.36]
GL = [0, 0, 10, 25, 0, 20]


@chapter.exercise(
    "4.1", "A score by hand",
    hints=["Write the lowest loss so far under each epoch first. It begins 0.5, 0.4, 0.4.",
           "0.44 is 1.1 times 0.4. What percentage above it is that?"],
    solution="answer = [0, 0, 10, 25, 0, 20]  # against 0.5, 0.4, 0.4, 0.4, 0.3, 0.3",
    fact="The same loss, 0.5, scores 0 at epoch 0 and 25 at epoch 3: the score remembers what was possible.")
def score_by_hand(answer):
    scores = np.array(all_of(answer, "The answer is a list of six numbers, one for each epoch"))
    if len(scores) != 6:
        return f"There are six epochs, and you give {len(scores)} scores."
    if np.allclose(scores, GL, atol=0.05):
        return None
    losses = np.array(LOSSES)
    lowest = np.minimum.accumulate(losses)
    before, lowest_before = (np.concatenate([each[:1], each[:-1]]) for each in (losses, lowest))
    mistakes = [
        (100 * (losses / 0.3 - 1), "Epoch 0 is compared with 0.3 of epoch 4, which has not happened yet. "
                                   "Use the lowest so far."),
        (losses / lowest - 1, "These are shares. The score is in percent: 0.1 is 10."),
        (100 * (losses / before - 1), "You compare with the epoch before. The formula compares with the "
                                      "lowest so far, and so it never is negative."),
        (100 * (losses / lowest_before - 1), "You compare with the lowest before. This epoch is counted "
                                             "among those so far: the score never is negative."),
        (100 * (1 - lowest / losses), "You divide by the loss of now. Divide by the lowest so far: "
                                      "0.44 / 0.4 is 1.1."),
        (losses / lowest, "That is how many times the lowest it is: 1.1 times is 10 % above."),
        (100 * losses / lowest, "110 % of the lowest is 10 % above it: the formula takes 1 away."),
        (100 * (losses / 0.5 - 1), "You compare with epoch 0. The lowest so far moves along."),
        (losses - lowest, "That is the difference. The score is how many percent of the lowest it is.")]
    for wrong, reason in mistakes:
        if np.allclose(scores, wrong, atol=0.05 if np.abs(wrong).max() > 1 else 0.005):
            return reason
    epoch = int(np.flatnonzero(~np.isclose(scores, GL, atol=0.05))[0])
    return (f"At epoch {epoch} the loss is {LOSSES[epoch]} and the lowest so far {lowest[epoch]}; you say "
            f"{scores[epoch]:g}.")


SPOKEN = [1.0, 0.8, 0.7, 0.6, 0.5, 0.52, 0.45, 0.5, 0.55, 0.6, 0.58, 0.5, 0.56, 0.6, 0.62]
STOPS = (9, 8, 14)


@chapter.exercise(
    "4.2", "Which rule speaks when",
    hints=["Patience counts epochs since the lowest, GL looks at this epoch alone. "
           "UP looks at three epochs of the fifteen: which?",
           "The strips end at epochs 4, 9 and 14, with 0.5, 0.6 and 0.62."],
    solution="answer = (9, 8, 14)  # lowest is 0.45 at 6; 0.55 is 22 % above it; 0.5 < 0.6 < 0.62 at strip "
             "ends",
    fact="Three rules, one curve, three stops. UP never saw the lowest, at epoch 6: it fell inside a strip.")
def who_speaks_when(answer):
    stops = tuple(all_of(answer, "The answer is three epochs, such as (3, 5, 9)", whole))
    if len(stops) != 3:
        return f"Three epochs are asked for, of Patience 3, GL 20 and UP 2; you give {len(stops)}."
    if stops == STOPS:
        return None
    if stops == (10, 9, 15):
        raise Wrong("You count from 1. Epochs count from 0 here, as in Keras's history.", _draw_spoken)
    reasons = [
        {8: "Patience 3: epochs 7 and 8 are two failures in a row: epoch 6 improved, so the count began "
            "again. The third is the end.",
         10: "Patience 3: 7, 8 and 9 fail. Some libraries wait for one more; Keras does not.",
         11: "Patience 3: epoch 11 is no new lowest, but the rule had ended the run before."},
        {7: "GL 20: 0.5 is 11 % above 0.45, and more than 20 % is asked for.",
         9: "GL 20 holds at epoch 9, but it held before: 0.55 is 22 % above 0.45.",
         5: "GL 20: 0.52 is 4 % above 0.5.",
         14: "GL looks at every epoch, not at strip ends alone."},
        {8: "UP 2: the loss rose at epochs 7 and 8, but UP compares the ends of strips: epochs 4, 9 and 14.",
         9: "UP 2: epoch 9, against epoch 4, is the first rise. Two in a row are asked for.",
         13: "UP 2: epoch 13 is inside a strip. UP speaks at epochs 4, 9 and 14.",
         12: "UP 2: epoch 12 is inside a strip. UP speaks at epochs 4, 9 and 14.",
         10: "UP 2: strips of five end at epochs 4, 9 and 14, because epochs count from 0."}]
    for rule, stop, right, known in zip(("Patience 3", "GL 20", "UP 2"), stops, STOPS, reasons):
        if stop != right:
            raise Wrong(known.get(stop) or _not_there(rule, stop, right), _draw_spoken)


def _not_there(rule, stop, right):
    """What can be seen at an epoch at which a rule does not stop."""
    if stop not in range(len(SPOKEN)):
        return f"{rule}: epochs 0 to 14 were trained; there is no epoch {stop}."
    if rule == "UP 2":
        return (f"UP 2 does not stop at epoch {stop}. The strips end at epochs 4, 9 and 14, with 0.5, 0.6 "
                "and 0.62.")
    if stop > right:
        return (f"{rule} had ended this run before epoch {stop}. Go through the epochs from 0 on: where "
                "does it hold for the first time?")
    best = int(np.argmin(SPOKEN[: stop + 1]))
    if best == stop:
        return f"{rule} does not stop at epoch {stop}: no loss before it is lower than its {SPOKEN[stop]}."
    return (f"{rule} does not stop at epoch {stop}. There the lowest so far is {SPOKEN[best]}, at epoch "
            f"{best}, and the loss {SPOKEN[stop]}.")


def _draw_spoken():
    from ...stopping import plots
    from ..notebook import show

    ax = plots.axes(xlabel="epoch (counted from 0)", ylabel="validation loss")
    ax.plot(SPOKEN, "o-", color=plots.BLUE, markersize=4)
    for epoch in (4, 9, 14):
        label = "ends of strips" if epoch == 4 else None
        ax.axvline(epoch, color=plots.GREY, linestyle=":", linewidth=1, label=label)
    ax.legend(frameon=False)
    show(ax, "The fifteen validation losses, with lines at epochs 4, 9 and 14, where the strips end.")


STRIPS = [0.9, 0.5, 0.4, 0.6, 0.8, 0.7, 0.9, 0.65, 0.5, 0.65, 0.6, 0.7, 0.1]
RISES = [0, 1, 2, 0, 0, 1]
OTHER_STRIPS = (  # values, strip, the counts, what to say
    ([7.0, 6.0, 6.0, 5.0, 5.0, 4.0], 2, [0, 0, 0],
     "The first strip has none before it. A position below 0 reaches round to the end of the list."),
    ([*range(1, 13)], 1, [*range(12)], "Each is higher than the one before: count on."),
    ([0.5, 0.5000000001, 0.5000000002, 0.5000000001], 1, [0, 1, 2, 0], "Higher by however little is higher."),
    ([1.0, 2.0], 2, [0], "There is one strip, and none before it."),
    ([1, 2, 2, 3], 1, [0, 1, 0, 1], "A strip that ends as high as the one before did not rise: it counts 0."),
    ([-1, 0, 1, 0, 2], 1, [0, 1, 2, 0, 1], "0 and what is below it are values like any other."),
    ([2e30, 1e30], 1, [0, 0], "The first strip has none before it, and counts 0 however high it ends."))


@chapter.exercise(
    "4.3", "Rises in a row",
    hints=["Which values does UP look at? With strips of 5 they stand at positions 4, 9, 14: "
           "`values[strip - 1 :: strip]`.",
           "Go through those values with the one before in hand. Higher: one more. Else: 0."],
    solution='''
def rises(values, strip):
    ends, counts = values[strip - 1 :: strip], [0]
    for before, value in zip(ends, ends[1:]):
        counts.append(counts[-1] + 1 if value > before else 0)
    return counts
''',
    fact="UP asks how often in a row, not how much: 1 % up counts as much as 100 %. That is why it needs no "
         "scale.")
def rises_in_a_row(answer):
    counts = _counts(answer, STRIPS, 2)
    if counts == RISES:
        return _other_strips(answer)
    mistakes = {
        (0, 1, 2, 2, 2, 3): "A strip that does not rise starts the count again, at 0.",
        (0, 1, 2, 0, 1, 2): "0.65 after 0.65 is no rise. The comparison is >.",
        (0, 1, 2, 3, 4, 5): "You compare with the lowest, or with the first. Compare with the end of the "
                            "strip before.",
        (0, 1, 1, 0, 0, 1): "You say whether a strip rose. Count how many did, one after the other.",
        (0, 1, 2, 0, 0, 0): "You compare with the highest so far, or with the end of the last rise. Compare "
                            "with the end of the strip before.",
        (0, 1, 2, 1, 0, 1): "A strip that does not rise sets the count to 0, however high it was.",
        (0, 0, 0, 1, 0, 0): "You count falls. UP counts rises: the comparison is >.",
        (0, 0, 0, 1, 2, 0): "You count falls, and what did not move. The comparison is >.",
        (1, 2, 3, 0, 0, 1): "The first strip has none before it, and counts 0. Does a position below 0 reach "
                            "round to the end of the list?",
        (0, 0, 1, 2, 0, 1, 0): "You look where strips begin. They end at positions 1, 3, 5 when a strip has "
                               "2.",
        (0, 0, 1, 2, 0, 1): "You look at where strips begin, at their means or at their highest values. UP "
                            "looks at the last value of each.",
        (0, 1, 2, 0, 0, 1, 0): "The last value stands alone: its strip of 2 is not over, so UP says nothing "
                               "yet."}
    if tuple(counts) in mistakes:
        return mistakes[tuple(counts)]
    if len(counts) == len(STRIPS):
        return "You give a count for each epoch; UP speaks once for each strip."
    if counts == RISES[1:]:
        return "The first strip has none before it. It counts 0, and stands in the list."
    return (f"With strips of 2 the ends are 0.5, 0.6, 0.7, 0.65, 0.65, 0.7, and the counts {RISES}; "
            f"you return {counts}.")


def _counts(answer, values, strip):
    got = call_untouched(answer, list(values), strip)
    return all_of(got, "The answer should be a list, one count for each strip", whole, typed=False)


def _other_strips(answer):
    counts = _counts(answer, [3.0, 3.0, 5.0, 1.0, 1.0, 6.0, 0.0, 0.0, 6.5], 3)
    if counts != [0, 1, 2]:
        return (f"Right for strips of 2, but with strips of 3 that end in 5, 6, 6.5 it should be [0, 1, 2]; "
                f"you return {counts}. Is a number fixed, the last strip left out, or a list kept from the "
                "call before?")
    for values, strip, right, reason in (*OTHER_STRIPS, *_drawn_strips()):
        counts = _counts(answer, values, strip)
        if counts != right:
            ends = ", ".join(f"{value:.12g}" for value in values[strip - 1 :: strip])
            return f"Strips that end in {ends} count {right}, and you return {counts}. {reason}"
    return None


def _drawn_strips():
    """Cases as in OTHER_STRIPS, always the same: few strips and many, of many lengths, with ties."""
    draw = random.Random(43)
    for _ in range(40):
        strip, level, ends, counts = draw.randint(1, 7), 0, [], []
        for _ in range(draw.randint(1, 16)):
            step = draw.choice((1, 1, 1, 2, 0, -1, -5) if ends else (draw.randint(-9, 9),))
            counts.append(counts[-1] + 1 if ends and step > 0 else 0)
            level += step
            ends.append(level)
        values = [value for end in ends for value in (*(draw.randint(-9, 9) for _ in range(strip - 1)), end)]
        rest = [draw.randint(-9, 9) for _ in range(draw.randrange(strip))]  # of a strip that is not whole
        yield values + rest, strip, counts, f"Here strip={strip}, and there are {len(values + rest)} values."


@chapter.exercise(
    "4.4", "The 95 % rule",
    hints=["Which number of each past run says what it could reach? Make a list of those first.",
           "`np.quantile(values, 0.95)`: 95 % of the values do not exceed it."],
    solution='''
def threshold(past):
    return np.quantile([min(run) for run in past], 0.95)
''',
    fact="20 of the 21 past runs got that low. One bad run does not move it; the maximum would follow that "
         "run. Is it a good rule? The appendix lets it compete.")
def threshold_of_past_runs(answer):
    return fault_of_threshold(answer)


MOST_LOST, MOST_COST = 10.0, 0.25
FEW_STOPS = 10  # different epochs in which 100 runs end: fewer, and a rule tells problems apart and counts
LESSON, UNSEEN = (64,), (16, 256)  # units of the lesson's networks, and of those for the score


def _score(rule, units=UNSEEN):
    """(cost as a share, problem -> mean regret in percent, stops, endless) on 20 runs of each problem."""
    return score(rule, units, range(20 // len(units)))


@functools.cache
def _line():
    """Length of Patience -> (cost, regret on the problem where it loses most), on the runs not seen."""
    scores = {n: _score(Patience("val_loss", n)) for n in range(1, 51)}
    return {str(n): (cost, max(lost.values())) for n, (cost, lost, _, _) in scores.items()}


@chapter.exercise(
    "4.5", "No problem left behind",
    hints=["GL is too soon, PQ and UP pay dearly. What lies between, in the picture of cost and regret?",
           "Soybean needs the most patience. How much can you pay, if gene and diabetes cost little?",
           "A few runs never run out of patience. `| Epochs(...)` ends them; if it is too short, soybean "
           "pays."],
    solution='''
rule = Patience("val_loss", 16) | Epochs(250)
''',
    fact="A ceiling on the mean forgives one bad problem. This one does not, and it costs some epochs.")
def no_problem_behind(answer):
    if isinstance(answer, (int, float, str)):
        return f'The answer should be a criterion, such as Patience("val_loss", 5); this is {answer!r}.'
    rule = as_criterion(answer)
    try:
        cost, lost, stops, endless = _score(rule)
    except MissingColumn as error:
        unseen = "test_" in str(error).split(".")[0]
        return f"{error}{' The test is for the score: a rule must not see it.' if unseen else ''}"
    worst = max(lost, key=lost.get)

    def draw():
        from ..notebook import show
        from .figures import cost_and_regret

        ax = cost_and_regret(_line(), {}, (cost, lost[worst]), (MOST_COST, MOST_LOST),
                             "regret on the worst problem, %")
        show(ax, "Regret on the worst problem against cost. A line joins Patience 1 to Patience 50; your "
                 f"rule is a plus at {100 * cost:.0f} % of the epochs and {lost[worst]:.1f} %.")

    said = (f"Your rule trains {100 * cost:.1f} % of the epochs and loses most on {worst}, "
            f"{lost[worst]:z.1f} %.")
    if endless:
        most = max(PROBLEMS, key=endless.count)
        ends = "never ends" if len(endless) == 1 else "never end"
        where = "on" if len(set(endless)) == 1 else "most of them on"
        raise Wrong(f"{len(endless)} of {len(stops)} runs {ends}, {where} {most}. Join a budget with |, such "
                    "as Epochs(250).", draw)
    if lost[worst] > MOST_LOST and cost > MOST_COST:
        raise Wrong(f"{said} Both limits are broken: {100 * MOST_COST:.0f} % of the epochs, "
                    f"{MOST_LOST:g} % on each problem. Is the same length right for all?", draw)
    if lost[worst] > MOST_LOST:
        here = _score(rule, LESSON)[1][worst]
        said += f" The limit is {MOST_LOST:g} % on each problem. There it leaves too soon."
        if here <= MOST_LOST:
            by_size = {units: score(rule, (units,), range(10))[1][worst] for units in UNSEEN}
            size = max(by_size, key=by_size.get)
            said += (f" On the lesson's own runs it was {here:z.1f} %. Those are networks of 64 units; most "
                     f"is lost with {size}, {by_size[size]:.1f} %: enough for one size is not for another.")
        raise Wrong(said, draw)
    if cost > MOST_COST:
        raise Wrong(f"{said} That is little, and dearly paid: "
                    f"the limit is {100 * MOST_COST:.0f} % of the epochs.", draw)
    said += f" Its mean over the five is {np.mean(list(lost.values())):z.1f} %."
    if len(set(stops)) < FEW_STOPS:
        said += (f" But it ends the {len(stops)} runs in only {len(set(stops))} different epochs: it counts "
                 "epochs, and does not watch how a run goes. On a sixth problem it knows nothing.")
    return Right(said, draw)

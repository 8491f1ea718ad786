"""The exercises of chapter 04: right answers, wrong answers with their messages, and the score of 4.5."""

import numpy as np

from course_utils.classroom.chapter_04 import exercises as ex
from course_utils.classroom.chapter_04 import past_runs
from course_utils.stopping import Epochs, GeneralizationLoss, Patience, Smoothed, SuccessiveIncreases
from exercise_rules import ExerciseRules

LOSSES = np.array(ex.LOSSES)


def rises(values, strip, first=None, afresh=True, better=lambda value, before: value > before, lowest=False):
    """Right; each argument breaks one thing."""
    ends = values[strip - 1 if first is None else first :: strip]
    counts, before = [], float("inf")
    for value in ends:
        rose = better(value, before)
        last = counts[-1] if counts else 0
        counts.append(last + 1 if rose else 0 if afresh else last)
        before = min(before, value) if lowest else value
    return counts


def with_numpy(values, strip):
    ends = np.array(values[: len(values) // strip * strip]).reshape(-1, strip)[:, -1]
    counts = np.zeros(len(ends), int)
    for i in range(1, len(ends)):
        counts[i] = (counts[i - 1] + 1) * (ends[i] > ends[i - 1])
    return counts


def of_means(values, strip):
    means = [sum(values[i : i + strip]) / strip for i in range(0, len(values) - strip + 1, strip)]
    return rises(means, 1)


def flags(values, strip):
    return [min(count, 1) for count in rises(values, strip)]


def for_each_epoch(values, strip):
    return [int(count) for count in np.nan_to_num(SuccessiveIncreases(1, strip).score({"val_loss": values}))]


def with_a_half_strip(values, strip):
    last = values[-1] > values[len(values) // strip * strip - 1]
    return [*rises(values, strip), int(last)]


def of_bests(quantile, **method):
    return lambda past: np.quantile([min(run) for run in past], quantile, **method)


def by_hand(past):
    """Between the two values nearest to the place, as far as the place is."""
    lowest = sorted(min(run) for run in past)
    place = 0.95 * (len(lowest) - 1)
    low = int(place)
    return lowest[low] + (place - low) * (lowest[min(low + 1, len(lowest) - 1)] - lowest[low])


def by_sorting(past):
    return sorted(min(run) for run in past)[round(0.95 * (len(past) - 1))]


def patient(history):  # patience that grows with the epoch of the best
    losses = history["val_loss"]
    best = losses.index(min(losses))
    return len(losses) - 1 - best >= 12 + 0.1 * best or len(losses) >= 250


def counted(values, strip, higher):
    ends, counts = values[strip - 1 :: strip], [0]
    for before, value in zip(ends, ends[1:]):
        counts.append(counts[-1] + 1 if higher(value, before) else 0)
    return counts


def round_the_end(values, strip):
    counts = []
    for end in range(strip - 1, len(values), strip):
        rose = values[end] > values[end - strip]
        counts.append((counts[-1] if counts else 0) + 1 if rose else 0)
    return counts


def round_the_end_afresh(values, strip):
    ends, counts, row = values[strip - 1 :: strip], [], 0
    for i, value in enumerate(ends):
        row = row + 1 if value > ends[i - 1] else 0
        counts.append(row)
    return counts


def against_the_highest(values, strip):
    ends = values[strip - 1 :: strip]
    return counted([*np.maximum.accumulate(ends)], 1, np.greater)


def one_less(values, strip):
    counts = [0]
    for before, value in zip(values[strip - 1 :: strip], values[2 * strip - 1 :: strip]):
        counts.append(counts[-1] + 1 if value > before else max(0, counts[-1] - 1))
    return counts


def falls_alone_end_it(values, strip):
    counts = [0]
    for before, value in zip(values[strip - 1 :: strip], values[2 * strip - 1 :: strip]):
        counts.append(counts[-1] + 1 if value > before else 0 if value < before else counts[-1])
    return counts


def from_ten(values, strip):
    return counted([*[10] * strip, *values], strip, np.greater)[1:]


def keeps_a_list(values, strip, counts=[]):  # noqa: B006, the fault
    counts.extend(rises(values, strip))
    return counts[-(len(values) // strip):] if len(counts) < 7 else counts


def emptied(values, strip):
    counts = rises(values, strip)
    values.clear()
    return counts


def of_each(lowest):
    return lambda past: np.quantile([lowest(run) for run in past], 0.95)


def pooled(past, known=[]):  # noqa: B006, the fault
    known.extend(min(run) for run in past)
    return np.quantile(known, 0.95)


def patiently(run, patience=3):
    at = 0
    for epoch, loss in enumerate(run):
        if loss < run[at]:
            at = epoch
        elif epoch - at >= patience:
            break
    return run[at]


def sorts_them(past):
    for run in past:
        run.sort()
    return np.quantile([run[0] for run in past], 0.95)


def by_its_first_loss(history):
    """Tells the problems apart by their first loss, and counts epochs."""
    first = history["val_loss"][0]
    epochs = 200 if first > 1.2 else 80 if first < 0.1 else 60 if first < 0.3 else 10
    return len(history["val_loss"]) >= epochs


smoothed = Smoothed(5, Patience("val_loss", 20)) | Epochs(280)


def of_the_test(history):
    return history["test_loss"][-1] > history["test_loss"][0]


class TestChapter04(ExerciseRules):
    chapters = [ex]
    names = dict(np=np, Patience=Patience, Epochs=Epochs)
    answers = {
        ex.score_by_hand: (
            [[0, 0, 10, 25, 0, 20], "0, 0, 10, 25, 0, 20", (score for score in (0, 0, 10, 25, 0, 20)),
             np.array([0, 0, 10.0, 25.0, 0, 20.0]), (0, 0, 10, 25, 0, 20)],
            {"the future": (100 * (LOSSES / 0.3 - 1), "has not happened yet"),
             "shares": ([0, 0, 0.1, 0.25, 0, 0.2], "percent"),
             "the lowest before": ([0, -20, 10, 25, -25, 20], "This epoch is counted"),
             "the epoch before": ([0, -20, 10, 13.64, -40, 20], "epoch before"),
             "of now": ([0, 0, 9.09, 20, 0, 16.67], "Divide by the lowest"),
             "no minus": ([100, 100, 110, 125, 100, 120], "takes 1 away"),
             "the first": ([0, -20, -12, 0, -40, -28], "epoch 0"),
             "difference": ([0, 0, 0.04, 0.1, 0, 0.06], "difference"),
             "times": ([1, 1, 1.1, 1.25, 1, 1.2], "how many times"),
             "five": ([0, 10, 25, 0, 20], "six epochs"),
             "a text in it": ([0, 0, 10, 25, 0, "20"], "the text '20': leave out the quotes"),
             "one slip": ([0, 0, 10, 20, 0, 20], "At epoch 3"),
             "a number": (25, "list of six")},
            [0, ..., ..., ..., ..., ...]),
        ex.who_speaks_when: (
            [(9, 8, 14), [9, 8, 14], np.array([9, 8, 14])],
            {"from 1": ((10, 9, 15), "count from 1"),
             "patience of two": ((8, 8, 14), "third is the end"),
             "other libraries": ((10, 8, 14), "wait for one more"),
             "patience too late": ((11, 8, 14), "ended the run before"),
             "a small rise": ((9, 7, 14), "11 %"),
             "not the first": ((9, 9, 14), "held before"),
             "holds, but late": ((9, 13, 14), "had ended this run before epoch 13"),
             "patience later": ((12, 8, 14), "had ended this run before epoch 12"),
             "epochs for strips": ((9, 8, 8), "ends of strips"),
             "one strip": ((9, 8, 9), "Two in a row"),
             "inside": ((9, 8, 13), "inside a strip"),
             "elsewhere": ((3, 8, 14), "no loss before it is lower"),
             "the first failure": ((5, 8, 14), "the lowest so far is 0.5, at epoch 4"),
             "all failures": ((8, 8, 14), "epoch 6 improved"),
             "too soon for UP": ((9, 8, 4), "with 0.5, 0.6 and 0.62"),
             "too soon for GL": ((9, 3, 14), "lower than its 0.6"),
             "no epoch": ((9, 8, 19), "there is no epoch 19"),
             "two": ((9, 8), "Three epochs"),
             "a fraction": ((9.5, 8, 14), "in yours there is 9.5"),
             "a number": (9, "three epochs")},
            (..., ..., ...)),
        ex.rises_in_a_row: (
            [rises, with_numpy],
            {"falls": (lambda values, strip: counted(values, strip, np.less), "You count falls"),
             "falls and ties": (lambda v, s: counted(v, s, np.less_equal), "what did not move"),
             "round the end": (round_the_end, "round to the end of the list"),
             "never afresh": (lambda v, s: rises(v, s, afresh=False), "again, at 0"),
             "equal counts": (lambda v, s: rises(v, s, better=lambda a, b: a >= b), "comparison is >"),
             "the lowest": (lambda v, s: rises(v, s, lowest=True), "strip before"),
             "flags": (flags, "whether a strip rose"),
             "the highest so far": (against_the_highest, "highest so far"),
             "one less": (one_less, "sets the count to 0"),
             "begins": (lambda v, s: rises(v, s, first=0), "where strips begin"),
             "means": (of_means, "means"),
             "highest": (lambda v, s: rises([max(v[i : i + s]) for i in range(0, len(v) // s * s, s)], 1),
                         "at their highest values"),
             "falls alone end it": (falls_alone_end_it, "as high as the one before did not rise"),
             "0 is nothing": (lambda v, s: counted(v, s, lambda a, b: b and a > b), "0 and what is below it"),
             "begins at 10": (from_ten, "however high it ends"),
             "sizes": (lambda v, s: counted(v, s, lambda a, b: abs(a) > abs(b)), "0 and what is below it"),
             "five at most": (lambda v, s: [min(count, 5) for count in rises(v, s)], "count on"),
             "the first eight": (lambda v, s: rises(v[: 8 * s], s), "count on"),
             "strips of six at most": (lambda v, s: rises(v, min(s, 6)), "Here strip=7"),
             "keeps a list": (keeps_a_list, "kept from the call before"),
             "half strip": (with_a_half_strip, "not over"),
             "each epoch": (for_each_epoch, "once for each strip"),
             "first left out": (lambda v, s: rises(v, s)[1:], "stands in the list"),
             "fixed": (lambda v, s: rises(v, 2), "Is a number fixed"),
             "round the end, afresh": (round_the_end_afresh, "reaches round"),
             "two at most": (lambda v, s: [min(count, 2) for count in rises(v, s)], "count on"),
             "four at most": (lambda v, s: [min(count, 4) for count in rises(v, s)], "count on"),
             "a margin": (lambda v, s: rises(v, s, better=lambda a, b: a > b + 0.01), "however little"),
             "rounded": (lambda v, s: rises(v, s, better=lambda a, b: round(a, 2) > round(b, 2)), "little"),
             "close is equal": (lambda v, s: rises(v, s, better=lambda a, b: a > b and not np.isclose(a, b)),
                                "however little"),
             "at least two": (lambda v, s: rises(v, s) if len(v) >= 2 * s else [1], "none before it"),
             "empties the list": (emptied, "Change a copy"),
             "one number": (lambda v, s: rises(v, s)[-1], "list"),
             "nothing": (lambda v, s: None, "return missing"),
             "no function": ([0, 1, 2], "function")},
            lambda values, strip: ...),
        ex.threshold_of_past_runs: (
            [of_bests(0.95), lambda past: np.percentile([*map(min, past)], 95), by_hand],
            {"all epochs": (lambda past: np.quantile(np.concatenate(past), 0.95), "stop at once"),
             "mean of quantiles": (lambda past: np.mean([np.quantile(r, 0.95) for r in past]), "as a mean"),
             "one run": (lambda past: np.quantile(past[0], 0.95), "one run"),
             "the other end": (of_bests(0.05), "5 %"),
             "percentile": (of_bests(0.0095), "np.percentile"),
             "largest": (of_bests(1), "one bad run decides"),
             "last values": (lambda past: np.quantile([r[-1] for r in past], 0.95), "last value"),
             "smallest": (of_bests(0), "best there ever was"),
             "mean": (lambda past: np.mean([min(r) for r in past]), "the mean"),
             "median": (of_bests(0.5), "median"),
             "another": (of_bests(0.8), "Only 81 % of the past runs got down to"),
             "by sorting": (by_sorting, "other ways to take a quantile"),
             "the lower": (of_bests(0.95, method="lower"), "other ways to take a quantile"),
             "the higher": (of_bests(0.95, method="higher"), "other ways to take a quantile"),
             "another method": (of_bests(0.95, method="weibull"), "np.quantile(values, 0.95) of those"),
             "the second": (lambda past: sorted(map(min, past))[-2], "Right for these 21 runs"),
             "keeps the runs": (pooled, "kept from the call before"),
             "no two alike": (lambda past: np.quantile([*{min(run) for run in past}], 0.95), "0 and below"),
             "without zeros": (of_each(lambda run: min(loss for loss in run if loss)), "0 and below"),
             "sizes": (of_each(lambda run: min(map(abs, run))), "0 and below"),
             "from 100": (of_each(lambda run: min(100, *run)), "300 and more"),
             "patience inside": (of_each(patiently), "go up and down"),
             "six digits": (lambda past: round(of_bests(0.95)(past), 6), "Do not round"),
             "too easy": (lambda past: 0.5, "easier than needed: 95 % of the past runs got down to 0.3904"),
             "fixed": (lambda past: 0.39037, "Is a number fixed"),
             "a fixed epoch": (of_each(lambda run: run[5]), "the shortest has 3 epochs"),
             "a fixed epoch from the end": (of_each(lambda run: run[-3]), "easier than needed"),
             "the first valley": (of_each(past_runs.first_valley), "before the first rise"),
             "never the first": (of_each(lambda run: min(run[1:])), "leave out the first"),
             "never the last": (of_each(lambda run: min(run[:-1])), "leave out the last"),
             "the last three": (of_each(lambda run: min(run[-3:])), "in whichever epoch"),
             "the first ten": (of_each(lambda run: min(run[:10])), "in whichever epoch"),
             "the first twenty": (of_each(lambda run: min(run[:20])), "in whichever epoch"),
             "one table": (lambda past: np.quantile(np.min(np.array(past), axis=1), 0.95), "one by one"),
             "rounded": (lambda past: round(of_bests(0.95)(past), 3), "do not round"),
             "rounded to two": (lambda past: round(of_bests(0.95)(past), 2), "do not round"),
             "sorts them": (sorts_them, "Change a copy"),
             "a list": (lambda past: [min(r) for r in past], "One threshold")},
            lambda past: ...),
        ex.no_problem_behind: (
            [Patience("val_loss", 16) | Epochs(250), smoothed, patient],
            {"too soon": (GeneralizationLoss(5), "loses most on soybean"),
             "too short": (Patience("val_loss", 10) | Epochs(250), "64 units; most is lost with 256"),
             "a fixed length again": (Epochs(75), "networks of 64 units; most is lost with 16"),
             "never": (SuccessiveIncreases(8), "never end, most of them on"),
             "never, on one problem": (Patience("val_loss", 18), "2 of 100 runs never end, on soybean"),
             "too long": (Patience("val_loss", 50) | Epochs(299), "dearly paid"),
             "fixed length": (Epochs(90), "Both limits"),
             "a number": (20, "criterion"),
             "the test": (of_the_test, "must not see it")},
            ...)}


def test_the_stops_of_4_2_are_what_the_criteria_say():
    run = {"val_loss": ex.SPOKEN}
    rules = Patience("val_loss", 3), GeneralizationLoss(20), SuccessiveIncreases(2)
    assert tuple(rule.first(run) for rule in rules) == ex.STOPS


def test_the_scores_of_4_1_and_4_3_are_what_the_criteria_say():
    assert np.allclose(GeneralizationLoss(20).score({"val_loss": ex.LOSSES}), ex.GL)
    scores = SuccessiveIncreases(2, strip=2).score({"val_loss": ex.STRIPS})
    assert scores[~np.isnan(scores)].tolist() == ex.RISES


def test_no_length_of_patience_alone_ends_every_run_within_both_limits():
    # so that a budget is needed: the exercise's hint says so
    for length in (15, 16, 17, 18):
        assert ex._score(Patience("val_loss", length))[3], length


def test_a_rule_that_counts_epochs_alone_is_told_so():
    assert "does not watch how a run goes" in ex.no_problem_behind.grade(by_its_first_loss).text
    for rule in (Patience("val_loss", 16) | Epochs(250), smoothed, patient):
        assert "watch" not in ex.no_problem_behind.grade(rule).text


def test_the_past_runs_of_4_4_have_their_lowest_in_many_places():
    for past in (past_runs.PAST, past_runs.TEN):
        places = {(int(np.argmin(run)) == 0, int(np.argmin(run)) == len(run) - 1) for run in past}
        assert len({len(run) for run in past}) == past_runs.SHAPES and len(places) == 3
        assert all(run.count(min(run)) == 1 for run in past)

"""The exercises of chapter 05: right answers, wrong answers with their messages, and the score of 5.5."""

import numpy as np

from course_utils.classroom.chapter_05 import exercises as ex
from course_utils.classroom.chapter_05 import second_stops
from course_utils.classroom.data import load_curves
from course_utils.pruning import at_target, tfmot
from course_utils.stopping import Above, After, Armed, Epochs, Patience
from exercise_rules import ExerciseRules

three, full, target = Patience("val_loss", 3), Above("sparsity", 0.895), at_target(0.9)


def zeros(kernels):
    return sum(np.sum(kernel == 0) for kernel in kernels) / sum(kernel.size for kernel in kernels)


def in_one_array(kernels):
    return np.mean(np.concatenate([np.ravel(kernel) for kernel in kernels]) == 0)


def share(count, size=np.size):
    return lambda kernels: sum(map(count, kernels)) / sum(map(size, kernels))


def are_zero(kernel):
    return np.sum(kernel == 0)


def second_stop(history, above=0.895, length=3, fresh=True, compare=None):
    """Right; each argument breaks one thing."""
    shares, losses = history["sparsity"], history["val_loss"]
    counted = [loss for loss, share in zip(losses, shares) if share > above]
    before = counted[:-length] if fresh else losses[:-length]
    return len(counted) > length and bool((compare or np.greater_equal)(min(counted[-length:]), min(before)))


def with_a_loop(history):
    best, wait = float("inf"), 0
    for loss, share in zip(history["val_loss"], history["sparsity"]):
        if share <= 0.895:
            continue
        best, wait = (loss, 0) if loss < best else (best, wait + 1)
    return wait >= 3


def never_afresh(history):
    best, wait = float("inf"), 0
    for loss, share in zip(history["val_loss"], history["sparsity"]):
        if share > 0.895:
            wait += loss >= best
            best = min(loss, best)
    return wait >= 3


def three_rises(history):
    losses = [loss for loss, share in zip(history["val_loss"], history["sparsity"]) if share > 0.895]
    return len(losses) > 3 and bool(np.all(np.diff(losses[-4:]) > 0))


def other_column(history):
    losses = [loss for loss in history["val_loss"] if loss > 0.895]
    return len(losses) > 3 and min(losses[-3:]) >= min(losses[:-3])


def fine_tuned(history):
    return sum(share > 0.899 for share in history["sparsity"]) >= 12


def fine_tuned_or_worse(history):
    return fine_tuned(history) or second_stop(history)


class TestChapter05(ExerciseRules):
    chapters = [ex]
    names = dict(np=np, Above=Above, Armed=Armed, Epochs=Epochs, Patience=Patience,
                 at_target=at_target)
    answers = {
        ex.share_of_zeros: (
            [zeros, in_one_array],
            {"mean of shares": (lambda kernels: np.mean([np.mean(k == 0) for k in kernels]), "mean of two"),
             "the others": (lambda kernels: 1 - zeros(kernels), "*not* zero"),
             "a count": (lambda kernels: sum(map(are_zero, kernels)), "how many zeros"),
             "a list": (lambda kernels: np.mean(kernels == 0), "one array at a time"),
             "rows": (share(are_zero, len), "counts the rows"),
             "arrays": (lambda kernels: sum(map(are_zero, kernels)) / len(kernels), "number of arrays"),
             "first": (lambda kernels: zeros(kernels[:1]), "first array"),
             "last": (lambda kernels: zeros(kernels[-1:]), "last array"),
             "nearly": (share(lambda k: np.isclose(k, 0).sum()), "as a zero"),
             "negative": (share(lambda k: np.sum(k <= 0)), "negative weights as zeros."),
             "both": (share(lambda k: np.sum(k < 1e-6)), "and small ones"),
             "two-dimensional": (share(lambda k: sum(row.count(0) for row in k.tolist())), "raised"),
             "fixed": (lambda kernels: 21 / 26, "Is a number fixed"),
             "each": (lambda kernels: [np.mean(k == 0) for k in kernels], "One number"),
             "another": (lambda kernels: 0.6, "You return 0.6"),
             "nothing": (lambda kernels: None, "return missing")},
            lambda kernels: ...),
        ex.last_mask: (
            [(0.789, 200), [0.9 * (1 - (1 - 100 / 199) ** 3), 200.0], np.array([0.79, 200])],
            {"as asked": ((0.9, 200), "no mask is drawn there"),
             "nothing": ((0, 200), "another one, at step 100"),
             "a straight line": ((0.452, 200), "straight line"),
             "no target": ((0.877, 200), "Times the target"),
             "what is missing": ((0.111, 200), "Take it from 0.9"),
             "of the mended one": ((0.7875, 200), "ends at 200"),
             "another": ((0.5, 200), "not 0.5"),
             "percent": ((78.9, 200), "is a share"),
             "the other way round": ((200, 0.789), "comes first"),
             "as it was": ((0.789, 199), "what it was"),
             "one less": ((0.789, 198), "no multiple of 100 either"),
             "half": ((0.789, 100), "half the time"),
             "too long": ((0.789, 300), "nearer to 199"),
             "longer": ((0.789, 1000), "long way"),
             "no multiple": ((0.789, 240), "no multiple of 100"),
             "one number": (0.789, "two numbers")},
            (..., ...)),
        ex.armed_stop: (
            [second_stop, with_a_loop, Armed(full, three)],
            {"patience alone": (three, "not to be counted"),
             "and": (three & full, "begin to count there"),
             "the old best": (lambda h: second_stop(h, fresh=False), "before the cut"),
             "one early": (lambda h: second_stop(h, length=2), "two without a better one"),
             "one late": (lambda h: second_stop(h, length=4), "one too late"),
             "exactly": (lambda h: second_stop(h, above=0.9), "not to 0.9"),
             "rises": (three_rises, "need not rise"),
             "ties": (lambda h: second_stop(h, compare=np.greater), "the comparison is >="),
             "at the border": (lambda h: second_stop(h, above=np.nextafter(0.895, 0)), "the comparison is >"),
             "above 0.89": (lambda h: second_stop(h, above=0.89), "the border is 0.895"),
             "another column": (other_column, "Is it the sparsity"),
             "five full epochs": (lambda h: sum(share > 0.895 for share in h["sparsity"]) == 6,
                                  "Is a number of epochs fixed"),
             "one more": (lambda h: second_stop(h) and np.sum(np.array(h["sparsity"]) > 0.895) > 4,
                          "3 bring no new lowest"),
             "a fixed epoch": (After(8, three), "Is an epoch fixed"),
             "never afresh": (never_afresh, "begin the count again"),
             "half full": (lambda h: second_stop(h, above=0.75), "a share that is too small"),
             "at last": (lambda h: second_stop(h) or h["sparsity"][-4:] == 4 * [0.789], "not full"),
             "at once": (full, "first with full masks"),
             "a number": (lambda h: 3, "True or False"),
             "nothing": (lambda h: None, "return missing"),
             "no function": (11, "function")},
            lambda history: ...),
        ex.read_the_table: (
            ["bd", ["b", "d"], np.array(["b", "d"]), (letter for letter in "bd"), "d, b", {"B", "D"}],
            {"files": ("abd", "a does not hold"),
             "zeros are fast": ("bcd", "c does not hold"),
             "smallest": ("d", "b holds"),
             "both": ("b", "d holds"),
             "none": ("", "b holds"),
             "all": ("abcd", "a does not hold"),
             "numbers": ([2, 4], "letters a, b, c and d"),
             "a number": (2, "letters a, b, c and d")},
            ...),
        ex.your_second_stop: (
            [(Armed(target, three | Epochs(12)), target), [Armed(full, three | Epochs(12)), full],
             (fine_tuned_or_worse, target)],
            {"a fixed number": ((After(8, Epochs(11)), full), "Let it wait for the measured sparsity"),
             "a fixed end": ((Epochs(20), Epochs(20)), "Let it wait for the measured sparsity"),
             "nearly full": ((Armed(Above("sparsity", 0.8), Epochs(15)), full), "with sparsity 0.8"),
             "the best may be less": ((Armed(full, three | Epochs(12)), Above("sparsity", 0.85)),
                                      "keeps 0.86. Only epochs with full masks"),
             "no patience": ((Armed(full, Epochs(12)), full), "that is what patience is for"),
             "no patience, by hand": ((fine_tuned, target), "that is what patience is for"),
             "the training loss": ((Armed(full, Patience("loss", 3) | Epochs(12)), full), "patience is for"),
             "patience": ((three, None), "waited for the masks"),
             "long patience": ((Patience("val_loss", 10), None), "the choice of the best epoch"),
             "best of all": ((Armed(full, three | Epochs(12)), None), "the choice of the best epoch"),
             "no wait": ((three, target), "keep nothing"),
             "no budget": ((Armed(target, three), target), "never end"),
             "too soon": ((Armed(target, three | Epochs(4)), target), "too much"),
             "too long": ((Armed(target, three | Epochs(16)), target), "too long"),
             "the test": ((lambda history: history["test_accuracy"][-1] > 0.96, target), "must not see it"),
             "one": (Armed(target, three), "Two things"),
             "numbers": ((20, 0.9), "criteria")},
            (..., ...)),
    }


def test_5_5_needs_the_budget_and_both_limits_leave_room():
    best = {n: ex.score(Armed(target, three | Epochs(n)), target) for n in (6, 11, 12, 13, 16)}
    ends = {n: (epochs <= ex.MOST_EPOCHS, lost <= ex.MOST_LOST) for n, (epochs, _, lost, _) in best.items()}
    assert ends == {6: (True, False), 11: (True, True), 12: (True, True), 13: (True, True), 16: (False, True)}


def test_the_runs_of_5_5_begin_where_pruning_begins():
    for seen, accuracy in second_stops.runs():
        assert 0 < seen["sparsity"][0] < 0.6 and seen["sparsity"][-1] > ex.FULL
        assert len(accuracy) == len(seen["val_loss"]) > 20 and "test_accuracy" not in seen


def test_the_statements_of_5_4_are_what_was_recorded():
    table = load_curves("pruning_sizes")
    models = "dense", "pruned", "int8", "pruned int8", "half"
    mean = {name: {column: np.mean([run[column][0] for run in table.select(model=name)])
                   for column in ("lite_bytes", "lite_gz", "latency")} for name in models}
    truth = {"a": mean["pruned"]["lite_bytes"] < 0.99 * mean["dense"]["lite_bytes"],
             "b": min(models, key=lambda name: mean[name]["lite_gz"]) == "pruned int8",
             "c": mean["pruned"]["latency"] < mean["half"]["latency"],
             "d": 0.97 * mean["int8"]["latency"] < min(0.5, mean["pruned int8"]["latency"])}
    assert {letter: holds for letter, (holds, _) in ex.STATEMENTS.items()} == truth
    assert round(mean["int8"]["latency"], 2) == 0.30 and round(mean["pruned int8"]["latency"], 2) == 0.31


def test_the_masks_of_5_2_are_those_that_tfmot_draws():
    schedule = tfmot().sparsity.keras.PolynomialDecay(0.0, 0.9, begin_step=0, end_step=199, frequency=100)
    drawn = [(step, float(share)) for step in range(230) for now, share in [schedule(step)] if bool(now)]
    assert [step for step, _ in drawn] == [0, 100]
    assert np.isclose(drawn[-1][1], ex._asked(100))
    assert ex.last_mask.grade((drawn[-1][1], 200)).state == "right"

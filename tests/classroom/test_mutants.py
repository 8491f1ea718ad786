"""Every checker refuses the typical faults of a solution, or the table says why a mutant is right, too."""

import math

import keras
import numpy as np
import pytest

from course_utils.classroom.chapter_00 import exercises as chapter_00
from course_utils.classroom.chapter_01 import exercises as chapter_01
from course_utils.classroom.chapter_02 import exercises as chapter_02
from course_utils.classroom.chapter_03 import exercises as chapter_03
from course_utils.classroom.chapter_04 import exercises as chapter_04
from course_utils.classroom.chapter_05 import exercises as chapter_05
from course_utils.classroom.chapter_06 import exercises as chapter_06
from course_utils.classroom.chapter_06 import source_exercises as chapter_06b
from course_utils.classroom.chapter_07 import exercises as chapter_07
from course_utils.classroom.chapter_08 import exercises as chapter_08
from course_utils.classroom.chapter_09 import appendix_exercises as chapter_09b
from course_utils.classroom.chapter_09 import exercises as chapter_09
from course_utils.classroom.chapter_90 import exercises as chapter_90
from course_utils.pruning import at_target
from course_utils.stopping import (
    Above,
    Armed,
    Below,
    Epochs,
    ImprovementBelow,
    Patience,
    Smoothed,
    StepBudget,
    patience_for,
)
from mutants import TooManySteps, answer_of, mutants, with_faulty_calls

CHAPTERS = [chapter_00, chapter_01, chapter_02, chapter_03, chapter_04, chapter_05, chapter_06, chapter_06b,
            chapter_07, chapter_08, chapter_09, chapter_09b, chapter_90]
TRAIN = "6.4", "7.3", "9.5"  # what may be wrong is tried, mostly without training, in test_exercises_NN
EXERCISES = {e.number: e for chapter in CHAPTERS for e in chapter.chapter.exercises if e.number not in TRAIN}


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


NAMES = dict(keras=keras, np=np, math=math, Above=Above, Armed=Armed, Below=Below, Epochs=Epochs,
             ImprovementBelow=ImprovementBelow, Patience=Patience, Smoothed=Smoothed, StepBudget=StepBudget,
             at_target=at_target, patience_for=patience_for, softmax=softmax)


# other ways to write a right answer: faults grow on them, too
ALSO = [
    ("1.2", """
def batches_run(losses, threshold):
    counts = []
    for epoch in losses:
        below = [i for i, loss in enumerate(epoch) if loss < threshold]
        counts.append(below[0] + 1 if below else len(epoch))
    return counts
"""),
    ("1.3", """
def mean_loss(losses, sizes):
    total = 0
    for i in range(len(losses)):
        total += losses[i] * sizes[i]
    return total / np.sum(sizes)
"""),
    ("2.2", """
def improvements(losses):
    found = [float("inf")]
    for i in range(1, len(losses)):
        found.append(losses[i - 1] - losses[i])
    return found
"""),
    ("2.3", """
def stop(seconds, losses, limit, epsilon):
    if seconds[-1] >= limit:
        return True
    if len(losses) < 2:
        return False
    return losses[-2] - losses[-1] <= epsilon
"""),
    ("3.2", """
def best_epoch(values, mode):
    if mode == "max":
        values = [-value for value in values]
    values = np.nan_to_num(values, nan=np.inf)
    return int(np.argmin(values))
"""),
    ("3.3", """
class MyEarlyStopping(keras.callbacks.Callback):
    def __init__(self, patience):
        super().__init__()
        self.patience = patience

    def on_train_begin(self, logs=None):
        self.losses, self.kept = [], None

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["val_loss"])
        if np.isnan(self.losses).all():
            best = -1
        else:
            best = int(np.nanargmin(self.losses))
        if best == epoch:
            self.kept = self.model.get_weights()
        if epoch - best >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.kept:
            self.model.set_weights(self.kept)
"""),
    ("3.4", """
def regret(val_loss, test_loss, stop):
    seen = val_loss[: stop + 1]
    kept = test_loss[seen.index(min(seen))]
    best = test_loss[val_loss.index(min(val_loss))]
    return (kept - best) / best * 100
"""),
    ("4.3", """
def rises(values, strip):
    counts, before = [], float("inf")
    for i in range(strip - 1, len(values), strip):
        if values[i] > before:
            counts.append(counts[-1] + 1)
        else:
            counts.append(0)
        before = values[i]
    return counts
"""),
    ("5.1", """
def share_of_zeros(kernels):
    zeros, weights = 0, 0
    for kernel in kernels:
        zeros += np.sum(kernel == 0)
        weights += kernel.size
    return zeros / weights
"""),
    ("5.3", """
def second_stop(history):
    best, wait = float("inf"), 0
    for loss, share in zip(history["val_loss"], history["sparsity"]):
        if share > 0.899:
            if loss < best:
                best, wait = loss, 0
            else:
                wait += 1
    return wait >= 3
"""),
    ("6.3", """
def two_phases(head, top, patience):
    lengths, best = [], (float("inf"), None)
    before = 0
    for losses in (head, top):
        lowest, at, length = float("inf"), 0, 0
        for epoch, loss in enumerate(losses):
            length += 1
            if loss < lowest:
                lowest, at = loss, epoch
            if epoch - at >= patience:
                break
        lengths.append(length)
        if lowest < best[0]:
            best = lowest, before + at
        before += length
    return lengths[0], lengths[1], best[1]
"""),
    ("7.2", """
def ogr(train, val, start, end):
    gaps = []
    for a, b in zip(train, val):
        gaps.append(b - a)
    if val[start] == val[end]:
        return math.inf
    return abs((gaps[end] - gaps[start]) / (val[end] - val[start]))
"""),
    ("8.2", """
def mean_regret(regrets, problems):
    sums, counts = {}, {}
    for regret, problem in zip(regrets, problems):
        sums[problem] = sums.get(problem, 0) + regret
        counts[problem] = counts.get(problem, 0) + 1
    total = 0
    for problem in sums:
        total += sums[problem] / counts[problem]
    return total / len(sums)
"""),
    ("8.3", """
def choose(settings, goal):
    best, lowest = None, float("inf")
    for name in settings:
        cost, regret = settings[name]
        if regret <= goal and cost < lowest:
            best, lowest = name, cost
    return best
"""),
    ("8.4", """
def stop(val_loss, worth):
    best, at, lowest = float("inf"), 0, float("inf")
    for epoch, loss in enumerate(val_loss):
        lowest = min(lowest, loss)
        paid = worth * epoch + lowest
        if paid < best:
            best, at = paid, epoch
    return at
"""),
    ("9.2", """
def cut(kernel, bias, after, gone):
    least = sorted(range(len(bias)), key=lambda unit: sum(abs(weight) for weight in kernel[:, unit]))[:gone]
    return np.delete(kernel, least, 1), np.delete(bias, least), np.delete(after, least, 0)
"""),
    ("9.3", """
def front_of(models):
    kept = []
    for name, (size, right) in sorted(models.items(), key=lambda item: item[1]):
        beaten = False
        for other in models.values():
            if other[0] <= size and other[1] >= right and other != (size, right):
                beaten = True
        if not beaten:
            kept.append(name)
    return kept
"""),
    ("9.4", """
def tolerated(rows):
    for share in sorted({row[1] for row in rows}, reverse=True):
        points = [uncut - accuracy for seed, each, accuracy in rows for other, none, uncut in rows
                  if each == share and none == 0 and seed == other]
        if sum(points) / len(points) <= 1:
            return share
"""),
    ("9b.1", """
def soft_loss(teacher, student, temperature):
    total = 0
    for z, other in zip(teacher, student):
        p, q = np.exp(z / temperature), np.exp(other / temperature)
        p, q = p / p.sum(), q / q.sum()
        total += np.sum(p * (np.log(p) - np.log(q)))
    return temperature * temperature * total / len(teacher)
"""),
    ("90.3", """
def best_epoch(history, validation_freq):
    losses = history["val_loss"]
    epochs = [validation_freq * (i + 1) - 1 for i in range(len(losses))]
    return min(zip(losses, epochs))[1]
"""),
]

OPEN = "an open problem: the limits leave room, and this keeps them"
KERAS = "set_model and set_params set afterwards all that Callback.__init__ sets"
FALSY = "only asked whether there is something in it"
ONE_BY_ONE = "it grows by one and is asked each time, so it cannot pass the number"
TWICE = "the order of twice the values is theirs"
FIRST_LOSS = "the first loss is below infinity and sets it anew"
COMPARED = "of \"min\" and \"max\" only the one is as large as that"
WINDOW = "ImprovementBelow('val_loss', epsilon=0.001, window=40, relative=True)"
START = "lowest, at, length = (float('inf'), 0, 0)"
OFFSET = "each epoch pays the same more, or less"
NOTHING_PAID = "best, at, lowest = (float('inf'), 0, float('inf'))"
NONE_YET = "lengths, best = ([], (float('inf'), None))"
# exercise -> {mutant of its solution, or of another one in ALSO: why it is right, too}
EQUIVALENT = {
    "0.1": {"answer = 55 -> answer = 56": OPEN, "answer = 55 -> answer = 54": OPEN},
    "1.4": {"super().__init__() -> left out": KERAS},
    "1.5": {"Epochs(10) -> Epochs(11)": OPEN},
    "2.4": {"super().__init__() -> left out": KERAS,
            "self.on_train_batch_end(None) -> self.on_train_batch_end(0)": "which batch it was is not asked"},
    "2.5": {f"{WINDOW} -> ImprovementBelow('val_loss', epsilon={other})": OPEN
            for other in ("0.001, window=40", "0.001, window=40, relative=False",
                          "0.001, window=41, relative=True", "0.001, window=39, relative=True",
                          "0.00105, window=40, relative=True",
                          "0.00095, window=40, relative=True")},
    "3.2": {"mode == 'min' -> mode >= 'min'": COMPARED, "mode == 'max' -> mode <= 'max'": COMPARED,
            "1 if mode == 'min' else -1 -> 2 if mode == 'min' else -1": TWICE,
            "1 if mode == 'min' else -1 -> 1 if mode == 'min' else -2": TWICE,
            "best, epoch = (float('inf'), None) -> best, epoch = (float('inf'), 0)":
            "what values that are all NaN should give is not said"},
    "3.3": {"super().__init__() -> left out": KERAS,
            "self.wait >= self.patience -> self.wait == self.patience": ONE_BY_ONE,
            "epoch - best >= self.patience -> epoch - best == self.patience": ONE_BY_ONE,
            "best == epoch -> best >= epoch": "no best epoch is still to come",
            "self.losses, self.kept = ([], None) -> self.losses, self.kept = ([], 0)": FALSY},
    "3.5": {f"{part} -> {other}": OPEN for part, other in (
        ("Smoothed(5, Patience('val_loss', 12)) | Epochs(200)", "Smoothed(5, Patience('val_loss', 12))"),
        ("Smoothed(5, Patience('val_loss', 12))", "Smoothed(6, Patience('val_loss', 12))"),
        ("Smoothed(5, Patience('val_loss', 12))", "Smoothed(4, Patience('val_loss', 12))"),
        ("Epochs(200)", "Epochs(201)"), ("Epochs(200)", "Epochs(199)"),
        ("Patience('val_loss', 12)", "Patience('val_loss', 13)"),
        ("Patience('val_loss', 12)", "Patience('val_loss', 11)"))},
    "4.5": {f"{part} -> {other}": OPEN for part, other in (
        ("Patience('val_loss', 16)", "Patience('val_loss', 17)"),
        ("Patience('val_loss', 16)", "Patience('val_loss', 15)"),
        ("Epochs(250)", "Epochs(251)"), ("Epochs(250)", "Epochs(249)"))},
    "5.3": {"losses[-3:] -> losses[:]": "the lowest of all is below that of the others only where it is new",
            "losses[-3:] -> losses[-4:]": "the fourth from the end is among the others as well",
            "best, wait = (float('inf'), 0) -> best, wait = (float('inf'), 1)": FIRST_LOSS,
            "best, wait = (float('inf'), 0) -> best, wait = (float('inf'), -1)": FIRST_LOSS},
    "5.5": {f"{part} -> {other}": OPEN for part, other in (
        ("Patience('val_loss', 3)", "Patience('val_loss', 4)"),
        ("Patience('val_loss', 3)", "Patience('val_loss', 2)"),
        ("Epochs(12)", "Epochs(13)"), ("Epochs(12)", "Epochs(11)"))},
    "6.3": {"for (epoch, loss) in enumerate(losses) -> without the last":
            "at the end of its list a phase ends anyway",
            "wait == patience -> wait >= patience": ONE_BY_ONE,
            "epoch - at >= patience -> epoch - at == patience": ONE_BY_ONE,
            "best, wait = (float('inf'), 0) -> best, wait = (float('inf'), 1)": FIRST_LOSS,
            "best, wait = (float('inf'), 0) -> best, wait = (float('inf'), -1)": FIRST_LOSS,
            f"{START} -> lowest, at, length = (float('inf'), 1, 0)": FIRST_LOSS,
            f"{START} -> lowest, at, length = (float('inf'), -1, 0)": FIRST_LOSS,
            f"{NONE_YET} -> lengths, best = ([], (float('inf'), 0))": FIRST_LOSS,
            f"{NONE_YET} -> lengths, best = ([], (float('inf'),))": FIRST_LOSS,
            "before += length -> =": "there are two phases: one number is added, to 0"},
    "7.4": {f"Above('{name}', 0.5) -> Above('{name}', {value})": "the column is 0 or 1"
            for name in ("pictures_frozen", "words_frozen") for value in (0.525, 0.475)},
    "7.5": {f"Patience('val_loss', 3) -> Patience('val_loss', {n})": OPEN for n in (4, 2)},
    "8.3": {"cost < lowest -> cost <= lowest": "which of two good settings of one cost is not said"},
    "8.4": {**{f"epoch + 1 -> epoch{other}": OFFSET for other in (" - 1", "", " + 2", " + 0")},
            **{f"{NOTHING_PAID} -> best, at, lowest = (float('inf'), {epoch}, float('inf'))": FIRST_LOSS
               for epoch in (1, -1)}},
    "8.5": {f"{part}({n}) -> {part}({n + by})": OPEN
            for part, n in (("Epochs", 500), ("patience_for", 600)) for by in (1, -1)},
    "9.3": {"kept, best = ([], -1) -> kept, best = ([], -2)": "no accuracy is as low as either"},
    "9.4": {f"{share} == 0 -> {share} <= 0": "no share is below 0" for share in ("share", "none")},
    "90.2": {"answer = [1, 2, 5] -> answer = [5, 2, 1]": "any order will do"},
}


def cases():
    for number, exercise in EXERCISES.items():
        yield pytest.param(number, exercise.code, id=number)
    for number, code in ALSO:
        yield pytest.param(number, code, id=f"{number}-also")


def outcomes(number, code):
    """Of the mutants of this code: {name: did the checker take it for right?}."""
    exercise, found = EXERCISES[number], {}
    verdict = exercise.grade(answer_of(code, NAMES))
    assert verdict.state == "right", verdict.text
    made = [(name, lambda text=text: answer_of(text, NAMES)) for name, text in mutants(code)]
    for name, make in [*made, *with_faulty_calls(answer_of(code, NAMES))]:
        try:
            answer = make()
        except Exception:  # no answer comes of it: its author sees that
            continue
        right = exercise.grade(answer).state == "right"
        found[name] = found.get(name, False) or right  # a name may stand for two places
    return found


@pytest.mark.parametrize(("number", "code"), cases())
def test_no_mutant_is_accepted_but_those_that_are_right(number, code):
    found = outcomes(number, code)
    wrong = [name for name, right in found.items() if right and name not in EQUIVALENT.get(number, {})]
    assert len(found) >= 2
    assert not wrong, f"{len(wrong)} of {len(found)} mutants of {number} are accepted:\n" + "\n".join(wrong)
    SEEN.setdefault(number, set()).update(name for name, right in found.items() if right)


SEEN = {}


def test_the_table_names_no_mutant_that_is_refused_or_not_made():
    for number, table in EQUIVALENT.items():
        if number in SEEN:  # not where single tests are run
            assert set(table) == SEEN[number], number


def test_the_faults_are_made():
    code = """
def stop(values, limit):
    best, at = min(values), values[0]
    for value in values:
        if value < limit and value != best:
            return values[-1] + 1
    return "val_loss"
"""
    names = {name for name, _ in mutants(code)}
    assert {"min(values) -> max(values)", "value < limit -> value <= limit", "value < limit -> value > limit",
            "values[0] -> values[1]", "values[0] -> values[-1]", "values[-1] + 1 -> values[-1] - 1",
            "values[-1] + 1 -> values[-1] + 2", "value < limit and value != best -> value < limit",
            "value < limit and value != best -> value < limit or value != best",
            "return 'val_loss' -> return 'loss'", "return 'val_loss' -> in the loop",
            "for value in values -> once"} <= names
    assert [name for name, _ in with_faulty_calls(answer_of(code, {}))] == [
        "by heart: the first result", "ignores values", "ignores limit"]


def test_a_mutant_that_never_ends_is_ended():
    endless = answer_of("def count(n):\n    while True:\n        n += 1\n", {})
    with pytest.raises(TooManySteps):
        endless(0)

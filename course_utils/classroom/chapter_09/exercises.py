"""The five exercises of chapter 09, small and fast."""

import gzip
import math

import numpy as np

from ..exercises import Chapter
from ..stage import Right, Wrong, call, one, several, shown, untouched_template
from ..untouched import first_fault
from .cases import CUTS, FRONTS, TOLERATED, some_models, some_rows

chapter = Chapter()
summary = chapter.summary

# ---- 9.1 ----

LEFT = (64 * 150 + 150) + (150 * 50 + 50) + (50 * 10 + 10)


@chapter.exercise(
    "9.1", "Half of the units",
    hints=["A Dense layer has inputs times units weights, and a bias for each unit. What goes into the "
           "second layer now?",
           "64 x 150 + 150, then 150 x 50 + 50. The third layer still gives ten answers."],
    solution="answer = (64 * 150 + 150) + (150 * 50 + 50) + (50 * 10 + 10)",
    fact="Little more than a third is left, not a half: the kernel between two layers that are cut keeps a "
         "quarter.")
def half_the_units(answer):
    value = one(answer, "The answer is one number, such as 20000")
    if value == LEFT:
        return None
    whole = (64 * 300 + 300) + (300 * 100 + 100) + (100 * 10 + 10)
    mistakes = {
        whole: "That is all of them, before the cut.",
        whole / 2: "That is half of all. But a kernel between two layers that are cut loses twice: rows and "
                   "columns.",
        whole / 4: "That is a quarter of all. The pixels and the ten answers stay, so the first and the last "
                   "kernel lose only one side.",
        whole / 3: "That is a third of all, as it was nearly in the lesson. It depends on the widths: count.",
        whole - LEFT: "That is how many go. How many are left?",
        17226: "That is what is left of the lesson's network. This one has 300 and 100 units.",
        LEFT - 210: "That is without the biases: 150 + 50 + 10 more.",
        LEFT - 10: "The ten answers have a bias each, too.",
        64 * 150 + 150 + 300 * 50 + 50 + 50 * 10 + 10:
            "The second layer still has 300 inputs in yours, and half of what fed it is gone.",
        64 * 150 + 150 + 150 * 50 + 50 + 100 * 10 + 10:
            "The third layer still has 100 inputs in yours, and 50 units are left before it.",
        64 * 150 + 150 + 300 * 50 + 50 + 100 * 10 + 10:
            "What goes into a layer is what is left of the one before: in yours, all of it still arrives.",
        64 * 150 + 150 + 150 * 100 + 100 + 100 * 10 + 10: "In yours the first layer alone is cut.",
        64 * 300 + 300 + 300 * 50 + 50 + 50 * 10 + 10: "In yours the second layer alone is cut.",
        32 * 150 + 150 + 150 * 50 + 50 + 50 * 10 + 10: "The 64 pixels stay: they are no units of a layer.",
        64 * 150 + 150 + 150 * 50 + 50 + 50 * 5 + 5: "The last layer stays whole: there are ten digits."}
    for wrong, reason in mistakes.items():
        if math.isclose(value, wrong, rel_tol=1e-9):
            return reason
    if abs(value - LEFT) / LEFT < 0.02:
        return f"{value:g} is near. Count to the last bias: 64 x 150 + 150, and so on."
    return (f"It is not {value:g}. Write down the three kernels after the cut, rows times columns, and add a "
            "bias for each column.")


# ---- 9.2 ----

def cut_by_hand(kernel, bias, after, gone):
    kept = np.sort(np.argsort(np.abs(kernel).sum(0), kind="stable")[gone:])
    return kernel[:, kept], bias[kept], after[kept]


@chapter.exercise(
    "9.2", "Cut by hand",
    hints=["How large is each unit? `np.abs(kernel).sum(0)`. Which stay? The last of `np.argsort(...)`, "
           "sorted again.",
           "A unit is a column of its own kernel, a number of its bias, and a row of the kernel after it."],
    solution='''
def cut(kernel, bias, after, gone):
    size = np.abs(kernel).sum(0)
    kept = np.sort(np.argsort(size)[gone:])
    return kernel[:, kept], bias[kept], after[kept]
''',
    fact="Those are three places for one unit. In a network with branches there may be a dozen, which is why "
         "prune_filters has a few hundred lines.")
def cut_units(answer):
    def fault(kernel, bias, after, gone, reason):
        given = kernel.copy(), bias.copy(), after.copy()
        parts = several(call(answer, *given, gone), typed=False)
        if parts is None or len(parts) != 3:
            return (f"Three arrays are asked for: kernel, bias, after; you return "
                    f"{'one' if parts is None else len(parts)}.")
        if not all(map(np.array_equal, given, (kernel, bias, after))):
            return "Afterwards the arrays that you were given are others, and the network still needs them."
        due = cut_by_hand(kernel, bias, after, gone)
        said = f"Sizes {np.abs(kernel).sum(0).round(4).tolist()}, and {gone or 'none'} of them should go."
        for name, got, right in zip(("kernel", "bias", "after"), map(np.asarray, parts), due):
            if got.shape != right.shape:
                return f"{said} Your {name} has the shape {got.shape}, and it is {right.shape}.{_axis(name)}"
        wrong = [name for name, got, right in zip(("kernel", "bias", "after"), parts, due)
                 if not np.allclose(np.asarray(got, float), right, rtol=1e-6, atol=0)]  # float32 will do
        if "kernel" in wrong:
            same = sorted(np.asarray(parts[0]).T.tolist()) == sorted(due[0].T.tolist())
            return f"{said} {'The units that stay keep their order.' if same else reason}"
        if wrong:
            return (f"{said} Your kernel is right, {' and '.join(wrong)} not: the same units go everywhere, "
                    "and the numbers stay as they are.")
        return None

    return first_fault(fault, CUTS)


def _axis(name):
    return {"kernel": " Units are its columns.", "bias": " It has one number for each unit that is left.",
            "after": " Units are its rows."}[name]


# ---- 9.3 ----

@chapter.exercise(
    "9.3", "The front",
    hints=["One is beaten if another is no larger and no less accurate, and better in one of the two.",
           "Sort by bytes, and of equals the more accurate first. Then one stays if it is more accurate than "
           "all before it."],
    solution='''
def front(models):
    kept, best = [], -1
    for name in sorted(models, key=lambda name: (models[name][0], -models[name][1])):
        if models[name][1] > best:
            kept.append(name)
            best = models[name][1]
    return kept
''',
    fact="What is not on the front is nobody's choice. What is, depends on what you pay for.")
def the_front(answer):
    def fault(models, right, reason):
        given = dict(models)
        got = call(answer, given)
        parts = several(got, typed=False)
        if given != models:
            return "Afterwards the dict that you were given is another. Leave it as it is, or work on a copy."
        names = None if parts is None else [str(part) for part in parts]
        if names is None or not all(isinstance(part, str) for part in parts):
            return f"A list of names is asked for, such as {right}; you return {shown(got)}."
        if strange := [name for name in names if name not in models]:
            return f"Of {models} the front is {right}. You return {names}, and there is no {strange[0]!r}."
        if sorted(names) == sorted(right):
            why = "The smallest comes first."
        elif set(names) < set(right):
            why = f"Nothing beats {' and '.join(name for name in right if name not in names)}."
        else:
            why = reason if set(names) - set(right) else "Each name once."
        return None if names == right else f"Of {models} the front is {right}, and you return {names}. {why}"

    return first_fault(fault, (*FRONTS, *map(some_models, range(8))))


# ---- 9.4 ----

@chapter.exercise(
    "9.4", "How many zeros?",
    hints=["First find each seed's uncut accuracy: the rows with a share of 0. They may stand anywhere.",
           "For each row take the uncut accuracy of its seed, minus its own. Collect these losses by share, "
           "take means, and of the shares with a mean of at most 1 the largest."],
    solution='''
def tolerated(rows):
    uncut = {seed: accuracy for seed, share, accuracy in rows if share == 0}
    lost = {}
    for seed, share, accuracy in rows:
        lost.setdefault(share, []).append(uncut[seed] - accuracy)
    return max(share for share in lost if np.mean(lost[share]) <= 1)
''',
    fact="Compared with its own uncut network, a seed's luck cancels, and what is left is what the zeros "
         "cost.")
def how_many_zeros(answer):
    def fault(rows, right, reasons):
        given = list(rows)
        got = one(call(answer, given), "The function should return one number, a share of zeros", typed=False)
        if given != list(rows):
            return "Afterwards the list that you were given is another. Leave it as it is, or work on a copy."
        if math.isclose(got, right, rel_tol=1e-6):  # float32 will do
            return None
        lost = points_lost(rows)
        said = ", ".join(f"{points:g} at {share:g}" for share, points in sorted(lost.items()))
        shares = {share for share in lost if math.isclose(share, got, rel_tol=1e-6)}
        if not shares:
            there = ", ".join(f"{share:g}" for share in sorted(lost))
            more = " A share is asked for, 0.9 and not 90." if got > 1 else ""
            return f"{got:g} is none of the shares in the rows: {there}.{more}"
        reason = reasons.get(shares.pop(), "Take the largest with a mean of at most 1.")
        return f"Points lost, on average: {said}. So it is {right:g}, and you return {got:g}. {reason}"

    return first_fault(fault, (*TOLERATED, *map(some_rows, range(12))))


def points_lost(rows):
    """Share of zeros -> points lost on average, each seed against its own uncut network."""
    uncut = {seed: accuracy for seed, share, accuracy in rows if share == 0}
    shares = {share for _, share, _ in rows}
    return {share: float(np.mean([uncut[seed] - accuracy for seed, each, accuracy in rows if each == share]))
            for share in shares}


# ---- 9.5 ----

SPLITS, STEPS, LEAST_RIGHT = (40, 41), (12_000, 8_000, 5_000), 0.95
RENAMED = {40: 3, 41: 7}  # what is added to the labels of a split, modulo 10: who learns elsewhere has others


def judged(make, split):
    """What `make` gives for a split: (accuracy on its test, with the names given; bytes after gzip; accuracy
    with the digits' own names).
    """
    from ...small import Lite
    from ..chapter_05.pictures import digits

    *given, (x, y) = digits(split)
    train, validation = ((pictures, (labels + RENAMED[split]) % 10) for pictures, labels in given)
    file = call(make, train, validation)
    if not isinstance(file, bytes):
        raise Wrong(f"Your function should return the bytes of a file, as to_lite makes them; it returns "
                    f"{shown(file)[:60]}.")
    try:
        lite = Lite(file)
        return lite.accuracy(x, (y + RENAMED[split]) % 10), len(gzip.compress(file)), lite.accuracy(x, y)
    except ValueError as error:
        raise Wrong(f"The file does not read these pictures. {str(error)[:200]}") from None


@chapter.exercise(
    "9.5", "The smallest that still reads",
    hints=["A narrow network from the beginning is the shortest way: "
           "`trained(pictures.small_network(units=(64, 32)), train, validation)`.",
           "Let to_lite write it with int8=True and data=train[0].",
           "There is room below: one layer in place of two, or fewer units and more patience."],
    solution='''
def make(train, validation):  # with units=(32,), one layer, it takes about 4 kB
    network = trained(pictures.small_network(units=(64, 32)), train, validation)
    return to_lite(network, int8=True, data=train[0])
''',
    fact="Only one measure counts in the end: the file, read back.")
def the_smallest(answer):
    if callable(answer) and not untouched_template(answer):
        print("Your function runs twice, with two splits: 10 to 20 seconds, longer on a busy machine.",
              flush=True)
    found = [judged(answer, split) for split in SPLITS]
    right, size, own_names = np.mean(found, 0)
    size = max(each[1] for each in found)

    def draw():
        from ..data import load_curves
        from ..notebook import show
        from .figures import your_file

        show(*your_file(load_curves("small_front"), size, 100 * right, STEPS, 100 * LEAST_RIGHT))

    said = f"{size / 1000:.1f} kB, and {right:.1%} of the test pictures of two splits not seen are right."
    if own_names > 0.3:  # by chance it is 0.1
        raise Wrong("Your function learns from other pictures than those it is given. There each digit has a "
                    f"new name, and its files call {own_names:.0%} by the old one. Does it, or a function it "
                    "calls, read the notebook's `train`, or a file made before?")
    if size > STEPS[0] and right < LEAST_RIGHT:
        raise Wrong(f"{said} Too large, and too often wrong.", draw)
    if size > STEPS[0]:
        raise Wrong(f"{said} The limit is {STEPS[0] // 1000} kB after gzip: fewer units, 8 bits, or zeros.",
                    draw)
    if right < LEAST_RIGHT:
        raise Wrong(f"{said} Asked are {LEAST_RIGHT:.0%}: was it trained on after the last cut, on pictures "
                    "as they come and with their own labels, and does to_lite see such pictures as `data`?",
                    draw)
    steps = [step // 1000 for step in STEPS if size > step]
    return Right(f"{said} {f'Next step: {steps[0]} kB.' if steps else 'That is the last step.'}", draw)


"""The exercises of 09 and 09b: right answers, wrong ones with their messages, and what 9.5 judges."""

import functools
import gzip

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom.chapter_05 import pictures
from course_utils.classroom.chapter_09 import appendix_exercises as more
from course_utils.classroom.chapter_09 import exercises as ex
from course_utils.classroom.chapter_09.cases import LOSSES
from course_utils.small import prune_filters, to_lite
from course_utils.stopping import Patience, StopWhen, batches
from exercise_rules import ExerciseRules

# ---- 9.2 ----


def cut(size=lambda kernel: np.abs(kernel).sum(0), which=lambda order, gone: np.sort(order[gone:]),
        rows=lambda after, kept: after[kept], shorten=lambda bias, kept: bias[kept]):
    """Right; each argument breaks one thing."""
    def answer(kernel, bias, after, gone):
        kept = which(np.argsort(size(kernel)), gone)
        return kernel[:, kept], shorten(bias, kept), rows(after, kept)

    return answer


def with_delete(kernel, bias, after, gone):
    least = sorted(range(len(bias)), key=lambda unit: sum(abs(w) for w in kernel[:, unit]))[:gone]
    return [np.delete(kernel, least, 1), np.delete(bias, least), np.delete(after, least, 0)]


def as_lists(kernel, bias, after, gone):
    return tuple(part.tolist() for part in with_delete(kernel, bias, after, gone))


def weighed(size):
    def answer(kernel, bias, after, gone):
        kept = np.sort(np.argsort(size(kernel, bias, after))[gone:])
        return kernel[:, kept], bias[kept], after[kept]

    return answer


def from_a_size_on(kernel, bias, after, gone):
    size = np.abs(kernel).sum(0)
    kept = size >= np.sort(size)[gone]
    return kernel[:, kept], bias[kept], after[kept]


def of_rows(kernel, bias, after, gone):
    kept = np.sort(np.argsort(np.abs(kernel).sum(1))[gone:])
    return kernel[kept], bias[kept], after[kept]


def rows_by_mistake(kernel, bias, after, gone):
    size = np.abs(kernel).sum(1) if len(kernel) == kernel.shape[1] else np.abs(kernel).sum(0)
    kept = np.sort(np.argsort(size)[gone:])
    return kernel[:, kept], bias[kept], after[kept]


def masked(kernel, bias, after, gone):
    least = np.argsort(np.abs(kernel).sum(0))[:gone]
    kernel, bias = kernel.copy(), bias.copy()
    kernel[:, least], bias[least] = 0, 0
    return kernel, bias, after


def without_what_is_zero(kernel, bias, after, gone):
    masked_kernel, _, _ = masked(kernel, bias, after, gone)
    kept = masked_kernel.any(0)
    return kernel[:, kept], bias[kept], after[kept]


GONE = []


def kept_list(kernel, bias, after, gone):
    GONE.extend(np.argsort(np.abs(kernel).sum(0))[:gone])
    left = [unit for unit in range(len(bias)) if unit not in GONE]
    return kernel[:, left], bias[left], after[left]


def in_place(kernel, bias, after, gone):
    parts = cut()(kernel, bias, after, gone)
    kernel[:] = 0
    return parts


# ---- 9.3 ----


def by_pairs(models):
    def beaten(name):
        size, right = models[name]
        return any(other[0] <= size and other[1] >= right and other != models[name]
                   for other in models.values())

    return sorted((name for name in models if not beaten(name)), key=lambda name: models[name][0])


def sweeping(key=lambda size, right: (size, -right), better=lambda right, best: right > best, best=-1):
    def answer(models):
        kept, highest = [], best
        for name in sorted(models, key=lambda name: key(*models[name])):
            if better(models[name][1], highest):
                kept.append(name)
                highest = models[name][1]
        return kept

    return answer


def by_neighbours(models):
    names = sorted(models, key=lambda name: (models[name][0], -models[name][1]))
    return [name for before, name in zip([None, *names], names)
            if before is None or models[name][1] > models[before][1]]


def beats(one, other):
    return one != other and one[0] <= other[0] and one[1] >= other[1]


def removing(models):
    """Takes beaten ones out of the list that it goes through, and so passes over some."""
    kept = []
    for name, of in models.items():
        if not any(beats(models[other], of) for other in kept):
            for other in kept:
                if beats(of, models[other]):
                    kept.remove(other)
            kept.append(name)
    return sorted(kept, key=lambda name: models[name][0])


def of_values(change):
    return lambda models: by_pairs({name: change(*of) for name, of in models.items()})


def hull(models):
    """Those above all straight lines between two others."""
    kept = []
    for name in by_pairs(models):
        while len(kept) > 1:
            (s, a), (t, b), (u, c) = (models[each] for each in (*kept[-2:], name))
            if (b - a) * (u - t) > (c - b) * (t - s):
                break
            kept.pop()
        kept.append(name)
    return kept


SEEN = {}


def kept_models(models):
    SEEN.update(models)
    return by_pairs(SEEN)


def emptying(models):
    found = by_pairs(models)
    models.clear()
    return found


# ---- 9.4 ----


def share_of(loss=lambda uncut, right: uncut - right, of=np.mean, within=lambda points: points <= 1,
             which=max, pair=None):
    """Right; each argument breaks one thing."""
    def answer(rows):
        uncut = {seed: right for seed, share, right in rows if share == 0}
        before = {seed: pair(list(uncut.values())) if pair else uncut[seed] for seed in uncut}
        lost = {}
        for seed, share, right in rows:
            lost.setdefault(share, []).append(loss(before[seed], right))
        return which(share for share in lost if within(of(lost[share])))

    return answer


def by_arrays(rows):
    seeds, shares, right = np.array(rows, float).T
    lost = {share: np.mean([right[(seeds == seed) & (shares == 0)][0] - own
                            for seed, own in zip(seeds[shares == share], right[shares == share])])
            for share in set(shares)}
    return max(share for share, points in lost.items() if points < 1.001)


def up_to(rows):
    lost = ex.points_lost(rows)
    found = 0
    for share in sorted(lost):
        if lost[share] > 1:
            break
        found = share
    return found


def in_the_rows_order(rows):
    uncut = {seed: right for seed, share, right in rows if share == 0}
    lost = {}
    for seed, share, right in rows:
        lost.setdefault(share, []).append(uncut[seed] - right)
    return [share for share in lost if np.mean(lost[share]) <= 1][-1]


def without_pairs(rows):
    right = {share: np.mean([each[2] for each in rows if each[1] == share]) for _, share, _ in rows}
    return max(share for share in right if right[0] - right[share] <= 1)


def sorting(rows):
    rows.sort(reverse=True)
    return share_of()(rows)


def by_number(rows):
    """Takes the seeds for 1, 2, 3, in the order of the uncut rows."""
    uncut, lost = [right for _, share, right in rows if share == 0], {}
    for seed, share, right in rows:
        lost.setdefault(share, []).append(uncut[seed - 1] - right)
    return max(share for share in lost if np.mean(lost[share]) <= 1)


def in_one_pass(rows):
    """Skips what stands before the uncut row of its seed."""
    uncut, lost = {}, {0: [0.0]}
    for seed, share, right in rows:
        if share == 0:
            uncut[seed] = right
        elif seed in uncut:
            lost.setdefault(share, []).append(uncut[seed] - right)
    return max(share for share in lost if np.mean(lost[share]) <= 1)


def of_some(keep):
    """Leaves out the rows of pruned networks that `keep` says no to."""
    return lambda rows: share_of()([row for row in rows if row[1] == 0 or keep(*row)])


def running(losses):
    mean = losses[0]
    for loss in losses[1:]:
        mean = (mean + loss) / 2
    return mean


# ---- 9.5 ----


def trained(network, train, validation, patience=3, epochs=40):
    """As in the lesson."""
    stop = StopWhen(Patience("val_loss", patience), restore_best="val_loss")
    network.fit(batches(*train, 64, seed=0), validation_data=validation, epochs=epochs, verbose=0,
                callbacks=[stop])
    return network


def scratch(units=(64, 32), epochs=60, **how):
    def make(train, validation):
        network = pictures.small_network(units=units)
        if epochs:
            trained(network, train, validation, 4, epochs)
        return to_lite(network, data=train[0] if how.get("int8") is True else None, **how)

    return make


@functools.cache
def ready():
    return scratch(int8=True)(*pictures.digits(0)[:2])


def made_before(train, validation):
    return ready()


def with_the_notebook_s(train, validation):
    """Learns from what it is given and from all pictures of the notebook."""
    whole = [np.concatenate(parts) for parts in zip(train, *pictures.digits(0))]
    return scratch(int8=True)(whole, validation)


def cut_and_trained(train, validation):
    network = pictures.small_network()
    network.fit(batches(*train, 32, seed=0), epochs=8, verbose=0)
    small, _ = prune_filters(network, 0.75)
    small.compile(keras.optimizers.Adam(0.003), network.loss)
    small.fit(batches(*train, 32, seed=1), epochs=20, verbose=0)
    return to_lite(small, int8=True, data=train[0])


def cut_only(train, validation):
    network = pictures.small_network()
    network.fit(batches(*train, 64, seed=0), epochs=3, verbose=0)
    return to_lite(prune_filters(network, 0.9)[0], int8=True, data=train[0])


INPUTS = keras.Input((28, 28, 1))
OTHER = to_lite(keras.Model(INPUTS, keras.layers.Dense(10)(keras.layers.Flatten()(INPUTS))))


# ---- 9b.1 ----


def softmax(z):
    z = np.exp(z - z.max(1, keepdims=True))
    return z / z.sum(1, keepdims=True)


def soft(kl=lambda p, q: p * np.log(p / q), over=lambda each: each.sum(1).mean(), factor=lambda t: t**2,
         soften=lambda z, t: softmax(z / t)):
    """Right; each argument breaks one thing."""
    return lambda teacher, student, t: factor(t) * over(kl(soften(teacher, t), soften(student, t)))


def with_keras(teacher, student, t):
    p, q = (keras.ops.softmax(np.asarray(z, "float64") / t) for z in (teacher, student))
    return float(t**2 * keras.ops.mean(keras.losses.kl_divergence(p, q)))


def with_logs(teacher, student, t):
    p, q = (z / t - np.log(np.exp(z / t).sum(1, keepdims=True)) for z in (teacher, student))
    return np.mean(np.sum(np.exp(p) * (p - q), axis=1)) * t * t


def of_logits(teacher, student, t):
    teacher, student = (np.clip(z, 1e-7, 1) for z in (teacher, student))
    return np.mean(np.sum(teacher * np.log(teacher / student), 1))


class TestChapter09(ExerciseRules):
    chapters = [ex, more]
    names = dict(np=np, softmax=softmax, pictures=pictures, trained=trained, to_lite=to_lite)
    rare = ("9.5",)
    rare_wrong = ("too large", "cut and not trained on", "made before", "with the notebook's")
    answers = {
        ex.half_the_units: (
            [17810, 17810.0, np.int64(17810)],
            {"all": (50610, "before the cut"),
             "half": (25305, "loses twice"),
             "a quarter": (50610 / 4, "lose only one side"),
             "a third": (16870, "depends on the widths"),
             "those that go": (32800, "how many go"),
             "the lesson's": (17226, "left of the lesson's"),
             "without biases": (17600, "without the biases"),
             "without the last biases": (17800, "have a bias each"),
             "inputs of the second": (17810 + 7500, "has 300 inputs"),
             "inputs of the third": (17810 + 500, "has 100 inputs"),
             "all inputs": (17810 + 8000, "all of it still arrives"),
             "the first alone": (25860, "first layer alone"),
             "the second alone": (35060, "second layer alone"),
             "pixels too": (17810 - 4800, "64 pixels stay"),
             "answers too": (17810 - 255, "ten digits"),
             "near": (17700, "is near"),
             "far": (1000, "Write down"),
             "a text": ("17810", "leave out the quotes")},
            ...),
        ex.cut_units: (
            [cut(), with_delete, as_lists,
             lambda k, b, a, gone: [part.astype("float32") for part in cut()(k, b, a, gone)]],
            {"signed": (cut(size=lambda kernel: kernel.sum(0)), "goes: the second"),
             "size of the sum": (cut(size=lambda kernel: abs(kernel.sum(0))), "not signs"),
             "squares": (cut(size=lambda kernel: (kernel**2).sum(0)), "What is summed"),
             "the largest weight": (cut(size=lambda kernel: abs(kernel).max(0)), "What is summed"),
             "the largest go": (cut(size=lambda kernel: -abs(kernel).sum(0)), "smallest in size"),
             "in order of size": (cut(which=lambda order, gone: order[gone:]), "keep their order"),
             "keeps as many": (cut(which=lambda order, gone: np.sort(order[-gone:])), "the shape"),
             "none goes": (cut(which=lambda order, gone: np.sort(order[-(len(order) - gone):])
                               if gone else order[:0]), "none of them should go"),
             "rows": (of_rows, "the shape"),
             "rows, if square": (rows_by_mistake, "kernel is square"),
             "columns after": (cut(rows=lambda after, kept: after[:, kept % after.shape[1]]), "its rows"),
             "after whole": (cut(rows=lambda after, kept: after), "its rows"),
             "first rows after": (cut(rows=lambda after, kept: after[:len(kept)]), "after not"),
             "bias whole": (cut(shorten=lambda bias, kept: bias), "for each unit that is left"),
             "first biases": (cut(shorten=lambda bias, kept: bias[:len(kept)]), "bias not"),
             "what they feed too": (weighed(lambda k, b, a: abs(k).sum(0) + abs(a).sum(1)), "should go"),
             "biases too": (weighed(lambda k, b, a: abs(k).sum(0) + abs(b)), "The bias does not count"),
             "from a size on": (from_a_size_on, "the shape"),
             "zeros": (masked, "the shape"),
             "rounded": (lambda k, b, a, gone: [part.round(1) for part in cut()(k, b, a, gone)],
                         "the numbers stay as they are"),
             "a rounded kernel": (lambda k, b, a, gone: cut()(k.round(1), b, a, gone),
                                  "no number is changed or rounded"),
             "float16": (lambda k, b, a, gone: [part.astype("float16") for part in cut()(k, b, a, gone)],
                         "the numbers stay as they are"),
             "roots": (cut(size=lambda kernel: np.sqrt(abs(kernel)).sum(0)), "smallest in sum of sizes"),
             "whole sizes": (cut(size=lambda kernel: abs(kernel).sum(0).round()), "if by little"),
             "sizes to one decimal": (cut(size=lambda kernel: abs(kernel).sum(0).round(1)), "if by little"),
             "without what is zero": (without_what_is_zero, "the shape"),
             "transposed": (lambda k, b, a, gone: [cut()(k, b, a, gone)[0].T, *cut()(k, b, a, gone)[1:]],
                            "Units are its columns"),
             "a list that is kept": (kept_list, "keeps something from one call"),
             "changes them": (in_place, "still needs them"),
             "kernel alone": (lambda k, b, a, gone: cut()(k, b, a, gone)[0], "Three arrays"),
             "nothing": (lambda k, b, a, gone: None, "return missing"),
             "no function": (7, "function")},
            lambda kernel, bias, after, gone: ...),
        ex.the_front: (
            [sweeping(), by_pairs, lambda models: tuple(by_pairs(models))],
            {"all": (lambda models: sorted(models, key=lambda name: models[name]), "beaten by d"),
             "backwards": (lambda models: by_pairs(models)[::-1], "smallest comes first"),
             "by name": (lambda models: sorted(by_pairs(models)), "smallest comes first"),
             "as given": (lambda models: [name for name in models if name in by_pairs(models)],
                          "smallest comes first"),
             "the best": (lambda models: [max(models, key=lambda name: models[name][1])], "the front is"),
             "the first by name": (lambda models: [min(models)], "Nothing beats d and b"),
             "at least": (sweeping(better=lambda right, best: right >= best), "larger: beaten"),
             "unsorted ties": (sweeping(key=lambda size, right: size), "less accurate: beaten"),
             "above 90": (sweeping(best=90), "Nothing beats small"),
             "twice": (lambda models: 2 * by_pairs(models), "Each name once"),
             "a text": (lambda models: "".join(by_pairs(models)), "you return 'dba'"),
             "kept": (lambda models, kept=[]: kept.extend(by_pairs(models)) or kept, "keeps something from"),
             "the other way": (sweeping(better=lambda right, best: right < best, best=101), "the front is"),
             "the neighbour alone": (by_neighbours, "p beats both"),
             "removes as it goes": (removing, "wherever the two stand"),
             "whole kB": (of_values(lambda size, right: (size // 1000, right)), "the front is"),
             "one decimal": (of_values(lambda size, right: (size, round(right, 1))), "the front is"),
             "as texts": (of_values(lambda size, right: (size, str(right))), "Nothing beats big"),
             "the hull": (hull, "Nothing beats"),
             "none of one": (lambda models: by_pairs(models) if len(models) > 1 else [],
                             "Nothing beats one"),
             "models that are kept": (kept_models, "there is no 'd'"),
             "points": (lambda models: [models[name] for name in by_pairs(models)], "list of names"),
             "a set": (lambda models: set(by_pairs(models)), "forgets the order"),
             "clears": (emptying, "is another"),
             "nothing": (lambda models: None, "return missing"),
             "no function": (["d", "b"], "function")},
            lambda models: ...),
        ex.how_many_zeros: (
            [share_of(), by_arrays, lambda rows: np.float64(share_of()(rows)),
             lambda rows: np.float32(share_of()(rows))],
            {"without pairs": (without_pairs, "the uncut one of its own seed"),
             "the mean of all uncut": (share_of(pair=np.mean), "the uncut one of its own seed"),
             "the best uncut": (share_of(pair=max), "the uncut one of its own seed"),
             "less than one": (share_of(within=lambda points: points < 1), "exactly one is allowed"),
             "every seed": (share_of(of=max), "not the worst"),
             "the best seed": (share_of(of=min), "neither the best of them"),
             "the median": (share_of(of=np.median), "nor the one in the middle"),
             "the sum": (share_of(of=sum), "not the sum"),
             "up to the first": (up_to, "even if a smaller one loses more"),
             "the last row": (in_the_rows_order, "in no order: the largest share is asked for, not the last"),
             "the smallest": (share_of(which=min), "take the largest share"),
             "without a sign": (share_of(loss=lambda uncut, right: abs(uncut - right)),
                                "That is no loss"),
             "the wrong sign": (share_of(loss=lambda uncut, right: right - uncut), "it may be 1 at most"),
             "as a ratio": (share_of(loss=lambda uncut, right: 100 * (uncut - right) / uncut),
                            "do not divide by the uncut accuracy"),
             "two points": (share_of(within=lambda points: points <= 2), "and no more"),
             "as a percentage": (lambda rows: 100 * share_of()(rows), "0.9 and not 90"),
             "the points": (lambda rows: ex.points_lost(rows)[share_of()(rows)], "none of the shares"),
             "the last loss": (share_of(of=lambda losses: losses[-1]), "you return"),
             "the last two": (share_of(of=lambda losses: np.mean(losses[-2:])), "you return"),
             "a running mean": (share_of(of=running), "you return"),
             "halfway from best to worst": (share_of(of=lambda losses: (min(losses) + max(losses)) / 2),
                                            "you return"),
             "each loss once": (share_of(of=lambda losses: np.mean(list(set(losses)))), "you return"),
             "1.2 points": (share_of(within=lambda points: points <= 1.2), "you return"),
             "1.4 points": (share_of(within=lambda points: points <= 1.4), "you return"),
             "rounded points": (share_of(within=lambda points: round(points) <= 1), "you return"),
             "rounded shares": (lambda rows: round(share_of()(rows), 1), "0.8 is none of the shares"),
             "shares of two decimals": (lambda rows: round(share_of()(rows), 2), "none of the shares"),
             "not seed 0": (of_some(lambda seed, share, right: seed), "Take the largest"),
             "not what reads nothing": (of_some(lambda seed, share, right: right), "reads nothing correctly"),
             "below 0.95": (of_some(lambda seed, share, right: share < 0.95), "you return"),
             "from 0.5 on": (of_some(lambda seed, share, right: share >= 0.5), "you return"),
             "four shares": (lambda rows: share_of(which=lambda shares: max(
                 {*shares} & {0, 0.5, 0.8, 0.9, 0.95}))(rows), "Seeds have any numbers"),
             "seeds by number": (by_number, "IndexError"),
             "in one pass": (in_one_pass, "you return"),
             "sorts them": (sorting, "is another"),
             "nothing": (lambda rows: None, "return missing"),
             "no function": (0.9, "function")},
            lambda rows: ...),
        ex.the_smallest: (
            [scratch(int8=True), scratch(units=(32,), int8=True), cut_and_trained],
            {"too large": (scratch(units=(128, 64), epochs=12), "The limit is 12 kB"),
             "cut and not trained on": (cut_only, "trained on after the last cut"),
             "not trained": (scratch(units=(16,), epochs=0), "trained on after the last cut"),
             "neither": (scratch(units=(128,), epochs=0), "Too large, and too often wrong"),
             "a model": (lambda train, validation: pictures.small_network(units=(8,)), "bytes of a file"),
             "no file": (lambda train, validation: b"digits", "cannot load this file"),
             "other pictures": (lambda train, validation: OTHER, "does not read these pictures"),
             "made before": (made_before, "learns from other pictures than those it is given"),
             "with the notebook's": (with_the_notebook_s, "learns from other pictures than those"),
             "nothing": (lambda train, validation: None, "return missing"),
             "no function": ("digits.tflite", "function")},
            lambda train, validation: ...),
        more.the_teachers_loss: (
            [soft(), with_keras, with_logs, soft(soften=lambda z, t: softmax((z / t).astype("float32")))],
            {"the other way": (soft(kl=lambda p, q: q * np.log(q / p)), "other way round"),
             "no factor": (soft(factor=lambda t: 1), "without the factor"),
             "not squared": (soft(factor=lambda t: t), "temperature squared"),
             "the sum": (soft(over=lambda each: each.sum()), "sum over the examples"),
             "the mean of all": (soft(over=lambda each: each.mean()), "mean over all numbers"),
             "the sign": (soft(kl=lambda p, q: p * np.log(q / p)), "rewards being wrong"),
             "no temperature": (soft(soften=lambda z, t: softmax(z)), "before the softmax"),
             "times temperature": (soft(soften=lambda z, t: softmax(z * t), factor=lambda t: t**-2),
                                   "do not multiply"),
             "after the softmax": (soft(soften=lambda z, t: softmax(z) / t), "With a temperature of 2"),
             "cross-entropy": (soft(kl=lambda p, q: -p * np.log(q)), "is not 0 where"),
             "logits": (of_logits, "softmax is missing"),
             "softmax over examples": (soft(soften=lambda z, t: softmax(z.T / t).T), "Softmax of both"),
             "clipped": (soft(kl=lambda p, q: p * np.log(p / np.clip(q, 1e-2, 1))), "of 1 it is 2.6"),
             "log2": (soft(kl=lambda p, q: p * np.log2(p / q)), "natural logarithm"),
             "student not softened": (lambda z, s, t: soft()(z, s * t, t), "the student's logits by"),
             "teacher not softened": (lambda z, s, t: soft()(z * t, s, t), "the teacher's logits by"),
             "kept": (lambda z, s, t, kept=[]: kept.append(soft()(z, s, t)) or np.mean(kept),
                      "keeps something from one call"),
             "rounded": (lambda *given: round(with_logs(*given), 1), "you return"),
             "to four decimals": (lambda *given: round(with_logs(*given), 4), "Is something rounded"),
             "twice the temperature": (soft(factor=lambda t: 2 * t), "not doubled"),
             "cubed": (soft(factor=lambda t: t**3), "temperature squared"),
             "1 at least": (lambda z, s, t: soft()(z, s, max(t, 1)), "of 0.5 it is"),
             "10 at most": (lambda z, s, t: soft()(z, s, min(t, 10)), "of 12 it is"),
             "a whole temperature": (lambda z, s, t: soft()(z, s, int(t) or t), "of 1.5 it is"),
             "probable ones": (soft(kl=lambda p, q: np.where(p > 1e-3, p * np.log(p / q), 0)),
                               "of 0.5 it is"),
             "one each": (soft(over=lambda each: each.sum(1)), "one number"),
             "nothing": (lambda *given: None, "return missing"),
             "no function": (0.5, "function")},
            lambda teacher, student, temperature: ...)}

    @pytest.fixture(autouse=True)
    def close_figures(self):
        yield
        plt.close("all")


def test_9_1_asks_for_what_prune_filters_leaves_and_not_for_what_the_lesson_prints():
    left = {units: prune_filters(pictures.small_network(units=units), 0.5)[0].count_params()
            for units in ((300, 100), (256, 128))}
    assert left == {(300, 100): ex.LEFT, (256, 128): 17226}


def test_9_2_cuts_as_prune_filters_does():
    network = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(3)])
    kernel, bias, after, last = network.get_weights()
    half, _ = prune_filters(network, 0.5)
    for ours, theirs in zip((*ex.cut_by_hand(kernel, bias, after, 4), last), half.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_9b_1_at_a_temperature_of_3_is_the_loss_of_keras():
    theirs = keras.distillation.LogitsDistillation(loss=keras.losses.KLDivergence())
    for teacher, student, _ in LOSSES:
        due = float(theirs.compute_loss(teacher.astype("float32"), student.astype("float32")))
        assert more.divergence(teacher, student, 3.0) == pytest.approx(due, abs=1e-4)


@pytest.mark.rare
def test_what_9_5_judges_are_splits_that_the_lesson_has_not():
    make = scratch(int8=True)
    right, size, own_names = ex.judged(make, ex.SPLITS[0])
    train, validation, test = pictures.digits(ex.SPLITS[0])
    file = make(train, validation)
    assert size == pytest.approx(len(gzip.compress(file)), rel=0.01) and 0.9 < right <= 1
    assert own_names < 0.1
    assert not np.array_equal(train[0], pictures.digits(0)[0][0])


@pytest.mark.parametrize(("size", "words"), [
    (11_900, "Next step: 8 kB."), (8000, "Next step: 5 kB."), (4900, "That is the last step.")])
def test_9_5_names_the_next_step(monkeypatch, size, words):
    monkeypatch.setattr(ex, "judged", lambda make, split: (0.96, size, 0.01))
    assert words in ex.the_smallest.grade(made_before).text

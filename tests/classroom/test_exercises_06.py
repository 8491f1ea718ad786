"""The exercises of chapter 06: right answers, wrong answers with their messages, and what 6.1, 6.2 claim."""

import functools
import math
from collections.abc import Mapping
from fractions import Fraction

import keras
import numpy as np
import pytest

from course_utils.classroom.chapter_06 import exercises as ex
from course_utils.classroom.data import load_cifar10, mobilenetv2_weights
from course_utils.pruning import prune_at_stop
from course_utils.stopping import Below, Epochs, Patience, batches
from course_utils.transfer import Phase, backbone, split_at, unfreeze
from exercise_rules import ExerciseRules


def seen(losses, patience, best=float("inf"), wait=0, longer=0, shorter=0, better=np.less):
    """The losses of one phase; each argument breaks one thing."""
    for epoch, loss in enumerate(losses):
        best, wait = (loss, 0) if better(loss, best) else (best, wait + 1)
        if wait >= patience + longer:
            return losses[: epoch + 1 - shorter]
    return losses


def two_phases(head, top, patience, **broken):
    head, top = seen(head, patience, **broken), seen(top, patience, **broken)
    return len(head), len(top), int(np.argmin(head + top))


def with_criteria(head, top, patience):
    def phase(losses):
        stop = Patience("val_loss", patience).first({"val_loss": losses})
        return losses if stop is None else losses[: stop + 1]

    both = phase(head) + phase(top)
    return [len(phase(head)), len(phase(top)), both.index(min(both))]


def old_best(head, top, patience):
    head = seen(head, patience)
    top = seen(top, patience, best=min(head))
    return len(head), len(top), int(np.argmin(head + top))


def old_wait(head, top, patience):
    head = seen(head, patience)
    top = seen(top, patience, best=min(head), wait=patience - 1)
    return len(head), len(top), int(np.argmin(head + top))


def within_the_top(head, top, patience):
    epochs = two_phases(head, top, patience)
    return *epochs[:2], int(np.argmin(seen(top, patience)))


def best_of_the_top(head, top, patience):
    head, top = seen(head, patience), seen(top, patience)
    return len(head), len(top), len(head) + int(np.argmin(top))


def in_all(head, top, patience):
    """Epochs without a new best are counted in all, not in a row."""
    def until(losses):
        best, failures = float("inf"), 0
        for epoch, loss in enumerate(losses):
            best, failures = min(best, loss), failures + (loss >= best)
            if failures == patience:
                return losses[: epoch + 1]
        return losses

    head, top = until(head), until(top)
    return len(head), len(top), int(np.argmin(head + top))


def rounded(head, top, patience, to=lambda loss: round(loss, 2)):
    return two_phases([to(loss) for loss in head], [to(loss) for loss in top], patience)


def rounded_best(head, top, patience):
    head, top = seen(head, patience), seen(top, patience)
    return len(head), len(top), int(np.argmin(np.round(head + top, 3)))


def shortening(head, top, patience):
    right = two_phases(head, top, patience)
    del head[right[0]:]
    return right


def sorting(head, top, patience):
    right = two_phases(head, top, patience)
    top.sort()
    return right


class Counter:
    """Begins anew after a stop alone: a phase without one leaves its best behind."""

    best, wait = float("inf"), 0

    def __call__(self, losses, patience):
        for epoch, loss in enumerate(losses):
            self.best, self.wait = (loss, 0) if loss < self.best else (self.best, self.wait + 1)
            if self.wait >= patience:
                self.best, self.wait = float("inf"), 0
                return losses[: epoch + 1]
        return losses


until = Counter()


def kept(head, top, patience):
    head, top = until(head, patience), until(top, patience)
    return len(head), len(top), int(np.argmin(head + top))


def zero_is_none(head, top, patience):
    """`if not best or loss < best`: a best of 0 gives way to any loss."""
    def until(losses):
        best, wait = None, 0
        for epoch, loss in enumerate(losses):
            best, wait = (loss, 0) if not best or loss < best else (best, wait + 1)
            if wait >= patience:
                return losses[: epoch + 1]
        return losses

    head, top = until(head), until(top)
    return len(head), len(top), int(np.argmin(head + top))


def stops(head, top, patience):
    epochs = two_phases(head, top, patience)
    return epochs[0] - 1, epochs[1] - 1, epochs[2]


def unseen_best(head, top, patience):
    return *two_phases(head, top, patience)[:2], int(np.argmin(head + top))


def until_best(head, top, patience):
    head, top = seen(head, patience), seen(top, patience)
    head, top = head[: head.index(min(head)) + 1], top[: top.index(min(top)) + 1]
    return len(head), len(top), int(np.argmin(head + top))


def later_tie(head, top, patience):
    both = seen(head, patience) + seen(top, patience)
    return len(seen(head, patience)), len(seen(top, patience)), len(both) - 1 - int(np.argmin(both[::-1]))


def the_highest(head, top, patience):
    """The highest loss is taken for the best, in each phase and of both."""
    return two_phases([-loss for loss in head], [-loss for loss in top], patience)


def the_epoch_before(head, top, patience):
    """A loss below that of the epoch before counts as a new best."""
    def until(losses):
        wait = 0
        for epoch, loss in enumerate(losses):
            wait = 0 if epoch == 0 or loss < losses[epoch - 1] else wait + 1
            if wait == patience:
                return losses[: epoch + 1]
        return losses

    head, top = until(head), until(top)
    return len(head), len(top), int(np.argmin(head + top))


def head_goes_on(head, top, patience):
    top = seen(top, patience)
    return len(head), len(top), int(np.argmin(head + top))


def behind_the_whole_head(head, top, patience):
    lengths = two_phases(head, top, patience)
    lowest = min(seen(head, patience) + seen(top, patience))
    return *lengths[:2], (head + top).index(lowest)


def from_the_whole_head(head, top, patience):
    return *two_phases(head, top, patience)[:2], int(np.argmin(head + seen(top, patience)))


def first_is_none(head, top, patience):
    """The best begins at the first loss, and that epoch counts as one without a new best."""
    head, top = (seen(losses, patience, best=losses[0]) for losses in (head, top))
    return len(head), len(top), int(np.argmin(head + top))


class Made:
    """An answer that takes seconds to make: it is made when it is graded, not when tests are collected."""

    def __init__(self, make):
        self.make = make


def made_first(grader):
    return lambda answer: grader(answer.make() if isinstance(answer, Made) else answer)


ex.prune_the_top.grader = made_first(ex.prune_the_top.grader)


class Names(Mapping):
    """What the solution of 6.4 finds in the lesson, made when it is looked up."""

    made = {"np": lambda: np, "Epochs": lambda: Epochs, "Patience": lambda: Patience,
            "prune_at_stop": lambda: prune_at_stop,
            "model": lambda: trained(), "known": lambda: photos()[0], "validation": lambda: photos()[1]}

    def __getitem__(self, name):
        return self.made[name]()

    def __iter__(self):
        return iter(self.made)

    def __len__(self):
        return len(self.made)


@functools.cache
def photos():
    """(known, validation): what the frozen part makes of 400 and 200 photos, with labels."""
    (x, y), _ = load_cifar10()
    rows = np.random.default_rng(0).permutation(len(y))[:600]
    bottom, _ = split_at(backbone(from_side=32, weights=mobilenetv2_weights()), ex.CUT)
    x, y = bottom.predict(x[rows], verbose=0), y[rows]
    return (x[:400], y[:400]), (x[400:], y[400:])


@functools.cache
def trained():
    """The last convolution of MobileNetV2 and a head that has learnt for ten epochs."""
    keras.utils.set_random_seed(0)
    _, top = split_at(backbone(from_side=32, weights=mobilenetv2_weights()), ex.CUT)
    model = keras.Model(top.input, keras.layers.Dense(10, name="head")(top.output))
    unfreeze(model, "head")
    model.compile(
        optimizer=keras.optimizers.Adam(3e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(*photos()[0], epochs=10, verbose=0)
    unfreeze(model, ex.CUT)
    return model


@functools.cache
def pruned():
    """`trained`, pruned to 0.9 by the course's tool: (model, report)."""
    known, validation = photos()
    return prune_at_stop(
        trained(), known, validation_data=validation, first=None, second=Patience("val_loss", 1),
        target_sparsity=0.9, ramp_epochs=4, learning_rate=3e-4, epochs=7)


@functools.cache
def cut_down(share, change=lambda kernel: kernel):
    """A copy of `trained` without its smallest weights, and not trained on."""
    model = keras.models.clone_model(trained())
    model.set_weights(trained().get_weights())
    for layer in (model.get_layer(ex.CUT), model.get_layer("head")):
        kernel = layer.kernel.numpy()
        small = np.abs(kernel) <= np.quantile(np.abs(kernel), share)
        layer.kernel.assign(change(np.where(small, 0, kernel)))
    return model


@functools.cache
def with_constraints():
    """Pruned by hand: the smallest weights at 0, and kept there by a constraint while the rest is trained."""
    model = cut_down(0.901)
    for layer in (model.get_layer(ex.CUT), model.get_layer("head")):
        layer.kernel.constraint = (lambda mask: lambda kernel: kernel * mask)(layer.kernel.numpy() != 0)
    model.compile(
        optimizer=keras.optimizers.Adam(3e-4),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(*photos()[0], epochs=3, verbose=0)
    return model


def settings(**changes):
    """What 6.4's solution gives to prune_at_stop, with changes: refused before anything is trained."""
    known, validation = photos()
    return dict(model=trained(), data=known, validation_data=validation, first=None, target_sparsity=0.9,
                second=Patience("val_loss", 3), ramp_epochs=5) | changes


def misused(**changes):
    """Settings that train, validate or test with the same photos: `test` are test photos with labels."""
    known, validation = photos()
    x, y, _ = ex._unseen()
    of = {"known": known, "validation": validation, "test": (x[:300], y[:300]),
          "batches": batches(x[:300], y[:300], 32, seed=0)}
    return settings(**{name: of[what] for name, what in changes.items()})


@functools.cache
def overshot():
    """A pruned model that is right often enough, and whose loss is far above that of guessing."""
    model = keras.models.clone_model(pruned()[0])
    model.set_weights(pruned()[0].get_weights())
    for weights in model.get_layer("head").weights:
        weights.assign(100 * weights)
    return model


def with_a_branch():
    """The trained model, dense, and beside it a branch of zeros that adds nothing."""
    model = trained()
    wide = keras.layers.Dense(4000, kernel_initializer="zeros")(keras.layers.Flatten()(model.input))
    return keras.Model(model.input, model.output + keras.layers.Dense(10, kernel_initializer="zeros")(wide))


def whole_network():
    source = backbone("MobileNetV2", side=97, from_side=32, weights=None)
    return keras.Model(source.input, keras.layers.Dense(10)(source.output))


class TestChapter06(ExerciseRules):
    chapters = [ex]
    names, rare = Names(), ["6.4"]
    rare_wrong = ["not pruned", "a rate too high", "not trained on", "nearly nothing left"]
    answers = {
        ex.which_layer_where: (
            [["d", "e", "f", "b"], "defb", "d, e, f, b", ("d", "e", "f", "b")],
            {"pop(0) believed": (["e", "f", "b"], "is a copy"),
             "pop() not": (["d", "e", "f", "a", "b"], "model's own method"),
             "both": (["e", "f", "a", "b"], "Two lines"),
             "f is popped": (["d", "e", "b"], "the last layer is a"),
             "f is popped, a stays": (["d", "e", "a", "b"], "not f"),
             "to the front": (["b", "d", "e", "f"], "at the end"),
             "both to the front": (["a", "b", "d", "e", "f"], "which is a by then"),
             "as it was meant": (["a", "b", "f"], "what the author"),
             "pop(0) believed, and one missing": (["e", "f", "a"], "Three lines"),
             "a set": ({"d", "e", "f", "b"}, "the order counts"),
             "one missing": (["d", "e", "f"], "one more layer"),
             "counted from 1": (["d", "e", "f", "c"], "counting starts at 0"),
             "a stranger": (["d", "g"], 'no layer "g"'),
             "otherwise": (["f", "e", "d"], "one by one"),
             "empty": ([], "The list is empty"),
             "a number": (4, "list of names")},
            [..., ...]),
        ex.what_is_trained: (
            [(1338, 1338), [1338.0, 1338], np.array([1338, 1338]), "1338, 1338"],
            {"with norm2": ((1402, 1434), "scale, shift, mean and variance"),
             "scale and shift": ((1370, 1386), "scale and shift"),
             "without the head": ((1168, 1338), "head is trained too"),
             "the head alone": ((170, 1338), "head alone"),
             "before": ((112, 1338), "before conv2"),
             "what stays": ((80, 80), "that is conv1"),
             "layers": ((2, 2), "Their weights are asked for"),
             "layers from norm1": ((1338, 2), "Their weights are asked for"),
             "norm1's scale and shift": ((1338, 1354), "of norm1"),
             "the head is forgotten later": ((1338, 1168), "head is trained too"),
             "the head alone, from norm1": ((1338, 170), "conv2 stands between"),
             "norms from norm1": ((1338, 1434), "wherever you begin"),
             "with conv1": ((1338, 1418), "conv1 stands before"),
             "everything": ((1514, 1514), "whole model"),
             "otherwise": ((1338, 7), "leave the norms out"),
             "one number": (1338, "two whole numbers"),
             "not whole": ((1338, 0.5), "two whole numbers")},
            (..., ...)),
        ex.two_events: (
            [two_phases, with_criteria, lambda h, t, p: np.array(two_phases(h, t, p)),
             lambda h, t, p: rounded(h, t, p, np.float32)],
            {"the old best": (old_best, "its own epochs alone"),
             "the old wait": (old_wait, "counts from 0"),
             "within the top": (within_the_top, "Counted through both"),
             "stops for epochs": (stops, "how many epochs"),
             "unseen": (unseen_best, "never trained"),
             "one too long": (lambda h, t, p: two_phases(h, t, p, longer=1), "waits for a third"),
             "one too short": (lambda h, t, p: two_phases(h, t, p, shorter=1), "leave out the epoch"),
             "until the best": (until_best, "epochs of waiting"),
             "best of the top": (best_of_the_top, "Look at both"),
             "a later tie": (later_tie, "Of equals the first"),
             "in all": (in_all, "those in a row"),
             "a margin": (lambda h, t, p: two_phases(h, t, p, better=lambda a, b: a < b - 0.005), "margin?"),
             "a share": (lambda h, t, p: two_phases(h, t, p, better=lambda a, b: a < b * 0.999), "margin?"),
             "rounded": (rounded, "Do you round"),
             "three decimals": (lambda h, t, p: rounded(h, t, p, lambda loss: round(loss, 3)), "you round"),
             "half precision": (lambda h, t, p: rounded(h, t, p, np.float16), "Do you round"),
             "the best is rounded": (rounded_best, "Do you round"),
             "begins at 10": (lambda h, t, p: two_phases(h, t, p, best=10), "begin at infinity"),
             "begins at a billion": (lambda h, t, p: two_phases(h, t, p, best=1e9), "begin at infinity"),
             "shortens its list": (shortening, "changes the lists"),
             "sorts its list": (sorting, "changes the lists"),
             "the highest": (the_highest, "highest loss"),
             "a margin of 0.0001": (lambda h, t, p: two_phases(h, t, p, better=lambda a, b: a < b - 1e-4),
                                    "margin?"),
             "the best within 0.0001": (lambda h, t, p: (*two_phases(h, t, p)[:2], next(
                 i for i, loss in enumerate(seen(h, p) + seen(t, p))
                 if loss <= min(seen(h, p) + seen(t, p)) + 1e-4)), "margin?"),
             "the head goes on": (head_goes_on, "The head is not stopped"),
             "behind the whole head": (behind_the_whole_head, "behind the head's whole list"),
             "0 is no best": (zero_is_none, "0 is a loss as any other"),
             "seven decimals": (lambda h, t, p: rounded(h, t, p, lambda loss: round(loss, 7)), "you round"),
             "nearly as low": (lambda h, t, p: two_phases(
                 h, t, p, better=lambda a, b: a < b and not math.isclose(a, b, rel_tol=1e-6)), "margin?"),
             "kept from call to call": (kept, "keeps something from one call to the next"),
             "20 epochs at most": (lambda h, t, p: two_phases(h[:20], t[:20], p), "Is there a limit"),
             "patience of at most 10": (lambda h, t, p: two_phases(h, t, min(p, 10)), "Is there a limit"),
             "patience of at most 3": (lambda h, t, p: two_phases(h, t, min(p, 3)), "it should be"),
             "the epoch before": (the_epoch_before, "epoch before"),
             "from the head's whole list": (from_the_whole_head, "the head's last epoch"),
             "from 1": (lambda h, t, p: (*two_phases(h, t, p)[:2], two_phases(h, t, p)[2] + 1), "from 0"),
             "best of the head": (lambda h, t, p: (*two_phases(h, t, p)[:2], h.index(min(seen(h, p)))),
                                  "look at both"),
             "the top from the start": (lambda h, t, p: (two_phases(h, t, p)[0], sum(two_phases(h, t, p)[:2]),
                                                         two_phases(h, t, p)[2]), "how many the top trains"),
             "the first is no best": (first_is_none, "first epoch is a new best"),
             "two numbers": (lambda h, t, p: (5, 6), "Three whole numbers"),
             "fixed": (lambda h, t, p: two_phases(h, t, 2), "fixed in yours"),
             "equal counts": (lambda h, t, p: two_phases(h, t, p, better=np.less_equal), "comparison is <"),
             "otherwise": (lambda h, t, p: (1, 2, 3), "it should be (5, 6, 8)"),
             "one number": (lambda h, t, p: 5, "Three whole numbers"),
             "nothing": (lambda h, t, p: None, "return missing"),
             "no function": ((5, 6, 8), "function")},
            lambda head, top, patience: ...),
        ex.prune_the_top: (
            [Made(pruned), Made(lambda: pruned()[0]), Made(with_constraints),
             Made(lambda: settings(target_sparsity=np.float32(0.9), ramp_epochs=3.0, second=Epochs(30),
                                   learning_rate=Fraction(3, 10_000)))],
            {"not pruned": (Made(trained), "Nothing is pruned"),
             "not trained on": (Made(lambda: cut_down(0.97)), "trained on"),
             "nearly nothing left": (Made(lambda: cut_down(0.999)), "So few weights are left"),
             "too few zeros": (Made(lambda: cut_down(0.5)), "By layer: Conv_1 50.0%, head 50.0%"),
             "zeros beside it": (Made(with_a_branch), "take none of its weights away"),
             "never ends": (Made(lambda: settings(second=Below("val_loss", 0.01))), "Nothing was trained"),
             "a share of 0.5": (Made(lambda: settings(target_sparsity=0.5)), "at least 0.9; this is 0.5"),
             "all zeros": (Made(lambda: settings(target_sparsity=1.0)), "a share below 1"),
             "percent": (Made(lambda: settings(target_sparsity=90)), "a share below 1"),
             "trained on before": (Made(lambda: settings(first=Epochs(2))), "leave first=None"),
             "no word on first": (Made(lambda: {name: value for name, value in settings().items()
                                                if name != "first"}), "needs first"),
             "a rate of text": (Made(lambda: settings(learning_rate="5e-4")), "leave out the quotes"),
             "a rate below 0": (Made(lambda: settings(learning_rate=-1e-3)), "a number above 0"),
             "a rate of no number": (Made(lambda: settings(learning_rate=float("nan"))), "this is nan"),
             "a ramp too long": (Made(lambda: settings(ramp_epochs=30)), "would not be full in time"),
             "no ramp": (Made(lambda: settings(ramp_epochs=0)), "a whole number of at least 1"),
             "half a ramp": (Made(lambda: settings(ramp_epochs=2.5)), "ramp_epochs is a whole number"),
             "validates on known": (Made(lambda: misused(validation_data="known")), "400 of the validation"),
             "trains on validation": (Made(lambda: misused(data="validation")), "200 of the validation"),
             "trains on the test": (Made(lambda: misused(data="test")), "trains on 300 of the 500"),
             "swapped": (Made(lambda: misused(data="validation", validation_data="known")), "two swapped?"),
             "batches of the test": (Made(lambda: misused(data="batches")), "trains on 300 of the 500"),
             "validates on the test": (Made(lambda: misused(validation_data="test")), "validates on 300"),
             "a rate too high": (Made(overshot), "Is learning_rate too high?"),
             "a misspelt setting": (Made(lambda: settings(learn_rate=1)), "Did you mean 'learning_rate'?"),
             "no model": (Made(lambda: settings(model=None)), "leave model=model"),
             "no data": (Made(lambda: {"second": Patience("val_loss", 1)}), "needs model and data"),
             "another column": (Made(lambda: settings(second=Patience("val_los", 1, mode="min"))),
                                'Did you mean "val_loss"?'),
             "no rule": (Made(lambda: settings(second=3)), "criterion"),
             "neither": (Made(lambda: cut_down(0.5, lambda kernel: -kernel)), "Both are too few"),
             "the whole network": (Made(whole_network), "Prune `model`"),
             "bare values": ((0.9, 6, Epochs(4), 5e-4), "this is (0.9, 6,"),
             "a number": (0.9, "or a model that it gives back")},
            ...)}


def test_the_layers_of_6_1_are_what_keras_gives():
    source, target = (
        keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(4, name=name) for name in names)])
        for names in ("abc", "def")
    )
    target.layers.pop(0)
    target.add(source.layers[0])
    target.pop()
    target.add(source.layers[1])
    assert tuple(layer.name for layer in target.layers) == ex.ORDER


def test_the_counts_of_6_2_are_what_keras_gives():
    model = ex.counted_model()
    assert {layer.name: layer.count_params() for layer in model.layers if layer.weights} == ex.COUNTS
    assert (unfreeze(model, "conv2"), unfreeze(model, "norm1")) == ex.TRAINED


def test_the_phases_of_6_3_end_where_the_criteria_say():
    for *script, right in ex.SCRIPTS:
        assert tuple(with_criteria(*script)) == right


# ---- "Your turn" in the middle of the chapter: an exercise that counts for no score ----

PATIENT = Patience("val_loss", 2)


def tiny():
    """A model as with_head makes them, small: a frozen layer Conv_1, and a head."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(4, name="head")(
        keras.layers.Dense(8, "relu", name="Conv_1")(inputs)))
    model.get_layer("Conv_1").trainable = False
    return model


def corners(rows, seed):
    """Points, and in which of four corners each lies."""
    x = np.random.default_rng(seed).normal(size=(rows, 4)).astype("float32")
    return x, 2 * (x[:, 0] > 0) + (x[:, 1] > 0)


def a_head(rule=PATIENT, rate=0.03, name="head", **more):
    return Phase(name, rule, learning_rate=rate, **more)


def a_top(rule=PATIENT, rate=0.01, name="top", layer="Conv_1", **more):
    return Phase(name, rule, learning_rate=rate, unfreeze_from=layer, **more)


def turn(*phases, **changes):
    """What the learner gives to your_phases."""
    answer = dict(model=tiny(), phases=[*phases], data=corners(200, 1), validation_data=corners(100, 2))
    return {name: value for name, value in (answer | changes).items() if value is not None}


def trained_before():
    model = tiny()
    model.compile("adam", "mse")
    return model


@pytest.mark.parametrize("make", [lambda: turn(a_head(epochs=3), a_top(epochs=1)), *(
    pytest.param(make, marks=pytest.mark.rare) for make in (
        lambda: turn(a_head(), a_top()),
        lambda: turn(a_head(Patience("val_accuracy", 3, mode="max")),
                     a_top(Patience("val_loss", 1) | Epochs(2))),
        lambda: turn(phases=(a_head(), a_top())),
        lambda: turn(a_head(Below("val_loss", 0.0)), a_top(Epochs(1))),  # never met: 25 epochs are enough
        lambda: turn(a_top(layer="head", name="head"), a_top())))])
def test_two_phases_are_trained(make, capsys):
    verdict = ex.your_phases.grade(make())
    assert verdict.state == "right", verdict.text
    assert "You keep val_loss" in verdict.text and "in phase" in verdict.text
    verdict.draw()


def test_a_second_phase_that_spoils_is_said_to_be_undone():
    verdict = ex.your_phases.grade(turn(a_head(Epochs(20)), a_top(rate=3.0)))
    assert verdict.state == "right" and "undone" in verdict.text, verdict.text


@pytest.mark.parametrize(("make", "words"), [
    (lambda: [a_head(), a_top()], "a dict of what fit_in_phases"),
    (lambda: turn(a_head(), a_top(), model=None), "needs model, too"),
    (lambda: turn(a_head(), a_top(), validation_data=None), "needs validation_data, too"),
    (lambda: turn(a_head(), a_top(), model=(tiny(), tiny())), "with_head()[1], not"),
    (lambda: turn(a_head(), a_top(), batch_size=64), "batch_size would change nothing"),
    (lambda: turn(phases=a_head()), "Two Phases in a list"),
    (lambda: turn(a_head()), "this is 1 of them"),
    (lambda: turn(a_head(), a_top(), a_top(name="more")), "this is 3 of them"),
    (lambda: turn(Patience("val_loss", 3), Patience("val_loss", 3)), "Two Phases in a list"),
    (lambda: turn(phases="head, top"), "Two Phases in a list"),
    (lambda: turn(a_head(), a_top(name="head")), "a name of its own"),
    (lambda: turn(a_head(), a_head(name="top")), "Nothing more is unfrozen"),
    (lambda: turn(a_top(name="head"), a_top()), "Nothing more is unfrozen"),
    (lambda: turn(a_top(), a_top(layer="head", name="head")), "Nothing more is unfrozen"),
    (lambda: turn(a_head(), a_top(layer="Conv1")), 'no layer "Conv1"'),
    (lambda: turn(a_head(Patience("val_los", 3, mode="min")), a_top()), "val_los"),
    (lambda: turn(a_head(), a_top(), model=trained_before()), "trained already"),
    (lambda: turn(a_head(), a_top(), validation_data=corners(200, 1)), "200 of the validation photos"),
    (lambda: turn(a_head(), a_top(), data=corners(100, 2), validation_data=corners(200, 1)), "two swapped?"),
    (lambda: turn(a_head(), a_top(), validation_data=(corners(100, 2)[0], corners(90, 2)[1])),
     "Your code raised ValueError: Data cardinality"),  # no line of the learner's, so none is cited
    (lambda: turn(a_head(rate=1e30), a_top()), "far too high"),
    (lambda: turn(a_head(Epochs(1), rate=1e-9), a_top(Epochs(1), rate=1e-9)), "hardly learnt")])
def test_wrong_phases_are_refused_with_a_reason(make, words):
    verdict = ex.your_phases.grade(make())
    assert verdict.state == "wrong" and words in verdict.text, verdict.text


def test_your_turn_may_be_left_out_and_counts_for_no_score(capsys):
    for phases in ([..., ...], [a_head(), ...], ...):
        verdict = ex.your_phases.grade(turn(phases=phases))
        assert verdict.state == "blank" and verdict.text.endswith("not attempted")
    assert ex.your_phases not in ex.chapter.exercises
    for _ in ex.your_phases.hints:
        ex.your_phases.hint()
    ex.your_phases.solution()


@pytest.mark.rare
def test_the_shown_phases_of_your_turn_are_right():
    def with_head():
        _, top = split_at(backbone(from_side=32, weights=mobilenetv2_weights()), ex.CUT)
        return None, keras.Model(top.input, keras.layers.Dense(10, name="head")(top.output))

    known, validation = photos()
    names = dict(with_head=with_head, known=known, validation=validation, Phase=Phase, Patience=Patience)
    exec(ex.your_phases.code, names)
    verdict = ex.your_phases.grade(names["answer"])
    assert verdict.state == "right", verdict.text

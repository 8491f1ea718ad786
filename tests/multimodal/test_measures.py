"""Utilisation, OGR, blending weights, clocks: by hand; and inputs that are checked by their names."""

import functools

import keras
import numpy as np
import pytest

from course_utils.multimodal import (
    UtilisationRate,
    accuracy,
    blending_weights,
    check_inputs,
    clocks,
    overfitting_ratio,
    utilisation,
)
from course_utils.multimodal.inputs import taken_away
from course_utils.stopping import Below, Probe, StopWhen
from fits import NAN, both
from two_inputs import HEADS, X, Y, fit, network, with_heads

# Three inputs of three classes: "loud" is right in every row, "quiet" in half, "mute" says nothing.
RIGHT = np.array([0, 1, 2, 0])
LOUD, QUIET = 2.0 * np.eye(3)[RIGHT], np.eye(3)[[0, 1, 0, 2]]
MUTE = np.zeros((4, 3))


@functools.cache  # predicting compiles, once a model
def adding(K=keras, form=list):
    """A network without weights: it adds its inputs."""
    inputs = {name: K.Input((3,), name=name) for name in ("loud", "quiet", "mute")}
    outputs = K.layers.Add(name="sum")(list(inputs.values()))
    return K.Model(inputs if form is dict else list(inputs.values()), outputs, name="adding")


# ---- utilisation ----


@both
@pytest.mark.parametrize("form", [list, dict])
def test_utilisation_is_what_is_lost_by_hand(K, form):
    x = {"loud": LOUD, "quiet": QUIET, "mute": MUTE}
    used = utilisation(adding(K, form), (x if form is dict else list(x.values()), RIGHT), baseline="zeros")
    assert used.score == 1 and used.without == {"loud": 0.5, "quiet": 1, "mute": 1}
    assert used.rate == {"loud": 0.5, "quiet": 0, "mute": 0}
    assert str(used).splitlines() == ["with all       1.000   utilisation rate",
                                      "without loud   0.500    0.500", "without quiet  1.000    0.000",
                                      "without mute   1.000    0.000"]


def test_the_rate_is_a_share_of_what_all_inputs_reach():
    wrong = np.eye(3)[(RIGHT + [0, 1, 1, 1]) % 3]  # "loud" is right in one row of four, and "quiet" in half
    used = utilisation(adding(), ([2 * wrong, QUIET, MUTE], RIGHT), baseline="zeros")
    assert used.score == 0.25 and used.without["loud"] == 0.5
    assert used.rate["loud"] == -1, "(0.25 - 0.5) / 0.25: it does harm"
    never = utilisation(adding(), ([2 * np.eye(3)[(RIGHT + 1) % 3], MUTE, MUTE], RIGHT))
    assert never.score == 0 and np.isnan(never.rate["quiet"])


def test_the_mean_of_the_training_data_stands_in_if_they_are_given():
    x, one = [LOUD + 7, QUIET, MUTE], np.array([0.0, 9.0, 0.0])  # an example that says class 1
    training = [np.repeat(10 * np.eye(3)[[1]], 2, axis=0), QUIET[:2], MUTE[:2]]
    assert utilisation(adding(), (x, RIGHT)).without["loud"] == 0.5, "the mean leaves it to what quiet says"
    for options in ({"reference": training}, {"baseline": {"loud": one}}):
        assert utilisation(adding(), (x, RIGHT), **options).without["loud"] == 0.25, "class 1, always"


def test_what_stands_in_for_an_input_by_hand():
    values = {"a": np.array([[1.0, 2.0], [3.0, 6.0]], "float32"), "b": np.array([[1], [2]])}

    def stand_in(name, *args):
        taken = taken_away(values, name, *args)
        assert taken[name].dtype == values[name].dtype
        assert all(taken[other] is values[other] for other in values if other != name)
        return taken[name].tolist()

    assert stand_in("a") == [[2, 4]] * 2 and stand_in("a", "zeros") == [[0, 0]] * 2
    assert stand_in("a", "mean", {"a": np.array([[5.0, 7.0]])}) == [[5, 7]] * 2
    assert stand_in("a", [8, 9]) == stand_in("a", {"a": [8, 9], "b": "zeros"}) == [[8, 9]] * 2
    orders = [stand_in("a", "rows", None, seed) for seed in range(8)]
    assert [[3, 6], [1, 2]] in orders and all(sorted(rows) == [[1, 2], [3, 6]] for rows in orders)
    assert stand_in("b", "zeros") == [[0], [0]]
    for name, baseline, words in [("b", "mean", '"b" holds int64, not float32'),
                                  ("a", [1], r"shape \(1,\); an example of it has \(2,\)"),
                                  ("a", "median", 'baseline is "mean", "rows", "zeros" or an example')]:
        with pytest.raises(ValueError, match=words):
            stand_in(name, baseline)


def test_of_several_outputs_one_is_scored(K=keras):
    model = with_heads(K)
    labels = {head: Y for head in HEADS}
    with pytest.raises(ValueError, match="Say which is scored: output= is one of 'pictures', 'words', 'b"):
        utilisation(model, (X, labels))
    used = utilisation(model, (X, labels), output="words")
    assert used.rate["p"] == 0 and used.score == accuracy(Y, model.predict(X, verbose=0)["words"])
    listed = with_heads(K, list)
    assert utilisation(listed, (X, Y), output=1) == utilisation(listed, (X, [Y, Y, Y]), output=1) == used
    assert utilisation(listed, (X, [Y, 0 * Y, Y]), output=1) != used
    with pytest.raises(ValueError, match="no predictions of an output 'wrds'"):
        utilisation(model, (X, Y), output="wrds")


def test_accuracy_of_one_hot_labels_and_what_it_cannot_know():
    predictions = np.array([[0.1, 0.9], [0.8, 0.2]])
    assert accuracy([1, 1], predictions) == accuracy([[0, 1], [0, 1]], predictions) == 0.5
    assert accuracy([[1], [0]], predictions) == 1
    with pytest.raises(ValueError, match="one number a row"):
        accuracy([1, 0], predictions[:, :1])


@both
def test_the_probe_writes_a_column_for_each_input_that_a_criterion_can_read(K):
    model, probe = network(K), UtilisationRate((X, Y), reference=X)
    measured = Probe("measured")
    measured.rates = []
    measured.on_epoch_end = lambda epoch, logs=None: measured.rates.append(
        utilisation(model, (X, Y)).rate)
    stop = StopWhen(Below("utilisation_p", 9.0))
    history = fit(model, probe, measured, stop).history
    assert stop.report.reason.startswith("utilisation_p 0.") and stop.report.epoch == 0
    assert {name: history[f"utilisation_{name}"] for name in X} == {
        name: [rates[name] for rates in measured.rates] for name in X}


def test_the_probe_says_before_the_first_step_what_cannot_work():
    model = network(keras)
    before = model.get_weights()
    for data, options, words in [((X, Y), {"output": "both"}, "leave output='both' out"),
                                 (({"p": X["p"]}, Y), {}, '"w" is missing')]:
        with pytest.raises(ValueError, match=words):
            fit(model, UtilisationRate(data, **options))
    assert all(map(np.array_equal, before, model.get_weights()))


# ---- inputs ----


@both
def test_a_missing_modality_is_named(K):
    x = {"loud": LOUD, "quiet": QUIET, "mute": MUTE}
    for form in (list, dict):
        model = adding(K, form)
        with pytest.raises(ValueError, match='"quiet", "mute" are missing: the model "adding" takes loud, '
                                             "quiet, mute, and was given loud"):
            check_inputs(model, {"loud": LOUD, "mute": None})
        with pytest.raises(ValueError, match='"quiet" is missing'):
            check_inputs(model, [LOUD, None, MUTE])
        with pytest.raises(ValueError, match=r"takes 3 inputs \(loud, quiet, mute\), and was given 2"):
            check_inputs(model, [LOUD, QUIET])
        with pytest.raises(ValueError, match='no input "words"'):
            check_inputs(model, {**x, "words": LOUD})
        with pytest.raises(ValueError, match="loud 4, quiet 3, mute 4"):
            check_inputs(model, [LOUD, QUIET[:3], MUTE])
        for given in (x, dict(reversed(x.items())), list(x.values())):
            taken = check_inputs(model, given)
            assert isinstance(taken, form)
            np.testing.assert_array_equal(model.predict(taken, verbose=0), LOUD + QUIET)


def test_a_model_of_ones_own_and_a_model_of_one_input():
    class Own(keras.Model):
        def call(self, x):
            return x["a"] + x["b"] if isinstance(x, dict) else x[0] + x[1]

    for x in ({"a": LOUD, "b": QUIET}, [LOUD, QUIET]):
        assert sorted(utilisation(Own(), (x, RIGHT), baseline="zeros").without.values()) == [0.5, 1]
    single = keras.Sequential([keras.Input((3,), name="only"), keras.layers.Identity()])
    assert utilisation(single, (LOUD, RIGHT), baseline="zeros").without == {"only": 0.5}


# ---- OGR and blending, by hand ----


def test_the_overfitting_ratio_by_hand():
    run = {"loss": [3.0, 2.0, 1.0, 0.5], "val_loss": [3.0, 2.5, 2.0, 2.25]}
    assert overfitting_ratio(run, end=1) == 1.0  # the gap 0 -> 0.5, the validation loss 3 -> 2.5
    assert overfitting_ratio(run, end=2) == 1.0
    assert overfitting_ratio(run, start=1, end=2) == 1.0
    assert overfitting_ratio(run) == pytest.approx(1.75 / 0.75)
    assert overfitting_ratio({"loss": [1, 0], "val_loss": [2, 2]}) == np.inf
    heads = {"words_loss": [2.0, 1.0], "val_words_loss": [2.0, 1.0]}
    assert overfitting_ratio(heads, "words_loss") == 0
    for options, words in [({"end": 4}, "There are 4 rows"), ({"start": 3}, "are one row of 4")]:
        with pytest.raises(ValueError, match=words):
            overfitting_ratio(run, **options)
    with pytest.raises(ValueError, match="not measured"):
        overfitting_ratio({"loss": [1, 0], "val_loss": [2, None]})


def test_blending_weights_by_hand():
    # gains 1, 0.5 and -1; gaps 0.5, 1 and 2: weights 1 / 0.25 = 4, 0.5 / 1 = 0.5, and none
    runs = {"a": {"loss": [3.0, 1.5], "val_loss": [3.0, 2.0]},
            "b": {"loss": [2.0, 0.5], "val_loss": [2.0, 1.5]},
            "c": {"loss": [2.0, 1.0], "val_loss": [2.0, 3.0]}}
    assert blending_weights(runs, total=9) == {"a": 8, "b": 1, "c": 0}
    assert sum(blending_weights(runs).values()) == pytest.approx(1)
    one = {"a_loss": [3.0, 1.5], "val_a_loss": [3.0, 2.0], "b_loss": [2.0, 0.5], "val_b_loss": [2.0, 1.5]}
    columns = {"a": "a_loss", "b": "b_loss"}
    assert blending_weights(dict.fromkeys("ab", one), columns, total=9) == {"a": 8, "b": 1}
    for given, words in [({"c": runs["c"]}, "No validation loss fell"), ({}, "histories is a dict"),
                         ({"d": {"loss": [2, 1], "val_loss": [2, 1]}}, '"d" gained 1 and did not overfit')]:
        with pytest.raises(ValueError, match=words):
            blending_weights(given)
    with pytest.raises(ValueError, match="above 0"):
        blending_weights(runs, total=0)


# ---- clocks ----


def test_clocks_count_the_epochs_that_were_trained():
    told = clocks({"p": {"val_loss": [1.0, 2.0, NAN]}, "w": {"val_loss": [4.0, 3.0, 2.0, 2.0]},
                   "s": {"val_loss": [4.0, 3.0]}})
    assert told.best_epoch == {"p": 0, "w": 2, "s": 1} and told.epochs == {"p": 1, "w": 3, "s": 2}
    assert told.ratio == 3 and told.unfinished == ("s",)
    assert str(told).splitlines() == [
        "       best after   val_loss", "p      1 epoch      1", "w      3 epochs     2",
        "s      2 epochs     2   and still better when it ended".replace("2   and", "3   and"),
        "ratio  3            w / p"]
    by_f1 = clocks({"p": {"f1": [0.1, 0.4, 0.3]}, "w": {"f1": [0.2, 0.1, 0.1]}}, "f1", "max")
    assert by_f1.best_epoch == {"p": 1, "w": 0}


@pytest.mark.parametrize(("histories", "options", "words"), [
    ({"p": {"val_loss": [1]}}, {}, "of two inputs or more"),
    ({"p": {"val_loss": [1]}, "w": {"val_loss": [NAN, None]}}, {}, '"val_loss" of "w" has no finite value'),
    ({"p": {"f1": [1]}, "w": {"f1": [1]}}, {"metric": "f1"}, 'small or a large "f1" better'),
])
def test_clocks_that_cannot_be_read(histories, options, words):
    with pytest.raises(ValueError, match=words):
        clocks(histories, **options)



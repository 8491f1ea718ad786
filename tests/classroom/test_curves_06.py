"""The recordings of chapter 06: what is in them, and that the script still trains what was recorded."""

import re
from types import SimpleNamespace

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom.chapter_06 import figures, results
from course_utils.classroom.data import CIFAR10, DATA, load_cifar10, load_curves
from course_utils.stopping import Patience, plots

WAYS = {"own stops": ("fine-tuned", Patience("val_loss", 3)), "fixed": ("long head", None),
        "at once": ("at once", Patience("val_loss", 3))}
EPOCHS = {"scratch": 40, "features": 60, "long head": 70, "at once": 20}


@pytest.mark.parametrize("way", EPOCHS)
def test_every_run_is_whole_and_its_seconds_go_on(way):
    runs = load_curves("transfer").select(way=way)
    assert len(runs) == (5 if way in ("scratch", "features") else 3)
    for run in runs:
        for column in run.values():
            assert len(column) == EPOCHS[way] and np.isfinite(column).all()
        assert (np.diff(run["seconds"]) > 0).all()
        assert run["phase"] == sorted(run["phase"])


def test_a_fine_tuned_run_begins_as_the_head_on_features_until_its_patience_ends_it():
    curves = load_curves("transfer")
    pairs = list(zip(curves.select(way="features"), curves.select(way="fine-tuned")))
    assert len(pairs) == 5
    for head, tuned in pairs:
        stop = Patience("val_loss", 5).first(head)
        assert tuned["phase"] == [0] * (stop + 1) + [1] * 10
        for name in ("loss", "val_loss", "test_accuracy"):
            np.testing.assert_allclose(tuned[name][: stop + 1], head[name][: stop + 1], rtol=1e-4)


def test_a_long_head_is_the_whole_run_on_features_and_goes_on_from_its_last_epoch():
    curves = load_curves("transfer")
    for head, tuned in zip(curves.select(way="features"), curves.select(way="long head")):
        np.testing.assert_allclose(tuned["val_loss"][:60], head["val_loss"], rtol=1e-4)
        assert tuned["phase"] == [0] * 60 + [1] * 10


def test_no_seed_of_fixed_lengths_is_better_than_events_or_done_sooner():
    curves = load_curves("transfer")
    events = results.outcomes(curves.select(way="fine-tuned")[:3], Patience("val_loss", 3))
    fixed = results.outcomes(curves.select(way="long head"))
    assert (events["test_accuracy"] >= fixed["test_accuracy"]).all()
    assert (events["seconds"] < fixed["seconds"]).all()


def test_the_fixed_head_is_at_its_best_long_before_its_end_and_the_top_does_not_get_there_again():
    for run in load_curves("transfer").select(way="long head"):
        best = int(np.argmin(run["val_loss"]))
        assert best < 20 and run["phase"][best] == 0
        assert run["accuracy"][59] > run["accuracy"][best] + 0.05  # it overfits
        assert run["val_loss"][59] > run["val_loss"][best] + 0.02
        assert min(run["val_loss"][60:]) > run["val_loss"][best]


def test_until_its_patience_ends_it_the_head_of_events_is_that_of_fixed_and_twice_its_top_gets_lower():
    curves, lower = load_curves("transfer"), 0
    for tuned, fixed in zip(curves.select(way="fine-tuned"), curves.select(way="long head")):
        top = tuned["phase"].index(1)
        np.testing.assert_allclose(tuned["val_loss"][:top], fixed["val_loss"][:top], rtol=0.02)
        tuned = results.until(tuned, Patience("val_loss", 3))
        lower += min(tuned["val_loss"][top:]) < min(tuned["val_loss"][:top])
    assert lower == 2


def test_after_20_seconds_events_are_ahead_of_all_and_in_the_end_at_once_is_as_good_with_a_lower_loss():
    curves, patient = load_curves("transfer"), Patience("val_loss", 3)
    ways = {"events": ("fine-tuned", patient), "fixed": ("long head", None), "at once": ("at once", patient)}

    def ahead(within, column="test_accuracy"):
        two, _, once = results.compare(curves, ways, within=within).values()
        return two[column] - once[column]

    assert np.isnan(ahead(10)).all() and (ahead(20) > 0).all()
    assert abs(ahead(40).mean()) < ahead(40).std(ddof=1)
    assert abs(ahead(np.inf).mean()) < ahead(np.inf).std(ddof=1) and (ahead(np.inf, "val_loss") > 0).all()
    assert results.ahead(results.compare(curves, ways, within=20)) == "events"
    done = {name: of["seconds"].mean() for name, of in results.compare(curves, ways).items()}
    assert max(done, key=done.get) == "fixed"


def test_an_epoch_of_at_once_costs_seconds_and_its_first_is_over_after_ten():
    curves = load_curves("transfer")
    for once, own in zip(curves.select(way="at once"), curves.select(way="fine-tuned")):
        assert 10 < once["seconds"][0] < 12 and 6 < own["seconds"][0] < 6.5
        assert np.diff(once["seconds"]).min() > 10 * np.diff(own["seconds"][:10]).max()


def test_an_epoch_of_head_takes_a_tenth_of_a_second_and_one_of_top_about_three():
    curves = load_curves("transfer")
    for way in ("fine-tuned", "long head"):
        for run in curves.select(way=way)[:3]:
            each, phase = np.diff(run["seconds"]), np.array(run["phase"][1:])
            assert 0.08 < np.median(each[phase == 0]) < 0.14 and 2.6 < np.median(each[phase == 1]) < 3.2


def test_in_the_tie_own_stops_and_fixed_keep_the_same_epoch_of_the_head():
    curves = load_curves("transfer")
    own, fixed = (curves.select(way=way)[0] for way in ("fine-tuned", "long head"))
    kept = [int(np.argmin(run["val_loss"])) for run in (results.until(own, Patience("val_loss", 3)), fixed)]
    assert kept[0] == kept[1] and own["phase"][kept[0]] == 0


def test_what_is_drawn_over_time_is_what_is_compared_at_20_seconds():
    curves = load_curves("transfer")
    reached, early = results.so_far(curves, WAYS), results.compare(curves, WAYS, within=20)
    for name, (seconds, accuracy, top) in reached.items():
        np.testing.assert_array_equal(accuracy[seconds.tolist().index(20)], early[name]["test_accuracy"])
        assert (top is None) == (name == "at once")
    mean = {name: accuracy.mean(axis=1) for name, (_, accuracy, _) in reached.items()}  # four a second
    assert reached["own stops"][2] < reached["fixed"][2] < 20
    assert mean["at once"][80] < mean["fixed"][80] < mean["at once"][100]
    assert 0.745 < mean["own stops"][40] < 0.765 and abs(mean["own stops"][40] - mean["fixed"][40]) < 0.01
    assert mean["fixed"][80] == mean["fixed"][-1] and mean["at once"][-1] > mean["own stops"][-1]


def test_less_patience_would_end_scratch_too_soon_and_features_does_not_mind():
    gained = {}
    for way in ("scratch", "features"):
        runs = load_curves("transfer").select(way=way)
        soon, later = (results.outcomes(runs, Patience("val_loss", patience))["test_accuracy"].mean()
                       for patience in (3, 8))
        gained[way] = later - soon
    assert gained["scratch"] > 0.03 and abs(gained["features"]) < 0.002


def test_who_is_lower_in_loss_is_told(capsys):
    ways = {"a": {"val_loss": np.array([0.5, 0.5])}, "b": {"val_loss": np.array([0.6, 0.4])}}
    results.print_seeds(ways, "a", "b", "val_loss")
    said = "a lower in validation loss than b in 1 of 2 seeds, by 0.00 on average\n"
    assert capsys.readouterr().out == said


def test_who_is_ahead_and_when_is_told(capsys):
    curves = load_curves("transfer")
    early, ended = (results.compare(curves, WAYS, within=within) for within in (20, np.inf))
    results.print_leads("own stops", {"after 20 s": early, "when done": ended})
    results.print_overfitting("fixed", curves.select(way="long head"))
    assert [re.split("  +", line) for line in capsys.readouterr().out.splitlines()] == [
        ["own stops ahead of", "after 20 s", "when done"],
        ["fixed", *(f"by +{points} points, in 2 of 3 seeds (1 tie)" for points in (1.1, 1.6))],
        ["at once", "by +3.2 points, in 3 of 3 seeds", "by -0.2 points, in 1 of 3 seeds"],
        ["fixed, validation loss of its head: 0.69 at its best, 0.80 after 60 epochs"]]


def test_training_false_does_not_keep_fit_from_changing_batch_normalization():
    """As the lesson says of Keras 3.15.1; with another version, look whether that still stands."""
    inputs = keras.Input((4,))
    source = keras.Model(inputs, keras.layers.BatchNormalization()(keras.layers.Dense(8)(inputs)))
    target = keras.Model(inputs, keras.layers.Dense(4)(source(inputs, training=False)))
    target.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert results.fit_and_count(target, source) == 6


def test_a_phase_with_fixed_lengths_is_not_cut():
    run = load_curves("transfer").select(way="long head")[0]
    assert results.until(run, None) == run


@pytest.mark.rare
def test_the_script_still_trains_what_was_recorded(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")  # what the script sets must not stay for other tests
    monkeypatch.syspath_prepend(str(DATA / "make"))
    import transfer

    again = transfer.from_scratch(transfer.Photos(), seed=1, epochs=1)
    recorded = load_curves("transfer").select(way="scratch", seed=1)[0]
    for name in ("loss", "val_loss", "test_loss"):
        np.testing.assert_allclose(again[name][0], recorded[name][0], rtol=0.03, err_msg=name)


def drawn():
    """Each figure of the chapter, with its name."""
    (x, y), _ = load_cifar10()
    curves = load_curves("transfer")
    history = curves.select(way="fine-tuned")[0]
    phase = history["phase"].index(1)
    report = SimpleNamespace(best_epoch=phase + 1, phases={
        "head": SimpleNamespace(epoch=phase - 1, best_epoch=phase - 6),
        "top": SimpleNamespace(epoch=len(history["loss"]) - 1, best_epoch=phase + 1)})
    chances = np.random.default_rng(0).dirichlet(np.ones(10), 5)
    return {
        "photos": lambda: figures.photos_by_class(x, y, CIFAR10),
        "phases": lambda: figures.phases(history, report),
        "predictions": lambda: figures.predictions(x[:5], chances, CIFAR10, y[:5]),
        "a photo of yours": lambda: figures.predictions(x[:1], chances[:1], CIFAR10),
        "over time": lambda: figures.over_time(results.so_far(curves, WAYS), at=20),
        "pruned": lambda: figures.pruned((0.9, 0.6), (0.9, 0.6), 0.7),
    }


@pytest.mark.parametrize("name", drawn())
def test_a_figure_can_be_read(name):
    figure = drawn()[name]()
    assert plots.unreadable(figure.get_figure(root=True) or figure) == []
    plt.close("all")


def test_the_true_class_is_drawn_where_it_is_none_of_the_likeliest():
    chances = np.array([[0.5, 0.3, 0.15, 0.05]])
    figure = figures.predictions(np.zeros((1, 2, 2, 3), "uint8"), chances, "abcd", [3])
    assert [text.get_text() for text in figure.axes[1].texts] == ["a 0.50", "b 0.30", "c 0.15", "d 0.05"]
    figure = figures.predictions(np.zeros((1, 2, 2, 3), "uint8"), chances, "abcd", [1])
    assert len(figure.axes[1].texts) == 3
    plt.close("all")

"""The recordings of chapter 06: what is in them, and that the script still trains what was recorded."""

from types import SimpleNamespace

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


def test_photos_that_are_mirrored_move_accuracy_and_stop_of_a_head_by_no_more_than_noise():
    changed = load_curves("transfer_augmented").select()
    assert [len(run["loss"]) for run in changed] == [40] * 5
    assert all(np.isfinite(column).all() for run in changed for column in run.values())
    rule = Patience("val_loss", 5)
    plain = load_curves("transfer").select(way="features")
    ends = [results.outcomes(runs, rule) for runs in (changed, plain)]
    assert (ends[0]["epochs"] < 40).all()  # the rule ends them, not the recording
    for name in ("epochs", "test_accuracy"):
        gain = ends[0][name] - ends[1][name]
        assert abs(gain.mean()) < gain.std(ddof=1), name


def test_the_sizes_and_the_sources_are_all_there():
    sizes, sources = load_curves("transfer_sizes"), load_curves("transfer_sources")
    assert len(sizes) == 3 * (3 * 3 + 2 * 4) and len(sources) == 2 * 5 * 5
    for curves in (sizes, sources):
        accuracy = curves.columns["test_accuracy"]
        assert accuracy.shape[1] == 1 and (accuracy > 0.05).all() and (accuracy < 1).all()
    without_classes = np.isin(sources.labels["source"], ["ImageNet", "random MobileNetV2"])
    assert (np.isnan(sources.columns["leep"][:, 0]) == without_classes).all()


def test_a_hundred_photos_with_a_source_do_what_1500_do_from_scratch_and_the_top_adds_nothing_to_them():
    photos = results.by_size(load_curves("transfer_sizes"), "photos")
    scratch = results.outcomes(load_curves("transfer").select(way="scratch"), Patience("val_loss", 8))
    assert np.mean(photos["features"][100]) >= scratch["test_accuracy"].mean()
    assert photos["fine-tuned"][100] == photos["features"][100]
    for pictures in (100, 300, 750):
        ahead = np.mean(photos["features"][pictures]) - np.mean(photos["scratch"][pictures])
        assert 0.24 <= ahead <= 0.335, pictures


def test_clothes_are_learnt_as_well_from_scratch():
    clothes = results.by_size(load_curves("transfer_sizes"), "clothes")
    ahead = {n: np.subtract(clothes["scratch"][n], clothes["features"][n]) for n in (300, 1000, 3000, 9000)}
    assert abs(ahead.pop(300).mean()) < 0.005
    assert all((gain > 0).all() for gain in ahead.values())


def test_what_the_lesson_says_of_the_sources():
    table = results.source_table(load_curves("transfer_sources"))
    right = {name: of["test_accuracy"] for name, of in table["photos"].items()}
    assert round(100 * right["random small"].mean()) == 42
    assert (right["random MobileNetV2"] < right["clothes"]).all()
    assert (right["clothes"] < right["random small"]).all()
    for sources in table.values():
        best = max(sources, key=lambda name: sources[name]["test_accuracy"].mean())
        assert best == "ImageNet" and np.isnan(sources[best]["leep"]).all()
        assert results.names_the_best(sources, "leep") is None and len(results.with_classes(sources)) == 3
        for score in results.SCORES:
            three = results.names_the_best(results.with_classes(sources), score)
            assert 2 <= three < 5  # each errs now and then
            assert score == "leep" or results.names_the_best(sources, score) == 5


def test_the_scores_are_told(capsys):
    table = results.source_table(load_curves("transfer_sources"))
    results.print_scores(table)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[-3:] for line in lines[:3]] == [
        ["LEEP", "H-score", "LogME"], ["-", "10", "10"], ["6", "7", "6"]]
    results.print_sources(table)
    told = capsys.readouterr().out
    names = "random MobileNetV2", "clothes", "random small", "the other task", "ImageNet"
    assert [told.index(name) for name in names] == sorted(map(told.index, names))
    lines = [line.split() for line in told.splitlines()]
    assert lines[2] == ["clothes", "-0.228", "36", "%", "-0.255", "52", "%"]


def test_on_emoji_imagenet_is_about_three_points_ahead_and_in_every_draw():
    right = {name: of["test_accuracy"] for name, of in
             results.source_table(load_curves("transfer_sources"))["emoji"].items()}
    first = right.pop("ImageNet")
    assert round(100 * (first.mean() - max(each.mean() for each in right.values()))) == 3
    assert (first > np.max(list(right.values()), axis=0)).all()


def test_heads_get_better_with_logme_from_source_to_source_and_not_always_from_draw_to_draw():
    for sources in results.source_table(load_curves("transfer_sources")).values():
        logme, right = (np.array([of[name] for of in sources.values()])
                        for name in ("logme", "test_accuracy"))
        assert (logme.mean(1).argsort() == right.mean(1).argsort()).all()
        assert (logme[0].argmax() != right[0].argmax()) and list(sources)[0] == "ImageNet"


def test_no_seed_of_fixed_lengths_is_better_than_events_or_done_sooner(capsys):
    curves = load_curves("transfer")
    events = results.outcomes(curves.select(way="fine-tuned")[:3], Patience("val_loss", 3))
    fixed = results.outcomes(curves.select(way="long head"))
    assert (events["test_accuracy"] >= fixed["test_accuracy"]).all()
    assert (events["seconds"] < fixed["seconds"]).all()
    results.print_val_losses(curves.select(way="long head"), "fixed")
    assert "head at its best 0.69, at its end 0.80; top at its best 0.77" in capsys.readouterr().out


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


def test_far_sources_help_on_emoji_and_not_on_photos():
    right = {task: {name: of["test_accuracy"] for name, of in sources.items()} for task, sources in
             results.source_table(load_curves("transfer_sources")).items()}
    emoji, photos = right["emoji"], right["photos"]
    assert (emoji["ImageNet"] > emoji["random MobileNetV2"]).all()
    assert (emoji["photos"] > emoji["random small"]).sum() == 4
    assert abs(photos["emoji"].mean() - photos["random small"].mean()) < 0.005


def test_who_is_lower_in_loss_is_told(capsys):
    ways = {"a": {"val_loss": np.array([0.5, 0.5])}, "b": {"val_loss": np.array([0.6, 0.4])}}
    results.print_seeds(ways, "a", "b", "val_loss")
    assert capsys.readouterr().out == "a lower in validation loss than b in 1 of 2 seeds\n"


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


def test_from_scratch_augmentation_moves_the_stop_and_helps():
    changed = load_curves("transfer_scratch_augmented").select()
    assert [len(run["loss"]) for run in changed] == [60] * 5
    plain, gains = load_curves("transfer").select(way="scratch"), []
    for patience in (8, 15):
        ends = [results.outcomes(runs, Patience("val_loss", patience)) for runs in (changed, plain)]
        points, epochs = (ends[0][name] - ends[1][name] for name in ("test_accuracy", "epochs"))
        assert (points > 0).all() and (epochs >= 0).all() and epochs.mean() > epochs.std(ddof=1)
        gains.append(100 * points.mean())
    assert (ends[0]["epochs"] == 60).sum() == 2 and [round(gain) for gain in gains] == [5, 8]
    assert sum(Patience("val_loss", 15).first(run) is None for run in changed) == 2  # still going at the end


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
    sizes = {task: results.by_size(load_curves("transfer_sizes"), task) for task in ("photos", "clothes")}
    return {
        "photos": lambda: figures.photos_by_class(x, y, CIFAR10),
        "phases": lambda: figures.phases(history, report),
        "predictions": lambda: figures.predictions(x[:5], chances, CIFAR10, y[:5]),
        "a photo of yours": lambda: figures.predictions(x[:1], chances[:1], CIFAR10),
        "sizes": lambda: figures.sizes(sizes),
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

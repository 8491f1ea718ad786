"""The recordings of appendix 06b: what is in them, and what the lesson says of them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom.chapter_06 import results, source_figures, sources
from course_utils.classroom.data import load_curves, load_openmoji
from course_utils.stopping import Patience, plots
from course_utils.transfer import logme


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


def test_from_scratch_augmentation_moves_the_stop_and_helps():
    changed = load_curves("transfer_scratch_augmented").select()
    assert [len(run["loss"]) for run in changed] == [60] * 5
    plain, gains = load_curves("transfer").select(way="scratch"), []
    for patience in (8, 15):
        ends = [results.outcomes(runs, Patience("val_loss", patience)) for runs in (changed, plain)]
        points, epochs = (ends[0][name] - ends[1][name] for name in ("test_accuracy", "epochs"))
        assert (points > 0).all() and (epochs >= 0).all() and epochs.mean() > epochs.std(ddof=1)
        gains.append(100 * points.mean())
        assert (ends[0]["val_loss"] < ends[1]["val_loss"]).all()
    assert (ends[0]["epochs"] == 60).sum() == 2 and [round(gain) for gain in gains] == [5, 8]
    assert sum(Patience("val_loss", 15).first(run) is None for run in changed) == 2  # still going at the end


def test_the_sizes_and_the_sources_are_all_there():
    sizes, origins = load_curves("transfer_sizes"), load_curves("transfer_sources")
    assert len(sizes) == 3 * (3 * 3 + 2 * 4) and len(origins) == 2 * 5 * 5
    for curves in (sizes, origins):
        accuracy = curves.columns["test_accuracy"]
        assert accuracy.shape[1] == 1 and (accuracy > 0.05).all() and (accuracy < 1).all()
    without_classes = np.isin(origins.labels["source"], ["ImageNet", "random MobileNetV2"])
    assert (np.isnan(origins.columns["leep"][:, 0]) == without_classes).all()


def test_a_hundred_photos_with_a_source_do_what_1500_do_from_scratch_and_the_top_adds_nothing_to_them():
    photos = sources.by_size(load_curves("transfer_sizes"), "photos")
    scratch = results.outcomes(load_curves("transfer").select(way="scratch"), Patience("val_loss", 8))
    assert np.mean(photos["features"][100]) >= scratch["test_accuracy"].mean()
    assert photos["fine-tuned"][100] == photos["features"][100]
    for pictures in (100, 300, 750):
        ahead = np.mean(photos["features"][pictures]) - np.mean(photos["scratch"][pictures])
        assert 0.24 <= ahead <= 0.335, pictures


def test_clothes_are_learnt_as_well_from_scratch():
    clothes = sources.by_size(load_curves("transfer_sizes"), "clothes")
    ahead = {n: np.subtract(clothes["scratch"][n], clothes["features"][n]) for n in (300, 1000, 3000, 9000)}
    assert abs(ahead.pop(300).mean()) < 0.005
    assert all((gain > 0).all() for gain in ahead.values())


def test_what_the_lesson_says_of_the_sources():
    table = sources.source_table(load_curves("transfer_sources"))
    right = {name: of["test_accuracy"] for name, of in table["photos"].items()}
    assert round(100 * right["random small"].mean()) == 42
    assert (right["random MobileNetV2"] < right["clothes"]).all()
    assert (right["clothes"] < right["random small"]).all()
    for own in table.values():
        best = max(own, key=lambda name: own[name]["test_accuracy"].mean())
        assert best == "ImageNet" and np.isnan(own[best]["leep"]).all()
        assert sources.names_the(True, own, "leep") is None and len(sources.with_classes(own)) == 3
        for score in sources.SCORES:
            three = sources.names_the(True, sources.with_classes(own), score)
            assert 2 <= three < 5  # each errs now and then
            assert score == "leep" or sources.names_the(True, own, score) == 5


def test_leep_is_lowest_for_the_random_head_in_every_draw_and_near_what_knowing_nothing_gives():
    for task, own in sources.source_table(load_curves("transfer_sources")).items():
        leep = {name: of["leep"] for name, of in sources.with_classes(own).items()}
        lowest = leep.pop("random small")
        assert (lowest < np.min(list(leep.values()), axis=0)).all()
        assert task == "emoji" or (lowest < -np.log(10) + 0.01).all()
        assert own["random small"]["test_accuracy"].mean() > own["clothes"]["test_accuracy"].mean()


def test_the_scores_are_told(capsys):
    table = sources.source_table(load_curves("transfer_sources"))
    sources.print_scores(table)
    assert capsys.readouterr().out.splitlines() == [
        "right, in draws of 10           LEEP  H-score  LogME        always the same",
        "the best of all five               -       10     10          10 (ImageNet)",
        "the best of the three small        6        7      6  6 (small, other task)",
        "the weakest of the three small     1        9      9            9 (clothes)"]
    sources.print_last(table, "leep", "random small")
    assert capsys.readouterr().out == "LEEP puts random small last in 10 of 10 draws\n"
    sources.print_accuracies(table)
    told = capsys.readouterr().out
    names = "ImageNet", sources.OTHER, "random small", "clothes", "random MobileNetV2"
    assert [told.index(name) for name in names] == sorted(map(told.index, names))
    assert [line.split() for line in told.splitlines()][4] == ["clothes", "36.1", "%", "51.7", "%"]


def test_on_emoji_imagenet_is_about_three_points_ahead_and_in_every_draw():
    right = {name: of["test_accuracy"] for name, of in
             sources.source_table(load_curves("transfer_sources"))["emoji"].items()}
    first = right.pop("ImageNet")
    assert round(100 * (first.mean() - max(each.mean() for each in right.values()))) == 3
    assert (first > np.max(list(right.values()), axis=0)).all()


def test_heads_get_better_with_logme_from_source_to_source_and_not_always_from_draw_to_draw():
    for own in sources.source_table(load_curves("transfer_sources")).values():
        logme, right = (np.array([of[name] for of in own.values()])
                        for name in ("logme", "test_accuracy"))
        assert (logme.mean(1).argsort() == right.mean(1).argsort()).all()
        assert (logme[0].argmax() != right[0].argmax()) and list(own)[0] == "ImageNet"


def test_far_sources_help_on_emoji_and_not_on_photos():
    right = {task: {name: of["test_accuracy"] for name, of in own.items()} for task, own in
             sources.source_table(load_curves("transfer_sources")).items()}
    emoji, photos = right["emoji"], right["photos"]
    assert (emoji["ImageNet"] > emoji["random MobileNetV2"]).all()
    assert (emoji["photos"] > emoji["random small"]).sum() == 4
    assert abs(photos["emoji"].mean() - photos["random small"].mean()) < 0.005


def test_on_photos_only_imagenet_beats_training_from_scratch_even_with_fewer_photos():
    scratch = np.mean(sources.by_size(load_curves("transfer_sizes"), "photos")["scratch"][750])
    heads = sources.source_table(load_curves("transfer_sources"))["photos"]
    assert [name for name, of in heads.items() if of["test_accuracy"].mean() > scratch] == ["ImageNet"]
    groups = np.unique(load_openmoji().groups, return_counts=True)[1]
    assert round(100 * groups.max() / groups.sum()) == 24  # guessing: the largest group


def test_noise_with_a_number_for_each_picture_fits_any_labels_and_logme_is_not_taken_in():
    for seed in range(5):
        rng, labels = np.random.default_rng(seed), np.arange(20) % 2
        one, many = (labels + rng.normal(0, 0.3, 20))[:, None], rng.normal(size=(20, 20))
        assert sources.fitted(many, labels) == 20 >= sources.fitted(one, labels)
        assert logme(one, labels) > logme(many, labels) + 0.2


def drawn():
    """Each figure of the appendix, with its name."""
    photos = sources.by_size(load_curves("transfer_sizes"), "photos")
    plain, varied = load_curves("transfer").select(way="scratch"), load_curves("transfer_scratch_augmented")
    return {
        "sizes": lambda: source_figures.sizes(photos),
        "augmented": lambda: source_figures.augmented(plain, varied.select(), Patience("val_loss", 8)),
        "scores": lambda: source_figures.scores(sources.source_table(load_curves("transfer_sources"))),
    }


@pytest.mark.parametrize("name", drawn())
def test_a_figure_can_be_read(name):
    figure = drawn()[name]()
    assert plots.unreadable(figure.get_figure(root=True) or figure) == []
    plt.close("all")

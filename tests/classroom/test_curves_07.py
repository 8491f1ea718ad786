"""The recordings of chapter 07: what is in them, and that they say what the lesson says of them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom.chapter_07 import figures, outcomes
from course_utils.classroom.chapter_07.emoji import split
from course_utils.classroom.chapter_07.networks import network
from course_utils.classroom.data import DATA, VIEWS, load_curves
from course_utils.multimodal import clocks
from course_utils.stopping import plots

SCALES = {1.0: 30, 0.3: 30, 0.1: 40, 0.03: 50, 0.01: 90}  # epochs
FILES = ("clocks", "clocks_late", "clocks_pixels", "clocks_pixels_late", "views", "views_late", "conditions",
         "colour")


@pytest.fixture(scope="module")
def series():
    """scale -> what became of it."""
    curves, late = load_curves("clocks"), load_curves("clocks_late")
    return {scale: outcomes.outcomes(curves, late, scale=scale) for scale in SCALES}


def points(ours, theirs):
    """Mean difference, its standard error, and how many splits are above 0."""
    gain = ours - theirs
    return gain.mean(), gain.std(ddof=1) / np.sqrt(len(gain)), int((gain > 0).sum())


def test_the_files_are_small_and_every_value_is_possible():
    assert sum((DATA / "curves" / f"{name}.npz").stat().st_size for name in FILES) < 1e6
    for name in FILES:
        for column, values in load_curves(name).columns.items():
            measured = values[~np.isnan(values)]
            assert measured.size and np.isfinite(measured).all() and (measured >= 0).all(), (name, column)
            if "accuracy" in column or column.startswith("without_") or column.endswith(("f1", "auc")):
                assert (measured <= 1).all(), (name, column)


def test_every_run_is_whole():
    curves = load_curves("clocks")
    assert len(curves) == 8 * (4 * len(SCALES) + 1)
    for scale, epochs in SCALES.items():
        for way in ("pictures", "words", "both", "frozen"):
            runs = curves.select(scale=scale, way=way)
            assert len(runs) == 8
            assert {len(run["val_loss"]) for run in runs} == {30 if way == "words" else epochs}
    assert len(load_curves("clocks_late").select(scale=1.0)) == 8 * 30


def test_words_do_not_depend_on_the_scale_of_the_pictures():
    curves = load_curves("clocks")
    ones = [run["val_loss"] for run in curves.select(scale=1.0, way="words")]
    for scale in SCALES:
        assert [run["val_loss"] for run in curves.select(scale=scale, way="words")] == ones


def test_the_frozen_run_is_the_joint_one_until_the_faster_input_is_at_its_best():
    curves = load_curves("clocks")
    for scale in SCALES:
        ways = [curves.select(scale=scale, way=way) for way in ("pictures", "words", "both", "frozen")]
        for *alone, joint, frozen in zip(*ways):
            first = min(map(outcomes.best, alone))
            assert frozen["frozen"] == [0.0] * (first + 1) + [1.0] * (SCALES[scale] - first - 1)
            before, after = slice(first + 1), slice(first + 2, None)
            frozen, joint = np.array(frozen["val_loss"]), np.array(joint["val_loss"])
            np.testing.assert_allclose(frozen[before], joint[before], rtol=1e-3)
            assert not np.allclose(frozen[after], joint[after], rtol=1e-3)


def test_late_fusion_of_equal_epochs_is_in_the_grid_and_a_silent_partner_changes_nothing():
    curves, late = load_curves("clocks"), load_curves("clocks_late")
    losses = outcomes.grid(late, scale=1.0, seed=0)
    assert losses.shape == (30, 30) and np.isfinite(losses).all()
    both, words = (curves.select(scale=1.0, way=way, seed=0)[0] for way in ("pictures", "words"))
    # after one epoch each, two networks that know little: their sum is no worse than the worse of them
    assert losses[0, 0] < max(both["val_loss"][0], words["val_loss"][0])


def test_the_ratio_is_that_of_clocks():
    curves, late = load_curves("clocks"), load_curves("clocks_late")
    came = outcomes.outcomes(curves, late, scale=0.1)
    for seed, ratio in enumerate(came["ratio"]):
        runs = {way: curves.select(scale=0.1, way=way, seed=seed)[0] for way in ("pictures", "words")}
        assert clocks(runs).ratio == pytest.approx(max(ratio, 1 / ratio))


def test_the_split():
    parts = split(seed=3, scale=0.1)
    assert [len(labels) for _, labels in parts[:3]] == [900, 300, 444]
    train, _ = parts.train
    assert train["pictures"].dtype == train["words"].dtype == np.float32
    np.testing.assert_allclose(train["pictures"].mean(0), 0, atol=1e-5)
    spread = train["pictures"].std(0)
    assert 0.095 < np.median(spread) <= spread.max() < 0.1001
    assert train["words"].any(axis=0).all() and len(parts.vocabulary) == train["words"].shape[1]
    assert not parts.test[0]["words"].any(axis=1).all(), "some name has no word that was met in training"
    again = split(seed=3, of="pixels")
    assert (again.train[1] == parts.train[1]).all() and again.train[0]["pictures"].shape == (900, 48, 48, 3)


# ---- the scripts ----


@pytest.fixture(scope="module")
def scripts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")  # what the scripts set must not stay for other tests
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        patch.syspath_prepend(str(DATA / "make"))
        import modalities

        yield modalities


def toy(seed, rows=40):
    """Parts of two inputs of a few numbers, three classes."""
    random = np.random.default_rng(seed)

    def part(rows):
        return {"pictures": random.normal(size=(rows, 5)).astype("float32"),
                "words": random.normal(size=(rows, 3)).astype("float32")}, random.integers(0, 3, rows)

    return {"train": part(rows), "validation": part(33)}


def test_side_by_side_is_what_fit_gives(scripts):
    from course_utils.stopping import batches

    seeds, parts = (3, 4), [toy(3), toy(4)]
    built = [[network({"pictures": 5, "words": 3}, 3, ("pictures", "words"), 8, seed) for seed in seeds]
             for _ in range(2)]
    together = scripts.SideBySide(built[0], parts, seeds)
    seen = together.train(3)
    for model, seed, each, logits in zip(built[1], seeds, parts, seen):
        (x, y), (x_val, _) = each["train"], each["validation"]
        two = {"pictures": y, "words": y}
        model.fit(batches(x, two, 16, seed), epochs=3, verbose=0)
        for head, values in model.predict(x_val, verbose=0).items():
            np.testing.assert_allclose(scripts.by_head(logits, head)["validation"][-1], values, atol=1e-5)
    together.show(parts)
    again = together.train(3, lambda place, epoch: {"words_branch": 0.0} if epoch else {})
    for runs in zip(again, seen):
        pictures, words = ([run["validation"][head] for run in runs] for head in ("pictures", "words"))
        np.testing.assert_allclose(*pictures, atol=1e-5)
        np.testing.assert_allclose(words[0][0], words[1][0], atol=1e-5)
        assert not np.allclose(words[0][2], words[1][2], atol=1e-4)
    layer = together.models[0].get_layer("words_branch").get_weights()[0]
    together.show(parts)
    together.train(1)
    assert np.array_equal(together.models[0].get_layer("words_branch").get_weights()[0], layer)


def test_rounding_keeps_what_counts(scripts):
    values = np.array([0.0, 1.0, 1.23456789, 0.001, np.nan])
    short = scripts.rounded(values)
    assert short.dtype == np.float32 and short[0] == 0 and short[1] == 1 and np.isnan(short[4])
    np.testing.assert_allclose(short[2:4], values[2:4], rtol=1e-4)
    assert short[2] != np.float32(values[2])


# ---- figures ----


def drawn(series):
    curves, late = load_curves("clocks"), load_curves("clocks_late")
    of = {way: curves.select(scale=1.0, way=way) for way in ("pictures", "words", "both")}
    grids = [outcomes.grid(late, scale=1.0, seed=seed) for seed in range(8)]
    settings = {"one": (0.1, 0.1), "other": (1.0, 1.0)}
    recorded = load_curves("conditions")
    yield figures.four_bars(series[1.0])
    yield figures.four_bars(series[1.0], hidden=True)
    yield figures.three_curves(of)
    yield figures.gain_by_ratio(series)
    yield figures.stops_map(grids, (16, 1), 4)
    yield figures.any_condition({name: outcomes.conditions(recorded, *how) for name, how in settings.items()})
    yield figures.budget({way: outcomes.within(runs, 30) for way, runs in of.items()})


def test_the_figures_can_be_read(series):
    for figure in drawn(series):
        assert plots.unreadable(figure.get_figure(root=True) or figure) == []
    plt.close("all")

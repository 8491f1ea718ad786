"""The recordings of chapter 07: what is in them, and that they say what the lesson says of them."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom.chapter_07 import clothes, figures, head_loss, outcomes
from course_utils.classroom.chapter_07.emoji import split
from course_utils.classroom.chapter_07.factors import distances
from course_utils.classroom.chapter_07.networks import network
from course_utils.classroom.data import DATA, VIEWS, load_curves, load_openmoji
from course_utils.multimodal import clocks, overfitting_ratio
from course_utils.stopping import plots

SCALES = {1.0: 30, 0.3: 30, 0.1: 40, 0.03: 50, 0.01: 90}  # epochs
FILES = ("clocks", "clocks_late", "clocks_pixels", "clocks_pixels_late", "views", "views_late", "conditions",
         "colour", "blending")


@pytest.fixture(scope="module")
def series():
    """scale -> what became of it."""
    curves, late = load_curves("clocks"), load_curves("clocks_late")
    return {scale: outcomes.outcomes(curves, late, scale=scale) for scale in SCALES}


def of_views(curves, late):
    """What one stop and six give on the digits, split by split, under the names that `outcomes` has."""
    sums = late.select(views="+".join(VIEWS))
    came = {name: np.array([100 * run[f"{name}_test_accuracy"][0] for run in sums])
            for name in ("own", "one")}
    at = np.array([[outcomes.best(run) for run in curves.select(way=view)] for view in VIEWS]) + 1
    both = outcomes.kept(curves.select(way="all"))
    return came | {"both": both, "ratio": at.max(0) / at.min(0)}


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


def test_what_the_lesson_says_of_the_frozen_runs_and_of_the_heights():
    curves = load_curves("clocks")
    ways = {way: curves.select(scale=1.0, way=way) for way in ("frozen", "both", "words")}
    ends = [outcomes.best(run) for run in ways["frozen"]]
    assert 3 <= ends.count(29) < 8, "some are still improving in the last epoch that was recorded"
    both, words = ([min(run["val_loss"]) for run in ways[way]] for way in ("both", "words"))
    assert words[0] < both[0] and sum(np.less(words, both)) == 6


def test_hearts_belong_to_three_groups_and_cats_to_two():
    emoji = load_openmoji()
    for word, groups in (("heart", 3), ("cat", 2)):
        named = [word in name.lower().split() for name in emoji.names]
        assert len(set(emoji.groups[named])) == groups


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


# ---- what the lesson says ----


def test_the_surprise(series):
    of = series[1.0]
    means = [of[name].mean() for name in ("pictures", "words", "both", "own")]
    np.testing.assert_allclose(means, [62, 62, 65, 72.5], atol=0.5)
    gain, error, up = points(of["own"], of["both"])
    assert 7 < gain < 8.5 and error < 0.7 and up == 8
    assert points(of["both"], of["words"])[0] < 3.5, "what a second input buys"
    assert of["pictures_epoch"].max() <= 2 and of["both_epoch"].max() <= 5 and of["words_epoch"].min() >= 13


def test_at_its_stop_the_joint_network_is_a_picture_network(series):
    of = series[1.0]
    assert abs(points(of["without_words"], of["pictures"])[0]) < 2
    assert points(of["without_pictures"], of["words"])[2] == 0
    assert (of["both"] - of["without_words"]).mean() < 2.5 < 15 < (of["both"] - of["without_pictures"]).mean()


def test_no_single_stop_saves_it_and_a_third_of_the_gain_is_two_networks(series):
    of = series[1.0]
    assert points(of["own"], of["by_test"])[2] == points(of["frozen"], of["by_test"])[2] == 8
    assert (of["by_test"] >= of["both"]).all() and 2 < points(of["by_test"], of["both"])[0] < 4
    networks, stops = (points(*pair)[0] for pair in ((of["one"], of["both"]), (of["own"], of["one"])))
    assert 0.25 < networks / (networks + stops) < 0.4
    mean = outcomes.averaged(load_curves("clocks_late"), of)
    assert points(of["one"], of["both"])[2] == points(mean["one"], of["both"])[2] == 8, "with one stop, too"
    later = of["both_epoch"] - of["pictures_epoch"]
    assert later[0] == -1 and 0 <= later[1:].min() <= later[1:].max() == 3
    assert (of["both_epoch"] < of["words_epoch"] - 7).all()


def test_the_single_networks_look_alike_and_the_joint_one_loses_ten_points(series):
    for name in ("pictures", "words"):
        assert np.ptp([of[name].mean() for of in series.values()]) < 1.5
    both = [of["both"].mean() for of in series.values()]
    assert both == sorted(both) and 9 < both[-1] - both[0] < 11


def test_the_gain_grows_with_the_ratio(series):
    ratios = [np.median(of["ratio"]) for of in series.values()]
    assert ratios == sorted(ratios, reverse=True) and ratios[0] > 7 > 1 > ratios[-1]
    for name in ("own", "frozen"):
        gains = [points(of[name], of["both"]) for of in series.values()]
        means = [gain for gain, _, _ in gains]
        assert means == sorted(means, reverse=True) and abs(means[-1]) < 1
        assert [up for _, _, up in gains[:2]] == [8, 8]
        assert all(abs(mean) < 2 * error or abs(mean) < 0.3 for mean, error, _ in gains[3:])


def test_a_rate_of_its_own_and_another_scale_do_as_well(series):
    of = series[1.0]
    assert points(of["own_rate"], of["both"])[2] == 8
    assert abs(points(of["own_rate"], of["own"])[0]) < 1
    assert points(series[0.03]["both"], of["both"])[2] == 8


def test_three_heads_with_one_stop_and_nothing_frozen_bring_a_point_and_the_freezing_the_rest(series):
    of, heads = series[1.0], outcomes.kept(load_curves("blending").select(way="equal"))
    assert 0.5 < points(heads, of["both"])[0] < 1.5
    gain, error, up = points(of["frozen"], heads)
    assert gain > 5 * error > 0 and gain > 5 and up == 8


def test_pictures_frozen_by_their_own_head_cost_what_one_stop_costs(series):
    curves = load_curves("blending")
    assert len(curves) == 8 * 3
    frozen, plain = (curves.select(way=way) for way in ("frozen", "equal"))
    gain, error, up = points(outcomes.kept(frozen), outcomes.kept(plain))
    assert gain > 5 * error > 0 and up == 8
    for one, other in zip(frozen, plain):
        assert one["weight_pictures"][0] == 1 and len(one["val_loss"]) < 60, "each was ended by its stop"
        assert outcomes.best(one) > outcomes.best(other) < len(other["val_loss"]) - 10, "no cap was met"
        np.testing.assert_allclose(one["val_loss"][:4], other["val_loss"][:4], rtol=1e-3)
    assert abs(points(outcomes.kept(frozen), series[1.0]["frozen"])[0]) < 2, "one head does as well"


def test_the_weights_of_gradient_blending_gain_nothing():
    curves = load_curves("blending")
    gain, error, _ = points(*(outcomes.kept(curves.select(way=way)) for way in ("blended", "equal")))
    assert -1 < gain < error


def test_two_networks_have_as_many_weights_as_the_joint_one():
    widths = {"pictures": 50, "words": 30}
    one = network(widths, 8).count_params()
    two = sum(network({name: width}, 8, heads=(name,)).count_params() for name, width in widths.items())
    assert two - one == 8, "the second head's biases"


def test_a_constant_factor_means_nothing_to_adam_and_all_to_sgd():
    import keras

    plans = {"whole": [1] * 40, "tenth": [0.1] * 40, "stopped": [1] * 20 + [0] * 20,
             "later": [1] * 20 + [0.1] * 20}
    adam, sgd = (distances(optimizer(0.001), plans, weights=20)
                 for optimizer in (keras.optimizers.Adam, keras.optimizers.SGD))
    assert adam["tenth"][-1] == pytest.approx(adam["whole"][-1], rel=0.01)
    assert sgd["tenth"][-1] == pytest.approx(sgd["whole"][-1] / 10, rel=0.01)
    assert sgd["stopped"][-1] == sgd["stopped"][19] and adam["stopped"][-1] > adam["stopped"][19]
    assert 0 < adam["later"][-1] - adam["later"][19] < 0.6 * (adam["whole"][-1] - adam["whole"][19])


def test_the_losses_by_hand_of_the_33_rows_are_those_of_keras_in_one_batch():
    model, x, labels = head_loss.thirty_three_rows()
    rows = slice(33), slice(32), slice(32, 33)
    losses = model.evaluate(x, labels, batch_size=33, verbose=0, return_dict=True)
    for head in labels:
        whole, first, last = head_loss.mean_losses(model, x, labels, head, *rows)
        assert whole == pytest.approx((32 * first + last) / 33)
        assert whole == pytest.approx(losses[f"{head}_loss"], rel=1e-4)


def test_a_rate_for_one_layer_as_the_lesson_sets_it():
    import keras

    if not hasattr(keras.optimizers, "MultiOptimizer"):
        pytest.skip("this Keras has none")
    model, adam = network({"pictures": 5, "words": 3}, 3, units=4), keras.optimizers.Adam
    rates = keras.optimizers.OptimizerMap(adam(0.001), {"pictures_branch/.*": adam(0.0001)})
    model.compile(keras.optimizers.MultiOptimizer(rates), model.loss)
    before = {layer.name: layer.get_weights() for layer in model.layers}
    x, y = toy(0)["train"]
    model.train_on_batch(x, y)
    moved = {name: abs(model.get_layer(name).get_weights()[0] - before[name][0]).max()
             for name in ("pictures_branch", "words_branch", "both_head")}
    assert moved["pictures_branch"] == pytest.approx(0.0001, rel=0.01)
    assert moved["words_branch"] == pytest.approx(0.001, rel=0.01) == moved["both_head"]


def test_the_best_pair_of_stops_is_off_the_diagonal():
    late = load_curves("clocks_late")
    for seed in range(8):
        losses = outcomes.grid(late, scale=1.0, seed=seed)
        pictures, words = np.unravel_index(losses.argmin(), losses.shape)
        assert pictures <= 3 and words >= 8 and losses.min() < np.diagonal(losses).min() - 0.05


def test_what_a_budget_keeps(series):
    curves, late = load_curves("clocks"), load_curves("clocks_late")
    runs = curves.select(scale=1.0, way="both")
    table = outcomes.within(runs, 30)
    assert table[:, 0].tolist() == [100 * run["test_accuracy"][0] for run in runs]
    assert table[:, -1].tolist() == series[1.0]["both"].tolist()
    own = outcomes.own_within(curves, late, 30, range(8), scale=1.0)
    assert own.shape == (8, 30) and own[:, -1].tolist() == series[1.0]["own"].tolist()
    assert own[3, 0] == 100 * outcomes.grid(late, "test_accuracy", scale=1.0, seed=3)[0, 0]
    assert (own.mean(0) > table.mean(0)).all(), "two stops are ahead from the first epoch on"


def test_fused_by_the_mean_of_probabilities_most_of_it_goes(series):
    of = series[1.0]
    mean = outcomes.averaged(load_curves("clocks_late"), of)
    gain, error, up = points(mean["own"], mean["one"])
    assert gain < 0.3 * points(of["own"], of["one"])[0] and error < gain < 2 * error and up == 6
    assert points(mean["one"], of["both"])[2] == 8 and abs(points(mean["own"], of["own"])[0]) < 1


def test_until_it_is_at_its_best_the_joint_network_is_lower_than_either():
    curves = load_curves("clocks")
    for seed in range(8):
        pictures, words, both = (curves.select(scale=1.0, way=way, seed=seed)[0]
                                 for way in ("pictures", "words", "both"))
        for epoch in range(outcomes.best(both) + 1):
            assert both["val_loss"][epoch] < min(pictures["val_loss"][epoch], words["val_loss"][epoch])
        assert outcomes.best(words) - outcomes.best(both) >= 8


def test_three_epochs_of_the_ratio_order_the_scales_as_the_clocks_do():
    curves = load_curves("clocks")
    found = {scale: [overfitting_ratio(run, start=0, end=2)
                     for run in curves.select(scale=scale, way="pictures")] for scale in SCALES}
    words = [overfitting_ratio(run, start=0, end=2) for run in curves.select(scale=1.0, way="words")]
    medians = [np.median(ratios) for ratios in found.values()]
    assert medians == sorted(medians, reverse=True) and medians[0] > 10 * np.median(words)
    assert min(found[1.0]) > max(words) and abs(np.median(found[0.03]) - np.median(words)) < 0.1


def test_three_data_sets_with_nearly_one_ratio_gain_in_three_ways(series):
    pixels = outcomes.outcomes(load_curves("clocks_pixels"), load_curves("clocks_pixels_late"), rows=900)
    digits = of_views(load_curves("views"), load_curves("views_late"))
    for of in (series[0.1], pixels, digits):
        assert 2.3 < np.median(np.maximum(of["ratio"], 1 / of["ratio"])) < 2.8
        assert 0.9 < points(of["own"], of["both"])[0] < 3.5
    lasts = [[outcomes.best(run) for run in load_curves("views").select(way=view)] for view in VIEWS]
    assert max(np.median(of) for of in lasts) >= 98, "some still improve at the end: the ratio is a bound"
    for of in (series[0.1], digits):  # the stops bring all of it
        assert points(of["own"], of["one"])[0] > points(of["own"], of["both"])[0]
    gain, error, _ = points(pixels["own"], pixels["one"])
    assert gain < error < points(pixels["one"], pixels["both"])[0]
    assert 0.2 < 1 - (100 - digits["own"].mean()) / (100 - digits["both"].mean()) < 0.3, "of the errors"


def test_words_alone_lose_accuracy_while_their_loss_falls():
    table = outcomes.within(load_curves("clocks").select(scale=1.0, way="words"), 25).mean(0)
    assert 1.5 < table[8] - table[24] < 3


@pytest.mark.parametrize(("setting", "signs"), [((0.1, 0.1), (-1, -1, 0)), ((1.0, 1.0), (1, 1, 1))])
def test_patience_on_f1_costs_f1_unless_an_input_overfits(setting, signs):
    curves = load_curves("conditions")
    assert len(curves) == 30 and all(len(run["val_f1"]) == 40 for run in curves.select())
    came = outcomes.conditions(curves, *setting)
    for column, sign in zip(("val_accuracy", "val_f1", "val_auc"), signs):
        gain, error, up = points(came[column]["test_f1"], came["val_loss"]["test_f1"])
        assert abs(gain) < error if sign == 0 else sign * gain > 2 * error, column
        assert sign == 0 or (up <= 1 if sign < 0 else up >= 8), column
    early, loss, late = (np.median(came[name]["stop"]) for name in ("val_f1", "val_loss", "val_auc"))
    assert late > 35 and (early < loss - 5 if sign == 0 else loss < early)


def test_with_all_groups_whole_watching_f1_costs_less():
    curves = load_curves("conditions")
    whole, thinned = (outcomes.conditions(curves, 0.1, kept) for kept in (1.0, 0.1))
    lost = [(of["val_loss"]["test_f1"] - of["val_f1"]["test_f1"]).mean() for of in (whole, thinned)]
    assert 0 < lost[0] < lost[1]
    for kept in (1.0, 0.1):
        assert abs(outcomes.gained(outcomes.conditions(curves, 0.1, kept, 10), "val_f1").mean()) < 0.5


def test_as_choice_of_the_best_epoch_f1_and_loss_are_equal_where_no_input_overfits():
    came = outcomes.conditions(load_curves("conditions"), 0.1, 0.1)
    for column in ("val_accuracy", "val_f1", "val_auc"):
        assert abs(points(came[column]["best_f1"], came["val_loss"]["best_f1"])[0]) < 0.3


def test_with_pixels_it_is_the_words_that_are_learnt_and_the_clocks_matter_little():
    curves, late = load_curves("clocks_pixels"), load_curves("clocks_pixels_late")
    assert len(curves) == 5 * (5 + 3)
    for rows in (900, 1144):
        of = outcomes.outcomes(curves, late, rows=rows)
        assert len(of["both"]) == 5 and of["ratio"].max() < 0.5, "words are the faster ones here"
        assert points(of["without_words"], of["pictures"])[0] < -20
        assert abs(points(of["without_pictures"], of["words"])[0]) < 2
        assert points(of["both"], of["words"])[2] == 5
        assert points(of["own"], of["both"])[0] < 4, "less than half of what it gains on features"
    small = outcomes.outcomes(curves, late, rows=900)
    gain, error, _ = points(small["own"], small["one"])
    assert abs(gain) < error, "two networks help, two clocks do not"


def test_names_dropped_move_the_stop_and_shifted_pictures_do_nothing():
    curves = load_curves("clocks_pixels")
    ways = ("both", "names dropped", "shifted")
    plain, dropped, shifted = (curves.select(rows=900, way=way) for way in ways)
    gain, error, up = points(outcomes.kept(dropped), outcomes.kept(plain))
    assert gain > 2 * error and up == 4
    stops = [[outcomes.best(run) for run in runs] for runs in (plain, dropped, shifted)]
    assert min(stops[1]) > max(stops[0]) and np.mean(stops[1]) > 2 * np.mean(stops[0])
    assert points(outcomes.kept(dropped, "without_words"), outcomes.kept(plain, "without_words"))[0] > 15
    gain, error, _ = points(outcomes.kept(shifted), outcomes.kept(plain))
    assert abs(gain) < error and abs(np.mean(stops[2]) - np.mean(stops[0])) < 2


def test_one_stop_on_features_loses_to_pixels_and_own_stops_win():
    pixels, curves, late = load_curves("clocks_pixels"), load_curves("clocks"), load_curves("clocks_late")
    features = outcomes.outcomes(curves, late, scale=1.0)  # the first five splits are those of the pixels
    plain, dropped = (outcomes.kept(pixels.select(rows=900, way=way)) for way in ("both", "names dropped"))
    assert points(features["both"][:5], dropped)[2] == 0
    assert abs(points(features["both"][:5], plain)[0]) < 1
    assert points(features["own"][:5], plain)[2] == 5


def test_six_views_in_one_network_simply_win_and_own_stops_add_a_point():
    curves, late = load_curves("views"), load_curves("views_late")
    assert len(curves) == 20 * 8 and len(late) == 20 * 63
    alone = {view: outcomes.kept(curves.select(way=view)) for view in VIEWS}
    together, strongest = outcomes.kept(curves.select(way="all")), max(alone.values(), key=np.mean)
    gain, _, up = points(together, strongest)
    assert 3 < gain < 3.7 and up == 20
    added = late.select(views="+".join(VIEWS))
    own, one = (np.array([100 * row[f"{kind}_test_accuracy"][0] for row in added]) for kind in ("own", "one"))
    for other in (together, one):
        gain, _, up = points(own, other)
        assert 0.7 < gain < 1.5 and up >= 18
    for view in VIEWS:  # one view's network, added to nothing, is itself
        lone = [100 * row["own_test_accuracy"][0] for row in late.select(views=view)]
        np.testing.assert_allclose(lone, alone[view], atol=0.07)  # a digit: the best epoch is found unrounded


def test_validation_cannot_see_a_colour_that_gives_the_class_away():
    curves = load_curves("colour")
    assert len(curves) == 25
    right = {way: outcomes.kept(curves.select(way=way)) for way in np.unique(curves.labels["way"])}
    seen = {way: outcomes.kept(curves.select(way=way), "val_accuracy") for way in right}
    assert right["colour"].max() < 13 and right["gray"].min() > 83
    for way in ("both", "frozen", "dropped"):
        assert seen[way].min() > 97 and (right[way] < right["gray"] - 15).all()
    assert seen["both"].mean() > max(seen["frozen"].mean(), seen["dropped"].mean())
    assert right["both"].max() < 42 and (right["dropped"] > right["both"] + 10).all()
    assert (right["frozen"] > right["both"] + 20).all()
    for run in curves.select(way="gray"):
        assert run["test_accuracy"] == run["as_trained"]


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


@pytest.mark.rare
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
        model.run_eagerly = True  # nine steps are not worth a graph
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


def test_late_fusion_adds_what_two_epochs_know(scripts):
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 20)
    parts = {name: (None, labels) for name in ("validation", "test")}
    one, other = ({part: random.normal(size=(epochs, 20, 3)) for part in parts} for epochs in (2, 4))
    other["test"][1] = other["validation"][1] = 0  # in its epoch 1 the other knows nothing
    rows = list(scripts.late_grid(one, other, parts, epochs=3))
    assert len(rows) == 2 and {len(column) for row in rows for column in row.values()} == {3}
    history = scripts.columns({"train": one["test"], **one}, {"train": parts["test"], **parts})
    for epoch, row in enumerate(rows):
        assert row["test_accuracy"][1] == history["test_accuracy"][epoch]
        assert row["val_loss"][1] == pytest.approx(history["val_loss"][epoch], rel=1e-3)
    chances = [np.exp(x) / np.exp(x).sum(-1, keepdims=True)
               for x in (one["validation"][1], other["validation"][2])]
    both = chances[0] * chances[1]
    loss = -np.log(both[range(20), labels] / both.sum(-1)).mean()
    assert rows[1]["val_loss"][2] == pytest.approx(loss, rel=1e-3)


def test_rounding_keeps_what_counts(scripts):
    values = np.array([0.0, 1.0, 1.23456789, 0.001, np.nan])
    short = scripts.rounded(values)
    assert short.dtype == np.float32 and short[0] == 0 and short[1] == 1 and np.isnan(short[4])
    np.testing.assert_allclose(short[2:4], values[2:4], rtol=1e-4)
    assert short[2] != np.float32(values[2])


@pytest.mark.rare
def test_the_script_still_trains_what_was_recorded(scripts):
    import modalities_clocks

    (ways, rows), = modalities_clocks.Series([2]).at(1, 3)
    for way, history in ways.items():
        recorded = load_curves("clocks").select(scale=1.0, way=way, seed=2)[0]
        for column in ("loss", "val_loss", "test_loss"):
            np.testing.assert_allclose(history[column][:3], recorded[column][:3], rtol=0.02, err_msg=way)
    grid = outcomes.grid(load_curves("clocks_late"), scale=1.0, seed=2)
    np.testing.assert_allclose([row["val_loss"] for row in rows], grid[:3, :3], rtol=0.02)


# ---- figures ----


def drawn(series):
    curves, late = load_curves("clocks"), load_curves("clocks_late")
    of = {way: curves.select(scale=1.0, way=way) for way in ("pictures", "words", "both")}
    grids = [outcomes.grid(late, scale=1.0, seed=seed) for seed in range(8)]
    yield figures.four_bars(series[1.0])
    yield figures.three_curves(of)
    yield figures.examples(load_openmoji())
    yield figures.frozen_fit(of["words"][0]["val_loss"], 4, of["both"][0]["val_loss"])
    yield figures.by_scale(series)
    yield figures.frozen_by_scale(series)
    yield clothes.coloured()
    yield figures.stops_map(grids, (16, 1), 4)


def test_the_figures_can_be_read(series):
    for figure in drawn(series):
        assert plots.unreadable(figure.get_figure(root=True) or figure) == []
    plt.close("all")

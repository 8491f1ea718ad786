"""The recordings of chapter 05: their form, and that they still say what the lesson says of them."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom.chapter_05 import armed, figures, pictures
from course_utils.classroom.data import DATA, load_curves
from course_utils.pruning import at_target, tfmot
from course_utils.small import Lite, to_lite
from course_utils.stopping import Above, Armed, Epochs, Patience, plots, replay

NAMES = ("stops", "sparsity", "when", "sizes", "masks", "traps")
TARGETS = (0.5, 0.8, 0.9, 0.95, 0.98)
TARGET = at_target(0.9)


def kept(histories, rule, best_when=None):
    """What a stop with restored weights keeps: arrays of stop epoch, sparsity, test accuracy in percent."""
    rows = []
    for history in histories:
        report = replay(rule, history, best="val_loss", best_when=best_when)
        row = report.best_epoch
        rows.append((report.epoch, history["sparsity"][row], 100 * history["test_accuracy"][row]))
    return np.array(rows).T


def test_the_files_are_small_and_every_value_is_possible():
    files = [DATA / "curves" / f"pruning_{name}.npz" for name in NAMES]
    assert sum(file.stat().st_size for file in files) < 5e5
    for name in NAMES:
        for column, values in load_curves(f"pruning_{name}").columns.items():
            measured = values[~np.isnan(values)]
            assert measured.size and np.isfinite(measured).all() and (measured >= 0).all(), (name, column)
            if column.endswith(("accuracy", "iou", "f1")) or column in ("sparsity", "zeros"):
                assert (measured <= 1).all(), (name, column)


# ---- the second stop ----


@pytest.fixture(scope="module")
def pruned():
    return load_curves("pruning_stops").select(phase="pruned")


def test_ten_seeds_of_forty_epochs_without_a_stop(pruned):
    curves = load_curves("pruning_stops")
    assert len(curves) == 20 and all(v.shape == (20, 40) for v in curves.columns.values())
    assert all(np.isfinite(values).all() for values in curves.columns.values())
    assert (curves.columns["sparsity"][curves.labels["phase"] == "dense"] == 0).all()
    for history in pruned:  # Zhu and Gupta's cubic, and nothing after its end
        ramp = [0.9 * (1 - (1 - epoch / 8) ** 3) for epoch in range(1, 9)]
        np.testing.assert_allclose(history["sparsity"][:8], ramp, atol=0.001)
        np.testing.assert_allclose(history["sparsity"][8:], 0.9, atol=1e-5)


def test_the_usual_second_stop_keeps_a_third_of_the_zeros(pruned):
    for patience in (3, 10):
        _, sparsity, _ = kept(pruned, Patience("val_loss", patience))
        assert np.median(sparsity) < 0.31 and sparsity.max() < 0.6
    stops = [Patience("val_loss", 3).first(history) for history in pruned]
    assert max(stops) < 7
    at_stop = [history["sparsity"][stop] for stop, history in zip(stops, pruned)]
    accuracy = [100 * history["test_accuracy"][stop] for stop, history in zip(stops, pruned)]
    assert 0.7 < np.mean(at_stop) < 0.89 and np.mean(accuracy) < 95


def test_arming_the_stop_is_not_enough_and_arming_the_best_is(pruned):
    rule = Armed(TARGET, Patience("val_loss", 3))
    stop, sparsity, _ = kept(pruned, rule)
    assert 0 < (sparsity < 0.5).sum() < len(pruned)
    same, all_there, accuracy = kept(pruned, rule, best_when=TARGET)
    assert (same == stop).all() and np.median(stop) > 15
    np.testing.assert_allclose(all_there, 0.9, atol=1e-5)
    dense = kept(load_curves("pruning_stops").select(phase="dense"), Patience("val_loss", 5))[2]
    assert 0 < dense.mean() - accuracy.mean() < 1.5


# ---- accuracy against sparsity ----


def at_sparsity(network, schedule, target):
    """Test accuracy in percent of every seed."""
    histories = load_curves("pruning_sparsity").select(network=network, schedule=schedule, target=target)
    if schedule == "dense":
        return kept(histories, Patience("val_loss", 5))[2]
    event = at_target(target)
    stop, sparsity, accuracy = kept(histories, Armed(event, Patience("val_loss", 3)), event)
    assert [len(history["loss"]) - 1 for history in histories] == stop.tolist()
    np.testing.assert_allclose(sparsity, target, atol=0.001)
    return accuracy


@pytest.mark.parametrize("network", ["cnn", "mlp", "gru"])
def test_more_zeros_cost_accuracy_and_most_of_it_at_the_end(network):
    dense = at_sparsity(network, "dense", 0)
    means = [at_sparsity(network, "gradual", target).mean() for target in TARGETS]
    untrained = [at_sparsity(network, "untrained", target).mean() for target in TARGETS]
    assert len(dense) >= 5 and dense.mean() > 94
    assert abs(means[0] - dense.mean()) < 2 and means[0] > means[3] > means[4]
    assert means[3] - means[4] > means[0] - means[1]
    assert untrained[2] < means[2] - 20 and untrained[4] < 40


def test_the_ramp_matters_at_the_highest_sparsity_only():
    for target, least, most in ((0.5, -1, 1), (0.8, -1, 1), (0.9, -1, 1), (0.98, 5, 30)):
        gradual, one_shot = (at_sparsity("cnn", schedule, target) for schedule in ("gradual", "one-shot"))
        assert len(gradual) == len(one_shot) >= 5
        assert least < gradual.mean() - one_shot.mean() < most, target


# ---- when to prune ----


def test_every_moment_has_the_same_number_of_epochs():
    curves = load_curves("pruning_when")
    assert all(v.shape == (len(curves), 60) and np.isfinite(v).all() for v in curves.columns.values())
    first = {"start": 0, "early": 3, "late": 48, "never": None}
    for moment, row in first.items():
        for history in curves.select(moment=moment):
            pruned = np.flatnonzero(history["sparsity"])
            assert (pruned[0] if len(pruned) else None) == row
    for history in curves.select(moment="stop"):
        assert Patience("val_loss", 5).first(history) + 1 == np.flatnonzero(history["sparsity"])[0]


def when(labels, moment, target):
    histories = load_curves("pruning_when").select(labels=labels, moment=moment, target=target)
    return kept(histories, Epochs(60), at_target(target) if target else None)[2]


def test_at_090_the_moment_matters_less_than_the_seed_and_at_098_late_is_too_late():
    for labels in ("true", "shuffled"):
        stop = when(labels, "stop", 0.9)
        assert len(stop) == 10
        for moment in ("start", "early"):
            other = when(labels, moment, 0.9)
            assert abs(stop.mean() - other.mean()) < max(stop.std(ddof=1), other.std(ddof=1))
        stop, late = (when(labels, moment, 0.98) for moment in ("stop", "late"))
        assert stop.mean() - late.mean() > 4 and (late < stop).sum() >= 7


def test_late_lacks_the_epochs_to_recover():
    curves = load_curves("pruning_when")

    def after_twelve(moment):
        histories = curves.select(labels="true", moment=moment, target=0.9)
        rows = [np.flatnonzero(history["sparsity"])[0] + 11 for history in histories]
        return np.mean([100 * h["test_accuracy"][row] for h, row in zip(histories, rows, strict=True)])

    assert abs(after_twelve("late") - after_twelve("stop")) < 1.5


def test_with_shuffled_labels_masks_hold_back_overfitting():
    curves = load_curves("pruning_when")

    def last(moment, target):
        histories = curves.select(labels="shuffled", moment=moment, target=target)
        return np.array([100 * history["test_accuracy"][-1] for history in histories])

    assert when("shuffled", "never", 0).mean() - last("never", 0).mean() > 2
    assert (last("stop", 0.9) > last("never", 0)).sum() >= 9


# ---- what it buys ----


def test_what_pruning_buys():
    curves = load_curves("pruning_sizes")

    def mean(model, column):
        return np.mean([row[column][0] for row in curves.select(model=model)])

    assert mean("dense", "zeros") == 0 and abs(mean("pruned", "zeros") - 0.9) < 0.001
    assert mean("pruned", "keras_bytes") == mean("dense", "keras_bytes"), "zeros are stored like any number"
    assert mean("dense", "keras_gz") / mean("pruned", "keras_gz") > 4
    assert mean("dense", "lite_gz") / mean("pruned int8", "lite_gz") > 12
    assert 0.85 < mean("pruned", "latency") < 1.15, "zeros are multiplied like any number"
    assert mean("int8", "latency") < 0.6 and mean("half", "latency") < 0.6
    assert mean("half", "test_accuracy") > mean("pruned", "test_accuracy") + 0.003
    assert mean("half", "lite_gz") > 2 * mean("pruned", "lite_gz")
    for model in np.unique(curves.labels["model"]):
        assert abs(mean(model, "test_accuracy") - mean("dense", "test_accuracy")) < 0.015


# ---- accuracy and IoU ----


def test_accuracy_looks_finished_before_the_mask_is_there():
    histories = load_curves("pruning_masks").select()
    assert len(histories) >= 5
    for history in histories:
        iou, f1 = np.array(history["val_iou"]), np.array(history["val_f1"])
        np.testing.assert_allclose(f1, 2 * iou / (1 + iou), atol=1e-4)
        stop = Patience("val_accuracy", 5, mode="max").first(history)
        assert history["val_accuracy"][stop] > 0.96 and iou[stop] < 0.05
        assert iou[-5:].min() > 0.6


# ---- traps ----


def test_the_traps():
    def all_seeds(trap, case):
        rows = [row["sparsity"][0] for row in load_curves("pruning_traps").select(trap=trap, case=case)]
        assert len(rows) == 3
        return np.array(rows)

    for case in ("after", "before, validated", "after, validated"):
        np.testing.assert_allclose(all_seeds("order", case), 0.9, atol=0.001)
    assert (all_seeds("order", "before") < 0.5).all()
    assert (all_seeds("interrupt", "stripped") < 0.5).all()
    np.testing.assert_allclose(all_seeds("interrupt", "masked, stripped"), 0.9, atol=0.001)
    for case, reached in (("240 / 10", 0.9), ("240 / 100", 0.896), ("199 / 100", 0.789), ("99 / 100", 0)):
        np.testing.assert_allclose(all_seeds("frequency", case), reached, atol=0.001)


# ---- what the lesson says of them, and draws ----


def test_at_098_the_stop_is_no_better_than_an_earlier_moment_and_late_is_worse_in_most_seeds():
    curves = load_curves("pruning_when")
    wrong = {moment: figures.mistakes(curves, 0.98, moment=moment) for moment in figures.MOMENTS}
    assert len(wrong["stop"]) == 10  # of those with true labels alone
    for moment in ("start", "early"):
        gain = wrong[moment] - wrong["stop"]
        assert gain.mean() < gain.std(ddof=1) and (gain > 0).sum() <= 5
    assert (wrong["late"] > wrong["stop"]).sum() == 8


def test_late_at_098_lacks_time_for_after_twelve_epochs_the_others_are_no_better():
    curves = load_curves("pruning_when")
    wrong = figures.mistakes_after(curves, 0.98, epochs=12)
    assert min(wrong, key=wrong.get) == "late"
    assert wrong["late"] == round(figures.mistakes(curves, 0.98, moment="late").mean(), 1)


def test_the_table_of_sizes_says_what_int8_and_what_the_zeros_do():
    recorded = load_curves("pruning_sizes")
    assert all(len(recorded.select(model=model)) == 5 for model in ("dense", "pruned int8"))
    rows = figures.sizes(recorded)
    assert [*rows] == ["not pruned", "pruned", "int8", "pruned int8", "half"]
    kilobytes = {name: row["lite_gz"] / 1000 for name, row in rows.items()}
    head, *lines, legend = figures.sizes_table(rows).splitlines()
    assert [line.split(" kB")[0].split()[-1] for line in lines] == [f"{kB:.0f}" for kB in kilobytes.values()]
    assert head.split() == ["after", "gzip", "time", "accuracy"] and "not pruned = 1" in legend
    assert kilobytes["not pruned"] > 4 * kilobytes["pruned"] > 12 * kilobytes["pruned int8"]


def test_up_to_095_training_mends_nearly_all_that_the_cut_broke():
    curves = load_curves("pruning_sparsity")
    dense = figures.mistakes(curves, 0.0, network="cnn", schedule="dense")
    for target in (0.8, 0.9, 0.95):
        cut, ramp = (figures.mistakes(curves, target, network="cnn", schedule=schedule)
                     for schedule in ("untrained", "gradual"))
        assert ((ramp - dense) < 0.1 * (cut - dense)).mean() > 0.8, target


def test_what_the_lesson_reads_off_the_costs():
    costs = load_curves("pruning_sparsity")
    dense = figures.mistakes(costs, 0.0, network="cnn", schedule="dense")
    wrong = {(target, schedule): figures.mistakes(costs, target, network="cnn", schedule=schedule)
             for target in (0.5, 0.8, 0.9, 0.98) for schedule in ("gradual", "one-shot")}
    assert all(row.mean() - dense.mean() < 1 for (target, _), row in wrong.items() if target <= 0.9)
    ramp, at_once = wrong[0.98, "gradual"], wrong[0.98, "one-shot"]
    assert (ramp < at_once).all() and 0.4 < ramp.mean() / at_once.mean() < 0.6, "half, and in every run"


def test_the_first_figure_falls_below_its_ring_once_masks_are_full(pruned):
    run = pruned[0]
    ring = run["val_loss"][replay(Patience("val_loss", 3), run, best="val_loss").best_epoch]
    below = [epoch for epoch, loss in enumerate(run["val_loss"]) if loss < ring]
    assert below and min(below) > 20 and all(TARGET.met(run)[below])


def test_030_is_not_free_and_a_limit_ends_every_run_sooner(pruned):
    dense = figures.not_pruned(load_curves("pruning_stops"))
    kept_early = figures.outcome(pruned, Patience("val_loss", 3))
    assert kept_early.accuracy.mean() < dense.mean() - 0.2 and (kept_early.accuracy > dense).sum() <= 2
    three, full = Patience("val_loss", 3), dict(best_when=TARGET)
    without = figures.outcome(pruned, Armed(TARGET, three), **full)
    limited = figures.outcome(pruned, Armed(TARGET, three | Epochs(20)), **full)
    assert without.stopped == 9 and limited.stopped == 10
    assert limited.epochs.mean() < without.epochs.mean() - 2


def test_the_cap_ends_most_runs_while_the_loss_still_falls(pruned):
    three = Patience("val_loss", 3)
    limited, without = Armed(TARGET, three | Epochs(20)), Armed(TARGET, three)
    capped = [run for run in pruned if limited.first(run) != without.first(run)]
    assert len(capped) == 8
    for run in capped:
        full = run["val_loss"][TARGET.first(run):limited.first(run) + 1]
        assert min(full[-3:]) < min(full[:-3]), "a new lowest within three epochs"


def test_the_sparsities_that_are_kept_are_told_as_they_are(pruned):
    three = Patience("val_loss", 3)
    waits = Armed(TARGET, three | Epochs(20))
    kept = [figures.outcome(pruned, three), figures.outcome(pruned, waits),
            figures.outcome(pruned, waits, best_when=TARGET)]
    assert [each.full for each in kept] == [0, 5, 10]
    rounded = [sorted(each.sparsity.round(1)) for each in kept]
    assert rounded == [[0.3] * 8 + [0.5] * 2, [0.3] * 5 + [0.9] * 5, [0.9] * 10], "as its ALT says"


def test_at_090_the_gru_loses_most_and_at_098_late_has_most_mistakes():
    lost = figures.points_lost(load_curves("pruning_sparsity"), 0.9)
    assert list(lost) == ["CNN", "MLP", "GRU"] and lost["CNN"] < 1 and lost["GRU"] > 3 * lost["MLP"]
    when = load_curves("pruning_when")
    wrong = {moment: figures.mistakes(when, 0.98, moment=moment).mean() for moment in figures.MOMENTS}
    assert max(wrong, key=wrong.get) == "late"


def test_whatever_the_weights_the_articles_four_points_are_not_told_apart():
    points, labels = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]), np.array([[1], [-1], [-1], [1]])
    for weights in np.random.default_rng(0).normal(size=(100, 2, 1)):
        assert (points.dot(weights) * labels > 0).sum() == 2


def test_the_gru_can_spare_half_of_its_weights():
    costs = load_curves("pruning_sparsity")
    half, nine_tenths, dense = (figures.mistakes(costs, target, network="gru", schedule=schedule) for
                                target, schedule in ((0.5, "gradual"), (0.9, "gradual"), (0.0, "dense")))
    assert (half - dense).mean() < 0.5 and (nine_tenths > dense + 2).all()


def test_the_figures_can_be_read():
    runs = load_curves("pruning_stops").select(phase="pruned")
    report = replay(Patience("val_loss", 3), runs[0], best="val_loss")
    kept = {"does not wait": figures.outcome(runs, Patience("val_loss", 3))}
    drawn = [figures.asked_and_kept(runs[0], report), figures.kept_sparsities(kept),
             figures.costs(load_curves("pruning_sparsity")), figures.moments(load_curves("pruning_when"), 12),
             figures.armed_run(armed.QUICK, 3, 12),
             figures.second_stop_scores({"1": (9.0, 2.0), "3": (20.0, 0.3)}, (15.0, 0.6), True, (20, 0.5))]
    for each in drawn:
        assert plots.unreadable(each.get_figure(root=True) or each) == []
        plt.close("all")


def test_the_file_of_a_phone_reads_what_the_network_reads():
    train, _, test = pictures.digits()
    model = pictures.small_network()
    model.fit(*train, epochs=2, verbose=0)
    answers = Lite(to_lite(model, int8=True, data=train[0])).predict(test[0][:100]).argmax(1)
    assert np.mean(answers == model.predict(test[0][:100], verbose=0).argmax(1)) > 0.95
    assert np.mean(answers == test[1][:100]) > 0.7
    lines = pictures.drawn(test[0][0]).split("\n")
    assert len(lines) == 8 and max(map(len, lines)) <= 16 and "@@" in "".join(lines)


def test_tfmot_can_only_prune_a_sequential_and_says_that_a_sequential_is_none():
    with pytest.raises(ValueError, match=r"(?s)can only prune .*Sequential.*You passed .*type: Sequential"):
        tfmot().sparsity.keras.prune_low_magnitude(pictures.small_network())


# ---- the scripts ----


@pytest.mark.rare
def test_the_script_still_trains_what_was_recorded():
    # in a process of its own: it asks TensorFlow for one thread
    code = """
import pruning
pruning.one_thread()
dense = pruning.dense(0, epochs=1)
pruned = pruning.prune(dense.weights[0], pruning.gradual(0.9), 0, epochs=1)
print(dense.history["val_loss"][0], pruned.history["sparsity"][0])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=DATA / "make", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    val_loss, sparsity = map(float, done.stdout.split())
    dense, pruned = (load_curves("pruning_stops").select(phase=p, seed=0)[0] for p in ("dense", "pruned"))
    assert val_loss == pytest.approx(dense["val_loss"][0], rel=0.02)
    assert sparsity == pytest.approx(pruned["sparsity"][0], abs=1e-4)

"""The recordings of chapter 09: their form, and that they still say what the lesson says of them."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom.chapter_09 import exercises as ex
from course_utils.classroom.chapter_09 import figures, outcomes
from course_utils.classroom.data import DATA, load_curves
from course_utils.stopping import Below, plots

NAMES = ("front", "when", "distil", "text", "clothes", "zeros")


@pytest.fixture(scope="module")
def front():
    return load_curves("small_front")


@pytest.fixture(scope="module")
def when():
    return load_curves("small_when")


@pytest.fixture(scope="module")
def distil():
    return load_curves("small_distil")


def test_the_files_are_small_and_every_value_is_possible():
    files = [DATA / "curves" / f"small_{name}.npz" for name in NAMES]
    assert sum(file.stat().st_size for file in files) < 5e5
    for name in NAMES:
        for column, values in load_curves(f"small_{name}").columns.items():
            measured = values[~np.isnan(values)]
            assert measured.size and np.isfinite(measured).all(), (name, column)
            if column.endswith(("accuracy", "agreement")) or column in ("sparsity", "zeros", "changed"):
                assert (measured >= 0).all() and (measured <= 1).all(), (name, column)


def test_seeds_are_many_and_not_those_that_the_ways_were_thought_up_on(front, when, distil):
    assert set(front.labels["seed"]) == set(range(30, 35))
    assert set(distil.labels["seed"]) == set(range(20, 30))
    assert set(when.labels["seed"]) == set(range(10, 20))
    for network, way in outcomes.ways(when):
        assert len(when.select(network=network, way=way)) == 10


# ---- one picture ----


@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_what_buys_bytes_and_what_buys_time(front, network):
    found = outcomes.files(front, network)

    def mean(model, bits, column):
        return found[model, bits][column].mean()

    assert all(len(rows["gz"]) == 5 for rows in found.values())
    np.testing.assert_allclose(found["pruned", 8]["zeros"], 0.9, atol=0.001)
    np.testing.assert_allclose(found["half + zeros", 8]["zeros"], 0.8, atol=0.002)
    assert mean("pruned", 32, "gz") < 0.3 * mean("dense", 32, "gz")
    assert mean("pruned", 32, "bytes") == mean("dense", 32, "bytes"), "zeros are stored like any number"
    assert 0.85 < mean("pruned", 32, "latency") < 1.15, "and multiplied like any number"
    for model in {model for model, bits in found if bits == 32}:
        assert mean(model, 8, "gz") < 0.5 * mean(model, 32, "gz")
        assert abs(mean(model, 8, "test_accuracy") - mean(model, 32, "test_accuracy")) < 0.003
    for model in ("quarter", "quarter scratch", "half + zeros"):
        assert mean(model, 8, "gz") < 0.7 * mean("pruned", 8, "gz"), model
        assert mean(model, 8, "latency") < 0.75 * mean("pruned", 8, "latency"), model


def test_eight_bits_save_time_on_the_mlp_and_not_on_the_cnn(front):
    ratio = {network: outcomes.files(front, network)["dense", 8]["latency"] for network in ("mlp", "cnn")}
    assert ratio["mlp"].max() < 0.7 and ratio["cnn"].mean() > 1
    cnn = outcomes.files(front, "cnn")
    both = [name for name in figures.NAMES if (name, 32) in cnn]
    assert len(both) == 4
    assert all(cnn[name, 8]["latency"].mean() > cnn[name, 32]["latency"].mean() for name in both)


@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_int8_aware_training_gains_nothing_over_rounding_afterwards(front, network):
    found = outcomes.files(front, network)
    for way in ("aware", "aware slow"):
        gain = outcomes.more(found, way, "dense")
        assert len(gain) == 5 and gain.mean() < gain.std(ddof=1)
        assert (found[way, 8]["weights"] == found["dense", 8]["weights"]).all()
        assert (found[way, 8]["bytes"] < 1.01 * found["dense", 8]["bytes"]).all(), "it is in 8 bits"


def test_narrow_from_the_beginning_is_as_good_but_for_the_cnns_half(front):
    for network in ("mlp", "cnn"):
        found = outcomes.files(front, network)
        for width in ("half", "quarter"):
            gain = 100 * (found[f"{width} scratch", 8]["test_accuracy"] - found[width, 8]["test_accuracy"])
            assert outcomes.ahead(front, network, width) == ("narrow" if gain.mean() > 0 else "cut")
            assert (abs(gain.mean()) < gain.std(ddof=1)) == ((network, width) != ("cnn", "half"))


def test_nine_zeros_in_ten_leave_fewer_weights_than_a_quarter_and_make_a_larger_file(front):
    mlp = outcomes.files(front, "mlp")
    left = {way: outcomes.not_zero(mlp, way, "mlp") for way in ("pruned", "half", "quarter")}
    assert left == {"pruned": 5437, "half": 17226, "quarter": 64 * 64 + 64 + 64 * 32 + 32 + 320 + 10}
    assert outcomes.not_zero(outcomes.files(front, "cnn"), "pruned", "cnn") == 3938
    assert outcomes.smaller(front) == "quarter"
    assert 0.5 < mlp["quarter", 8]["gz"].mean() / mlp["pruned", 8]["gz"].mean() < 0.6
    assert mlp["quarter", 8]["latency"].mean() / mlp["pruned", 8]["latency"].mean() < 0.45


def test_what_training_with_rounding_gains_is_less_than_the_seeds_differ(front):
    mlp, cnn = (outcomes.files(front, network) for network in ("mlp", "cnn"))
    told = {(0.5, 0.8): outcomes.more(mlp, "aware slow", "dense"),
            (0.2, 0.7): outcomes.more(cnn, "aware slow", "dense")}
    for (mean, sd), points in told.items():
        assert (points.mean(), points.std(ddof=1)) == pytest.approx((mean, sd), abs=0.06)
    assert cnn["half", 32]["latency"].mean() == pytest.approx(0.34, abs=0.005)


# ---- do zeros buy time? ----


def test_single_zeros_buy_no_time_and_blocks_of_four_do():
    times = load_curves("small_zeros")

    def latency(zeros, share, file):
        return np.median([row["latency"][0] for row in times.select(zeros=zeros, share=share, file=file)])

    assert 0.8 < latency("single", 0.9, "plain") < 1.2 and 0.9 < latency("single", 0.9, "sparse") < 1.2
    assert 7.5 < 1 / latency("fours", 0.9, "sparse") < 9 and 7.5 < 1 / latency("none", 0, "int8") < 9


# ---- when to begin ----


def test_a_stop_waits_for_full_masks_and_the_guide_takes_all_of_its_epochs(when):
    for network, way in outcomes.ways(when):
        for run in when.select(network=network, way=way):
            if way in outcomes.FIXED:
                epochs = 64 if way == "short x3" else outcomes.GUIDE
                assert len(run["val_loss"]) == epochs and run["sparsity"][-1] > 0.899
            else:
                assert max(run["sparsity"]) > 0.899


def test_masks_settle_by_the_clock(when):
    settled = {way: outcomes.settled(when, way) for way in ("slow", "guide", "fast")}
    for way, seeds, first, last in (("slow", 5, 12, 13), ("guide", 10, 12, 14), ("fast", 5, 15, 20)):
        masks, _ = settled[way]
        assert (len(masks), min(masks), max(masks)) == (seeds, first, last)
        for run in when.select(network="mlp", way=way):
            assert Below("mask_distance", 0.1).first(run) == 5, "at once: before, it has no five masks"
    assert settled["slow"][1] == [None] * 5, "there the loss is still falling at epoch 30"


def test_what_the_lesson_says_of_the_ways_to_begin(when):
    for network in ("mlp", "cnn"):
        names = [way for each, way in outcomes.ways(when) if each == network]
        ways = {way: outcomes.begun(when, network, way) for way in names}
        gain = {way: (own.accuracy - ways["guide"].accuracy).mean() for way, own in ways.items()}
        assert max(gain, key=gain.get) == "guide x3"
        short = gain.pop("short x3")
        assert short < -0.3 < -0.15 < min(gain.values()), "the others lose hardly anything"
        assert ways["early x3"].share.mean() < 0.5 < ways["patience x3"].share.mean() < 0.85
        behind = ways["guide x3"].accuracy - ways["patience x3"].accuracy
        assert 0 < behind.mean() < behind.std(ddof=1), "the rate alone would do"
        assert gain["patience x3"] >= 0
    alone, guide = (outcomes.begun(when, "mlp", way) for way in ("patience", "guide"))
    assert round(outcomes.GUIDE * alone.share.mean()) == 68, "at an unchanged rate"
    assert outcomes.told(alone.accuracy - guide.accuracy) == " 0.0: 5 better, 4 worse"
    settled, patience = (outcomes.begun(when, "mlp", way) for way in ("settled x3", "patience x3"))
    assert round(100 * settled.share.mean()) == 48
    assert outcomes.told(settled.accuracy - patience.accuracy) == "-0.1: 3 better, 4 worse"


def test_a_short_schedule_spends_its_epochs_before_the_zeros(when):
    _, short, stops = (line.split() for line in outcomes.spent(when, "cnn").splitlines())
    assert short == ["short", "56", "8", "0", "64"]
    assert stops == ["two", "stops", "34", "8", "22", "64"]
    assert round(outcomes.GUIDE * outcomes.begun(when, "cnn", "two stops").share.mean(), 6) == 64


def test_two_stops_pass_the_short_schedule_after_the_last_zeros(when):
    for network, behind in (("mlp", 0.05), ("cnn", -0.9)):
        first, best = (outcomes.ahead_of(when, network, "two stops", "short", keep)
                       for keep in ("first", "best"))
        assert first.mean() < behind and 0.75 < best.mean() and outcomes.worse(best) == 1
        runs = when.select(network=network, way="patience x3")
        last = np.array([100 * run["test_accuracy"][-1] for run in runs])
        kept = outcomes.begun(when, network, "two stops").accuracy
        assert abs((kept - last).mean()) < 0.1, "the best epoch is not what they are ahead by"


def test_the_tables_of_ways_to_begin_say_what_the_lesson_says(when):
    def table(way, than):
        return [line.split() for line in outcomes.against(when, way, than).splitlines()[1:]]

    assert table("guide x3", "guide") == [["MLP", "84", "97.5", "%", "+0.4:", "7", "better,", "2", "worse"],
                                          ["CNN", "84", "98.0", "%", "+0.5:", "9", "better,", "1", "worse"]]
    assert table("two stops", "guide x3") == [
        ["MLP", "50", "97.2", "%", "-0.3:", "2", "better,", "7", "worse"],
        ["CNN", "64", "97.9", "%", "-0.1:", "3", "better,", "6", "worse"]]
    mlp, cnn = table("early", "two stops")
    assert mlp[1:] == ["35", "97.2", "%", "-0.1:", "4", "better,", "4", "worse"]
    assert cnn[1:] == ["40", "97.4", "%", "-0.5:", "1", "better,", "7", "worse"]


# ---- a teacher ----


def test_a_teacher_helps_where_labels_are_wrong_and_not_where_they_are_right(distil):
    def gain(task, stop="labels"):
        return outcomes.gained(distil, task, stop)

    assert (gain("all") <= 1e-6).all() and gain("all").mean() < -0.3
    assert gain("noisy").mean() > 0.4 and (gain("noisy") > 1e-6).sum() >= 6
    assert gain("all", "agree").mean() < gain("all").mean() and gain("noisy", "agree").mean() < 0
    assert gain("noisy", None).mean() > 0.5, "with a teacher it does not need the stop"
    student, teacher = (outcomes.student(distil, "noisy", way)[0] for way in ("distilled", "teacher"))
    assert outcomes.told(student - teacher) == "+0.3: 7 better, 3 worse"
    last, best = (outcomes.student(distil, "noisy", "plain", stop)[0] for stop in (None, "labels"))
    assert (last - best).mean() < -1, "without one it does"
    assert outcomes.stopped(distil).splitlines()[1:] == [
        "all                     1 better, 8 worse   21, not 37",
        "noisy                   0 better, 9 worse   17, not 29",
        "few                     5 better, 2 worse   22, not 20"]
    assert outcomes.worse(gain("all", "agree") - gain("all")) == 8


# ---- how many zeros ----


def test_what_is_tolerated_on_one_task_is_too_much_on_another():
    zeros = load_curves("pruning_sparsity")
    words, clothes = load_curves("small_text"), load_curves("small_clothes")
    tasks = {name: outcomes.by_zeros(zeros, network=name) for name in ("mlp", "cnn", "gru")}
    tasks |= {"words": outcomes.by_zeros(words), "clothes": outcomes.by_zeros(clothes)}
    lost = {(name, share): outcomes.lost(found, share) for name, found in tasks.items() for share in found}
    assert lost["mlp", 0.9] <= 1 < lost["mlp", 0.95] and lost["cnn", 0.9] <= 1 < lost["cnn", 0.95]
    assert all(lost[name, 0.8] <= 1 < 3 < lost[name, 0.9] for name in ("gru", "clothes"))
    assert 1 < lost["words", 0.8] < (tasks["words"][0] - tasks["words"][0.8]).std(ddof=1) < 2
    for curves in (words, clothes):
        assert (abs(curves.columns["sparsity"][:, 0] - curves.labels["target"]) < 0.002).all()


# ---- figures and scripts ----


def test_the_figures_can_be_read(front, when, distil):
    drawn = [figures.one_picture(front), figures.one_picture(front, [(9000, 0.3, 96.0)]),
             figures.when_to_begin(when), figures.what_a_teacher_gives(distil),
             figures.your_file(front, 9000, 96.0, ex.STEPS, 95.0)]
    for figure, alt in drawn:
        assert len(alt) > 80
        assert plots.unreadable(figure.get_figure(root=True)) == []
    plt.close("all")


@pytest.mark.rare
def test_the_scripts_still_train_what_was_recorded():
    # in a process of its own: it asks TensorFlow for one thread
    code = """
import small
small.one_thread()
import small_distil, small_when
pruned = small_when.run("mlp", "early x3", 10, epochs=9)
(x, y, _, n), v = small_distil.parts_of("noisy", 20)[0]
test = small_distil.parts_of("noisy", 20)[1]
small.seeded(20)
teacher, _ = small_distil.train(small.mlp(), 20, (x, y, None, n), v, test, epochs=3)
print(pruned["val_loss"][8], pruned["sparsity"][8], teacher["val_loss"][2])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=DATA / "make", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    val_loss, sparsity, teachers = map(float, done.stdout.split())
    run = load_curves("small_when").select(network="mlp", way="early x3", seed=10)[0]
    assert val_loss == pytest.approx(run["val_loss"][8], rel=0.05)
    assert sparsity == pytest.approx(run["sparsity"][8], abs=1e-4)
    known = load_curves("small_distil").select(task="noisy", way="teacher", seed=20)[0]
    assert teachers == pytest.approx(known["val_loss"][2], rel=0.02)

"""Chapter 02's recording (pairs of trainings that part at one event, and nowhere else), clock and run."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom.chapter_02 import figures
from course_utils.classroom.chapter_02.clock import HandClock
from course_utils.classroom.data import DATA, load_curves
from course_utils.stopping import ImprovementBelow, Patience, plots

OPTIMIZERS = {"adam 0.005": 0.005, "sgd 0.3": 0.3, "adam 0.0005": 0.0005}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_pair_is_one_training_until_the_event_and_then_differs_in_its_rate(optimizer):
    curves = load_curves("events")
    pairs = [curves.select(optimizer=optimizer, action=action) for action in ("go on", "rate / 10")]
    assert [len(runs) for runs in pairs] == [10, 10]
    for same, lower in zip(*pairs):
        for column in (*same.values(), *lower.values()):
            assert len(column) == 40 and np.isfinite(column).all()
        event = Patience("val_loss", 3).first(same)
        assert event + 6 < 40, "six more epochs were recorded after each event"
        for name in same:
            assert same[name][: event + 1] == lower[name][: event + 1]
        assert same["val_loss"][event + 1] != lower["val_loss"][event + 1]
        rate = OPTIMIZERS[optimizer]
        np.testing.assert_allclose(same["learning_rate"], rate, rtol=1e-5)
        np.testing.assert_allclose(lower["learning_rate"][: event + 1], rate, rtol=1e-5)
        np.testing.assert_allclose(lower["learning_rate"][event + 1 :], rate / 10, rtol=1e-5)


def test_the_hand_clock_counts_batches_and_validations():
    clock = HandClock(batch=2, validation=5)
    assert clock() == 0
    for batch in range(3):
        clock.on_train_batch_end(batch)
    clock.on_test_end()
    assert clock() == 3 * 2 + 5


def test_the_run_that_is_drawn_stops_where_the_figure_says():
    run = load_curves("proben1").select(problem="thyroid", units=64)[8]
    ax, said = figures.two_windows("thyroid", run, epsilon=0.001)
    assert plots.unreadable(ax.figure) == []
    stops = [ImprovementBelow("val_loss", 0.001, window, relative=True).first(run) for window in (1, 10)]
    best = int(np.argmin(run["val_loss"]))
    assert stops == [3, 28] and best == 26 and "past the best, 26" in said
    for line, window, stop in zip(ax.lines[1:], (1, 10), stops):
        assert list(line.get_xdata()) == [stop - window, stop]
        assert list(line.get_ydata()) == [run["val_loss"][stop - window], run["val_loss"][stop]]
    assert run["val_loss"][2] < run["val_loss"][3] < 1.03 * run["val_loss"][2], "a small rise"
    plt.close("all")


@pytest.mark.rare
def test_the_script_still_trains_what_was_recorded(monkeypatch):
    monkeypatch.syspath_prepend(str(DATA / "make"))
    import curves_02

    again = curves_02.event_run("adam 0.005", "rate / 10", seed=1, epochs=1)
    recorded = load_curves("events").select(optimizer="adam 0.005", action="rate / 10", seed=1)[0]
    for name, values in again.items():
        np.testing.assert_allclose(values[0], recorded[name][0], rtol=0.02, err_msg=name)

"""Plots: they return axes, mark the right points, and no curve makes them fall."""

import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.image import imread

from any_curve import NESTED, SIMPLE, histories
from course_utils.stopping import (
    After,
    Asked,
    Below,
    Epochs,
    GeneralizationLoss,
    History,
    MissingColumn,
    Patience,
    ProgressQuotient,
    Report,
    TimeBudget,
    plots,
    replay,
)

NAN = math.nan


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def line(ax, label):
    """The points of the one line whose label begins like this."""
    (found,) = [one for one in ax.get_lines() if one.get_label().startswith(label)]
    return list(zip(*(np.array(values, dtype=float).tolist() for values in found.get_data()), strict=True))


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


CURVE = {"loss": [0.9, 0.7, 0.5, 0.4, 0.3, 0.2], "val_loss": [1.0, 0.8, 0.6, 0.7, 0.8, 0.9]}


def test_a_curve_with_its_stop_and_its_best_epoch():
    report = replay(Patience("val_loss", 2), CURVE, best="val_loss")
    ax = plots.curve(CURVE, report=report, guess=3.5)
    assert labels(ax) == ["loss", "val_loss", "stop: epoch 4", "best: epoch 2", "your guess"]
    assert line(ax, "val_loss") == list(enumerate(CURVE["val_loss"]))
    assert line(ax, "stop") == [(4, 0.8)] and line(ax, "best") == [(2, 0.6)]
    assert line(ax, "your guess") == [(3.5, 0), (3.5, 1)]
    (stop,) = [one for one in ax.get_lines() if one.get_linestyle() == ":"]
    assert list(stop.get_xdata()) == [4, 4]
    ring = [one for one in ax.get_lines() if one.get_label().startswith("best")][0]
    assert ring.get_markerfacecolor() == "none"  # told apart by shape, not by colour alone
    assert ax.get_xlabel() == "epoch (counted from 0)"


def test_the_marks_sit_on_the_column_that_decides():
    report = replay(Epochs(4), CURVE, best="loss")
    assert line(plots.curve(CURVE, report=report), "stop") == [(3, 0.4)]
    assert line(plots.curve(CURVE, ["val_loss"], report=report), "best") == [(3, 0.7)]
    assert line(plots.curve(CURVE, report=replay(Epochs(4), CURVE)), "stop") == [(3, 0.7)]


def test_a_single_column_by_its_name_and_axes_of_ones_own():
    ax = plots.axes(width=3, ylabel="here")
    assert plots.curve(CURVE, "loss", ax=ax) is ax and labels(ax) == ["loss"] and ax.get_ylabel() == "here"
    with pytest.raises(MissingColumn, match='no column "val_loss"'):
        plots.curve({"loss": [1.0]})


def test_a_curve_measured_now_and_then_is_seen():
    """Points between gaps have no line to their neighbours: they would be invisible."""
    ax = plots.curve({"loss": [3.0, 2.0, 1.0, 0.5], "val_loss": [None, 2.5, None, 1.5]})
    assert line(ax, "val_loss") == [(1, 2.5), (3, 1.5)]
    assert [one.get_marker() for one in ax.get_lines()] == ["None", "."]
    assert plots.curve({"x": [1.0]}, "x").get_lines()[0].get_marker() == "."
    gap = line(plots.curve({"x": [1.0, NAN, 2.0]}, "x"), "x")
    assert math.isnan(gap[1][1]) and gap[2] == (2, 2.0)


def test_a_stop_where_nothing_was_measured_sits_on_the_last_value():
    history = {"val_loss": [3.0, 2.0, None], "loss": [3.0, 2.0, 1.0]}
    ax = plots.curve(history, report=replay(Epochs(3), history, best="val_loss"))
    assert line(ax, "stop") == [(2, 2.0)] and line(ax, "best") == [(1, 2.0)]


def test_a_report_of_a_run_that_was_interrupted_within_an_epoch():
    report = Report("interrupted", None, 6, metric="val_loss", best_epoch=2, kept=0.6, epochs_after_best=4)
    ax = plots.curve(CURVE, report=report)  # the history has no row 6
    assert line(ax, "stop") == [(6, 0.9)] and line(ax, "best") == [(2, 0.6)]
    assert "stop" not in " ".join(labels(plots.curve(CURVE, report=Report("training has not begun"))))


def test_epochs_keep_their_numbers():
    history = {"loss": [3.0, 2.0, 2.5], "epoch": [5, 6, 7]}
    ax = plots.curve(history, "loss", replay(Patience("loss", 1), history, best="loss"))
    assert line(ax, "stop") == [(7, 2.5)] and line(ax, "best") == [(6, 2.0)]
    assert line(plots.score(Below("loss", 2.2), history), "first met: epoch 6") == [(6, 2.0)]


def test_rows_that_are_batches_are_drawn_over_steps():
    rows = History(
        batch_loss=[3.0, 2.0, 2.5, 2.6], batch=[0, 1, 0, 1], epoch=[0, 0, 1, 1], steps=[1, 2, 3, 4]
    )
    ax = plots.curve(rows, "batch_loss", replay(Patience("batch_loss", 2), rows, best="batch_loss"))
    assert ax.get_xlabel() == "step" and line(ax, "batch_loss")[1] == (2, 2.0)
    assert line(ax, "stop") == [(4, 2.6)] and line(ax, "best") == [(2, 2.0)]
    assert line(plots.score(Below("batch_loss", 2.2), rows), "first met: batch 1 of epoch 0") == [(2, 2.0)]


def test_more_columns_than_colours():
    columns = [f"x{n}" for n in range(8)]
    ax = plots.curve({name: [1.0, 2.0] for name in columns}, columns)
    assert labels(ax) == columns


@settings(max_examples=8)
@given(histories(), NESTED)
def test_no_curve_makes_a_picture_fall(history, criterion):
    for report in (None, replay(criterion, history), replay(criterion, history, "val_loss")):
        ax = plots.curve(history, report=report)
        assert ax.get_legend() is not None
    ax.figure.canvas.draw()
    plt.close("all")


def test_a_score_against_its_limit():
    ax = plots.score(Patience("val_loss", 2), CURVE)
    assert line(ax, "score of Patience('val_loss', patience=2)") == list(enumerate([0, 0, 0, 1, 2, 3]))
    assert line(ax, "limit 2") == [(0, 2), (1, 2)] and line(ax, "first met: epoch 4") == [(4, 2)]
    assert line(plots.score(TimeBudget(12345), {"seconds": [1.0, 2.0]}), "limit 12345")[0][1] == 12345
    never = plots.score(Below("loss", 0), CURVE)
    assert len(labels(never)) == 2 and line(never, "limit 0") == [(0, 0), (1, 0)]


@pytest.mark.parametrize(
    "kind", [kind for kind in SIMPLE if kind is not Asked], ids=lambda kind: kind.__name__
)
@settings(max_examples=4)
@given(st.data(), histories())
def test_no_score_makes_a_picture_fall(kind, data, history):
    criterion = data.draw(SIMPLE[kind])
    for one in (criterion, After(1, criterion)):
        assert plots.score(one, history).get_legend() is not None
    plt.close("all")


def test_what_has_no_score_says_so():
    with pytest.raises(TypeError, match=r"ask one of its parts\(\) for a score"):
        plots.score(Below("loss", 0) | Epochs(3), CURVE)
    with pytest.raises(TypeError, match="is a function that says yes or no"):
        plots.score(lambda history: True, CURVE)


@pytest.mark.parametrize(
    "guess, drawn", [(3, 1), (2.5, 1), (np.int64(3), 1), (..., 0), (None, 0), (True, 0), ("3", 0)]
)
def test_only_a_guess_that_was_made_is_drawn(guess, drawn):
    ax = plots.axes()
    plots.draw_guess(ax, guess)
    assert len(ax.get_lines()) == drawn


def test_spread():
    ax = plots.axes()
    plots.spread(ax, [[1.0, 2.0], [3.0, 6.0]], plots.BLUE, "two runs")
    assert line(ax, "two runs") == [(0, 2.0), (1, 4.0)]
    (band,) = ax.collections
    corners = {tuple(point) for point in band.get_paths()[0].vertices.tolist()}
    assert {(0, 1), (0, 3), (1, 2), (1, 6)} <= corners


def test_colours_are_okabe_and_ito_s_and_a_picture_can_be_saved(tmp_path):
    okabe_ito = {"#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"}
    assert len(set(plots.COLOURS)) == 6 and {to_hex(colour) for colour in plots.COLOURS} <= okabe_ito
    report = replay(Patience("val_loss", 2), CURVE, best="val_loss")
    plots.curve(CURVE, report=report, guess=1).figure.savefig(tmp_path / "curve.png", dpi=90)
    height, width, _ = imread(tmp_path / "curve.png").shape
    assert (width, height) == (576, 288)


def test_a_score_that_speaks_at_strip_ends_only_is_drawn_as_points():
    history = {"val_loss": [float(n % 4 + 1) for n in range(20)], "loss": [float(20 - n) for n in range(20)]}
    points = plots.score(ProgressQuotient(1.0), history).lines[0]
    assert points.get_marker() == "." and points.get_linestyle() == "None"
    line = plots.score(GeneralizationLoss(5.0), history).lines[0]
    assert line.get_linestyle() == "-"


def test_a_caption_says_what_axes_do_not():
    ax = plots.axes()
    plots.spread(ax, [[1.0, 2.0], [3.0, 6.0]], plots.BLUE, "two runs", "--")
    assert ax.lines[0].get_linestyle() == "--"
    assert plots.unreadable(ax.figure) != []
    assert plots.caption(ax.figure, "Bands: smallest and largest.").get_fontsize() >= 8
    assert plots.unreadable(ax.figure) == []


def drawn(what):
    ax = plots.axes(xlabel="epoch", ylabel="loss")
    what(ax)
    return plots.unreadable(ax.figure)


@pytest.mark.parametrize(
    "what, fault",
    [
        (lambda ax: ax.set_xscale("log"), "The x axis has a log scale"),
        (lambda ax: ax.set_yscale("symlog"), "The y axis has a log scale"),
        (lambda ax: ax.set_title("small", fontsize=7), "'small' has 7 points"),
        (lambda ax: ax.errorbar([1], [1], [1], marker="o", label="mean"), "There are bands or bars"),
        (lambda ax: ax.fill_between([0, 1], 0, 1, alpha=0.2), "There are bands or bars"),
        (lambda ax: ax.axvspan(0, 1, alpha=0.2), "There are bands or bars"),
        (lambda ax: (ax.plot([1], "o", label="a"), ax.plot([2], "o", label="b"), ax.legend()), "marker 'o'"),
        (lambda ax: ([ax.errorbar([1], [1], [1], marker="s", label=f"{name} sd") for name in "ab"],
                     ax.legend()), "marker 's'"),
    ],
)
def test_what_cannot_be_read_is_said(what, fault):
    (found,) = drawn(what)
    assert fault in found


@pytest.mark.parametrize(
    "what",
    [
        lambda ax: ax.set(yscale="log", ylabel="loss (log scale)"),
        lambda ax: (ax.errorbar([1], [1], [1], marker="o", label="mean ± sd"), ax.legend()),
        lambda ax: ax.axvspan(0, 1, alpha=0.2, label="not trained"),
        lambda ax: ax.hist([1, 2, 2], alpha=0.5),
        lambda ax: (ax.plot([1], "o", label="a"), ax.plot([2], "s", label="b")),
        lambda ax: (ax.plot([1], "o", label="a"), ax.plot([2], "o", markerfacecolor="none", label="ring")),
        lambda ax: (ax.plot([1, 2], label="a"), ax.plot([2, 1], label="b")),
    ],
)
def test_what_can_be_read_is_let_be(what):
    assert drawn(what) == []


def test_the_library_s_own_pictures_can_be_read():
    report = replay(Patience("val_loss", 2), CURVE, best="val_loss")
    for ax in (plots.curve(CURVE, report=report, guess=3), plots.score(Patience("val_loss", 2), CURVE)):
        assert plots.unreadable(ax.figure) == []

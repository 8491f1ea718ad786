"""The stopping lab: sliders make criteria, the picture follows at once, and without widgets it is there."""

import base64
import html
import math
import re
import time
from html.parser import HTMLParser

import nbformat
import pytest

import build
from course_utils.classroom import data
from course_utils.stopping import Below, ImprovementBelow, Patience, Smoothed, compare, replay, stopping_lab

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def recorded():
    curves = data.load_curves("proben1")
    return {name: curves.select(problem=name, units=64) for name in ("gene", "soybean")}


@pytest.fixture
def lab(recorded):
    return stopping_lab(recorded, measured="test_loss")


def turn(lab, **settings):
    for name, value in settings.items():
        lab.controls[name].value = value


def test_the_sliders_make_the_criterion(lab):
    assert lab.criterion == Patience("val_loss", 5)
    turn(lab, patience=20, smoothing=3)
    assert lab.criterion == Smoothed(3, Patience("val_loss", 20))
    turn(lab, rule="ImprovementBelow", epsilon=1.0, window=10, smoothing=1)
    assert lab.criterion == ImprovementBelow("val_loss", 0.01, window=10, relative=True)
    turn(lab, rule="Below", threshold=10**-0.5)
    assert lab.criterion == Below("val_loss", 0.32)


def test_what_it_says_is_what_replay_and_compare_say(lab, recorded):
    turn(lab, problem="soybean", run=3, patience=12)
    rule, history = Patience("val_loss", 12), recorded["soybean"][3]
    report, row = replay(rule, history, best="val_loss"), compare([rule], [history], measured="test_loss")[0]
    assert lab.report == report
    assert report.reason in lab.alt and f"Stop: epoch {report.epoch}." in lab.alt
    assert f"Best until then: epoch {report.best_epoch}." in lab.alt
    assert f"{row.regret[0]:.1f} %" in lab.alt and f"{report.epoch + 1} of 300 epochs" in lab.alt


def test_the_picture_follows_the_slider(lab):
    turn(lab, problem="soybean")
    dots = set()
    for patience in (2, 10, 60):
        turn(lab, patience=patience)
        ring, dot = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', lab._picture.value)
        dots.add(dot)
        assert lab.alt in html.unescape(lab._picture.value)
    assert len(dots) == 3


def test_the_marks_stand_on_the_curve():
    lab = stopping_lab([{"val_loss": [4.0, 2.0, 1.0, 2.0, 4.0]}])
    turn(lab, patience=2)
    marks = re.findall(r'<circle cx="(.*?)" cy="(.*?)"', lab._svg)
    (x2, y2), (x4, y4) = [(float(x), float(y)) for x, y in marks]
    points = re.findall(r"[ML] ([\d.]+) ([\d.]+)", re.search(r'<path d="([^"]*)" clip-path', lab._svg)[1])
    points = [(float(x), float(y)) for x, y in points]
    assert points[2] == pytest.approx((x2, y2), abs=0.1)  # the best epoch, ring
    assert points[4] == pytest.approx((x4, y4), abs=0.1)  # the stop, dot


def test_only_the_sliders_of_the_rule_are_shown(lab):
    def shown():
        return {name for name, control in lab.controls.items() if control.layout.display != "none"}

    always = {"problem", "run", "rule", "smoothing"}
    assert shown() == always | {"patience"}
    turn(lab, rule="ImprovementBelow")
    assert shown() == always | {"epsilon", "window"}
    turn(lab, rule="Below")
    assert shown() == always | {"threshold"}


def test_a_move_is_quick(lab):
    """Far less than drawing the run anew would take."""
    def seconds(**settings):
        started = time.perf_counter()
        turn(lab, **settings)
        return time.perf_counter() - started

    turn(lab, problem="soybean")
    first = min(seconds(run=run) for run in range(1, 6))
    moves = sorted(seconds(patience=patience, smoothing=patience) for patience in range(6, 26))
    again = min(seconds(run=run) for run in range(1, 6))
    assert moves[5] < first / 2 and again < first / 2


def test_a_smaller_problem_sets_the_run_back():
    lab = stopping_lab({"many": [{"val_loss": [3.0, 2.0]}] * 5, "few": [{"val_loss": [5.0, 4.0]}] * 2})
    turn(lab, run=4)
    turn(lab, problem="few")
    assert lab.controls["run"].value == 1 and "few, run 1" in lab.alt


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [[math.nan, 0.5, None, 0.4], [math.nan, math.nan], [1.0], [0.0, -1.0, 2.0],
                                    [math.inf, 1.0]], ids=str)
def test_odd_runs_are_shown_all_the_same(values):
    lab = stopping_lab([{"val_loss": values, "test_loss": [1.0] * len(values)}], measured="test_loss")
    turn(lab, smoothing=3, patience=1)
    assert lab.alt in html.unescape(lab._picture.value)
    assert "nan" not in re.findall(r'c[xy]="[^"]*"', lab._svg)


def test_a_history_that_fit_returned_will_do():
    class FromFit:
        history = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.5, 2.6]}

    assert "runs, run 0" in stopping_lab([FromFit()]).alt


def test_it_opens_on_the_run_that_is_named(recorded):
    lab = stopping_lab({"soybean": recorded["soybean"], **recorded}, run=1)
    assert lab.controls["run"].value == 1 and "of soybean, run 1," in lab.alt
    for run in (20, -1):
        with pytest.raises(ValueError, match=f"0 to 19; got {run}"):
            stopping_lab(recorded, run=run)


def test_text_and_axes_take_the_colour_of_the_page(lab):
    """Black on JupyterLab's dark theme cannot be read. Nothing that is drawn names black, or no colour."""
    turn(lab, smoothing=3)
    widget = lab._picture.value
    assert widget.count("var(--jp-content-font-color1, currentColor)") == 2  # the picture, the words
    assert not re.search(r"#000000|#000\b|black", widget)
    root = re.search(r"<svg[^>]*>", widget)[0]
    assert 'fill="currentColor"' in root
    for letters in re.findall(r"<text[^>]*>", widget):
        assert not re.search(r"fill: (?!currentColor)", letters)
    assert widget.count("stroke: currentColor") >= 2  # the axes


def test_the_picture_without_widgets_brings_its_own_page(lab):
    (image,) = Images(lab._repr_mimebundle_()["text/html"]).images
    picture = base64.b64decode(image["src"].split(",")[1]).decode()
    assert "background:white;color:black" in re.search(r"<svg[^>]*>", picture)[0]


@pytest.mark.parametrize("histories", [[], {}, {"a": []}])
def test_no_history_is_an_error(histories):
    with pytest.raises(ValueError, match="at least one history"):
        stopping_lab(histories)


class Images(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.images = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.images.append(dict(attributes))


def test_without_widgets_there_is_a_picture_in_words_too(lab):
    bundle = lab._repr_mimebundle_()
    (image,) = Images(bundle["text/html"]).images
    kind, picture = image["src"].split(",")
    assert kind == "data:image/svg+xml;base64" and base64.b64decode(picture).startswith(b"<svg")
    assert image["alt"] == bundle["text/plain"] == lab.alt
    assert bundle[WIDGET]["model_id"] == lab.view.model_id
    assert len(bundle["text/html"]) < 60_000


def test_a_built_notebook_keeps_the_picture_and_not_the_widget(tmp_path):
    source = 'from course_utils.stopping import stopping_lab\nstopping_lab([{"val_loss": [2.0, 1.0]}])'
    cell = nbformat.v4.new_code_cell(source)
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata=dict(build.METADATA))
    build.execute(notebook, tmp_path)
    (output,) = notebook.cells[0].outputs
    assert set(output.data) == {"text/plain", "text/html"} and "<img alt=" in output.data["text/html"]
    assert "widgets" not in notebook.metadata

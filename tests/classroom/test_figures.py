"""The lessons' figures can be read: what plots.unreadable asks, of each figure that a chapter draws."""
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom import data
from course_utils.classroom.chapter_00 import figures as zero
from course_utils.classroom.chapter_01 import figures as one
from course_utils.classroom.chapter_02 import figures as two
from course_utils.classroom.chapter_03 import figures as three
from course_utils.classroom.chapter_90 import figures as ninety
from course_utils.stopping import Patience, plots

NAMES = ("diabetes", "soybean", "gene", "thyroid", "building")


def problems(runs=3):
    curves = data.load_curves("proben1")
    return {name: curves.select(problem=name, units=64)[:runs] for name in NAMES}


def threshold():
    return data.load_curves("threshold")


FIGURES = {
    "0.1": lambda: zero.your_stop([0.3, 0.2, 0.1, 0.15], 1, 1, 2, 3.0, 2),
    "lowest": lambda: zero.validation_loss([0.3, 0.2, 0.1, 0.15], guess=1, lowest=2),
    "emoji": lambda: one.emoji_examples(data.load_openmoji()),
    "batches": lambda: one.batches_run([81, 81, 5, 1], 81),
    "break": lambda: one.break_or_not(data.load_curves("break")),
    "overfit": lambda: one.overfit(threshold().select(input="pictures")),
    "gradient": lambda: one.gradient_norms(threshold().select(input="both"), (1.0, 0.5)),
    "1.5": lambda: one.stops_of([(name, [1.0, 0.5, 0.1], 1) for name in ("words", "both", "pictures")],
                                (10, 1.0), 30),
    "descent": lambda: two.descent([2.0, 1.0]),
    "budgets": lambda: two.budgets({"a": [("train", 0, 2), ("validate", 2, 3)]}, 2),
    "actions": lambda: two.three_actions(data.load_curves("events"), "adam 0.005"),
    "2.1": lambda: two.listed_losses([3, 6, 9], [0.9, 0.6, 0.65], 12, answer=1),
    "2.5": lambda: two.cost_and_regret([("1", 0.1, 90.0), ("5", 0.2, 5.0)], (0.1, 20.0), (0.2, 3.0)),
    "validation": lambda: three.validation_curves({name: runs[1] for name, runs in problems().items()}),
    "five fates": lambda: three.validation_curves({name: runs[1] for name, runs in problems().items()},
                                                  Patience("val_loss", 5)),
    "validation sets": lambda: three.validation_sets(data.load_curves("validation_sets"), sizes=(25, 2000)),
    "worth": lambda: three.worth_or_not(data.load_curves("fashion"), problems()["gene"]),
    "3.5": lambda: three.cost_and_regret([("patience 1", 0.1, 90.0), ("patience 5", 0.2, 5.0)], (0.1, 20.0),
                                         (0.3, 10.0)),
    "orders": lambda: ninety.orders(np.arange(48).reshape(3, 16) % 16, np.arange(48).reshape(3, 16) % 16),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_can_be_read(name):
    drawn = FIGURES[name]()
    assert plots.unreadable(drawn.get_figure(root=True) or drawn) == []
    plt.close("all")

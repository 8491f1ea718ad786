"""The exercise of appendix 06b: right answers, and wrong ones with their messages."""

import keras
import numpy as np

from course_utils.classroom.chapter_06 import source_exercises as ex
from course_utils.transfer import leep
from exercise_rules import ExerciseRules


class TestChapter06b(ExerciseRules):
    chapters = [ex]
    answers = {
        ex.leep_by_hand: (
            [leep(ex.THETA, ex.KINDS), -0.203, np.float32(-0.2), np.array(-0.203),
             np.log([0.66, 0.665, 1, 1]).mean(), keras.ops.convert_to_tensor(-0.203)],
            {"positive": (0.203, "not positive"),
             "log of the mean": (np.log(5 / 6), "log of the mean"),
             "log of the mean, two decimals": (-0.18, "log of the mean"),
             "logs inside": (np.log([2 / 3, 3**-0.5, 1, 1]).mean(), "then take the log"),
             "logs inside, two decimals": (-0.24, "then take the log"),
             "base 10": (-0.088, "base 10"),
             "base 2": (-0.292, "base 2"),
             "sum": (-0.811, "the mean"),
             "no logs": (0.833, "logs are missing"),
             "logs back": (0.816, "took the logs back"),
             "joint": (np.log([0.25, 0.375, 0.625, 0.625]).mean(), "P(y, z) for"),
             "reverse": (np.log([1, 0.5, 5 / 6, 5 / 6]).mean(), "P(z | y) for"),
             "reverse, two decimals": (-0.26, "P(z | y) for"),
             "without P(y | z)": (np.log(0.5) / 4, "is missing"),
             "without P(y | z), two decimals": (-0.17, "is missing"),
             "a percentage": (-20, "no percentage"),
             "too low": (-0.22, "Not -0.22"),
             "knows nothing": (-0.562, "knows nothing"),
             "otherwise": (-2, "Not -2"),
             "otherwise positive": (3, "at most 0"),
             "a decimal comma": ((0, 20), "with a decimal point"),
             "the first two alone": (np.log(2 / 3), "The mean is over all four"),
             "the log of one photo": (np.log(2 / 3) / 4, "of one photo"),
             "over three": (-0.27, "over all four photos"),
             "four probabilities": ((2 / 3, 2 / 3, 1, 1), "The answer is one number; this is"),
             "a text": ("-0.203", "leave out the quotes")},
            ...)}


def test_the_score_of_6b_1_is_what_the_course_s_leep_gives():
    assert np.isclose(leep(ex.THETA, ex.KINDS), ex.LEEP)

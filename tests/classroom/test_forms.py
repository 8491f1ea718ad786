"""One rule for the forms of an answer: what is one number, what are several, what says yes or no."""

import math

import keras
import numpy as np
import pytest

from course_utils.classroom.chapter_01 import exercises as chapter_01
from course_utils.classroom.chapter_02 import exercises as chapter_02
from course_utils.classroom.chapter_03 import exercises as chapter_03
from course_utils.classroom.chapter_04 import exercises as chapter_04
from course_utils.classroom.chapter_05 import exercises as chapter_05
from course_utils.classroom.chapter_06 import exercises as chapter_06
from course_utils.classroom.chapter_06 import source_exercises as chapter_06b
from course_utils.classroom.chapter_07 import exercises as chapter_07
from course_utils.classroom.chapter_08 import exercises as chapter_08
from course_utils.classroom.chapter_09 import exercises as chapter_09
from course_utils.classroom.chapter_90 import exercises as chapter_90
from course_utils.classroom.stage import Blank, Model, Wrong, all_of, number, one, several, truth, whole

COATS = [int, float, np.int64, np.float32, np.array, keras.ops.convert_to_tensor, keras.Variable]


@pytest.mark.parametrize("coat", COATS)
def test_a_number_in_any_coat(coat):
    assert number(coat(2)) == 2 and whole(coat(2)) == 2
    assert several(coat(2)) is None


@pytest.mark.parametrize("value", [
    True, np.True_, "2", None, [2], (2,), np.array([2]), 2j, math.isnan, {}, keras.Input(())])
def test_what_is_no_number(value):
    assert number(value) is None and whole(value) is None


def test_only_whole_numbers_are_whole():
    assert [whole(value) for value in (2.5, math.inf, math.nan)] == [None, None, None]
    assert [whole(value) for value in (-3.0, np.array(1e20))] == [-3, 10**20]


@pytest.mark.parametrize("value", [
    [1, 2, 5], (1, 2, 5), np.array([1, 2, 5]), (n for n in (1, 2, 5)), "1,2,5",
    "1, 2, 5", "[1, 2, 5]", "1 2 5", map(int, "125"), keras.ops.convert_to_tensor([1, 2, 5])])
def test_several_in_any_form(value):
    assert all_of(value, "", whole) == [1, 2, 5]


@pytest.mark.parametrize("value", [
    "bd", "b, d", "b d", ["b", "d"], ("b", "d"), (letter for letter in "bd"), "('b', 'd')"])
def test_letters_in_any_form(value):
    assert several(value) == ["b", "d"]


def test_a_text_is_taken_apart_only_where_it_was_typed():
    assert several("bd", typed=False) is None


def test_a_set_is_several_only_where_order_does_not_count():
    assert sorted(several({1, 2}, ordered=False)) == [1, 2]
    with pytest.raises(Wrong, match="forgets the order"):
        several({1, 2})


def test_dots_in_a_generator_are_a_blank():
    with pytest.raises(Blank):
        several(part for part in (1, ...))


def test_a_generator_without_an_end_is_not_waited_for():
    assert len(several(iter(int, 1))) == 10_000


@pytest.mark.parametrize(("value", "said"), [
    (True, True), (np.False_, False), (1, True), (0.0, False), (np.array(True), True),
    (keras.ops.convert_to_tensor(False), False), ("True", None), ([], None), (2, None), (None, None)])
def test_yes_or_no(value, said):
    assert truth(value) is said


@pytest.mark.parametrize(("value", "words"), [
    ("7", "this is the text '7': leave out the quotes"), ("seven", "this is the text 'seven'."),
    ([7], r"this is \[7\], a list with one number in it: take it out"), (True, "this is True")])
def test_what_is_no_number_is_said_in_words(value, words):
    with pytest.raises(Wrong, match=words):
        one(value, "A number is asked for")


def test_stop_training_is_true_or_false():
    model = Model()
    for coat in (bool, np.bool_, np.array, keras.ops.convert_to_tensor, int):
        model.stop_training = coat(True)
        assert model.stop_training is True
    with pytest.raises(Wrong, match="any text counts as true"):
        model.stop_training = "False"


# exercise -> a right answer, that is a number or several, or a function that returns one
NUMBERS = {chapter_01.first_below: 4, chapter_06b.leep_by_hand: -0.203,
           chapter_08.at_equal_regret: 1.15, chapter_09.half_the_units: 17810, chapter_90.four_epochs: 5}
SEVERAL = {chapter_03.stop_and_keep: [9, 6], chapter_04.score_by_hand: [0, 0, 10, 25, 0, 20],
           chapter_04.who_speaks_when: [9, 8, 14], chapter_05.last_mask: [0.81, 300],
           chapter_05.read_the_table: ["b", "d"], chapter_06.which_layer_where: ["d", "e", "f", "b"],
           chapter_06.what_is_trained: [1338, 1338], chapter_07.which_clock: [*chapter_07.ORDER],
           chapter_90.three_in_one_loop: [1, 2, 5],
           chapter_02.which_clause: [2, "improvement"]}


def solution(exercise):
    names = dict(np=np, math=math)
    exec(exercise.code, names)
    return names[list(names)[-1]]


def by_name(exercise):
    return exercise.number


@pytest.mark.parametrize("exercise", NUMBERS, ids=by_name)
def test_every_exercise_takes_a_number_in_any_coat(exercise):
    answer = NUMBERS[exercise]
    coats = COATS if answer == int(answer) else COATS[1:2] + COATS[3:]
    for coat in coats:
        assert exercise.grade(coat(answer)).state == "right", coat
    assert "leave out the quotes" in exercise.grade(str(answer)).text
    assert "take it out of the list" in exercise.grade([answer]).text


@pytest.mark.parametrize("exercise", SEVERAL, ids=by_name)
def test_every_exercise_takes_several_in_any_form(exercise):
    answer = SEVERAL[exercise]
    typed = ", ".join(map(str, answer))
    forms = list(answer), tuple(answer), (part for part in answer), np.array(answer, object)
    for form in (*forms, typed, f"({typed})"):
        assert exercise.grade(form).state == "right", form


@pytest.mark.parametrize("exercise", [
    chapter_01.mean_over_emoji, chapter_03.best_epoch, chapter_03.stop_regret,
    chapter_04.threshold_of_past_runs, chapter_05.share_of_zeros, chapter_07.overfitting_ratio,
    chapter_08.one_vote_each, chapter_08.the_clairvoyant, chapter_09.how_many_zeros,
    chapter_90.epoch_of_the_best], ids=by_name)
def test_every_function_may_return_a_number_in_any_coat(exercise):
    function = solution(exercise)
    for coat in (float, np.float64, np.array, lambda number: keras.ops.convert_to_tensor(number, "float64")):
        verdict = exercise.grade(lambda *args, coat=coat: coat(function(*args)))
        assert verdict.state == "right", verdict.text
    assert "leave out the quotes" in exercise.grade(lambda *args: str(function(*args))).text
    assert "take it out of the list" in exercise.grade(lambda *args: [function(*args)]).text


@pytest.mark.parametrize("exercise", [
    chapter_01.count_the_breaks, chapter_02.improvement_list, chapter_04.rises_in_a_row,
    chapter_06.two_events], ids=by_name)
def test_every_function_may_return_several_in_any_form(exercise):
    function = solution(exercise)
    for form in (list, tuple, np.array, iter, np.float64, lambda parts: map(float, parts)):
        verdict = exercise.grade(lambda *args, form=form: form(function(*args)))
        assert verdict.state == "right", verdict.text


@pytest.mark.parametrize("exercise", [chapter_02.mended_condition, chapter_05.armed_stop], ids=by_name)
def test_every_function_may_say_yes_in_any_coat(exercise):
    function = solution(exercise)
    for coat in (bool, np.bool_, int, np.array, keras.ops.convert_to_tensor):
        verdict = exercise.grade(lambda *args, coat=coat: coat(function(*args)))
        assert verdict.state == "right", verdict.text
    assert "Return True or False" in exercise.grade(lambda *args: str(function(*args))).text

"""Each rule of lesson_form and lesson_frame on made-up notebooks, right ones and broken ones."""
import pytest
from nbformat import v4

import build
import lesson_frame  # its rules join those of lesson_form
from lesson_form import CHECKED, RULES, WIDTH, Page, premises

PROSE = """# Does it stop?

You will
- see one,
- write one,
- and mend one.

20 minutes, then 5 for the exercises."""
KEEP = "## Three sentences to keep\n\nOne says 0.5. Two is short. Is three a question?"
CURVE = {"text/html": '<img alt="A curve." src="data:,">', "text/plain": "A curve."}
PICTURE = v4.new_output("display_data", data=CURVE)
FAILURE = v4.new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])


def text(line, name="stdout"):
    return v4.new_output("stream", name=name, text=line)


def prose(source, *tags):
    return v4.new_markdown_cell(source, metadata={"tags": list(tags)} if tags else {})


def code(source, *outputs, tags=()):
    return v4.new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)} if tags else {})


def guess(name="guess", answer="A: 1."):
    return [code(f"{name} = ...  # a number"), code(f'reveal({name}, 1, "A")', text(answer), tags=["reveal"])]


def right():
    """A solved lesson that keeps every rule."""
    return [prose("[![Open](https://a.b/c.svg)](https://a.b/1.25)", "setup"),
            code("def _set_up():\n" + "    pass\n" * 40, tags=["setup"]), prose(PROSE),
            *guess(), *guess("guess_epoch"), *guess(),
            code("print(0.25 * 2)", text("0.5\n"), tags=[CHECKED]),
            code("show(fig, 'A curve.')", PICTURE),
            code("raise ValueError('no')", FAILURE, tags=["raises-exception"]),
            code("%matplotlib inline\nex.score()", text("5 of 5 solved")), prose(KEEP)]


def page(cells, name="01_stop", is_solved=True):
    run = [cell for cell in cells if cell.cell_type == "code"]
    for count, cell in enumerate(run, 1):
        cell.execution_count = None if "not run" in cell.metadata.get("tags", []) else count
    given = premises(cells)
    for cell in cells:
        build.tidy(cell, "solutions")
    notebook = v4.new_notebook(cells=cells)
    return Page(name, notebook, notebook, is_solved, given)


def breaches(rule, *args, **kwargs):
    return list(RULES[rule](page(*args, **kwargs)))


def more(*cells):
    return [*right(), *cells]


def without(source):
    return [cell for cell in right() if source not in cell.source]


def change(old, new):
    cells = right()
    for cell in cells:
        cell.source = cell.source.replace(old, new)
    return cells


def error(source, *outputs):
    return code(source, *outputs, tags=["raises-exception"])


def display(**data):
    return v4.new_output("display_data", data={kind.replace("_", "/"): value for kind, value in data.items()})


MARKED = "# NBVAL_CHECK_OUTPUT\nprint(1)"
MISSPELT = ["# NBVAL_CHECK_OUTPUTS\n1", "# NVBAL_CHECK_OUTPUT\n1", "# NBVAL CHECK OUTPUT\n1",
            "# Nbval: check\n1", "#nbval-check-output\n1", "print(1)  # NBVAL_CHECK_OUTPUT",
            "# NBVAL_CHECK_OUTPUT, as we quote it\n1"]
NOT_PYTHON = ["%matplotlib inlin\n1", "!pip install x", "x = !ls", "%%time\nx", "x?", "def f(:"]
BROKEN = {  # rule -> lessons that break it, each with what the message has to say
    "every_code_cell_was_run": [
        (more(code("1", tags=["not run"])), "cell 15 was not run")],
    "outputs_are_clean": [
        (more(code("warn()", text("Careful", "stderr"))), "writes to stderr: 'Careful'"),
        (more(code("raise ValueError", FAILURE)), "ends in ValueError"),
        (more(code("path", text("in /home/me/data/x.npz"))), "machine it ran on: /home/me/data/x.npz"),
        (more(code("path", text("in C:\\Users\\me"))), "machine it ran on"),
        (more(code("ax", text("<Axes at 0x7f3a>"))), "address"),
        (more(code("fit()", text("12/12 - 3ms/step"))), "verbose=0")],
    "reveal_cells_reveal_only_in_the_solutions": [
        (more(code("reveal()", tags=["reveal"])), "shows nothing")],
    "the_file_is_small": [
        (more(code("show()", text("x" * 600_000))), "600 are allowed")],
    "markers_and_tags_are_spelt_right": [
        (more(code("x", tags=["reveals"])), "has the tag 'reveals'"),
        (more(prose("x", "solutions")), "has the tag 'solutions'"),
        *((more(code(source, text("1"))), "alone: # NBVAL_CHECK_OUTPUT") for source in MISSPELT)],
    "checked_cells_compare_something": [
        (more(code(MARKED)), "compares nothing"),
        (more(code(MARKED, text("\n"))), "compares nothing"),
        (more(code(MARKED, PICTURE)), "use two cells")],
    "cells_that_should_raise_do": [
        (more(error("1", text("1"))), "does not"),
        (more(code("# NBVAL_RAISES_EXCEPTION\n1 / 0", FAILURE)), "write the tag raises-exception instead")],
    "what_serves_the_tests_is_out_of_sight": [
        (more(prose("At 0.5. <!-- look here -->")), "shows the learner '<!-- look here -->'"),
        (more(code('s = """\n  # NBVAL_CHECK_OUTPUT, as we quote it"""')), "'NBVAL_CHECK_OUTPUT'")],
    "code_is_no_wider_than_the_page": [
        (more(code("x = '" + "-" * WIDTH + "'")), f"{WIDTH + 6} characters, {WIDTH} are allowed")],
    "no_cell_is_left_out": [
        (more(code("# NBVAL_SKIP\nprint(1)", text("1"))), "nothing tests it")],
    "code_is_plain_python": [
        (more(code(source)), "is not Python") for source in NOT_PYTHON],
    "the_lesson_is_short": [
        (more(*(prose("A word.") for _ in range(39))), "38 are allowed"),
        (more(prose("word " * 1600)), "1,600 are allowed")],
    "prose_cells_are_short": [
        (more(prose("word " * 131)), "has 131 words"),
        (more(prose("word " * 111)), "has 111 words")],
    "code_cells_are_short": [
        ([code("1\n" * 9)], "more than 8 lines"),
        (more(*(code("1\n" * 17) for _ in range(2))), "has 17 lines")],
    "the_title_is_a_question": [
        (change("stop?", "stop."), "not a question"),
        (without("Does it stop"), "should be the title")],
    "objectives_and_minutes_are_told": [
        (change("- and mend one.", ""), "have 2 lines"),
        (change("You will", "We shall"), "have 0 lines"),
        (change("20 minutes", "Not long"), "how many minutes")],
    "guesses_are_asked_and_answered": [
        (without("guess_epoch"), "2 cells ask"),
        (without("reveal(guess_epoch"), "not taken up"),
        (change("reveal(guess,", "reveal(..., "), "not taken up")],
    "every_image_is_described": [
        (more(code("fig", display(image_png="iVBO"))), "bare figure"),
        (more(code("x", display(text_html="<img src='a'>"))), "without alt"),
        (more(prose("![ ](curve.png)")), "without alt"),
        (more(prose('See <img src="curve.png" alt="">.')), "without alt")],
    "three_sentences_to_keep": [
        (without("Three sentences"), "no section"),
        (change("is short.", "is. Short."), "has 4 sentences")],
    "the_score_is_told": [
        (without("score"), "no cell says"),
        (more(code("score()", text("4 of 5 solved"))), "'4 of 5 solved' in the solutions")],
    "numbers_in_prose_are_checked": [
        (more(prose("It falls to 0.51.")), "0.51 is printed by no checked cell"),
        (more(prose("Nearly 95 % of them.")), "95 % is printed"),
        (more(prose("`loss` at .75, 0.5s")), ".75 is printed"),
        (more(prose("About 0.7."), code("print(0.1 * 7, '0.7')  # 0.7", text("0.7"))), "0.7 is printed"),
        (more(prose("Given. <!-- given: 0.7 -->"), prose("It is 0.7.")), "0.7 is printed"),
        (more(prose("It gains seven points.")), "7 points is printed"),
        (more(prose("Twenty-five percentage points.")), "25 percentage points is printed"),
        (more(prose("In ninety per cent of them.")), "90 per cent is printed"),
        (more(prose("That costs a point.")), "1 point is printed"),
        (more(prose("A 7-point gain.")), "7-point is printed"),
        (more(prose("Seven points."), code("x = 7\nprint(6.4)", text("6.4"), tags=[CHECKED])), "7 points is"),
        (more(prose("### 2.1 Not of this chapter")), "2.1 is printed")],
}
BROKEN["next_is_a_link"] = [(more(prose("End.\n\nNext: 02, budgets.")), "'Next: 02, budgets.' is no link")]
CASES = [(name, *case) for name, cases in BROKEN.items() for case in cases]
IDS = [f"{name}-{message}" for name, _, message in CASES]


@pytest.mark.parametrize("name", RULES)
def test_a_right_lesson_breaks_no_rule(name):
    assert breaches(name, right()) == []


@pytest.mark.parametrize(("name", "cells", "message"), CASES, ids=IDS)
def test_a_broken_lesson_is_told_so(name, cells, message):
    found = breaches(name, cells)
    assert found and message in found[0], found


def test_every_rule_is_shown_a_lesson_that_breaks_it():
    assert set(BROKEN) == set(RULES)


def test_a_learners_copy_must_not_give_answers_away():
    (found, *_) = breaches("reveal_cells_reveal_only_in_the_solutions", right(), is_solved=False)
    assert "gives its answer away" in found
    assert "in the notebook of the learner" in breaches("the_score_is_told", right(), is_solved=False)[0]


@pytest.mark.parametrize("chapter", ["00_start_here", "04b_more", "91_in_your_project"])
@pytest.mark.parametrize("name", RULES)
def test_the_frame_of_a_chapter_is_not_asked_of_what_is_none(chapter, name):
    cells = [prose(PROSE.replace("stop?", "stop")), code("print('Ready')", text("Ready"))]
    assert breaches(name, cells, chapter) == []


@pytest.mark.parametrize(("lesson", "cells"), [("00_start_here", 38), ("01_stop", 38), ("90_traps", 64)])
def test_how_many_cells_a_lesson_may_have(lesson, cells):
    assert breaches("the_lesson_is_short", [prose("A word.") for _ in range(cells)], lesson) == []
    (found,) = breaches("the_lesson_is_short", [prose("A word.") for _ in range(cells + 1)], lesson)
    assert f"{cells} are allowed" in found


@pytest.mark.parametrize("sentence", [
    "Half: 0.5, or 0.50, or 50 %, or 50 per cent.",
    "It is 0.25, said in code.",
    "Sixteen of 25 epochs, 1,294 pictures.",
    "At 0.01 <!-- given: 0.01 --> it stops.",
    "```python\nloss < 0.013\n```",
    "### 1.2 Count",
    "**1.2 Count.** See exercise 1.3.",
    "Keras 3.15.1 does it.",
    "See [the table](https://a.b/0.77).",
    "Half a point; it has a point, and two points make a line. <!-- given: 2 -->",
    "One in ten of seven dots."])
def test_numbers_that_prose_may_name(sentence):
    assert breaches("numbers_in_prose_are_checked", more(prose(sentence))) == []


def test_points_may_be_rounded():
    printed = code("print(gain)", text("it gains 7.1"), tags=[CHECKED])
    said = prose("Seven points, a 7-point gain.")
    assert breaches("numbers_in_prose_are_checked", more(said, printed)) == []


@pytest.mark.parametrize(("text", "number"), [
    ("You will\n\n20 minutes to read, 15 for", 20), ("Ten minutes.", 10), ("Not long", None)])
def test_minutes(text, number):
    assert lesson_frame.minutes(text) == number


@pytest.mark.parametrize("source", [
    "# NBVAL_CHECK_OUTPUT\n1", "  # NBVAL_SKIP\n1", "## NBVAL_CHECK_OUTPUT\n1", "# check what comes out\n1",
    "# the output is checked below\n1", "x = 1  # raises an exception"])
def test_comments_that_are_no_misspelt_marker(source):
    assert breaches("markers_and_tags_are_spelt_right", more(code(source))) == []

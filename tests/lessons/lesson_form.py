"""What a built notebook must be, as rules: each takes a Page and yields one message for every breach.

Here: that what is stored is clean, and what nbval passes in silence. lesson_frame.py has length, frame
and numbers.
test_lesson_form.py shows each rule a page that breaks it; test_notebooks.py asks them of the real notebooks.
"""
import ast
import dataclasses
import difflib
import itertools
import re

import jupytext
import nbformat

from build import CHECKED, PREMISE, tags

MARKERS = ("NBVAL_CHECK_OUTPUT", "NBVAL_IGNORE_OUTPUT", "NBVAL_RAISES_EXCEPTION", "NBVAL_SKIP")
TAGS = ("exercise", "solution", "reveal", "setup", "raises-exception", CHECKED)
MAGICS = ("%matplotlib inline",)
WIDTH = 110  # characters in a line of code: more, and a learner scrolls sideways
RULES = {}


@dataclasses.dataclass
class Page:
    """One notebook: the lesson's name, which face it is, and the solved face that holds every output.

    `given` has what the lesson says of its prose and its notebook does not: source of a cell -> its premises.
    """

    name: str
    notebook: nbformat.NotebookNode
    solved: nbformat.NotebookNode
    is_solved: bool
    given: dict = dataclasses.field(default_factory=dict)

    @property
    def cells(self):
        """(number, cell) for what the lesson itself brings; numbers count from 1, as build.py's do."""
        return [(n, c) for n, c in enumerate(self.notebook.cells, 1) if "setup" not in tags(c)]

    @property
    def code(self):
        return [(n, c) for n, c in self.cells if c.cell_type == "code" and c.source.strip()]

    @property
    def prose(self):
        return [(n, c) for n, c in self.cells if c.cell_type == "markdown"]

    @property
    def is_chapter(self):
        """00, the 90s and appendices (04b) are not chapters: they may be shorter, or built otherwise."""
        return 1 <= int(self.name[:2]) < 90 and self.name[2] == "_"


def premises(cells):
    """Source of each cell as built -> the text of its comments <!-- given: ... -->, where there are any."""
    return {PREMISE.sub("", cell.source): " ".join(PREMISE.findall(cell.source))
            for cell in cells if PREMISE.search(cell.source)}


def premises_of(lesson):
    """The premises of a lesson's file; a notebook no longer has them."""
    return premises(jupytext.read(lesson, fmt="py:percent").cells)


def rule(function):
    RULES[function.__name__] = function
    return function


def markers(source):
    """The nbval markers that count in a cell: alone on a # line."""
    lines = [line.strip() for line in source.splitlines()]
    comments = [line.lstrip("#").strip() for line in lines if line.startswith("#")]
    return [comment for comment in comments if comment in MARKERS]


def said(outputs):
    """The text of a cell's outputs."""
    return "\n".join(output.get("text", output.get("data", {}).get("text/plain", "")) for output in outputs)


def is_checked(cell):
    return CHECKED in tags(cell)


@rule
def every_code_cell_was_run(page):
    counts = [(n, c.execution_count) for n, c in enumerate(page.notebook.cells, 1) if c.cell_type == "code"]
    if [count for _, count in counts] != list(range(1, len(counts) + 1)):
        wrong = next(n for (n, count), due in zip(counts, itertools.count(1), strict=False) if count != due)
        yield f"cell {wrong} was not run in order, from a fresh kernel; run `make notebooks`"


LOCAL = re.compile(r"(?<![\w.:/])/(?:\w[\w.-]*/){2}\S*|\b[A-Z]:\\\S+|\b(?:site|dist)-packages\b")


@rule
def outputs_are_clean(page):
    for n, cell in page.cells:
        for output in cell.get("outputs", []):
            text = said([output]) + " ".join(output.get("traceback", []))
            path = LOCAL.search(text)
            if output.get("name") == "stderr":
                yield f"cell {n} writes to stderr: {output.text.strip()[:70]!r}"
            if output.output_type == "error" and "raises-exception" not in tags(cell):
                yield f"cell {n} ends in {output.ename}; tag it raises-exception if that is the lesson"
            if path:
                yield f"cell {n} prints a path of the machine it ran on: {path[0]}"
            if re.search(r"\bat 0x[0-9a-f]+", text):
                yield f"cell {n} shows an object's address; end it with something to read, or `_ =`"
            if re.search(r"ms/step|\r|\x1b", text):
                yield f"cell {n} shows a progress bar or colours, which differ each time; pass verbose=0"


@rule
def reveal_cells_reveal_only_in_the_solutions(page):
    for n, cell in page.code:
        if "reveal" in tags(cell) and bool(cell.outputs) != page.is_solved:
            fault = "shows nothing" if page.is_solved else "gives its answer away"
            yield f"cell {n} is tagged reveal and {fault}"


@rule
def the_file_is_small(page):
    size = len(nbformat.writes(page.notebook).encode()) / 1000
    if size > 600:
        yield f"the notebook has {size:.0f} KB; 600 are allowed: smaller or fewer figures"


@rule
def markers_and_tags_are_spelt_right(page):
    for n, cell in page.cells:
        for tag in tags(cell):
            if tag not in TAGS:
                yield f"cell {n} has the tag {tag!r}; known are {', '.join(TAGS)}"
    for n, cell in page.code:
        for line in cell.source.splitlines():
            meant = meant_marker(line)
            if meant and not markers(line):
                yield f"cell {n}: nbval does not see {line.strip()!r}; write it alone: # {meant}"


def meant_marker(line):
    """The marker that a line's comment, or a word in it, was meant to be, if any."""
    _, _, comment = line.partition("#")
    for words in [comment, *comment.split()]:
        word = re.sub(r"[\W_]+", "_", words.upper()).strip("_")
        near = difflib.get_close_matches(word, MARKERS, cutoff=0.85)
        if near or word.startswith("NBVAL"):
            return (near or MARKERS)[0]
    return None


@rule
def what_serves_the_tests_is_out_of_sight(page):
    for n, cell in page.cells:
        for comment in re.findall(r"NBVAL_CHECK_OUTPUT|<!--.*?-->", cell.source, re.DOTALL):
            yield f"cell {n} shows the learner {comment!r}; build.py should have taken it out"


@rule
def code_is_no_wider_than_the_page(page):
    for n, cell in page.code:
        for line in cell.source.splitlines():
            if len(line) > WIDTH:
                start = line.strip()[:50]
                yield f"cell {n} has a line of {len(line)} characters, {WIDTH} are allowed: {start} ..."


@rule
def checked_cells_compare_something(page):
    for n, cell in page.code:
        if is_checked(cell) and not said(cell.outputs).strip():
            yield f"cell {n} is checked and has no text stored, so nbval compares nothing; print what matters"
        pages = [output.get("data", {}).get("text/html", "") for output in cell.outputs]
        if is_checked(cell) and any("<img" in text for text in pages):
            yield f"cell {n} is checked and shows a figure, whose bytes differ elsewhere; use two cells"


@rule
def cells_that_should_raise_do(page):
    for n, cell in page.code:
        raises = any(output.output_type == "error" for output in cell.outputs)
        if "raises-exception" in tags(cell) and not raises:
            yield f"cell {n} is said to raise and does not: nbval would pass it all the same"
        if "NBVAL_RAISES_EXCEPTION" in markers(cell.source):
            yield f"cell {n}: write the tag raises-exception instead, or Run All stops there"


@rule
def no_cell_is_left_out(page):
    for n, cell in page.code:
        if "NBVAL_SKIP" in markers(cell.source):
            yield f"cell {n} is marked NBVAL_SKIP, so nothing tests it; record what takes long, and replay"


@rule
def code_is_plain_python(page):
    for n, cell in page.code:
        lines = [line for line in cell.source.splitlines() if line.strip() not in MAGICS]
        try:
            ast.parse("\n".join(lines))
        except SyntaxError as error:
            if "raises-exception" not in tags(cell):
                line = (error.text or "").strip()
                yield (f"cell {n}, {line!r} is not Python: nbval passes a failing or misspelt magic "
                       "and skips the rest of its cell")

"""The notebooks: what their lessons build, and in the form that lesson_form and lesson_frame ask for.

That every cell runs, and that checked cells print what they printed, is nbval's part of the same pytest run.
"""
import functools

import nbformat
import pytest

import build
import lesson_frame  # noqa: F401  its rules join those of lesson_form
from lesson_form import RULES, Page, premises_of

LESSONS = {lesson.stem: lesson for lesson in build.lessons()}
PAGES = [(name, folder) for name in LESSONS for folder in build.FACES]
NOTEBOOKS = build.ROOT / "notebooks"


@functools.cache
def read(name, folder):
    path = NOTEBOOKS / folder / f"{name}.ipynb"
    return nbformat.read(path, as_version=4) if path.is_file() else None


def test_there_are_lessons():
    assert {name[:2] for name in LESSONS} >= {"00", "01"}, "lessons/ has no 00_*.py and 01_*.py"


@pytest.mark.parametrize("folder", build.FACES)
def test_every_notebook_has_its_lesson(folder):
    orphans = {path.stem for path in (NOTEBOOKS / folder).glob("*.ipynb")} - set(LESSONS)
    assert not orphans, f"notebooks/{folder} has notebooks without a lesson; git rm {' '.join(orphans)}"


@pytest.mark.parametrize(("name", "folder"), PAGES)
def test_a_notebook_is_what_its_lesson_builds(name, folder):
    path = NOTEBOOKS / folder / f"{name}.ipynb"
    built = build.is_built(path, build.compose(LESSONS[name], folder))
    assert built, (
        f"{path.relative_to(build.ROOT)} is not what lessons/{name}.py and constraints/lock.txt build now; "
        "edit the lesson, not the notebook, and run `make notebooks`")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("name", "folder"), PAGES)
def test_the_form_of_a_notebook(name, folder, rule):
    notebook, solved = read(name, folder), read(name, "solutions")
    if not (notebook and solved):
        pytest.skip("not built, as another test says")
    page = Page(name, notebook, solved, folder == "solutions", premises_of(LESSONS[name]))
    breaches = list(RULES[rule](page))
    assert not breaches, f"lessons/{name}.py, seen in notebooks/{folder}:\n" + "\n".join(breaches)

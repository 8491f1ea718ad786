"""The site's sources fit together: no Sphinx is needed to see that. `make site` sees the rest."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import check_links
from lesson_page import lesson_page, readme_below_title
from wrong_answers import PAGE, called, opening, plain, tables

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted(path.stem for path in (ROOT / "lessons").glob("[0-9][0-9]*_*.py"))
PROSE = [page for pages in ("*.md", "*/README.md", "docs/*.md", "lessons/*.py") for page in ROOT.glob(pages)]


def load(path):
    return json.loads((ROOT / "notebooks" / path).read_text(encoding="utf-8"))


# ---- what is there is shown ----

NO_STAR = {"plots", "stopping_lab", "StoppingLab", "TensorBoardReport"}  # public all the same


@pytest.mark.parametrize("package", ["stopping", "pruning", "transfer", "multimodal", "scale", "small"])
def test_every_public_name_has_its_entry(package):
    page = (ROOT / "docs" / "api" / f"{package}.rst").read_text(encoding="utf-8")
    entries = re.findall(r"(?m)^\.\. auto(?:class|function|exception|module):: (?:[\w.]+\.)?(\w+)$", page)
    brought = {*importlib.import_module(f"course_utils.{package}").__all__}
    assert sorted(entries) == sorted(brought | (NO_STAR if package == "stopping" else set()))
    listed = re.findall(r"(?m)^   (\w+)$", page)  # in the tables on top of each section
    assert sorted(listed) == sorted(set(entries) - {"plots"})


def test_every_lesson_and_page_stands_in_the_contents():
    contents = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert re.findall(r"<\.\./notebooks/(\w+)>", contents) == LESSONS
    for page in {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}:
        assert f"<{page}>" in contents, page


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_files(page):
    folder = ROOT / "notebooks" if page.suffix == ".py" else page.parent
    text = re.sub(r"(?s)```.*?```", "", page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\((?!\w+:)([\w./-]+\.(?:ipynb|md|rst|py|png|txt)|[\w./-]+/)(?:#[\w-]+)?\)", text)
    assert not [link for link in links if not (folder / link).exists()]


# ---- lessons, folded ----


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_begins_with_its_title_and_folds_what_gives_it_away(name):
    cells = lesson_page(load(f"{name}.ipynb"), load(f"solutions/{name}.ipynb"), f"{name}.ipynb")["cells"]
    assert "".join(cells[0]["source"]).startswith("# ")
    address = re.search(r"\[Open this page in Colab\]\((\S+)\)", cells[1]["source"])[1]
    assert address.startswith("https://colab.research.google.com/github/")
    assert address.endswith(f"/notebooks/{name}.ipynb")
    tags = [(set(cell["metadata"].get("tags", [])), cell) for cell in cells]
    assert not [cell for own, cell in tags if "setup" in own]
    assert all("hide-output" in own for own, _ in tags if "reveal" in own)
    assert all("hide-cell" in own for own, _ in tags if "solution" in own)
    exercises = [cell for own, cell in tags if "exercise" in own]
    assert len(exercises) == sum("solution" in own for own, _ in tags)
    assert not any(cell["outputs"] for cell in exercises)


def test_twins_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="x.ipynb has 1 cells and its solved twin 2"):
        lesson_page({"cells": [{}]}, {"cells": [{}, {}]}, "x.ipynb")


def test_the_readme_keeps_its_links_on_the_front_page():
    text = "# Title\n\n[a](data/README.md) ![b](data/b.png) [c](#below) [d](https://example.org)\n"
    assert readme_below_title(text) == ("\n[a](../data/README.md) ![b](../data/b.png) [c](#below) "
                                        "[d](https://example.org)\n")


# ---- what learners get wrong ----


def test_the_page_of_wrong_answers_is_that_of_the_checkers():
    text, again = PAGE.read_text(encoding="utf-8"), "run: python docs/wrong_answers.py"
    exercises = tables()
    having = {exercise.number.partition(".")[0] for exercise in exercises}
    for path in (ROOT / "lessons" / f"{lesson}.py" for lesson in LESSONS):
        (title, minutes), (name, chapter) = opening(path), called(path)
        told = f"## {name} {title}\n\n{minutes}\n" in text
        assert told == (name.isdigit() or chapter in having), again  # an appendix may have no exercises
    assert re.findall(r"(?m)^### (\d+b?\.\d+) ", text) == [exercise.number for exercise in exercises], again
    for exercise, (_, wrong, _) in exercises.items():
        section = text.split(f"### {exercise.number} {exercise.title}\n")[1].split("\n##")[0]
        assert re.findall(r"(?m)^- \*(.+?)\*: ", section) == [plain(name) for name in wrong], again
        for name, (_, words) in wrong.items():
            told = plain((words or "").removeprefix("Not yet. "))
            assert told in section, f"{exercise.number}, {name}: {again}"


# ---- a built site's links ----


def test_dead_links_of_a_built_site_are_found(tmp_path):
    (tmp_path / "b.html").write_text('<h1 id="here">b</h1>')
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here"></a><a href="b.html#there"></a><a href="c.html"></a><a href="https://example.org/x"></a>'
        '<img src="data:image/png;base64,AA" alt=""><img src="https://example.org/y.png">')
    assert list(check_links.faults(tmp_path)) == [
        "a.html: 1 pictures have no alt", "a.html: b.html#there leads to a page without that place",
        "a.html: c.html leads to no file"]
    command = [sys.executable, check_links.__file__, str(tmp_path)]
    assert subprocess.run(command, capture_output=True).returncode == 1
    (tmp_path / "a.html").unlink()
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_the_page_of_the_study_has_every_rule_and_every_problem():
    from course_utils.classroom.chapter_08.rules import FAMILIES
    from course_utils.classroom.data import load_curves

    text = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
    for name in [*FAMILIES, *sorted(set(load_curves("study").labels["problem"].tolist()))]:
        assert re.search(rf"(?m)^\| {re.escape(name)} \|", text), f"{name}: run docs/study_page.py"


@pytest.mark.rare
def test_the_page_of_the_study_is_what_its_script_makes():
    made = importlib.import_module("study_page").page()  # docs/ is on the path
    assert made == (ROOT / "docs" / "study.md").read_text(encoding="utf-8"), "run: python docs/study_page.py"

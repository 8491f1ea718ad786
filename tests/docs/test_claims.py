"""The ledger: every claim is shown, every id means one, and the page is what the script makes of them."""

import json
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from claims import PAGE, ROOT, Place, faults, headings, page, read, sentences, slug, walk

ARTICLES, *LEDGER = read()
AGAIN = "run: python docs/claims.py"


def test_every_claim_is_shown():
    assert not list(faults(*LEDGER))


def test_the_page_is_what_the_script_makes():
    assert PAGE.read_text(encoding="utf-8") == page(ARTICLES, *LEDGER), AGAIN


def test_every_link_leads_to_a_heading_of_the_built_notebook():
    links = re.findall(r"\.\./notebooks/(\w+)\.ipynb#([^)]*)\)", PAGE.read_text(encoding="utf-8"))
    assert len(links) > 60
    for lesson, place in set(links):
        cells = json.loads((ROOT / "notebooks" / f"{lesson}.ipynb").read_text(encoding="utf-8"))["cells"]
        words = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        slugs = [slug(heading) for text in words for heading in headings(text)]
        assert slugs.count(place) == 1, (lesson, place)


# ---- each fault, made ----

HERE = Place("01_threshold_stop", "Mended", 3)
CLAIM = {"says": "it stops", "verdict": "fails", "found": "It does not"}
OPEN = CLAIM | {"verdict": "open", "chapter": "99"}
TESTED = CLAIM | {"test": "tests/docs/test_claims.py::test_every_claim_is_shown"}


@pytest.fixture
def chapter_99_in_the_making(monkeypatch):
    monkeypatch.setattr("claims.IN_THE_MAKING", ("99",))


@pytest.mark.usefixtures("chapter_99_in_the_making")
@pytest.mark.parametrize("claims, own, places", [
    ({"A1": CLAIM}, {"01.1": "Look."}, {"A1": [HERE], "01.1": [HERE]}),
    ({"A1": CLAIM}, {}, {"A1": [HERE, HERE._replace(lesson="02_budgets"), HERE._replace(heading="Later")]}),
    ({"A1": OPEN, "A2": TESTED}, {"99.1": "Look."}, {})])
def test_a_right_ledger_has_no_fault(claims, own, places):
    assert list(faults(claims, own, places)) == []


@pytest.mark.usefixtures("chapter_99_in_the_making")
@pytest.mark.parametrize("claims, own, places, said", [
    ({}, {}, {"A9": [HERE]}, "01_threshold_stop carries A9, and no claim has this id"),
    ({"A1": CLAIM}, {}, {"A1": [HERE, HERE._replace(number=4)]}, "Mended carries A1 in 2 cells"),
    ({"A1": CLAIM}, {}, {}, "no cell shows A1"),
    ({}, {"01.1": "Look."}, {}, "no cell shows 01.1, 'Look.'"),
    ({"A1": CLAIM | {"verdict": "perhaps"}}, {}, {"A1": [HERE]}, "A1 has the verdict 'perhaps'"),
    ({"A1": OPEN}, {}, {"A1": [HERE]}, "A1 is open: that is for"),
    ({"A1": OPEN | {"chapter": "01"}}, {}, {}, "A1 is open: that is for"),
    ({"A1": CLAIM | {"verdict": "open"}}, {}, {}, "A1 is open: that is for"),
    ({"A1": TESTED | {"test": "tests/docs/test_claims.py::test_gone"}}, {}, {}, "has no test_gone"),
    ({"A1": TESTED | {"test": "tests/gone.py::test_x"}}, {}, {}, "has no test_x")])
def test_a_fault_is_told(claims, own, places, said):
    (fault,) = faults(claims, own, places)
    assert said in fault


# ---- where a cell is ----

CELLS = [new_markdown_cell("# Does it?\n\nWords.", metadata={"claims": ["A1"]}),
         new_code_cell("1"),
         new_markdown_cell("It does.\n\n```bash\n# no heading\n```\n## `fit` ends, too",
                           metadata={"claims": ["A2"]}),
         new_code_cell("2", metadata={"claims": ["A1", "01.2"]}),
         new_markdown_cell("## Three sentences to keep\n\n"
                           "One is `0.5`. Is two\na question? `fit` is third.\n\nNext.")]


def test_a_cell_has_the_heading_above_it_and_its_number():
    first, later = Place("01_x", "Does it?", None), Place("01_x", "`fit` ends, too", 2)
    assert list(walk("01_x", CELLS)) == [("A1", first), ("A2", first), ("A1", later), ("01.2", later)]
    assert str(later) == "[01: `fit` ends, too](../notebooks/01_x.ipynb#fit-ends-too) `[2]`"


def test_three_sentences():
    assert sentences(CELLS) == ["One is `0.5`.", "Is two a question?", "`fit` is third."]
    assert sentences(CELLS[:4]) == []

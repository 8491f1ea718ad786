"""Writes docs/claims.md, the ledger: what is claimed, whether it holds, and where. `make notebooks` runs it.

What the four articles claim stands in claims.toml; what the course claims are the three sentences at the end
of its lessons. The cell that shows a claim carries its id: `# %% claims=["A1", "01.2"]`.
"""
import collections
import re
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "claims.md"
VERDICTS = ("holds", "holds if", "fails", "open")
IN_THE_MAKING = ()  # of these nothing need be shown yet, and claims may be open
HEADING = re.compile(r"(?m)^#{1,3} (.+)$")
KEEP = "Three sentences to keep"
OPENING = """# The ledger of claims

The course follows four articles on stopping early. Each means well, and each has listings that do something
else than they say. Here is every claim, formula and listing, what became of it when it was run or calculated,
and where you can see that. A number in brackets is the cell's, as Jupyter and GitHub show it; without one,
the words there say it. (GitHub may open a notebook at its top.)
"""


class Place(NamedTuple):
    """A cell that carries ids: its lesson, the heading above it, and its number if it is code."""

    lesson: str
    heading: str
    number: int | None

    @property
    def key(self):
        return self.lesson.partition("_")[0]

    def __str__(self):
        cell = f" `[{self.number}]`" if self.number else ""
        return f"[{self.key}: {self.heading}](../notebooks/{self.lesson}.ipynb#{slug(self.heading)}){cell}"


def headings(text):
    return HEADING.findall(re.sub(r"(?s)```.*?```", "", text))


def slug(heading):
    """What the site's links call a heading, as GitHub does in Markdown."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def walk(name, cells):
    """(id, Place) for all ids in a notebook's cells. A cell belongs to the heading that it begins under."""
    heading, number = "", 0
    for cell in cells:
        number += cell.cell_type == "code"
        found = headings(cell.source) if cell.cell_type == "markdown" else []
        if found and cell.source.startswith("#"):
            heading = found[0]
        for each in cell.metadata.get("claims", []):
            yield each, Place(name, heading, number if cell.cell_type == "code" else None)
        heading = found[-1] if found else heading


def sentences(cells):
    """The three sentences to keep, where a notebook has them."""
    for cell in cells:
        _, found, text = cell.source.partition(f"# {KEEP}\n")
        if found and cell.cell_type == "markdown":
            return re.split(r"(?<=[.?])\s+(?=[A-Z`*_])", " ".join(text.strip().split("\n\n")[0].split()))
    return []


def read():
    """The articles, their claims, the course's own, and id -> Places, in what learners open."""
    sys.path.insert(0, str(ROOT / "lessons"))
    import build

    claims = tomllib.loads((ROOT / "docs" / "claims.toml").read_text(encoding="utf-8"))
    own, places = {}, collections.defaultdict(list)
    for lesson in build.lessons():
        cells = build.compose(lesson, folder="").cells
        key = lesson.stem.partition("_")[0]
        own |= {f"{key}.{n}": sentence for n, sentence in enumerate(sentences(cells), 1)}
        for each, place in walk(lesson.stem, cells):
            places[each].append(place)
    return claims.pop("articles"), claims, own, places


def faults(claims, own, places):
    """What is wrong with the ledger, as sentences."""
    for each, where in places.items():
        if each not in claims and each not in own:
            yield f"{where[0].lesson} carries {each}, and no claim has this id"
        for place, count in collections.Counter(place[:2] for place in where).items():
            if count > 1:
                yield f"{' / '.join(place)} carries {each} in {count} cells: choose the one that shows it"
    for each, claim in claims.items():
        file, _, test = claim.get("test", "").partition("::")
        if claim["verdict"] not in VERDICTS:
            yield f"{each} has the verdict {claim['verdict']!r}; there are {', '.join(VERDICTS)}"
        if claim["verdict"] == "open":
            if claim.get("chapter") not in IN_THE_MAKING or each in places:
                yield f"{each} is open: that is for what no cell shows, and a chapter in the making will"
        elif each not in places and not test:
            yield f"no cell shows {each}: give one claims=[\"{each}\"]"
        if test and not ((ROOT / file).is_file() and f"def {test}(" in (ROOT / file).read_text("utf-8")):
            yield f"{each}: {file} has no {test}"
    for each in own:
        if each not in places and each.partition(".")[0] not in IN_THE_MAKING:
            yield f"no cell shows {each}, {own[each]!r}: give one claims=[\"{each}\"]"


def shown(each, claim, places):
    """Where a claim is shown: links, or the chapter that will."""
    if claim.get("verdict") == "open":
        return f"{claim['chapter']}, in the making"
    test = claim.get("test", "").partition("::")[0]
    return ", ".join([*map(str, places.get(each, [])), *([f"[a test](../{test})"] if test else [])])


def row(*columns):
    return f"| {' | '.join(column.replace('|', chr(92) + '|') for column in columns)} |"


def page(articles, claims, own, places):
    count = collections.Counter(claim["verdict"] for claim in claims.values())
    waiting = [f"{each} ({claim['chapter']})" for each, claim in claims.items() if claim["verdict"] == "open"]
    lines = [OPENING, f"Of {len(claims)} claims {count['holds']} hold, {count['holds if']} hold under a "
             f"condition, and {count['fails']} fail. Open, with the chapter that is to show it: "
             f"{', '.join(waiting)}.", ""]
    for letter, title in articles.items():
        lines += [f"## {letter}. {title}", "",
                  row("", "it says", "verdict", "what is true", "shown in"), row(*["---"] * 5)]
        lines += [row(each, claim["says"], claim["verdict"], claim["found"], shown(each, claim, places))
                  for each, claim in claims.items() if each.startswith(letter)] + [""]
    lines += ["## The course's own", "", "The three sentences to keep, and where they come from.", "",
              row("", "it says", "shown in"), row(*["---"] * 3)]
    lines += [row(each, sentence, shown(each, {}, places)) for each, sentence in own.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    articles, *ledger = read()
    if wrong := list(faults(*ledger)):
        sys.exit("\n".join(wrong))
    PAGE.write_text(page(articles, *ledger), encoding="utf-8")

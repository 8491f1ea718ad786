"""A contact sheet of all figures in the notebooks: `make figures`, or `python lessons/figures.py [01 ...]`.

Writes build/figures/index.html (git ignores it): each figure as it is, as a deuteranope sees it, and on a
dark page, with its alt text. It is there to be looked at before a figure goes out; nothing reads it.
"""
import argparse
import base64
import html
import html.parser
import pathlib
import sys

import nbformat

from build import ROOT, lessons

# Machado, Oliveira & Fernandes 2009, "A physiologically-based model for simulation of color vision
# deficiency": deuteranomaly of severity 1.0, for linear RGB. Rows add up to 1, so that grey stays grey.
DEUTERANOPE = ((0.367322, 0.860646, -0.227968),
               (0.280085, 0.672501, 0.047413),
               (-0.011820, 0.042940, 0.968881))
FACES = ("as it is", "to a deuteranope", "on a dark page")
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>All figures</title>
<style>
body {{ font: 14px/1.4 sans-serif; margin: 1em; }}
section {{ display: grid; grid-template-columns: repeat(3, 1fr); gap: 0 1em; margin-bottom: 2em; }}
section > * {{ min-width: 0; padding: .5em; }}
h2, p {{ grid-column: 1 / -1; margin: 0; }}
img {{ max-width: 100%; }}
.deuteranope {{ filter: url(#deuteranope); }}
.dark {{ background: #111; color: #eee; }}
</style>
<svg width="0" height="0" style="position:absolute">
<filter id="deuteranope" color-interpolation-filters="linearRGB">
<feColorMatrix type="matrix" values="{matrix}"/></filter></svg>
<h1>All figures, {faces}</h1>
{figures}
</html>
"""


class _Images(html.parser.HTMLParser):
    """The (alt, src) of every image in a piece of HTML whose data stands in it."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag == "img" and named.get("src", "").startswith("data:image/"):
            self.found.append((named.get("alt", ""), named["src"]))


def figures(notebook):
    """(cell, alt text, kind of file, bytes) of each figure in a notebook; cells count from 1."""
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            for alt, source in _Images(output.get("data", {}).get("text/html", "")).found:
                kind, _, data = source.partition(";base64,")
                yield number, alt, kind.rpartition("/")[2].partition("+")[0], base64.b64decode(data)


def sheet(notebooks, target):
    """Write the page and its pictures into the folder `target`; returns how many figures there are."""
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("[0-9][0-9]_*.*"):
        old.unlink()
    parts = []
    for path in notebooks:
        for number, alt, kind, data in figures(nbformat.read(path, as_version=4)):
            file = f"{path.stem[:2]}_{len(parts)}.{kind}"
            (target / file).write_bytes(data)
            image = f'<img src="{file}" alt="{html.escape(alt)}">'
            parts.append(f"<section><h2>{path.stem}, cell {number}</h2><p>{html.escape(alt)}</p>"
                         f'<div>{image}</div><div class="deuteranope">{image}</div>'
                         f'<div class="dark">{image}</div></section>')
    rows = [(*row, 0, 0) for row in DEUTERANOPE] + [(0, 0, 0, 1, 0)]  # alpha stays as it is; nothing is added
    matrix = " ".join(str(value) for row in rows for value in row)
    page = PAGE.format(matrix=matrix, faces=", ".join(FACES), figures="\n".join(parts))
    (target / "index.html").write_text(page, encoding="utf-8")
    return len(parts)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="how the lessons' file names begin; all of them if left out")
    parser.add_argument("--target", type=pathlib.Path, default=ROOT / "build" / "figures", help="a folder")
    options = parser.parse_args(argv)
    chosen = [path for path in lessons() if path.name.startswith(tuple(options.names) or "")]
    built = [ROOT / "notebooks" / "solutions" / f"{path.stem}.ipynb" for path in chosen]
    missing = [path.name for path in built if not path.is_file()]
    if missing or not built:
        sys.exit(f"not built yet: {', '.join(missing) or 'no such lesson'}; run `make notebooks`")
    print(f"{sheet(built, options.target)} figures: {options.target / 'index.html'}")


if __name__ == "__main__":
    main()

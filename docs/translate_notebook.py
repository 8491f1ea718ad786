"""translate_notebook.py IN.ipynb CATALOGUE.po OUT.ipynb: its Markdown in another language, the rest as it is.

The catalogue is the site's, `make gettext`: a message is a paragraph, a heading, a list item or a
table's cell, its lines joined. What is missing or fuzzy stays English. It needs nbformat, babel and
markdown-it-py, which JupyterLab and jupytext bring.
"""
import sys

import nbformat
from babel.messages.pofile import read_po
from markdown_it import MarkdownIt

parse = MarkdownIt("commonmark").enable("table").parse


def catalogue(path):
    """Message -> translation, for all that are translated and not fuzzy."""
    with open(path, "rb") as file:
        return {" ".join(m.id.split()): m.string for m in read_po(file) if m.id and m.string and not m.fuzzy}


def translate(text, messages):
    """Markdown with its messages replaced, and the marks around them (#, -, |) left as they are."""
    lines = text.split("\n")
    for token in reversed(parse(text)):  # from the end: line numbers before it stay right
        new = messages.get(" ".join(token.content.split())) if token.type == "inline" else None
        if new and token.map:
            start, end = token.map
            first = token.content.split("\n")[0]
            if end - start == 1:
                before, _, after = lines[start].rpartition(first)  # a row's cells come from the last on
                lines[start] = before + new + after
            else:
                lines[start:end] = [lines[start].partition(first)[0] + new]
    return "\n".join(lines)


if __name__ == "__main__":
    source, po, target = sys.argv[1:]
    messages, notebook = catalogue(po), nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = translate(cell.source, messages)
    nbformat.write(notebook, target)

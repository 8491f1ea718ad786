"""A lesson as a page of the site: without set-up, and with answers and solutions behind a click.

Outputs and solutions come from the solved twin. What is folded is a <details>, no JavaScript.
"""
import re


def tags(cell):
    return cell["metadata"].get("tags", [])


def folded(cell, tag, what):
    """A cell that is behind a click, or whose output is."""
    prompts = {"code_prompt_show": f"Show {what}", "code_prompt_hide": f"Hide {what}"}
    return {**cell, "metadata": {"tags": [*tags(cell), tag], "mystnb": prompts}}


def markdown(text):
    return {"cell_type": "markdown", "id": "site", "metadata": {}, "source": text}


def lesson_page(notebook, solved, name):
    """The page of a lesson: a learner's notebook, with what its solved twin knows folded away.

    Args:
        notebook, solved: both faces, as loaded from JSON, with the same cells in the same order.
        name: the notebook's file name, for the download.

    Raises:
        ValueError: the faces do not fit together.
    """
    if len(notebook["cells"]) != len(solved["cells"]):
        raise ValueError(f"{name} has {len(notebook['cells'])} cells and its solved twin "
                         f"{len(solved['cells'])}: make notebooks builds both.")
    cells, badge = [], ""
    for own, other in zip(notebook["cells"], solved["cells"]):
        if "setup" in tags(own):
            # [![...](picture)](address)
            badge = badge or re.search(r"\]\(([^)\s]+)\)\s*$", "".join(own["source"]))
        elif "exercise" in tags(own):
            cells += [{**own, "outputs": []}, folded(other, "hide-cell", "a solution")]
        elif "reveal" in tags(own):
            cells.append(folded(other, "hide-output", "the answer"))
        else:
            cells.append(other)
    if badge:  # a link in words: the badge is a picture from somebody's server
        links = f"[Open this page in Colab]({badge[1]}) or {{download}}`download it <{name}>`."
        cells.insert(1, markdown(links))
    return {**notebook, "cells": cells}


def readme_below_title(text):
    """The README without its title, its links seen from docs/."""
    return re.sub(r"\]\((?!\w+:|#)", "](../", text.partition("\n")[2])

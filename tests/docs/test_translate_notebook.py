"""A learner's notebook in another language: what is translated changes, and nothing else."""

import subprocess
import sys

import nbformat

import translate_notebook
from translate_notebook import catalogue, translate

PO = '''msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

msgid "Where would you stop?"
msgstr "你会在哪里停下？"

msgid "A sentence that goes on in `code` and ends."
msgstr "一个句子，`code`，完。"

msgid "early"
msgstr "早"

#, fuzzy
msgid "doubtful"
msgstr "疑"

msgid "empty"
msgstr ""
'''
TEXT = """# Where would you stop?

A sentence that goes on
in `code` and ends.

- early
- doubtful

| early | early |
|---|---|
| empty | early |"""
TRANSLATED = """# 你会在哪里停下？

一个句子，`code`，完。

- 早
- doubtful

| 早 | 早 |
|---|---|
| empty | 早 |"""


def test_a_catalogue_leaves_out_what_is_fuzzy_or_missing(tmp_path):
    (tmp_path / "x.po").write_text(PO, encoding="utf-8")
    assert sorted(catalogue(tmp_path / "x.po")) == [
        "A sentence that goes on in `code` and ends.", "Where would you stop?", "early"]


def test_markdown_keeps_its_marks(tmp_path):
    (tmp_path / "x.po").write_text(PO, encoding="utf-8")
    assert translate(TEXT, catalogue(tmp_path / "x.po")) == TRANSLATED
    assert translate(TEXT, {}) == TEXT


def test_a_notebook_keeps_code_and_outputs(tmp_path):
    (tmp_path / "x.po").write_text(PO, encoding="utf-8")
    output = nbformat.v4.new_output("stream", text="early\n")
    code = nbformat.v4.new_code_cell("print('early')", outputs=[output], execution_count=1)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(TEXT), code])
    nbformat.write(notebook, tmp_path / "x.ipynb")
    names = [str(tmp_path / name) for name in ("x.ipynb", "x.po", "y.ipynb")]
    subprocess.run([sys.executable, translate_notebook.__file__, *names], check=True)
    prose, same = nbformat.read(tmp_path / "y.ipynb", as_version=4).cells
    assert prose.source == TRANSLATED and same == code

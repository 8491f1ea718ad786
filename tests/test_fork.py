"""A fork changes one line, `Repository` in pyproject.toml, and runs `make notebooks`. All else follows it."""

import os
import pathlib
import re
import runpy
import subprocess
import sys
import tomllib

import pytest

import build
from citation import citation

ROOT = pathlib.Path(build.__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
FORKS = [f"https://github.com/{name}{end}" for name in ("me/stop-it", "A-School/keras.course_2")
         for end in ("", "/", ".git", ".git/")]


@pytest.fixture(params=FORKS)
def fork(request, tmp_path):
    """The files that read a fork's line, with that line changed: (folder, the address in its plain form)."""
    for name in ("pyproject.toml", "lessons/setup_cell.py", "docs/conf.py"):
        text = (ROOT / name).read_text(encoding="utf-8")
        if name == "pyproject.toml":
            text, lines = re.subn(r'(?m)^Repository = ".*"$', f'Repository = "{request.param}"', text)
            assert lines == 1
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path, request.param.rstrip("/").removesuffix(".git")


def test_badge_and_set_up_follow(fork, monkeypatch):
    folder, address = fork
    owner, name = address.split("/")[-2:]
    monkeypatch.setattr(build, "ROOT", folder)
    for face in build.FACES:
        badge, setup = build.opening("01_stop", face)
        page = f"{owner}/{name}/blob/main/notebooks/{face}/01_stop.ipynb".replace("//", "/")
        assert badge.source.endswith(f"(https://colab.research.google.com/github/{page})")
        assert f'"{address}", "{name}"]' in setup.source
        assert f'os.path.abspath("{name}")' in setup.source
        assert not re.search("when-to-stop", badge.source + setup.source)


def test_the_site_follows(fork, monkeypatch):
    folder, address = fork
    monkeypatch.setattr(sys, "path", list(sys.path))
    settings = runpy.run_path(str(folder / "docs" / "conf.py"))
    assert settings["html_theme_options"]["repository_url"] == address


def test_the_citation_follows(fork):
    folder, address = fork
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = citation(CITATION, project | {"version": "7.8.9"})
    assert f"\nrepository-code: {address}\n" in text and "\nversion: 7.8.9\n" in text
    changed = {line.split(":")[0] for line in set(text.splitlines()) - set(CITATION.splitlines())}
    assert changed <= {"version", "repository-code"}


def test_the_citation_is_that_of_pyproject():
    assert CITATION == citation(CITATION, PROJECT), "run: make notebooks"


@pytest.mark.parametrize("text", ["version: 1\n", "version: 1\nrepository-code: a\nrepository-code: b\n"])
def test_a_citation_without_its_lines_is_refused(text):
    with pytest.raises(ValueError, match="CITATION.cff has [02] lines that begin with 'repository-code'"):
        citation(text, PROJECT)


def test_nothing_else_names_the_repository():
    """What is written by hand would still name the old one in a fork. Built files are checked elsewhere."""
    address = PROJECT["urls"]["Repository"].rstrip("/").removesuffix(".git").removeprefix("https://")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, text=True, capture_output=True)
    if listed.returncode:
        pytest.skip("not a git clone")
    names = [name for name in listed.stdout.splitlines() if not name.startswith("notebooks/")
             and os.path.isfile(ROOT / name)]
    naming = {name for name in names if address.encode() in (ROOT / name).read_bytes()}
    assert len(names) > 100 and naming == {"pyproject.toml", "CITATION.cff"}

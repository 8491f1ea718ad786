"""The train.py of lesson 91: its marks tell the truth, and the script ends, resumes and reports."""

import ast
import csv
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib

import jupytext
import nbformat
import pytest

import build
import course_utils.stopping

STOPPING = pathlib.Path(course_utils.stopping.__file__).parent
MARK = "  # new"


@pytest.fixture(scope="module")
def blocks():
    """What stands between ```python and ```."""
    (lesson,) = [path for path in build.lessons() if path.name.startswith("91")]
    cells = jupytext.read(lesson, fmt="py:percent").cells
    return re.findall(r"(?s)```python\n(.*?)```", "\n".join(cell.source for cell in cells))


@pytest.fixture(scope="module")
def scripts(blocks):
    """(before, after), as a learner would copy them."""
    return [block for block in blocks if "model.save(" in block]


def test_what_is_imported_is_there_by_either_way(blocks):
    imports = [node for block in blocks for node in ast.walk(ast.parse(block))
               if isinstance(node, ast.ImportFrom) and node.module.endswith("stopping")]
    assert {node.module for node in imports} == {"stopping", "course_utils.stopping"}
    names = {name.name for node in imports for name in node.names}
    assert "StopWhen" in names and "plots" in names
    exec(f"from course_utils.stopping import {', '.join(names)}", {})


def test_the_line_for_pip_names_the_repository():
    project = tomllib.loads((build.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    notebook = nbformat.read(build.ROOT / "notebooks" / "91_in_your_project.ipynb", as_version=4)
    said = [output.get("text") for cell in notebook.cells for output in cell.get("outputs", [])]
    assert f'pip install "git+{project["urls"]["Repository"]}"\n' in said


def test_what_is_not_marked_as_new_was_there_before(scripts):
    before, after = ([line.rstrip("),") for line in script.splitlines() if line and MARK not in line]
                     for script in scripts)
    assert before[-1].startswith("model.save(")  # it saves elsewhere now
    assert after == before[:-1]


def run(folder, stop_it=False):
    """Run train.py; ask it to end once it has saved something. (exit code, what it printed)"""
    job = subprocess.Popen([sys.executable, "train.py"], cwd=folder, text=True, stdout=subprocess.PIPE,
                           env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "MPLBACKEND": "agg"})
    limit = time.monotonic() + 120
    while stop_it and not list(folder.glob("runs/1/state/*.npz")):
        assert job.poll() is None and time.monotonic() < limit, "it never saved its state"
        time.sleep(0.01)
    if stop_it:
        job.send_signal(signal.SIGTERM)
    said, _ = job.communicate(timeout=300)
    return job.returncode, said


@pytest.mark.rare
@pytest.mark.skipif(os.name == "nt", reason="no process can be sent SIGTERM there")
def test_it_ends_when_asked_and_goes_on_with_its_own_folder_alone(scripts, tmp_path):
    assert "course_utils" not in scripts[1]
    shutil.copytree(STOPPING, tmp_path / "stopping", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "train.py").write_text(scripts[1])
    folder = tmp_path / "runs" / "1"

    code, said = run(tmp_path, stop_it=True)
    assert code == 75 and "SIGTERM came" in said
    first = folder.joinpath("history.csv").read_text().splitlines()
    assert any(folder.glob("state/*.npz")) and any(folder.joinpath("backup").rglob("*.h5"))

    code, said = run(tmp_path)
    assert code == 0, said
    second = folder.joinpath("history.csv").read_text().splitlines()
    assert second[: len(first)] == first and len(second) > len(first) > 1
    epochs = [int(row["epoch"]) for row in csv.DictReader(second)]
    report = json.loads(folder.joinpath("report.json").read_text())
    assert epochs == list(range(report["epoch"] + 1)) and report["ended_by"].startswith("Patience")
    assert {path.name for path in folder.iterdir() if path.is_file()} == {
        "report.json", "history.csv", "run.png", "model.keras"}
    assert not any(path.is_file() for name in ("state", "backup") for path in (folder / name).rglob("*"))

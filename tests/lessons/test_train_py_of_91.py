"""Lesson 91: each listing runs as it stands; its train.py ends, resumes and reports."""

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
import keras
import nbformat
import pytest

import build
import course_utils.stopping

STOPPING = pathlib.Path(course_utils.stopping.__file__).parent
MARK = "  # new"


@pytest.fixture(scope="module")
def cells():
    (lesson,) = [path for path in build.lessons() if path.name.startswith("91")]
    return jupytext.read(lesson, fmt="py:percent").cells


@pytest.fixture(scope="module")
def blocks(cells):
    """What stands between ```python and ```."""
    return re.findall(r"(?s)```python\n(.*?)```", "\n".join(cell.source for cell in cells))


@pytest.fixture(scope="module")
def short(cells):
    """The two cells that are a short train.py, as a learner would copy them."""
    begin, new = [cell.source for cell in cells if cell.cell_type == "code"
                  and ("def build_model" in cell.source or MARK in cell.source)]
    return f"{begin}\n{new}\n"


@pytest.fixture(scope="module")
def whole(blocks):
    """The train.py that survives a kill."""
    (script,) = [block for block in blocks if "sys.exit(" in block]
    return script


@pytest.fixture(scope="module")
def names(short):
    """What a short train.py leaves behind, after a few epochs."""
    left = {}
    exec(short.replace("epochs=200", "epochs=3"), left)
    return left


def having(blocks, word):
    (block,) = [block for block in blocks if word in block]
    return block


def test_all_is_imported_as_the_line_for_pip_installs_it(cells):
    lines = "\n".join(cell.source for cell in cells).splitlines()
    imports = [line for line in lines if re.search("from .*stopping import", line)]
    assert len(imports) > 5 and all(line.startswith("from course_utils.stopping import ") for line in imports)


def test_every_rule_of_the_table_can_be_written_so(cells):
    (table,) = [cell.source for cell in cells if "| you have | start from |" in cell.source]
    public = {name: getattr(course_utils.stopping, name) for name in course_utils.stopping.__all__}
    said = [code for code in re.findall("`([^`]+)`", table) if re.match(r"[A-Z]\w+\(", code)]
    assert len(said) == 7
    for code in said:
        eval(code, dict(public))


def test_after_ctrl_c_the_best_weights_come_back(blocks, names):
    block, model, stop = having(blocks, "KeyboardInterrupt"), names["model"], names["stop"]

    class Interrupted:
        def fit(self, *args, **settings):
            callbacks = [*settings.pop("callbacks"), keras.callbacks.LambdaCallback(on_epoch_begin=ctrl_c)]
            model.fit(*args, **settings, callbacks=callbacks, verbose=0)

    def ctrl_c(epoch, logs=None):
        if epoch == 2:
            model.set_weights([0 * weight for weight in model.get_weights()])
            raise KeyboardInterrupt

    exec(block, {**names, "model": Interrupted()})
    assert len(stop.history["val_loss"]) == 2
    best = min(stop.history["val_loss"])
    assert model.evaluate(*names["val"], verbose=0)[0] == pytest.approx(best, rel=1e-4)


def test_finished_runs_are_compared(blocks, names, tmp_path, monkeypatch, capsys):
    for run in "12":
        (tmp_path / "runs" / run).mkdir(parents=True)
        names["stop"].history.to_csv(tmp_path / "runs" / run / "history.csv")
    monkeypatch.chdir(tmp_path)
    exec(having(blocks, "History.from_csv"), {})
    assert "of 2" in capsys.readouterr().out


def test_a_cosine_ends_at_zero_after_its_epochs(blocks, names):
    here = {}
    exec(having(blocks, "CosineDecay"), here)
    batches = -(-len(names["train"][0]) // 64)
    assert float(here["schedule"](200 * batches)) == pytest.approx(0, abs=1e-9)
    assert float(here["schedule"](199 * batches)) > 0
    assert float(here["optimizer"].learning_rate) == pytest.approx(0.01)


def test_the_last_training_is_as_long_as_the_folds_say(blocks, names):
    block = having(blocks, "for fold in").replace("epochs=200", "epochs=2, verbose=0")
    here = {name: names[name] for name in ("x", "y", "build_model")}
    exec(block.replace("model.fit(x, y, ", "history = model.fit(x, y, verbose=0, "), here)
    assert len(here["best"]) == 5 and sum(here["out"]) in (len(here["x"]) // 5, len(here["x"]) // 5 + 1)
    assert len(here["history"].epoch) == 1 + sorted(here["best"])[2]
    assert here["x"].max() == 1  # as in all trainings of the page


def test_the_line_for_pip_names_the_repository():
    project = tomllib.loads((build.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    notebook = nbformat.read(build.ROOT / "notebooks" / "91_in_your_project.ipynb", as_version=4)
    said = [output.get("text") for cell in notebook.cells for output in cell.get("outputs", [])]
    assert f'pip install "git+{project["urls"]["Repository"]}"\n' in said


def test_what_is_not_marked_as_new_was_there_before(short, whole):
    before, after = ([line.rstrip("),") for line in script.splitlines() if line and MARK not in line]
                     for script in (short.replace("verbose=0", "verbose=2"), whole))
    assert after == before


def test_the_lines_that_save_do_so_and_are_in_the_whole_script(blocks, names, whole, tmp_path, monkeypatch):
    (saving,) = [block for block in blocks if "model.save(" in block and block != whole]
    monkeypatch.chdir(tmp_path)
    exec(saving, dict(names))
    left = {path.name for path in tmp_path.joinpath("runs", "1").iterdir()}
    assert left == {"report.json", "history.csv", "run.png", "model.keras"}
    lines = [line.partition("  #")[0] for line in saving.splitlines() if "(folder / " in line]
    assert len(lines) == 4 and set(lines) <= {line.partition("  #")[0] for line in whole.splitlines()}


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
def test_it_ends_when_asked_and_goes_on_with_the_copied_folder_alone(whole, tmp_path):
    shutil.copytree(STOPPING, tmp_path / "stopping", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "train.py").write_text(whole.replace("course_utils.stopping", "stopping"))
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

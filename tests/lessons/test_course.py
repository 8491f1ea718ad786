"""What lessons promise one another and the README: words explained in time, minutes, links, the recipe."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import jupytext
import keras
import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

import build
from glossary import GLOSSARY
from lesson_frame import minutes

LESSONS = {lesson.stem.split("_")[0]: lesson for lesson in build.lessons()}


def prose(lesson):
    """What a learner reads in each Markdown cell, without listings, comments, index and links elsewhere."""
    cells = jupytext.read(lesson, fmt="py:percent").cells
    index = r'(?m:^\|.*\]\(#.*$)|<a id="[^"]*">'
    hidden = rf"(?s:```.*?```|<!--.*?-->)|\[[^\]]*\]\([^)]*\.ipynb\)|{index}"
    return [re.sub(hidden, " ", cell.source) for cell in cells if cell.cell_type == "markdown"]


def uses(pattern, texts):
    """The texts that use a term. One in capitals is found as it is written."""
    flags = 0 if re.search("[A-Z]", pattern) else re.IGNORECASE
    return [text for text in texts if re.search(rf"(?<!\w)(?:{pattern})(?!\w)", text, flags)]


@pytest.mark.parametrize("term", GLOSSARY)
def test_a_term_is_not_used_before_the_chapter_that_explains_it(term):
    chapter, pattern, _ = GLOSSARY[term]
    early = {number: found[0][:80] for number, lesson in LESSONS.items() if number < chapter
             if (found := uses(pattern, prose(lesson)[1:]))}  # the title's cell announces
    assert not early, f"{term!r} is explained in {chapter}: explain it where it comes first"


@pytest.mark.parametrize("term", [term for term, row in GLOSSARY.items() if row[2]])
def test_a_term_is_explained_where_it_comes_first(term):
    chapter, pattern, explained = GLOSSARY[term]
    found = uses(pattern, prose(LESSONS[chapter])[1:])
    assert found, f"{term!r} is not in chapter {chapter}"
    assert explained in " ".join(found[0].split()), f"first used here, and not explained:\n{found[0]}"


@pytest.mark.parametrize("number", LESSONS)
def test_links_to_other_chapters_lead_somewhere(number):
    text = LESSONS[number].read_text(encoding="utf-8")
    names = re.findall(r"\]\((\d\d\w*)\.ipynb\)", text)
    assert set(names) <= {lesson.stem for lesson in LESSONS.values()}


@pytest.mark.parametrize("number", LESSONS)
def test_the_readme_promises_the_minutes_that_the_lesson_does(number):
    readme = (build.ROOT / "README.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"(?m)^\| \[[^\]]*\]\(notebooks/{LESSONS[number].stem}\.ipynb\) .*$", readme)
    told = int(re.search(r"\| (\d+) min \|$", row)[1])
    assert told == minutes(prose(LESSONS[number])[0]), row


def test_the_recipe_of_chapter_00_runs(capsys):
    cells = jupytext.read(LESSONS["00"], fmt="py:percent").cells
    recipe, question = re.findall(r"(?s)```python\n(.*?)```", "\n".join(cell.source for cell in cells))
    assert len(recipe.strip().splitlines()) <= 10
    rng = np.random.default_rng(0)
    x, x_val = rng.normal(size=(2, 40, 3))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    names = {"model": model, "x": x, "y": x.sum(1), "x_val": x_val, "y_val": rng.normal(size=40)}
    model.fit = lambda *args, fit=model.fit, **kwargs: fit(*args, verbose=0, **kwargs)
    exec(recipe, names)
    stop = names["stop"]
    assert "for 10 epochs" in capsys.readouterr().out and stop.report.epochs_after_best == 10
    assert model.evaluate(x_val, names["y_val"], verbose=0) == pytest.approx(stop.report.kept, rel=1e-5)
    exec(question, names)  # the patience of the recipe, asked about its own run
    assert capsys.readouterr().out.splitlines()[:2] == str(stop.report).splitlines()[:2]


# ---- 91's table: after how many failures the tools stop that are installed here ----


class Flat(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = 0.5


def keras_run(callback):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    rates = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: rates.append(float(model.optimizer.learning_rate)))
    model.fit(np.ones((4, 1)), np.ones(4), epochs=12, verbose=0, callbacks=[Flat(), callback, note])
    return rates


def failures():
    """Tool -> failures until it acts, with its patience at 3; the first epoch is the best and no failure."""
    x, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
    fit = dict(max_iter=50, n_iter_no_change=3, tol=1e9)  # nothing is an improvement
    stop, lower = keras.callbacks.EarlyStopping(patience=3), keras.callbacks.ReduceLROnPlateau(patience=3)
    return {"Keras's `EarlyStopping`": len(keras_run(stop)) - 1,
            "`ReduceLROnPlateau`": np.flatnonzero(np.diff(keras_run(lower)))[0] + 1,
            "`SGDClassifier`": SGDClassifier(**fit).fit(x, y).n_iter_ - 1,
            "`MLPClassifier`": MLPClassifier((2,), **fit).fit(x, y).n_iter_ - 1}


def test_after_how_many_failures_a_tool_stops():
    table = LESSONS["91"].read_text(encoding="utf-8")
    for tool, count in failures().items():
        (row,) = re.findall(rf"(?m)^# \|[^|]*{tool}[^|]*\|[^|]*\| (N(?: \+ 1)?) \|$", table)
        assert count == {"N": 3, "N + 1": 4}[row], tool


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize("code", [75, 0, 1])
def test_the_slurm_script_of_91_asks_for_the_job_again_where_it_was_interrupted(code, tmp_path):
    asked = code == 75
    # as it stands in the notebook: jupytext takes a lesson's "# #!" for a magic, and drops a sign
    notebook = json.loads((build.ROOT / "notebooks" / "91_in_your_project.ipynb").read_text(encoding="utf-8"))
    text = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    script = re.search(r"(?s)```bash\n(.*?)```", text)[1]
    assert script.startswith("#!/bin/bash\n#SBATCH")
    (tmp_path / "train.py").write_text(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))\n"
        "open('begun', 'w').close()\n"
        f"time.sleep({60 if asked else 0})\n"
        f"sys.exit({code})\n")
    for name, line in (("scontrol", 'echo "$@" > asked'), ("python", f'exec "{sys.executable}" "$@"')):
        (tmp_path / name).write_text(f"#!/bin/bash\n{line}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    job = subprocess.Popen(["bash", "-c", script], cwd=tmp_path,
                           env={**os.environ, "PATH": path, "SLURM_JOB_ID": "7"})
    limit = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < limit:
        time.sleep(0.05)
    if asked:
        job.send_signal(signal.SIGTERM)
    assert job.wait(60) == code
    assert (tmp_path / "asked").exists() == asked
    assert not asked or (tmp_path / "asked").read_text() == "requeue 7\n"

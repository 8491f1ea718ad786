"""Every block of docs/recipes.md runs by itself, prints what the page says, and does what it promises."""

import functools
import importlib.util
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

import sweep
from recipes import PAGE, recipes

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(48, 4)).astype("float32"), RANDOM.integers(0, 2, 48)  # chance: it turns soon
BLOCKS = [block for block in recipes(PAGE.read_text(encoding="utf-8"))
          if block[0] != "Several processes train one model"]  # which tests/scale/test_recipe.py runs


@functools.cache
def compiled():
    """One model for all recipes, and its first values: to compile one takes longer than to train it."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"],
                  jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    return model, variables, [keras.ops.convert_to_numpy(variable).copy() for variable in variables]


def build_model():
    model, variables, values = compiled()
    for variable, value in zip(variables, values):
        variable.assign(value)
    model.stop_training = False
    return model


def after_the_rate(names):
    events = names["lower"].events
    return len(events) == 2 and events[-1].epoch < names["stop"].report.epoch


def unmeasured(names):
    values, report = names["stop"].history["val_loss"], names["stop"].report
    return values[:5] == [None] * 4 + values[4:5] and report.epoch == report.best_epoch + 15


def refitted(names):
    steps_an_epoch = 2  # 48 rows, in batches of 32; a fold trains with 32
    return names["steps"] == names["lengths"] and \
        names["final"].optimizer.iterations == steps_an_epoch * int(np.median(names["lengths"]))


def all_complete(names):
    trials = names["study"].trials
    return {trial.state.name for trial in trials} == {"COMPLETE"} and \
        all(trial.user_attrs["epoch"] == trial.user_attrs["best_epoch"] + 5 for trial in trials)


def each_has_a_report(names):
    reports, best = names["reports"], names["tuner"].oracle.get_best_trials()[0]
    return len(reports) == 3 and best.score == min(report.kept for report in reports.values()) and \
        all(report.epochs_after_best == 5 for report in reports.values())


# What a block should have done, beside running: (heading, which of its blocks) -> a question to its names.
PROMISES = {
    ("Ten lines to begin with", 0): lambda names: names["stop"].report.epochs_after_best == 10,
    ("Why did it stop?", 0): lambda names: names["Path"]("history.csv").read_text().startswith("accuracy"),
    ("Two metrics should agree", 0): lambda names: "; val_accuracy" in names["stop"].report.reason
    and names["stop"].report.best_when == "Above('val_accuracy', 0.3)",
    ("The rate falls, and the run ends before that can help", 0): after_the_rate,
    ("The rate falls, and the run ends before that can help", 1): lambda names:
        names["stop"].history["learning_rate"][-1] < 5e-4 and "armed" in names["stop"].report.reason,
    ("All data for the last training: how many epochs?", 0): refitted,
    ("The job ends at six", 0): lambda names:
        names["stop"].interrupted == (names["stop"].history.get("seconds_left", [0])[0] <= 0),
    ("Validation is expensive, so it is rare", 0): unmeasured,
    ("It was killed, and should go on", 0): lambda names: names["stop"].report.epochs_after_best == 5,
    ("A sweep", 0): all_complete,
    ("A sweep", 2): each_has_a_report,
    ("How much patience?", 0): lambda names:
        [list(row.stops) for row in names["table"]] == [[2, 2], [3, 5], [8, 6]],
}


def numbered(blocks):
    seen = {}
    for heading, code, printed in blocks:
        seen[heading] = seen.get(heading, -1) + 1
        yield (heading, seen[heading]), code, printed


# Ray's processes know nothing of this one: a script, with what is the reader's.
RAY = """import keras
import numpy as np
import ray

chance = np.random.default_rng(0)
x, y = chance.normal(size=(48, 4)).astype("float32"), chance.integers(0, 2, 48)
x_val, y_val = x[:20] + 1, 1 - y[:20]


def build_model():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"),
                              keras.layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return model


ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)
"""


def needs(code, package):
    return re.search(rf"(?m)^(import|from) {package}\b", code)


def test_the_sweep_with_ray(tmp_path):
    (code,) = [code for _, code, _ in BLOCKS if needs(code, "ray")]
    if importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed; `make scale` installs it and runs this")
    (tmp_path / "recipe.py").write_text(RAY + code, encoding="utf-8")
    done = subprocess.run([sys.executable, "recipe.py"], cwd=tmp_path, capture_output=True, text=True,
                          env={**sweep.environment(tmp_path), "HOME": str(tmp_path)}, timeout=600)
    told = [line for line in done.stdout.splitlines() if "has not improved on" in line]
    assert len(told) == 2 and all("for 5 epochs" in line for line in told), done.stdout + done.stderr[-3000:]
    assert len(list((tmp_path / "sweep" / "rows").glob("*.jsonl"))) == 2


@pytest.mark.parametrize("place, code, printed", [
    pytest.param(*block, id=f"{block[0][0]} {block[0][1]}") for block in numbered(BLOCKS)
    if not needs(block[1], "ray")])
def test_a_recipe_does_what_it_says(place, code, printed, tmp_path, monkeypatch, capsys):
    assert printed or place in PROMISES, "say on the page what it prints, or here what it does"
    for package in ("optuna", "keras_tuner"):
        if needs(code, package) and importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed; `make scale` installs it and runs this")
    monkeypatch.chdir(tmp_path)
    names = {"x": X, "y": Y, "x_val": X[:20] + 1, "y_val": 1 - Y[:20], "build_model": build_model}
    exec(compile(code, f"{PAGE.name}: {place[0]}", "exec"), names)
    if printed:
        assert capsys.readouterr().out == printed
    if place in PROMISES:
        assert PROMISES[place](names)


def test_no_promise_is_left_over():
    assert set(PROMISES) <= {place for place, _, _ in numbered(BLOCKS)}


def test_the_first_recipe_has_ten_lines():
    assert BLOCKS[0][0] == "Ten lines to begin with" and len(BLOCKS[0][1].splitlines()) == 10

"""`make package`: what pip installs from this repository works, each extra alone in an empty environment.

    python tests/package.py [library | plots | lab | parquet | optuna | ray | pruning | small | ...] ...

It builds a wheel, and for each name makes an environment, installs that and nothing else, and runs what it is
for. Takes minutes: TensorFlow is installed twice.
"""

import pathlib
import subprocess
import sys
import tempfile
import venv

ROOT = pathlib.Path(__file__).resolve().parents[1]
HISTORY = "{'loss': [3.0, 2.0, 2.5], 'val_loss': [3.0, 2.0, 2.5]}"
ALONE = f"""
import importlib.util
from course_utils.stopping import Patience, compare, replay
assert replay(Patience("val_loss", 1), {HISTORY}, best="val_loss").best_epoch == 1
assert importlib.util.find_spec("course_utils.classroom") is None, "the lessons' own came along"
try:
    from course_utils.stopping import StopWhen
except ImportError as error:
    assert "pip install tensorflow" in str(error), error
else:
    raise AssertionError("where does the backend come from?")
"""
DOES = {
    "library": ALONE,
    "plots": ALONE + f"""
import matplotlib
matplotlib.use("agg")
from course_utils.stopping import plots
plots.curve({HISTORY})
""",
    "lab": ALONE + f"""
from course_utils.stopping import stopping_lab
print(stopping_lab([{HISTORY}]).report.reason)
""",
    "parquet": ALONE + f"""
from course_utils.stopping import Runs
Runs([{HISTORY}]).to_parquet("runs.parquet")
assert Runs.from_parquet("runs.parquet")[0] == {HISTORY}
""",
    "optuna": """
import optuna
from course_utils.scale.installed import need
need("optuna", "a test")
try:
    from course_utils.scale import OptunaStop
except ImportError as error:
    assert "pip install tensorflow" in str(error), error
""",
    "ray": """
from ray import tune
from course_utils.scale import as_stopper
from course_utils.stopping import Patience
stopper = as_stopper(Patience("val_loss", 1), "rows")
assert isinstance(stopper, tune.Stopper)
told = [stopper("a", {"training_iteration": i, "val_loss": 0.5}) for i in (1, 2)]
assert told == [False, True] and stopper.reports(), told
""",
    "pruning": """
import keras, numpy as np
from course_utils.pruning import prune_at_stop, sparsity
from course_utils.stopping import Epochs
x = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(20, "relu"), keras.layers.Dense(1)])
model.compile("sgd", "mse")
pruned, report = prune_at_stop(model, (x, x[:, :1]), validation_data=(x, x[:, :1]), first=Epochs(1),
                               second=Epochs(1), target_sparsity=0.5, ramp_epochs=1)
assert sparsity(pruned).total > 0.45, report
""",
    "small": """
import keras, numpy as np
from course_utils.small import Lite, measure, prune_filters, to_lite
x = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(20, "relu"), keras.layers.Dense(2)])
small, report = prune_filters(model, 0.5)
file = to_lite(small, int8=True, data=x)
assert np.abs(Lite(file).predict(x) - small.predict(x, verbose=0)).max() < 0.2, report
assert measure(file, to_lite(small), rounds=3).ratio > 0
""",
    "tensorboard": """
import keras, numpy as np, pathlib, tempfile
from course_utils.stopping import Epochs, Patience, StopWhen, TensorBoardReport
x = np.ones((8, 1), "float32")
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
stop, folder = StopWhen(Patience("loss", 2) | Epochs(3)), tempfile.mkdtemp()
model.fit(x, x, epochs=5, verbose=0, callbacks=[stop, TensorBoardReport(stop, folder)])
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(str(pathlib.Path(folder, "score"))).Reload()
assert events.Tags()["tensors"], events.Tags()
""",
}


def run(*command, **options):
    subprocess.run([str(part) for part in command], check=True, **options)


def main(names):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
        (wheel,) = folder.glob("*.whl")
        for name in names or DOES:
            venv.create(folder / name, with_pip=True)
            python = folder / name / ("Scripts" if sys.platform == "win32" else "bin") / "python"
            wanted = f"{wheel}[{name}]" if name != "library" else str(wheel)
            run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted)
            run(python, "-c", DOES[name], cwd=folder)
            print(f"{name}: installed into an empty environment, and works", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

"""What README and lesson 91 promise: the folder stopping/, copied into a project, is enough."""

import pathlib
import shutil
import subprocess
import sys

import course_utils.stopping

FOLDER = pathlib.Path(course_utils.stopping.__file__).parent
SCRIPT = """
import sys
import keras
import numpy as np
from stopping import NotFinite, Patience, StopWhen, replay
import stopping
everything = [getattr(stopping, name) for name in stopping.__all__]
x = np.arange(8.0)[:, None]
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
stop = StopWhen(Patience("val_loss", 2) | NotFinite(), restore_best="val_loss", state="state")
model.fit(x, x, validation_data=(x, x), epochs=3, verbose=0, callbacks=[stop])
replayed = replay(stop.criterion, stop.history, best="val_loss")
assert (stop.report.reason, stop.report.kept) == (replayed.reason, replayed.kept)
assert not [name for name in sys.modules if name.startswith("course_utils")], "it leans on the course"
print("works")
"""


def test_the_copied_folder_works_by_itself(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "stopping", ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "works\n", done.stderr


def test_the_promise_names_the_folder():
    root = FOLDER.parents[1]
    for name in ("README.md", "lessons/91_in_your_project.py"):
        assert "`course_utils/stopping`" in (root / name).read_text(encoding="utf-8")

"""What README and callbacks.py promise: six files, copied into a folder of one's own, are enough."""

import importlib
import pathlib
import shutil
import sys

import course_utils

FILES = ["history.py", "criterion.py", "criteria.py", "scores.py", "state.py", "callbacks.py"]


def test_the_copied_files_work_by_themselves(tmp_path, monkeypatch):
    here = pathlib.Path(course_utils.__file__).parent
    (tmp_path / "stopping").mkdir()
    for name in FILES:
        shutil.copy(here / name, tmp_path / "stopping")
    monkeypatch.syspath_prepend(tmp_path)
    callbacks = importlib.import_module("stopping.callbacks")
    criteria = importlib.import_module("stopping.criteria")
    rule = criteria.Patience("val_loss", 2) | criteria.NotFinite()
    stop = callbacks.StopWhen(rule, restore_best="val_loss", state=tmp_path / "state")
    assert stop.report.reason == "training has not begun"
    assert criteria.Patience("val_loss", 2).first({"val_loss": [3, 2, 2, 2]}) == 3
    for name in [name for name in sys.modules if name.startswith("stopping")]:
        monkeypatch.delitem(sys.modules, name)


def test_the_promise_names_these_files():
    readme = (pathlib.Path(course_utils.__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in readme for name in FILES)

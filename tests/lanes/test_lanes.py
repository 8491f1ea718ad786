"""The lanes' own judgement: what they call a fault, on notebooks and lists written here."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def lane(name):
    """A lane's script as a module; `shared`, which they import, lies beside them."""
    sys.path.insert(0, str(HERE))
    try:
        spec = importlib.util.spec_from_file_location(f"lane_{name}", HERE / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(HERE))


def written(folder, *outputs, count=1, last="0 of 1 solved"):
    """A notebook of two code cells: an exercise with `outputs`, and the summary."""
    summary = {"output_type": "display_data", "data": {"text/plain": [last]}}
    tags = {"tags": ["exercise"]}
    every = {"cell_type": "code", "source": []}
    cells = [{**every, "metadata": tags, "execution_count": count, "outputs": list(outputs)},
             {**every, "source": ["ex.summary()"], "metadata": {}, "execution_count": 2,
              "outputs": [summary]}]
    path = folder / "00_any.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    return path


NOTEBOOKS = sorted((HERE.parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_known_what_the_summary_says(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    exercises = lane("shared").scored(cells)
    assert not exercises or f"'0 of {exercises} solved'" in str(lane("shared").summary(cells)["outputs"])


def test_a_good_notebook_has_no_faults(tmp_path):
    assert lane("shared").faults(written(tmp_path)) == []


@pytest.mark.parametrize("outputs, options, said", [
    ([{"output_type": "error", "ename": "OSError", "evalue": "disk"}], {}, "code cell 1: OSError: disk"),
    ([{"output_type": "stream", "name": "stderr", "text": ["oh"]}], {}, "code cell 1 writes to stderr: oh"),
    ([], {"count": None}, "code cell 1 did not run"),
    ([], {"last": "1 of 1 solved"}, "the summary does not say '0 of 1 solved'")])
def test_faults(tmp_path, outputs, options, said):
    (fault,) = lane("shared").faults(written(tmp_path, *outputs, **options))
    assert fault.startswith(said)


@pytest.mark.parametrize("where, code", [({}, 0), ({"CI": "true"}, 1)])
def test_a_skip_is_an_error_in_ci_alone(monkeypatch, capsys, where, code):
    monkeypatch.delenv("CI", raising=False)
    for name, value in where.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        lane("shared").skip("no Chromium")
    assert ended.value.code == code
    assert capsys.readouterr().out == "SKIPPED, nothing was tested: no Chromium\n"


COLAB = {"tensorflow": "2.20.0", "keras": "3.13.2", "numpy": "2.1.3"}
TFMOT = {"tensorflow-model-optimization": "0.8.0"}


@pytest.mark.parametrize("number, after, said", [
    ("00", COLAB, []),
    ("05", {**COLAB, **TFMOT, "dm-tree": "0.1.9"}, []),
    ("05", COLAB, ["tensorflow-model-optimization was to be fetched, and was not"]),
    ("05", {**COLAB, **TFMOT, "tensorflow": "2.21.0"}, ["pip made tensorflow 2.21.0 of 2.20.0"]),
    ("01", {**COLAB, "tensorflow-cpu": "2.20.0"}, ["a second TensorFlow: tensorflow-cpu 2.20.0"])])
def test_what_a_notebook_may_do_to_colabs_packages(number, after, said):
    assert lane("colab").changes(number, COLAB, after) == said


PINS = "# What Colab had on 2026-08-19 (Python 3.12).\ntensorflow==2.20.0\ntf-keras==2.20.1\npytest==8.4.*\n"
FREEZE = "absl-py==1.4.0\nodd @ file:///odd.whl\npytest==9.0.1\ntensorflow==2.21.0+cu128\ntf_keras==2.21.0\n"


def test_pins_follow_colabs_list():
    text = lane("colab_pins").renewed(PINS, FREEZE, "2026-11-26", "3.13")
    assert text == ("# What Colab had on 2026-11-26 (Python 3.13).\n"
                    "tensorflow==2.21.0\ntf-keras==2.21.0\npytest==9.0.1\n")


def test_a_package_that_colab_dropped_is_said():
    with pytest.raises(ValueError, match="tf-keras is not in Colab's list, which has 2 packages"):
        lane("colab_pins").renewed(PINS, "pytest==9.0.1\ntensorflow==2.21.0\n", "2026-11-26")

"""The line that a bug report begins with: true, short, and there without Keras."""

import os
import pathlib
import subprocess
import sys
from importlib import metadata

import pytest

import course_utils
from course_utils import report

ROOT = pathlib.Path(course_utils.__file__).parents[1]


def test_one_line_and_nothing_heavy_is_imported():
    code = ("import runpy, sys; runpy.run_module('course_utils.report', run_name='__main__'); "
            "print(sorted({'keras', 'tensorflow', 'numpy', 'jax', 'torch', 'tf_keras'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True,
                          env=dict(os.environ, PYTHONPATH=str(ROOT), KERAS_BACKEND="jax"))
    line, imported = done.stdout.splitlines()
    assert imported == "[]" and done.stderr == ""
    assert f"keras {metadata.version('keras')} on jax, " in line
    assert f", numpy {metadata.version('numpy')}" in line
    assert f", Python {sys.version.split()[0]}, " in line


def test_what_is_not_installed_is_left_out(monkeypatch):
    def version(package):
        if package != "keras":
            raise metadata.PackageNotFoundError(package)
        return "3.99"

    monkeypatch.setattr(report.metadata, "version", version)
    monkeypatch.setattr(report.platform, "platform", lambda: "Minix-1")
    monkeypatch.setattr(report.platform, "python_version", lambda: "3.12.0")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert report.report() == "course_utils not installed by pip, Python 3.12.0, Minix-1, keras 3.99 on torch"


@pytest.mark.parametrize(("variable", "file", "backend"), [
    ("torch", '{"backend": "jax"}', "torch"), ("", '{"backend": "jax"}', "jax"), ("", None, "tensorflow"),
    ("", "{broken", "tensorflow"), ("", "[]", "tensorflow"), ("", "{}", "tensorflow")])
def test_the_backend_is_the_one_that_keras_would_take(variable, file, backend, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", variable)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if file is not None:
        (tmp_path / "keras.json").write_text(file, encoding="utf-8")
    assert report.keras_backend() == backend

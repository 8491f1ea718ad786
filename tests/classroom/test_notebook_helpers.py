"""course_utils/notebook.py, and the silence that course_utils keeps while TensorFlow is imported."""
import fractions
import os
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils.classroom import notebook
from course_utils.classroom.notebook import reveal, show


@pytest.mark.parametrize(("guess", "value", "line"), [
    (1, 16, "You said 1. Messages: 16."),
    (..., 16, "Messages: 16."),
    (16, 16, "You said 16, and so it is. Messages: 16."),
    (16.0, np.int64(16), "You said 16, and so it is. Messages: 16."),
    ("16", 16, "You said 16, and so it is. Messages: 16."),
    ("Never ", "never", "You said Never, and so it is. Messages: never."),
    (0.1 + 0.2, np.float32(0.3), "You said 0.3, and so it is. Messages: 0.3."),
    (0.5, 0.66049, "You said 0.5. Messages: 0.66."),
    (1e6, 1234.5678, "You said 1000000. Messages: 1235."),
    (fractions.Fraction(1, 3), 0.00012, "You said 0.333. Messages: 0.00012."),
    (float("nan"), float("inf"), "You said nan. Messages: inf."),
    (True, np.True_, "You said True, and so it is. Messages: True."),
    (None, 16, "A number or a short text makes a guess; this was a NoneType. Messages: 16."),
    (len, 16, "A number or a short text makes a guess; this was a builtin_function_or_method. Messages: 16."),
    (np.arange(3), 16, "A number or a short text makes a guess; this was a ndarray. Messages: 16."),
])
def test_reveal(guess, value, line, capsys):
    reveal(guess, value, "Messages")
    assert capsys.readouterr().out == line + "\n"


@pytest.fixture
def shown(monkeypatch):
    images = []
    monkeypatch.setattr(notebook, "display", images.append)
    return images


def test_show_gives_a_described_png_and_closes_the_figure(shown):
    figure, axes = plt.subplots(1, 2)
    for drawn in (figure, axes, axes[1]):
        show(drawn, 'A curve that is "flat"\n    & low.')
        assert not plt.fignum_exists(figure.number)
    assert len({image.png for image in shown}) == 1, "the same figure gives the same bytes"
    image = shown[0]
    assert image.png.startswith(b"\x89PNG") and b"Software" not in image.png
    assert repr(image) == 'A curve that is "flat" & low.'
    alt, data = 'alt="A curve that is &quot;flat&quot; &amp; low."', "src=\"data:image/png;base64,"
    assert image._repr_html_().startswith(f"<img {alt} {data}")


@pytest.mark.parametrize("alt", ["", "  \n", None])
def test_show_wants_a_description(alt, shown):
    with pytest.raises(ValueError, match="alt is empty"):
        show(plt.gcf(), alt)
    assert shown == []


def test_show_names_what_it_cannot_show(shown):
    with pytest.raises(TypeError, match="not list"):
        show([1, 2], "Two numbers.")


NOISY = "import os; os.write(2, b'No GPU here')"


@pytest.mark.parametrize(("tensorflow", "level", "told"), [
    (NOISY, None, False),
    (NOISY, "0", True),
    (NOISY + "; raise ImportError('broken')", None, True),
])
def test_tensorflows_start_is_quiet_unless_it_fails_or_is_asked_for(tensorflow, level, told, tmp_path):
    (tmp_path / "tensorflow.py").write_text(tensorflow)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    environment |= {"PYTHONPATH": str(tmp_path)} | ({"TF_CPP_MIN_LOG_LEVEL": level} if level else {})
    code = "import course_utils.classroom, os, tensorflow; os.write(2, b' and after')"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert ("No GPU here" in done.stderr) == told
    assert (" and after" in done.stderr) == (done.returncode == 0) == ("raise" not in tensorflow)

"""lessons/figures.py: the page of all figures."""
import base64

import nbformat
import numpy as np
import pytest

import figures

PNG = b"\x89PNG and so on"


def notebook(folder, *pages):
    outputs = [nbformat.v4.new_output("display_data", data={"text/html": page}) for page in pages]
    cells = [nbformat.v4.new_markdown_cell("# Stop?"), nbformat.v4.new_code_cell("show()", outputs=outputs)]
    path = folder / "01_stop.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def image(data, kind="png", alt="A &lt;curve&gt;"):
    return f'<img alt="{alt}" src="data:image/{kind};base64,{base64.b64encode(data).decode()}">'


def test_every_figure_is_there_three_times_with_its_words(tmp_path):
    drawing = image(b"<svg/>", "svg+xml") + "<div>words</div>"
    path = notebook(tmp_path, image(PNG), "<p>no figure</p>", drawing)
    assert figures.sheet([path], tmp_path / "out") == 2
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert (tmp_path / "out" / "01_0.png").read_bytes() == PNG
    assert (tmp_path / "out" / "01_1.svg").read_bytes() == b"<svg/>"
    assert page.count('src="01_0.png"') == page.count('src="01_1.svg"') == len(figures.FACES)
    assert page.count("<p>A &lt;curve&gt;</p>") == 2 and "01_stop, cell 2" in page
    assert page.count('class="deuteranope"') == page.count('class="dark"') == 2


def test_figures_that_are_gone_leave_nothing_behind(tmp_path):
    figures.sheet([notebook(tmp_path, image(PNG), image(PNG))], tmp_path / "out")
    (tmp_path / "out" / "mine.txt").write_text("kept")
    figures.sheet([notebook(tmp_path, image(PNG))], tmp_path / "out")
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert left == ["01_0.png", "index.html", "mine.txt"]


def test_a_deuteranope_sees_grey_as_grey_and_confuses_red_with_green():
    matrix = np.array(figures.DEUTERANOPE)
    assert matrix.sum(axis=1) == pytest.approx(1, abs=1e-5)

    def seen(red, green, blue):  # sRGB to linear RGB and on; what is out of range is cut, as a browser does
        linear = [(c + 0.055) ** 2.4 / 1.055**2.4 if c > 0.04045 else c / 12.92 for c in (red, green, blue)]
        return np.clip(matrix @ linear, 0, 1)

    def distance(a, b):
        return np.abs(seen(*a) - seen(*b)).sum()

    red, green, blue = (0.8, 0.2, 0.2), (0.45, 0.45, 0.2), (0.2, 0.2, 0.8)
    assert distance(red, green) < 0.15 < distance(red, blue)


def test_the_filter_of_the_page_is_the_matrix(tmp_path):
    figures.sheet([], tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    values = page.split('values="')[1].split('"')[0].split()
    rows = np.array(values, dtype=float).reshape(4, 5)  # red, green, blue, alpha, and what is added
    assert (rows[:3, :3] == figures.DEUTERANOPE).all() and rows[3].tolist() == [0, 0, 0, 1, 0]
    assert not rows[:3, 3:].any() and 'color-interpolation-filters="linearRGB"' in page


def test_a_notebook_that_is_not_built_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="not built yet: 01_threshold_stop.ipynb"):
        figures.main(["01"])
    with pytest.raises(SystemExit, match="no such lesson"):
        figures.main(["77"])

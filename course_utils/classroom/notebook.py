"""What lessons say and show: the answer beside a guess, and a figure with its description.

Depends on IPython and matplotlib, and on nothing else in this package.
"""
import base64
import html
import io
import numbers

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.artist import Artist


def _text(value):
    """A value as a sentence shows it: whole numbers whole, others with three significant digits."""
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        value = float(value)
        return f"{value:.0f}" if abs(value) >= 1000 or value.is_integer() else f"{value:.3g}"
    return " ".join(str(value).split())


def reveal(guess, value, what):
    """Print the answer, after the guess if there was one. A guess is never graded and never an error.

    Args:
        guess: a number or a short text; `...` stands for "no guess".
        value: the answer, a number or a text. Numbers are shown with three significant digits.
        what: what the answer is, a phrase that stands before a colon.

    >>> reveal(1, 16, "Messages printed")
    You said 1. Messages printed: 16.
    >>> reveal(..., 16, "Messages printed")
    Messages printed: 16.
    >>> reveal(0.66, 0.6604, "Accuracy")
    You said 0.66, and so it is. Accuracy: 0.66.
    >>> reveal([1, 2], 16, "Messages printed")
    A number or a short text makes a guess; this was a list. Messages printed: 16.
    """
    answer = _text(value)
    if guess is ...:
        said = ""
    elif isinstance(guess, (numbers.Real, np.bool_, str)):
        own = _text(guess)
        same = own.casefold() == answer.casefold()
        said = f"You said {own}{', and so it is' if same else ''}. "
    else:
        said = f"A number or a short text makes a guess; this was a {type(guess).__name__}. "
    print(f"{said}{what}: {answer}.")


class _Described:
    """A PNG with a description: as HTML, since JupyterLab 4 and nbconvert drop the `alt` of an image/png."""

    def __init__(self, png, alt):
        self.png, self.alt = png, alt

    def __repr__(self):
        return self.alt

    def _repr_html_(self):
        data = base64.b64encode(self.png).decode("ascii")
        return f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{data}">'


def show(figure, alt):
    """Display a matplotlib figure as a PNG of 90 dots an inch that carries a description, and close it.

    The description is the image's alt text, for screen readers and where the picture cannot be drawn, and the
    output's plain text.

    Args:
        figure: a Figure, or the Axes (or array of Axes) that were drawn on.
        alt: one or two sentences that tell somebody who cannot see the figure what it shows.

    Raises:
        ValueError: if `alt` is empty.
        TypeError: if `figure` is something else.

    >>> show(plt.figure(), alt=" ")
    Traceback (most recent call last):
    ...
    ValueError: alt is empty: say in a sentence what the figure shows
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("alt is empty: say in a sentence what the figure shows")
    drawn = figure.flat[0] if isinstance(figure, np.ndarray) and figure.size else figure
    if not isinstance(drawn, Artist):
        raise TypeError(f"show() takes a matplotlib Figure or Axes, not {type(figure).__name__}")
    drawn = drawn.get_figure(root=True)
    png = io.BytesIO()
    # Without the Software entry the same figure gives the same bytes on every release of matplotlib.
    drawn.savefig(png, format="png", dpi=90, bbox_inches="tight", metadata={"Software": None})
    plt.close(drawn)  # or the notebook would show it once more at the end of the cell
    display(_Described(png.getvalue(), " ".join(alt.split())))

"""The stopping lab: move a slider, and see where a rule stops a recorded run, and what that costs.

Depends on ipywidgets (7.7 or 8) and matplotlib. A run is drawn once and kept; a move of a slider replays the
rule and puts new marks into that picture, which takes a few milliseconds.
"""

import base64
import html
import io

import ipywidgets as widgets
import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from .compare import compare
from .criteria import Below, ImprovementBelow, Patience
from .history import History
from .plots import BLUE, GREY, ORANGE, RED
from .replay import replay
from .wrappers import Smoothed

RULES = {  # name -> (the sliders it needs, the criterion that they make)
    "Patience": (("patience",), lambda patience: Patience("val_loss", patience)),
    "ImprovementBelow": (("epsilon", "window"), lambda epsilon, window:
                         ImprovementBelow("val_loss", float(f"{epsilon / 100:.2g}"), window, relative=True)),
    "Below": (("threshold",), lambda threshold: Below("val_loss", float(f"{threshold:.2g}"))),
}
WIDTH, HEIGHT = 620, 290  # of the picture, in points
INK = "var(--jp-content-font-color1, currentColor)"  # of text and axes: light in JupyterLab's dark theme


def stopping_lab(histories, measured=None, run=0):
    """Sliders for a criterion, and a picture of a recorded run with its stop, best epoch, regret and cost.

    Args:
        histories: a list of histories, or a mapping of names to such lists. They need the column "val_loss";
            "loss" is drawn where there is one. For a run of your own: stopping_lab([model.fit(...)]).
        measured: the column in which regret is measured, see `compare`; "val_loss" if None.
        run: which run of the first name to show first, counted from 0.

    Returns:
        StoppingLab, which shows itself: as widgets where those work, else as a picture of its first setting.

    Raises:
        ValueError: no history, a name without one, or no run of that number.
    """
    return StoppingLab(histories, measured, run)


class StoppingLab:
    """What `stopping_lab` makes. `controls` are its widgets by name, `report` is the replay's Report."""

    def __init__(self, histories, measured=None, run=0):
        named = {"runs": histories} if isinstance(histories, (list, tuple)) else dict(histories)
        self.runs = {name: [History.of(history) for history in runs] for name, runs in named.items()}
        if not self.runs or not all(self.runs.values()):
            raise ValueError("The lab needs at least one history, and no name without one.")
        self.measured, self._drawn = measured, {}
        look = {"style": {"description_width": "90px"}, "layout": {"width": "330px"}}
        powers = dict(look, base=10, step=0.05, readout_format=".2g")
        runs = len(next(iter(self.runs.values())))
        if not 0 <= run < runs:
            raise ValueError(f"run is one of the first name's, 0 to {runs - 1}; got {run!r}.")
        first, second, third = (
            {"problem": widgets.Dropdown(options=list(self.runs), **look),
             "run": widgets.IntSlider(run, 0, runs - 1, **look)},
            {"rule": widgets.Dropdown(options=list(RULES), **look),
             "smoothing": widgets.IntSlider(1, 1, 30, **look)},
            {"patience": widgets.IntSlider(5, 1, 60, **look),
             "window": widgets.IntSlider(5, 1, 60, **look),
             "epsilon": widgets.FloatLogSlider(0.1, min=-3, max=1.5, **powers),
             "threshold": widgets.FloatLogSlider(0.1, min=-2.5, max=0.5, **powers)})
        self.controls, self._of_rules = {**first, **second, **third}, third
        for name, control in self.controls.items():
            control.description = "epsilon, %" if name == "epsilon" else name
        self._picture = widgets.HTML()
        wrap = {"flex_flow": "row wrap"}
        rows = [widgets.HBox(list(row.values()), layout=wrap) for row in (first, second, third)]
        self.view = widgets.VBox([*rows, self._picture])
        self.update()
        for control in self.controls.values():
            control.observe(self.update, "value")

    @property
    def criterion(self):
        """The criterion that the sliders make."""
        names, make = RULES[self.controls["rule"].value]
        rule = make(*(self.controls[name].value for name in names))
        smoothing = self.controls["smoothing"].value
        return Smoothed(smoothing, rule) if smoothing > 1 else rule

    def update(self, change=None):
        """Replay the rule that the sliders make, and show it. `change` is what ipywidgets hands over."""
        name, used = self.controls["problem"].value, RULES[self.controls["rule"].value][0]
        self.controls["run"].max = len(self.runs[name]) - 1  # a larger run number is set back to it
        for slider, control in self._of_rules.items():
            control.layout.display = None if slider in used else "none"
        number, rule = self.controls["run"].value, self.criterion
        history = self.runs[name][number]
        self.report = replay(rule, history, best="val_loss")
        row = compare([rule], [history], measured=self.measured)[0]
        of = f" in {self.measured}" if self.measured else ""
        said = (f"Stop: epoch {self.report.epoch}. Best until then: epoch {self.report.best_epoch}. "
                f"Regret{of}: {row.regret[0]:z.1f} %. "
                f"Cost: {self.report.epoch + 1} of {history.rows} epochs, {row.share[0]:.0%}.")
        reason = f"{rule!r}: {self.report.reason}"
        self.alt = (f"Validation loss of {name}, run {number}, with a dot where training stops and a ring at "
                    f"the best epoch until then. {reason}. {said}")
        if (name, number) not in self._drawn:
            self._drawn[name, number] = _draw_run(history, f"{name}, run {number}")
        svg, place = self._drawn[name, number]
        self._svg = svg.replace("</svg>", self._marks(history, place) + "</svg>")
        self._words = (f'<div style="color:{INK}"><b>{html.escape(said)}</b>'
                       f"<div>{html.escape(reason)}</div></div>")
        described = (f'<div role="img" aria-label="{html.escape(self.alt)}" style="color:{INK}">'
                     f"{self._svg}</div>")
        self._picture.value = described + self._words

    def _marks(self, history, place):
        """What a slider moves, as SVG: epochs not trained in grey, the smoothed curve, ring and dot."""
        values, smoothing = np.array(history["val_loss"], float), self.controls["smoothing"].value

        def at(epochs, heights):
            points = place.transform(np.column_stack([epochs, heights]))
            return [(x, HEIGHT - y) for x, y in points if np.isfinite(y)]

        epoch, best = self.report.epoch, self.report.best_epoch
        (left, _), (right, _) = at([epoch, history.rows - 1], [1, 1])
        top, height = 0.08 * HEIGHT, 0.77 * HEIGHT
        marks = [f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{height:.1f}" '
                 f'fill="{GREY}" opacity="0.15"/>',
                 f'<path d="M{left:.1f} {top:.1f}v{height:.1f}" stroke="{RED}" stroke-dasharray="2 3"/>']
        if smoothing > 1:
            means = [np.mean(values[max(0, i + 1 - smoothing) : i + 1]) for i in range(len(values))]
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in at(range(len(means)), means))
            marks.append(f'<polyline points="{line}" fill="none" stroke="{GREY}" stroke-width="1.5"/>')
        ring = 'r="7" fill="none" stroke="currentColor" stroke-width="1.8"'
        for row, style in ((best, ring), (epoch, f'r="5" fill="{RED}"')):
            if row is not None:
                marks += [f'<circle cx="{x:.1f}" cy="{y:.1f}" {style}/>' for x, y in at([row], [values[row]])]
        return "".join(marks)

    def _repr_mimebundle_(self, include=None, exclude=None):
        # an image inherits no colours: black text, so it brings its own white page
        page = self._svg.replace('<svg style="', '<svg style="background:white;color:black;', 1)
        picture = "data:image/svg+xml;base64," + base64.b64encode(page.encode()).decode()
        return {
            "text/plain": self.alt,
            # where widgets do not work: GitHub, a page made by nbconvert, a notebook that is only looked at
            "text/html": f'<img alt="{html.escape(self.alt)}" src="{picture}">{self._words}',
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2, "version_minor": 0, "model_id": self.view.model_id},
        }


def _draw_run(history, title):
    """The run itself: (SVG, the transform from epoch and loss to its points, counted from below)."""
    figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72)  # one point in the SVG is one pixel here
    ax = figure.add_axes((0.1, 0.15, 0.88, 0.77))
    ax.spines[["top", "right"]].set_visible(False)
    for column, colour in (("loss", ORANGE), ("val_loss", BLUE)):
        if column in history:
            ax.plot(np.array(history[column], float), color=colour, linewidth=1.2, label=column)
    ax.set_ylabel("loss")
    finite = np.array([value for value in history["val_loss"] if value is not None and np.isfinite(value)])
    if finite.size and finite.min() > 0:
        ax.set(yscale="log", ylabel="loss (log scale)", ylim=(finite.min() / 1.5, finite.max() * 1.1))
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.minorticks_off()  # most of the time that drawing takes
    ax.set(xlabel="epoch (counted from 0)", xlim=(-0.02 * history.rows, 1.02 * history.rows))
    ax.set_title(title, loc="left", fontsize=11)
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2)  # above the curves
    file = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "when-to-stop"}):
        figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    svg = file.getvalue().decode()
    # what matplotlib draws black takes the colour of the text around it; its letters name no colour at all
    svg = svg[svg.index("<svg") :].replace("#000000", "currentColor")
    look = '<svg style="max-width:100%;height:auto" fill="currentColor"'
    return svg.replace("<svg", look, 1), ax.transData.frozen()

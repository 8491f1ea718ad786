"""The figure of chapter 91: TensorBoard's event files, read back and drawn."""

import matplotlib.pyplot as plt
import numpy as np

from ...stopping.plots import BLUE, GREY

UNITS = {"Patience": "failures in a row", "GeneralizationLoss": "above the lowest loss, %",
         "TimeBudget": "seconds"}


def scores_and_limits(log_dir):
    """What TensorBoardReport wrote: one panel for each score, beside its limit; the reason as the title.

    Args:
        log_dir: a pathlib.Path, the folder that TensorBoardReport was given.
    """
    score, limit = _read(log_dir / "score"), _read(log_dir / "limit")
    [[(_, report)]] = _read(log_dir / "report").values()
    figure, panels = plt.subplots(1, len(score), figsize=(9, 2.8), layout="constrained", squeeze=False)
    for panel, tag in zip(panels[0], score):
        panel.plot(*np.transpose(score[tag]), ".-", color=BLUE, label="score")
        panel.plot(*np.transpose(limit[tag]), "--", color=GREY, linewidth=1, label="limit")
        panel.set_title(tag, fontsize=9)
        panel.set(xlabel="epoch", ylabel=UNITS.get(tag.partition("(")[0].strip(), "score"))
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0, 0].legend(frameon=False)
    figure.suptitle(report.decode().splitlines()[0].strip(), fontsize=9, color=GREY)
    return figure


def _read(folder):
    """A run's event files: tag -> [(epoch, value)], in the order of writing."""
    import tensorflow as tf

    found = {}
    for file in sorted(folder.glob("events.*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, tf.make_ndarray(value.tensor).item()))
    return found

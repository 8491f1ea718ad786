"""What a StopWhen sees, in TensorBoard: each score beside its limit, and the reason as text.

Writing needs TensorFlow alone; to look at it, install tensorboard and run `tensorboard --logdir logs`.
"""

import math
from pathlib import Path

try:
    import tensorflow as tf
except ModuleNotFoundError as error:
    raise ImportError("TensorBoardReport writes with TensorFlow, also where Keras computes with another "
                      "backend: pip install tensorflow tensorboard.", name="tensorflow") from error

from .joins import AnyOf
from .probes import Probe


class TensorBoardReport(Probe):
    """Write the scores of `stop`'s criterion at every epoch's end, and its report when training ends.

    It stands after `stop` in callbacks=[...]. Each part of `a | b` that has a score and a limit is a chart
    with two lines, the runs "score" and "limit" in `log_dir`; an epoch whose score is not finite has no point
    in it. The report is a text, in the run "report". After Ctrl-C, Keras calls no callback's end: call
    `.write_report()`.

    Args:
        stop: a StopWhen, whose rows are epochs.
        log_dir: a folder. It may be the one that keras.callbacks.TensorBoard writes to.

    Raises:
        RuntimeError: at the end of the first epoch, if `stop` has not seen it: it stands after this callback.
    """

    def __init__(self, stop, log_dir):
        super().__init__("tensorboard")
        if stop.check != "epoch":
            raise ValueError("TensorBoardReport draws epochs; here the rows are of another kind (check=).")
        self.stop, self.folder = stop, Path(log_dir)

    def on_train_begin(self, logs=None):
        runs = ("score", "limit", "report")
        self._writers = {run: tf.summary.create_file_writer(str(self.folder / run)) for run in runs}

    def on_epoch_end(self, epoch, logs=None):
        history = self.stop.history
        if not history.rows:
            raise RuntimeError("Put TensorBoardReport after its StopWhen in callbacks=[...].")
        for criterion in _with_a_score(self.stop.criterion):
            score = float(criterion.score(history)[-1])
            if math.isfinite(score):
                self._write("score", "scalars", repr(criterion), score, history.epoch(-1))
                self._write("limit", "scalars", repr(criterion), float(criterion.limit), history.epoch(-1))

    def on_train_end(self, logs=None):
        self.write_report()

    def write_report(self):
        """Write what became of the run so far."""
        report = self.stop.report
        lines = "  \n".join(str(report).splitlines())  # the two spaces break a line in TensorBoard's text
        self._write("report", "text", "why training ended", lines, report.epoch or 0)

    def __getstate__(self):  # an open file cannot be copied; the next fit opens its own
        return {name: value for name, value in self.__dict__.items() if name != "_writers"}

    def _write(self, run, plugin, name, value, epoch):
        # tf.summary.scalar and .text do the same, but ask for the package tensorboard
        about = tf.compat.v1.SummaryMetadata()
        about.plugin_data.plugin_name = plugin
        with self._writers[run].as_default():
            tf.summary.write(name, value, step=epoch, metadata=about)
        self._writers[run].flush()


def _with_a_score(criterion):
    """The parts of `a | b` and `a & b` whose score is held against a limit; a function has neither."""
    if isinstance(criterion, AnyOf):
        return [part for each in criterion.criteria for part in _with_a_score(each)]
    return [] if criterion.limit is None else [criterion]

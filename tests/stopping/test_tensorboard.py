"""TensorBoardReport: the event files are read back, as TensorBoard would."""

import math

import keras
import pytest
import tensorflow as tf

from course_utils.stopping import (
    After,
    Below,
    Lasting,
    NotFinite,
    Patience,
    ProgressQuotient,
    StepBudget,
    StopWhen,
    TensorBoardReport,
)
from fits import Interrupt, Script, both, fit, tiny


def written(folder):
    """[(tag, epoch, plugin, value)] of a run, in the order of writing."""
    found = []
    for file in sorted(folder.glob("events.*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                plugin, array = value.metadata.plugin_data.plugin_name, tf.make_ndarray(value.tensor)
                found.append((value.tag, event.step, plugin, array.item()))
    return found


@both
def test_scores_beside_their_limits_and_the_reason_as_text(K, tmp_path):
    errors = [4.0, 2.0, 3.0, 3.0, 1.0, 2.0]  # the last two are below 2.5
    patience, quotient = Patience("val_loss", 3), ProgressQuotient(9.5, strip=2, train="val_loss")
    rule = patience | (After(1, Below("val_loss", 0.5)) & quotient) | NotFinite() | (lambda history: False)
    stop = StopWhen(rule | Lasting(2, Below("val_loss", 2.5)), restore_best="val_loss")
    report = TensorBoardReport(stop, tmp_path)
    fit(tiny(K, run_eagerly=True), Script(val_loss=errors), stop, report, epochs=6)
    scores, limits = written(tmp_path / "score"), written(tmp_path / "limit")

    def points(written, tag):
        assert all(plugin == "scalars" for _, _, plugin, _ in written)
        return [(epoch, value) for name, epoch, _, value in written if name == tag]

    assert points(scores, "Patience('val_loss', patience=3)") == list(enumerate([0, 0, 1, 2, 0, 1]))
    assert points(limits, "Patience('val_loss', patience=3)") == [(epoch, 3) for epoch in range(6)]
    below = "After(1, Below('val_loss', 0.5))"
    assert points(scores, below) == list(enumerate(errors))[1:] and points(limits, below)[0] == (1, 0.5)
    assert [epoch for epoch, _ in points(scores, repr(quotient))] == [1, 5]  # NaN in strips, infinite in 3
    lasting = "Lasting(2, Below('val_loss', 2.5))"
    assert points(scores, lasting) == list(enumerate([0, 1, 0, 0, 1, 2]))
    assert len({tag for tag, *_ in scores}) == 4 == len({tag for tag, *_ in limits})
    [(tag, epoch, plugin, text)] = written(tmp_path / "report")
    assert (tag, epoch, plugin) == ("why training ended", 5, "text")
    assert text.decode().startswith("val_loss 2 < 2.5 at epoch 5 (for 2 epochs in a row)")
    assert text.decode().split("  \n") == str(stop.report).splitlines()


@both
def test_a_stop_within_an_epoch(K, tmp_path):
    stop = StopWhen(StepBudget(4))
    fit(tiny(K, run_eagerly=True), stop, TensorBoardReport(stop, tmp_path), epochs=3)
    assert [(epoch, value) for _, epoch, _, value in written(tmp_path / "score")] == [(0, 3), (1, 4)]
    text = written(tmp_path / "report")[0][3].decode()
    assert text == f"{stop.report.reason}  \n4 steps in {stop.report.seconds:.1f} s"


def test_after_ctrl_c_the_report_can_still_be_written(tmp_path):
    stop = StopWhen(Patience("loss", 9))
    report = TensorBoardReport(stop, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        fit(tiny(keras, run_eagerly=True), stop, report, Interrupt(1, 0), epochs=3)
    assert written(tmp_path / "report") == []
    report.write_report()
    assert b"training is running, or was interrupted, in epoch 1" in written(tmp_path / "report")[0][3]
    assert [math.isfinite(value) for *_, value in written(tmp_path / "score")] == [True]


def test_its_place_is_after_the_stop(tmp_path):
    stop = StopWhen(Patience("loss", 9))
    with pytest.raises(RuntimeError, match="Put TensorBoardReport after its StopWhen"):
        fit(tiny(keras, run_eagerly=True), TensorBoardReport(stop, tmp_path), stop)


def test_batches_are_refused(tmp_path):
    stop = StopWhen(Below("batch_loss", 0), check="batch")
    with pytest.raises(ValueError, match="TensorBoardReport draws epochs"):
        TensorBoardReport(stop, tmp_path)

"""FreezeWhen(state=...) with BackupAndRestore: what was frozen is frozen, after kills at any moment."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest
import tf_keras

from course_utils.multimodal import FreezeWhen
from course_utils.stopping import Above, Armed, Epochs, Patience, StopWhen
from fits import Probe, Script, same
from two_inputs import PICTURES, WORDS, Snapshots, fit, network

WHOLE = {}  # of each Keras, a training that was not killed
WORKER = Path(__file__).with_name("killed_freeze.py")


@pytest.mark.rare
def test_a_training_that_is_killed_again_and_again_ends_as_if_nothing_had_been(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run([sys.executable, WORKER, tmp_path, "3"], env=environment, text=True,
                          capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(done.stdout.splitlines()[-1])
    whole = results["whole"]
    assert sum(run["killed"] for run in results["runs"]) == 3
    assert whole["frozen at"] == [3, 6] and "nothing was left to train" in whole["reports"][1][-1][0]
    for run in results["runs"]:
        for part in ("reports", "history", "frozen at", "weights"):
            assert run[part] == whole[part], part
        assert run["left"] == []


@pytest.mark.parametrize(("K", "epoch"), [(keras, 4), (tf_keras, 4), (tf_keras, 5)])
def test_killed_at_and_after_the_freeze(K, epoch, tmp_path):
    """In epoch 4 the freeze is decided, and the best weights are not yet back."""
    class Dies(Probe):
        def on_epoch_begin(self, at, logs=None):
            if at == epoch:
                raise KeyboardInterrupt

    def run(folder, *more):
        model, part = network(K, dropout=0.0), Snapshots(*PICTURES)
        freeze = FreezeWhen(Patience("val_p", 2, mode="min"), PICTURES, restore_best="val_p",
                            state=folder / "state")
        stop = StopWhen(Armed(Above("frozen", 0.5), Patience("val_j", 1, mode="min")), "val_j",
                        state=folder / "state")
        script = Script(val_p=[3, 1, 2, 4, 0, 0], val_j=[9, 9, 9, 8, 3, 5])
        backup = K.callbacks.BackupAndRestore(str(folder / "backup"))
        fit(model, script, freeze, stop, part, backup, *more)
        return model, freeze, stop, part

    if K not in WHOLE:
        WHOLE[K] = run(tmp_path / "whole")
    model, freeze, stop, part = WHOLE[K]
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Dies("dies"))
    again, resumed, stopped, rest = run(tmp_path)
    assert resumed.report.notes == freeze.report.notes and stopped.report.kept == stop.report.kept
    assert {**resumed.history, "seconds": 0} == {**freeze.history, "seconds": 0}
    assert all(map(same, part.at[epoch:], rest.at))
    assert same(model.get_weights(), again.get_weights())
    assert not (tmp_path / "state").exists()
    assert again.get_layer("p_dense").trainable


def test_a_state_of_other_layers_is_an_error(tmp_path):
    class Dies(Probe):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def run(layers, *more):
        fit(network(keras), FreezeWhen(Epochs(1), layers, state=tmp_path / "state"),
            keras.callbacks.BackupAndRestore(tmp_path / "backup"), *more)

    with pytest.raises(KeyboardInterrupt):
        run(WORDS, Dies("dies"))
    with pytest.raises(RuntimeError, match="belongs to another training"):
        run(PICTURES)



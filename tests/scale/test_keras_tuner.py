"""KerasTuner as it is: reports that can be reached, a state for each trial, a search that is broken off."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest

from course_utils.stopping import NotFinite, Patience, StopWhen

if importlib.util.find_spec("keras_tuner") is None:
    pytest.skip("keras_tuner is not installed; `make scale` installs it and runs this",
                allow_module_level=True)

import keras_tuner

chance = np.random.default_rng(5)
X = chance.normal(size=(60, 6)).astype("float32")
Y = (X @ chance.normal(size=(6, 1)) + 0.5 * chance.normal(size=(60, 1))).astype("float32")
RULE = Patience("val_loss", 2) | NotFinite()
EPOCHS = 30


class Die(keras.callbacks.Callback):
    """Ctrl-C in the middle of the second trial."""

    def on_epoch_begin(self, epoch, logs=None):
        if self.model.trial == "1" and epoch == 2:
            raise KeyboardInterrupt


class Network(keras_tuner.HyperModel):
    """As in the recipe."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.reports, self.began_at = folder, {}, {}

    def build(self, hp):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(12, "tanh"), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(hp.Float("rate", 0.05, 0.3)), "mse", jit_compile=False)
        return model

    def fit(self, hp, model, *data, callbacks, **options):
        trial = next(other.trial.trial_id for other in callbacks if hasattr(other, "trial"))
        model.trial = trial.lstrip("0") or "0"
        stop = StopWhen(RULE, restore_best="val_loss", state=self.folder / "state" / trial)
        backup = keras.callbacks.BackupAndRestore(self.folder / "backup" / trial)
        began = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: self.began_at.setdefault(trial, epoch))
        model.fit(*data, callbacks=[*callbacks, began, stop, backup], **options)
        self.reports[trial] = stop.report
        return {"val_loss": stop.report.kept}


def search(folder, *callbacks):
    network = Network(folder)
    tuner = keras_tuner.RandomSearch(network, "val_loss", max_trials=3, seed=1, directory=folder)
    tuner.search(X[:40], Y[:40], validation_data=(X[40:], Y[40:]), batch_size=10, shuffle=False,
                 epochs=EPOCHS, verbose=0, callbacks=list(callbacks))
    return tuner, network


def said(network):
    return {trial: (report.reason, report.epoch, report.kept) for trial, report in network.reports.items()}


def test_given_in_search_it_stops_each_trial_and_is_never_asked_itself(tmp_path):
    """What the recipe is there for: a deep copy for each trial."""
    stop = StopWhen(RULE, restore_best="val_loss")
    tuner = keras_tuner.RandomSearch(Plain(tmp_path), "val_loss", max_trials=2, seed=1, directory=tmp_path)
    tuner.search(X[:40], Y[:40], validation_data=(X[40:], Y[40:]), epochs=EPOCHS, verbose=0,
                 callbacks=[stop, keras.callbacks.CSVLogger(tmp_path / "log.csv", append=True)])
    rows = [line for line in Path(tmp_path, "log.csv").read_text().splitlines() if line[0].isdigit()]
    assert 4 < len(rows) < 2 * EPOCHS and stop.report.reason == "training has not begun"


class Plain(Network):
    fit = keras_tuner.HyperModel.fit


def test_a_search_that_was_broken_off_goes_on_with_its_trial(tmp_path):
    whole, undisturbed = search(tmp_path / "whole")
    assert len(undisturbed.reports) == 3 and all("for 2 epochs" in report.reason
                                                 for report in undisturbed.reports.values())
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path / "broken", Die())
    states = [path.name for path in (tmp_path / "broken" / "state").iterdir()]
    assert [name.lstrip("0") for name in states] == ["1"]  # the first trial's is cleared: it was over
    again, network = search(tmp_path / "broken")
    assert said(network) == {trial: told for trial, told in said(undisturbed).items() if trial != "0"}
    assert network.began_at == {"1": 2, "2": 0}
    scores = [{trial.trial_id: trial.score for trial in tuner.oracle.get_best_trials(3)}
              for tuner in (whole, again)]
    assert scores[0] == scores[1] and len(scores[0]) == 3

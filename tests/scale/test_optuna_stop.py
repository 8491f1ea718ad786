"""OptunaStop: what it tells a trial (a stub, always), and what Optuna makes of it (where it is installed)."""

import importlib.util
import math
import types

import keras
import numpy as np
import pytest

from course_utils.scale import OptunaStop, installed
from course_utils.stopping import Above, Below, Epochs, NotFinite, Patience, Signal, StopWhen

WITH_OPTUNA = pytest.mark.skipif(importlib.util.find_spec("optuna") is None,
                                 reason="optuna is not installed; `make scale` installs it and runs this")
RULE = Patience("val_loss", 2) | NotFinite("val_loss")
REFUSED = r"The study wants a .* one is better\. Say optuna\.create_study"


class Told(keras.callbacks.Callback):
    """Puts a curve into the logs, in place of what was measured."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs.pop("val_loss", None)
        if self.values[epoch] is not None:
            logs.update(val_loss=self.values[epoch], val_accuracy=-self.values[epoch])


def fit(stop, values, model=None, **options):
    model = model or network()
    model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=len(values), verbose=0,
              callbacks=[Told(values), stop], **options)
    return model


def network():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    return model


class Trial:
    """As much of optuna.trial.Trial as it needs; its pruner prunes where it is told to."""

    def __init__(self, *directions, prune_at=None):
        self.told, self.attributes, self.prune_at, self.stopped = {}, {}, prune_at, False
        directions = [types.SimpleNamespace(name=name) for name in directions or ["MINIMIZE"]]
        self.study = types.SimpleNamespace(directions=directions, pruner=Pruner(), stop=self.stop)

    def report(self, value, step):
        assert step not in self.told
        self.told[step] = value

    def should_prune(self):
        return max(self.told) == self.prune_at

    def set_user_attr(self, name, value):
        self.attributes[name] = value

    def stop(self):
        self.stopped = True


class Pruner:
    pass


@pytest.fixture
def optuna_is_there(monkeypatch):
    monkeypatch.setattr(installed.metadata, "version", lambda package: "5.0.0")


@pytest.mark.usefixtures("optuna_is_there")
class TestWithAStub:
    def test_a_trial_is_told_each_value_and_has_its_best(self):
        trial = Trial()
        stop = OptunaStop(trial, RULE, restore_best="val_loss")
        fit(stop, [0.9, 0.5, 0.7, 0.6, 0.1])
        assert trial.told == {0: 0.9, 1: 0.5, 2: 0.7, 3: 0.6} and stop.best_value == 0.5
        assert trial.attributes == {
            "reason": "val_loss 0.6 at epoch 3 has not improved on 0.5 (epoch 1) for 2 epochs",
            "ended_by": "Patience('val_loss', patience=2)", "epoch": 3, "best_epoch": 1}
        assert isinstance(stop, StopWhen) and not trial.stopped

    def test_what_was_not_measured_is_not_told(self):
        trial = Trial()
        stop = OptunaStop(trial, RULE, restore_best="val_loss", validation_freq=2)
        fit(stop, [None, 0.5, None, 0.6, None, 0.7, None, 0.1])
        assert trial.told == {1: 0.5, 3: 0.6, 5: 0.7} and stop.best_value == 0.5

    def test_a_trial_without_a_number_has_none(self):
        trial = Trial()
        stop = OptunaStop(trial, RULE, restore_best="val_loss")
        assert math.isnan(stop.best_value)
        fit(stop, [math.nan, 0.5])
        assert math.isnan(stop.best_value) and math.isnan(trial.told[0])

    def test_the_direction_is_the_study_s(self):
        stop = OptunaStop(Trial("MAXIMIZE"), Epochs(3), restore_best="val_accuracy")
        fit(stop, [0.9, 0.5, 0.7])
        assert stop.best_value == -0.5

    @pytest.mark.parametrize(("directions", "rule", "column", "mode"), [
        (["MAXIMIZE"], RULE, "val_loss", None), (["MAXIMIZE"], Epochs(3), "val_loss", None),
        (["MINIMIZE"], Epochs(3), "val_accuracy", "max"),
        (["MINIMIZE"], Patience("val_accuracy", 2, mode="max"), "val_accuracy", None)])
    def test_a_study_that_wants_the_other_direction_is_refused(self, directions, rule, column, mode):
        with pytest.raises(ValueError, match=REFUSED):
            OptunaStop(Trial(*directions), rule, column, mode)

    def test_several_objectives(self):
        trial = Trial("MINIMIZE", "MAXIMIZE")
        stop = OptunaStop(trial, RULE, restore_best="val_loss")
        fit(stop, [0.9, 0.5, 0.7, 0.6, 0.1])
        assert stop.best_value == 0.5 and not trial.told and trial.attributes["epoch"] == 3
        with pytest.raises(ValueError, match="Optuna prunes by one value, and this study has 2"):
            OptunaStop(trial, RULE, restore_best="val_loss", prune=True)
        with pytest.raises(ValueError, match='mode="min" or mode="max"'):
            OptunaStop(trial, Epochs(2), restore_best="val_accuracy")

    def test_it_is_not_pruned_if_nobody_asked(self):
        stop = OptunaStop(Trial(prune_at=0), RULE, restore_best="val_loss")
        fit(stop, [0.9, 0.5])
        assert stop.history.rows == 2 and not stop.pruned

    def test_a_signal_ends_the_study_too(self):
        trial = Trial()
        stop = OptunaStop(trial, RULE | Signal("SIGUSR1"), restore_best="val_loss")

        class Ask(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 2:
                    import signal

                    signal.raise_signal(signal.SIGUSR1)

        network().fit(np.ones((4, 1)), np.ones((4, 1)), epochs=9, verbose=0,
                      callbacks=[Ask(), Told([0.9, 0.8, 0.7]), stop])
        assert trial.stopped and stop.best_value == 0.8 and list(trial.told) == [0, 1]


def test_optuna_that_is_missing_or_old_is_named(monkeypatch):
    def missing(package):
        raise installed.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(installed.metadata, "version", missing)
    with pytest.raises(ImportError, match="needs optuna, which is not installed: pip install 'optuna>=4"):
        OptunaStop(Trial(), RULE, restore_best="val_loss")
    monkeypatch.setattr(installed.metadata, "version", lambda package: "3.6.2")
    with pytest.raises(ImportError, match=r"needs optuna 4\.0 or newer, and 3\.6\.2 is installed: pip"):
        OptunaStop(Trial(), RULE, restore_best="val_loss")


# ---- Optuna ----

CURVES = [[0.9, 0.5, 0.7, 0.6, 0.1], [0.9, 0.8, 0.7, 0.4, 0.3], [0.95, 0.9, 0.92, 0.91, 0.2]]


def sweep(direction="minimize", column="val_loss", curves=CURVES, pruner=None, rule=RULE, **options):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction=direction, pruner=pruner or optuna.pruners.NopPruner())
    stops, model = [], network()

    def objective(trial):
        stops.append(OptunaStop(trial, rule, restore_best=column, **options))
        fit(stops[-1], curves[trial.number], model)
        return stops[-1].best_value

    study.optimize(objective, n_trials=len(curves))
    return study, stops


@WITH_OPTUNA
def test_stopped_trials_are_complete_and_the_study_has_a_best_value():
    study, stops = sweep()
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3
    assert [trial.value for trial in study.trials] == [0.5, 0.3, 0.9] and study.best_value == 0.3
    assert [len(trial.intermediate_values) for trial in study.trials] == [4, 5, 4]
    assert study.trials[2].user_attrs["reason"] == stops[2].report.reason
    assert study.trials_dataframe()["user_attrs_best_epoch"].tolist() == [1, 4, 1]


@WITH_OPTUNA
def test_optuna_s_pruner_prunes_where_it_is_asked():
    from optuna.pruners import MedianPruner, ThresholdPruner

    options = {"pruner": ThresholdPruner(upper=0.85, n_warmup_steps=2), "prune": True}
    study, stops = sweep(**options)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE", "PRUNED"]
    pruned = study.trials[2]
    assert [*pruned.intermediate_values] == [0, 1, 2] and pruned.value == 0.92 and study.best_value == 0.3
    assert stops[2].report.reason == "ThresholdPruner pruned the trial at epoch 2"
    assert pruned.user_attrs["reason"] == stops[2].report.reason
    assert stops[2].pruned and pruned.user_attrs["ended_by"] == "ThresholdPruner"
    assert stops[2].best.value == 0.9 and stops[2].status == "stopped"
    study, _ = sweep(pruner=MedianPruner(n_startup_trials=2), prune=True)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE", "PRUNED"]


@WITH_OPTUNA
def test_who_is_finished_is_not_pruned():
    from optuna.pruners import ThresholdPruner

    study, _ = sweep(pruner=ThresholdPruner(upper=0.0, n_warmup_steps=3), prune=True)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "COMPLETE"]


@WITH_OPTUNA
def test_a_maximum_and_a_trial_that_failed():
    curves = [*CURVES, [math.nan, 0.5]]
    rule = Patience("val_accuracy", 2, mode="max") | NotFinite("val_accuracy")
    study, _ = sweep("maximize", "val_accuracy", curves, rule=rule)
    assert study.best_value == -0.3 and [trial.state.name for trial in study.trials][-1] == "FAIL"


@WITH_OPTUNA
def test_an_objective_is_tried_with_a_fixed_trial():
    import optuna

    stop = OptunaStop(optuna.trial.FixedTrial({"rate": 0.1}), RULE, restore_best="val_loss",
                      best_when=Above("val_loss", 0.55) & Below("val_loss", 9))
    fit(stop, [0.9, 0.5, 0.7, 0.6])
    assert stop.best_value == 0.6

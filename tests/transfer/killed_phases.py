"""A training in phases that is killed again and again, and goes on each time. test_phases_resume.py runs
this file.

    python killed_phases.py /tmp/somewhere 6

prints as JSON the result of an undisturbed run and of some that were killed, 6 times in all. Every training
is a fork, made before TensorFlow has computed anything.
"""

import json
import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np

from course_utils.stopping import Below, Epochs, TimeBudget
from course_utils.transfer import Phase, fit_in_phases, phase_state, unfreeze
from killed import again_and_again


class Ticks:
    """Counts the places at which a process can die, and dies at the one it is told."""

    def __init__(self, last):
        self.last, self.count = last, 0

    def __call__(self, *_, **__):
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function):
        def ticking(*args, **kwargs):
            self()
            result = function(*args, **kwargs)
            self()
            return result

        return ticking


def train(folder, last):
    """One process's life."""
    tick = Ticks(last)
    os.fsync, os.replace, np.savez = map(tick.around, (os.fsync, os.replace, np.savez))
    for place in ("_remove", "empty"):
        setattr(phase_state.PhaseFiles, place, tick.around(getattr(phase_state.PhaseFiles, place)))
    killer = keras.callbacks.LambdaCallback(
        on_epoch_begin=tick,
        on_epoch_end=tick,
        on_train_begin=tick,
        on_train_end=tick,
        on_train_batch_end=tick,
    )
    chance = np.random.default_rng(5)
    x = chance.normal(size=(30, 6)).astype("float32")
    y = (x @ chance.normal(size=(6, 1)) + 0.3 * chance.normal(size=(30, 1))).astype("float32")
    # only the first process builds the model that is trained: its weights are kept too
    keras.utils.set_random_seed(2 if (folder / "state" / "phases.npz").exists() else 1)
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, "tanh", name="body", kernel_regularizer="l2"),
            keras.layers.Dropout(0.2),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(1, name="head"),
        ]
    )
    unfreeze(model, "head")
    phases = [
        Phase("head", Epochs(3) | TimeBudget(minutes=30), 0.05, epochs=9),
        Phase("all", Below("val_loss", 0.0), 0.02, unfreeze_from="body", epochs=3),
        Phase("last", Epochs(2), 0.001),
    ]
    history, report = fit_in_phases(
        model,
        phases,
        (x[:20], y[:20]),
        loss="mse",
        validation_data=(x[20:], y[20:]),
        batch_size=10,
        verbose=0,
        callbacks=[killer],
        state=folder / "state",
        run_eagerly=True,
    )
    result = {
        "history": {name: values for name, values in history.items() if name != "seconds"},
        "seconds": history["seconds"],
        "ticks": tick.count,
        "phases": {
            name: [r.reason, r.ended_by, r.epoch, r.step, r.best_epoch, r.kept, r.epochs_after_best, r.notes]
            for name, r in report.phases.items()
        },
        "report": [
            report.best_phase,
            report.best_epoch,
            report.kept,
            report.epochs,
            report.steps,
            report.trained,
        ],
        "weights": [weight.tolist() for weight in model.get_weights()],
        "left": sorted(path.name for path in folder.glob("*")),
    }
    (folder / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    runs = again_and_again(train, Path(sys.argv[1]), int(sys.argv[2]), latest=lambda ticks: int(0.7 * ticks))
    json.dump(runs, sys.stdout)

"""A training that is killed again and again, and goes on each time. test_state.py runs this file as a script.

    python killed_training.py /tmp/somewhere keras-stop-20 tf_keras-when-6

trains with StopWhen (stop), with StopWhen and a When that lowers the rate twice (when), or with both and a
PruneWhen (prune); or with StopWhen, and is not killed but asked to end, by SIGTERM (signal). It prints JSON:
for each case the result of an undisturbed run, and of some that were killed, 20 (or 6) times in all.
Importing TensorFlow takes seconds, so it is imported once, and every training is a fork, made before
TensorFlow has computed anything.
"""

import functools
import json
import os
import random
import signal
import sys
from pathlib import Path

from course_utils.pruning import PruneWhen
from course_utils.stopping import (
    Epochs,
    Patience,
    Probe,
    Signal,
    StopWhen,
    TimeBudget,
    When,
    scale_learning_rate,
)
from killed import process

REQUEUE = 75  # the exit code that tells a scheduler to begin the job again


class Ticks:
    """Counts the places at which a process can die, and dies at the one it is told: ("any", 17)."""

    def __init__(self, last, signal):
        self.last, self.counts, self.signal = last, {"any": 0, "saving": 0}, signal

    def any(self, *_, **__):
        self._count("any")

    def saving(self, *_, **__):
        self._count("any")
        self._count("saving")

    def around(self, function):
        def ticking(*args):
            self.saving()
            result = function(*args)
            self.saving()
            return result

        return ticking

    def _count(self, kind):
        self.counts[kind] += 1
        if self.last == (kind, self.counts[kind]):
            os.kill(os.getpid(), self.signal)


def killer(tick, at_the_end=False):
    """A callback that ticks in its hooks. One that stands after StopWhen leaves the end of training alone.

    Between the ends of the two other callbacks the state is gone and the backup not yet: so the docs say.
    """
    probe = Probe("killer")
    probe._implements_train_batch_hooks = lambda: True
    for hook in ["on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_test_end"]:
        setattr(probe, hook, tick.any)
    probe.on_epoch_end = tick.saving
    if at_the_end:
        probe.on_train_end = tick.any
    return probe


def train(K, kind, folder, last, epochs=40):
    """One process's life: build, fit with resume, note the result. Every epoch has the same batches."""
    import numpy as np

    tick = Ticks(last, signal.SIGTERM if kind == "signal" else signal.SIGKILL)
    os.fsync, os.replace = tick.around(os.fsync), tick.around(os.replace)
    chance = np.random.default_rng(5)
    x = chance.normal(size=(40, 6)).astype("float32")
    y = (x @ chance.normal(size=(6, 1)) + 0.3 * chance.normal(size=(40, 1))).astype("float32")
    K.utils.set_random_seed(1)
    model = K.Sequential([K.Input((6,)), K.layers.Dense(8, "tanh"), K.layers.Dense(1)])
    model.compile(K.optimizers.Adam(0.05), "mse", run_eagerly=True)
    rule = Patience("val_loss", 4) | TimeBudget(minutes=30)
    stop = StopWhen(rule | Signal() if kind == "signal" else rule, "val_loss", state=folder / "state")
    backup = K.callbacks.BackupAndRestore(str(folder / "backup"))
    lower = When(Epochs(3), scale_learning_rate(0.5), times=2, state=folder / "state")
    prune = PruneWhen(Epochs(2), 0.5, epochs=3, frequency=2, state=folder / "state")
    more = {"stop": [], "signal": [], "when": [lower], "prune": [lower, prune]}[kind]
    callbacks = [killer(tick, at_the_end=True), *more, stop, killer(tick), backup, killer(tick)]
    model.fit(x[:30], y[:30], batch_size=10, shuffle=False, validation_data=(x[30:], y[30:]), verbose=0,
              epochs=epochs, callbacks=callbacks)
    if stop.interrupted:
        assert "SIGTERM came in batch" in stop.report.reason or "SIGTERM came at epoch" in stop.report.reason
        os._exit(REQUEUE)
    report = stop.report
    result = {
        "reason": report.reason, "ended_by": report.ended_by, "epoch": report.epoch, "step": report.step,
        "best": [report.best_epoch, report.kept], "ticks": tick.counts, "seconds": stop.history["seconds"],
        "losses": [stop.history["loss"], stop.history["val_loss"], stop.history["steps"]],
        "weights": [weight.tolist() for weight in model.get_weights()],
        "events": [[event.reason, event.epoch, event.step] for each in more for event in each.events],
        "rate": float(K.ops.convert_to_numpy(model.optimizer.learning_rate) if K.__name__ == "keras"
                      else model.optimizer.learning_rate.numpy()),
        "sparsity": [prune.sparsity, prune.history.get("sparsity")],
        "left": sorted(path.name for path in folder.glob("*")),
    }
    (folder / "result.json").write_text(json.dumps(result))


def again_and_again(name, kind, kills, folder):
    """{"whole": an undisturbed run, "runs": runs that were killed, `kills` times in all}."""
    K = __import__(name)
    folder.mkdir()
    training = functools.partial(train, K, kind)
    whole = process(training, folder / "whole")
    an_epoch = {place: ticks // (whole["epoch"] + 1) for place, ticks in whole["ticks"].items()}
    chance, done, runs = random.Random(0), 0, []
    while done < kills:
        result, killed = None, 0
        while result is None:  # a training of which some processes are killed, each a bit later
            place = chance.choice(["any", "saving"])  # else few would fall between the two saves
            last = (place, chance.randint(1, 3 * an_epoch[place])) if done < kills else None
            result = process(training, folder / f"run {len(runs)}", last, gone=(-signal.SIGKILL, REQUEUE))
            killed += result is None
            done += result is None
        runs.append(dict(result, killed=killed))
    return {"whole": whole, "runs": runs}


if __name__ == "__main__":
    cases = {case: case.split("-") for case in sys.argv[2:]}
    json.dump({case: again_and_again(name, kind, int(kills), Path(sys.argv[1], case))
               for case, (name, kind, kills) in cases.items()}, sys.stdout)

"""A training with two FreezeWhen that is killed again and again. test_freeze_resume.py runs this as a script.

    python killed_freeze.py /tmp/somewhere 3

It prints JSON: the result of an undisturbed run, and of some whose processes were killed, 3 in all. Every
training is a fork, made before TensorFlow has computed anything.
"""

import json
import os
import signal
import sys
from pathlib import Path

import keras

from course_utils.multimodal import FreezeWhen
from course_utils.stopping import Above, Armed, Patience, StopWhen
from killed import again_and_again


class Killer(keras.callbacks.Callback):
    """Counts the places at which a process can die, and dies at the one it is told."""

    def __init__(self, last):
        super().__init__()
        self.last, self.count = last, 0

    def tick(self, *_, **__):
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    on_epoch_begin = on_train_batch_begin = on_train_batch_end = on_epoch_end = tick

    def around(self, function):
        def ticking(*args):
            self.tick()
            result = function(*args)
            self.tick()
            return result

        return ticking


def train(folder, last):
    """One process's life: build, fit with resume, note the result."""
    from fits import Script
    from two_inputs import PICTURES, WORDS, X, Y, network

    killer = Killer(last)
    os.fsync, os.replace = killer.around(os.fsync), killer.around(os.replace)
    model, state = network(keras, dropout=0.0), folder / "state"
    parts = [("val_p", PICTURES, "pictures frozen"), ("val_w", WORDS, "words frozen")]
    freezes = [FreezeWhen(Patience(column, 2, mode="min"), layers, restore_best=column, name=name,
                          state=state) for column, layers, name in parts]
    stop = StopWhen(Armed(Above("pictures frozen", 0.5), Patience("val_j", 9, mode="min")), "val_j",
                    best_when=Above("pictures frozen", 0.5), state=state)
    script = Script(val_p=[3, 1, 2, 4, 0, 0, 0, 0], val_w=[9, 8, 7, 6, 1, 2, 2, 2],
                    val_j=[1, 1, 1, 1, 4, 3, 5, 5])
    backup = keras.callbacks.BackupAndRestore(str(folder / "backup"))
    model.fit(X, Y, batch_size=24, shuffle=False, verbose=0, epochs=8,
              callbacks=[script, *freezes, stop, killer, backup])
    result = {
        "reports": [[r.reason, r.ended_by, r.epoch, r.step, r.best_epoch, r.kept, r.notes]
                    for r in (each.report for each in (*freezes, stop))],
        "frozen at": [each.frozen_at for each in freezes], "ticks": killer.count,
        "history": {name: values for name, values in stop.history.items() if name != "seconds"},
        "weights": [weight.tolist() for weight in model.get_weights()],
        "left": sorted(path.name for path in folder.glob("*")),
    }
    (folder / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    runs = again_and_again(train, Path(sys.argv[1]), int(sys.argv[2]), latest=lambda ticks: ticks - 20)
    json.dump(runs, sys.stdout)

"""What every drawer of chapter 90 uses: runs whose val_loss is written beforehand, and what happens beside
what one expects."""

import tempfile

import keras
import numpy as np
import tensorflow as tf

from ..notebook import reveal


class Script(keras.callbacks.Callback):
    """A run whose val_loss is written beforehand. It keeps the weights of every epoch.

    Args:
        val_loss: one number for each epoch.

    Attributes:
        always: whether an epoch without validation gets its number, too.
        last_epoch: the last one trained, counted from 0.
        weights: for each epoch the weights of each layer, as they were at its end.
    """

    def __init__(self, val_loss):
        super().__init__()
        self.val_loss, self.always = val_loss, True
        self.last_epoch, self.weights = None, []

    def on_epoch_end(self, epoch, logs=None):
        self.last_epoch = epoch
        self.weights.append(self._now())
        if self.always or "val_loss" in logs:
            logs["val_loss"] = self.val_loss[epoch]

    def epoch_of_weights(self):
        """The epoch whose weights the model has now."""
        now = self._now()
        return [_equal(weights[0], now[0]) for weights in self.weights].index(True)

    def moved(self, layer, since):
        """In how many epochs, from `since` on, this layer's weights changed."""
        pairs = zip(self.weights[since - 1:], self.weights[since:])
        return sum(not _equal(before[layer], after[layer]) for before, after in pairs)

    def _now(self):
        return [layer.get_weights() for layer in self.model.layers]


def _equal(some, others):
    return all(np.array_equal(one, other) for one, other in zip(some, others))


def runner(model, x, y):
    """A function run(script, *callbacks, **settings of fit): it trains this model and returns the last epoch.

    Every run begins with the weights that the model has now, lasts as long as the script unless a callback
    ends it, and has four rows in a batch. With `model=` it trains another one, from the same weights.
    """
    start, mine = model.get_weights(), model

    def run(script, *callbacks, model=mine, **settings):
        script.always = "validation_data" not in settings  # else only in epochs in which Keras validates
        model.set_weights(start)
        model.fit(x, y, batch_size=4, epochs=len(script.val_loss), verbose=0,
                  callbacks=[script, *callbacks], **settings)
        return script.last_epoch

    return run


def watcher(model):
    """A function watch(x, y, epochs=3, **settings of fit): it trains this model, and returns an array of the
    labels, one row for each epoch, in the order in which the model saw them.

    Args:
        model: a function that makes a model, and passes what it is given to `compile`.
    """
    seen = []

    def note(y_true, y_pred):
        seen.extend(y_true.numpy().ravel())
        return 0.0

    watched = model(metrics=[note], run_eagerly=True)  # a metric that takes notes cannot be compiled

    def watch(*data, epochs=3, **settings):
        seen.clear()
        watched.fit(*data, epochs=epochs, verbose=0, **settings)
        return np.reshape(seen, (epochs, -1))

    return watch


def forget_seed():
    """As if keras.utils.set_random_seed had never been called, for what TensorFlow draws."""
    tf.random.set_seed(None)


class _MachineGone(Exception):
    """The machine that trains is no longer there."""


def lose_machine(run, script, callbacks, new_model, at=5):
    """A run that loses its machine as epoch `at` begins, and is begun again. It returns the last epoch.

    The second run is as a new process would be: all is new but the folder.

    Args:
        run: what `runner` returns.
        callbacks: a function that makes callbacks; they keep what shall last in the folder it is given.
        new_model: a function that makes a model.
    """
    def gone(epoch, logs=None):
        if epoch == at:
            raise _MachineGone

    with tempfile.TemporaryDirectory() as folder:
        try:
            lost = keras.callbacks.LambdaCallback(on_epoch_begin=gone)
            run(script, *callbacks(folder), lost, model=new_model())
        except _MachineGone:
            return run(script, *callbacks(folder), model=new_model())
    raise ValueError(f"The run ended before epoch {at}, so no machine was lost.")


def trap(what, seen, expected, guess=...):
    """Show what happened, beside the guess and beside what one expects. Where both agree, the trap is gone.

    >>> trap("Last epoch", 7, expected=1, guess=3)
    You said 3. Last epoch: 7.
    Expected: 1.
    """
    reveal(guess, seen, what)
    print(f"Expected: {expected}.")
    if seen == expected:
        print(f"Keras {keras.__version__} does as expected: this trap is gone.")

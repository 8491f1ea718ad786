"""What every drawer of chapter 90 uses: runs whose val_loss is written beforehand, the answer to a guess."""

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


def forget_seed():
    """As if keras.utils.set_random_seed had never been called, for what TensorFlow draws."""
    tf.random.set_seed(None)


def trap(guess, seen, what, safe):
    """Show the answer beside the guess. If Keras does what is safe, say that the trap is gone."""
    reveal(guess, seen, what)
    if seen == safe:
        print(f"Keras {keras.__version__} does the right thing: this trap is gone.")

"""PruneWhen: pruning inside one `fit` of Keras 3, begun by a criterion. No tf_keras and no tfmot."""

import time

import keras
import numpy as np

from .callbacks import When
from .masks import Ramp, check_target, kernels, mask_of


class _Masked(keras.constraints.Constraint):  # Keras 3.13 takes no plain function
    """The constraint that was there before, and then the mask."""

    def __init__(self, mask, before, pruned_by):
        self.mask, self.before, self.pruned_by = mask, before, pruned_by

    def __call__(self, kernel):
        return (kernel if self.before is None else self.before(kernel)) * self.mask


class PruneWhen(When):
    """When a criterion is met, begin to prune: sparsity rises to its target while training goes on.

    It writes a column "sparsity" (the share of zeros in the masks) into the logs. It stands before StopWhen:

        prune = PruneWhen(Patience("val_loss", 3), target_sparsity=0.9)
        stop = StopWhen(Armed(at_target(0.9), Patience("val_loss", 5)),
                        restore_best="val_loss", best_when=at_target(0.9))
        model.fit(..., callbacks=[prune, stop])

    The masks are those of tfmot's PolynomialDecay: see `Ramp`. The compiled step multiplies them in, as
    constraints of the variables, after constraints of your own. Validation sees masked weights. When training
    ends, the constraints go and the zeros stay; a `fit` without PruneWhen would let them grow back. One
    object serves several fits: each begins with full masks, a fit resumed by BackupAndRestore too.

    Args:
        criterion: a criterion, or a function of the history so far, as for When.
        target_sparsity: share of zeros in each prunable kernel, between 0 and 1.
        epochs: how many epochs the ramp takes.
        frequency: steps between two masks.
        check, validation_freq, clock: see When.

    Raises:
        ValueError: a target that is not between 0 and 1; in `fit`, nothing to prune.

    Attributes:
        sparsity: the share of zeros in the masks, now.
        history, events, report: as in When.
    """

    def __init__(self, criterion, target_sparsity, *, epochs=8, frequency=10, check="epoch",
                 validation_freq=1, clock=time.monotonic):
        check_target(target_sparsity)
        Ramp.over(epochs, 1, target_sparsity, frequency)  # says what is wrong with them
        self.target_sparsity, self.epochs, self.frequency = target_sparsity, epochs, frequency
        self._masks, self._ramp = [], None
        super().__init__(criterion, self._start, check=check, validation_freq=validation_freq, clock=clock)

    @property
    def sparsity(self):
        zeros = sum(int(np.sum(mask.numpy() == 0)) for _, mask, _ in self._masks)
        return zeros / sum(int(np.prod(mask.shape)) for _, mask, _ in self._masks) if self._masks else 0.0

    def _implements_train_batch_hooks(self):
        return True

    def on_train_begin(self, logs=None):
        if not isinstance(self.model, keras.Model):
            raise TypeError("PruneWhen prunes models of Keras 3. In tf_keras, tfmot does.")
        self.finish()  # after Ctrl-C the last fit has left its constraints
        self._masks, self._ramp, self._steps_before, self._steps_now = [], None, 0, 0
        kernels(self.model)  # now, not hours later, it should say that there is nothing to prune
        super().on_train_begin(logs)

    def on_epoch_begin(self, epoch, logs=None):
        self._steps_before, self._epoch_began = self._steps_now, self._steps_now
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        self._follow(self._steps_before + batch + 1)

    def on_train_batch_end(self, batch, logs=None):
        self._steps_now = self._steps_before + batch + 1
        if super()._implements_train_batch_hooks():
            super().on_train_batch_end(batch, logs)

    def on_test_begin(self, logs=None):
        self._follow(self._steps_now)
        self._apply()
        super().on_test_begin(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._follow(self._steps_now)
        self._apply()
        if logs is not None:
            logs["sparsity"] = self.sparsity
        super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        self.finish()

    def finish(self):
        """Make zeros of what is masked and take the constraints away; after Ctrl-C, call it yourself."""
        self._apply()
        attached = [each for each in self._masks if getattr(each[0].constraint, "pruned_by", None) is self]
        for kernel, _, before in attached:
            kernel.constraint = before
        if attached:
            self.model.make_train_function(force=True)

    def _start(self, model):
        import tensorflow as tf

        steps = (self.params or {}).get("steps") or self._steps_now - self._epoch_began
        self._ramp = Ramp.over(self.epochs, steps, self.target_sparsity, self.frequency)
        self._began, self._last = self._steps_now, 0
        for kernel in [kernel for group in kernels(model).values() for kernel in group]:
            mask = keras.Variable(np.ones(kernel.shape), dtype=kernel.dtype, trainable=False, name="mask")
            self._masks.append((kernel, mask, kernel.constraint))
            kernel.constraint = _Masked(mask, kernel.constraint, self)
        self._renew = tf.function(self._set_masks)  # compiled, it takes a third of the time
        model.make_train_function(force=True)  # the compiled step has to be traced anew

    def _set_masks(self, new):
        for (kernel, mask, _), keep in zip(self._masks, new):
            mask.assign(keras.ops.cast(keep, mask.dtype))
            kernel.assign(kernel * mask)

    def _follow(self, step):
        """New masks, if one is due up to this step of the fit, counted from 1."""
        due = None if self._ramp is None else self._ramp.due(self._last, step - self._began)
        if due is not None:
            self._last = due
            share = self._ramp.sparsity(due)
            self._renew([mask_of(kernel.numpy(), share) for kernel, _, _ in self._masks])

    def _apply(self):
        for kernel, mask, _ in self._masks:
            kernel.assign(kernel * mask)

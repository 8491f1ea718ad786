"""PruneWhen: pruning inside one `fit` of Keras 3, begun by a criterion. No tf_keras and no tfmot."""

import math
import time

import keras

from ..stopping.follower import Follower
from ..stopping.neighbours import neighbours
from .choice import Choice
from .masks import check_target
from .pruner import Pruner


class PruneWhen(Follower):
    """When a criterion is met, begin to prune: sparsity rises to its target while training goes on.

    It writes a column "sparsity" (the share of zeros in the masks) into the logs. It stands before StopWhen:

        prune = PruneWhen(Patience("val_loss", 3), target_sparsity=0.9)
        stop = StopWhen(Armed(at_target(0.9), Patience("val_loss", 5)),
                        restore_best="val_loss", best_when=at_target(0.9))
        model.fit(..., callbacks=[prune, stop])

    The masks are those of tfmot's PolynomialDecay: see `Ramp`. The compiled step multiplies them in, as
    constraints of the variables, after constraints of your own. Validation sees masked weights. When training
    ends, the constraints go and the zeros stay; a `fit` without PruneWhen would let them grow back. One
    object serves several fits: each begins with full masks.

    Args:
        criterion: a criterion, or a function of the history so far, as for When.
        target_sparsity: share of zeros in each prunable kernel, between 0 and 1.
        epochs: how many epochs the ramp takes.
        frequency: steps between two masks; if None, a hundredth of the ramp, and at least 10.
        only, skip: names of layers, see Choice: which are pruned, or which are not. Frozen layers are not,
            and `report` says which were left out.
        check, validation_freq, clock: see When.
        state: a folder, see StopWhen: masks, ramp and steps come back when a killed training goes on.

    Raises:
        ValueError: a target that is not between 0 and 1; in `fit`, nothing to prune.

    Attributes:
        sparsity: the share of zeros in the masks, now.
        history, events, report: as in When.
    """

    def __init__(self, criterion, target_sparsity, *, epochs=8, frequency=None, only=None, skip=(),
                 check="epoch", validation_freq=1, clock=time.monotonic, state=None):
        check_target(target_sparsity)
        self.pruner = Pruner(target_sparsity, epochs, frequency, Choice(only, skip))
        self._steps_per_epoch = self._steps_per_batch = None
        super().__init__(criterion, self._begin, check=check, validation_freq=validation_freq, clock=clock,
                         state=state, memory={"masks": self.pruner})

    @property
    def sparsity(self):
        return self.pruner.sparsity

    def _implements_train_batch_hooks(self):
        return True

    def on_train_begin(self, logs=None):
        if not isinstance(self.model, keras.Model):
            raise TypeError("PruneWhen prunes models of Keras 3. In tf_keras, tfmot does.")
        self.pruner.finish()  # after Ctrl-C the last fit has left its constraints
        self.pruner.reset()
        choice = self.pruner.choice
        choice.kernels(self.model)  # now, not hours later, it should say that there is nothing to prune
        self._steps_per_epoch = self._steps_per_batch = None
        super().on_train_begin(logs)
        left_out = ", ".join(f"{place} ({why})" for place, why in choice.left_out(self.model).items())
        if left_out:
            self.said.append(f"not pruned: {left_out}")

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self._steps_before, self._batches, self._ask_at = self.recorder.steps.count, 0, 0

    def on_train_batch_begin(self, batch, logs=None):
        # To read the steps is a fiftieth of a short step: it is done when they may be those of a mask.
        if not self.pruner.is_growing or batch < self._ask_at:
            return
        step = self.recorder.steps.count + 1
        self.pruner.follow(step)
        if self._steps_per_batch:
            self._ask_at = batch + self.pruner.until_due(step) // self._steps_per_batch

    def on_train_batch_end(self, batch, logs=None):
        self._batches = batch + 1
        if self.pruner.is_outside and self.pruner.has_begun:
            self.pruner.apply()
        super().on_train_batch_end(batch, logs)

    def on_test_begin(self, logs=None):
        self._mask()
        super().on_test_begin(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._mask()
        if logs is not None:
            others = [each for each in neighbours(self) if isinstance(each, PruneWhen)]
            if "sparsity" in logs and not others:
                raise ValueError('A metric is called "sparsity", which is the column that PruneWhen writes. '
                                 "Give the metric another name.")
            logs["sparsity"] = self.sparsity
        self._steps_per_epoch = self.recorder.steps.count - self._steps_before
        self._steps_per_batch = math.ceil(self._steps_per_epoch / max(self._batches, 1))
        if self.pruner.awaits_length:  # it fired in a first epoch of unknown length
            self.pruner.ramp(self._steps_per_epoch)
        super().on_epoch_end(epoch, logs)

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        self.finish()

    def finish(self):
        """Make zeros of what is masked and take the constraints away; after Ctrl-C, call it yourself."""
        self.pruner.finish()

    def _begin(self, model):
        steps = self.recorder.steps
        self.pruner.begin(model, steps.count)
        batches = (self.params or {}).get("steps")
        if self._steps_per_epoch or batches:
            self.pruner.ramp(self._steps_per_epoch or steps.in_batches(batches))

    def _mask(self):
        self.pruner.follow(self.recorder.steps.count)
        self.pruner.apply()

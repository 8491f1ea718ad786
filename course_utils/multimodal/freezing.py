"""What a freeze is: the part is frozen, its best weights come back, and nothing moves. See FreezeWhen."""

import warnings

import keras

from ..stopping.best import Best
from ..stopping.steps import optimizers_of


class BestOfPart(Best):
    """The best weights of a part of the model; once that is frozen, no row is better.

    They come back right before the first step after the freeze, or at the end: the callbacks that stand after
    FreezeWhen keep the weights that the row of the freeze has measured.
    """

    def __init__(self, part, metric, mode, criterion):
        self.part = part
        super().__init__(metric, mode, criterion=criterion)

    @property
    def is_due(self):
        """Are they still to be put back?"""
        return self.part.is_frozen and self.weights is not None and not self._came_back

    def begin(self):
        self._came_back = False
        super().begin()

    def row(self, recorder, row, where, logs, model, *agree):
        if not self.part.is_frozen:
            super().row(recorder, row, where, logs, self.part, *agree)

    def validates(self, model):
        """Nothing to do: an optimizer that averages is refused."""

    def keep(self, model):
        super().keep(self.part)

    def restore(self, model):
        """Put them back if that is due."""
        if self.is_due:
            self._came_back = True
            super().restore(self.part)

    def restore_now(self):
        """Put them back. Raises as Best.restore."""
        super().restore(self.part)

    def weights_for(self, model):
        return super().weights_for(self.part)

    @property
    def question(self):
        return [*super().question, *self.part.names]

    def facts(self):
        return dict(super().facts(), came_back=self._came_back)

    def resume(self, facts, weights, recorder, model):
        self._came_back = facts["came_back"]
        super().resume(facts, weights, recorder, self.part)


class Freeze:
    """The action: freeze the part; then see that it stays as it is."""

    def __init__(self, part):
        self.part = part

    def __call__(self, model):
        self.part.freeze()
        if not model.trainable_weights:
            model.stop_training = True

    def resume(self, model):
        """Frozen is frozen, also after a kill: neither weights nor optimizer hold that."""
        self.part.freeze()

    def after(self, model):
        """Has something moved that should not? A sentence."""
        moved = self.part.moved()
        if not moved:
            return None
        said = (f"{', '.join(moved)} moved although {self.part} was frozen: the layer changes it by itself, "
                "or another callback does")
        warnings.warn(said, stacklevel=2)
        return said


def refuse(model):
    """What cannot be frozen exactly is refused before the first step."""
    if isinstance(model, keras.Model) and keras.backend.backend() == "jax":
        raise RuntimeError("FreezeWhen needs TensorFlow or PyTorch. On JAX, Keras hands the optimizer all "
                           "the variables that it began with, in every step: none can be left out later.")
    for optimizer in optimizers_of(model):
        inner = getattr(optimizer, "inner_optimizer", None) or optimizer  # loss scaling
        if hasattr(inner, "optimizers"):
            raise ValueError("FreezeWhen and a MultiOptimizer do not go together: it refuses a step for a "
                             "part of its variables. Compile with one optimizer.")
        if getattr(inner, "use_ema", False):
            raise ValueError("FreezeWhen and an optimizer with use_ema=True do not go together: at the end "
                             "Keras sets all weights to their averages, and finds a part of them frozen. "
                             "Leave use_ema out.")

"""The best: keeps the weights of the best epoch so far, best by a measured column."""

import math

from .checks import check_best, stated_mode
from .joins import as_criterion
from .kept import give, weights_of


class Best:
    """The weights that were measured best in one fit.

    Best is best: `min_delta` has no say, warm-up epochs count, NaN and infinities are never best, and the
    first of equal values is.

    Args:
        metric: the column that decides; None keeps nothing.
        mode: "min" or "max"; it may be left out for losses, and where `criterion` was told it.
        best_when: a criterion; only an epoch in which it is met may be the best one.
        criterion: the criterion of the run.

    Attributes:
        epoch, value: of the best row; None without one.
        weights: arrays, in the order of `model.weights` when they were kept; None without any.
    """

    def __init__(self, metric=None, mode=None, best_when=None, criterion=None):
        if mode is None and metric is not None and criterion is not None:
            mode = stated_mode(as_criterion(criterion), metric)
        self.metric, self.sign = metric, check_best(metric, mode)
        if best_when is not None and metric is None:
            raise ValueError(f"best_when={best_when!r} says which epochs may be best: name restore_best too.")
        self.best_when = None if best_when is None else as_criterion(best_when)
        self.begin()

    def begin(self):
        """A fit begins."""
        self.epoch = self.value = self.weights = self._measured = None
        self._variables = ()
        self._may_be = None if self.best_when is None else self.best_when.live()

    def row(self, recorder, row, where, logs, model, agree=lambda value: value):
        """A row was appended: keep the model's weights if none was better.

        Args:
            agree: of the row's value makes that of all processes; NaN if it may not be the best in one.
        """
        if self.metric is None:
            return
        value = row.get(self.metric, math.nan)
        if self.best_when is not None:
            recorder.require(self.best_when.columns, where, logs)
            if not self._may_be(recorder.measured(recorder.history), recorder.history.rows - 1):
                value = math.nan
        value = agree(value)
        if math.isfinite(value) and (self.value is None or self.sign * value < self.sign * self.value):
            self.epoch, self.value = recorder.epoch, value
            self.keep(model)
        self._measured = None

    def validates(self, model):
        """Validation has begun: these are the weights that it measures, if they are others than training's.

        With an optimizer that averages (use_ema), SwapEMAWeights puts the averages in for validation, and
        takes them out before or after other callbacks look, as it stands in the list.
        """
        if str(self.metric).startswith("val_") and getattr(model.optimizer, "use_ema", False):
            self._measured = weights_of(model)

    def keep(self, model):
        """Keep the weights of this moment; if validation has measured others, those."""
        self.weights = weights_of(model) if self._measured is None else self._measured
        self._variables = tuple(getattr(model, "weights", ()))  # whose they are

    def restore(self, model):
        """Give the model the kept weights.

        Raises:
            RuntimeError: none were kept.
        """
        if self.weights is None:
            where = "" if self.best_when is None else f" where {self.best_when!r} is met"
            never = f"{self.metric} was never a number{where}"
            raise RuntimeError(
                f"No weights were kept: {never if self.metric else 'restore_best was not asked for'}.")
        give(model, self.weights_for(model))

    def weights_for(self, model):
        """The kept weights in today's order: in tf_keras, freezing a part of a layer changes it."""
        kept = dict(zip(map(id, self._variables), self.weights, strict=False))
        today = [id(variable) for variable in getattr(model, "weights", ())]
        return [kept[variable] for variable in today] if kept.keys() == set(today) else self.weights

    def said(self):
        """Its part of a Report: metric, best_epoch, kept, best_when."""
        best_when = None if self.best_when is None else repr(self.best_when)
        return {"metric": self.metric, "best_epoch": self.epoch, "kept": self.value, "best_when": best_when}

    # ---- on disk ----

    @property
    def question(self):
        """What it was asked for: a state that answers another question is another run's."""
        return [self.metric, self.sign, *([] if self.best_when is None else [repr(self.best_when)])]

    def facts(self):
        return {"epoch": self.epoch, "value": self.value}

    def resume(self, facts, weights, recorder, model):
        """Go on from what was remembered."""
        self.epoch, self.value, self.weights = facts["epoch"], facts["value"], weights
        self._variables = tuple(getattr(model, "weights", ()))
        if self.best_when is not None:
            seen = recorder.measured(recorder.history)
            for row in range(seen.rows):
                self._may_be(seen, row)

    def copied_for(self, model):
        """A state for copies and pickles: they have a model of their own, with other variables."""
        if self.weights is None:
            return self
        twin = object.__new__(type(self))
        twin.__dict__ = dict(self.__dict__, weights=self.weights_for(model), _variables=(), _measured=None,
                             _may_be=None)
        return twin

    def __getstate__(self):
        return dict(self.__dict__, _may_be=None, _variables=(), _measured=None)

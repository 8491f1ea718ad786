"""Actions for When: functions of the model. Keras is there when they act, so none is imported here.

An action may have more to say than `do(model)`. All of it is optional:

    takes_reason = True   it is called as do(model, reason), with the event's reason as a sentence
    before(model)         is called when training begins: what cannot work raises here, not in epoch 40
    after(model)          is called at the end of every epoch after the one in which it acted; a sentence that
                          it returns goes into the report's notes
    resume(model)         is called when a killed training goes on in which it had acted
"""

import warnings
from dataclasses import dataclass

from .checks import check_number
from .words import number


def end_training(model):
    """Let Keras end the training after this batch or epoch."""
    model.stop_training = True


def scale_learning_rate(factor, floor=0.0):
    """An action for When: multiply the optimizer's learning rate by `factor`.

        When(After(3, Patience("val_loss", 5)), scale_learning_rate(0.5, floor=1e-5), times=10)

    A cooldown, as other tools call it, is rows after an event that do not count. It belongs to the criterion,
    which looks afresh after every event: `After(3, ...)` hides three rows each time, and at the beginning.
    (ReduceLROnPlateau's cooldown hides none at the beginning, and remembers the best from before the event.)

    Args:
        factor: above 0.
        floor: the rate is not lowered below it; a rate that is below it already stays.

    Where another callback sets the rate in the next epoch (LearningRateScheduler does), there is a warning,
    once each time it acts.

    Raises:
        ValueError: `factor` is not a number above 0, or `floor` not one of at least 0; or a factor that does
            not lower the rate is given a floor.
        TypeError: the optimizer follows a learning rate schedule, which sets the rate itself.
    """
    check_number("factor", factor, above=0)
    check_number("floor", floor, least=0)
    if floor and factor >= 1:
        raise ValueError(f"A floor of {floor!r} is for a factor below 1; {factor!r} does not lower the rate.")
    return _Scale(factor, floor)


@dataclass
class _Scale:
    factor: float
    floor: float = 0.0
    left_at = None  # the rate that it set, until somebody undid that; no field: it is not what it is

    def before(self, model):
        self.left_at = None
        _settable_rate(model)

    def __call__(self, model):
        from .rate import rate_of

        rate = _settable_rate(model)
        self.after(model)  # a last word on the time before
        goal = rate * self.factor
        model.optimizer.learning_rate = max(goal, min(rate, self.floor)) if self.factor < 1 else goal
        self.left_at = rate_of(model)

    def after(self, model):
        """Has somebody undone it? A sentence, once; that is also a warning."""
        from .rate import rate_of, same_rate

        if self.left_at is None:
            return None
        rate, left_at = rate_of(model), self.left_at
        # lowered further is not undone: several callbacks may lower it
        if same_rate(rate, left_at) or (rate > left_at) != (self.factor < 1):
            return None
        self.left_at = None
        said = (f"the learning rate is {number(rate, left_at)}, not the {number(left_at, rate)} that "
                f"{self!r} set: another callback sets it anew, as LearningRateScheduler does in every epoch; "
                "change the rate in that callback")
        warnings.warn(said, stacklevel=2)
        return said

    def resume(self, model):
        from .rate import rate_of

        self.left_at = rate_of(model)

    @property
    def __name__(self):
        return f"scale_learning_rate({self.factor}{f', floor={self.floor}' if self.floor else ''})"

    def __repr__(self):
        return self.__name__


def _settable_rate(model):
    from .rate import rate_of, schedule_of

    rate = rate_of(model)
    if schedule_of(model.optimizer) is not None:
        raise TypeError("The optimizer's learning rate is a schedule, which sets the rate itself; give the "
                        "optimizer a number instead.")
    return rate


def raise_error(kind=ArithmeticError):
    """An action for When: raise an error of this kind, with the event's reason as its message.

        When(NotFinite(), raise_error())      # ends a script, a test or a sweep with a failure, not a report

    Raises:
        TypeError: `kind` is no kind of Exception that can be made of one sentence.
    """
    if not isinstance(kind, type) or not issubclass(kind, Exception):
        raise TypeError(f"kind is a kind of Exception, such as ValueError; got {kind!r}.")
    try:
        kind("a sentence")
    except TypeError as error:
        made = f"{kind.__name__} cannot be made of one sentence, as ValueError can"
        raise TypeError(f"{made}: {error}.") from error
    return _Raise(kind)


@dataclass(frozen=True)
class _Raise:
    kind: type
    takes_reason = True

    def __call__(self, model, reason):
        raise self.kind(reason)

    @property
    def __name__(self):
        return f"raise_error({'' if self.kind is ArithmeticError else self.kind.__name__})"

    def __repr__(self):
        return self.__name__

"""Actions for When: functions of the model. No Keras in here."""

from dataclasses import dataclass

from .checks import check_number


def end_training(model):
    """Let Keras end the training after this batch or epoch."""
    model.stop_training = True


def scale_learning_rate(factor):
    """An action for When: multiply the optimizer's learning rate by `factor`.

    Raises:
        ValueError: `factor` is not a number above 0.
        TypeError (when it acts): the optimizer follows a learning rate schedule, which sets the rate itself.
    """
    check_number("factor", factor, above=0)
    return _Scale(factor)


@dataclass(frozen=True)
class _Scale:
    factor: float

    def __call__(self, model):
        rate = model.optimizer.learning_rate
        try:
            model.optimizer.learning_rate = float(rate) * self.factor
        except TypeError as error:
            raise TypeError("The optimizer's learning rate is a schedule, which sets the rate itself; give "
                            "the optimizer a number instead.") from error

    @property
    def __name__(self):
        return f"scale_learning_rate({self.factor})"

    def __repr__(self):
        return self.__name__

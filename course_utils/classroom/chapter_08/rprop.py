"""RPROP as a Keras optimizer: the one that Prechelt's networks of 1998 learnt with."""

import keras
from keras import ops


class Rprop(keras.optimizers.Optimizer):
    """Resilient backpropagation: every weight has a step of its own, and only the gradient's sign counts.

    Where a weight's gradient g keeps its sign, its step d grows; where the sign changes, the weight has
    jumped over a minimum, so d shrinks and the weight waits one step:

        d = min(1.2 d, 50),  w = w - sign(g) d     where g(t) g(t-1) > 0
        d = max(0.5 d, 1e-6),  g = 0               where g(t) g(t-1) < 0
        w = w - sign(g) d                          where g(t) g(t-1) = 0

    It wants the gradient of all examples: fit with `batch_size=len(x)`. The sign of a small batch's
    gradient is too often wrong.

    Args:
        learning_rate: every weight's first step.
        grow, shrink: the factors, 1.2 and 0.5.
        least, most: bounds of a step.

    Raises:
        ValueError: factors or bounds the wrong way round.

    Source: M. Riedmiller and H. Braun, A Direct Adaptive Method for Faster Backpropagation Learning: The
    RPROP Algorithm, IEEE ICNN 1993; the form that waits, iRprop-: C. Igel and M. Hüsken, Improving the Rprop
    Learning Algorithm, NC 2000.

    >>> weight = keras.Variable([1.0])
    >>> rprop = Rprop(learning_rate=0.1)
    >>> for gradient in (2.0, 3.0, -1.0, -1.0):
    ...     rprop.apply([ops.convert_to_tensor([gradient])], [weight])
    ...     print(round(float(weight[0]), 2))
    0.9
    0.78
    0.78
    0.84
    """

    def __init__(self, learning_rate=0.01, grow=1.2, shrink=0.5, least=1e-6, most=50.0, name="rprop",
                 **kwargs):
        if not (0 < shrink < 1 < grow and 0 < least <= most):
            raise ValueError("It takes 0 < shrink < 1 < grow and 0 < least <= most; "
                             f"got {shrink=}, {grow=}, {least=}, {most=}.")
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.grow, self.shrink, self.least, self.most = grow, shrink, least, most

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        # A step of 0 is none yet: the first one is the learning rate, which may be set after building.
        self._steps, self._before = self.add_optimizer_variables(variables, ("step", "gradient_before"))

    def update_step(self, gradient, variable, learning_rate):
        place = self._get_variable_index(variable)
        step, before = self._steps[place], self._before[place]
        agree, old = gradient * ops.convert_to_tensor(before), ops.convert_to_tensor(step)
        size = ops.where(old == 0, ops.cast(learning_rate, variable.dtype), old)
        size = ops.where(agree > 0, ops.minimum(self.grow * size, self.most), size)
        size = ops.where(agree < 0, ops.maximum(self.shrink * size, self.least), size)
        gradient = ops.where(agree < 0, ops.zeros_like(gradient), gradient)
        self.assign(step, size)
        self.assign(before, gradient)
        self.assign_sub(variable, ops.sign(gradient) * size)

    def get_config(self):
        own = {"grow": self.grow, "shrink": self.shrink, "least": self.least, "most": self.most}
        return {**super().get_config(), **own}

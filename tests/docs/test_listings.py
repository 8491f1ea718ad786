"""What docs/claims.toml says of the articles and no lesson spends a cell on."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

LOOP = """
theta = np.random.rand(10)
train_time_limit = 100
performance_improvement_threshold = 0.001
train_time = 0
performance_improvement = float('inf')
for t in range(train_time_limit):
    gradient = compute_gradient(theta)
    theta = theta - learning_rate * gradient
    performance = compute_performance(theta)
    if train_time >= train_time_limit or performance_improvement <= performance_improvement_threshold:
        break
    performance_improvement = performance_improvement - (performance - performance_improvement)
    train_time += 1
"""


def test_one_argument_for_two():
    class MultiModalModel:  # PyTorch's: to call it is to call forward
        def __call__(self, *inputs):
            return self.forward(*inputs)

        def forward(self, x1, x2):
            return x1, x2

    model, inputs = MultiModalModel(), (np.zeros(2), np.ones(2))
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x2'"):
        model(inputs)
    outputs = model(*inputs)
    assert isinstance(outputs, tuple) and len(outputs) == 2


def test_small_steps_are_the_end_or_a_small_rate():
    x = np.random.default_rng(0).normal(size=(50, 3))
    y = x @ [1.0, -2.0, 3.0]

    def stopped(rate):
        """Share of the first loss that is left where a step is at most a thousandth of the weights."""
        theta, start = np.full(3, 0.1), np.mean((y - x @ np.full(3, 0.1)) ** 2)
        for _ in range(1000):
            step = rate * 2 * x.T @ (x @ theta - y) / len(y)
            theta = theta - step
            if np.linalg.norm(step) <= 0.001 * np.linalg.norm(theta):
                return np.mean((y - x @ theta) ** 2) / start

    assert stopped(0.1) < 0.001
    assert stopped(1e-5) > 0.99


def test_three_names_are_missing():
    there = {"np": np}
    missing = {"compute_gradient": np.ones_like, "learning_rate": 0.1, "compute_performance": np.sum}
    for name, value in missing.items():
        with pytest.raises(NameError) as error:
            exec(LOOP, there)
        assert error.value.name == name
        there[name] = value
    exec(LOOP, there)


def test_formulas_of_the_perceptron():
    x = np.array([[1, 1, 1], [1, -1, 1], [-1, 1, 1], [-1, -1, 1]])  # the last: the bias
    y, weights, rate = np.array([1, 0, 0, 0]), np.array([-0.5, -0.3, 0.2]), 0.5  # and, not xor

    def predicted(weights):
        return 1 / (1 + np.exp(-x @ weights))

    def loss(weights):
        p = predicted(weights)
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    def gradient(weights, h=1e-6):
        return np.array([(loss(weights + h * one) - loss(weights - h * one)) / (2 * h) for one in np.eye(3)])

    def accuracy(weights):
        return np.mean(y == (predicted(weights) > 0.5))

    losses = []
    for _ in range(60):
        losses.append(loss(weights))
        assert losses[-1] == pytest.approx(log_loss(y, predicted(weights)))
        assert accuracy(weights) == accuracy_score(y, predicted(weights) > 0.5)
        weights = weights - rate * gradient(weights)
    assert np.all(np.diff(losses) < 0) and accuracy(weights) == 1

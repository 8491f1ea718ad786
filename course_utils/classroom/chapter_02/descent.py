"""Gradient descent on a linear model: what chapter 02's first loops train.

Throughout, X and y are arrays (n, features) and (n,), theta the weights (features,).
"""

import numpy as np


def step(theta, X, y, rate):
    """The weights after one step, along the gradient of the mean squared error."""
    return theta - rate * 2 * X.T @ (X @ theta - y) / len(y)


def loss(theta, X, y):
    """Mean squared error."""
    return float(np.mean((X @ theta - y) ** 2))


def losses_of(X, y, steps, rate=0.1):
    """The loss after each step: list of `steps` floats."""
    theta, losses = y.std() * np.random.default_rng(0).random(X.shape[1]), []  # equally far off on any scale
    for _ in range(steps):
        theta = step(theta, X, y, rate)
        losses.append(loss(theta, X, y))
    return losses

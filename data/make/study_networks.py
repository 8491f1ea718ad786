"""The study's networks, and how runs that differ in their seed alone are trained side by side."""

import functools

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import layers

from course_utils.classroom.chapter_08.rprop import Rprop

WIDTHS = ("4", "8", "16", "64", "128", "16+8")


def dense(width, inputs, outputs, dropout=0.0):
    """Hidden layers of rectified units: "16+8" has two."""
    hidden = [layers.Dense(int(units), "relu") for units in width.split("+")]
    return keras.Sequential([keras.Input((inputs,)), *hidden, layers.Dropout(dropout), layers.Dense(outputs)])


class Digit(layers.Layer):
    """A row of the digits' table as its picture again: 8 x 8, the constant pixels as zeros."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        from sklearn.datasets import load_digits

        self.place = np.flatnonzero(load_digits().data.std(0) > 0)

    def call(self, x):
        return keras.ops.reshape(x @ np.eye(64, dtype="float32")[self.place], (-1, 8, 8))


def cnn(filters, inputs, outputs):
    """3 x 3 filters, the largest of each 2 x 2, a Dense layer."""
    return keras.Sequential([
        keras.Input((inputs,)), Digit(), layers.Reshape((8, 8, 1)),
        layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D(2), layers.Flatten(),
        layers.Dense(outputs)])


def gru(units, inputs, outputs):
    """The picture row by row."""
    return keras.Sequential([keras.Input((inputs,)), Digit(), layers.GRU(units), layers.Dense(outputs)])


NETWORKS = {width: functools.partial(dense, width) for width in WIDTHS}
for width in (8, 16, 32):
    NETWORKS[f"cnn-{width}"] = functools.partial(cnn, width)
    NETWORKS[f"gru-{width}"] = functools.partial(gru, width)
    NETWORKS[f"dropout-{width}"] = functools.partial(dense, str(width), dropout=0.5)


def curves(network, optimizer, rates, seeds, x, y, rows, held_out, batch_size, epochs):
    """Train one run a seed.

    Args:
        network: a function that makes the Keras model.
        optimizer: "adam" or "rprop" (as Prechelt had it: a step grows by 1.1).
        rates: learning rates (seeds,); for RPROP the first step.
        seeds: ints, for first weights and batch orders.
        x: float32 (examples, ...).
        y: labels int32 (seeds, examples), or targets float32 (seeds, examples, outputs).
        rows: int array (seeds, n), the examples for training.
        held_out: name -> int array (seeds, n), examples on which to measure: `name_loss`, `name_error`.
        batch_size: the last batch of an epoch is smaller where need be.
        epochs: int.

    Returns:
        dict of column -> float32 (seeds, epochs). `loss` and `error` are means over the epoch's examples
        and `gradient_norm` is one over its batches, while the weights move, as Keras and GradientNorm
        report them; the others are measured after the epoch. `error` is the share of wrong classes, or
        the root of the mean squared error.
    """
    starts = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        model = network()
        tuner = Rprop(grow=1.1) if optimizer == "rprop" else keras.optimizers.Adam()
        tuner.build(model.trainable_variables)
        lists = model.trainable_variables, model.non_trainable_variables, tuner.variables
        starts.append([[np.asarray(variable) for variable in variables] for variables in lists])
    state = [[np.stack(same) for same in zip(*own)] for own in zip(*starts)]
    rate = [variable.path.endswith("learning_rate") for variable in tuner.variables].index(True)
    state[2][rate] = np.asarray(rates, "float32")
    order, weight = orders(rows, seeds, batch_size, epochs)

    def scores(out, truth):
        if truth.ndim == 1:
            loss = -jnp.take_along_axis(jax.nn.log_softmax(out), truth[:, None], 1)[:, 0]
            return loss, out.argmax(1) != truth
        loss = ((out - truth) ** 2).mean(1)
        return loss, loss

    def measured(trained, other, x, truth):
        loss, wrong = scores(model.stateless_call(trained, other, x, training=False)[0], truth)
        return loss.mean(), wrong.mean()

    def objective(trained, other, x, truth, weight):
        out, other = model.stateless_call(trained, other, x, training=True)
        loss, wrong = scores(out, truth)
        total = (loss * weight).sum()
        return total / weight.sum(), (total, (wrong * weight).sum(), other)

    slope = jax.grad(objective, has_aux=True)

    def epoch(state, order, y, held_out, x):
        def step(state, batch):
            trained, other, tuned = state
            rows, weight = batch
            gradient, (loss, wrong, other) = slope(trained, other, x[rows], y[rows], weight)
            norm = jnp.sqrt(sum((part ** 2).sum() for part in gradient))
            trained, tuned = tuner.stateless_apply(tuned, gradient, trained)
            return (trained, other, tuned), (loss, wrong, norm)

        state, (loss, wrong, norm) = jax.lax.scan(step, state, (order, weight))
        n = weight.sum()
        scored = [measured(state[0], state[1], x[rows], y[rows]) for rows in held_out]
        return state, (loss.sum() / n, wrong.sum() / n, *sum(scored, ()), norm.mean())

    @jax.jit
    def train(state, order, y, held_out, x):
        every = jax.vmap(epoch, in_axes=(0, 0, 0, 0, None))
        return jax.lax.scan(lambda state, order: every(state, order, y, held_out, x), state, order)[1]

    of = [f"{name}_{what}" for name in held_out for what in ("loss", "error")]
    names = "loss", "error", *of, "gradient_norm"
    measures = train(tuple(state), order, y, [*held_out.values()], x)
    columns = {name: np.asarray(values).T for name, values in zip(names, measures, strict=True)}
    if y.ndim == 3:
        columns |= {name: np.sqrt(columns[name]) for name in names if name.endswith("error")}
    return columns


def orders(rows, seeds, batch_size, epochs):
    """Batches of all epochs: rows, int32 (epochs, seeds, steps, batch), and weights (steps, batch).

    The last batch is filled up with examples of weight 0.
    """
    count = rows.shape[1]
    steps = -(-count // batch_size)
    order = np.zeros((epochs, len(seeds), steps * batch_size), "int32")
    for run, seed in enumerate(seeds):
        chance = np.random.default_rng([seed, 1])
        for epoch in range(epochs):
            order[epoch, run, :count] = chance.permutation(rows[run])
    weight = (np.arange(steps * batch_size) < count).astype("float32")
    return order.reshape(epochs, len(seeds), steps, batch_size), weight.reshape(steps, batch_size)

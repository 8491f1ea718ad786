"""Train many small networks at once and keep their learning curves.

All runs have the same shape (one hidden layer of rectified units), so their weights are stacked along a first
axis and one matrix product serves them all. A run depends on its seed alone, not on which others are trained
beside it, and is what `model.fit` would give with the same weights and batches. Used by `curves_proben1.py`
and `curves_fashion.py`.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import keras
import numpy as np
import tensorflow as tf

COLUMNS = ("loss", "val_loss", "test_loss", "error", "val_error", "test_error")


class Networks:
    """Networks of one shape that are trained side by side, one for each seed.

    Weights start as in `keras.layers.Dense` (Glorot uniform, biases zero) and are moved by Keras's own Adam,
    which works weight by weight, so that no run feels another.

    Args:
        seeds: one int a run, for its first weights and its batch orders. Two runs may share a seed: then they
            differ in their data alone.
        inputs, units, outputs: widths of the three layers.
        learning_rate: Adam's.
        classes: True for labels (int, softmax cross-entropy), False for targets (float, squared error).
    """

    def __init__(self, seeds, inputs, units, outputs, learning_rate, classes=True):
        self.classes = classes
        self.generators = [np.random.default_rng([seed, 1]) for seed in seeds]
        self.weights = []
        for fan_in, fan_out in ((inputs, units), (units, outputs)):
            limit = np.sqrt(6 / (fan_in + fan_out))
            kernel = [rng.uniform(-limit, limit, (fan_in, fan_out)) for rng in self.generators]
            self.weights.append(keras.Variable(np.array(kernel, "float32")))
            self.weights.append(keras.Variable(np.zeros((len(kernel), 1, fan_out), "float32")))
        self.optimizer = keras.optimizers.Adam(learning_rate)
        self.optimizer.build(self.weights)

    def scores(self, x, y):
        """Loss and mistake of every example.

        Args:
            x: (runs, n, inputs), or (1, n, inputs) if all runs see the same.
            y: labels (runs, n), or targets (runs, n, outputs).

        Returns:
            Two tensors (runs, n): cross-entropy in nats, and 1.0 where the largest output is not the label.
            For targets both are the squared error, averaged over the outputs.
        """
        hidden_kernel, hidden_bias, kernel, bias = (weight.value for weight in self.weights)
        out = tf.nn.relu(x @ hidden_kernel + hidden_bias) @ kernel + bias
        if self.classes:
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(y, out)
            return loss, tf.cast(tf.argmax(out, 2, output_type=y.dtype) != y, tf.float32)
        loss = tf.reduce_mean((out - y) ** 2, 2)
        return loss, loss

    @tf.function
    def evaluate(self, x, y):
        """Mean loss and error of each run, two tensors (runs,)."""
        return [self._error_last(tf.reduce_mean(score, 1), i) for i, score in enumerate(self.scores(x, y))]

    def train_epoch(self, x, y, rows, batch_size):
        """One epoch, each run in an order of its own, new in every epoch.

        Args:
            x: (examples, inputs), shared by all runs.
            y: labels (runs, examples) or targets (runs, examples, outputs).
            rows: (runs, n), the examples that each run trains on.
            batch_size: the last batch is smaller where n is no multiple.

        Returns:
            What Keras would report: mean loss and error over the epoch's batches, while the weights move.
        """
        order = [rng.permutation(own) for rng, own in zip(self.generators, rows, strict=True)]
        return self._train_epoch(x, y, tf.constant(np.array(order, "int32")), batch_size)

    @tf.function
    def _train_epoch(self, x, y, order, batch_size):
        count = tf.shape(order)[1]
        totals = [tf.zeros(len(self.generators)), tf.zeros(len(self.generators))]
        for start in tf.range(0, count, batch_size):
            batch = order[:, start : start + batch_size]
            with tf.GradientTape() as tape:
                loss, wrong = self.scores(tf.gather(x, batch), tf.gather(y, batch, batch_dims=1))
                # A sum over runs: the gradient of one run's weights is that of its own mean loss.
                objective = tf.reduce_sum(tf.reduce_mean(loss, 1))
            values = [weight.value for weight in self.weights]
            self.optimizer.apply(tape.gradient(objective, values))
            totals = [totals[0] + tf.reduce_sum(loss, 1), totals[1] + tf.reduce_sum(wrong, 1)]
        return [self._error_last(total / tf.cast(count, tf.float32), i) for i, total in enumerate(totals)]

    def _error_last(self, mean, place):
        # The error of a regression is the root of its mean squared error, in the units of the target.
        return tf.sqrt(mean) if place == 1 and not self.classes else mean


def record(networks, x, y, parts, batch_size, epochs, title="", after_epoch=None):
    """Train and keep six columns.

    Args:
        networks: fresh `Networks`.
        x: float32 array (examples, inputs).
        y: labels (runs, examples), int32, or targets (runs, examples, outputs), float32.
        parts: three int arrays, the rows of x for training, validation and test: (runs, n) each, or (1, n)
            where all runs share them.
        batch_size, epochs: ints.
        title: stands before the progress bar; "" for silence.
        after_epoch: called with the networks and the validation part (x, y) after every epoch, if given.

    Returns:
        dict of column -> float32 array (runs, epochs). `loss` and `error` are what Keras would report: means
        over the epoch's batches, while the weights move. The other four are measured after the epoch. `error`
        is the share of wrong classes, or for targets the root of the mean squared error.

    Raises:
        FloatingPointError: a loss is not finite.
    """
    runs = len(networks.generators)
    train, *held_out = (np.asarray(part, "int32") for part in parts)
    train = np.broadcast_to(train, (runs, train.shape[1]))
    held_out = [
        (tf.constant(x[part]), tf.constant(np.stack([y[run, part[run % len(part)]] for run in range(runs)])))
        for part in held_out
    ]
    x, y = tf.constant(x), tf.constant(y)
    curves = np.empty((len(COLUMNS), runs, epochs), "float32")
    if title:
        print(title, flush=True)
    bar = keras.utils.Progbar(epochs, verbose=1 if title else 0, unit_name="epoch")
    for epoch in range(epochs):
        measured = [networks.train_epoch(x, y, train, batch_size)]
        measured += [networks.evaluate(*part) for part in held_out]
        for part, (loss, error) in enumerate(measured):
            curves[part, :, epoch], curves[3 + part, :, epoch] = loss, error
        if after_epoch:
            after_epoch(networks, held_out[0])
        bar.update(epoch + 1)
    if not np.isfinite(curves).all():
        raise FloatingPointError(f"{title or 'A run'}: a loss is not finite. Try a lower learning rate.")
    return dict(zip(COLUMNS, curves, strict=True))

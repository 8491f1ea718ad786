"""Train networks on several inputs, and keep what chapter 07's recordings need. Used by `modalities_*.py`.

The networks of all splits are trained side by side in one graph, each as Keras's `fit` on `batches` would
train it alone, but for a last digit: the same first weights, the same orders, Adam 0.001. After every epoch
each looks at its training, validation and test rows, and at the test rows without one of its inputs: every
row of it is then the mean of the training rows.
"""

import one_order  # noqa: F401  before Keras

# isort: split
import time

import keras
import numpy as np
import tensorflow as tf
from npz import save

from course_utils.classroom.chapter_07.networks import accuracy, added, cross_entropy
from course_utils.multimodal.inputs import taken_away
from course_utils.stopping.batches import Orders

BATCH = 16


class SideBySide:
    """Compiled or not, Keras models of as many splits, which are trained in one graph.

    Args:
        models: one a split, alike but for their widths.
        parts: of each split, name -> (inputs, labels), with "train" among them, as many rows in each.
        seeds: of the batch orders.
        batch: rows in a batch.
    """

    def __init__(self, models, parts, seeds, batch=BATCH):
        self.models, self.seeds, self.batch = models, seeds, batch
        trained = [model.trainable_variables for model in models]
        self.variables = [[variable.value for variable in own] for own in trained]
        self.paths = [[variable.path.split("/") for variable in own] for own in trained]
        self.slots = [[[tf.Variable(tf.zeros_like(variable)) for _ in range(2)] for variable in own]
                      for own in self.variables]
        self.steps = tf.Variable(0.0)
        self.starts = [model.get_weights() for model in models]
        self._epoch, self._looks = tf.function(self._train_epoch), tf.function(self._look)
        self.show(parts)

    def show(self, parts):
        """Begin anew with these parts: first weights, no momentum."""
        self.inputs = keras.tree.map_structure(tf.constant, [
            {name: inputs for name, (inputs, _) in each.items()} for each in parts])
        self.labels = tf.constant(np.stack([each["train"][1] for each in parts]), tf.int32)
        for model, weights in zip(self.models, self.starts):
            model.set_weights(weights)
        for variable in keras.tree.flatten(self.slots):
            variable.assign(tf.zeros_like(variable))
        self.steps.assign(0.0)

    def train(self, epochs, factors=None):
        """Logits after every epoch, one dict a split: part -> array (epochs, n, classes), or head -> that.

        Args:
            factors: function of the split's place and the epoch -> layer -> what its rate is multiplied by.
                A layer at 0 stands still.
        """
        orders, seen = [Orders(self.labels.shape[1], seed) for seed in self.seeds], []
        for epoch in range(epochs):
            rates = [[self._factor(path, factors(place, epoch) if factors else {}) for path in paths]
                     for place, paths in enumerate(self.paths)]
            drawn = tf.constant(np.stack([order.draw() for order in orders]), tf.int32)
            self._epoch([each["train"] for each in self.inputs], self.labels, drawn,
                        tf.constant(rates, tf.float32))
            seen.append(keras.tree.map_structure(np.asarray, self._looks(self.inputs)))
        return [keras.tree.map_structure(lambda *each: np.stack(each), *epochs) for epochs in zip(*seen)]

    def _factor(self, path, factors):
        return next((factor for layer, factor in factors.items() if layer in path), 1.0)

    def _train_epoch(self, inputs, labels, orders, factors):
        for start in tf.range(0, tf.shape(orders)[1], self.batch):
            self.steps.assign_add(1.0)
            for place, model in enumerate(self.models):
                rows = orders[place, start:start + self.batch]
                x = keras.tree.map_structure(lambda array, rows=rows: tf.gather(array, rows), inputs[place])
                y = tf.gather(labels[place], rows)
                with tf.GradientTape() as tape:
                    logits = keras.tree.flatten(model(x, training=True))
                    losses = [tf.nn.sparse_softmax_cross_entropy_with_logits(y, head) for head in logits]
                    loss = tf.add_n([tf.reduce_mean(each) for each in losses])
                gradients = tape.gradient(loss, self.variables[place])
                moved = zip(self.variables[place], self.slots[place], gradients)
                for which, (variable, (mean, square), gradient) in enumerate(moved):
                    tf.raw_ops.ResourceApplyAdam(
                        var=variable.handle, m=mean.handle, v=square.handle, beta1=0.9, beta2=0.999,
                        beta1_power=0.9**self.steps, beta2_power=0.999**self.steps,
                        lr=1e-3 * factors[place, which], epsilon=1e-7, grad=gradient)

    def _look(self, inputs):
        return [{name: model(x, training=False) for name, x in parts.items()}
                for model, parts in zip(self.models, inputs)]


def parts_of(split, ablated=True):
    """name -> (inputs, labels): train, validation, test, and the test without each of the inputs."""
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    if ablated:
        (inputs, labels), (train, _) = split.test, split.train
        for name in inputs:
            parts[f"without_{name}"] = taken_away(inputs, name, "mean", train), labels
    return parts


def by_head(logits, head):
    """Of part -> head -> logits, one head: part -> logits."""
    return {part: heads[head] for part, heads in logits.items()}


def columns(logits, parts):
    """A history: loss and accuracy of training, validation and test after each epoch, and each without_*.

    Args:
        logits: part -> array (epochs, n, classes).
    """
    history = {}
    for part, short in (("train", ""), ("validation", "val_"), ("test", "test_")):
        history[f"{short}loss"] = rounded(cross_entropy(logits[part], parts[part][1]))
        history[f"{short}accuracy"] = accuracy(logits[part], parts[part][1])
    for part in logits:
        if part.startswith("without_"):
            history[part] = accuracy(logits[part], parts[part][1])
    return history


def rounded(values, bits=14):
    """Values as float32 with so many binary digits: rest is noise, and noise cannot be zipped."""
    digits, powers = np.frexp(np.asarray(values, "float64"))
    return np.ldexp(np.rint(np.ldexp(digits, bits)), powers - bits).astype("float32")


def best(history):
    """The epoch with the lowest validation loss."""
    return int(np.argmin(history["val_loss"]))


def late_grid(one, other, parts, epochs=30):
    """Late fusion of two networks, each of any epoch: for each of the one's, a history over the other's.

    Args:
        one, other: part -> logits (epochs, n, classes).
        epochs: of the other.
    """
    (_, val), (_, test) = parts["validation"], parts["test"]
    for row in range(len(one["validation"])):
        fused = {part: added(one[part][row][None], other[part][:epochs]) for part in ("validation", "test")}
        yield {"val_loss": rounded(cross_entropy(fused["validation"], val), 12),
               "test_accuracy": accuracy(fused["test"], test)}


class Recording:
    """Labelled histories, and the file they make."""

    def __init__(self, name):
        self.name, self.labels, self.histories, self.began = name, [], [], time.perf_counter()

    def add(self, history, **labels):
        self.labels.append(labels)
        self.histories.append(history)

    def said(self):
        print(f"{self.name}: {len(self.labels)} rows, {time.perf_counter() - self.began:.0f} s", flush=True)

    def save(self):
        """Write data/curves/<name>.npz: rows shorter than the longest, and columns they lack, are NaN."""
        names = list(dict.fromkeys(column for history in self.histories for column in history))
        longest = max(len(values) for history in self.histories for values in history.values())
        arrays = {f"label/{label}": np.array([each[label] for each in self.labels])
                  for label in self.labels[0]}
        for column in names:
            table = np.full((len(self.histories), longest), np.nan, "float32")
            for row, history in zip(table, self.histories):
                values = history.get(column, ())
                row[: len(values)] = values
            arrays[f"column/{column}"] = table
        save(f"curves/{self.name}.npz", arrays)

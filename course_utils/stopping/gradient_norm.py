"""GradientNorm: the size of the gradient that training uses, without a second backward pass."""

from contextlib import nullcontext

import keras
from keras import ops

from .probes import Probe
from .steps import bring_back, optimizers_of, scalar


class GradientNorm(Probe):
    """The global norm of the gradient: its mean over the epoch's updates.

    The norm is sqrt(sum of squares over all weights), before clipping, of the gradient of an update: with
    gradient accumulation the mean over its batches, under a distribution strategy the sum over replicas. It
    listens where the optimizer takes the gradients that `fit` has computed anyway. The optimizer object is
    wrapped while training runs and is itself again afterwards; saving and loading do not notice. With loss
    scaling (mixed_float16) it is the norm of the unscaled gradient, without the updates that were skipped
    because of an overflow. Of several optimizers in one model all updates count. It works in tf_keras and in
    Keras 3 on TensorFlow, JAX and PyTorch.

    Args:
        name: the column.
        per_batch: write a value for every batch too, for `check="batch"` (slower: it is fetched every time).

    Raises:
        ValueError: when training begins, if the model has no optimizer.
    """

    def __init__(self, name="gradient_norm", per_batch=False):
        super().__init__(name)
        self.per_batch, self._wrapped = per_batch, []

    def _implements_train_batch_hooks(self):
        return self.per_batch

    def on_train_begin(self, logs=None):
        self._unwrap()  # after Ctrl-C the last fit has left it wrapped
        found = optimizers_of(self.model)
        if not found:
            raise ValueError(f'GradientNorm finds no optimizer in the model "{self.model.name}".')
        tools = _Tensorflow if _is_tensorflow(self.model) else _Keras
        with tools.scope(self.model):
            self._cells = [tools.cell(0.0), tools.cell(0.0)]  # sum of the norms, number of updates
            for optimizer in found:
                self._wrap(optimizer, tools)
        self._whole_epoch = (0.0, 0.0)  # sum and updates that were read, batch by batch
        self.model.make_train_function(force=True)  # the compiled step has to be traced anew

    def on_train_batch_end(self, batch, logs=None):
        if self.per_batch:
            total, updates = self._read()
            self.write(logs, _mean(total, updates))
            self._whole_epoch = (self._whole_epoch[0] + total, self._whole_epoch[1] + updates)

    def on_epoch_end(self, epoch, logs=None):
        total, updates = self._read()
        logs.pop(self.name, None) if self.per_batch else None  # the last batch's
        self.write(logs, _mean(self._whole_epoch[0] + total, self._whole_epoch[1] + updates))
        self._whole_epoch = (0.0, 0.0)

    def on_train_end(self, logs=None):
        self._unwrap()
        self.model.make_train_function(force=True)

    def _wrap(self, optimizer, tools):
        method = "apply" if hasattr(optimizer, "apply") else "apply_gradients"  # Keras 3, tf_keras
        original = getattr(optimizer, method)
        inner = getattr(optimizer, "inner_optimizer", None) or optimizer
        every = getattr(inner, "gradient_accumulation_steps", None) or 1
        total, updates = self._cells
        parts = [tools.cell_like(v) for v in self.model.trainable_variables] if every > 1 else []
        carried = tools.carried_by(optimizer, [*self._cells, *parts])

        def listening(gradients, *args, **kwargs):
            gradients = list(gradients)
            values = [pair[0] if isinstance(pair, tuple) else pair for pair in gradients]
            scale = _loss_scale(optimizer)
            values = [tools.dense(value) for value in values if value is not None]
            if scale is not None:
                values = [value / tools.dense(scale) for value in values]
            due = 1.0
            if every > 1:  # the update takes the mean of so many calls
                for part, value in zip(parts, values):
                    tools.add(part, value)
                due = tools.dense((inner._iterations + 1) % every == 0)
                values = [tools.dense(part) / every for part in parts[: len(values)]]
            norm = tools.norm(values)
            # a loss-scaling optimizer skips the update if the scaled gradient overflows
            counts = due * (tools.dense(tools.finite(norm)) if inner is not optimizer else 1.0)
            tools.add(total, tools.where(counts, norm))
            tools.add(updates, counts)
            for part in parts:
                tools.scale(part, 1.0 - due)
            with tools.after(norm):
                return original(gradients, *args, **kwargs)

        object.__setattr__(optimizer, method, listening)  # past Keras's tracking of attributes
        self._wrapped.append((optimizer, method, carried))

    def _read(self):
        """The sum of the norms and the number of updates since the last reading."""
        bring_back(self._model)
        read = tuple(map(scalar, self._cells))
        for cell in self._cells:
            cell.assign(0.0)
        return read

    def _unwrap(self):
        for optimizer, method, carried in self._wrapped:
            # pop: another probe on the same optimizer may have been quicker
            optimizer.__dict__.pop(method, None)
            for cell in carried:
                optimizer._variables[:] = [v for v in optimizer._variables if v is not cell]
        self._wrapped = []

    def __getstate__(self):  # a copy has a model of its own
        return {name: value for name, value in self.__dict__.items() if name != "_cells"} | {"_wrapped": []}


def _mean(total, updates):
    return total / updates if updates else float("nan")


def _is_tensorflow(model):
    return not isinstance(model, keras.Model) or keras.backend.backend() == "tensorflow"


class _Keras:
    """What the wrapper computes with, in Keras 3 on any backend."""

    finite = staticmethod(ops.isfinite)

    @staticmethod
    def scope(model):
        return keras.name_scope("gradient_norm")

    @staticmethod
    def cell(value):
        return keras.Variable(value, trainable=False, dtype="float32")

    @staticmethod
    def cell_like(variable):
        return keras.Variable(ops.zeros(variable.shape), trainable=False, dtype="float32")

    @staticmethod
    def carried_by(optimizer, cells):
        """On JAX a step carries the optimizer's variables alone: the cells are among them meanwhile."""
        if keras.backend.backend() != "jax":
            return []
        optimizer._variables.extend(cells)
        return cells

    @staticmethod
    def after(norm):
        return nullcontext()

    @staticmethod
    def dense(value):
        return ops.cast(ops.convert_to_tensor(value), "float32")

    @staticmethod
    def norm(values):
        return ops.sqrt(sum(ops.sum(ops.square(value)) for value in values))

    @staticmethod
    def where(counts, value):
        return ops.where(counts > 0, value, 0.0)

    @staticmethod
    def add(cell, value):
        cell.assign(cell + value)

    @staticmethod
    def scale(cell, factor):
        cell.assign(cell * factor)


class _Tensorflow:
    """The same on TensorFlow, for tf_keras too, and under a distribution strategy."""

    @staticmethod
    def scope(model):
        return model.distribute_strategy.scope()

    @staticmethod
    def cell(value):
        import tensorflow as tf

        # every replica adds the same number: one of them counts
        return tf.Variable(value, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)

    @staticmethod
    def cell_like(variable):
        import tensorflow as tf

        return _Tensorflow.cell(tf.zeros(variable.shape))

    @staticmethod
    def carried_by(optimizer, cells):
        return []

    @staticmethod
    def dense(value):
        import tensorflow as tf

        return tf.cast(tf.convert_to_tensor(value), tf.float32)

    @staticmethod
    def norm(values):
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:  # each has its part of the gradient
            values = context.all_reduce(tf.distribute.ReduceOp.SUM, values)
        return tf.linalg.global_norm(values)

    @staticmethod
    def after(norm):
        import tensorflow as tf

        # once the norm is known, the update may write over the gradient: cheaper than memory of its own
        return tf.control_dependencies([norm])

    @staticmethod
    def finite(value):
        import tensorflow as tf

        return tf.math.is_finite(value)

    @staticmethod
    def where(counts, value):
        import tensorflow as tf

        return tf.where(counts > 0, value, 0.0)

    @staticmethod
    def add(cell, value):
        cell.assign_add(value)

    @staticmethod
    def scale(cell, factor):
        cell.assign(cell * factor)


def _loss_scale(optimizer):
    """What Keras 3 multiplied the loss, and so the gradients, by, or None. tf_keras has divided already."""
    if not hasattr(optimizer, "scale_loss"):
        return None
    # a LossScaleOptimizer has the first two (the first once it is built), others the third, if asked to
    names = ("dynamic_scale", "initial_scale", "loss_scale_factor")
    return next((scale for name in names if (scale := getattr(optimizer, name, None)) is not None), None)

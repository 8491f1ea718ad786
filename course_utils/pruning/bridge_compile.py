"""What a compiled Keras 3 model was compiled with: for a copy of it, and for its twin in tf_keras.

Losses and metrics of Keras 3 compute on TensorFlow's tensors, so the twin uses the very same objects. The
optimizer is the one of tf_keras with the same name and settings.
"""

import inspect

import keras
from keras import tree

from .bridge_layers import NO_BRIDGE, BridgeError, import_tf_keras


def compile_like(twin, model):
    """Compile a Keras 3 model as another is; the optimizer is a fresh copy."""
    arguments = dict(compiled_with(model))
    optimizer = arguments["optimizer"]
    arguments["optimizer"] = type(optimizer).from_config(optimizer.get_config())
    twin.compile(**arguments)


def compiled_with(model):
    """The arguments of the model's `compile`: name -> value.

    Raises:
        ValueError: it was not compiled.
    """
    if not getattr(model, "compiled", False):
        raise ValueError(f'The model "{model.name}" is not compiled: give it a loss and an optimizer first.')
    return model._compile_config.config


def compile_tf_keras(twin, model, learning_rate=None):
    """Compile a tf_keras model as `model` is compiled in Keras 3.

    The learning rate is a constant: `learning_rate`, or what it is now in `model`, also where that follows a
    schedule. The optimizer's other memory, such as Adam's moments, begins afresh.

    Raises:
        BridgeError: the optimizer has no equal in tf_keras.
    """
    tf_keras, given = import_tf_keras(), compiled_with(model)
    metrics = {kind: _each(given[kind], _metric_for(tf_keras)) for kind in ("metrics", "weighted_metrics")}
    twin.compile(
        optimizer=_optimizer(tf_keras, given["optimizer"], learning_rate),
        loss=_each(given["loss"], _loss_for(tf_keras)),
        loss_weights=given["loss_weights"],
        steps_per_execution=given["steps_per_execution"],
        **metrics,
    )


def _each(structure, function):
    """`function` of every value in a list, a dict, or of the value itself; None stays None."""
    return tree.map_structure(lambda value: None if value is None else function(value), structure)


def _loss_for(tf_keras):
    class Loss(tf_keras.losses.Loss):
        """A Keras 3 loss, which brings its own reduction and sample weights."""

        def __init__(self, loss):
            super().__init__(name=loss.name)
            self.loss = loss

        def __call__(self, y_true, y_pred, sample_weight=None):
            return self.loss(y_true, y_pred, sample_weight)

    def translated(loss):
        loss = keras.losses.get(loss)
        return Loss(loss) if isinstance(loss, keras.losses.Loss) else loss  # a function is taken as it is

    return translated


def _metric_for(tf_keras):
    import tensorflow as tf

    class Metric(tf_keras.metrics.Metric):
        """A Keras 3 metric, which keeps its own state."""

        def __init__(self, metric, name):
            super().__init__(name=name)
            self.metric, self.begun = metric, False

        def update_state(self, y_true, y_pred, sample_weight=None):
            if not self.begun:  # while the first step is traced; tf_keras resets from the second epoch on
                with tf.init_scope():
                    self.metric.reset_state()
                self.begun = True
            self.metric.update_state(y_true, y_pred, sample_weight=sample_weight)

        def result(self):
            return self.metric.result()

        def reset_state(self):
            self.metric.reset_state()

    def translated(metric):
        if metric in ("accuracy", "acc", "crossentropy", "ce"):  # depends on the loss, in both libraries
            return metric
        name = metric if isinstance(metric, str) else getattr(metric, "name", None)
        metric = keras.metrics.get(metric)
        metric = metric() if inspect.isclass(metric) else metric
        return Metric(metric, name or metric.name) if isinstance(metric, keras.metrics.Metric) else metric

    return translated


def _optimizer(tf_keras, optimizer, learning_rate):
    inner = getattr(optimizer, "inner_optimizer", None)
    if inner is not None:  # mixed_float16
        return tf_keras.mixed_precision.LossScaleOptimizer(_optimizer(tf_keras, inner, learning_rate))
    name, settings = type(optimizer).__name__, optimizer.get_config()
    cls = getattr(tf_keras.optimizers, name, None)
    if cls is None:
        raise BridgeError(f"tf_keras has no optimizer {name}. Compile the model with another, such as Adam. "
                          + NO_BRIDGE)
    settings["learning_rate"] = float(optimizer.learning_rate) if learning_rate is None else learning_rate
    known = inspect.signature(cls).parameters
    strange = {key: value for key, value in settings.items() if key not in known and value is not None}
    if strange:
        raise BridgeError(f"tf_keras's {name} does not know {strange}: compile the model without. "
                          + NO_BRIDGE)
    return cls(**{key: value for key, value in settings.items() if key in known})

"""What a compiled Keras 3 model was compiled with: for a copy of it, and for its twin in tf_keras.

Losses and metrics of Keras 3 compute on TensorFlow's tensors, so the twin uses them too: losses as they are,
metrics as copies, because they have a memory. The optimizer is the one of tf_keras with the same name and
settings.
"""

import inspect

import keras
from keras import tree

from .bridge import variable_pairs
from .bridge_check import NO_BRIDGE
from .bridge_layers import import_tf_keras, is_own
from .clone import BridgeError, first_line, fresh_metrics

# What a model may do of its own in training, which tf_keras would not hear of.
OWN = ["train_step", "test_step", "compute_loss", "compute_metrics", "stateless_compute_loss", "compile",
       "fit", "evaluate", "make_train_function", "make_test_function", "reset_metrics"]


def compile_like(twin, model):
    """Compile a Keras 3 model as another is; optimizer and metrics are fresh copies.

    Raises:
        ValueError: `model` was not compiled.
        BridgeError: the optimizer or a metric cannot be copied.
    """
    arguments = dict(compiled_with(model))
    for kind in ("metrics", "weighted_metrics"):
        arguments[kind] = fresh_metrics(arguments[kind])
    pairs = zip(model.weights, twin.weights, strict=True)
    arguments["optimizer"] = _fresh_optimizer(model.optimizer, [*pairs])
    # loss scaling is as it is there, not as a policy asks for it here
    twin.compile(**{**arguments, "run_eagerly": model.run_eagerly}, auto_scale_loss=False)


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
    schedule. The optimizer's other memory, such as Adam's moments, begins afresh, and so do metrics.
    jit_compile, which changes no number, stays behind.

    Raises:
        BridgeError: the optimizer has no equal in tf_keras, or the model trains by a method of its own.
    """
    tf_keras, given = import_tf_keras(), compiled_with(model)
    own = [name for name in OWN if hasattr(type(model), name) and is_own(model, name)]
    if own:
        raise BridgeError(f'"{model.name}" ({type(model).__name__}) has a {own[0]} of its own, which '
                          f"tf_keras would not call. {NO_BRIDGE}")
    metrics = {kind: _each(fresh_metrics(given[kind]), _metric_for(tf_keras))
               for kind in ("metrics", "weighted_metrics")}
    twin.compile(
        optimizer=_optimizer(tf_keras, model.optimizer, learning_rate, variable_pairs(model, twin)),
        loss=_each(given["loss"], _loss_for(tf_keras)),
        loss_weights=given["loss_weights"],
        steps_per_execution=given["steps_per_execution"],
        run_eagerly=model.run_eagerly,
        **metrics,
    )


def _fresh_optimizer(optimizer, pairs):
    """The same settings, and no memory. `pairs`: (a weight of its model, the same in the new one)."""
    inner = getattr(optimizer, "inner_optimizer", None)
    schedule = getattr(optimizer, "_learning_rate", None)
    try:
        settings = optimizer.get_config()
        if inner is not None:  # mixed_float16
            return type(optimizer)(**{**settings, "inner_optimizer": _fresh_optimizer(inner, pairs)})
        if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            settings["learning_rate"] = schedule
        fresh = type(optimizer).from_config(settings)
    except Exception as error:
        raise BridgeError(f"The optimizer {type(optimizer).__name__} cannot be made anew from its "
                          f"get_config: {first_line(error)}") from error
    _exclude(fresh, optimizer, pairs)
    return fresh


def _exclude(fresh, optimizer, pairs):
    """The variables that `exclude_from_weight_decay` was told: no configuration holds them."""
    if getattr(optimizer, "weight_decay", None):
        excluded = [theirs for ours, theirs in pairs if not optimizer._use_weight_decay(ours)]
        if excluded:
            fresh.exclude_from_weight_decay(var_list=excluded)


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
    class Metric(tf_keras.metrics.Metric):
        """A Keras 3 metric, which keeps its own state."""

        def __init__(self, metric, name):
            super().__init__(name=name)
            self.metric = metric

        def update_state(self, y_true, y_pred, sample_weight=None):
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


def _optimizer(tf_keras, optimizer, learning_rate, pairs):
    inner = getattr(optimizer, "inner_optimizer", None)
    if inner is not None:  # mixed_float16
        scale = {name: getattr(optimizer, name) for name in ("initial_scale", "dynamic_growth_steps")}
        theirs = _optimizer(tf_keras, inner, learning_rate, pairs)
        return tf_keras.mixed_precision.LossScaleOptimizer(theirs, **scale)
    name = type(optimizer).__name__
    cls = getattr(tf_keras.optimizers, name, None)
    if cls is None or not type(optimizer).__module__.startswith("keras."):
        why = f"{name} is an optimizer of your own" if cls else f"tf_keras has no optimizer {name}"
        raise BridgeError(f"{why}. Compile the model with another, such as Adam. {NO_BRIDGE}")
    own = [method for method in ("apply", "apply_gradients", "update_step") if method in vars(optimizer)]
    if own:
        raise BridgeError(f"The optimizer {name} was given a {own[0]} of its own. {NO_BRIDGE}")
    try:
        settings = optimizer.get_config()
    except Exception as error:
        raise BridgeError(f"The optimizer {name} has no get_config that works: {first_line(error)}. "
                          + NO_BRIDGE) from error
    settings["learning_rate"] = float(optimizer.learning_rate) if learning_rate is None else learning_rate
    known = inspect.signature(cls).parameters
    strange = {key: value for key, value in settings.items() if key not in known and value is not None}
    if strange:
        raise BridgeError(f"tf_keras's {name} does not know {strange}: compile the model without. "
                          + NO_BRIDGE)
    theirs = cls(**{key: value for key, value in settings.items() if key in known})
    _exclude(theirs, optimizer, pairs)
    return theirs

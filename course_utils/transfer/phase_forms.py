"""The forms that data, metrics, optimizers and callbacks come in, brought to one, or refused."""

import warnings

import keras

from ..stopping.batches import Orders, as_arrays, check_rows, leaves, pipeline
from .backbones import check_inputs


def training_data(model, data, batch_size, seed):
    """(what `fit` takes, its Orders, its arrays); of anything but arrays the last two are None.

    Raises:
        TypeError, ValueError: the data are in no form that can be trained on epoch after epoch, or are not
            such as the model takes.
    """
    _refuse_what_ends(data, "data")
    if not _is_arrays(data):
        _refuse_unbatched(model, data)
        return data, None, None
    parts = _parts(data)
    rows = check_rows(parts, batch_size)
    _check(model, parts)
    orders = Orders(rows, seed)
    return pipeline(parts, batch_size, orders), orders, parts


def checked_validation(model, data):
    """Validation data as they are, or an error where they cannot be used."""
    if data is None:
        return None
    _refuse_what_ends(data, "validation_data")
    if _is_arrays(data):
        if not isinstance(data, (list, tuple)):
            raise TypeError("validation_data is (x, y), (x, y, sample_weight), or a pipeline of batches.")
        _check(model, _parts(data))
        return tuple(data)
    _refuse_unbatched(model, data)
    return data


def optimizer_maker(optimizer):
    """A function of a learning rate that makes a new optimizer at each call.

    Args:
        optimizer: in any form that `compile` takes: a name, a config, an optimizer, of which each phase
        gets a
            copy; or a class or function of `learning_rate`.

    Raises:
        TypeError, ValueError: it is none of these, or has a schedule in place of a learning rate.
    """
    if isinstance(optimizer, (str, dict)):
        optimizer = keras.optimizers.get(optimizer)
    if isinstance(optimizer, keras.optimizers.Optimizer):
        kind, config = type(optimizer), optimizer.get_config()
        if isinstance(config.get("learning_rate"), dict):
            raise ValueError(f"This {kind.__name__} has a schedule as its learning rate, and each phase has "
                             "a learning rate of its own. Give a number, or a function of learning_rate.")

        def make(learning_rate):
            made = kind.from_config(config)
            made.learning_rate = learning_rate
            return made
    else:
        make = optimizer

    def checked(learning_rate):
        if not callable(make):
            raise TypeError("optimizer is a name, an optimizer, its class, or a function of learning_rate; "
                            f"got {optimizer!r}.")
        made = make(learning_rate=learning_rate)
        if not isinstance(made, keras.optimizers.Optimizer):
            raise TypeError(f"optimizer={optimizer!r} made no Keras optimizer but a {type(made).__name__}.")
        return made

    return checked


def fresh(metrics):
    """Metrics as `compile` takes them, those with a memory set to nothing: for a new phase.

    A metric keeps its sums until the first epoch that it belongs to a compiled model, and would mix them in.
    """
    if metrics is None:
        return None
    if isinstance(metrics, str) or not isinstance(metrics, (list, tuple, dict)):
        metrics = [metrics]
    for metric in keras.tree.flatten(metrics):
        if isinstance(metric, keras.metrics.Metric):
            metric.reset_state()
    return metrics if isinstance(metrics, dict) else list(metrics)


def callback_list(callbacks, resumes=False):
    """Callbacks as a list.

    BackupAndRestore resumes a single fit. Where the phases resume by themselves it is left out, with a
    warning; else it is a ValueError.
    """
    if callbacks is None:
        return []
    found = callbacks
    if not isinstance(callbacks, (list, tuple)):
        found = getattr(callbacks, "callbacks", [callbacks])
    others = [each for each in found if not isinstance(each, keras.callbacks.BackupAndRestore)]
    if len(others) < len(found):
        said = ("BackupAndRestore knows one fit, and each phase is one: a later phase would go on where "
                "another was.")
        if not resumes:
            raise ValueError(f"{said} Leave it out and give fit_in_phases(..., state=folder), which resumes.")
        warnings.warn(f"{said} It is left out: state= holds all that is needed.", stacklevel=3)
    return others


# ---- the rest ----


def _is_arrays(data):
    return isinstance(data, (list, tuple, dict)) or (hasattr(data, "__array__") and hasattr(data, "shape"))


def _parts(data):
    if isinstance(data, (list, tuple)):
        if not 1 <= len(data) <= 3:
            raise ValueError(f"data are (x, y) or (x, y, sample_weight); got {len(data)} parts.")
        return as_arrays(*data)
    return as_arrays(data)


def _check(model, parts):
    x = leaves(parts[0])
    if len(x) == len(getattr(model, "inputs", None) or ()) == 1:
        check_inputs(model, x[0])


def _refuse_what_ends(data, what):
    if hasattr(data, "__next__"):
        raise TypeError(f"{what} is a generator, which is empty after one epoch. Give arrays, a tf.data "
                        "pipeline, or "
                        "a keras.utils.PyDataset.")
    if hasattr(data, "cardinality") and int(data.cardinality()) in (-1, 0):
        why = "is empty" if int(data.cardinality()) == 0 else "has no end, and neither would an epoch"
        raise ValueError(f"The pipeline given as {what} {why}: data.take(n) has n batches.")


def _refuse_unbatched(model, data):
    """A pipeline of single examples fits a model's shapes with an axis missing."""
    spec, inputs = getattr(data, "element_spec", None), getattr(model, "inputs", None) or ()
    x = keras.tree.flatten(spec[0] if isinstance(spec, tuple) and spec else spec)
    if spec is None or len(x) != 1 or len(inputs) != 1 or x[0].shape.rank is None:
        return
    if x[0].shape.rank == len(inputs[0].shape) - 1 and x[0].shape.is_compatible_with(inputs[0].shape[1:]):
        raise ValueError(f"The pipeline gives single examples, of shape {tuple(x[0].shape)}: data.batch(32) "
                         "makes batches of them.")

"""Data in the forms that `fit` takes, as pipelines of batches that Keras 3 and tf_keras both take."""

import numpy as np

from ..stopping.batches import batches

VALIDATION_BATCH = 32  # as `fit` and `evaluate` have it


def training_pipeline(data, batch_size, seed, model):
    """(a pipeline, its batches an epoch), from a batched pipeline, or from (x, y) or (x, y, sample_weight).

    Each of the three is an array or a dict, list or tuple of arrays. Arrays are reshuffled every epoch.

    Raises:
        TypeError: another form. The message names it and says what to do.
        ValueError: rows differ in number, a pipeline has no known length or is not batched.
    """
    import tensorflow as tf

    if isinstance(data, tf.data.Dataset):
        _check_batched(data, model, "data")
        return data, _length(data)
    arrays = _arrays(data, "data")
    rows = np.arange(_rows(arrays, "data"))
    # the orders are those of `batches`: here it shuffles row numbers
    pipeline = batches(rows, rows, batch_size, seed).map(
        lambda i, _: tf.nest.map_structure(lambda array: tf.gather(array, i), arrays))
    _check_batched(pipeline, model, "data")
    return pipeline, _length(pipeline)


def validation_pipeline(data, model):
    """A pipeline of batches, in order; None for None. Forms and errors as in `training_pipeline`."""
    import tensorflow as tf

    if data is None:
        return None
    if not isinstance(data, tf.data.Dataset):
        arrays = _arrays(data, "validation_data")
        _rows(arrays, "validation_data")
        data = tf.data.Dataset.from_tensor_slices(arrays).batch(VALIDATION_BATCH)
    _check_batched(data, model, "validation_data")
    return data


def first_batch(pipeline):
    """A pipeline of one batch, the first."""
    return None if pipeline is None else pipeline.take(1).cache()


def inputs_of(pipeline):
    """The inputs of the first batch."""
    element = next(iter(pipeline))
    return element[0] if isinstance(element, tuple) else element


def _arrays(data, what):
    """(x, y) or (x, y, sample_weight) as tensors, lists in them as tuples."""
    import tensorflow as tf

    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        form = type(data).__name__
        mend = {"ndarray": "A single array has no labels: give (x, y).",
                "dict": "A dict of arrays has no labels: give (x, y).",
                "generator": "Make a pipeline by tf.data.Dataset.from_generator, with a length."}.get(form)
        form = f"{form} of {len(data)}" if isinstance(data, (tuple, list)) else form
        if mend is None and hasattr(data, "__getitem__") and hasattr(data, "__len__"):
            mend = "Of a PyDataset or a loader, make a pipeline by tf.data.Dataset.from_generator."
        raise TypeError(f"{what} is a batched tf.data pipeline or (x, y) or (x, y, sample_weight), each an "
                        f"array or a dict or list of arrays; got {form}. {mend or ''}".strip())

    def tensors(part):
        if isinstance(part, dict):
            return {key: tensors(each) for key, each in part.items()}
        several = isinstance(part, (tuple, list)) and part and all(np.ndim(each) > 0 for each in part)
        if several and not all(isinstance(each, (tuple, list)) for each in part):
            return tuple(tensors(each) for each in part)
        kept = isinstance(part, (tf.Tensor, tf.RaggedTensor, tf.SparseTensor))
        return part if kept else tf.convert_to_tensor(np.asarray(part))

    return tuple(tensors(part) for part in data if part is not None)


def _rows(arrays, what):
    import tensorflow as tf

    scalars = [array for array in tf.nest.flatten(arrays) if len(array.shape) == 0]
    lengths = sorted({int(tf.shape(array)[0]) for array in tf.nest.flatten(arrays) if len(array.shape)})
    if scalars or len(lengths) != 1 or lengths[0] == 0:
        got = "a single number" if scalars else f"{' and '.join(map(str, lengths))} rows"
        raise ValueError(f"{what} needs as many rows in each array, and one at least; got {got}.")
    return lengths[0]


def _length(pipeline):
    steps = int(pipeline.cardinality())
    if steps <= 0:
        why = {-1: "has no end", -2: "has an unknown length", 0: "is empty"}[steps]
        raise ValueError(f"The ramp counts epochs, and the pipeline {why}. Give it a length in batches, "
                         "data.take(n) or data.apply(tf.data.experimental.assert_cardinality(n)).")
    return steps


def _check_batched(pipeline, model, what):
    """Does the model take an element, and has it a dimension for the rows?"""
    import tensorflow as tf

    spec = pipeline.element_spec
    given = tf.nest.flatten(spec[0] if isinstance(spec, tuple) else spec)
    if len(given) != len(model.inputs):
        raise ValueError(f'{what} gives {len(given)} inputs, and "{model.name}" takes {len(model.inputs)}.')
    if not isinstance(spec, tuple) and model._compile_config.config["loss"] is not None:
        raise ValueError(f"{what} gives inputs and no labels: pairs (x, y) are needed.")
    for each, wanted in zip(given, model.inputs):
        shape = getattr(each, "shape", tf.TensorShape(None))
        if shape.rank is None or shape.rank >= len(wanted.shape):
            continue
        row = tuple(wanted.shape[1:])
        numbers = row == (1,) and shape.rank == 1 and shape[0] != 1  # a batch: Keras makes (n, 1) of it
        if shape.rank == len(row) and shape.is_compatible_with(row) and not numbers:
            raise ValueError(f"{what} is not batched: an element has the shape {tuple(shape)}, one row of "
                             f'what "{model.name}" takes. Give {what}.batch(32).')

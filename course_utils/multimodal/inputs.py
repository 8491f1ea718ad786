"""The inputs of a model by their names: dicts and lists, checked, and with one of them taken away."""

import numpy as np

BASELINES = ("mean", "rows", "zeros")


def check_inputs(model, x):
    """`x` in the form in which the model takes it; a missing modality is an error that names it.

        model.predict(check_inputs(model, {"pictures": pictures, "words": words}))

    Keras itself warns, or complains of structures, or takes a list for what it is not.

    Args:
        model: a model of keras or tf_keras with one input or several, as a dict or a list.
        x: the inputs, an array each with one row an example: a dict by name, also where the model has a list
            (then by the names of its Input layers), or a list in the model's order.

    Returns:
        A dict, a list or an array, as the model was built.

    Raises:
        ValueError: an input is missing or None, or there is one that the model does not know; or they differ
            in their numbers of rows.

    >>> import keras
    >>> inputs = {name: keras.Input((2,), name=name) for name in ("pictures", "words")}
    >>> model = keras.Model(inputs, keras.layers.Add()(list(inputs.values())), name="emoji")
    >>> check_inputs(model, {"pictures": np.ones((3, 2))})
    Traceback (most recent call last):
    ValueError: "words" is missing: the model "emoji" takes pictures, words, and was given pictures. ...
    """
    return as_taken(model, named(model, x))


def named(model, x):
    """Name -> array for the inputs of a model, in its order. Raises as `check_inputs` does."""
    names = names_of(model, x)
    if isinstance(x, dict):
        given = x
    else:
        values = list(x) if isinstance(x, (list, tuple)) else [x]
        if len(values) != len(names):
            raise ValueError(f'The model "{model.name}" takes {len(names)} inputs ({", ".join(names)}), and '
                             f"was given {len(values)}. Give them by name, {{{names[0]!r}: ...}}, and what "
                             "is missing can be named.")
        given = dict(zip(names, values))
    missing = [name for name in names if given.get(name) is None]
    if missing:
        quoted, there = ", ".join(f'"{name}"' for name in missing), [n for n in given if n not in missing]
        raise ValueError(
            f'{quoted} {"is" if len(missing) == 1 else "are"} missing: the model "{model.name}" takes '
            f'{", ".join(names)}, and was given {", ".join(there) or "nothing"}. It has no answer without; '
            "what it says of a stand-in, as the mean of the training data, is a guess that `utilisation` "
            "measures.")
    unknown = [name for name in given if name not in names]
    if unknown:
        raise ValueError(f'The model "{model.name}" has no input "{unknown[0]}". It takes '
                         f"{', '.join(names)}.")
    arrays = {name: np.asarray(given[name]) for name in names}
    rows = {name: len(array) for name, array in arrays.items()}
    if len(set(rows.values())) > 1:
        said = ", ".join(f"{name} {count}" for name, count in rows.items())
        raise ValueError(f"The inputs differ in their numbers of rows: {said}.")
    return arrays


def names_of(model, x):
    """The names of a model's inputs; of one that does not tell its inputs, those of `x`."""
    form = _form(model)
    if form is None:
        return list(x) if isinstance(x, dict) else [
            f"input {i}" for i in range(len(x) if isinstance(x, (list, tuple)) else 1)]
    if isinstance(form, dict):
        return list(form)
    return [each.name for each in (form if isinstance(form, (list, tuple)) else [form])]


def as_taken(model, values):
    """Arrays by name, in the form in which the model takes them."""
    form = _form(model)
    if isinstance(form, dict) or form is None and not next(iter(values)).startswith("input "):
        return values
    arrays = list(values.values())
    return arrays if isinstance(form, (list, tuple)) or len(arrays) > 1 else arrays[0]


def taken_away(values, name, baseline="mean", reference=None, seed=0):
    """The inputs with something in the place of one of them. See `utilisation` for `baseline`.

    Raises:
        ValueError: there is no such baseline, or a mean of whole numbers is asked for.
    """
    array = values[name]
    baseline = baseline.get(name, "mean") if isinstance(baseline, dict) else baseline
    if not isinstance(baseline, str):
        stand_in = np.asarray(baseline)
    elif baseline not in BASELINES:
        raise ValueError(f'baseline is "mean", "rows", "zeros" or an example of the input; got {baseline!r}.')
    elif baseline == "rows":
        return dict(values, **{name: array[np.random.default_rng(seed).permutation(len(array))]})
    elif baseline == "zeros":
        stand_in = np.zeros(array.shape[1:], array.dtype)
    elif array.dtype.kind != "f":
        raise ValueError(f'"{name}" holds {array.dtype}, not float32, and the mean of numbers that stand '
                         f'for words is no word. Say baseline={{"{name}": "zeros"}} or "rows"; where they '
                         "are quantities, as in pictures, give it as float32.")
    else:
        stand_in = np.asarray((values if reference is None else reference)[name]).mean(axis=0)
    if stand_in.shape != array.shape[1:]:
        raise ValueError(f'The stand-in for "{name}" has the shape {stand_in.shape}; an example of it has '
                         f"{array.shape[1:]}.")
    return dict(values, **{name: np.broadcast_to(stand_in.astype(array.dtype), array.shape)})


def _form(model):
    """The model's inputs as it was built with them; None where it does not tell."""
    try:
        return (getattr(model, "_functional", None) or model).input  # a Sequential holds a functional one
    except (AttributeError, ValueError):  # a class of one's own
        return None

"""What graders share.

A stage on which a learner's callback meets a scripted run, and words for what can go wrong with any answer.
"""

import difflib
import dis
import inspect
import reprlib
import traceback

import keras
import numpy as np


class Blank(Exception):
    """The answer, or what it returns, is still `...`."""


class Wrong(Exception):
    """The answer is wrong, and why; `draw` is a function without arguments that draws it, or None."""

    def __init__(self, message, draw=None):
        super().__init__(message)
        self.draw = draw


class Right:
    """The answer is right, with a sentence about this answer; `draw` as in Wrong."""

    def __init__(self, message, draw=None):
        self.message, self.draw = message, draw

    def __str__(self):
        return self.message


def has_blank(answer):
    """Is there a `...` left in the answer?"""
    return answer is ... or (isinstance(answer, (tuple, list)) and any(has_blank(part) for part in answer))


def shown(value):
    """A value in words that stay short, however long it is."""
    return reprlib.repr(value)


def whole(answer):
    """The answer as an int, if it is a whole number (66 and 66.0 are), else None."""
    number = isinstance(answer, (int, float, np.integer, np.floating)) and not isinstance(answer, bool)
    return int(answer) if number and float(answer).is_integer() else None


def call(function, *args):
    """What a learner's function returns; `...` is Blank, None is Wrong."""
    if not callable(function):
        raise Wrong(f"The answer should be a function; this is {shown(function)}.")
    try:
        inspect.signature(function).bind(*args)
    except TypeError:
        raise Wrong(f"The function is called with {len(args)} values; yours does not take so many.") from None
    except ValueError:  # a function written in C that does not tell what it takes
        pass
    value = function(*args)
    if has_blank(value):
        raise _still_blank(function)
    if value is None:
        raise Wrong("Nothing came back: is a return missing?")
    return value


def explain_error(error):
    """A sentence about an exception in a learner's code: what it says, and in which line."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if "course_utils" not in frame.filename]
    if not theirs:
        return f"The answer is not of the kind that is asked for: {error}"
    where = f' in the line "{theirs[-1].line}"' if theirs[-1].line else ""
    return f"Your code raised {type(error).__name__}{where}: {error}"


def _still_blank(function):
    """Blank, or Wrong if something was written and the template's `return ...` left behind it."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is not None and sum(1 for _ in dis.get_instructions(code)) > 5:
        return Wrong("The template's `return ...` still stands at the end: it hands back the dots.")
    return Blank()


class Model:
    """As much of a model as a callback needs; its weight is the number of the epoch it comes from.

    As in Keras, training changes `weights` in place, and get_weights gives a copy. Before the first epoch the
    number is -1.
    """

    def __init__(self):
        self.stop_training, self._weights = False, [np.array(-1)]

    @property
    def weights(self):
        return list(self._weights)

    def get_weights(self):
        return [weight.copy() for weight in self._weights]

    def set_weights(self, weights):
        for mine, new in zip(self._weights, weights, strict=True):
            mine[...] = new


class Clock:
    """A clock that is turned by hand: `seconds` is what it shows, and `clock()` reads it."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds

    def __call__(self):
        return self.seconds


def run(callback, rows, model=None, meddle=None, batches=0, passed=None):
    """Let a callback live through a scripted run.

    Args:
        callback: the learner's, as Keras would get it.
        rows: one dict of logs per epoch.
        model: a Model; a new one if None.
        meddle: a function (epoch, model), called before the callback's turn: what another callback does.
        batches: batches in an epoch. With 0 the run has epochs alone; else it has the hooks of batches, and
            validation after every epoch, as in Keras also after one that was cut short.
        passed: a function, called with "batch" or "validation" when one is over: it turns a Clock.

    Returns:
        (last epoch that ran, model).
    """
    model = model or Model()
    _hook(callback, "set_model", model)
    _hook(callback, "on_train_begin")
    epoch = None
    for epoch, logs in enumerate(rows):
        model.set_weights([epoch])  # in place: who kept no copy has the new ones
        _hook(callback, "on_epoch_begin", epoch)
        if batches:
            _batches_and_validation(callback, model, batches, passed or (lambda what: None))
        if meddle:
            meddle(epoch, model)
        _hook(callback, "on_epoch_end", epoch, dict(logs))
        if model.stop_training:
            break
    _hook(callback, "on_train_end")
    return epoch, model


def _batches_and_validation(callback, model, batches, passed):
    for batch in range(batches):
        _hook(callback, "on_train_batch_begin", batch)
        passed("batch")
        _hook(callback, "on_train_batch_end", batch)
        if model.stop_training:
            break
    _hook(callback, "on_test_begin")
    passed("validation")
    _hook(callback, "on_test_end")


def _hook(callback, name, *args):
    hook = getattr(callback, name, None)
    if hook is None:
        raise Wrong("The answer should be a Keras callback: class ...(keras.callbacks.Callback).")
    if hook(*args) is ...:
        raise _still_blank(hook)


def check_hooks(callback):
    """Wrong if a class defines a method that looks like one of Keras's hooks and is none: nobody calls it."""
    hooks = [name for name in dir(keras.callbacks.Callback) if name.startswith("on_")]
    for name in vars(callback):
        if name.startswith("on_") and name not in hooks:
            near = difflib.get_close_matches(name, hooks, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise Wrong(f"Keras knows no method {name}, so nobody calls yours.{meant}")

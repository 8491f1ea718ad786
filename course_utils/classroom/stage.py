"""What graders share: the forms of an answer, the stage for callbacks, words for what can go wrong with any.

The forms, one rule for every exercise. **A number** is 2, 2.0, np.int64(2), an array without dimensions, a
scalar of TensorFlow, JAX or PyTorch. True is none, nor is a text ("2") or a list with one number in it.
**Several** are a list, a tuple, an array, a generator; typed by hand also a text: "bd", "b, d", "1, 2, 5".
**Yes or no** is a bool in any of these coats, or 1 or 0. What does not fit is refused with a sentence.
"""

import decimal
import difflib
import dis
import inspect
import itertools
import math
import numbers as kinds
import re
import reprlib
import sysconfig
import traceback

import keras
import numpy as np

# where Python's own modules and installed ones lie: a line in there is not the learner's
LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


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
    if isinstance(answer, dict):
        answer = list(answer.values())
    return answer is ... or (isinstance(answer, (tuple, list)) and any(has_blank(part) for part in answer))


def shown(value):
    """A value in words that stay short, however long it is."""
    return reprlib.repr(value)


# ---- the forms of an answer ----


def number(value):
    """The value as an int or a float, if it is one number, else None."""
    value = _scalar(value)
    real = kinds.Real, decimal.Decimal  # np.bool_ is not Real
    if isinstance(value, real) and not isinstance(value, bool):
        return int(value) if isinstance(value, kinds.Integral) else float(value)
    return None


def whole(value):
    """The value as an int, if it is a whole number (66 and 66.0 are), else None."""
    value = number(value)
    return int(value) if value is not None and math.isfinite(value) and value == int(value) else None


def truth(value):
    """The value as a bool, if it says yes or no, else None."""
    value = _scalar(value)
    return bool(value) if isinstance(value, (kinds.Real, np.bool_)) and value in (0, 1) else None


def several(value, typed=True, ordered=True):
    """The parts of the value as a list, if it has parts, else None. A `...` among them is Blank.

    `typed`: it was typed by hand, so that a text is taken apart. `ordered`: a set will not do, it is Wrong.
    """
    value = _scalar(value)
    if isinstance(value, str):
        return _taken_apart(value) if typed else None
    if isinstance(value, (set, frozenset)) and ordered:
        raise Wrong("A set, in braces {}, forgets the order, and the order counts here. Take brackets: [ ].")
    if isinstance(value, (bytes, dict, type)):
        return None
    try:
        parts = iter(value)
    except TypeError:
        return None
    parts = list(itertools.islice(parts, 10_000))  # a generator may have no end
    if has_blank(parts):
        raise Blank
    return parts


def one(value, asked, kind=number, typed=True):
    """The value as one number (or `kind`: whole, truth). Wrong if it is none; `asked` begins the sentence."""
    found = kind(value)
    if found is None:
        raise Wrong(f"{asked}; {'this is' if typed else 'you return'} {_odd(value, kind)}.")
    return found


def all_of(value, asked, kind=number, typed=True, ordered=True, count=None):
    """The value as a list of numbers (or `kind`). Wrong if it is none, or has not `count` parts."""
    parts = several(value, typed, ordered)
    found = None if parts is None else [kind(part) for part in parts]
    if found is None or (count is not None and len(found) != count):
        raise Wrong(f"{asked}; {'this is' if typed else 'you return'} {shown(value)}.")
    if None in found:
        raise Wrong(f"{asked}; in yours there is {_odd(parts[found.index(None)], kind)}.")
    return found


def _scalar(value):
    """What is in an array without dimensions, or in a scalar of another library; anything else as it is."""
    if isinstance(value, (kinds.Number, np.bool_, str)) or not hasattr(value, "shape"):
        return value
    try:
        return np.asarray(value).item() if tuple(value.shape) == () else value
    except Exception:  # a tensor without values, say
        return value


def _taken_apart(text):
    """"bd", "b, d" and "(b, d)" are b and d; "1, 2, 5" are three numbers."""
    found = re.findall(r"[^\s,;()\[\]{}\"']+", text)
    found = list(found[0]) if len(found) == 1 else found
    return [_read(part) for part in found]


def _read(part):
    for kind in (int, float):
        try:
            return kind(part)
        except ValueError:
            pass
    return part


def _odd(value, kind):
    """A value that is not of this kind, in words, with what to do about it where that is plain."""
    if isinstance(value, str):
        quotes = ": leave out the quotes" if kind(_read(value)) is not None else ""
        return f"the text {shown(value)}{quotes}"
    if inspect.isgenerator(value):
        return "a generator (is there a yield, or a for in round brackets?)"
    parts = several(value, typed=False, ordered=False)
    if parts is not None and len(parts) == 1 and kind(parts[0]) is not None:
        return f"{shown(value)}, a list with one number in it: take it out of the list"
    return shown(value)


def call(function, *args, none=False):
    """What a learner's function returns; `...` is Blank, None is Wrong unless `none`: it may be an answer."""
    if not callable(function):
        raise Wrong(f"The answer should be a function; this is {shown(function)}.")
    try:
        inspect.signature(function).bind(*args)
    except TypeError:
        values = "1 value" if len(args) == 1 else f"{len(args)} values"
        raise Wrong(f"The function is called with {values}, but yours takes "
                    f"{inspect.signature(function)}.") from None
    except ValueError:  # a function written in C that does not tell what it takes
        pass
    value = function(*args)
    if has_blank(value):
        raise _still_blank(function)
    if value is None and not none:
        raise Wrong("What came back is None: is a return missing?")
    return value


def explain_error(error):
    """A sentence about an exception in a learner's code: what it says, and in which line."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if "course_utils" not in frame.filename]
    written = [frame for frame in theirs if not frame.filename.startswith(LIBRARIES)]
    where = f' in the line "{written[-1].line}"' if written and written[-1].line else ""
    if isinstance(error, KeyboardInterrupt):
        return f"The check was interrupted{where}. Does your code come to an end?"
    if not theirs:
        return f"The answer is not of the kind that is asked for: {error}"
    if isinstance(error, SystemExit):
        return f"Your code raised SystemExit{where}: that ends Python itself, not a function or a training."
    lists = re.search(r"'list'|by non-int of type|only integer scalar arrays", str(error))
    more = " What it is given are lists; np.array(...) makes an array of one." if lists else ""
    said = f": {str(error).rstrip('.')}" if str(error) else ""
    return f"Your code raised {type(error).__name__}{where}{said}.{more}"


def untouched_template(function):
    """Is a function as the template has it, a `return ...` alone?"""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is None or sum(1 for _ in dis.get_instructions(code)) <= 5


def _still_blank(function):
    """Blank, or Wrong if something was written and the template's `return ...` left behind it."""
    if untouched_template(function):
        return Blank()
    return Wrong("The template's `return ...` still stands at the end: it hands back the dots.")


class Model:
    """As much of a model as a callback needs; its weight is the number of the epoch it comes from.

    As in Keras, training changes `weights` in place, and get_weights gives a copy. Before the first epoch the
    number is -1.
    """

    name = "sequential"

    def __init__(self):
        self.stop_training, self._weights = False, [np.array(-1)]

    @property
    def stop_training(self):
        return self._stop

    @stop_training.setter
    def stop_training(self, value):
        self._stop = truth(value)
        if self._stop is None:
            text = ", and any text counts as true" if isinstance(value, str) else ""
            raise Wrong(f"stop_training is True or False; you set it to {shown(value)}{text}.")

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
    model, rows = model or Model(), list(rows)
    call_hook(callback, "set_model", model)
    call_hook(callback, "set_params", {"epochs": len(rows), "steps": batches or 1, "verbose": 0})
    call_hook(callback, "on_train_begin", {})
    epoch, given = None, {}
    for epoch, logs in enumerate(rows):
        call_hook(callback, "on_epoch_begin", epoch, {})  # the weights are still those of the epoch before
        model.set_weights([epoch])  # in place: who kept no copy has the new ones
        if batches:
            _batches_and_validation(callback, model, batches, passed or (lambda what: None))
        if meddle:
            meddle(epoch, model)
        given = dict(sorted(logs.items()))  # in the order in which Keras hands them over
        call_hook(callback, "on_epoch_end", epoch, given)
        changed = [name for name in logs if name not in given or given[name] is not logs[name]]
        if changed:
            raise Wrong(f'Your on_epoch_end takes "{changed[0]}" out of logs, or changes it. Keras hands '
                        "the same logs to every callback, also to that of the history: only read them.")
        if model.stop_training:
            break
    call_hook(callback, "on_train_end", given)
    return epoch, model


def _batches_and_validation(callback, model, batches, passed):
    for batch in range(batches):
        call_hook(callback, "on_train_batch_begin", batch, logs={})
        passed("batch")
        call_hook(callback, "on_train_batch_end", batch, logs={})
        if model.stop_training:
            break
    call_hook(callback, "on_test_begin", {})
    call_hook(callback, "on_test_batch_begin", 0, logs={})
    passed("validation")
    call_hook(callback, "on_test_batch_end", 0, logs={})
    call_hook(callback, "on_test_end", {})


def call_hook(callback, name, *args, **logs):
    """Call a hook as Keras does: the hooks of batches get logs by name, the others by position."""
    hook = getattr(callback, name, None)
    if hook is None:
        raise Wrong("The answer should be a Keras callback: class ...(keras.callbacks.Callback).")
    try:
        got = hook(*args, **logs)
    except TypeError as error:
        if error.__traceback__.tb_next is not None:  # raised in the hook, not by calling it
            raise
        takes = inspect.signature(getattr(keras.callbacks.Callback, name))
        raise Wrong(f"Keras cannot call your {name}: {error}. It begins def {name}{takes}.") from None
    if got is ...:
        raise _still_blank(hook)


def check_hooks(callback):
    """Wrong if a class defines a method that looks like one of Keras's hooks and is none: nobody calls it."""
    hooks = [name for name in dir(keras.callbacks.Callback) if name.startswith("on_")]
    for name in vars(callback):
        if name.startswith("on_") and name not in hooks:
            near = difflib.get_close_matches(name.replace("start", "begin"), hooks, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise Wrong(f"Keras knows no method {name}, so nobody calls yours.{meant}")

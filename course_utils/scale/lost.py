"""When fit ends by an exception, Keras calls no callback: how the report comes to say why, all the same."""

import contextlib
import re

from ..stopping.report import Report

ENGINES = re.compile(r"gloo|nccl|collective|coordination", re.IGNORECASE)
LOST = re.compile(r"connection (reset|closed|refused)|socket closed|heartbeat|unhealthy|timed? ?out",
                  re.IGNORECASE)


@contextlib.contextmanager
def reporting(*callbacks):
    """An exception in `fit` becomes the reason in the reports of these callbacks, and goes on.

        with reporting(stop):
            model.fit(..., callbacks=[stop])

    If the engine says that it no longer reaches another process, so does the reason. `restore_best()` works
    then: what is kept lies in this process. On JAX nothing else does that needs the other's devices; take the
    weights, save them, and end.

    Args:
        callbacks: StopWhen or When.

    >>> from course_utils.stopping import Epochs, StopWhen
    >>> stop = StopWhen(Epochs(3))
    >>> with contextlib.suppress(OSError), reporting(stop):
    ...     raise OSError("no such picture")
    >>> stop.report.reason
    'training failed before its first epoch: OSError: no such picture'
    """
    try:
        yield
    except Exception as error:
        for callback in callbacks:
            recorder = callback.recorder
            place = "before its first epoch" if recorder.epoch is None else f"in epoch {recorder.epoch}"
            what, said = _what_happened(error)
            callback.ended = Report(f"{what} {place}: {said}", type(error).__name__, recorder.epoch,
                                    recorder.step)
        raise


def _what_happened(error):
    """("a process was lost", the line that says so), or ("training failed", what it says first)."""
    lines = [line for line in map(str.strip, str(error).splitlines()) if line]
    if ENGINES.search(str(error)) and (telling := [line for line in lines if LOST.search(line)]):
        what, lines = "a process was lost", telling
    else:  # TensorFlow begins with headings, and where in Python it was
        what, lines = "training failed", [line for line in lines if line[-1] != ":" and 'File "' not in line]
    return what, f"{type(error).__name__}: {lines[0].removesuffix(':') if lines else ''}"

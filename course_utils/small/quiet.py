"""Holding back what LiteRT says, in Python and in C++."""

import contextlib
import io
import logging
import os
import tempfile
import warnings


@contextlib.contextmanager
def quietly():
    """Hold back the notes of TensorFlow's converter and of LiteRT's interpreter; exceptions still arrive."""
    log = logging.getLogger("tensorflow")
    level, real = log.level, _copy_of_stderr()
    with (contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()),
          warnings.catch_warnings(action="ignore"), tempfile.TemporaryFile() as held):
        log.setLevel("ERROR")
        if real is not None:
            os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            if real is not None:
                os.dup2(real, 2)
                os.close(real)
            log.setLevel(level)


def _copy_of_stderr():
    try:
        return os.dup(2)
    except OSError:  # a process without one
        return None

"""TensorFlow's start-up lines, held back for learners. No number that TensorFlow computes depends on it."""

import contextlib
import importlib.abc
import importlib.machinery
import os
import sys
import tempfile
import warnings


def keep_tensorflow_quiet():
    """Let TensorFlow, not imported yet, start without its notes; what goes wrong still arrives."""
    # Keras 3.15 warns at every fit on a tf.data pipeline that its own default, shuffle=True, has no effect.
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed", category=UserWarning)
    # 3 hides TensorFlow's own log lines; what goes wrong in a model is a Python exception.
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if level == "3" and "tensorflow" not in sys.modules and not _is_there():
        sys.meta_path.insert(0, _QuietTensorFlow())


def _is_there():
    return any(isinstance(finder, _QuietTensorFlow) for finder in sys.meta_path)


class _QuietTensorFlow(importlib.abc.MetaPathFinder):
    """Imports TensorFlow with stderr held back.

    Where there is no CUDA, TensorFlow 2.21 says so while its libraries are loaded, and that it uses oneDNN,
    before it has read the log level; no variable stops the first.
    """

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def quietly(module):
                with _held_stderr():
                    execute(module)

            spec.loader.exec_module = quietly
        return spec


@contextlib.contextmanager
def _held_stderr():
    """Hold back what is written to file descriptor 2; say it after all if the block raises."""
    try:
        real = os.dup(2)
    except OSError:  # it is closed: there is nothing to hold back
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(real, held.read())
            raise
        finally:
            os.dup2(real, 2)
            os.close(real)

"""Stopping criteria, the Keras callbacks that act on them, and the helpers of the lessons.

Importing this package loads nothing heavy. It does keep TensorFlow's start-up lines away, so import it before
keras or tensorflow, as every lesson does. `TF_CPP_MIN_LOG_LEVEL=0` in the environment brings them all back.
"""
import contextlib
import importlib.abc
import importlib.machinery
import os
import sys
import tempfile
import warnings

# A learner's first output should not be a page of red notes about GPUs and CPU instructions. 3 hides
# TensorFlow's own log lines; what goes wrong in a model still arrives as a Python exception.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Without oneDNN's reordered sums its notice is not printed either, and results differ less between machines.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
# Keras 3.15 warns at every fit on a tf.data pipeline that its own default, shuffle=True, has no effect there.
warnings.filterwarnings("ignore", message="`shuffle=True` was passed", category=UserWarning)


@contextlib.contextmanager
def _held_stderr():
    """Hold back what is written to file descriptor 2; say it after all if the block raises."""
    real = os.dup(2)
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


class _QuietTensorFlow(importlib.abc.MetaPathFinder):
    """Imports TensorFlow with stderr held back.

    Where there is no CUDA, TensorFlow 2.21 says so while its libraries are loaded, before it has read the
    log level, and no variable stops it.
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


if os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3" and "tensorflow" not in sys.modules:
    sys.meta_path.insert(0, _QuietTensorFlow())

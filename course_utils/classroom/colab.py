"""What the set-up cell of a notebook does in Colab, once the course is there. Elsewhere it does nothing."""

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def set_up(*packages):
    """Install those of `packages` that Colab lacks, go where the notebooks are, and say that it is done.

    Never TensorFlow or Keras: Colab has its own, and a second one breaks both.

    Args:
        packages: names as pip knows them.

    Raises:
        RuntimeError: pip failed; the message is pip's.
    """
    if "google.colab" not in sys.modules:
        return
    missing = [name for name in packages if not importlib.util.find_spec(name.replace("-", "_"))]
    if missing:
        command = [sys.executable, "-m", "pip", "install", "--quiet", *missing]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"pip install {' '.join(missing)} failed:\n{done.stderr}")
        importlib.invalidate_caches()
    os.chdir(NOTEBOOKS)
    print("The course is here. Go on.")  # a cell that prints nothing looks as if it had failed

"""What a bug report begins with, one line: `python -m course_utils.report`. Imports none of what it names."""

import json
import os
import platform
from importlib import metadata
from pathlib import Path

PACKAGES = ("keras", "tensorflow", "tf_keras", "tensorflow-model-optimization", "numpy", "jax", "torch")


def version(package):
    """The version that is installed, as text, or None. Nothing is imported.

    >>> version("no-such-package") is None
    True
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def keras_backend():
    """The backend that Keras would start with here: its variable, else its file, else TensorFlow.

    Keras looks in the same order (keras/src/backend/config.py); a script that sets the variable later, or
    calls `keras.config.set_backend`, has another. A file that cannot be read is passed over, as Keras does.
    """
    folder = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"))
    try:
        chosen = json.loads((folder / "keras.json").read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        chosen = None
    return os.environ.get("KERAS_BACKEND") or chosen or "tensorflow"


def report():
    """Versions of this library, Python, the system and the packages that matter, as one line.

    Packages that are not installed are left out. A clone or a copied folder that pip did not install says so.

    >>> report().startswith("course_utils ")
    True
    """
    parts = [f"course_utils {version('when-to-stop') or 'not installed by pip'}",
             f"Python {platform.python_version()}", platform.platform()]
    for package in PACKAGES:
        if found := version(package):
            parts.append(f"{package} {found}" + f" on {keras_backend()}" * (package == "keras"))
    return ", ".join(parts)


if __name__ == "__main__":
    print(report())

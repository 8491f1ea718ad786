"""Other packages: which version is needed, and the line that brings what is missing."""

from importlib import metadata

from packaging.version import Version  # Keras brings it

LINES = {  # package -> (least version, what pip calls it)
    "ray": ("2.44", "ray[tune]"),
    "optuna": ("4.0", "optuna"),
}


def need(package, what):
    """The package should be installed, in a version that is not too old. It is not imported.

    Args:
        package: a name in LINES.
        what: what it is needed for, as text.

    Raises:
        ImportError: it is missing or too old; the message has the line that installs it.
    """
    least, name = LINES[package]
    line = f"pip install '{name}>={least}'"
    try:
        found = metadata.version(package)
    except metadata.PackageNotFoundError:
        raise ImportError(f"{what} needs {package}, which is not installed: {line}", name=package) from None
    if Version(found) < Version(least):
        raise ImportError(f"{what} needs {package} {least} or newer, and {found} is installed: {line}",
                          name=package)

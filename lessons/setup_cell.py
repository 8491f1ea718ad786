# @title Set-up for Colab; elsewhere this cell does nothing { display-mode: "form" }
def _set_up_colab(repository):
    import importlib.util
    import os
    import subprocess
    import sys

    try:
        import google.colab  # noqa: F401
    except ImportError:
        return
    if importlib.util.find_spec("course_utils"):
        return

    def run(*command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")

    folder = os.path.abspath(repository.rsplit("/", 1)[-1])
    if not os.path.isdir(folder):
        run("git", "clone", "--quiet", "--depth", "1", repository, folder)
    # Never TensorFlow or Keras: Colab has its own, and a second one breaks both.
    packages = {"matplotlib": "matplotlib", "sklearn": "scikit-learn"}
    missing = [package for module, package in packages.items() if not importlib.util.find_spec(module)]
    if missing:
        run(sys.executable, "-m", "pip", "install", "--quiet", *missing)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        importlib.import_module("course_utils")
    except ImportError as error:
        raise ImportError(f"course_utils does not import from {folder}, a clone of {repository}") from error
    os.chdir(os.path.join(folder, "notebooks"))


_set_up_colab("<repository>")
import course_utils.classroom  # keeps TensorFlow's start-up lines away

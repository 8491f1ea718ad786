"""`make colab`: the notebooks on Colab's runtime, as far as it can be built: its versions, nothing of ours.

    python tests/lanes/colab.py [00 05 ...]

constraints/colab.txt goes into an environment of its own in build/colab, requirements.txt does not. Each
notebook is run from an empty folder, with a stand-in for `google.colab`; the set-up cell clones this
repository as of the last commit. What pip adds meanwhile is looked at, and taken away before the next one.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from shared import BUILD, ROOT, chosen, faults, verdict

VENV = BUILD / "colab" / "venv"
PYTHON = VENV / "bin" / "python"
PINS = ROOT / "constraints" / "colab.txt"
BUILT = VENV / "colab.txt"  # the pins that it was built from
STAND_IN = 'import sys, types\nsys.modules["google.colab"] = types.ModuleType("google.colab")\n'
ITS_OWN = ("tensorflow", "tf-nightly", "keras", "tf-keras", "numpy")  # Colab's, and there once
FETCH = {"tensorflow-model-optimization"}  # what chapters 05, 06 and 09b have to fetch for themselves
FETCHED_BY = ("05", "06", "09b")


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, text=True, **options)


def pip(*arguments, **options):
    return run(PYTHON, "-m", "pip", "--disable-pip-version-check", *arguments, **options)


def runtime():
    """Build the environment, unless it stands and is built from these pins."""
    if BUILT.is_file() and BUILT.read_text() == PINS.read_text():
        return
    shutil.rmtree(VENV, ignore_errors=True)
    version = sys.version.split()[0]
    print(f"Installing Colab's runtime into {VENV} (some minutes), Python {version}", flush=True)
    run(sys.executable, "-m", "venv", VENV)
    pip("install", "--quiet", "--requirement", PINS, "nbclient")
    shutil.copy(PINS, BUILT)


def installed():
    """Package -> version, as pip sees them."""
    listed = pip("list", "--format", "json", capture_output=True).stdout
    return {package["name"].lower().replace("_", "-"): package["version"] for package in json.loads(listed)}


def remote():
    """Settings that send git to this repository for what is at the address in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = project["urls"]["Repository"].rstrip("/").removesuffix(".git")
    return {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": f"url.{ROOT.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": address, "GIT_CONFIG_KEY_1": "safe.directory", "GIT_CONFIG_VALUE_1": "*"}


def execute(path, home):
    """Run the notebook at `path` in the empty folder home / "content"; returns its faults."""
    startup, content = home / "ipython" / "profile_default" / "startup", home / "content"
    startup.mkdir(parents=True)
    content.mkdir()
    (startup / "00-colab.py").write_text(STAND_IN)
    ran = home / path.name
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    own = {"IPYTHONDIR": str(home / "ipython"), "JUPYTER_DATA_DIR": str(home / "data"), **remote()}
    run(PYTHON, Path(__file__).with_name("colab_kernel.py"), path, ran, cwd=content, env={**clean, **own})
    said = faults(ran)
    if not list(content.glob("*/course_utils")):
        said.append("the set-up cell cloned nothing")
    return said


def changes(number, before, after):
    """What notebook `number` did to the packages that it should not have, as sentences."""
    said = [f"pip made {name} {after.get(name)} of {version}" for name, version in before.items()
            if after.get(name) != version]
    added = set(after) - set(before)
    said += [f"a second TensorFlow: {name} {after[name]}" for name in sorted(added)
             if name.startswith(ITS_OWN) and name not in FETCH]
    if number in FETCHED_BY and not added >= FETCH:
        said.append(f"{', '.join(FETCH)} was to be fetched, and was not")
    if added:
        print(f"{number} fetched {', '.join(f'{name} {after[name]}' for name in sorted(added))}", flush=True)
    return said


def lesson(path, before):
    """All that is wrong with the notebook at `path` on Colab's runtime."""
    with tempfile.TemporaryDirectory() as home:
        said = execute(path, Path(home))
    after = installed()
    said += changes(path.stem.split("_")[0], before, after)
    if set(after) - set(before):
        pip("uninstall", "--quiet", "--yes", *sorted(set(after) - set(before)), capture_output=True)
    return said


def main(names):
    paths = chosen(names)
    runtime()
    before = installed()
    already = FETCH & set(before)
    if already:
        sys.exit(f"{', '.join(already)} is in {VENV} already; delete that folder and start again.")
    verdict({path.stem: lesson(path, before) for path in paths})


if __name__ == "__main__":
    main(sys.argv[1:])

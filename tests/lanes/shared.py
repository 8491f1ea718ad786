"""What the lanes share: which notebooks, what is wrong with one that ran, and how a lane skips."""

import contextlib
import json
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


def chosen(names):
    """Paths of the learner's notebooks with the numbers `names`, such as "00"; without any, of all."""
    every = {path.stem.split("_")[0]: path for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
    for name in names:
        if name not in every:
            sys.exit(f"No notebook is called {name}; there are {', '.join(every)}.")
    return [path for number, path in every.items() if not names or number in names]


def skip(why):
    """End the lane, saying that nothing was tested: no error, except in CI, or it looks green for ever."""
    print(f"SKIPPED, nothing was tested: {why}")
    sys.exit(1 if os.environ.get("CI") else 0)


def chromium():
    """A context manager that gives a headless Chromium, of playwright; without one the lane is skipped."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        skip("there is no Chromium here (Debian: apt install chromium).")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip("there is no playwright here (pip install playwright; `make browser` does it).")
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []

    @contextlib.contextmanager
    def launch():
        with sync_playwright() as play, play.chromium.launch(executable_path=path, args=root) as browser:
            yield browser

    return launch


def faults(path):
    """What is wrong with the executed notebook at `path`, as sentences: errors, stderr, what did not run."""
    every = json.loads(path.read_text(encoding="utf-8"))["cells"]
    cells = [cell for cell in every if cell["cell_type"] == "code"]
    said = []
    for number, cell in enumerate(cells, 1):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                said.append(f"code cell {number}: {output['ename']}: {output['evalue']}")
            if output.get("name") == "stderr":
                said.append(f"code cell {number} writes to stderr: {''.join(output['text'])[:300]}")
        if not cell["execution_count"]:
            said.append(f"code cell {number} did not run")
    exercises = scored(every)
    wanted = f"0 of {exercises} solved"
    if exercises and wanted not in json.dumps(summary(cells)["outputs"]):
        said.append(f"the summary does not say {wanted!r}")
    return said


def summary(cells):
    """The one cell that prints the score: the last of the exercises, though a dessert may follow."""
    (cell,) = [cell for cell in cells if "ex.summary()" in "".join(cell["source"])]
    return cell


def scored(cells):
    """How many exercises a notebook counts. "Not scored" or "Your turn" in the text before: it is none."""
    before = ["", *("".join(cell["source"]) for cell in cells)]
    free = ("Not scored", "**Your turn.**")
    return sum("exercise" in cell["metadata"].get("tags", []) and not any(word in text for word in free)
               for text, cell in zip(before, cells))


def verdict(failed):
    """End the lane: print `failed`, a notebook's name -> its faults, and exit with 1 if there are any."""
    for name, said in failed.items():
        print(f"{name}: {'; '.join(said) or 'good'}", flush=True)
    sys.exit(any(failed.values()))

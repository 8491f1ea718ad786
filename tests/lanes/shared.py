"""What the lanes share: which notebooks, what is wrong with one that ran, and how a lane skips."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"


def chosen(names):
    """Paths of the learner's notebooks whose names begin with one of `names`, such as "00"; without any, all."""
    every = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for name in names:
        if not any(path.stem.startswith(f"{name}_") for path in every):
            sys.exit(f"No notebook is called {name}; there are {', '.join(p.stem[:p.stem.index('_')] for p in every)}.")
    return [path for path in every if not names or path.stem[:path.stem.index("_")] in names]


def skip(why):
    """End the lane, saying that nothing was tested; not an error, so that a machine without it goes on."""
    print(f"SKIPPED, nothing was tested: {why}")
    sys.exit(0)


def faults(path):
    """Sentences on what is wrong with the executed notebook at `path`: errors, stderr, a cell or last line missing."""
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    said = []
    for number, cell in enumerate(cells, 1):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                said.append(f"code cell {number}: {output['ename']}: {output['evalue']}")
            if output.get("name") == "stderr":
                said.append(f"code cell {number} writes to stderr: {''.join(output['text'])[:300]}")
        if not cell["execution_count"]:
            said.append(f"code cell {number} did not run")
    exercises = sum("exercise" in cell["metadata"].get("tags", []) for cell in cells)
    wanted = f"0 of {exercises} solved"
    if exercises and wanted not in json.dumps(cells[-1]["outputs"]):
        said.append(f"the last cell does not say {wanted!r}")
    return said


def verdict(failed):
    """End the lane: print `failed`, a dict of a notebook's name to its faults, and exit with 1 if there are any."""
    for name, said in failed.items():
        print(f"{name}: {'; '.join(said) or 'good'}", flush=True)
    sys.exit(any(failed.values()))

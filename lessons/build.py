"""Build the notebooks from the lessons: `make notebooks`, or `python lessons/build.py [--force] [01 ...]`.

Every lessons/NN_name.py (jupytext's py:percent) gives two executed notebooks: notebooks/NN_name.ipynb, which
a learner opens (no cells tagged `solution`; those tagged `reveal` lose their output), and
notebooks/solutions/NN_name.ipynb (no cells tagged `exercise`; every output). What serves the tests alone
stays out of sight: the marker `# NBVAL_CHECK_OUTPUT` becomes nbval's tag of the same name, and
`<!-- given: 0.01 -->` goes. A notebook is rebuilt when its lesson, the opening cells or constraints/lock.txt
changed; its metadata holds the hash that tells.
"""
import argparse
import collections
import hashlib
import pathlib
import re
import subprocess
import sys
import time
import tomllib

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError

ROOT = pathlib.Path(__file__).resolve().parents[1]
FACES = {"": "solution", "solutions": "exercise"}  # folder under notebooks/ -> the tag that it leaves out
CHECKED = "nbval-check-output"  # nbval compares what a cell with this tag prints
MARKER = re.compile(r"(?m)^\s*#+\s*NBVAL_CHECK_OUTPUT\s*$\n?")
PREMISE = re.compile(r"\s*<!--\s*given:(.*?)-->", re.DOTALL)
SLOW, LIMIT = 30, 60  # seconds a notebook may take: a warning above the first, an error above the second
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python",
                      "pygments_lexer": "ipython3"},
}


class BuildError(Exception):
    """A lesson that does not give a clean notebook."""


def tags(cell):
    return cell.metadata.get("tags", [])


def lessons(source=ROOT / "lessons"):
    """The lessons in a folder, in order; an appendix, 04b_name.py, comes after its chapter."""
    return sorted(pathlib.Path(source).glob("[0-9][0-9]*_*.py"))


def tidy(cell, folder):
    """Take out of a cell what only tests read: nbval's marker becomes its tag, premises of the prose go."""
    if cell.cell_type != "code":
        cell.source = PREMISE.sub("", cell.source)
        return
    cell.source, marked = MARKER.subn("", cell.source)
    # a learner's reveal cell is stored without its output, and nbval would find that it differs
    if marked and (folder or "reveal" not in tags(cell)):
        cell.metadata["tags"] = [*tags(cell), CHECKED]


def opening(name, folder, text=""):
    """What stands below a notebook's title: the Colab badge, and the set-up that does nothing elsewhere."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    repository = project["urls"]["Repository"].rstrip("/").removesuffix(".git")
    colab = "https://colab.research.google.com"
    page = repository.replace("https://github.com", f"{colab}/github") + "/blob/main/notebooks/"
    page += f"{folder}/{name}.ipynb".lstrip("/")
    # what prunes needs tfmot, and tf-keras beside it, or pip changes TensorFlow
    prunes = "prune_at_stop" in text or "course_utils.pruning" in text
    known = {"repository": repository, "folder": repository.rsplit("/", 1)[-1],
             "packages": '"tensorflow-model-optimization", "tf-keras"' if prunes else ""}
    setup = (ROOT / "lessons" / "setup_cell.py").read_text(encoding="utf-8").strip()
    setup = re.sub(r"<(\w+)>", lambda match: known[match[1]], setup)
    hidden = {"cellView": "form", "jupyter": {"source_hidden": True}, "tags": ["setup"]}
    return [
        nbformat.v4.new_markdown_cell(f"[![Open in Colab]({colab}/assets/colab-badge.svg)]({page})",
                                      metadata={"tags": ["setup"]}),
        nbformat.v4.new_code_cell(setup, metadata=hidden),
    ]


def compose(lesson, folder):
    """A lesson's face before it is run: cells, ids and metadata depend on the files alone."""
    text = lesson.read_text(encoding="utf-8")
    lock = (ROOT / "constraints" / "lock.txt").read_text(encoding="utf-8")
    kept = [cell for cell in jupytext.reads(text, fmt="py:percent").cells if FACES[folder] not in tags(cell)]
    title = kept[:1] if kept and kept[0].cell_type == "markdown" else []  # a reader meets the title first
    cells = title + opening(lesson.stem, folder, text) + kept[len(title):]
    seen = collections.Counter()
    for cell in cells:
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's own note of blank lines
        tidy(cell, folder)
        seen[cell.source] += 1
        cell.id = hashlib.sha256(f"{seen[cell.source]} {cell.source}".encode()).hexdigest()[:12]
    stamp = hashlib.sha256((text + lock).encode()).hexdigest()
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA | {"when_to_stop": {"sha256": stamp}})


def is_built(path, wanted):
    """Whether the notebook at `path` was built from exactly this lesson, these cells and this lock."""
    def essence(notebook):
        return notebook.metadata, [(c.cell_type, c.id, c.source, c.metadata) for c in notebook.cells]
    return path.is_file() and essence(nbformat.read(path, as_version=4)) == essence(wanted)


def execute(notebook, cwd, limit=LIMIT):
    """Run a notebook in place, in a fresh kernel, and return the seconds it took. Raises BuildError."""
    started, metadata, begun = time.perf_counter(), notebook.metadata.copy(), []
    client = NotebookClient(notebook, kernel_name="python3", timeout=2 * limit, record_timing=False,
                            coalesce_streams=True, resources={"metadata": {"path": str(cwd)}},
                            on_cell_execute=lambda cell, cell_index: begun.append(cell_index + 1))
    try:
        client.execute(stderr=subprocess.DEVNULL)  # the kernel's own log; what cells write comes as output
    except (CellControlSignal, DeadKernelError) as error:
        raise BuildError(f"cell {begun[-1]} fails\n{error}") from error
    seconds = time.perf_counter() - started
    notebook.metadata = metadata  # as it was: without this machine's version of Python
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                raise BuildError(f"cell {number} writes to stderr:\n{cell.source}\n---\n{output.text}")
            # a widget of a kernel that is gone; what stands for it in the same output stays
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
            if output.output_type == "error":  # meant to; the frames above would name folders of this machine
                output.traceback = [f"{output.ename}: {output.evalue}"]
    if seconds > limit:
        raise BuildError(f"takes {seconds:.0f} s; the limit is {limit:g} s: record it into data/ and replay")
    return seconds


def build(lesson, folder, target, force=False, limit=LIMIT):
    """Write one face of a lesson below `target` unless it is there already. Raises BuildError."""
    path = pathlib.Path(target, folder, f"{lesson.stem}.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = compose(lesson, folder)
    if is_built(path, notebook) and not force:
        return
    try:
        seconds = execute(notebook, path.parent, limit)
    except BuildError as error:
        raise BuildError(f"{path}: {error}") from error
    for cell in notebook.cells:
        if not folder and "reveal" in tags(cell):
            cell.outputs = []  # the count stays: it was run
    nbformat.write(notebook, path)
    print(f"{path}: built, {seconds:.0f} s{' (slow: aim at 30 s)' if seconds > SLOW else ''}", flush=True)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="how the lessons' file names begin; all of them if left out")
    parser.add_argument("--force", action="store_true", help="rebuild what has not changed, too")
    parser.add_argument("--source", default=ROOT / "lessons", help="folder of the lessons")
    parser.add_argument("--target", default=ROOT / "notebooks", help="folder of the notebooks")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds a notebook may take")
    options = parser.parse_args(argv)
    chosen = [path for path in lessons(options.source) if path.name.startswith(tuple(options.names) or "")]
    if not chosen:
        sys.exit(f"no lesson in {options.source} begins with {' or '.join(options.names) or 'two digits'}")
    try:
        for lesson in chosen:
            for folder in FACES:  # one after the other, so that the seconds mean something
                build(lesson, folder, options.target, options.force, options.limit)
    except BuildError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()

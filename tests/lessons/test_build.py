"""lessons/build.py: what each face keeps, what is rebuilt, what stops a build; the set-up cell for Colab."""
import importlib.util
import os
import pathlib
import subprocess
import sys
import tomllib
import types

import nbformat
import pytest

import build
from course_utils.classroom import colab

LESSON = """# %% [markdown]
# # Does it stop?

# %% [markdown]
# It says so at 0.01 <!-- given: 0.01 --> and then. <!-- given:
# 16 -->

# %%
# NBVAL_CHECK_OUTPUT
print("Always.")

# %%
guess = ...

# %% tags=["reveal"]
# NBVAL_CHECK_OUTPUT
print("Sixteen.")

# %% tags=["exercise"]
answer = ...

# %% tags=["solution"]
answer = 16

# %% tags=["raises-exception"]
import os
raise ValueError("no")
"""


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "lessons" / "01_stop.py"
    path.parent.mkdir()
    path.write_text(LESSON, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Both faces of LESSON, built, and where."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "01_stop.py").write_text(LESSON, encoding="utf-8")
    build.main(["--source", str(folder), "--target", str(folder)])
    paths = {face: folder / face / "01_stop.ipynb" for face in build.FACES}
    learner, solutions = (nbformat.read(paths[face], 4) for face in ("", "solutions"))
    return types.SimpleNamespace(lesson=folder / "01_stop.py", target=folder, path=paths[""],
                                 learner=learner, solutions=solutions)


def cell(notebook, source):
    (found,) = [cell for cell in notebook.cells if source in cell.source]
    return found


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def test_each_face_has_its_twin(faces):
    assert "answer = ..." in sources(faces.learner) and "answer = 16" not in sources(faces.learner)
    assert "answer = 16" in sources(faces.solutions) and "answer = ..." not in sources(faces.solutions)


def test_the_learner_gets_no_answer_and_nbval_nothing_to_compare_it_with(faces):
    hidden, shown = cell(faces.learner, "Sixteen"), cell(faces.solutions, "Sixteen")
    assert shown.outputs[0].text == "Sixteen.\n" and shown.metadata.tags == ["reveal", "nbval-check-output"]
    assert hidden.outputs == [] and hidden.execution_count == shown.execution_count == 4
    assert hidden.metadata.tags == ["reveal"]


def test_what_only_tests_read_is_out_of_sight(faces):
    for notebook in (faces.learner, faces.solutions):
        assert not [each for each in sources(notebook) if "NBVAL" in each or "<!--" in each]
        assert cell(notebook, "Always").source == 'print("Always.")'
        assert cell(notebook, "Always").metadata.tags == ["nbval-check-output"]
        assert cell(notebook, "It says").source == "It says so at 0.01 and then."


@pytest.mark.rare
def test_nbval_compares_what_the_tag_says_and_nothing_else(faces, tmp_path):
    """The words are those of the tests' own run: --nbval-lax."""
    notebook = nbformat.read(faces.target / "solutions" / "01_stop.ipynb", 4)
    for tagged, code in (("Always", 1), ("answer = 16", 0)):
        changed = nbformat.from_dict(notebook)
        cell(changed, tagged).outputs = [nbformat.v4.new_output("stream", text="Something else.\n")]
        nbformat.write(changed, tmp_path / "changed.ipynb")
        run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--nbval-lax",
                              "--nbval-current-env", "-p", "no:cacheprovider", "changed.ipynb"],
                             cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == code, run.stdout
        assert ("Something else." in run.stdout) == (code == 1)
        notebook = nbformat.read(faces.target / "solutions" / "01_stop.ipynb", 4)


def test_a_meant_error_names_no_folder_of_the_machine(faces):
    (output,) = cell(faces.solutions, "raise ValueError").outputs
    assert output.traceback == ["ValueError: no"]


def test_title_badge_and_set_up_come_first_and_name_the_repository_of_pyproject(faces):
    for folder, notebook in (("", faces.learner), ("solutions/", faces.solutions)):
        title, badge, setup = notebook.cells[:3]
        assert f"/blob/main/notebooks/{folder}01_stop.ipynb)" in badge.source
        assert "https://colab.research.google.com/github/" in badge.source
        assert setup.metadata.jupyter.source_hidden and setup.metadata.cellView == "form"
        assert "<" not in setup.source and setup.outputs == [] and len(setup.source.splitlines()) < 12
        assert title.source == "# Does it stop?"


def test_what_has_not_changed_is_not_rebuilt(faces, monkeypatch):
    monkeypatch.setattr(build, "execute", lambda *_: pytest.fail("was run again"))
    os.utime(faces.lesson)  # a fresh clone makes every file new
    build.main(["--source", str(faces.target), "--target", str(faces.target)])


@pytest.mark.parametrize("change", ["lesson", "lock", "notebook", "force"])
def test_what_has_changed_is_rebuilt(change, faces, tmp_path, monkeypatch):
    lesson, path = faces.lesson, tmp_path / "01_stop.ipynb"
    notebook = nbformat.read(faces.path, 4)
    if change == "lesson":
        lesson = tmp_path / lesson.name
        lesson.write_text(LESSON.replace("no", "yes"), encoding="utf-8")
    if change == "lock":
        monkeypatch.setattr(build, "ROOT", tmp_path)
        for name in ("pyproject.toml", "lessons/setup_cell.py", "constraints/lock.txt"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            text = (pathlib.Path(build.__file__).parents[1] / name).read_text(encoding="utf-8")
            (tmp_path / name).write_text(text + "\n" * name.endswith("lock.txt"), encoding="utf-8")
    if change == "notebook":
        notebook.cells[-1].source += "  # by hand"
    nbformat.write(notebook, path)
    ran = []
    monkeypatch.setattr(build, "execute", lambda *_: ran.append(1) or 1.0)
    build.build(lesson, "", tmp_path, force=change == "force")
    assert ran


@pytest.mark.parametrize(("source", "message"), [
    ("1 / 0", "cell 3 fails"),
    ("import sys; print('careful', file=sys.stderr)", "cell 3 writes to stderr"),
    ("import os, time; os.write(2, b'from below'); time.sleep(1)", "cell 3 writes to stderr"),
    ("import os; os._exit(1)", "cell 3 fails"),
])
def test_a_build_stops_at(source, message, lesson, tmp_path, monkeypatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # with it, a kernel leaves file descriptor 2 alone
    lesson.write_text(f"# %%\n{source}\n", encoding="utf-8")
    with pytest.raises(build.BuildError, match=message):
        build.build(lesson, "", tmp_path)
    assert not (tmp_path / "01_stop.ipynb").exists()


@pytest.mark.parametrize("seconds", [29, 31, 61])
def test_a_slow_lesson_is_warned_of_or_refused(seconds, lesson, tmp_path, monkeypatch, capsys):
    lesson.write_text("# %%\n1\n", encoding="utf-8")
    monkeypatch.setattr(build, "time", types.SimpleNamespace(perf_counter=iter([0, seconds]).__next__))
    if seconds > 60:
        with pytest.raises(build.BuildError, match="takes 61 s; the limit is 60 s"):
            build.build(lesson, "", tmp_path)
    else:
        build.build(lesson, "", tmp_path)
        assert ("(slow" in capsys.readouterr().out) == (seconds > 30)


def test_a_name_without_a_lesson_is_said(tmp_path):
    with pytest.raises(SystemExit, match="begins with 77"):
        build.main(["77"])


def test_an_appendix_comes_after_its_chapter(tmp_path):
    names = ["04_scores.py", "04b_more.py", "05_pruning.py", "build.py", "setup_cell.py"]
    for name in reversed(names):
        (tmp_path / name).touch()
    assert [path.name for path in build.lessons(tmp_path)] == names[:3]


# what git would call a clone; a fork has a name of its own
URLS = tomllib.loads((build.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
CLONE = URLS["Repository"].rstrip("/").removesuffix(".git").split("/")[-1]


class Colab:
    """Stand-ins for a machine with google.colab and no course_utils; keeps what was run."""

    def __init__(self, tmp_path, monkeypatch, missing=(), fails=False):
        self.commands, self.folder, self.fails = [], tmp_path / CLONE, fails
        self.find, self.absent = importlib.util.find_spec, {"course_utils", *missing}
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", list(sys.path))
        monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
        monkeypatch.setattr(importlib.util, "find_spec", self.find_spec)
        monkeypatch.setattr(subprocess, "run", self.run)
        monkeypatch.setattr(colab, "NOTEBOOKS", self.folder / "notebooks")

    def run(self, command, check=False, **_):
        self.commands.append(list(command))
        if command[0] == "git" and not self.fails:
            (self.folder / "notebooks").mkdir(parents=True)
        if self.fails and check:
            raise subprocess.CalledProcessError(128, command)
        return subprocess.CompletedProcess(command, int(self.fails), stdout="", stderr="no network")

    def find_spec(self, name):
        return None if name in self.absent else self.find(name)

    def open(self, text=""):
        exec(build.opening("01_stop", "", text)[1].source, {})


PRUNING = "from course_utils.pruning import tfmot"


def test_on_colab_the_repository_is_cloned_and_nothing_else_installed(tmp_path, monkeypatch):
    machine = Colab(tmp_path, monkeypatch, missing=["tensorflow_model_optimization", "tf_keras"])
    machine.open()
    (clone,) = machine.commands
    assert clone[:2] == ["git", "clone"] and clone[-2].startswith("https://")
    assert clone[-1] == CLONE
    assert pathlib.Path.cwd() == machine.folder / "notebooks" and sys.path[0] == str(machine.folder)


def test_on_colab_a_chapter_that_prunes_installs_what_is_missing_and_never_tensorflow(tmp_path, monkeypatch):
    machine = Colab(tmp_path, monkeypatch, missing=["tensorflow_model_optimization", "tensorflow"])
    machine.open(PRUNING)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "tensorflow-model-optimization"]
    assert machine.commands[1:] == [pip]


def test_on_colab_a_failing_pip_says_why(tmp_path, monkeypatch):
    machine = Colab(tmp_path, monkeypatch, missing=["tf_keras"], fails=True)
    (machine.folder / "notebooks").mkdir(parents=True)
    with pytest.raises(RuntimeError, match=r"(?s)pip install tf-keras failed:.*no network"):
        machine.open(PRUNING)


def test_on_colab_a_restarted_kernel_uses_the_clone_that_is_there(tmp_path, monkeypatch):
    machine = Colab(tmp_path, monkeypatch)
    (machine.folder / "notebooks").mkdir(parents=True)
    machine.open()
    assert machine.commands == [] and sys.path[0] == str(machine.folder)


def test_on_colab_a_clone_that_fails_is_an_error(tmp_path, monkeypatch):
    with pytest.raises(subprocess.CalledProcessError, match="git"):
        Colab(tmp_path, monkeypatch, fails=True).open()


@pytest.mark.parametrize("why", ["no Colab", "course_utils is there"])
def test_elsewhere_the_set_up_does_nothing(why, tmp_path, monkeypatch, capfd):
    machine = Colab(tmp_path, monkeypatch)
    if why == "no Colab":
        monkeypatch.delitem(sys.modules, "google.colab")
    else:
        machine.absent.clear()
        machine.folder.joinpath("notebooks").mkdir(parents=True)
    path = list(sys.path)
    machine.open()
    assert machine.commands == [] and sys.path == path
    assert capfd.readouterr() == ("" if why == "no Colab" else "The course is here. Go on.\n", "")
    assert (pathlib.Path.cwd() == tmp_path) == (why == "no Colab")

"""The house: which room may know which other, which may know Keras, and what an import may do to a process.

An arrow is an import, at the top of a file or inside a function. Floors are listed from the ground up: a room
may import rooms of lower floors only.
"""

import ast
import os
import pathlib
import subprocess
import sys

import pytest

import course_utils

HERE = pathlib.Path(course_utils.__file__).parent
FLOORS = {
    "stopping": [
        ["words", "door", "scoring", "steps", "layers", "state", "belonging", "neighbours", "kept", "votes"],
        ["history", "report", "checks", "batches"],
        ["criterion", "probes", "parquet"],
        ["runs", "joins", "interrupts", "every", "gradient_norm"],
        ["criteria", "budgets", "scores", "peers", "wrappers", "rate", "recorder", "best", "replay"],
        ["watch", "actions", "many_scores", "plots", "tensorboard", "remaining"],
        ["verdict", "many"],
        ["compare"],
        ["follower", "lab"],
        ["when", "stop_when"],
    ],
    "pruning": [
        ["clone", "pipelines"],
        ["bridge_check"],
        ["bridge_layers"],
        ["bridge"],
        ["bridge_compile", "choice"],
        ["masks", "report", "tfmot_twin"],
        ["pruner", "rehearsal"],
        ["prune_when"],
        ["at_stop"],
    ],
    "transfer": [
        ["layers", "phase_state", "source_scores"],
        ["backbones", "features_key"],
        ["features", "phase_forms", "phase_run"],
        ["phases"],
    ],
    "scale": [
        ["installed", "rows", "gathers", "lost"],
        ["stopper", "optuna_stop", "together"],
    ],
    "small": [
        ["quiet", "kinds", "copies", "filters_report"],
        ["channels", "filter_scores", "lite"],
        ["filters", "conversion"],
        ["measured"],
    ],
    "multimodal": [
        ["part", "inputs", "blending", "best_epochs"],
        ["freezing", "usage"],
        ["freeze_when"],
    ],
}
WITHOUT_KERAS = {  # rooms of stopping that a program without Keras can use
    "words", "door", "scoring", "state", "history", "report", "checks", "batches", "criterion", "criteria",
    "joins", "interrupts", "budgets", "scores", "peers", "wrappers", "replay", "compare", "actions", "best",
    "plots", "lab", "runs", "parquet", "many", "many_scores", "remaining", "belonging", "neighbours",
    "verdict", "watch", "kept", "votes",
}


def files(subject):
    return sorted((HERE / subject).rglob("*.py"))


def imports(path):
    """(module that is imported, as a path of names below course_utils or a package elsewhere; line)."""
    package = [*path.relative_to(HERE).parts[:-1]]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.If)
                   and getattr(node.test, "id", "") == "TYPE_CHECKING" for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield tuple(alias.name.split(".")), node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = (*base, *(node.module or "").split(".")) if node.module else tuple(base)
            inside = node.level or module[:1] == ("course_utils",)
            if inside and module[:1] == ("course_utils",):
                module = module[1:]
            for alias in node.names:
                room = HERE.joinpath(*module, alias.name)
                is_room = inside and (room.with_suffix(".py").exists() or room.is_dir())
                yield ("course_utils", *module, *([alias.name] if is_room else [])) if inside else module, \
                    node.lineno


def rooms():
    """(subject, room, path) of the library."""
    return [(subject, path.stem, path) for subject in FLOORS for path in files(subject)]


def test_every_room_has_its_floor():
    for subject, floors in FLOORS.items():
        listed = sorted(room for floor in floors for room in floor)
        assert listed == sorted(path.stem for path in files(subject) if path.stem != "__init__"), subject


@pytest.mark.parametrize("subject", FLOORS)
def test_arrows_point_down(subject):
    floor = {room: level for level, rooms in enumerate(FLOORS[subject]) for room in rooms}
    up = []
    for path in files(subject):
        for module, line in imports(path):
            if module[:2] == ("course_utils", subject) and len(module) > 2 and path.stem in floor:
                if floor[module[2]] >= floor[path.stem]:
                    up.append(f"{path.name}:{line} imports {module[2]}, which is not below it")
            if module == ("course_utils", subject) and path.stem in floor:
                up.append(f"{path.name}:{line} imports through its own door")
    assert not up, "\n".join(up)


def test_no_subject_imports_another_and_nothing_imports_the_classroom():
    wrong = []
    for subject, _, path in rooms():
        for module, line in imports(path):
            if module[0] == "course_utils" and len(module) > 1 and module[1] not in (subject, "stopping"):
                wrong.append(f"{subject}/{path.name}:{line} imports {'.'.join(module)}")
    assert not wrong, "\n".join(wrong)


def test_keras_is_where_it_may_be():
    heavy, wrong = ("keras", "tensorflow", "tf_keras", "torch", "jax"), []
    for subject, room, path in rooms():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:  # inside a function it is imported when it is used
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else \
                [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in names:
                if name.split(".")[0] in heavy and subject == "stopping" and room in WITHOUT_KERAS:
                    wrong.append(f"{path.name}:{node.lineno} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_a_room_can_be_read_over_coffee():
    long = {f"{subject}/{path.name}": lines for subject, _, path in rooms()
            if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 300}
    assert not long


def test_every_callback_keeps_to_its_own_private_methods():
    """No class overrides another's private method; Keras's own protocol for tf_keras is not ours."""
    methods, bases = {}, {}
    for _, _, path in rooms():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                names = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
                methods[node.name] = {name for name in names if name.startswith("_") and name[1:2] != "_"
                                      and not name.startswith("_implements_")}
                bases[node.name] = [base.id for base in node.bases if isinstance(base, ast.Name)]

    def above(name):
        return {b for base in bases.get(name, []) for b in (base, *above(base))}

    wrong = {f"{name} overrides {method} of {base}" for name, own in methods.items() for base in above(name)
             for method in own & methods.get(base, set()) if base != "Criterion"}
    assert not wrong


# ---- what an import does to a process ----


def run(code, *, without=(), **options):
    """Run code in a new process in which some packages cannot be imported."""
    block = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {tuple(without)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
"""
    environment = {name: value for name, value in os.environ.items() if name[:3] not in ("TF_", "KER")}
    environment["PYTHONPATH"] = str(HERE.parent)
    return subprocess.run([sys.executable, "-c", block * bool(without) + code], env=environment, text=True,
                          capture_output=True, **options)


HEAVY = ("keras", "tensorflow", "tf_keras", "matplotlib", "ipywidgets", "jax", "torch")


def test_criteria_and_replay_work_without_keras():
    done = run("""
from course_utils.stopping import (After, Below, Epochs, History, Patience, Plateau, Report, Smoothed,
                                   TimeBudget, batches, compare, replay)
run = {"val_loss": [3.0, 2.0, 2.5, 2.6], "seconds": [1.0, 2.0, 3.0, 4.0]}
print(replay(Patience("val_loss", 2) | TimeBudget(9), History.of(run), best="val_loss").reason)
print(compare([Patience("val_loss", 1), Epochs(3)], [run])[0].stops)
""", without=HEAVY)
    assert done.stdout.splitlines() == [
        "val_loss 2.6 at epoch 3 has not improved on 2 (epoch 1) for 2 epochs", "[2]"], done.stderr


def test_a_star_needs_keras_and_no_pictures():
    done = run("".join(f"from course_utils.{subject} import *\nprint(len(dir()))\n" for subject in FLOORS),
               without=["matplotlib", "ipywidgets"])
    names = [int(line) for line in done.stdout.splitlines()]
    assert len(names) == len(FLOORS) and names[0] > 40 and sorted(set(names)) == names, done.stderr


def test_plots_load_matplotlib_alone():
    done = run("from course_utils.stopping import plots; print(plots.__name__)",
               without=[name for name in HEAVY if name != "matplotlib"])
    assert done.stdout.strip() == "course_utils.stopping.plots", done.stderr


@pytest.mark.parametrize(("name", "missing", "words"), [
    ("StopWhen", ["tensorflow"], "StopWhen cannot be imported: there is no tensorflow. Keras needs a "
                                 "backend: pip install tensorflow"),
    ("StopWhen", ["keras"], "Callbacks need Keras and a backend for it: pip install keras tensorflow"),
    ("plots", ["matplotlib"], "Pictures need matplotlib: pip install matplotlib"),
    ("TensorBoardReport", ["tensorflow"], "pip install tensorflow tensorboard"),
    ("stopping_lab", ["ipywidgets"], "The lab needs ipywidgets: pip install ipywidgets matplotlib"),
])
def test_what_is_missing_is_named_with_the_line_that_installs_it(name, missing, words):
    done = run(f"from course_utils.stopping import {name}", without=missing)
    assert "ImportError" in done.stderr and words in done.stderr


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(ImportError, match="cannot import name 'Patients'"):
        from course_utils.stopping import Patients  # noqa: F401


LIBRARY = ["course_utils", *(f"course_utils.{subject}.{path.stem}".removesuffix(".__init__")
                             for subject in FLOORS for path in files(subject))]


def test_an_import_changes_nothing_but_its_own_names():
    """Keras and TensorFlow change a process; the library, imported after them, does not."""
    done = run(f"""
import importlib, os, sys, warnings
import keras, matplotlib.pyplot, tensorflow, ipywidgets
def state():
    return (dict(os.environ), list(warnings.filters), list(sys.meta_path), list(sys.path_hooks),
            sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None, list(sys.path))
before = state()
for name in {LIBRARY!r}:
    importlib.import_module(name)
print([a == b for a, b in zip(before, state())])
""")
    assert done.stdout.strip() == str([True] * 6), done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no shell")
@pytest.mark.parametrize("module", ["classroom", pytest.param("stopping", marks=pytest.mark.rare)])
def test_tensorflow_can_be_imported_with_stderr_closed(module):
    """Also after the classroom, which holds back what TensorFlow says at its start."""
    code = f"import course_utils.{module}, tensorflow; print('fine')"
    done = subprocess.run(["sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, code], text=True,
                          capture_output=True, env=dict(os.environ, PYTHONPATH=str(HERE.parent)))
    assert done.stdout.strip() == "fine"


def test_the_classroom_leaves_tensorflows_numbers_alone():
    done = run("import course_utils.classroom, os; print(os.environ.get('TF_ENABLE_ONEDNN_OPTS'))")
    assert done.stdout.strip() == "None"

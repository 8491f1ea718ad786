"""What a shown solution names is there in the notebook, where a learner pastes it."""

import ast
import builtins
import importlib
import re

import jupytext
import pytest

import build

IMPORTED = re.compile(r"(?m)^from (course_utils\.classroom\.\w+) import .*?\b(\w*exercises) as ex\b")
LESSONS = [path for path in sorted((build.ROOT / "lessons").glob("[0-9]*.py"))
           if IMPORTED.search(path.read_text(encoding="utf-8"))]


def names_of(tree, kinds):
    """The names that a piece of code stores or loads, with those of functions, arguments and imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, kinds):
            yield node.id
        elif ast.Store in kinds and isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif ast.Store in kinds and isinstance(node, ast.arg):
            yield node.arg
        elif ast.Store in kinds and isinstance(node, ast.alias):
            yield node.asname or node.name.split(".")[0]


def in_the_notebook(lesson):
    """The names that its cells bind, without the solutions; an exercise's cell may define a name, too."""
    cells = jupytext.read(lesson, fmt="py:percent").cells
    code = [cell.source for cell in cells
            if cell.cell_type == "code" and "solution" not in cell.metadata.get("tags", [])]
    return {name for source in code for name in names_of(ast.parse(source), (ast.Store,))}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_solution_runs_where_it_is_pasted(lesson):
    module = importlib.import_module(".".join(IMPORTED.search(lesson.read_text(encoding="utf-8")).groups()))
    known = in_the_notebook(lesson) | set(vars(builtins))
    for exercise in module.chapter.exercises:
        tree = ast.parse(exercise.code)
        missing = {*names_of(tree, (ast.Load,))} - {*names_of(tree, (ast.Store,))} - known
        assert not missing, exercise.number

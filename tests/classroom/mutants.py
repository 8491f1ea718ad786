"""Typical faults, made from a solution's code: `mutants(code)` yields (name, code), one fault each.

A name says what was changed into what, `a < b -> a <= b`, with the text of the expression, so that a table of
equivalent ones survives a new line. `answer_of(code, names)` runs a mutant; loops and calls in it have a
limit of steps, so that one that never ends raises. `with_faulty_calls(answer)` are faults of a whole answer:
an ignored argument, an answer by heart, a state that is not reset.
"""

import ast
import copy

STEPS = 20_000  # a right answer takes some hundred

COMPARED = {ast.Lt: (ast.LtE, ast.Gt, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.Lt),
            ast.GtE: (ast.Gt, ast.Lt, ast.Eq), ast.Eq: (ast.NotEq, ast.LtE, ast.GtE), ast.NotEq: (ast.Eq,),
            ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,)}
COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitOr: ast.BitAnd,
            ast.BitAnd: ast.BitOr}
NAMES = {"min": ("max",), "max": ("min",), "argmin": ("argmax",), "argmax": ("argmin",), "Below": ("Above",),
         "Above": ("Below",), "quantile": ("percentile", "max"), "sum": ("max",), "size": ("ndim",)}
COLUMNS = {"val_loss": ("loss", "val_accuracy"), "test_loss": ("val_loss",), "sparsity": ("val_loss",),
           "loss": ("val_loss",), "min": ("max",), "max": ("min",), "inf": ("-inf", "0", "1"),
           "improvement": ("time",), "time": ("improvement",),
           "val_pictures_loss": ("val_loss", "val_words_loss"), "pictures_frozen": ("words_frozen",),
           "val_words_loss": ("val_loss", "val_pictures_loss"), "words_frozen": ("pictures_frozen",),
           "val_both_loss": ("val_loss", "val_words_loss")}


class TooManySteps(Exception):
    """A mutant that does not end."""


def mutants(code):
    """(name, code) of every fault that is made in this code. No two have the same code."""
    tree = ast.parse(code.strip())
    nodes, seen = list(ast.walk(tree)), {ast.unparse(tree)}
    given = {id(value) for node in nodes if isinstance(node, ast.arguments) for value in node.defaults}
    above = {id(below): number for number, node in enumerate(nodes) for below in ast.iter_child_nodes(node)}
    for number, node in enumerate(nodes):
        if id(node) in given:  # Keras gives logs, whatever stands there
            continue
        for said, change in [*((None, change) for change in _changes(node)), *_of_body(node)]:
            twin = copy.deepcopy(tree)
            twins = list(ast.walk(twin))
            place = _place(nodes, above, number)
            change(twins[number])
            text = ast.unparse(ast.fix_missing_locations(twin))
            if text not in seen:
                seen.add(text)
                yield said or f"{_line(nodes[place])} -> {_line(twins[place])}", text


def _place(nodes, above, number):
    """The number of the expression that says enough about a node: the first around it that does something."""
    told = ast.Compare, ast.BinOp, ast.BoolOp, ast.Call, ast.Subscript, ast.IfExp, ast.stmt
    while not isinstance(nodes[number], told):
        number = above[id(nodes[number])]
    return number


def _line(node):
    return ast.unparse(node).splitlines()[0]


def answer_of(code, names):
    """What the code assigns last, or a mapping of names of a lesson besides; steps are counted."""
    tree, left = ast.parse(code), [STEPS]

    def tick():
        left[0] -= 1
        if left[0] < 0:
            raise TooManySteps

    for node in ast.walk(tree):
        if isinstance(node, (ast.For, ast.While, ast.FunctionDef)):
            node.body.insert(0, ast.Expr(ast.Call(ast.Name("_tick", ast.Load()), [], [])))
    given = {**names, "_tick": tick}
    space = dict(given)
    exec(compile(ast.fix_missing_locations(tree), "<mutant>", "exec"), space)
    return [value for name, value in space.items() if name not in given and name != "__builtins__"][-1]


# ---- faults in an expression: changes of the same node in a copy ----


def _changes(node):
    if isinstance(node, ast.Compare):
        for other in COMPARED.get(type(node.ops[0]), ()):
            yield _setting("ops", [other()])
    if isinstance(node, ast.BinOp):
        if type(node.op) in COMPUTED:
            yield _setting("op", COMPUTED[type(node.op)]())
        yield _becoming("left")
        yield _becoming("right")
    if isinstance(node, ast.UnaryOp):
        yield _becoming("operand")
    if isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield _setting("op", other())
        for place in range(len(node.values)):
            yield lambda twin, place=place: _become(twin, twin.values[place])
    if isinstance(node, ast.IfExp):
        yield _becoming("body")
        yield _becoming("orelse")
    if isinstance(node, ast.Constant):
        for value in _other_constants(node.value):
            yield _setting("value", value)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for other in NAMES.get(node.id, ()):
            yield _setting("id", other)
    if isinstance(node, ast.Attribute):
        for other in NAMES.get(node.attr, ()):
            yield _setting("attr", other)
        if ast.unparse(node).startswith("self.model.stop_training"):
            yield lambda twin: _become(twin.value, ast.Name("self", ast.Load()))
    if isinstance(node, ast.Call):
        for place in range(len(node.keywords)):
            yield lambda twin, place=place: twin.keywords.pop(place)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get_weights":
            yield lambda twin: _become(twin, ast.Attribute(twin.func.value, "weights", ast.Load()))
    if isinstance(node, ast.Slice):
        for side in ("lower", "upper", "step"):
            if getattr(node, side) is not None:
                yield _setting(side, None)
    if isinstance(node, (ast.Tuple, ast.List)) and isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        yield lambda twin: twin.elts.reverse()
        yield lambda twin: twin.elts.pop()
        yield lambda twin: twin.elts.pop(0)
    if isinstance(node, ast.comprehension) and node.ifs:
        yield _setting("ifs", [])


def _setting(name, value):
    return lambda twin: setattr(twin, name, value)


def _becoming(part):
    return lambda twin: _become(twin, getattr(twin, part))


def _become(node, other):
    """The node itself becomes another one: whoever holds it holds that."""
    fields = dict(vars(other))
    node.__class__ = type(other)
    vars(node).clear()
    vars(node).update(fields)


def _other_constants(value):
    if isinstance(value, bool) or value is None:
        return [not value] if value is not None else [0]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        return list(dict.fromkeys([round(value * 1.05, 9), round(value * 0.95, 9), round(1 - value, 9)]))
    if isinstance(value, str):
        if set(value) <= set("abcdef") and len(value) > 1:
            return [value[1:], value[:-1], value + "a"]
        return COLUMNS.get(value, ())
    return []


# ---- faults in a body: a missing statement, a loop that ends early, a return that stands too far in ----


def _of_body(node):
    """(name, change) of faults in a statement, or in what stands below one."""
    computed = ast.BinOp, ast.Call, ast.IfExp
    if isinstance(node, (ast.Assign, ast.AugAssign)) and isinstance(node.value, computed):
        yield f"{ast.unparse(node)} -> 0", _setting("value", ast.Constant(0))
    if isinstance(node, ast.AugAssign):
        yield f"{ast.unparse(node)} -> =", lambda twin: _become(twin, ast.Assign([twin.target], twin.value))
    if isinstance(node, ast.If):
        test = ast.unparse(node.test)
        yield f"if {test} -> always", _setting("test", ast.Constant(True))
        yield f"if {test} -> if not", lambda twin: setattr(twin, "test", ast.UnaryOp(ast.Not(), twin.test))
        if node.orelse:
            yield f"if {test} -> no else", lambda twin: twin.orelse.clear()
    if isinstance(node, ast.For):
        loop = f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}"
        yield f"{loop} -> once", lambda twin: twin.body.append(ast.Break())
        yield f"{loop} -> without the first", lambda twin: setattr(twin, "iter", _sliced(twin.iter, "[1:]"))
        yield f"{loop} -> without the last", lambda twin: setattr(twin, "iter", _sliced(twin.iter, "[:-1]"))
    body = getattr(node, "body", None)
    for place, statement in enumerate(body if isinstance(body, list) else []):
        text = ast.unparse(statement).splitlines()[0]
        if isinstance(node, ast.ClassDef) and len(body) > 1:
            yield f"{text} -> left out", lambda twin, place=place: twin.body.pop(place)
        elif not isinstance(node, (ast.Module, ast.ClassDef)) and not isinstance(statement, ast.FunctionDef):
            yield (f"{text} -> left out",
                   lambda twin, place=place: twin.body.__setitem__(place, ast.Pass()))
        if isinstance(statement, ast.Return) and place and isinstance(body[place - 1], ast.For):
            yield (f"{text} -> in the loop",
                   lambda twin, place=place: twin.body[place - 1].body.append(twin.body.pop(place)))
        if isinstance(statement, ast.Return) and place:
            yield (f"{text} -> first", lambda twin, place=place: twin.body.insert(0, twin.body.pop(place)))


def _sliced(node, part):
    return ast.parse(f"list({ast.unparse(node)}){part}", mode="eval").body


# ---- faults of a whole answer ----


def with_faulty_calls(answer):
    """(name, answer): a function or a class, wrapped so that it has one fault."""
    if isinstance(answer, type):
        yield from _faulty_classes(answer)
    elif callable(answer):
        yield "by heart: the first result", lambda: _by_heart(answer)
        for place, name in enumerate(answer.__code__.co_varnames[:answer.__code__.co_argcount]):
            yield f"ignores {name}", lambda place=place: _ignoring(answer, place)


def _by_heart(function):
    kept = []

    def same(*args):
        kept or kept.append(function(*args))
        return kept[0]

    return same


def _ignoring(function, place):
    kept = []

    def same(*args):
        kept or kept.append(copy.deepcopy(args[place]))
        return function(*args[:place], copy.deepcopy(kept[0]), *args[place + 1:])

    return same


def _faulty_classes(answer):
    for place in range(answer.__init__.__code__.co_argcount - 1):
        def make(place=place):
            kept = []

            def begin(self, *args):
                kept or kept.append(args[place])
                answer.__init__(self, *args[:place], kept[0], *args[place + 1:])

            return type(answer.__name__, (answer,), {"__init__": begin})

        yield f"ignores argument {place} of __init__", make
    if "on_train_begin" in vars(answer):
        def once(self, logs=None):
            if not vars(self).get("_begun"):
                self._begun = True
                answer.on_train_begin(self, logs)

        yield "on_train_begin once", lambda: type(answer.__name__, (answer,), {"on_train_begin": once})

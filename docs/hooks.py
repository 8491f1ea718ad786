"""What Sphinx does to the sources on their way; nothing is written back. lesson_page.py folds the lessons."""
import inspect
import json
import re
from pathlib import Path

import latex2mathml.converter
from docutils.nodes import SkipNode

from lesson_page import lesson_page, readme_below_title

ROOT = Path(__file__).resolve().parents[1]


def read(app, docname, source):
    """Sphinx's source-read: the front page takes the README in, a lesson its solved twin."""
    if docname == app.config.root_doc:
        app.env.note_dependency(str(ROOT / "README.md"))
        readme = readme_below_title((ROOT / "README.md").read_text(encoding="utf-8"))
        source[0] = source[0].replace("<!-- README -->", readme)
    if docname.startswith("notebooks/"):
        name = f"{docname.split('/')[-1]}.ipynb"
        twin = ROOT / "notebooks" / "solutions" / name
        app.env.note_dependency(str(twin))
        solved = json.loads(twin.read_text(encoding="utf-8"))
        source[0] = json.dumps(lesson_page(json.loads(source[0]), solved, name))


def docstring_to_rst(app, what, name, obj, options, lines):
    """Our docstrings are Google style with Markdown's habits: indented code after a blank line, `x`s, |v|."""
    out, indent, code = [], 0, None
    for line in lines:
        here = len(line) - len(line.lstrip())
        if line.strip():
            if code is not None and here < code:
                code = None
            after_a_gap = out and not out[-1].strip() and here > indent
            if code is None and after_a_gap and not line.lstrip().startswith(">>>"):
                code = here
                out += [" " * indent + "::", ""]
            if code is None:
                indent = here
                line = re.sub(r"(`[^`]*`)|\|", lambda m: m[1] or r"\|", line)
                line = re.sub(r"(`[^`]+`)(?=\w)", r"\1\\ ", line)
        out.append(line)
    lines[:] = out


def signature_of_init(app, what, name, obj, options, signature, returns):
    """A class with a mocked base has the mock's signature, (*args, **kwargs); a clock has a name."""
    if what == "class" and signature and "args" in signature and "__init__" in vars(obj):
        signature = str(inspect.Signature(list(inspect.signature(obj.__init__).parameters.values())[1:]))
    return signature and signature.replace("<built-in function monotonic>", "time.monotonic"), returns


def mathml(self, node):
    """Formulas without JavaScript and without a CDN."""
    self.body.append(latex2mathml.converter.convert(node.astext(),
                                                    display="inline" if node.tagname == "math" else "block"))
    raise SkipNode


def front_door(app, error):
    """The site's address is a folder: its index.html leads to the first page."""
    if error is None and app.builder.name == "html":
        page, title = f"{app.config.root_doc}.html", app.config.project
        (Path(app.outdir) / "index.html").write_text(
            f'<!doctype html><html lang="{app.config.language}"><meta charset="utf-8"><title>{title}</title>'
            f'<meta http-equiv="refresh" content="0; url={page}"><a href="{page}">{title}</a></html>\n',
            encoding="utf-8")


def setup(app):
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))
    app.connect("source-read", read)
    app.connect("autodoc-process-signature", signature_of_init)
    app.connect("autodoc-process-docstring", docstring_to_rst, priority=400)  # before napoleon
    app.connect("build-finished", front_door)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

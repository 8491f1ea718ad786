"""Settings of the site, `make site`. Its sources are README, notebooks and docstrings; hooks.py adapts them.

The source folder is the repository's root, so every link of README and notebooks holds. Autodoc imports the
library with NumPy and stand-ins for the rest: a build needs no TensorFlow.
"""
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]
about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
repository = about["urls"]["Repository"].rstrip("/").removesuffix(".git")

project = html_title = "When to Stop"
author = "the When to Stop authors"  # at the foot of each page
copyright = "the authors, CC BY 4.0"
version = release = about["version"]
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon",
              "sphinx.ext.viewcode", "sphinx_copybutton", "hooks"]
root_doc = "docs/index"
include_patterns = ["docs/*.md", "docs/api/*.rst", "notebooks/*.ipynb", "CONTRIBUTING.md", "CHANGELOG.md",
                    "CODE_OF_CONDUCT.md", "course_utils/README.md", "data/README.md", "benchmarks/README.md"]
exclude_patterns = [".venv*", ".git", "my", "build", "docs/_build", "docs/locales"]  # not even walked through

# Notebooks are shown as they were run; the tests run them.
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]  # off in MyST, on in JupyterLab, Colab and GitHub
myst_heading_anchors = 3  # for [below](#in-your-own-project)

# The library. An inherited docstring would list every method thrice.
autodoc_mock_imports = ["tensorflow", "keras", "tf_keras", "tensorflow_model_optimization", "matplotlib",
                        "ipywidgets", "IPython", "psutil"]
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_inherit_docstrings = False
autosummary_generate = False  # its tables, not its files
napoleon_use_ivar = True  # "Attributes:" beside a property would be two descriptions of one thing
suppress_warnings = ["ref.python"]  # and then finds several `report`s
default_role = "literal"  # `x` is code, as in Markdown
add_module_names = False

# Translations: `make gettext`, and then `make site LANGUAGE=zh_CN`.
language = "en"
locale_dirs = ["docs/locales"]  # from the source folder, not from here
gettext_compact = False  # a catalogue for each page

linkcheck_timeout = 20
linkcheck_workers = 4
linkcheck_anchors = False  # GitHub makes its anchors in the browser

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_last_updated_fmt = ""
html_theme_options = {
    "repository_url": repository, "repository_branch": "main", "path_to_docs": "",
    "use_repository_button": True,
    "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    "navbar_persistent": [],  # or an empty bar with a second search field
    "show_toc_level": 2,
}
html_math_renderer = "mathml"

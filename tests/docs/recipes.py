"""The blocks of docs/recipes.md, as a test takes them: code, and what it should print."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"
BLOCK = re.compile(r"```python\n(?P<code>.*?)```(?:\s*```text\n(?P<printed>.*?)```)?", re.DOTALL)


def recipes(text):
    """(heading, code, what it prints or None) for every block of a page."""
    for section in re.split(r"(?m)^## ", text)[1:]:
        heading = section.partition("\n")[0]
        for block in BLOCK.finditer(section):
            yield heading, block["code"], block["printed"]

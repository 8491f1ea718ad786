"""CITATION.cff says what pyproject.toml says of version and repository: part of `make notebooks`."""
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def citation(text, project):
    """The text of CITATION.cff with the version and the repository of a pyproject's [project] table.

    Raises ValueError if the text has no line, or several, for one of them.
    """
    repository = project["urls"]["Repository"].rstrip("/").removesuffix(".git")
    for key, value in (("version", project["version"]), ("repository-code", repository)):
        line = f"{key}: {value}"
        text, lines = re.subn(rf"(?m)^{key}: .*$", lambda _, line=line: line, text)
        if lines != 1:
            raise ValueError(f"CITATION.cff has {lines} lines that begin with {key!r}; one is right")
    return text


if __name__ == "__main__":
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    path = ROOT / "CITATION.cff"
    path.write_text(citation(path.read_text(encoding="utf-8"), about), encoding="utf-8")

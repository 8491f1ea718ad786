"""Writes docs/wrong_answers.md: what learners get wrong, and what they are told. `make notebooks` runs it.

The wrong answers are those of tests/classroom, which every checker is tested with; the sentences are the
checkers' own.
"""
import importlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "wrong_answers.md"
OPENING = """# What learners get wrong

For each exercise: the typical wrong answers, and the sentence that a learner then reads. The list comes from
`docs/wrong_answers.py`, out of the answers that the checkers are tested with: none of it is hearsay. The last
line is what a right answer is told.
"""


def tables():
    """Exercise -> (right answers, {name: (wrong answer, words of its message)}, a blank), in order."""
    sys.path[:0] = [str(ROOT), *(str(ROOT / "tests" / folder) for folder in ("", "classroom"))]
    from exercise_rules import ExerciseRules

    for path in (ROOT / "tests" / "classroom").glob("test_exercises*.py"):
        importlib.import_module(path.stem)
    answers = [item for rules in ExerciseRules.__subclasses__() for item in rules.answers.items()]
    return dict(sorted(answers, key=lambda item: chapter_of(item[0].number)))


def chapter_of(number):
    """What an exercise's number sorts by: those of the appendix 6b come after those of 6."""
    chapter, _, place = number.partition(".")
    return int(chapter.rstrip("b")), chapter, int(place)


def called(lesson):
    """How a lesson is called in front of its title, and in the numbers of its exercises: "06b", "6b"."""
    name = lesson.stem.partition("_")[0]
    return name, f"{int(name[:2])}{name[2:]}"


def opening(lesson):
    """A lesson's title, and the words in its first cell that say how long it takes."""
    first = lesson.read_text(encoding="utf-8").split("\n# %%")[0]
    return re.search(r"(?m)^# # (.+)", first)[1], re.search(r"(\w+ minutes[^.:]*)", first)[1] + "."


def plain(text):
    """Text that Markdown leaves alone, on one line."""
    return re.sub(r"([\\`*_<>\[\]$|])", r"\\\1", " ".join(text.split()))


def bullets(exercise, wrong):
    for name, (answer, _) in wrong.items():
        told = exercise.grade(answer).text.removeprefix(f"✗ {exercise.number} Not yet. ")
        yield f"- *{plain(name)}*: {plain(told)}"


def page():
    lines, exercises = [OPENING], tables()
    for lesson in sorted((ROOT / "lessons").glob("[0-9][0-9]*_*.py")):
        (title, minutes), (name, chapter) = opening(lesson), called(lesson)
        own = [exercise for exercise in exercises if exercise.number.startswith(f"{chapter}.")]
        if own or name.isdigit():  # an appendix may have no exercises
            lines += [f"## {name} {title}", "", minutes, ""]
        for exercise in own:
            _, wrong, _ = exercises[exercise]
            lines += [f"### {exercise.number} {exercise.title}", "", *bullets(exercise, wrong),
                      f"- Right: {plain(exercise.fact)}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

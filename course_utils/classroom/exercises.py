"""Exercises that tell you at once whether you are right, and if not, why.

    from course_utils.classroom.chapter_01 import exercises as ex
    ex.first_below.check(answer)        # also .hint() and .solution()

A grader is a function of the answer. Where the answer is right it returns None, or a Right with a picture.
Where it is not it returns a sentence, or raises Wrong with a picture. It grades what an answer does, on
scripted curves, never how it is written. This file is the frame; the graders are in chapter_NN/exercises.py,
what they share in stage.py (the forms of an answer, the stage for callbacks) and scores.py.
"""

import html

from IPython.display import Markdown, display

from .data import DataError
from .stage import Blank, Right, Wrong, explain_error, has_blank

GREY, GREEN, RED = "#767676", "#00734f", "#b34700"


class Verdict:
    """What `check` says of an answer.

    `state` is "right", "wrong" or "blank", `text` the sentence, `draw` a function that draws why, or None.
    """

    def __init__(self, state, text, draw=None):
        self.state, self.text, self.draw = state, text, draw

    def __repr__(self):
        return self.text

    def _repr_html_(self):
        colour = {"right": GREEN, "wrong": RED, "blank": GREY}[self.state]
        # Mixed with the page's own colour of text: readable on a white page and on a dark one. Old browsers
        # do not know `color-mix` and take the colour before it.
        style = f"color:{colour}; color:color-mix(in srgb, {colour} 60%, currentColor); max-width:60em"
        return f'<div style="{style}">{html.escape(self.text)}</div>'


class Exercise:
    """One exercise: `check(answer)`, `hint()`, `solution()`. `grade(answer)` is `check` without display."""

    def __init__(self, number, title, grader, hints, solution, fact):
        self.number, self.title, self.grader = number, title, grader
        self.hints, self.code, self.fact = hints, solution, fact
        self.solved, self._hints_shown = False, 0

    def grade(self, answer):
        """Grade an answer; never raises, whatever the answer does. Returns a Verdict."""
        try:
            if has_blank(answer):
                raise Blank
            fault, draw, fact = self.grader(answer), None, self.fact
            if isinstance(fault, Right):
                fault, draw, fact = None, fault.draw, f"{fault} {self.fact}"
        except Blank:
            return Verdict("blank", f"· {self.number} {self.title}: not attempted")
        except Wrong as wrong:
            fault, draw = str(wrong), wrong.draw
        except DataError:
            raise  # the repository is damaged, the answer is not to blame
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            # The learner's code is called here, and may do anything: also end Python, or never end. Who
            # interrupts that (Ctrl-C, the notebook's stop button) reads which line ran, and no traceback.
            fault, draw = explain_error(error), None
        if fault is None:
            self.solved = True
            return Verdict("right", f"✓ {self.number} Right. {fact}", draw)
        return Verdict("wrong", f"✗ {self.number} Not yet. {fault}", draw)

    def check(self, answer=..., *more):
        """Say whether the answer is right, and if not, why. Several values are one answer, as in a list."""
        answer = (answer, *more) if more else answer
        verdict = self.grade(answer)
        display(verdict)
        if verdict.draw is not None:
            verdict.draw()

    def hint(self):
        """Show a hint; call again for the next one, where there is one."""
        number = self._hints_shown % len(self.hints)  # after the last, the first again
        self._hints_shown += 1
        hint, more = self.hints[number], f" ({number + 1} of {len(self.hints)})"
        display(Markdown(f"**Hint {self.number}.** {hint}{more}"))

    def solution(self):
        """Show one right answer. There may be others: `check` accepts what does the right thing."""
        display(Markdown(f"**One solution of {self.number}.**\n\n```python\n{self.code.strip()}\n```"))


class Chapter:
    """The exercises of a chapter, in order."""

    def __init__(self):
        self.exercises = []

    def exercise(self, number, title, *, hints, solution, fact):
        """A decorator: turns a grader into an Exercise of this chapter."""

        def register(grader):
            self.exercises.append(Exercise(number, title, grader, hints, solution, fact))
            return self.exercises[-1]

        return register

    def summary(self):
        """Say how many are solved."""
        solved, of = sum(exercise.solved for exercise in self.exercises), len(self.exercises)
        display(Verdict("right" if solved == of else "blank", f"{solved} of {of} solved"))

"""What holds for the exercises of every chapter, as tests. A chapter's test module holds the answers:

    class TestChapter01(ExerciseRules):
        chapters = [chapter_01]
        answers = {chapter_01.first_below: ([4, np.int64(4)], {"from 1": (5, "counting from 1"), ...}, ...),
                   ...}
        names = dict(np=np)         # what the shown solutions may use

`answers` maps an exercise to: right answers; wrong ones, by name, each with words of its message; a blank.
"""

import pytest

VERDICTS = {}  # of wrong answers, each graded once: two tests ask for it


class ExerciseRules:
    """Several right answers are accepted, typical wrong ones refused, each with a message of its own."""

    chapters, answers, names = [], {}, {}
    # Numbers of exercises whose right answers train for long, and the wrong ones of theirs that do. The
    # solved notebook, which `make slow` runs, holds the shown solution all the same.
    rare, rare_wrong = (), ()

    def pytest_generate_tests(self, metafunc):
        if {"exercise", "right"} <= set(metafunc.fixturenames):
            cases = [pytest.param(e, answer, id=f"{e.number}-{i}",
                                  marks=[pytest.mark.rare] if e.number in self.rare else [])
                     for e, (right, _, _) in self.answers.items() for i, answer in enumerate(right)]
            metafunc.parametrize("exercise, right", cases)
        elif {"exercise", "wrong"} <= set(metafunc.fixturenames):
            cases = [pytest.param(e, *case, id=f"{e.number}-{name}",
                                  marks=[pytest.mark.rare] if name in self.rare_wrong else [])
                     for e, (_, wrong, _) in self.answers.items() for name, case in wrong.items()]
            metafunc.parametrize("exercise, wrong, words", cases)
        elif "exercise" in metafunc.fixturenames:
            trains = "blank" not in metafunc.function.__name__
            cases = [pytest.param(e, id=e.number,
                                  marks=[pytest.mark.rare] if trains and e.number in self.rare else [])
                     for e in self.answers]
            metafunc.parametrize("exercise", cases)
        elif "chapter" in metafunc.fixturenames:
            metafunc.parametrize("chapter", self.chapters, ids=lambda chapter: chapter.__name__)

    def test_every_exercise_is_tested(self):
        assert [e for chapter in self.chapters for e in chapter.chapter.exercises] == list(self.answers)
        for exercise, (right, wrong, _) in self.answers.items():
            assert len(right) >= 2 and len(wrong) >= 4, exercise.number

    def test_right_answers_are_accepted(self, exercise, right):
        verdict = exercise.grade(right)
        assert verdict.state == "right", verdict.text
        assert exercise.fact in verdict.text

    def verdict(self, exercise, wrong):
        key = exercise.number, id(wrong)  # the answers live as long as their class
        if key not in VERDICTS:
            VERDICTS[key] = exercise.grade(wrong)
        return VERDICTS[key]

    def test_wrong_answers_are_refused_with_a_reason(self, exercise, wrong, words):
        verdict = self.verdict(exercise, wrong)
        assert verdict.state == "wrong", verdict.text
        assert verdict.text.startswith(f"✗ {exercise.number} Not yet. "), verdict.text
        assert (words or "") in verdict.text, verdict.text

    def test_every_wrong_answer_has_a_message_of_its_own(self, exercise):
        _, wrong, _ = self.answers[exercise]
        messages = {name: self.verdict(exercise, answer).text for name, (answer, _) in wrong.items()}
        assert len(set(messages.values())) >= 4, messages

    def test_a_blank_is_not_attempted_and_never_red(self, exercise):
        for blank in (..., self.answers[exercise][2]):
            verdict = exercise.grade(blank)
            assert verdict.state == "blank" and verdict.text.endswith("not attempted"), verdict.text

    def test_the_shown_solution_is_right(self, exercise):
        names = dict(self.names)
        exec(exercise.code, names)
        given = {*self.names, "__builtins__"}
        answer = [value for name, value in names.items() if name not in given][-1]
        assert exercise.grade(answer).state == "right"

    def test_check_hint_and_solution_show_something(self, exercise, capsys):
        right, wrong, _ = self.answers[exercise]
        exercise.check(right[0])
        for answer, _ in list(wrong.values())[:2]:  # graded above, all of them; this draws the figures
            exercise.check(answer)
        for _ in range(len(exercise.hints) + 1):
            exercise.hint()
        exercise.solution()
        assert "Right" in capsys.readouterr().out

    def test_summary_counts_what_is_solved(self, chapter, capsys):
        for exercise in chapter.chapter.exercises:
            exercise.solved = False
        of = len(chapter.chapter.exercises)
        chapter.summary()
        first = chapter.chapter.exercises[0]
        first.check(self.answers[first][0][0])
        first.check(...)  # a blank afterwards does not take it back
        chapter.summary()
        out = capsys.readouterr().out.splitlines()
        assert out[0] == f"0 of {of} solved" and out[-1] == f"1 of {of} solved"

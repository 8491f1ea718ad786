"""The exercise of 09b, more on small networks."""

import math

import numpy as np

from ..exercises import Chapter
from ..stage import call, one
from ..untouched import first_fault
from .cases import LOSSES, some_logits

chapter = Chapter()
summary = chapter.summary


def _softened(logits, temperature):
    z = np.asarray(logits, float) / temperature
    return np.exp(z - z.max(1, keepdims=True)) / np.exp(z - z.max(1, keepdims=True)).sum(1, keepdims=True)


def divergence(teacher, student, temperature):
    p, q = _softened(teacher, temperature), _softened(student, temperature)
    return temperature**2 * float(np.mean(np.sum(p * np.log(p / q), 1)))


@chapter.exercise(
    "9b.1", "The teacher's loss",
    hints=["Divide both by the temperature, and only then take `softmax`.",
           "For each example sum p * log(p / q) over the classes, p the teacher's; then the mean over the "
           "examples, times temperature ** 2."],
    solution='''
def soft_loss(teacher, student, temperature):
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    return temperature ** 2 * np.mean(np.sum(p * np.log(p / q), axis=1))
''',
    fact="Keras's LogitsDistillation computes just this if you pass it the object, loss=KLDivergence(). By "
         "default it leaves the softmax out: trap 13 in the cabinet, chapter 90.")
def the_teachers_loss(answer):
    def fault(teacher, student, temperature):
        given = teacher.copy(), student.copy()
        got = one(call(answer, *given, temperature), "The function should return one number", typed=False)
        if not (np.array_equal(given[0], teacher) and np.array_equal(given[1], student)):
            return "Afterwards the arrays that you were given are others. Work on copies."
        right = max(divergence(teacher, student, temperature), 0.0)  # by rounding it may be -3e-16
        if math.isclose(got, right, rel_tol=2e-6, abs_tol=2e-6):  # float32 will do
            return None
        said = f"With a temperature of {temperature:g} it is {right:.4g}, and you return {got:.4g}."
        if teacher is student and got != 0:
            return f"Student and teacher say the same, so the loss is 0, and you return {got:.4g}."
        return f"{said} {_slip(teacher, student, temperature, got)}"

    return first_fault(fault, (*LOSSES, *map(some_logits, (0.5, 1.5, 12.0))))


@np.errstate(all="ignore")
def _slip(teacher, student, temperature, got):
    p, q = _softened(teacher, temperature), _softened(student, temperature)
    each, square = np.sum(p * np.log(p / q), 1), temperature**2
    raw = np.clip(teacher, 1e-7, 1) * np.log(np.clip(teacher, 1e-7, 1) / np.clip(student, 1e-7, 1))
    late = "Divide the logits by the temperature before the softmax."
    mistakes = [
        (divergence(student, teacher, temperature),
         "p is the teacher's, q the student's: yours is the other way round."),
        (np.mean(each), "That is without the factor temperature ** 2, which keeps the gradient's size."),
        (temperature * np.mean(each), "The factor is the temperature squared."),
        (temperature * square * np.mean(each), "The factor is the temperature squared."),
        (2 * temperature * np.mean(each), "The factor is the temperature squared, and not doubled."),
        (square * np.sum(each), "That is the sum over the examples. Take their mean."),
        (square * np.mean(p * np.log(p / q)),
         "That is the mean over all numbers. Sum over the classes, and take the mean over the examples."),
        (-square * np.mean(each), "The sign: a loss that falls below 0 rewards being wrong."),
        (divergence(teacher, student, 1.0), late),
        (square * divergence(teacher, student, 1.0), late),
        (square * np.mean(-np.sum(p * np.log(q), 1)),
         "That is the cross-entropy: it lacks p * log(p), and is not 0 where both agree."),
        (divergence(teacher, student, 1 / temperature), "Divide by the temperature, do not multiply."),
        (square * np.mean(each) / np.log(2), "The natural logarithm is asked for, np.log and not log2."),
        (square * np.mean(np.sum(p * np.log(p / _softened(student, 1)), 1)),
         "Divide the student's logits by the temperature, too."),
        (square * np.mean(np.sum(_softened(teacher, 1) * np.log(_softened(teacher, 1) / q), 1)),
         "Divide the teacher's logits by the temperature, too."),
        (np.mean(np.sum(raw, 1)), "Those are logits, and no probabilities: the softmax is missing.")]
    for wrong, reason in mistakes:
        if math.isclose(got, wrong, rel_tol=1e-6):
            return reason
    if math.isclose(got, square * np.mean(each), rel_tol=1e-3):
        return f"That is near, but off by {got - square * np.mean(each):.1g}. Is something rounded, or added?"
    return "Softmax of both, divided by the temperature; p * log(p / q), summed over the classes."

"""The exercise of appendix 06b: a score by hand."""

import numpy as np

from ..exercises import Chapter
from ..stage import one

chapter = Chapter()
summary = chapter.summary

THETA = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.0, 1.0]])  # the lesson's p
KINDS = np.array([0, 1, 1, 1])
EXPECTED = np.array([2 / 3, 2 / 3, 1.0, 1.0])  # sum_z P(y_i | z) theta(x_i)_z
LEEP = float(np.log(EXPECTED).mean())
NEAR = 0.006  # two decimals, from thirds that were cut to two; the nearest mistakes are 0.02 away


@chapter.exercise(
    "6b.1", "A score by hand",
    hints=["First P(y | z). Class z0 has 1 + 0.5 = 1.5 in all, 0.5 of it from a dog: P(dog | z0) = 1/3.",
           "The second photo: 0.5 times P(dog | z0) plus 0.5 times P(dog | z1). Then logs, then the mean."],
    solution="answer = -0.203  # the mean of log 2/3, log 2/3, log 1, log 1",
    fact="No training, and none of the source's own photos or labels: probabilities for four "
         "photos and our own labels are all that it takes.")
def leep_by_hand(answer):
    two = isinstance(answer, tuple) and len(answer) == 2
    comma = " (with a decimal point: a comma makes two of it)" if two else ""
    answer = one(answer, f"The answer is one number{comma}")
    if abs(answer - LEEP) < NEAR:
        return None
    joint = np.array([[1.0, 0.0], [0.5, 2.5]]) / 4  # P(y, z)
    reverse = joint / joint.sum(1, keepdims=True)  # P(z | y)
    inside = np.log([2 / 3, 1 / 3]) @ [1.0, 0.5] / 4  # the other logs are of 1, or count nothing
    mistakes = [
        (-LEEP, "A logarithm of a probability is not positive. LEEP is at most 0."),
        (np.log(EXPECTED.mean()), "That is the log of the mean, 5/6. Take each photo's log first, then the "
                                  "mean."),
        (inside, "You took the log of each P(y | z) and added those up. First add up P(y | z) p_z for the "
                 "photo, then take the log."),
        (np.log10(EXPECTED).mean(), "That is the logarithm to base 10; LEEP takes the natural one."),
        (np.log2(EXPECTED).mean(), "That is the logarithm to base 2; LEEP takes the natural one."),
        (np.log(EXPECTED).sum(), "That is the sum over the photos; LEEP is the mean."),
        (EXPECTED.mean(), "That is the mean of the expected probabilities. The logs are missing."),
        (np.exp(LEEP), "You took the logs back at the end. LEEP is the mean of the logs itself."),
        (np.log((joint[KINDS] * THETA).sum(1)).mean(), "You took P(y, z) for P(y | z). Divide what "
                                                       "each z gets by its sum."),
        (np.log((reverse[KINDS] * THETA).sum(1)).mean(), "You took P(z | y) for P(y | z): divide by the sum "
                                                         "of a source's class, not of a label."),
        (np.log(THETA.max(1)).mean(), "That is the mean log of the source's own probabilities: P(y | z) is "
                                      "missing."),
        (np.log(2 / 3), "That is log 2/3, which each of the first two photos has. The mean is over all four; "
                        "the others have log 1, which is 0."),
        (np.log(2 / 3) / 4, "That is log 2/3 of one photo, over four. Another one has it, too: look again at "
                            "the first two."),
        (np.log(EXPECTED).sum() / 3, "That is the sum of the logs over three. The mean is over all four "
                                     "photos."),
        (round(100 * LEEP), "That is a hundred times LEEP, which is no percentage."),
        (np.log([0.25, 0.75, 0.75, 0.75]).mean(), "That is what a source gives that knows nothing. This one "
                                                  "knows something.")]
    for wrong, reason in mistakes:
        if abs(answer - wrong) < 0.003 or abs(answer - round(wrong, 2)) < 1e-9:
            return reason
    if answer > 0:
        return "A logarithm of a probability is not positive. LEEP is at most 0."
    return (f"Not {answer:.4g}. The expected probabilities of the four photos are sums of P(y | z) p_z; "
            "the last is 1, since P(dog | z1) = 1.")

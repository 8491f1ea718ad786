"""The five exercises of chapter 07, more than one modality."""

import keras
import numpy as np

from ...stopping import Criterion, MissingColumn, Patience, as_criterion
from ..data import load_curves
from ..exercises import Chapter
from ..stage import Right, Wrong, several, shown
from .own_stops import fault as fault_of_stops
from .ratio import fault as fault_of_ratio

chapter = Chapter()
summary = chapter.summary

# ---- 7.1 ----

SPLIT = 4
LETTERS = {"a": "both", "b": "pictures", "c": "words"}
ORDER = "bca"  # of pictures, words, both


def unnamed_curves():
    """Validation losses of 30 epochs of pictures alone, words alone, both in one network: letter -> list."""
    curves = load_curves("clocks")
    return {letter: curves.select(scale=1.0, way=way, seed=SPLIT)[0]["val_loss"]
            for letter, way in LETTERS.items()}


def show_unnamed_curves():
    """Draw the three curves of exercise 7.1."""
    from ..notebook import show
    from .exercise_figures import unlabelled

    curves = unnamed_curves()
    told = ", ".join(f"{letter} begins at {losses[0]:.2f}, is lowest at epoch {int(np.argmin(losses))} with "
                     f"{min(losses):.2f} and ends at {losses[-1]:.2f}" for letter, losses in curves.items())
    show(unlabelled(curves), f"Three validation losses over 30 epochs, a ring at the lowest of each: {told}.")


@chapter.exercise(
    "7.1", "Whose curve?",
    hints=["Which of the three networks has a slow clock? Look for the curve that is lowest late.",
           "The other two are best at the same epoch, at the pictures' time. One of them has the words as "
           "well, and they help it a little."],
    solution=f'answer = "{ORDER}"  # early; late; as early as the pictures, and a little lower',
    fact="In six of the eight splits words alone reach a lower loss than both inputs in one network, and on "
         "average get fewer right: the lowest loss is not always the most right.")
def which_clock(answer):
    parts = several(answer)
    letters = None if parts is None else "".join(str(letter).strip().lower() for letter in parts)
    if letters is None or sorted(letters) != sorted(LETTERS):
        return f'The answer is each of the letters a, b and c once, such as "abc"; this is {shown(answer)}.'
    if letters == ORDER:
        return None
    best = {letter: f"{min(losses):.2f} at epoch {int(np.argmin(losses))}"
            for letter, losses in unnamed_curves().items()}
    return {
        "acb": f"a and b have one clock, that of the pictures. But a gets lower, {best['a']}, b {best['b']}: "
               "which of the two networks sees the words as well?",
        "bac": f"c is the lowest of all, {best['c']}, but late. A network with both and one stop is best "
               "when the pictures are; a is best as early.",
        "abc": f"c is the lowest of all, {best['c']}, but late. A network with both and one stop is best "
               "when the pictures are; b is best as early, and so it is not words.",
        "cba": f"c is best late, {best['c']}. Pictures alone are done almost at once. And words alone are "
               f"not, so they are not b, {best['b']}.",
        "cab": f"c is best late, {best['c']}. Pictures alone are done almost at once. And words alone are "
               f"not, so they are not a, {best['a']}."}[letters]


# ---- 7.2 ----

@chapter.exercise(
    "7.2", "Learning or learning by heart",
    hints=["The gap of an epoch is val[epoch] - train[epoch]. You need two of them, and their difference.",
           "If val[start] and val[end] are the same there is nothing to divide by: `return float(\"inf\")`."],
    solution='''
def ogr(train, val, start, end):
    gained = val[end] - val[start]
    gap = (val[end] - train[end]) - (val[start] - train[start])
    return abs(gap / gained) if gained else float("inf")
''',
    fact="From epoch 0 to 2 it is above 2 for pictures alone, in all eight splits, and below 0.6 for words "
         "alone: a fast clock shows soon.")
def overfitting_ratio(answer):
    return fault_of_ratio(answer)


# ---- 7.3 ----

@chapter.exercise(
    "7.3", "A branch that stands still",
    hints=["A layer whose `trainable` is False is not handed to the optimizer. But when was the step made "
           "that fit takes?",
           "`self.model.make_train_function(force=True)` makes the step anew, without the branch."],
    solution='''
class Freeze(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            self.model.get_layer("pictures_branch").trainable = False
            self.model.make_train_function(force=True)
''',
    fact="FreezeWhen does this at an event, brings the branch's best weights back, and lets it learn again "
         "when training is over.")
def freeze(answer):
    from .standing_still import BRANCH, FROM, HEAD
    from .standing_still import fault as fault_of_training

    said, watched = fault_of_training(answer)
    if said:
        return said
    before, after = (watched.ways(epoch) for epoch in (FROM - 1, FROM))
    return Right(f"{BRANCH} moves by {before[BRANCH]:.2g} in epoch {FROM - 1} and by 0 from {FROM} on; "
                 f"{HEAD} moves on, by {after[HEAD]:.2g} in epoch {FROM}.")


# ---- 7.4 ----

@chapter.exercise(
    "7.4", "A stop each",
    hints=["Both frozen, in one row: `Above(\"pictures_frozen\", 0.5) & Above(\"words_frozen\", 0.5)`. That "
           "is the event that arms the patience of the joint head.",
           "An input that is never frozen never arms it. Which clause ends that run? It belongs outside "
           "Armed."],
    solution='''
frozen = Above("pictures_frozen", 0.5) & Above("words_frozen", 0.5)
answer = (Patience("val_pictures_loss", 3), Patience("val_words_loss", 3),
          Armed(frozen, Patience("val_both_loss", 3)) | Epochs(50))
''',
    fact="One fit, three stops, and each looks at the loss of what it stops.")
def own_stops(answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        return f"Three criteria are asked for: pictures, words, the end of training; this is {shown(answer)}."
    for part in answer:
        if isinstance(part, (int, float, str)):
            return f'Each is a criterion, such as Patience("val_pictures_loss", 3); this is {shown(part)}.'
        if isinstance(part, keras.callbacks.Callback):
            return f"{type(part).__name__} is the callback. Only the criterion in it is asked for."
    return fault_of_stops([as_criterion(part) for part in answer])


# ---- 7.5 ----

MOST_COST, MOST_LOST = 75.0, 0.5  # percent of the epochs; points in the worst view


def try_out(rule):
    """Print where a criterion stops on splits 0 to 9 of the six views, and what is lost; `...`: patience 1.

    What is no such criterion is said in a line: the check after it says more.
    """
    from .six_clocks import KNOWN, bests, score

    if rule is ...:
        rule = Patience("val_loss", 1)
        print('No rule yet. With Patience("val_loss", 1):')
    try:
        got = score(as_criterion(rule), KNOWN)
    except Exception as error:  # a learner's own function may raise anything
        print(f"Not tried: {error}")
        return
    print("splits 0 to 9   best epoch  stops at  points lost")
    print(f"{'median':>26}{'median':>10}{'mean':>13}")
    for view, lost in got.by_view.items():
        best, stop = np.median(bests(view, KNOWN)), np.median(got.stops[view])
        print(f"{view:14}{best:12g}{stop:10g}{lost:13.2f}")
    print(f"{got.cost:.1f} % of the epochs; the most is lost in {got.worst}, "
          f"{got.by_view[got.worst]:.2f} points")
    print("best epoch 99: the last one, so the loss was still falling; stops at 99: it ran to the end")


@chapter.exercise(
    "7.5", "One rule, six clocks",
    hints=["Patience is counted from the best epoch on, so it waits for a slow clock and leaves a fast one. "
           "How long has it to be? Try some lengths on splits 0 to 9.",
           "Leave some room, in both directions: other splits are scored than those you try on."],
    solution='''
rule = Patience("val_loss", 3)
''',
    fact="A fixed number has to suit the slowest view: to lose as little as patience 3 does in its worst "
         "view, it takes 87 epochs, for every view.")
def one_rule_six_clocks(answer):
    from .six_clocks import SEEN, bests, lines, score

    if isinstance(answer, (int, float, str)):
        return f'The answer should be a criterion, such as Patience("val_loss", 5); this is {answer!r}.'
    if isinstance(answer, keras.callbacks.Callback):
        return f"{type(answer).__name__} is the callback. Only the criterion in it is asked for."
    rule = as_criterion(answer)
    try:
        got = score(rule)
    except MissingColumn as error:
        unseen = "test_" in str(error).split(".")[0]
        why = " The test is for the score: a rule must not see it." if unseen else ""
        return f"{str(error).split('.')[0]}. The columns are {', '.join(SEEN)}.{why}"
    worst, lost = got.worst, got.by_view[got.worst]

    def draw():
        from ..notebook import show
        from .exercise_figures import cost_and_loss

        ax = cost_and_loss(*lines(), (got.cost, lost), (MOST_COST, MOST_LOST))
        show(ax, "Points lost in the worst view against the share of epochs trained: a grey line of fixed "
                 "numbers of epochs, a blue line of plain patiences by their length, and your rule, a cross "
                 f"at {got.cost:.0f} % and {lost:.2f} points.")

    said = (f"On the ten new splits it trains {got.cost:.1f} % of the epochs and loses {got.mean:z.2f} "
            f"points on average, most in {worst}, {lost:z.2f}.")
    too_long, too_soon = got.cost > MOST_COST, lost > MOST_LOST
    if not too_long and not too_soon:
        return Right(said, draw)
    limits = [f"{MOST_LOST:g} in each view"] * too_soon + [f"{MOST_COST:g} %"] * too_long
    said += f" The limit is {' and '.join(limits)}."
    ends = {int(stop) for of in got.stops.values() for stop in of}
    if len(ends) == 1:
        said += (" It stops none of the 60 runs." if got.endless else
                 f" It ends every run at epoch {min(ends)}, and six clocks have no number in common.")
    elif too_soon:
        said += (f" In {worst} it stops at epoch {np.median(got.stops[worst]):g}, and the best is at "
                 f"{np.median(bests(worst)):g} (medians).")
    else:
        view = max(got.stops, key=lambda view: np.mean(got.stops[view] - bests(view)))
        said += (f" Most is wasted in {view}: there it stops at epoch {np.median(got.stops[view]):g}, and "
                 f"the best is at {np.median(bests(view)):g} (medians).")
    if 0 in ends and not isinstance(answer, Criterion):
        said += (" Does your function keep something from one run to the next? A new run begins where the "
                 "history has one row.")
    raise Wrong(said, draw)

"""The learner's turn in the middle of chapter 06: two phases, checked before anything is trained."""

import dataclasses

import keras
import numpy as np

from ..exercises import Exercise
from ..stage import Right, Wrong, shown
from .pruned import check_data

MOST = 25  # epochs of a phase; ours take 14 in all
HUGE = 1000  # a loss; guessing has 2.3
LEAST_RIGHT = 0.5  # of the validation photos: who learns at all has more


def _trained(phases, answer):
    """(history, report) of these phases, or Wrong before anything is trained."""
    from ...transfer import fit_in_phases
    from ...transfer.phase_run import trained_in

    counts = [*trained_in(answer["model"], phases).values()]
    if counts[1] <= counts[0]:
        raise Wrong(f"Nothing was trained: your first phase trains {counts[0]:,} weights, the second "
                    f"{counts[1]:,}. Nothing more is unfrozen between them. The first leaves the source "
                    'frozen, and unfreeze_from="Conv_1" in the second frees the convolution.')
    check_data(answer, None)
    print(f"Training, at most {2 * MOST} epochs of about a second ...", flush=True)
    return fit_in_phases(
        answer["model"], [dataclasses.replace(each, epochs=min(each.epochs, MOST)) for each in phases],
        answer["data"], validation_data=answer["validation_data"], metrics=["accuracy"], verbose=0,
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))


def _grade(answer):
    from ...transfer import Phase

    if not isinstance(answer, dict):
        return f"The answer is a dict of what fit_in_phases is called with; this is {shown(answer)}."
    handed_on = "model", "phases", "data", "validation_data"
    missing = [name for name in handed_on if name not in answer]
    if missing:
        return f"fit_in_phases needs {' and '.join(missing)}, too."
    more = [str(name) for name in answer if name not in handed_on]
    if more:
        return (f"Only {', '.join(handed_on)} are handed on to fit_in_phases, so {', '.join(more)} would "
                "change nothing. Change a patience or a learning rate, in the phases.")
    if not isinstance(answer["model"], keras.Model):
        return f"The model is with_head()[1], not {shown(answer['model'])}."
    phases = answer["phases"]
    listed = isinstance(phases, (list, tuple)) and all(isinstance(each, Phase) for each in phases)
    if not listed or len(phases) != 2:
        said = f"{len(phases)} of them" if listed else shown(phases)
        return f"Two Phases in a list are asked for; this is {said}."
    if phases[0].name == phases[1].name:
        return f'Both phases are called "{phases[0].name}": give each a name of its own.'
    if getattr(answer["model"], "compiled", False):
        return ("This model is trained already, and would begin where it ended. with_head() makes new ones: "
                "model=with_head()[1].")
    history, report = _trained(phases, answer)

    def draw():
        from ..notebook import show
        from .figures import ALT
        from .figures import phases as picture

        show(picture(history, report), ALT["phases"])

    if report.best_epoch is None or not np.isfinite(history["loss"]).all() or report.kept > HUGE:
        raise Wrong("The loss became huge, infinite, or no number at all: a learning_rate is far too high.")
    right = history["val_accuracy"][report.best_epoch]
    said = (f"You keep val_loss {report.kept:.3f} at epoch {report.best_epoch}, in phase "
            f"{report.best_phase}, and train {len(history['loss'])} epochs in all; {right:.1%} of the "
            "validation photos are right.")
    if right < LEAST_RIGHT:
        raise Wrong(f"{said} That is hardly learnt. Is a learning_rate far too high, or so low that nothing "
                    "moves?", draw)
    if report.best_phase == phases[0].name:
        said += " The second phase found nothing better, and was undone."
    return Right(said, draw)


your_phases = Exercise(
    "Your turn.", "Two phases", _grade,
    hints=["Copy our two phases, and change one thing.",
           "Phase(name, rule, learning_rate=..., unfreeze_from=...): the first leaves the source frozen, the "
           "second says from which layer on it is unfrozen."],
    solution='''
answer = dict(model=with_head()[1], data=known, validation_data=validation, phases=[
    Phase("head", Patience("val_loss", 1), learning_rate=3e-3),
    Phase("top", Patience("val_loss", 1), learning_rate=5e-5, unfreeze_from="Conv_1")])
''',
    fact="One photo of 200 is half a percentage point: to tell two ways apart takes more photos, or "
         "more seeds.")

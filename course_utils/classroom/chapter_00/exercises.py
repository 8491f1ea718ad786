"""The warm-up of chapter 00: one exercise, to see how exercises work."""

from ...stopping import best_so_far
from ..data import load_curves
from ..exercises import Chapter
from ..stage import Right, Wrong, one, shown, whole

chapter = Chapter()
summary = chapter.summary

EPOCHS, MOST_EPOCHS, MOST_REGRET = 150, 80, 5.0


def recorded_run():
    """Validation loss of one recorded training, 150 epochs: what chapter 00 draws."""
    run = load_curves("proben1").select(problem="thyroid", units=64, seed=2)[0]
    return {"val_loss": run["val_loss"][:EPOCHS]}


@chapter.exercise(
    "0.1", "Your own stop",
    hints=["Too early costs loss, too late costs epochs. "
           "Look at the picture: where is the curve about as low as it ever gets?",
           f"The regret has to be at most {MOST_REGRET:g} %, "
           f"with at most {MOST_EPOCHS} epochs trained: there is room."],
    solution="answer = 70       # after epoch 66, the best of all; 71 epochs are trained",
    fact="With one number chosen after the fact that is easy. "
         "The course is about rules that must choose while the curve is still coming in.")
def your_stop(answer):
    losses = recorded_run()["val_loss"]
    asked = f"The answer is an epoch, a whole number from 0 to {EPOCHS - 1}"
    stop = one(answer, asked, whole)
    if not 0 <= stop < EPOCHS:
        return f"{asked}; this is {shown(answer)}."
    kept, best = best_so_far(losses[: stop + 1]), best_so_far(losses)
    regret = 100 * (losses[kept] / losses[best] - 1)
    said = (f"You stop at epoch {stop} and keep epoch {kept}, the best so far: loss {losses[kept]:.3f}, "
            f"regret {regret:.0f} % against {losses[best]:.3f}, the best of all 150. "
            f"Epochs trained, 0 to {stop}: {stop + 1}.")

    def draw():
        from ...stopping import Report, plots
        from ..notebook import show

        report = Report("", epoch=stop, metric="val_loss", best_epoch=kept)
        ax = plots.curve({"val_loss": losses}, ["val_loss"], report)
        show(ax, f"Validation loss over {EPOCHS} epochs; your stop at epoch {stop} "
                 f"and the best epoch until then, {kept}, are marked.")

    if regret > MOST_REGRET:
        raise Wrong(f"{said} Too early: at most {MOST_REGRET:g} % is asked for.", draw)
    if stop + 1 > MOST_EPOCHS:
        raise Wrong(f"{said} Too late: at most {MOST_EPOCHS} epochs are to be paid for.", draw)
    return Right(said, draw)

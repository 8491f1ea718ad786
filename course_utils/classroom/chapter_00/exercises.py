"""The warm-up of chapter 00: one exercise, to see how exercises work."""

from ...stopping import best_so_far
from ..data import load_curves
from ..exercises import Chapter
from ..stage import Right, Wrong, one, shown, whole

chapter = Chapter()
summary = chapter.summary

EPOCHS, MOST_EPOCHS, MOST_REGRET = 150, 65, 3.0


def recorded_run():
    """Validation loss of one recorded training, 150 epochs: what chapter 00 draws."""
    run = load_curves("proben1").select(problem="thyroid", units=64, seed=2)[0]
    return {"val_loss": run["val_loss"][:EPOCHS]}


@chapter.exercise(
    "0.1", "Your own stop",
    hints=["Too early costs loss, too late costs epochs. Run a wrong answer and look at its picture: "
           f"where does the curve come down to the green band, before epoch {MOST_EPOCHS}?",
           "It does so once, between epochs 50 and 55. You keep the best epoch so far, "
           "so there is no need to stop in that very epoch."],
    solution="answer = 55       # keeps epoch 52, the lowest of the first 65; 56 epochs are trained",
    fact="The cheapest right answer is epoch 52. With the whole curve before you that is easy: "
         "the course is about rules that must choose while the curve is still coming in.")
def your_stop(answer):
    losses = recorded_run()["val_loss"]
    asked = f"The answer is an epoch, a whole number from 0 to {EPOCHS - 1}"
    stop = one(answer, asked, whole)
    if not 0 <= stop < EPOCHS:
        return f"{asked}; this is {shown(answer)}."
    kept, lowest = best_so_far(losses[: stop + 1]), best_so_far(losses)
    regret = 100 * (losses[kept] / losses[lowest] - 1)
    trained = "1 epoch" if stop == 0 else f"{stop + 1} epochs"
    said = (f"You stop at epoch {stop} ({trained} trained) and keep epoch {kept}, the best so far. "
            f"Its loss is {losses[kept]:.4f}; the lowest of all {EPOCHS} is {losses[lowest]:.4f}. "
            f"Regret: {regret:.1f} %.")

    def draw():
        from ..notebook import show
        from . import figures

        ax = figures.your_stop(losses, stop, kept, lowest, MOST_REGRET, MOST_EPOCHS)
        show(ax, f"Validation loss over {EPOCHS} epochs; marked are your stop at epoch {stop}, the epoch you "
                 f"keep, {kept}, the epoch of the lowest loss, {lowest}, the losses that are low enough, and "
                 "the epochs that nobody pays for.")

    if regret > MOST_REGRET:
        raise Wrong(f"{said} The exercise allows {MOST_REGRET:g} %: you stopped too early.", draw)
    if stop + 1 > MOST_EPOCHS:
        raise Wrong(f"{said} You can pay for {MOST_EPOCHS} epochs: you stopped too late.", draw)
    return Right(said, draw)

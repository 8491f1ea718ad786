"""The figures of chapter 00. Each function takes losses and returns its axes."""

from ...stopping import plots


def validation_loss(losses, guess=..., lowest=None):
    """The validation loss of a run, with a learner's guess and the epoch of the lowest loss, where given."""
    ax = plots.curve({"val_loss": losses}, ["val_loss"], guess=guess)
    ax.set_ylabel("validation loss")
    if lowest is not None:
        ax.plot([lowest], [losses[lowest]], "D", color=plots.GREY, markersize=6, zorder=3,
                label=f"lowest: epoch {lowest}")
    ax.legend(frameon=False)
    return ax


def your_stop(losses, stop, kept, lowest, regret, epochs):
    """Exercise 0.1: a stop, the epoch kept, how low its loss has to be (`regret`: percent allowed), and how
    many epochs are paid for."""
    ax = plots.curve({"val_loss": losses}, ["val_loss"])
    least = losses[lowest]
    ax.set_ylabel("validation loss (higher ones cut off)")
    ax.set_ylim(0.95 * least, max(1.6 * least, 1.1 * losses[kept]))
    ax.axhspan(least, (1 + regret / 100) * least, color=plots.GREEN, alpha=0.3, linewidth=0,
               label=f"regret of at most {regret:g} %")
    ax.axvspan(epochs - 0.5, len(losses) - 0.5, color=plots.GREY, alpha=0.15, linewidth=0,
               label=f"not paid for: from epoch {epochs}")
    ax.axvline(stop, color=plots.RED, linestyle=":", label=f"your stop: epoch {stop}")
    ax.plot([kept], [losses[kept]], "o", color="black", markerfacecolor="none", markersize=11,
            markeredgewidth=1.5, label=f"kept: epoch {kept}", zorder=3)
    ax.plot([lowest], [least], "D", color=plots.GREY, markersize=6, label=f"lowest: epoch {lowest}", zorder=3)
    marks = ax.get_legend_handles_labels()
    ax.legend(*(each[1:] for each in marks), frameon=False, fontsize=9, ncols=2, loc="lower center",
              bbox_to_anchor=(0.5, 1))
    return ax

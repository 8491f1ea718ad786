"""What is said of a pruning: how far it came, what was left out, how small it is."""

import gzip
import tempfile
from dataclasses import dataclass
from pathlib import Path

import keras

from ..stopping.report import Report
from ..stopping.words import plural
from .choice import Sparsity


@dataclass(frozen=True)
class Sizes:
    """Bytes of the saved model without its optimizer: as a .keras file, and that file after gzip."""

    dense: int
    dense_gzip: int
    pruned: int
    pruned_gzip: int

    @classmethod
    def of(cls, dense, pruned):
        """Of two models, not compiled. Raises whatever Keras does where one cannot be saved."""
        return cls(*_saved_bytes(dense), *_saved_bytes(pruned))

    def __str__(self):
        times = self.dense_gzip / self.pruned_gzip
        dense, small = _kilobytes(self.dense_gzip), _kilobytes(self.pruned_gzip)
        return (f".keras {_kilobytes(self.dense)} dense, {_kilobytes(self.pruned)} pruned; "
                f"after gzip {dense} and {small}, {times:.1f} times smaller")


@dataclass(frozen=True)
class PruningReport:
    """What `prune_at_stop` did; print it to read it.

    Attributes:
        first, second: the Reports of both phases (`first` is None if there was no first phase). What they
            kept is what `evaluate` of `model`, and of the pruned model, gives.
        target_sparsity: what was asked for.
        sparsity: what was measured in the layers that were pruned, a Sparsity.
        reached: whether the masks reached the target, as near as whole weights allow.
        epochs: epochs of the first and of the second phase.
        sizes: bytes before and after, a Sizes; None where the model cannot be saved.
        interrupted: whether Ctrl-C ended the second phase.
        left_out: what has kernels and was not pruned, layer's name -> why.
        notes: what else a reader should know, a sentence each.
    """

    first: Report | None
    second: Report
    target_sparsity: float
    sparsity: Sparsity
    reached: bool
    epochs: tuple
    sizes: Sizes | None
    interrupted: bool = False
    left_out: dict | None = None
    notes: tuple = ()

    def __str__(self):
        layers = ", ".join(f"{name} {share:.3f}" for name, share in self.sparsity.layers.items())
        short = ""
        if not self.reached:
            short = ", NOT REACHED: the phase ended before the ramp did"
        elif self.sparsity.total < self.target_sparsity - 0.001:
            short = ", as near as small kernels allow: at least one weight of each stays"
        lines = [
            f"trained:  {plural(self.epochs[0], 'epoch')}. {self.first or 'There was no first phase.'}",
            f"pruned:   {plural(self.epochs[1], 'epoch')}. {self.second}",
            f"sparsity: {self.sparsity.total:.3f} of {self.target_sparsity:g} asked for{short} ({layers})",
        ]
        if self.left_out:
            lines += ["left out: " + ", ".join(f"{name} ({why})" for name, why in self.left_out.items())]
        lines += [f"size:     {self.sizes}"] if self.sizes else []
        if self.interrupted:
            lines.insert(2, "          Interrupted (Ctrl-C): the model is as good as it was by then.")
        return "\n".join([*lines, *self.notes])


def _saved_bytes(model):
    """Bytes of the model as a .keras file, and of that after gzip."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        keras.saving.save_model(model, path)
        content = path.read_bytes()
    return len(content), len(gzip.compress(content))


def _kilobytes(count):
    return f"{count / 1000:.0f} kB" if count >= 10_000 else f"{count} bytes"

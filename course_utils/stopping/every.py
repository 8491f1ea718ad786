"""Rows that are evaluations: every so many steps, where an epoch is too long to wait for, or has no end."""

from dataclasses import dataclass

import keras

from .checks import check_count
from .steps import bring_back


@dataclass(frozen=True)
class Every:
    """For `check=`: evaluate every `steps` steps, and let each evaluation be a row.

        StopWhen(Patience("val_loss", 5), "val_loss", check=Every(500, (x_val, y_val)))

    Patience then counts evaluations, and the best weights are those of the best evaluation. The model is
    evaluated between two batches; what its metrics have measured of the epoch comes back afterwards. It works
    with data of unknown length, and needs no `validation_data` in `fit`.

    Args:
        steps: optimizer updates between two evaluations.
        validation_data: as in `fit`: (x, y), (x, y, sample_weight), or a batched pipeline.
        batch_size: of arrays.

    Raises:
        ValueError: `steps` is not a whole number of at least 1, or there are no data.
    """

    steps: int
    validation_data: object
    batch_size: int | None = None

    def __post_init__(self):
        check_count("steps", self.steps)
        if self.validation_data is None:
            raise ValueError("Every(steps, validation_data): an evaluation needs data.")

    def evaluate(self, model):
        """What `evaluate` gives now, with `val_` before each name. The model's metrics stay as they are."""
        bring_back(model)
        kept = [(variable, keras.ops.convert_to_numpy(variable))
                for metric in model.metrics for variable in metric.variables]
        data = self.validation_data
        parts = data if isinstance(data, (tuple, list)) else (data,)
        given = dict(zip(("x", "y", "sample_weight"), parts, strict=False))
        logs = model.evaluate(**given, batch_size=self.batch_size, verbose=0, return_dict=True)
        for variable, value in kept:
            variable.assign(value)
        return {f"val_{name}": value for name, value in logs.items()}

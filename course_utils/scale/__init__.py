"""Beyond one training: sweeps whose trials stop by a criterion, each for a reason that it can say.

    from course_utils.scale import as_stopper

    rule = Patience("val_loss", 5) | NotFinite()
    tune.RunConfig(stop=as_stopper(rule, "sweep/rows"))             # Ray Tune
    OptunaStop(trial, rule, restore_best="val_loss")                # Optuna, in callbacks=[...]

Ray and Optuna are imported when they are used: pip install "when-to-stop[ray]", or "[optuna]".
"""

from typing import TYPE_CHECKING

from ..stopping.door import names_on_demand

if TYPE_CHECKING:
    from .optuna_stop import OptunaStop
    from .stopper import CriterionStopper, as_stopper

__getattr__, __dir__ = names_on_demand(__name__, {
    "optuna_stop": ["OptunaStop"],
    "stopper": ["CriterionStopper", "as_stopper"],
})

__all__ = ["CriterionStopper", "OptunaStop", "as_stopper"]

"""Beyond one process: a training in several that stops in all of them, and sweeps that stop by a criterion.

    from course_utils.scale import Together, as_stopper

    rule = Patience("val_loss", 5) | NotFinite()
    tune.RunConfig(stop=as_stopper(rule, "sweep/rows"))             # Ray Tune
    OptunaStop(trial, rule, restore_best="val_loss")                # Optuna, in callbacks=[...]
    StopWhen(rule, "val_loss", together=Together(every=20))         # several processes, one training

Ray and Optuna are imported when they are used: pip install "when-to-stop[ray]", or "[optuna]".
"""

from typing import TYPE_CHECKING

from ..stopping.door import names_on_demand

if TYPE_CHECKING:
    from .lost import reporting
    from .optuna_stop import OptunaStop
    from .stopper import CriterionStopper, as_stopper
    from .together import Together

__getattr__, __dir__ = names_on_demand(__name__, {
    "lost": ["reporting"],
    "optuna_stop": ["OptunaStop"],
    "stopper": ["CriterionStopper", "as_stopper"],
    "together": ["Together"],
})

__all__ = ["CriterionStopper", "OptunaStop", "Together", "as_stopper", "reporting"]

"""Pruning at the stop: a criterion says when, and a second one waits for the masks.

    from course_utils.pruning import PruneWhen, at_target, prune_at_stop, sparsity

`PruneWhen` prunes inside one `fit` of Keras 3. `prune_at_stop` trains, prunes with
tensorflow-model-optimization (tfmot), which knows tf_keras only, and brings a Keras 3 model back.
"""

from typing import TYPE_CHECKING

from ..stopping.door import names_on_demand

if TYPE_CHECKING:
    from .at_stop import prune_at_stop
    from .bridge import to_keras, to_tf_keras
    from .choice import Choice, Sparsity, sparsity
    from .clone import BridgeError
    from .masks import Ramp, at_target
    from .prune_when import PruneWhen
    from .report import PruningReport, Sizes
    from .tfmot_twin import tfmot

__getattr__, __dir__ = names_on_demand(__name__, {
    "at_stop": ["prune_at_stop"],
    "bridge": ["to_keras", "to_tf_keras"],
    "choice": ["Choice", "Sparsity", "sparsity"],
    "clone": ["BridgeError"],
    "masks": ["Ramp", "at_target"],
    "prune_when": ["PruneWhen"],
    "report": ["PruningReport", "Sizes"],
    "tfmot_twin": ["tfmot"],
})

__all__ = ["BridgeError", "Choice", "PruneWhen", "PruningReport", "Ramp", "Sizes", "Sparsity", "at_target",
           "prune_at_stop", "sparsity", "tfmot", "to_keras", "to_tf_keras"]

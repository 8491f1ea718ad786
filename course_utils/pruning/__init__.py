"""Pruning at the stop: a criterion says when, and a second one waits for the masks.

    from course_utils.pruning import PruneWhen, at_target, prune_at_stop, sparsity

`PruneWhen` prunes inside one `fit` of Keras 3. `prune_at_stop` trains, prunes with
tensorflow-model-optimization (tfmot), which knows tf_keras only, and brings a Keras 3 model back.
"""

from typing import TYPE_CHECKING

from ..stopping.door import names_on_demand

if TYPE_CHECKING:
    from .at_stop import PruningReport, Sizes, prune_at_stop, tfmot
    from .bridge import to_keras, to_tf_keras
    from .bridge_layers import BridgeError
    from .masks import Ramp, Sparsity, at_target, sparsity
    from .prune_when import PruneWhen

__getattr__, __dir__ = names_on_demand(__name__, {
    "at_stop": ["PruningReport", "Sizes", "prune_at_stop", "tfmot"],
    "bridge": ["to_keras", "to_tf_keras"],
    "bridge_layers": ["BridgeError"],
    "masks": ["Ramp", "Sparsity", "at_target", "sparsity"],
    "prune_when": ["PruneWhen"],
})

__all__ = ["BridgeError", "PruneWhen", "PruningReport", "Ramp", "Sizes", "Sparsity", "at_target",
           "prune_at_stop", "sparsity", "tfmot", "to_keras", "to_tf_keras"]

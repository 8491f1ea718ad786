"""More than one modality: each input of a model has its own clock, and may stop at its own time.

    from course_utils.multimodal import FreezeWhen, UtilisationRate, clocks, utilisation

    print(clocks({"pictures": history_of_pictures_alone, "words": history_of_words_alone}))
    freeze = FreezeWhen(Patience("val_pictures_loss", 3), ["picture_branch", "picture_head"],
                        restore_best="val_pictures_loss", name="pictures_frozen")
    stop = StopWhen(Armed(Above("pictures_frozen", 0.5), Patience("val_both_loss", 3)), "val_both_loss")
    model.fit(..., callbacks=[freeze, stop])
    print(freeze.report, utilisation(model, (x_val, y_val), output="both"), sep="\\n")
"""

from typing import TYPE_CHECKING

from ..stopping.door import names_on_demand

if TYPE_CHECKING:
    from .best_epochs import Clocks, clocks
    from .blending import blending_weights, overfitting_ratio
    from .freeze_when import FreezeWhen
    from .inputs import check_inputs
    from .usage import Utilisation, UtilisationRate, accuracy, utilisation

__getattr__, __dir__ = names_on_demand(__name__, {
    "best_epochs": ["Clocks", "clocks"],
    "blending": ["blending_weights", "overfitting_ratio"],
    "freeze_when": ["FreezeWhen"],
    "inputs": ["check_inputs"],
    "usage": ["Utilisation", "UtilisationRate", "accuracy", "utilisation"],
})

__all__ = ["Clocks", "FreezeWhen", "Utilisation", "UtilisationRate", "accuracy", "blending_weights",
           "check_inputs", "clocks", "overfitting_ratio", "utilisation"]

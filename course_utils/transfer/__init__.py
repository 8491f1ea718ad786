"""Transfer learning: features from another network, a head on them, and phases that end at their own events.

    source = backbone("MobileNetV2", side=97, from_side=32, weights="imagenet")
    features = cached_features(source, pictures)                    # computed once
    logme(features, labels)                                         # does this source fit?
    model = keras.Model(source.input, keras.layers.Dense(10)(source.output))
    history, report = fit_in_phases(model, [
        Phase("head", Patience("val_loss", 3)),
        Phase("top", Patience("val_loss", 3), learning_rate=1e-5, unfreeze_from="block_16_expand"),
    ], (pictures, labels), validation_data=..., loss=...)
"""

from typing import TYPE_CHECKING

from ..stopping.door import names_on_demand

if TYPE_CHECKING:
    from .backbones import backbone
    from .features import cached_features
    from .layers import split_at, unfreeze
    from .phases import Phase, Phased, PhasesReport, fit_in_phases
    from .source_scores import h_score, leep, logme

__getattr__, __dir__ = names_on_demand(__name__, {
    "backbones": ["backbone"],
    "features": ["cached_features"],
    "layers": ["split_at", "unfreeze"],
    "phases": ["Phase", "Phased", "PhasesReport", "fit_in_phases"],
    "source_scores": ["h_score", "leep", "logme"],
})

__all__ = ["Phase", "Phased", "PhasesReport", "backbone", "cached_features", "fit_in_phases", "h_score",
           "leep", "logme", "split_at", "unfreeze"]

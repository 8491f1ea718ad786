"""Small and fast: whole filters removed, files for a phone, and what they weigh and take.

    from course_utils.small import Lite, measure, prune_filters, to_lite

    small, report = prune_filters(model, 0.5)               # half of the filters, wherever they are free
    file = to_lite(small, int8=True, data=pictures)         # the bytes of a LiteRT file
    print(Lite(file).accuracy(x, y), measure(file, reference=model))

A file runs, and is measured, with NumPy and ai-edge-litert alone.
"""

from typing import TYPE_CHECKING

from ..stopping.door import names_on_demand

if TYPE_CHECKING:
    from .conversion import to_lite
    from .filters import prune_filters
    from .filters_report import FiltersReport
    from .lite import Lite
    from .measured import Measured, measure, processor, race

__getattr__, __dir__ = names_on_demand(__name__, {
    "filters": ["prune_filters"],
    "filters_report": ["FiltersReport"],
    "lite": ["Lite"],
    "measured": ["Measured", "measure", "processor", "race"],
    "conversion": ["to_lite"],
})

__all__ = ["FiltersReport", "Lite", "Measured", "measure", "processor", "prune_filters", "race", "to_lite"]

"""Small and fast: whole filters removed, files for a phone, and what they weigh and take.

    from course_utils.small import measure, prune_filters, to_lite

    small, report = prune_filters(model, 0.5)       # half of the filters, wherever they are free
"""

from typing import TYPE_CHECKING

from ..stopping.door import names_on_demand

if TYPE_CHECKING:
    from .filters import prune_filters
    from .filters_report import FiltersReport

__getattr__, __dir__ = names_on_demand(__name__, {
    "filters": ["prune_filters"],
    "filters_report": ["FiltersReport"],
})

__all__ = ["FiltersReport", "prune_filters"]

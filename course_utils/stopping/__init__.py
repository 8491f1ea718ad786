"""When to stop a training: criteria, the callbacks that act on them, replay and comparison.

    from course_utils.stopping import NotFinite, Patience, StopWhen

    stop = StopWhen(Patience("val_loss", 5) | NotFinite(), restore_best="val_loss")
    model.fit(..., callbacks=[stop])
    print(stop.report)

Every public name comes from this one line. Criteria, histories, replay and comparison need NumPy alone; what
needs Keras or matplotlib is loaded when it is asked for. This folder can be copied whole into a project.
"""

from typing import TYPE_CHECKING

from .batches import batches
from .budgets import Epochs, RateFloor, StepBudget, TimeBudget
from .compare import Comparison, Row, compare
from .criteria import Above, AtLeast, AtMost, Below, ImprovementBelow, NotFinite, Patience, patience_for
from .criterion import Criterion
from .door import names_on_demand
from .history import History, MissingColumn
from .interrupts import Deadline, Signal, StopFile
from .joins import AllOf, AnyOf, Asked, Combined, as_criterion
from .many import first_rows
from .peers import CorrelationBelow, GrowingPatience, IncToDec
from .replay import best_so_far, replay
from .report import Report
from .runs import Runs
from .scores import GeneralizationLoss, Plateau, ProgressQuotient, SuccessiveIncreases
from .wrappers import After, Armed, Lasting, Smoothed

if TYPE_CHECKING:  # for editors; at run time they come when they are asked for
    from . import plots as plots
    from .actions import raise_error, scale_learning_rate
    from .every import Every
    from .gradient_norm import GradientNorm
    from .lab import StoppingLab as StoppingLab
    from .lab import stopping_lab as stopping_lab
    from .probes import Memory, Probe, WeightChange
    from .rate import LearningRate
    from .stop_when import StopWhen
    from .tensorboard import TensorBoardReport as TensorBoardReport
    from .when import When

__getattr__, __dir__ = names_on_demand(__name__, {
    "actions": ["raise_error", "scale_learning_rate"],
    "lab": ["StoppingLab", "stopping_lab"],
    "plots": [],
    "every": ["Every"],
    "gradient_norm": ["GradientNorm"],
    "probes": ["Memory", "Probe", "WeightChange"],
    "rate": ["LearningRate"],
    "stop_when": ["StopWhen"],
    "tensorboard": ["TensorBoardReport"],
    "when": ["When"],
})

# What a star brings: what Keras and a backend are enough for. `plots`, `stopping_lab`, `StoppingLab` and
# `TensorBoardReport` are public too; with them, a star would ask for matplotlib, ipywidgets and TensorFlow.
__all__ = [
    "Above", "After", "AllOf", "AnyOf", "Armed", "Asked", "AtLeast", "AtMost", "Below", "Combined",
    "Comparison", "CorrelationBelow", "Criterion", "Deadline", "Epochs", "Every", "GeneralizationLoss",
    "GradientNorm", "GrowingPatience", "History", "ImprovementBelow", "IncToDec", "Lasting",
    "LearningRate", "Memory", "MissingColumn", "NotFinite", "Patience", "Plateau", "Probe",
    "ProgressQuotient", "RateFloor", "Report", "Row", "Runs", "Signal", "Smoothed", "StepBudget", "StopFile",
    "StopWhen", "SuccessiveIncreases", "TimeBudget", "WeightChange",
    "When", "as_criterion", "batches", "best_so_far", "compare", "first_rows", "patience_for", "raise_error",
    "replay", "scale_learning_rate",
]

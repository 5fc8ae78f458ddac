"""The specification of every number: plain NumPy in float64 that reads like the formulas.

Each family is a dict from name to function or class; see `Family` for the spellings that it understands.
"""

from .activations import ACTIVATIONS, activation, activation_gradient
from .constraints import CONSTRAINTS, constraint
from .family import Family
from .finite_differences import numeric_gradient
from .initializers import INITIALIZERS, Distribution, distribution, fans
from .layers import LAYERS, dense, layer
from .losses import LOSSES, REDUCTIONS, loss, loss_gradient
from .losses import gradient as reduced_loss_gradient
from .losses import reduced as reduced_loss
from .metrics import METRICS, metric
from .network import Network, class_weights, split_rows
from .optimizers import OPTIMIZERS, optimizer
from .regularizers import REGULARIZERS, regularizer, regularizer_gradient
from .schedules import SCHEDULES, schedule

__all__ = [
    "ACTIVATIONS",
    "CONSTRAINTS",
    "INITIALIZERS",
    "LAYERS",
    "LOSSES",
    "METRICS",
    "OPTIMIZERS",
    "REDUCTIONS",
    "REGULARIZERS",
    "SCHEDULES",
    "Distribution",
    "Family",
    "Network",
    "activation",
    "activation_gradient",
    "class_weights",
    "constraint",
    "dense",
    "distribution",
    "fans",
    "layer",
    "loss",
    "loss_gradient",
    "metric",
    "numeric_gradient",
    "optimizer",
    "reduced_loss",
    "reduced_loss_gradient",
    "regularizer",
    "regularizer_gradient",
    "schedule",
    "split_rows",
]

"""irgate_solver: differentiable 2-D image registration in PyTorch."""

from irgate_solver._implicit import InexactGradientWarning
from irgate_solver._native import kernel
from irgate_solver._recipes import recipes
from irgate_solver._register import register
from irgate_solver._result import Result
from irgate_solver._status import Status
from irgate_solver._transform import Exportable, Transform, load

__all__ = [
    "Exportable",
    "InexactGradientWarning",
    "Result",
    "Status",
    "Transform",
    "kernel",
    "load",
    "recipes",
    "register",
]

# Where they are found, and not where they are written: what `help` and messages say.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name

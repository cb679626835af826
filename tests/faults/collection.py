"""The whole collection: importing this module reads every file of it."""

from . import (
    conventions,
    descent,
    free_form,
    gradient,
    metric,
    protocol,
    pyramid,
    sampling,
)
from .fault import COLLECTION, LAYERS, Fault

KINDS = (conventions, sampling, pyramid, metric, descent, free_form, gradient, protocol)
"""The files, in the order of the report."""

__all__ = ["COLLECTION", "KINDS", "LAYERS", "Fault"]

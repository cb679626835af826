"""The whole collection: importing this module reads every file of it."""

from . import (
    conventions,
    descent,
    free_form,
    gradient,
    metric,
    optional_models,
    protocol,
    pyramid,
    sampling,
)
from .fault import ADDED, LAYERS, Fault

KINDS = (
    conventions,
    sampling,
    pyramid,
    metric,
    descent,
    free_form,
    optional_models,
    gradient,
    protocol,
)
"""The files, in the order of the report."""

COLLECTION: dict[str, Fault] = {
    name: fault
    for module in KINDS
    for name, fault in ADDED.items()
    if module.__name__.endswith(f".{fault.kind}")
}
"""All faults by name, in that order."""

EVERY = dict(COLLECTION)
"""What the measurement knows by name: these, and what other collections add."""

__all__ = ["COLLECTION", "EVERY", "KINDS", "LAYERS", "Fault"]

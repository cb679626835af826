"""All reports: importing this module reads every file of it, and lets the measurement know them."""

from faults.collection import EVERY
from faults.fault import ADDED, Fault

from . import correlation_peaks, number_types, objectives, read_out, starts

KINDS = (read_out, objectives, starts, correlation_peaks, number_types)

REPORTS: dict[str, Fault] = {
    name: fault
    for module in KINDS
    for name, fault in ADDED.items()
    if fault.kind == module.__name__.rpartition(".")[2]
}
"""By name, in the order of the files. The origin is repository and number of the thread."""

EVERY.update(REPORTS)

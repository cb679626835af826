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

WHY_NOT_NAMED = {
    "fine_rotation_applied_backwards": "its error is that of a coarse solution which nobody "
    "outside sees, and the cases that fail are too noisy to show that search and objective are "
    "innocent",
    "blurred_border_counted": "it fails under noise, bias and low overlap only, where a wrong "
    "minimum and a wrong basin look alike",
    "best_value_with_the_next_parameters": "`read-out` is said, which names the last step for the "
    "best among other causes; from outside they look alike",
    "gives_up_on_a_coarse_level": "what is said is what comes of it in every case that fails: the "
    "control points do not move",
    "lag_of_the_other_quadrant": "beyond half the image its window hides the peak altogether, and "
    "what comes is no wrapped shift",
}
"""Reports that are caught and not named rightly, and what limits it."""

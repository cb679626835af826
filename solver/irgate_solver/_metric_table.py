"""The metrics that have a name."""

from irgate_solver import _metrics
from irgate_solver._dissimilarity import Dissimilarity
from irgate_solver._local_correlation import LOCAL_CORRELATION
from irgate_solver._mind import MIND, MIND_PYRAMID
from irgate_solver._mutual_information import MUTUAL_INFORMATION

BY_FUNCTION: dict[str, Dissimilarity] = {
    metric.name: metric for metric in (MIND, MIND_PYRAMID, LOCAL_CORRELATION, MUTUAL_INFORMATION)
}
"""Those that are known by their function alone, by name."""
NAMES = (*_metrics.METRICS, *BY_FUNCTION)
"""What `register(metric=...)` takes besides a function."""

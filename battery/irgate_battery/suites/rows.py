"""What a row says by the suite that it belongs to."""

from irgate_battery.results.result_row import ResultRow
from irgate_battery.suites.registry import entry_of


def family_of(row: ResultRow) -> str | None:
    """Return the name of the perturbation that a row is about, or `None`."""
    entry = entry_of(row.suite)
    return None if entry is None else entry.suite.family_of(row)


def is_own_data(row: ResultRow) -> bool:
    """Whether a row is about the user's own images, beside the gate."""
    entry = entry_of(row.suite)
    return entry is not None and entry.suite.own_data


def has_truth(row: ResultRow) -> bool:
    """Whether a row's suite measures a distance to a known truth."""
    entry = entry_of(row.suite)
    return entry is not None and entry.suite.has_truth

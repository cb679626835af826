"""Figures as cells: how a distance, a ratio, an error and a time are written."""

from collections.abc import Callable

from irgate_battery.comparison.sheet import Cell


def cell(
    value: float | None,
    shown: Callable[[float], str],
    *,
    partial: bool = False,
    ranked: bool = True,
) -> Cell:
    """Return the cell of a figure that is better the smaller it is; `-` where there is none.

    Args:
        value: the figure.
        shown: writes it.
        partial: whether it stands over fewer cases than those beside it.
        ranked: whether it takes part in what is best.

    """
    if value is None:
        return Cell()
    return Cell(shown(value), value if ranked else None, partial=partial)


def px(value: float) -> str:
    """Write a distance, pixels."""
    return f"{value:.4f}" if value < 10 else f"{value:.1f}" if value < 1e5 else f"{value:.0e}"


def ratio(value: float) -> str:
    """Write a ratio of two RMSEs."""
    return f"{value:.4f}" if value < 100 else f"{value:.0f}" if value < 1e5 else f"{value:.0e}"


def error(value: float) -> str:
    """Write a relative error."""
    return f"{value:.1e}"


def seconds(value: float) -> str:
    """Write a time, or a ratio of two."""
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"

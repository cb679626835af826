"""How a distance, a ratio, an error and a time are written where runs stand side by side."""

from collections.abc import Callable
from typing import TypeAlias

Form: TypeAlias = Callable[[float], str]
"""Writes a figure."""


def px(value: float) -> str:
    """Write a distance, pixels."""
    return f"{value:.4f}" if value < 10 else f"{value:.1f}" if value < 100_000 else f"{value:.0e}"


def ratio(value: float) -> str:
    """Write a ratio of two RMSEs."""
    return f"{value:.4f}" if value < 100 else f"{value:.0f}" if value < 100_000 else f"{value:.0e}"


def error(value: float) -> str:
    """Write a relative error."""
    return f"{value:.1e}"


def seconds(value: float) -> str:
    """Write a time, or a ratio of two."""
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"

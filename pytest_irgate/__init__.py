"""pytest-irgate: does a 2-D image registration do what SimpleITK does, and if not, what is wrong?

Nothing is imported here before it is used: every pytest run loads the entry point
`pytest_irgate.plugin`, and with it this file, whether `--irgate` is asked for or not.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_irgate.parametrizing import parametrize_with_cases

__version__ = "0.1.0"

__all__ = ["parametrize_with_cases"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pytest_irgate import parametrizing

    return getattr(parametrizing, name)

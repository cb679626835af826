"""What an installation may lack, and the line that says so before anything runs.

The gate needs numpy and scipy. The bundled solver, SimpleITK, pictures and the fuzz suite are
extras of this distribution.
"""

from collections.abc import Collection
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from irgate_battery.cases.run_spec import RunSpec

EXTRAS = {"torch": "bundled", "SimpleITK": "oracle", "matplotlib": "show", "hypothesis": "fuzz"}
"""The extra that brings a library."""


def is_installed(library: str) -> bool:
    """Whether a library can be imported; it is not imported for that."""
    try:
        return find_spec(library) is not None
    except (ImportError, ValueError):
        return False


def lack_of(library: str, what: str) -> str | None:
    """Return the line that says what is missing for something, or `None` where nothing is.

    Args:
        library: one of `EXTRAS`.
        what: that needs it, in words.
    """
    if is_installed(library):
        return None
    return f"{what} needs {library}, which is not installed; {how_to_get(library)}"


def how_to_get(library: str) -> str:
    """Return the command that installs an extra's library."""
    return f'python -m pip install "pytest-irgate[{EXTRAS[library]}]"'


def lack_of_run(spec: "RunSpec", names: Collection[str], oracle: str) -> str | None:
    """Return the line that says what is missing for a run, or `None` where nothing is.

    Args:
        spec: what is asked for.
        names: the suites that run.
        oracle: auto, stored or live.
    """
    drawn = lack_of("hypothesis", "the fuzz suite") if spec.examples else None
    if drawn or is_installed("SimpleITK"):
        return drawn
    if spec.packs or any(pair.truth is not None for pair in spec.pairs):
        return lack_of("SimpleITK", "a case with a truth, whose files it reads,")
    if oracle == "stored":
        return None
    if oracle == "live":
        return lack_of("SimpleITK", "a live oracle")
    if spec.pairs:
        return lack_of("SimpleITK", "a pair of your own")
    case = _without_result(spec, names)
    return lack_of("SimpleITK", f"{case}, which has no stored result,") if case else None


def _without_result(spec: "RunSpec", names: Collection[str]) -> str | None:
    """Return the first case whose oracle has to be computed."""
    from irgate_battery.cases.catalogue import Case
    from irgate_battery.oracle.store import digest, stored_entries
    from irgate_battery.suites.registry import expected_items

    known = stored_entries()
    cases = (item.subject for item in expected_items(spec, names))
    return next(
        (case.id for case in cases if isinstance(case, Case) and digest(case) not in known), None
    )

"""The suites of the gate, in the order in which they run.

This is the one list of them. A line holds what a front end must know before it loads a suite, and
the standard library suffices to read it; all else is in the suite's own file, `NAME.py` beside
this one, whose `SUITE` the line loads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from irgate_battery.cases.battery_table import DEFAULT_COUNT
from irgate_battery.cases.condition_table import CONDITIONS

if TYPE_CHECKING:
    from irgate_battery.cases.run_spec import RunSpec
    from irgate_battery.suites.suite import Item, Suite

FOLDER = "irgate"
"""The folder of node ids that the suites seem to stand in; there is none on disk."""


@dataclass(frozen=True)
class SuiteEntry:
    """A suite by name.

    Attributes:
        name: of its file, its node id, its marker and its rows.
        about: what `pytest --markers` says of it.
        given_by: the option that asks for it by giving it something to do, `"pair"`; `None` where a
            run that names no suites has it.
        in_command: whether it runs without pytest too.

    """

    name: str
    about: str
    given_by: str | None = None
    in_command: bool = True

    @property
    def marker(self) -> str:
        """The pytest marker of its items."""
        return f"{FOLDER}_{self.name}"

    @property
    def module_id(self) -> str:
        """The node id of its module, `irgate/base.py`."""
        return f"{FOLDER}/{self.name}.py"

    @cached_property
    def suite(self) -> Suite[Any]:
        """The suite itself."""
        module = import_module(f"irgate_battery.suites.{self.name}")
        suite: Suite[Any] = module.SUITE(self)
        return suite


REGISTRY = (
    SuiteEntry("contract", "the gate's contract suite"),
    SuiteEntry("base", "the gate's five base fixtures"),
    SuiteEntry("battery", f"the gate's {DEFAULT_COUNT} perturbed fixtures"),
    SuiteEntry("conditions", f"the gate's {len(CONDITIONS)} conditions that break code"),
    SuiteEntry("recovery", "the gate's convergence-recovery suite"),
    SuiteEntry("gradient", "the gate's gradient suite"),
    SuiteEntry("consistency", "the gate's consistency suite"),
    SuiteEntry("pair", "the gate's suite of your own pairs", given_by="pair"),
    SuiteEntry("pack", "the gate's suite of packs: cases with a truth", given_by="pack"),
    SuiteEntry("fuzz", "the gate's fuzz suite", given_by="fuzz", in_command=False),
)


def entry_of(name: str) -> SuiteEntry | None:
    """Return the suite of this name, or `None`."""
    return next((entry for entry in REGISTRY if entry.name == name), None)


def suites(names: Collection[str] | None = None) -> Iterator[Suite[Any]]:
    """Load the suites of these names, or all, in the order in which they run."""
    return (entry.suite for entry in REGISTRY if names is None or entry.name in names)


def default_names() -> tuple[str, ...]:
    """Return the names of the suites that a run has where none is named."""
    return tuple(entry.name for entry in REGISTRY if entry.given_by is None)


def suites_of(spec: RunSpec) -> Iterator[Suite[Any]]:
    """Load the suites that a complete run of what was asked for has."""
    for entry in REGISTRY:
        if entry.given_by is None or entry.suite.is_asked_for(spec):
            yield entry.suite


def expected_items(spec: RunSpec, names: Collection[str] | None = None) -> tuple[Item[Any], ...]:
    """Return the items of a complete run.

    Args:
        spec: what was asked for.
        names: only these suites; all that a complete run has, if not given.
    """
    return tuple(
        item
        for suite in suites_of(spec)
        if names is None or suite.name in names
        for item in suite.items(spec)
    )


def expected_cases(spec: RunSpec) -> dict[str, list[str]]:
    """Return the names of the items that a complete run has, by suite."""
    expected: dict[str, list[str]] = {}
    for item in expected_items(spec):
        expected.setdefault(item.suite, []).append(item.case)
    return expected

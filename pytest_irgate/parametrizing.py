"""The gate's items in tests of one's own: `parametrize_with_cases`.

from pytest_irgate import parametrize_with_cases

@parametrize_with_cases([register], suites=("base", "battery"))
def test_registration(solver, case):
case(solver)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.declaration import NotASolver
from irgate_battery.interface.launch import launched, process_of
from irgate_battery.interface.protocol import DEFAULT_TIMEOUT, Solver
from irgate_battery.oracle.store import OracleStore
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.solver_identity import SolverIdentity
from irgate_battery.suites.evaluation import ItemResult
from irgate_battery.suites.registry import REGISTRY, default_names, entry_of, expected_items
from irgate_battery.suites.suite import EvaluationSetup, Item
from pytest_irgate.user_cache import UserCache


class GateCase:
    """One item of the gate, to be called with a solver.

    Attributes:
        id: as in `irgate list`: `lena_affine_2d-rot75`.
        suite, model, purpose: what it is about; `model` is `None` for a check of its own.
        label: what the test's id calls the solver that it is to be called with.
    """

    def __init__(self, item: Item[Any], timeout: float | None, label: str = "") -> None:
        self.id = item.case
        self.suite = item.suite
        self.model = item.model
        self.purpose = item.purpose
        self.label = label
        self.result: ItemResult | None = None
        self.solver: SolverIdentity | None = None
        self._item = item
        self._timeout = timeout

    @property
    def row(self) -> ResultRow | None:
        """What was measured, once it was called; `None` before."""
        return None if self.result is None else self.result.row

    def forget(self) -> None:
        """Forget what was measured: the same test may run again."""
        self.result = self.solver = None

    def __call__(self, solver: object) -> ResultRow:
        """Judge a solver on it; return the row where it passes.

        Args:
            solver: a callable that fits the protocol, or a SPEC, whose solver lives in a process
                of its own.
        Raises: pytest's outcomes: failed with the gate's message, or skipped where the solver
            cannot be asked.
        """
        entry = entry_of(self.suite)
        assert entry is not None
        setup = EvaluationSetup(OracleStore("auto", UserCache()), self._timeout)
        try:
            judged = _opened(solver)
        except NotASolver as error:
            pytest.fail(str(error), pytrace=False)
        result = self.result = entry.suite.evaluate(self._item, judged, setup)
        self.solver = SolverIdentity(
            self.label, judged.name, judged.version, judged.caller.isolation
        )
        if result.row.status == "skipped":
            pytest.skip(result.row.message)
        if result.row.status != "passed":
            pytest.fail("\n".join(filter(None, [result.row.message, result.detail])), pytrace=False)
        return result.row

    def __repr__(self) -> str:
        return f"GateCase({self.suite} {self.id})"


def parametrize_with_cases(
    solvers: Sequence[object],
    *,
    suites: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
) -> Callable[[Callable[..., Any]], Any]:
    """Parametrise a test over solvers and the gate's items, as `solver` and `case`.

    Args:
        solvers: callables that fit the protocol, or SPECs.
        suites: names of suites; all that need nothing given, if not given.
        models: only the items that ask for one of these models; checks of their own, which ask for
            none, are left out then. All, if not given.
        expected_failures: reasons by the case's id, `"lena_affine_2d-rot75"`, for every solver
            and suite that has it; or with both before it, as in the test's own id,
            `"register-battery-lena_affine_2d-rot75"`. They are strict: what passes fails.
        timeout: seconds for one call; `None` for no limit.
    Raises: ValueError where there is no solver; for an unknown suite, a model that no item asks
        for, or an expected failure that is no item's.
    """
    if isinstance(solvers, str) or not solvers:
        raise ValueError(
            f"parametrize_with_cases: solvers {solvers!r}; expected a list of callables or SPECs, "
            "one at least"
        )
    for what, given in (("suites", suites), ("models", models)):
        if isinstance(given, str):
            raise ValueError(f"parametrize_with_cases: {what} {given!r}; expected a list of names")
    names = default_names() if suites is None else tuple(suites)
    known = [entry.name for entry in REGISTRY if entry.given_by is None]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(f"parametrize_with_cases: suites {list(names)}; expected some of {known}")
    items = expected_items(RunSpec(), names)
    if models is not None:
        unused = set(models) - {item.model for item in items}
        if unused or not models:
            raise ValueError(
                f"parametrize_with_cases: no item of {list(names)} asks for {sorted(unused)}"
            )
        items = tuple(item for item in items if item.model in models)
    waived = dict(expected_failures or {})
    used: set[str] = set()
    parameters = []
    for solver, label in zip(solvers, _labels(solvers), strict=True):
        for item in items:
            name = f"{label}-{item.suite}-{item.case}"
            keys = {item.case, name} & waived.keys()
            used |= keys
            reason = next((waived[key] for key in keys), None)
            marks = [] if reason is None else [pytest.mark.xfail(reason=reason, strict=True)]
            case = GateCase(item, timeout, label)
            parameters.append(pytest.param(solver, case, id=name, marks=marks))
    strangers = sorted(waived.keys() - used)
    if strangers:
        raise ValueError(f"parametrize_with_cases: expected_failures {strangers}: no such items")
    return pytest.mark.parametrize(("solver", "case"), parameters)


def _labels(solvers: Sequence[object]) -> list[str]:
    """Name each solver, no two alike."""
    labels: list[str] = []
    for solver in solvers:
        if isinstance(solver, str):
            name = solver.rpartition("/")[2]
        else:
            name = str(getattr(solver, "__name__", type(solver).__name__))
        again = sum(label == name or label.startswith(f"{name}#") for label in labels)
        labels.append(f"{name}#{again + 1}" if again else name)
    return labels


def _opened(solver: object) -> Solver:
    return _served(solver) if isinstance(solver, str) else _known(id(solver), solver)


@cache
def _served(spec: str) -> Solver:
    """Start a SPEC's process once; it ends with the session."""
    return launched(process_of(spec, Path.cwd()))


_KNOWN: dict[int, tuple[object, Solver]] = {}


def _known(number: int, solver: object) -> Solver:
    """Return the solver as this session knows it: how its calls have ended stays."""
    if number not in _KNOWN:
        _KNOWN[number] = solver, Solver.of(solver)
    return _KNOWN[number][1]

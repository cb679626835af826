"""The referee of the gate: cases, protocol, oracle, judge and verdicts, without pytest or torch.

    from irgate_battery import check_solver

    report = check_solver(register)        # def register(fixed, moving): return matrix
    print(report)

A folder is a stage, and each imports only those before it: `interface`, `cases`, `judge`, `oracle`,
`results`, `diagnosis`, `suites`, `report`. The names below are loaded when they are first used, so
that a front end can read the tables of suites and cases at no cost.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from irgate_battery.cases.catalogue import BATTERY_VERSION, Case, all_cases
    from irgate_battery.cases.own_pairs import PairError
    from irgate_battery.cases.run_spec import RunSpec
    from irgate_battery.interface.conventions import (
        centred,
        components_first,
        components_last,
        displacement_from_pixels,
        displacement_to_grid,
        displacement_to_pixels,
        grid_to_displacement,
        image_centred,
        invert_displacement,
        invert_matrix,
        matrix_from_pixels,
        matrix_to_pixels,
        normalised,
        physical,
        row_column,
    )
    from irgate_battery.interface.declaration import NotASolver
    from irgate_battery.judge.measure import Measurement, measure
    from irgate_battery.report.report import Report
    from irgate_battery.results.result_row import ResultRow
    from irgate_battery.results.solver_identity import SolverIdentity
    from irgate_battery.results.text import Line
    from irgate_battery.results.verdict import Verdict, Verdicts
    from irgate_battery.run import check_solver
    from irgate_battery.suites.evaluation import ItemResult

__all__ = [
    "BATTERY_VERSION",
    "Case",
    "ItemResult",
    "Line",
    "Measurement",
    "NotASolver",
    "PairError",
    "Report",
    "ResultRow",
    "RunSpec",
    "SolverIdentity",
    "Verdict",
    "Verdicts",
    "all_cases",
    "centred",
    "check_solver",
    "components_first",
    "components_last",
    "displacement_from_pixels",
    "displacement_to_grid",
    "displacement_to_pixels",
    "grid_to_displacement",
    "image_centred",
    "invert_displacement",
    "invert_matrix",
    "matrix_from_pixels",
    "matrix_to_pixels",
    "measure",
    "normalised",
    "physical",
    "row_column",
]

_HOMES = {
    **dict.fromkeys(("BATTERY_VERSION", "Case", "all_cases"), "cases.catalogue"),
    "ItemResult": "suites.evaluation",
    "Line": "results.text",
    **dict.fromkeys(("Measurement", "measure"), "judge.measure"),
    "NotASolver": "interface.declaration",
    "PairError": "cases.own_pairs",
    "Report": "report.report",
    "SolverIdentity": "results.solver_identity",
    "ResultRow": "results.result_row",
    "RunSpec": "cases.run_spec",
    **dict.fromkeys(("Verdict", "Verdicts"), "results.verdict"),
    "check_solver": "run",
}
"""The modules of the names that `interface.conventions` does not hold."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'interface.conventions')}"), name)
    globals()[name] = value
    return value

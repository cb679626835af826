"""The referee of the gate: cases, protocol, oracle, judge and verdicts, without pytest or torch.

from irgate_battery import check_solver

report = check_solver(register)        # def register(fixed, moving): return matrix
print(report)
"""

from irgate_battery.catalogue import BATTERY_VERSION, Case, base_cases, battery_cases, cases
from irgate_battery.check import check_solver
from irgate_battery.contract import CHECKS, Check
from irgate_battery.conventions import (
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
from irgate_battery.examine import (
    DEFAULT_TIMEOUT,
    Examined,
    examine_case,
    examine_check,
    examine_gradient,
    examine_recovery,
)
from irgate_battery.gate import evaluate, has_failed
from irgate_battery.judge import Measurement, measure
from irgate_battery.own.examination import examine_pair
from irgate_battery.own.named import OwnPair, PairError, own_pairs
from irgate_battery.plan import PAIR, SUITES, Plan, item_id, recovery_name
from irgate_battery.protocol import MODELS, NotASolver, Solver, SolverFault
from irgate_battery.recovery import PUSHES
from irgate_battery.report import Report, SolverIdentity
from irgate_battery.row import Row
from irgate_battery.store import OracleStore
from irgate_battery.table import Line
from irgate_battery.verdict import Verdict, Verdicts

__all__ = [
    "BATTERY_VERSION",
    "CHECKS",
    "DEFAULT_TIMEOUT",
    "MODELS",
    "PAIR",
    "PUSHES",
    "SUITES",
    "Case",
    "Check",
    "Examined",
    "Line",
    "Measurement",
    "NotASolver",
    "OracleStore",
    "OwnPair",
    "PairError",
    "Plan",
    "Report",
    "Row",
    "Solver",
    "SolverFault",
    "SolverIdentity",
    "Verdict",
    "Verdicts",
    "base_cases",
    "battery_cases",
    "cases",
    "centred",
    "check_solver",
    "components_first",
    "components_last",
    "displacement_from_pixels",
    "displacement_to_grid",
    "displacement_to_pixels",
    "evaluate",
    "examine_case",
    "examine_check",
    "examine_gradient",
    "examine_pair",
    "examine_recovery",
    "grid_to_displacement",
    "has_failed",
    "image_centred",
    "invert_displacement",
    "invert_matrix",
    "item_id",
    "matrix_from_pixels",
    "matrix_to_pixels",
    "measure",
    "normalised",
    "own_pairs",
    "physical",
    "recovery_name",
    "row_column",
]

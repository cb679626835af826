"""The referee of the gate: cases, protocol, oracle, judge and verdicts, without pytest or torch.

from irgate_battery import check_solver

report = check_solver(register)        # def register(fixed, moving): return matrix
print(report)
"""

from irgate_battery.cases import BATTERY_VERSION, Case, base_cases, cases
from irgate_battery.check import (
    DEFAULT_TIMEOUT,
    SUITES,
    Examined,
    check_solver,
    examine_case,
    examine_check,
)
from irgate_battery.contract import CHECKS, Check
from irgate_battery.gate import Verdict, Verdicts, evaluate
from irgate_battery.judge import Measurement, measure
from irgate_battery.protocol import MODELS, NotASolver, Solver, SolverFault
from irgate_battery.report import Report, SolverIdentity
from irgate_battery.row import Row
from irgate_battery.store import OracleStore
from irgate_battery.table import Line

__all__ = [
    "BATTERY_VERSION",
    "CHECKS",
    "DEFAULT_TIMEOUT",
    "MODELS",
    "SUITES",
    "Case",
    "Check",
    "Examined",
    "Line",
    "Measurement",
    "NotASolver",
    "OracleStore",
    "Report",
    "Row",
    "Solver",
    "SolverFault",
    "SolverIdentity",
    "Verdict",
    "Verdicts",
    "base_cases",
    "cases",
    "check_solver",
    "evaluate",
    "examine_case",
    "examine_check",
    "measure",
]

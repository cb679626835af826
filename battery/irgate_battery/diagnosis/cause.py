"""Why an answer is wrong: by the transform itself, by where it stands, by asking the solver again.

What needs least is tried first, and the first that fits is the cause.
"""

from irgate_battery.cases.catalogue import Case
from irgate_battery.diagnosis.explanation import IDENTITY, UNMOVED_PX, explain
from irgate_battery.diagnosis.found import Explanation
from irgate_battery.diagnosis.probes import probe
from irgate_battery.diagnosis.wrong_optima import stands_at
from irgate_battery.interface.answer import Answer
from irgate_battery.interface.protocol import Solver
from irgate_battery.oracle.result import OracleResult
from irgate_fixtures import Pair


def cause(
    case: Case,
    pair: Pair,
    solver: Solver,
    answer: Answer,
    *,
    oracle: OracleResult | None,
    oracle_px: float,
    near_px: float,
    seconds: float,
    timeout: float | None,
) -> Explanation | None:
    """Return what explains a wrong answer on a case, or `None`.

    Args:
        case, pair: what was asked.
        solver, answer: who answered what.
        oracle: SimpleITK's result; `None` where it is lost.
        oracle_px: its mean distance to the truth, px; 0 where it is lost.
        near_px: a mean distance to the truth under which an answer is right.
        seconds: what the answer took.
        timeout: seconds for each further call.
    """
    found = explain(pair, answer.displacement, answer.matrix, oracle_px)
    if found is None or _hardly_moved(found, answer):
        transform = pair.truth if oracle is None else oracle.transform
        there = stands_at(case, pair, answer.displacement, transform.displacement(pair.shape))
        found = there or found
    return found or probe(
        case,
        pair,
        solver,
        answer,
        near_px=near_px,
        optimum_px=oracle_px,
        seconds=seconds,
        timeout=timeout,
    )


def _hardly_moved(found: Explanation, answer: Answer) -> bool:
    """Whether an answer is called the identity and is not quite: it may stand at a false peak."""
    return found.fault == IDENTITY and float(abs(answer.displacement).max()) > UNMOVED_PX

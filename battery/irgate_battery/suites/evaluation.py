"""How an item is evaluated, whatever its suite: a draft of its row, and a guard around it all."""

import math
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from textwrap import shorten

from irgate_battery.cases.own_pairs import PairError
from irgate_battery.diagnosis.found import Explanation
from irgate_battery.diagnosis.pattern import SEPARATOR
from irgate_battery.interface.answer import Answer
from irgate_battery.interface.outside_text import said_by, several_lines
from irgate_battery.interface.protocol import Solver, SolverFault
from irgate_battery.judge.measure import Measurement
from irgate_battery.judge.motion import Motion
from irgate_battery.judge.signed_error import SignedError
from irgate_battery.oracle.result import OracleUnavailable
from irgate_battery.oracle.store import STORED
from irgate_battery.results.result_row import ResultRow
from irgate_battery.results.stored_transform import stored
from irgate_fixtures import Homography, Matrix, MissingDataError, Pair, Transform

_MOST_SAID = 200
"""Characters of a solver's own words that a skip repeats."""


@dataclass(frozen=True)
class ItemResult:
    """What an item's evaluation gives.

    Attributes:
        row: what was measured.
        detail: the solver's own traceback where it raised, else empty; a front end may show it.

    """

    row: ResultRow
    detail: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", several_lines(self.detail))


class ItemFailed(Exception):
    """A check of a suite says no; the message is for the solver's author.

    Attributes:
        fault: its name in reports, or `None`.
        reason: the fault that explains it, or `None`.
        detail: the solver's own traceback, or empty.
    """

    def __init__(
        self,
        message: str,
        fault: str | None = None,
        *,
        reason: Explanation | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.reason = reason
        self.detail = detail


class NotAsked(Exception):
    """The solver cannot be asked this; the message says what it lacks."""


class BeyondReach(NotAsked):
    """The case lies beyond what the solver claims.

    Attributes:
        claim: what it claims, in words.
    """

    def __init__(self, message: str, claim: str) -> None:
        super().__init__(message)
        self.claim = claim


class Draft:
    """The row of an item while it is evaluated: what it holds is kept when something breaks.

    Attributes:
        row: as far as it is known.
        not_finite: figures that came out infinite or as NaN, by name. The row lacks them, and says
            so in the end.
    """

    def __init__(self, row: ResultRow) -> None:
        self.row = row
        self.not_finite: dict[str, float] = {}

    def figures(self, **values: float | int | bool | None) -> None:
        """Take figures over, by their names in the row."""
        for name, value in values.items():
            if value is not None and not math.isfinite(value):
                self.not_finite[name] = value
                values[name] = None
        self.row = replace(self.row, **values)  # type: ignore[arg-type]

    def answered(self, answer: Answer, oracle: Transform | None, shape: tuple[int, int]) -> None:
        """Keep the answer itself, and the oracle's where no file of the package holds it.

        Args:
            answer: the solver's.
            oracle: the oracle's; `None` where it was not asked.
            shape: `(H, W)` of the fixed image.
        """
        matrix = answer.homography if answer.matrix is None else answer.matrix
        self.row = replace(self.row, transform=stored(answer.displacement, matrix))
        if oracle is not None and self.row.oracle != STORED:
            linear = {Matrix: "matrix", Homography: "homography"}.get(type(oracle))
            matrix = getattr(oracle, linear) if linear else None
            kept = stored(oracle.displacement(shape), matrix)
            self.row = replace(self.row, oracle_transform=kept)

    def measured(self, figures: Measurement) -> None:
        """Take over the judge's figures."""
        self.figures(
            rmse=figures.rmse,
            truth_rmse=figures.truth_rmse,
            oracle_rmse=figures.oracle_rmse,
            ratio=figures.ratio,
            rmse_vs_oracle=figures.rmse_vs_oracle,
            tre_px=figures.tre_px,
            tre_max_px=figures.tre_max_px,
            oracle_tre_px=figures.oracle_tre_px,
            oracle_distance_px=figures.oracle_distance_px,
            coverage=figures.coverage,
            truth_coverage=figures.truth_coverage,
            oracle_coverage=figures.oracle_coverage,
            folded=figures.folded,
            escaped=figures.escaped,
        )

    def erred(self, error: SignedError | None) -> None:
        """Take over the signed error, if there is one."""
        if error is not None:
            self.figures(
                error_dx_px=error.dx_px,
                error_dy_px=error.dy_px,
                error_degrees=error.degrees,
                error_scale=error.scale,
                error_shear=error.shear,
            )

    def explained(self, reason: Explanation | None) -> None:
        """Take over what a diagnosis found, if it found something."""
        if reason is not None:
            self.row = replace(
                self.row,
                diagnosis=reason.fault,
                explanations=SEPARATOR.join(reason.fits),
            )
            self.figures(undone_px=reason.after_px)

    def diagnosed_as(self, fault: str) -> None:
        """Take over the name of a fault without a distance."""
        self.row = replace(self.row, diagnosis=fault, explanations=fault)

    def failed(self, message: str) -> ResultRow:
        """Return the row of an item that fails."""
        self.row = replace(self.row, status="failed", message=message)
        return self.row

    def skipped(self, message: str) -> ResultRow:
        """Return the row of an item that does not count."""
        self.row = replace(self.row, status="skipped", message=message)
        return self.row


def guarded(fill: Callable[[], ResultRow], draft: Draft, *, timed: bool) -> ItemResult:
    """Evaluate an item; if something goes wrong, return a row with what had been measured by then.

    A figure that is not finite is `None` in the row, and named in its message.

    What the solver did is `failed`; what broke in the gate or around it is `error`.

    Args:
        fill: evaluates the item into the draft.
        draft: its row.
        timed: whether the time of a call that failed is the item's.
    """
    result = _evaluated(fill, draft, timed=timed)
    if not draft.not_finite:
        return result
    told = ", ".join(f"{name} = {value}" for name, value in draft.not_finite.items())
    message = f"{result.row.message} (no finite number: {told})".strip()
    return replace(result, row=replace(result.row, message=message))


def _evaluated(fill: Callable[[], ResultRow], draft: Draft, *, timed: bool) -> ItemResult:
    try:
        return ItemResult(fill())
    except BeyondReach as reason:
        draft.row = replace(draft.row, beyond_reach=reason.claim)
        return ItemResult(draft.skipped(str(reason)))
    except NotAsked as reason:
        return ItemResult(draft.skipped(str(reason)))
    except ItemFailed as failure:
        if failure.fault:
            draft.diagnosed_as(failure.fault)
        draft.explained(failure.reason)
        return ItemResult(draft.failed(str(failure)), failure.detail)
    except SolverFault as fault:
        if timed:
            draft.row = replace(draft.row, seconds=fault.seconds)
        if fault.fault:
            draft.diagnosed_as(fault.fault)
        return ItemResult(draft.failed(str(fault)), fault.detail)
    except (OracleUnavailable, MissingDataError, PairError) as trouble:
        return ItemResult(replace(draft.row, status="error", message=str(trouble)))
    except Exception as error:
        message = f"the gate itself failed with {type(error).__name__}: {said_by(error)}"
        row = replace(draft.row, status="error", message=message)
        return ItemResult(row, traceback.format_exc())


def refusal(solver: Solver, what: str, fault: SolverFault) -> NotAsked:
    """Return the skip of images that a solver refuses aloud; raise any other fault again.

    The protocol hands over float32 images: to raise for others is no fault, a wrong answer is.

    Args:
        solver: who was asked.
        what: which images, `"float64 images"`.
        fault: of the call.
    Raises: SolverFault, where the solver did something else than raise.
    """
    if fault.raised is None:
        raise fault
    return NotAsked(
        f"solver {solver.name!r} does not take {what}: {shorten(fault.raised, _MOST_SAID)}"
    )


def require_model(solver: Solver, model: str) -> None:
    """Skip the item of a solver without this model. Raises: NotAsked."""
    if model not in solver.models:
        raise NotAsked(
            f"solver {solver.name!r} has no {model} model (it declares {list(solver.models)})"
        )


def require_reach(solver: Solver, pair: Pair) -> None:
    """Skip a pair whose motion is beyond what the solver claims. Raises: BeyondReach."""
    claim = str(solver.reach)
    if not claim:
        return
    motion = Motion.of(pair)
    beyond = solver.reach.beyond(motion.degrees, motion.px, motion.overlap)
    if beyond:
        raise BeyondReach(
            f"solver {solver.name!r} claims {claim} (its reach), and this case {beyond}", claim
        )


def require_argument(solver: Solver, name: str) -> None:
    """Skip the item of a solver without this argument, a mask. Raises: NotAsked."""
    if name not in solver.accepts:
        raise NotAsked(f"solver {solver.name!r} takes no {name}")

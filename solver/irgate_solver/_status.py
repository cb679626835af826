"""How a solve ended: the statuses, and which of them a descent's end gives."""

import enum

from irgate_solver._levenberg import CONVERGED, EXHAUSTED, SCHEDULED, STALLED


class Status(enum.Enum):
    """How a solve ended; the value is a sentence that says what to do next."""

    CONVERGED = "The last step fell under the tolerance: this is a minimum, use it."
    STALLED = (
        "No step of any length lowers the objective beyond rounding or, under noise, beyond what "
        "noise lets it mean: the point is a minimum to the precision of the images; pass float64 "
        "images, or a `tolerance`, if you need more digits."
    )
    SINGULAR = (
        "The images do not determine all parameters, some of which stayed at the start: choose a "
        "smaller model, trust more of the image, or give `bending` a weight."
    )
    SCHEDULED = (
        "All steps of the recipe were taken; it has no test of convergence: compare `objective` "
        "with another recipe's."
    )
    DOUBTFUL = (
        "The descent ended, but the detail of the two images does not agree there, too little of "
        "it is in view, or the transform folds: look at `warp(moving)` beside fixed before you "
        "use it, start closer with `init`, or take another metric or model."
    )
    EXHAUSTED = (
        "The iterations ran out before the step fell under the tolerance: raise `iterations`, or "
        "start closer with `init`."
    )

    def __str__(self) -> str:
        return self.value

    @property
    def settled(self) -> bool:
        """Whether the solve ended by itself, at a point that the images allow no better than.

        A doubtful one is not settled.
        """
        return self in (Status.CONVERGED, Status.STALLED)


STATUS_OF_CODE = {
    CONVERGED: Status.CONVERGED,
    STALLED: Status.STALLED,
    EXHAUSTED: Status.EXHAUSTED,
    SCHEDULED: Status.SCHEDULED,
}


def status_of(code: int, singular: bool) -> Status:
    """Return the status for a descent's end code.

    A singular normal matrix is reported instead of convergence, but not instead of running out of
    iterations.
    """
    if singular and code not in (EXHAUSTED, SCHEDULED):
        return Status.SINGULAR
    return STATUS_OF_CODE[code]

"""How large a motion a solver finds: the turn or the shift from which on its answers are wrong."""

from collections import Counter
from collections.abc import Callable, Sequence

from irgate_battery.results.result_row import ResultRow

FOUND_PX = 5.0
"""Mean distance to the truth, px, within which a motion was found, if not exactly: who loses it
ends tens of pixels away."""

ALWAYS, NEVER = 0.9, 0.1
"""Parts of the cases that must be found below the bound and may be found above it."""

LEAST_CASES = 4
"""Cases on either side of the bound."""

LEAST_OF_A_PLACE = 0.5
"""Part of the wrong answers whose error lies in one place, from which on that is said."""

_MOTIONS: tuple[tuple[str, str, Callable[[ResultRow], float | None]], ...] = (
    ("turns", "degrees", lambda row: row.motion_degrees),
    ("shifts", "px", lambda row: row.motion_px),
)


def motion_found(rows: Sequence[ResultRow]) -> str:
    """Say up to which turn, or else up to which shift, answers find the motion.

    Empty where no bound parts those that do from those that do not. A motion that the identity
    comes as near to shows nothing and is not counted.

    Args:
        rows: of the run.
    """
    for motions, unit, size_of in _MOTIONS:
        sized = [
            (abs(size), row.tre_px <= FOUND_PX)
            for row in rows
            if row.tre_px is not None
            and (size := size_of(row)) is not None
            and row.motion_mean_px is not None
            and row.motion_mean_px > FOUND_PX
        ]
        bounds = [bound for bound in {size for size, _ in sized} if _parts(sized, bound)]
        if bounds:
            bound = max(bounds, key=lambda bound: (_agreeing(sized, bound), bound))
            near = [found for size, found in sized if size < bound]
            far = [found for size, found in sized if size >= bound]
            return (
                f"; {motions} under {bound:.3g} {unit} are found to {FOUND_PX:g} px on "
                f"{sum(near)} of {len(near)} cases, larger ones on {sum(far)} of {len(far)}"
            )
    return ""


def _parts(sized: Sequence[tuple[float, bool]], bound: float) -> bool:
    """Whether a bound parts what is found from what is not."""
    near = [found for size, found in sized if size < bound]
    far = [found for size, found in sized if size >= bound]
    if min(len(near), len(far)) < LEAST_CASES:
        return False
    return sum(near) >= ALWAYS * len(near) and sum(far) <= NEVER * len(far)


def _agreeing(sized: Sequence[tuple[float, bool]], bound: float) -> int:
    """Return how many cases are as the bound says."""
    return sum(found == (size < bound) for size, found in sized)


def places_of_error(rows: Sequence[ResultRow]) -> str:
    """Say where the error lies, where that is one place in most of the wrong answers.

    Args:
        rows: of the run.
    """
    wrong = [row for row in rows if row.status == "failed" and row.tre_px is not None]
    places = Counter(row.error_place for row in wrong if row.error_place)
    if not places:
        return ""
    place, count = places.most_common(1)[0]
    if count < LEAST_OF_A_PLACE * len(wrong):
        return ""
    return f"; in {count} of {len(wrong)} wrong answers most of the error lies in {place}"

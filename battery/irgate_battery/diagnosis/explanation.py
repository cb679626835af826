"""What is wrong with a transform: simple explanations, tried against the known truth.

Each explanation is a way to misread or mistake a transform (`misreadings`). It is named where
undoing it brings the answer to the truth, and where it would have moved this very truth by as much
as the answer is off: a truth that a mistake leaves where it is cannot show it. Where none fits,
nothing is named.
"""

import math

import numpy as np
from numpy.typing import NDArray

from irgate_battery.diagnosis.answer_on_grid import AnswerOnGrid
from irgate_battery.diagnosis.found import Explanation
from irgate_battery.diagnosis.free_form import is_bicubic
from irgate_battery.diagnosis.misreadings import MISREADINGS, Misreading
from irgate_battery.diagnosis.structure import structural_fault
from irgate_battery.diagnosis.undone import Undone
from irgate_fixtures import Pair

SHARE = 0.04
"""An explanation fits where less than this part of the error is left: of errors of another kind,
with two components each, few come so near to one of a hundred variants by accident."""

ACCURATE_PX = 0.02
LOOSE_SHARE = 0.1
"""Of a small error a tenth may be left, up to the distance that a good solver ends from the truth
on a clean pair, and half of what noise takes the oracle away."""

NOISE_SHARE = 0.5

EXPLAINED_PX = 0.5
FAR_SHARE = 0.01
"""Never more than half a pixel, which is itself a fault, or a hundredth of a large error."""

EVIDENT_SHARE = 0.5
"""The mistake must move the true transform by this part of the error at least."""

LEAST_PX = 0.05
"""An error smaller than this gets no explanation: too many would fit."""

NOISE_FACTOR = 3.0
"""Neither does an error smaller than this many times the oracle's own distance."""

UNMOVED_PX = 1e-3
"""An answer that moves no point farther than this is the identity, whatever else it resembles."""

NEARLY_UNMOVED_PX = 0.1
UNMOVED_SHARE = 0.05
"""An answer is the identity, too, where it moves points less than this and than this part of the
true motion, and no convention explains it."""

NEAREST_SHARE = 0.25
"""A reading comes near where it leaves less than this part of the error."""

COARSE_SHARE = 0.5
"""An answer is coarse, and in no other convention, where it is this much nearer in its own."""

TIE_PX = 0.01
TIE_FACTOR = 1.5
"""Two explanations are a tie where the distances that they leave differ by less than this."""

IDENTITY = "identity"

FITTED = frozenset({"scaled", "composed in the wrong order"})
"""Readings with a number that is fitted to the answer: those without come first."""

CONVENTIONS = frozenset(
    {
        "inverse",
        "x and y swapped",
        "inverse, x and y swapped",
        "negated",
        "u negated",
        "v negated",
        "normalised units",
        "coordinates for displacements",
    }
)
"""Readings that a coarse answer to a pure shift shows, too."""

Field = NDArray[np.float64]


def explain(
    pair: Pair, displacement: Field, matrix: Field | None = None, noise_px: float = 0.0
) -> Explanation | None:
    """Name the one simple fault that explains an answer, or `None`.

    Args:
        pair: the pair, with its true transform.
        displacement: the answer, `(H, W, 2)`, `(dx, dy)` in pixels.
        matrix: the answer as a matrix where it came as one.
        noise_px: how far from the truth a right answer may stand here: the oracle's distance.

    """
    on_grid = AnswerOnGrid(pair, displacement, matrix)
    before = on_grid.off(on_grid.answer)
    if before < max(LEAST_PX, NOISE_FACTOR * noise_px):
        return None
    still = on_grid.mean_length(on_grid.moved)
    if still < UNMOVED_PX:
        return _identity(still, before)
    left = _evident(on_grid, before)
    limit = _limit(before, noise_px)
    plain = {reading: undone for reading, undone in left.items() if reading.fault not in FITTED}
    found = _named(on_grid, before, plain, limit)
    if found is None and still < min(NEARLY_UNMOVED_PX, UNMOVED_SHARE * _true_motion(on_grid)):
        found = _identity(still, before)
    return found or structural_fault(on_grid) or _named(on_grid, before, left, limit)


def nearest_reading(
    pair: Pair, displacement: Field, matrix: Field | None, among: frozenset[str]
) -> Explanation | None:
    """Return the reading of these that comes nearest to the truth, if one comes near.

    A coarse answer is brought to the truth by no reading, and yet one may halve its error twice.

    Args:
        pair, displacement, matrix: as `explain` takes them.
        among: names of misreadings.
    """
    on_grid = AnswerOnGrid(pair, displacement, matrix)
    before = on_grid.off(on_grid.answer)
    left = {
        reading: undone
        for reading, undone in _evident(on_grid, before).items()
        if reading.fault in among
    }
    return _named(on_grid, before, left, NEAREST_SHARE * before)


def _true_motion(on_grid: AnswerOnGrid) -> float:
    return on_grid.mean_length(on_grid.truth - on_grid.points)


def _limit(before: float, noise_px: float) -> float:
    """Return the largest distance that an explanation may leave, px."""
    small = min(ACCURATE_PX + noise_px, LOOSE_SHARE * before + NOISE_SHARE * noise_px)
    return min(max(SHARE * before, small), max(EXPLAINED_PX, FAR_SHARE * before))


def _evident(on_grid: AnswerOnGrid, before: float) -> dict[Misreading, Undone]:
    """Return the best variant of each misreading that this truth can show."""
    truth = on_grid.of_truth()
    found: dict[Misreading, Undone] = {}
    for misreading in MISREADINGS:
        effects = {undone.variant: undone.px for undone in misreading.variants(truth)}
        for undone in misreading.variants(on_grid):
            effect = undone.effect_px
            if effect is None:
                effect = effects.get(undone.variant, 0.0)
            best = found[misreading].px if misreading in found else math.inf
            if effect >= EVIDENT_SHARE * before and undone.px < best:
                found[misreading] = undone
    return found


def _named(
    on_grid: AnswerOnGrid, before: float, left: dict[Misreading, Undone], limit: float
) -> Explanation | None:
    best = min((undone.px for undone in left.values()), default=math.inf)
    if best > limit:
        return None
    alike = [reading for reading, undone in left.items() if undone.px <= TIE_FACTOR * best + TIE_PX]
    chosen = alike[0]
    fault, words, after = chosen.fault, chosen.words, left[chosen].px
    if fault == "inverse" and on_grid.whole is None and is_bicubic(on_grid):
        # The inverse of an FFD is none; what is one was found with the images exchanged.
        fault = "images swapped"
        words = "maps moving to fixed: the two images were swapped on the way in; exchange them"
    others = [reading.fault for reading in alike[1:]]
    doubt = f" (this pair cannot tell it from: {', '.join(others)})" if others else ""
    variant = f" [{left[chosen].variant}]" if chosen.says_variant else ""
    return Explanation(
        fault,
        f"your transform {words}{variant}; it matches the truth to {after:.2f} px once that is "
        f"undone, now {before:.2f} px{doubt}",
        before,
        after,
        (fault, *others),
    )


def _identity(still: float, before: float) -> Explanation:
    return Explanation(
        IDENTITY,
        f"your transform is the identity to {still:.2f} px: nothing was moved, where the truth "
        f"is {before:.2f} px away",
        before,
        before,
        (IDENTITY,),
    )

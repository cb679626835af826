"""How far from the truth an answer on a battery case may stand, in pixels.

    tolerance = slack(model, intensity) + 1.5 x oracle_tre_px + 1 px x sigma of the noise

RMSE does not see everything: an answer half a pixel off its rotation centre, or pulled by a gamma
on one image, stays under a ratio of 1.1. So a battery case also fails by its distance.
"""

from irgate_battery.catalogue import Case

SLACK_PX = {"translation": 0.05, "rigid": 0.05, "affine": 0.05, "ffd": 0.1}
"""Ten times what good solvers leave on clean pairs (0.005 px; 0.01 px for an FFD, whose outer
control points hang on few pixels), and a third of what a centre that is half a pixel off does to
15 degrees (0.18 px)."""

VARYING_PX = 0.05
"""Added where intensities vary. SimpleITK's plain descent, which stops short of the polished
oracle, stands 0.06 to 0.08 px from the truth of two acquisitions under a coil's gain, and is
right."""

ORACLE_FACTOR = 1.5
"""A solver of another objective (cubic sampling, local correlation) may be drawn by noise or bias
half as far again as the oracle is, and is no worse for it."""

NOISE_PX = 1.0
"""px per unit of noise. The standard error of a shift is sigma / (g sqrt(n)), 0.01 px at sigma 0.1
with an image gradient of 0.05 per px over 30000 pixels; affine corners and FFDs have ten times
that."""


def tolerance_px(case: Case, oracle_tre_px: float) -> float:
    """Return the largest mean distance to the truth that passes on a case, px."""
    perturbation = case.recipe.get("perturbation", {})
    sigma: float = perturbation.get("sigma", 0.0)
    slack = SLACK_PX[case.model] + VARYING_PX * (case.intensity == "varying")
    return slack + ORACLE_FACTOR * oracle_tre_px + NOISE_PX * sigma

"""The rules of single items: what is wrong with one result, in words."""

from irgate_battery.judge import Measurement

BASE_FACTOR = 1.1
"""How much larger than the oracle's RMSE a base fixture's may be."""

BASE_SLACK = 1e-4
"""What is added to it, intensity: on a smooth pair the floor itself is of that size."""

RATIO_CAP = 2.0
"""A battery case fails above this ratio, and counts for no more than this in the mean."""


def base_limit(oracle_rmse: float) -> float:
    """Return the largest RMSE that passes beside this one of the oracle's, intensity."""
    return BASE_FACTOR * oracle_rmse + BASE_SLACK


def fixture_fault(measured: Measurement) -> str | None:
    """Return what is wrong with a result on a base fixture, or `None` where nothing is.

    The rule: rmse <= 1.1 x oracle_rmse + 1e-4, finite, not escaped. Where the oracle itself has
    diverged, the RMSE at the true transform stands in for it.
    """
    if measured.rmse is None or measured.escaped:
        return _lost(measured)
    name, reference = _reference(measured)
    limit = base_limit(reference)
    if measured.rmse <= limit:
        return None
    return (
        f"RMSE {measured.rmse:.3g} is over its limit {limit:.3g} = {BASE_FACTOR} x {name} "
        f"{reference:.3g} + {BASE_SLACK:g}"
    )


def battery_fault(measured: Measurement, tolerance_px: float) -> str | None:
    """Return what is wrong with a result on a battery case, or `None` where nothing is.

    The rule: rmse <= 2 x oracle_rmse, finite, not escaped, tre_px <= tolerance_px. Where the
    oracle itself has diverged, the RMSE at the true transform stands in for it.
    """
    if measured.rmse is None or measured.tre_px is None or measured.escaped:
        return _lost(measured)
    name, reference = _reference(measured)
    if measured.rmse > RATIO_CAP * reference:
        return (
            f"RMSE {measured.rmse:.3g} is over {RATIO_CAP:g} x {name} {reference:.3g} = "
            f"{RATIO_CAP * reference:.3g}"
        )
    if measured.tre_px > tolerance_px:
        return (
            f"{measured.tre_px:.3g} px from the truth is over the case's tolerance "
            f"{tolerance_px:.3g} px, where the oracle stands at {measured.oracle_tre_px or 0:.3g} "
            f"px (the RMSE, {measured.rmse:.3g}, does not show it)"
        )
    return None


def _lost(measured: Measurement) -> str:
    if measured.rmse is None:
        return "no pixel of the fixed image lands inside the moving image: there is no RMSE"
    if measured.truth_coverage is None:
        whose, covered = "SimpleITK's", measured.oracle_coverage
    else:
        whose, covered = "the true", measured.truth_coverage
    return (
        f"escaped: it covers {measured.coverage:.0%} of the fixed image where {whose} transform "
        f"covers {covered:.0%}"
    )


def _reference(measured: Measurement) -> tuple[str, float]:
    """Return what the RMSE is held against, and its name."""
    if measured.oracle_rmse is not None and not measured.oracle_diverged:
        return "oracle", measured.oracle_rmse
    if measured.truth_rmse is None:
        raise ValueError("a case whose true transform leaves the moving image measures nothing")
    return "truth (the oracle diverged)", measured.truth_rmse

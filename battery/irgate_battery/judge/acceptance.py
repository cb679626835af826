"""Whether one result is accepted, and if not, what is wrong with it in words."""

from irgate_battery.judge import limits
from irgate_battery.judge.measure import Measurement

SLACK_PX = {
    "translation": limits.SLACK_LINEAR_PX,
    "rigid": limits.SLACK_LINEAR_PX,
    "similarity": limits.SLACK_LINEAR_PX,
    "affine": limits.SLACK_LINEAR_PX,
    "homography": limits.SLACK_LINEAR_PX,
    "ffd": limits.SLACK_FFD_PX,
}


def base_limit(oracle_rmse: float) -> float:
    """Return the largest RMSE that passes beside this one of the oracle's, intensity."""
    return limits.BASE_FACTOR * oracle_rmse + limits.BASE_SLACK


def tolerance_px(model: str, intensity: str, noise: float, oracle_tre_px: float) -> float:
    """Return the largest mean distance to the truth that passes on a case, px.

        tolerance = slack(model, intensity) + 1.5 x oracle_tre_px + 1 px x sigma of the noise

    RMSE does not see everything: an answer half a pixel off its rotation centre, or pulled by a
    gamma on one image, stays under a ratio of 1.1. So a case also fails by its distance.

    Args:
        model: the family that was asked for.
        intensity: `"same"` or `"varying"`.
        noise: sigma of the noise that the case adds, intensity.
        oracle_tre_px: mean distance of the oracle to the truth; 0 where the oracle diverged.
    """
    slack = SLACK_PX[model] + limits.VARYING_PX * (intensity == "varying")
    return slack + limits.ORACLE_FACTOR * oracle_tre_px + limits.NOISE_PX * noise


def oracle_moved(oracle_tre_px: float | None, stored_px: float | None) -> bool:
    """Whether an oracle stands farther from the truth than its stored distance explains.

    Under noise an RMSE hardly shows it: 0.3 px raise that of the MRI pair by a sixth.

    Args:
        oracle_tre_px: mean distance to the truth, of the transform that is to be believed; `None`
            where nothing lands inside the moving image.
        stored_px: the same when the oracle's results were stored; `None` where none is.
    """
    if oracle_tre_px is None or stored_px is None:
        return False
    return oracle_tre_px > stored_px + limits.DIVERGED_PX


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
        f"RMSE {measured.rmse:.3g} is over its limit {limit:.3g} = {limits.BASE_FACTOR} x {name} "
        f"{reference:.3g} + {limits.BASE_SLACK:g}"
    )


def battery_fault(measured: Measurement, tolerance_px: float) -> str | None:
    """Return what is wrong with a result on a battery case, or `None` where nothing is.

    The rule: rmse <= 2 x oracle_rmse, finite, not escaped, tre_px <= tolerance_px. Where the
    oracle itself has diverged, the RMSE at the true transform stands in for it.
    """
    if measured.rmse is None or measured.tre_px is None or measured.escaped:
        return _lost(measured)
    name, reference = _reference(measured)
    if exceeds_ratio(measured.rmse, reference):
        return (
            f"RMSE {measured.rmse:.3g} is over {limits.RATIO_CAP:g} x {name} {reference:.3g} = "
            f"{limits.RATIO_CAP * reference:.3g}"
        )
    if measured.tre_px > tolerance_px:
        return (
            f"{measured.tre_px:.3g} px from the truth is over the case's tolerance "
            f"{tolerance_px:.3g} px, where the oracle stands at {measured.oracle_tre_px or 0:.3g} "
            f"px (the RMSE, {measured.rmse:.3g}, does not show it)"
        )
    return None


def truth_fault(measured: Measurement, tolerance_px: float) -> str | None:
    """Return what is wrong beside a known transform alone, or `None` where nothing is.

    The rule: finite, not escaped, tre_px <= tolerance_px.
    """
    if measured.rmse is None or measured.tre_px is None or measured.escaped:
        return _lost(measured)
    if measured.tre_px <= tolerance_px:
        return None
    return _too_far(f"{measured.tre_px:.3g} px from the truth on average", tolerance_px)


def landmark_fault(measured: Measurement, mean_px: float, tolerance_px: float) -> str | None:
    """Return what is wrong beside landmarks, or `None`: finite, mean distance <= tolerance_px."""
    if measured.rmse is None:
        return _lost(measured)
    if mean_px <= tolerance_px:
        return None
    return _too_far(f"{mean_px:.3g} px from the landmarks on average", tolerance_px)


def _too_far(where: str, tolerance_px: float) -> str:
    return f"{where} is over the case's tolerance {tolerance_px:.3g} px"


def exceeds_ratio(rmse: float, reference: float) -> bool:
    """Whether a battery case's RMSE is over the cap times its reference."""
    return rmse > limits.RATIO_CAP * reference


def _lost(measured: Measurement) -> str:
    if measured.rmse is None:
        return "no pixel of the fixed image lands inside the moving image: there is no RMSE"
    if measured.truth_coverage is None:
        whose, covered = "SimpleITK's", measured.oracle_coverage or 0.0
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

"""The verdicts beside the gate: agreement, mean ratio, recovery, gradient."""

from typing import Any

from irgate_battery.recovery import SEEDS
from irgate_battery.rules import RATIO_CAP
from irgate_battery.tally import Tally
from irgate_battery.verdict import Verdict

AGREEMENT_TARGET = 1e-4
"""RMSE between two warped images at which two solvers are taken to agree, intensity."""

MEAN_RATIO_LIMIT = 1.10
RECOVERY_LIMIT = 0.9


def agreement(tally: Tally) -> Verdict:
    """Return how far from SimpleITK's the warped base images are at most."""
    apart = [row.rmse_vs_oracle for row in tally.ran if row.rmse_vs_oracle is not None]
    figures = {
        "max_rmse_vs_oracle": max(apart, default=None),
        "target": AGREEMENT_TARGET,
        "ran": tally.count,
        "expected": tally.expected,
    }
    undecided = tally.undecided()
    if undecided is None and any(row.oracle == "diverged" for row in tally.ran):
        undecided = "not evaluated (there is no agreement with an oracle that diverged)"
    if undecided is None and len(apart) < len(tally.ran):
        undecided = f"not evaluated ({len(apart)} of {tally.expected} measured)"
    if undecided:
        return Verdict("not_evaluated", undecided, figures)
    return Verdict(
        "pass" if max(apart) <= AGREEMENT_TARGET else "fail",
        f"the warped images differ by at most {max(apart):.2g} RMSE; target {AGREEMENT_TARGET:g} "
        f"({tally.how_many})",
        figures,
    )


def mean_ratio(tally: Tally) -> Verdict:
    """Return the mean over the battery of min(ratio, 2).

    A case without a ratio, because the solver gave no usable answer, counts as 2: failing must
    not be cheaper than being wrong. Cases on which the oracle diverged are left out and counted.
    """
    judged = [row for row in tally.ran if row.oracle != "diverged"]
    ratios = [
        RATIO_CAP if row.ratio is None or row.escaped else min(row.ratio, RATIO_CAP)
        for row in judged
    ]
    capped = sum(ratio == RATIO_CAP for ratio in ratios)
    mean = sum(ratios) / len(ratios) if ratios else None
    figures: dict[str, Any] = {
        "mean": mean,
        "limit": MEAN_RATIO_LIMIT,
        "ran": tally.count,
        "expected": tally.expected,
        "capped": capped,
        "oracle_diverged": len(tally.ran) - len(judged),
    }
    undecided = _undecided(tally)
    if undecided or mean is None:
        return Verdict("not_evaluated", undecided or "not evaluated (no oracle converged)", figures)
    within = mean <= MEAN_RATIO_LIMIT
    aside = f", {figures['oracle_diverged']} left out" if figures["oracle_diverged"] else ""
    reason = (
        f"{mean:.4f} {'<=' if within else '>'} {MEAN_RATIO_LIMIT:.2f} over the battery "
        f"({tally.how_many}, {capped} capped at {RATIO_CAP:g}{aside})"
    )
    return Verdict("pass" if within else "fail", reason, figures)


def recovery(tally: Tally) -> Verdict:
    """Return how many of the pushed starts came back to the optimum."""
    recovered = sum(row.recovered or 0 for row in tally.ran)
    # Where the solver raised, none of the starts came back.
    tried = sum(row.tried or SEEDS for row in tally.ran)
    figures = {"recovered": recovered, "tried": tried, "limit": RECOVERY_LIMIT}
    undecided = _undecided(tally)
    if undecided:
        return Verdict("not_evaluated", undecided, figures)
    failed = sorted(row.case for row in tally.ran if row.status == "failed")
    reason = (
        f"{recovered} of {tried} starts came back; {RECOVERY_LIMIT:.0%} of each item's must "
        f"({tally.how_many})"
    )
    if failed:
        return Verdict("fail", f"{reason}; not: {', '.join(failed)}", figures)
    return Verdict("pass", reason, figures)


def gradient(tally: Tally) -> Verdict:
    """Return whether autograd agrees with differences of the solver itself."""
    errors = [row.relative_error for row in tally.ran if row.relative_error is not None]
    failed = sorted(row.case for row in tally.ran if row.status == "failed")
    figures = {
        "passed": len(tally.ran) - len(failed),
        "tried": len(tally.ran),
        "max_relative_error": max(errors, default=None),
    }
    undecided = _undecided(tally)
    if undecided:
        return Verdict("not_evaluated", undecided, figures)
    largest = f", relative error at most {max(errors):.1e}" if errors else ""
    reason = (
        f"{figures['passed']} of {figures['tried']} agree with differences{largest} "
        f"({tally.how_many})"
    )
    if failed:
        return Verdict("fail", f"{reason}; not: {', '.join(failed)}", figures)
    return Verdict("pass", reason, figures)


def _undecided(tally: Tally) -> str | None:
    if tally.lost:
        return f"not evaluated (missing: {tally.names_of_lost()}; {tally.how_many})"
    return tally.undecided()

"""The gate: what the rows of a run say together, as a pure function of the rows.

A verdict over cases of which some did not run is *not evaluated*, never a pass. A row that
should be there and is not makes the hard gate fail.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from irgate_battery.diagnostics import agreement, gradient, mean_ratio, recovery
from irgate_battery.plan import PAIR
from irgate_battery.row import Row
from irgate_battery.rules import BASE_FACTOR, BASE_SLACK, base_limit
from irgate_battery.tally import Tally
from irgate_battery.verdict import Verdict, Verdicts


def evaluate(rows: Sequence[Row], expected: Mapping[str, Sequence[str]]) -> Verdicts:
    """Return the verdicts over these rows.

    Args:
        rows: those of the whole run, `missing` ones included, in any order.
        expected: for each suite the cases that a complete run of it has.
    """
    tallies = {
        suite: Tally.of(rows, suite, expected.get(suite, ()))
        for suite in ("base", "battery", "recovery", "gradient", PAIR)
    }
    return Verdicts(
        hard_gate=_hard_gate(tallies["base"]),
        each_fixture=_each_fixture(tallies["base"]),
        agreement=agreement(tallies["base"]),
        mean_ratio=mean_ratio(tallies["battery"]),
        recovery=recovery(tallies["recovery"]),
        gradient=gradient(tallies["gradient"]),
        pairs=_pairs(tallies[PAIR]),
    )


def has_failed(rows: Sequence[Row], verdicts: Verdicts, *, strict: bool = False) -> bool:
    """Whether the run fails: an item, the hard gate, or under `strict` the mean ratio."""
    return (
        any(row.status in ("failed", "error", "missing") for row in rows)
        or verdicts.hard_gate.status == "fail"
        or (strict and verdicts.mean_ratio.status == "fail")
    )


def _hard_gate(tally: Tally) -> Verdict:
    ours = [row.rmse for row in tally.ran if row.rmse is not None]
    oracle = [row.oracle_rmse for row in tally.ran if row.oracle_rmse is not None]
    figures: dict[str, Any] = {
        "max_rmse": max(ours, default=None),
        "max_oracle_rmse": max(oracle, default=None),
        "limit": base_limit(max(oracle)) if oracle else None,
        "ran": tally.count,
        "expected": tally.expected,
        "missing": len(tally.lost),
        "waived": len(tally.waived),
    }
    if tally.lost:
        return Verdict("fail", f"missing: {tally.names_of_lost()} ({tally.how_many})", figures)
    undecided = _undecided(tally)
    if undecided:
        return Verdict("not_evaluated", undecided, figures)
    unusable = sorted(row.case for row in tally.ran if row.rmse is None or row.escaped)
    if unusable:
        reason = f"no usable result on {', '.join(unusable)}, so no maximum ({tally.how_many})"
        return Verdict("fail", reason, figures)
    over = figures["max_rmse"] > figures["limit"]
    reason = (
        f"max RMSE {figures['max_rmse']:.4g} {'>' if over else '<='} {figures['limit']:.4g} = "
        f"{BASE_FACTOR} x oracle's {figures['max_oracle_rmse']:.4g} + {BASE_SLACK:g} "
        f"({tally.how_many})"
    )
    return Verdict("fail" if over else "pass", reason, figures)


def _each_fixture(tally: Tally) -> Verdict:
    failed = {row.case for row in tally.ran if row.status == "failed"}
    passed = len({row.case for row in tally.ran} - failed)
    figures = {"passed": passed, "ran": tally.count, "expected": tally.expected}
    rule = f"{BASE_FACTOR} x its oracle + {BASE_SLACK:g}"
    if failed or tally.lost:
        names = ", ".join([*sorted(failed), *filter(None, [tally.names_of_lost()])])
        return Verdict("fail", f"{passed} of {tally.expected} within {rule}; not: {names}", figures)
    undecided = _undecided(tally)
    if undecided:
        return Verdict("not_evaluated", undecided, figures)
    return Verdict("pass", f"{passed} of {tally.expected} within {rule}", figures)


def _pairs(tally: Tally) -> Verdict:
    """Return how many of the user's own pairs agree with the oracle; they are not in the gate."""
    failed = sorted({row.case for row in tally.ran if row.status == "failed"})
    passed = len({row.case for row in tally.ran} - set(failed))
    figures = {
        "passed": passed,
        "ran": tally.count,
        "expected": tally.expected,
        "missing": len(tally.lost),
        "waived": len(tally.waived),
    }
    waived = f", waived: {len(tally.waived)}" if tally.waived else ""
    rule = f"{BASE_FACTOR} x SimpleITK's RMSE + {BASE_SLACK:g}"
    told = f"{passed} of {tally.expected} within {rule}{waived}"
    if failed or tally.lost:
        names = ", ".join([*failed, *filter(None, [tally.names_of_lost()])])
        return Verdict("fail", f"{told}; not: {names}", figures)
    if not tally.expected:
        return Verdict("not_evaluated", "not evaluated (no pair was named)", figures)
    undecided = tally.undecided()
    if undecided:
        return Verdict("not_evaluated", undecided, figures)
    return Verdict("pass", told, figures)


def _undecided(tally: Tally) -> str | None:
    """Return why nothing can be decided; an oracle that diverged would let anything through."""
    diverged = sorted(row.case for row in tally.ran if row.oracle == "diverged")
    if tally.undecided() is None and diverged:
        return f"not evaluated (the oracle diverged on {', '.join(diverged)})"
    return tally.undecided()

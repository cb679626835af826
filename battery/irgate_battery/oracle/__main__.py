"""Recompute what the package stores: `python -m irgate_battery.oracle compare` or `rewrite`.

Both compute every case live (`rewrite --missing` only those without an entry that fits). `compare`
sets the results beside the stored ones and exits with 1 where they differ; `rewrite` replaces the
file.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from irgate_battery.cases.catalogue import Case, all_cases
from irgate_battery.judge.measure import measure
from irgate_battery.oracle import OracleResult, solve, store
from irgate_fixtures import Pair

TOLERANCE = 5e-5
"""RMSE between the two warped images, in intensity. Another CPU changes last bits, and on a noisy
image the polish may then end at another kink of the interpolated metric, or with one pixel of air
more in the overlap: 1.5e-5 apart at most in 12 starts on the MRI pair, 1e-8 on the photograph.
Agreement with a solver is asked for at twice this."""

TOLERANCE_PX = 5e-3
"""Root mean square difference of the displacements, px: what 5e-5 is where the image rises by
0.01 per px. The same kinks move the MRI result by 4e-4 px."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two commands; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m irgate_battery.oracle",
        description="Recompute the stored oracle results with the SimpleITK that is installed.",
    )
    parser.add_argument("command", choices=["compare", "rewrite"])
    parser.add_argument(
        "--file",
        type=Path,
        default=Path(store.__file__).parents[1].joinpath(*store.FILE),
        help="the stored results (default: those of the package)",
    )
    parser.add_argument(
        "--missing",
        action="store_true",
        help="rewrite: keep the entries that still fit, compute the others",
    )
    given = parser.parse_args(arguments)
    if given.command == "compare":
        return compare(given.file)
    return rewrite(given.file, keep=given.missing)


def rewrite(file: Path, *, keep: bool = False) -> int:
    """Compute every case, or those that have no entry to keep, and write the file; return 0."""
    entries: dict[str, Any] = {}
    distances: dict[str, float | None] = {}
    old = json.loads(file.read_text(encoding="ascii"))["entries"] if keep else {}
    for case in all_cases():
        key, pair = store.digest(case), case.pair()
        try:
            result = store.believe(old.get(key), case, pair)
            entries[key] = old[key]
        except store.NotBelievedError:
            result = _solve(case, pair)
            entries[key] = store.entry_of(case, pair, result)
            print(_line(case, result, pair), flush=True)
        displacement = result.transform.displacement(pair.shape)
        distances[key] = measure(pair, displacement, displacement).tre_px
    file.parent.mkdir(exist_ok=True)
    # One line an entry: small, and a difference between two versions names its cases.
    lines = ",\n".join(f'"{key}": {json.dumps(entry)}' for key, entry in entries.items())
    away = ",\n".join(f'"{key}": {json.dumps(distance)}' for key, distance in distances.items())
    text = (
        f'{{"format": {store.FORMAT}, "entries": {{\n{lines}\n}},\n'
        f'"distances_px": {{\n{away}\n}}}}\n'
    )
    file.write_text(text, encoding="ascii")
    print(f"{len(entries)} results written to {file}")
    return 0


def compare(file: Path) -> int:
    """Compute every case and print how far it is from the stored result; return 0 or 1."""
    try:
        entries: dict[str, Any] = dict(json.loads(file.read_text(encoding="ascii"))["entries"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        print(f"{file} cannot be read: {type(error).__name__}: {error}")
        return 1
    differing = 0
    for case in all_cases():
        pair = case.pair()
        live = _solve(case, pair)
        try:
            entry = entries.pop(store.digest(case))
            verdict = _difference(live, store.believe(entry, case, pair), pair)
        except KeyError:
            verdict = "DIFFERS: not stored"
        except store.NotBelievedError as error:
            verdict = f"DIFFERS: {error}"
        differing += verdict.startswith("DIFFERS")
        print(f"{_line(case, live, pair)}  {verdict}", flush=True)
    for key in entries:
        differing += 1
        print(f"{key[:12]}: DIFFERS: stored under a digest that no case has any more")
    print(
        f"{differing} of {len(all_cases())} differ (tolerances: {TOLERANCE:g} between the warped "
        f"images, {TOLERANCE_PX:g} px)"
        + ("; python -m irgate_battery.oracle rewrite replaces them" if differing else "")
    )
    return 1 if differing else 0


def _solve(case: Case, pair: Pair) -> OracleResult:
    return solve(pair.fixed, pair.moving, case.model, case.intensity, pair.mask, pair.moving_mask)


def _difference(live: OracleResult, stored: OracleResult, pair: Pair) -> str:
    here, there = (each.transform.displacement(pair.shape) for each in (live, stored))
    apart = measure(pair, here, there).rmse_vs_oracle
    px = float(((here - there) ** 2).sum(axis=-1).mean() ** 0.5)
    figures = f"{apart if apart is None else format(apart, '.1e')} apart, {px:.1e} px"
    if apart is None or apart > TOLERANCE or px > TOLERANCE_PX:
        return f"DIFFERS: {figures} (stored by SimpleITK {stored.simpleitk})"
    return f"agrees: {figures}"


def _line(case: Case, result: OracleResult, pair: Pair) -> str:
    """Return a row of the table: how well the oracle did, and in what time."""
    displacement = result.transform.displacement(pair.shape)
    figures = measure(pair, displacement, displacement)
    if figures.rmse is None or figures.truth_rmse is None or figures.tre_px is None:
        return f"{case.id:24} {case.model:11} left the overlap     {result.seconds:6.1f} s"
    ratio = figures.rmse / figures.truth_rmse
    return (
        f"{case.id:24} {case.model:11} rmse {figures.rmse:.3e} ({ratio:.4f} of the truth's)  "
        f"{figures.tre_px:.4f} px off  {result.seconds:6.1f} s"
    )


if __name__ == "__main__":
    raise SystemExit(main())

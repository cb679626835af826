"""Recompute the stored minima: `python -m irgate_battery.diagnosis compare` or `rewrite`.

`compare` computes the minima of every case and exits with 1 where they differ from the stored ones;
`rewrite` replaces the file (`--missing`: computes only cases without an entry).
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import irgate_fixtures
from irgate_battery.cases.catalogue import all_cases
from irgate_battery.diagnosis import wrong_optima
from irgate_battery.oracle.store import digest

TOLERANCE_PX = 2e-3
"""Mean distance of two minima, px: a tenth of the least effect that is spoken of is left to another
CPU's last bits, which may end a descent on a noisy image at another kink."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two commands; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m irgate_battery.diagnosis",
        description="Recompute where the usual wrong objectives are least.",
    )
    parser.add_argument("command", choices=["compare", "rewrite"])
    parser.add_argument(
        "--file",
        type=Path,
        default=Path(wrong_optima.__file__).parents[1].joinpath(*wrong_optima.FILE),
        help="the stored minima (default: those of the package)",
    )
    parser.add_argument(
        "--missing", action="store_true", help="rewrite: keep the entries that there are"
    )
    given = parser.parse_args(arguments)
    old: dict[str, Any] = {}
    if given.command == "compare" or given.missing:
        old = json.loads(given.file.read_text(encoding="ascii"))["entries"]
    return compare(old) if given.command == "compare" else rewrite(given.file, old)


def rewrite(file: Path, kept: dict[str, Any]) -> int:
    """Write the minima of every case, those that are kept as they are; return 0."""
    entries = {}
    for case in all_cases():
        key = digest(case)
        entries[key] = wrong_optima.entry_of(case, case.pair(), kept.get(key))
        found = [fault for fault, at in entries[key]["minima"].items() if at is not None]
        print(f"{case.id:32} {len(found)} of {len(entries[key]['minima'])} minima", flush=True)
    lines = ",\n".join(f'"{key}": {json.dumps(entry)}' for key, entry in entries.items())
    text = f'{{"format": {wrong_optima.FORMAT}, "entries": {{\n{lines}\n}}}}\n'
    file.write_text(text, encoding="ascii")
    return 0


def compare(entries: dict[str, Any]) -> int:
    """Compute every case and print where it differs from the stored minima; return 0 or 1."""
    differing = 0
    for case in all_cases():
        pair = case.pair()
        stored = entries.get(digest(case), {"minima": {}})["minima"]
        for fault, live in wrong_optima.entry_of(case, pair)["minima"].items():
            apart = _apart(live, stored.get(fault), pair.shape)
            if apart > TOLERANCE_PX:
                differing += 1
                print(f"{case.id}: {fault}: DIFFERS by {apart:.2g} px", flush=True)
    print(f"{differing} minima differ (tolerance {TOLERANCE_PX:g} px)")
    return 1 if differing else 0


def _apart(one: Any, other: Any, shape: tuple[int, int]) -> float:
    """Return the mean distance of two minima, px; infinite where only one was found."""
    if one is None or other is None:
        return 0.0 if one is other else float("inf")
    here, there = (irgate_fixtures.from_json(data).displacement(shape) for data in (one, other))
    return float(np.linalg.norm(here - there, axis=-1).mean())


if __name__ == "__main__":
    raise SystemExit(main())

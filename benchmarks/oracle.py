"""Measure the oracle: processor time of every case live, beside what is stored.

    python benchmarks/oracle.py [--only NAME,NAME] [--json FILE]

For each case: processor time of a solve in one thread, how far the result is from the stored one
(largest displacement, px), and SimpleITK's metric there less the stored one, as a fraction of it.
Below zero, this run found a lower point. Results are looked up by the case's name, so that another
version of the oracle's recipe can be held against what was stored before:

    git worktree add FOLDER COMMIT, and PYTHONPATH=FOLDER/battery:FOLDER/fixtures for that commit's
    oracle; --stored FILE for another file of results.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from irgate_battery.cases.catalogue import all_cases
from irgate_battery.oracle import OracleResult, solve, store


def main() -> None:
    """Print a line a case, then the sums by model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="names of cases, with commas between")
    parser.add_argument("--stored", type=Path, help="results to hold these against")
    parser.add_argument("--json", type=Path, help="write the rows here too")
    given = parser.parse_args()
    file = given.stored or Path(store.__file__).parents[1].joinpath(*store.FILE)
    entries = json.loads(file.read_text(encoding="ascii"))["entries"].values()
    stored = {entry["case"]: OracleResult.from_json(entry["result"]) for entry in entries}
    rows = []
    for case in all_cases():
        if given.only and case.id not in given.only.split(","):
            continue
        pair = case.pair()
        begun = time.process_time()
        live = solve(
            pair.fixed, pair.moving, case.model, case.intensity, pair.mask, pair.moving_mask
        )
        seconds = time.process_time() - begun
        was = stored[case.id]
        here, there = (each.transform.displacement(pair.shape) for each in (live, was))
        apart = float(np.abs(here - there).max())
        higher = (live.metric - was.metric) / abs(was.metric)
        rows.append(
            {
                "case": case.id,
                "model": case.model,
                "seconds": seconds,
                "stored_wall_seconds": was.seconds,
                "apart_px": apart,
                "metric_higher_by": higher,
            }
        )
        print(
            f"{case.id:28} {case.model:11} {seconds:7.2f} s  {apart:.1e} px apart  "
            f"metric {higher:+.1e}",
            flush=True,
        )
    for model in sorted({str(row["model"]) for row in rows}):
        times = [float(str(row["seconds"])) for row in rows if row["model"] == model]
        print(f"{model:11} {len(times):3} cases {sum(times):8.1f} s, at most {max(times):.2f}")
    print(f"all         {len(rows):3} cases {sum(float(str(r['seconds'])) for r in rows):8.1f} s")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="ascii")


if __name__ == "__main__":
    main()

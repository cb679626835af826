"""Measure the plan's claims and write the table into docs/claims.md.

    python benchmarks/claims.py [--docs docs/claims.md] [--only NAME,...]
                                [--json benchmarks/results/claims.json]

Each claim is one function of `claim_accuracy` or `claim_cost`, and says what it measured. All of
them run in one thread. With `--only` these are measured anew and the others kept. Times depend on
the machine; the rest is reproducible on it.
"""

import argparse
import dataclasses
import json
import platform
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))
import claim_accuracy
import claim_cost
import page
from claims_table import Claim, table

MEASUREMENTS = {function.__name__: function for function in (*claim_accuracy.ALL, *claim_cost.ALL)}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, help="page whose table is replaced")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/claims.json"))
    parser.add_argument("--only", help=f"of {', '.join(MEASUREMENTS)}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found: dict[str, list[dict[str, Any]]] = {}
    if options.json.is_file():
        found = json.loads(options.json.read_text(encoding="utf-8"))
    for name in options.only.split(",") if options.only else MEASUREMENTS:
        begin = time.perf_counter()
        claims = MEASUREMENTS[name]()
        rows = claims if isinstance(claims, list) else [claims]
        found[name] = [dataclasses.asdict(claim) for claim in rows]
        print(f"{name}: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    machine = f"{platform.system()}, torch {torch.__version__}, one thread"
    every = [Claim(**row) for name in MEASUREMENTS for row in found.get(name, [])]
    text = f"Measured by `python benchmarks/claims.py` ({machine}).\n\n{table(every)}"
    print(text)
    if options.docs:
        page.replace(options.docs, text)


if __name__ == "__main__":
    main()

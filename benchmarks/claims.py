"""Measure the plan's claims and write the table into docs/claims.md.

    python benchmarks/claims.py [--docs docs/claims.md] [--json FILE] [--only NAME,...]

Each claim is one function of `claim_accuracy` or `claim_cost`, and says what it measured. All of
them run in one thread. Times depend on the machine; the rest is reproducible on it.
"""

import argparse
import dataclasses
import json
import platform
import sys
import time
import warnings
from pathlib import Path

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
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--only", help=f"of {', '.join(MEASUREMENTS)}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    claims: list[Claim] = []
    for name in options.only.split(",") if options.only else MEASUREMENTS:
        begin = time.perf_counter()
        found = MEASUREMENTS[name]()
        claims += found if isinstance(found, list) else [found]
        print(f"{name}: {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    machine = f"{platform.system()}, torch {torch.__version__}, one thread"
    text = f"Measured by `python benchmarks/claims.py` ({machine}).\n\n{table(claims)}"
    print(text)
    if options.json:
        rows = [dataclasses.asdict(claim) for claim in claims]
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if options.docs:
        page.replace(options.docs, text)


if __name__ == "__main__":
    main()

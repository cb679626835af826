"""A hostile solver before the whole gate, as a user runs it: serial, and with two workers.

    python tests/attacks/judged.py [--only NAME ...]

Each run must end red, with every row, a report that is JSON, and no process left behind.
"""

import argparse
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from attacks import hostile  # noqa: E402

ROWS = 5
"""The base fixtures."""

LIMIT = 1.0
"""Seconds for a call that never comes back."""

MARK = "IRGATE_ATTACK"

ARRANGEMENTS = {"serial": (), "-n 2": ("-n", "2")}


def left_of(run: str) -> list[int]:
    """Return the living processes of a run, which all inherit its mark."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={run}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def judged(name: str, arguments: tuple[str, ...], folder: Path) -> list[str]:
    """Run the gate on a hostile solver; return what is wrong with how it ended."""
    report = folder / "report.json"
    limit = LIMIT if name in hostile.HANGS else 60
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--irgate",
        "--irgate-suite", "base", "--irgate-solver", f"{HERE / 'hostile.py'}:{name}",
        "--irgate-timeout", str(limit), "--irgate-json", str(report), *arguments,
    ]  # fmt: skip
    run = secrets.token_hex(8)
    ran = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, MARK: run},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
    )
    wrong = []
    if ran.returncode != 1:
        wrong.append(f"exit status {ran.returncode}: {ran.stdout[-300:]} {ran.stderr[-300:]}")
    if "PASS:" in ran.stdout.splitlines()[-2:]:
        wrong.append("a green line")
    if left := left_of(run):
        wrong.append(f"processes left: {left}")
    try:
        told = json.loads(report.read_text("utf-8"))
    except (OSError, ValueError) as error:
        return [*wrong, f"no report: {error}"]
    rows = [row for row in told["cases"] if row["suite"] == "base"]
    if len(rows) != ROWS or any(row["status"] != "failed" for row in rows):
        wrong.append(f"rows: {[row['status'] for row in rows]}")
    if told["exit_status"] != 1 or told["verdicts"]["hard_gate"]["status"] == "pass":
        wrong.append(f"verdict {told['verdicts']['hard_gate']['status']}")
    words = hostile.EXPECTED[name]
    if words and not any(re.search(words, row["message"]) for row in rows):
        wrong.append(f"message: {rows[0]['message'][:200]}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(hostile.EXPECTED))
    bad = 0
    for name in parser.parse_args().only:
        for arrangement, arguments in ARRANGEMENTS.items():
            with tempfile.TemporaryDirectory() as folder:
                wrong = judged(name, arguments, Path(folder))
            bad += bool(wrong)
            print(f"{name} ({arrangement}): {'; '.join(wrong) or 'held'}", flush=True)
    print(f"{bad} of {len(ARRANGEMENTS) * len(parser.parse_args().only)} did not hold")
    sys.exit(min(bad, 1))


if __name__ == "__main__":
    main()

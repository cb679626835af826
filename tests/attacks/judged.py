"""A hostile solver before the whole gate, as a user runs it: serial, and with two workers.

    python tests/attacks/judged.py [--only NAME ...]

Each run must end red, with every row, a report that is JSON, and no process left behind.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from attacks.collection import OF_ARRAYS  # noqa: E402
from attacks.declared import Attack  # noqa: E402

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
            if f"{MARK}={run}\0".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def not_green(output: str) -> bool:
    """Whether a run's output holds the line that says that it failed, and none that says other."""
    told = [line for line in output.splitlines() if line.startswith("irgate: ")]
    verdicts = [line for line in told if not line.startswith("irgate: diagnosis: ")]
    return bool(verdicts) and all(line.startswith("irgate: FAIL: ") for line in verdicts)


def judged(attack: Attack, arguments: tuple[str, ...], folder: Path) -> list[str]:
    """Run the gate on a hostile solver; return what is wrong with how it ended."""
    report = folder / "report.json"
    limit = LIMIT if attack.hangs else 60
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--irgate",
        "--irgate-suite", "base", "--irgate-solver", attack.spec,
        "--irgate-timeout", str(limit), "--irgate-json", str(report), *arguments,
    ]  # fmt: skip
    run = secrets.token_hex(8)
    ran = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, MARK: run, "PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
    )
    wrong = []
    if ran.returncode != 1:
        wrong.append(f"exit status {ran.returncode}: {ran.stdout[-300:]} {ran.stderr[-300:]}")
    if not not_green(ran.stdout):
        wrong.append(f"last lines: {ran.stdout[-300:]}")
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
    if attack.words and not any(attack.is_told(row["message"], attack.words) for row in rows):
        wrong.append(f"message: {rows[0]['message'][:200]}")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(OF_ARRAYS))
    chosen = parser.parse_args().only
    bad = 0
    for name in chosen:
        for arrangement, arguments in ARRANGEMENTS.items():
            with tempfile.TemporaryDirectory() as folder:
                wrong = judged(OF_ARRAYS[name], arguments, Path(folder))
            bad += bool(wrong)
            print(f"{name} ({arrangement}): {'; '.join(wrong) or 'held'}", flush=True)
    print(f"{bad} of {len(ARRANGEMENTS) * len(chosen)} did not hold")
    sys.exit(min(bad, 1))


if __name__ == "__main__":
    main()

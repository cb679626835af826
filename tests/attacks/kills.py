"""A run of the gate whose controller, worker or solver is killed at a random moment.

    python tests/attacks/kills.py [--runs 20] [--seed 0]

No green line may stand over a row that is missing, no row that was reported may be missing from
the JSON where the controller lives, and no process may be left behind.
"""

import argparse
import json
import os
import random
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from attacks.judged import MARK, left_of  # noqa: E402

PARTS = {
    "controller": lambda command: False,
    "worker": lambda command: b"exec(eval" in command,
    "solver": lambda command: b"pytest_irgate.host" in command,
}
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

SLOW = """
import time
import numpy as np
import knowing

def register(fixed, moving, model=None, intensity=None):
    time.sleep(0.1)
    return knowing.register(fixed, moving)
"""

PATIENCE_S = 120


def processes(run: str, part: str) -> list[int]:
    """Return the processes of a run that are this part of it."""
    found = []
    for pid in left_of(run):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if PARTS[part](command):
            found.append(pid)
    return found


def killed(part: str, number: signal.Signals, workers: int, after: float, folder: Path) -> str:
    """Run the gate, kill a part of it, and say what is wrong with how it ended, or nothing."""
    (folder / "slow.py").write_text(SLOW)
    run = secrets.token_hex(8)
    paths = os.pathsep.join([str(HERE.parent / "solvers"), str(folder)])
    began = subprocess.Popen(
        [
            sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "--irgate",
            "--irgate-suite", "contract,base,conditions", "--irgate-solver", "slow.py:register",
            "--irgate-json", "r.json", "-n", str(workers),
        ],
        cwd=folder, env={**os.environ, MARK: run, "PYTHONPATH": paths},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    time.sleep(after)
    targets = [began.pid] if part == "controller" else processes(run, part)
    for pid in targets[:1]:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            targets = []
    try:
        output, _ = began.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        began.kill()
        return "it did not end"
    wrong = []
    until = time.monotonic() + 5
    while left_of(run) and time.monotonic() < until:
        time.sleep(0.1)
    if left := left_of(run):
        wrong.append(f"processes left: {left}")
    told = set(re.findall(r"(irgate/\S+?::\S+) PASSED|PASSED (irgate/\S+)", output))
    passed = {one or other for one, other in told}
    rows = {}
    if (folder / "r.json").exists():
        rows = {
            row["id"]: row["status"] for row in json.loads((folder / "r.json").read_text())["cases"]
        }
    elif not (part == "controller" and number == signal.SIGKILL) and passed:
        wrong.append("no report")
    lost = [each for each in passed if rows and rows.get(each) != "passed"]
    if lost:
        wrong.append(f"{len(lost)} rows lost: {lost[:3]}")
    whole = rows and set(rows.values()) <= {"passed", "skipped"}
    if began.returncode == 0 and not whole:
        wrong.append("exit status 0")
    if "irgate: PASS" in output and not whole:
        wrong.append("a green line")
    how = f"exit {began.returncode}, {len(passed)} passed, {len(rows)} rows"
    return "; ".join(wrong) if wrong else f"held ({how}{'' if targets else ', nothing to kill'})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    bad = 0
    for count in range(arguments.runs):
        workers = draw.choice((0, 2))
        part = list(PARTS)[count % len(PARTS)]
        if part == "worker" and not workers:
            workers = 2
        number, after = SIGNALS[count // len(PARTS) % len(SIGNALS)], draw.uniform(1.0, 12.0)
        with tempfile.TemporaryDirectory() as folder:
            said = killed(part, number, workers, after, Path(folder))
        bad += not said.startswith("held")
        print(f"{number.name} to the {part} after {after:.1f} s (-n {workers}): {said}", flush=True)
    print(f"{bad} of {arguments.runs} did not hold")
    sys.exit(min(bad, 1))


if __name__ == "__main__":
    main()

"""Judge every named solver that is installed, and write the comparison into docs/libraries.md.

    python benchmarks/libraries.py REPORTS [--docs docs/libraries.md] [--only NAME,...]
                                   [--python NAME=INTERPRETER ...] [--note TEXT]

Each solver runs the whole gate in a process and an empty folder of its own, one after the other;
its JSON report is written to REPORTS/NAME.json. Then all reports in REPORTS that belong to named
solvers are compared, those of earlier runs too: with `--only` one is renewed and the rest kept, and
with an empty `--only ""` the table alone is made again. A library that wants an environment of its
own gets the interpreter of that. With `--docs` what stands between the page's two markers is
replaced, else the table is printed.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from pytest_irgate.adapters import ADAPTERS

BEGIN, END = "<!-- comparison: begin -->\n", "<!-- comparison: end -->\n"
"""What stands between them in the page is made here."""

NOT_INSTALLED = 4
"""pytest's exit status for a usage error: here, that the library is missing."""


def judge(name: str, python: str, reports: Path) -> str | None:
    """Run the whole gate on one solver; return why there is no report, or `None`."""
    report = reports / f"{name}.json"
    report.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as empty:
        # An ini file of its own: pytest would look for one above this folder.
        (Path(empty) / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        command = [python, "-m", "pytest", "-q", "--irgate", "--irgate-solver", name]
        run = subprocess.run(
            [*command, "--irgate-json", str(report.resolve())],
            cwd=empty,
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    (reports / f"{name}.log").write_text(run.stdout + run.stderr, encoding="utf-8")
    if report.is_file():
        return None
    said = [line for line in run.stderr.splitlines() if line.strip()] or ["nothing was said"]
    if run.returncode == NOT_INSTALLED:
        return said[-1]
    return f"exit status {run.returncode}: {said[-1]}"


def comparison(reports: list[Path], note: str) -> str:
    """Return `irgate compare --markdown --cases` of the reports, under their date and machine."""
    command = [sys.executable, "-m", "pytest_irgate.command", "compare", "--markdown", "--cases"]
    # From their own folder: the page names the reports, and not where somebody kept them.
    names = [report.name for report in reports]
    run = subprocess.run([*command, *names], cwd=reports[0].parent, capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr.strip())
    # An adapter's line is named as it stands in this project, wherever that lies.
    told = re.sub(r"at \S*/(?=pytest\\?_irgate/)", "at ", run.stdout)
    written = datetime.date.fromtimestamp(max(report.stat().st_mtime for report in reports))
    machine = json.loads(reports[0].read_text(encoding="utf-8"))["machine"]
    return (
        f"Measured on {written.isoformat()} with Python {machine['python']} on "
        f"{platform.system()}, {machine['cpu_count']} CPUs, one solver at a time. {note}\n\n"
        f"{told}"
    )


def main() -> None:
    """Judge, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", type=Path, help="folder for the JSON reports and logs")
    parser.add_argument("--docs", type=Path, help="page whose comparison is replaced")
    parser.add_argument("--only", help="names, comma-separated; all that are not given")
    parser.add_argument("--python", action="append", default=[], metavar="NAME=INTERPRETER")
    parser.add_argument("--note", default="", help="a sentence on the machine, for the page")
    options = parser.parse_args()
    named = list(ADAPTERS) if options.only is None else [n for n in options.only.split(",") if n]
    interpreters = dict(pair.split("=", 1) for pair in options.python)
    for name in (*named, *interpreters):
        if name not in ADAPTERS:
            parser.error(f"no solver is called {name}; there are {', '.join(ADAPTERS)}")
    options.reports.mkdir(parents=True, exist_ok=True)
    for name in named:
        missing = judge(name, interpreters.get(name, sys.executable), options.reports)
        print(f"{name}: {missing or 'judged'}", flush=True)

    paths = (options.reports / f"{name}.json" for name in ADAPTERS)
    table = comparison([path for path in paths if path.is_file()], options.note)
    if options.docs is None:
        print(table)
        return
    page = options.docs.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        parser.error(f"{options.docs} has no lines {BEGIN.strip()} and {END.strip()}")
    options.docs.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()

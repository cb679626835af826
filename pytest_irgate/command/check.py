"""`irgate check`: judge a solver, without pytest; the report and its JSON are the plugin's."""

import argparse
import os
import sys
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pytest_irgate import __version__
from pytest_irgate.command import ink
from pytest_irgate.command.usage import (
    EXIT_INTERRUPTED,
    Wrong,
    add_run_options,
    clear_report,
    flush,
    solver_of,
    suite_names,
    write_text,
)

if TYPE_CHECKING:
    from irgate_battery import Examined, OwnPair, Plan, Report, Solver


def add_to(subcommands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = subcommands.add_parser(
        "check",
        help="judge a solver: the gate, without pytest",
        description="Judge an image registration solver against SimpleITK on five image pairs and "
        "50 perturbations of them, and say what is wrong with it. Exit status: 0 passed (or not "
        "evaluated), 1 failed, 2 interrupted, 4 wrong usage.",
    )
    parser.add_argument(
        "solver",
        metavar="SPEC",
        help="bundled, another name (`irgate list --solvers`), module:attribute or "
        "path/to/file.py:attribute",
    )
    parser.add_argument(
        "--suite",
        type=suite_names,
        metavar="LIST",
        help="suites to run, comma-separated: contract, base, battery, recovery, gradient, pair "
        "(default: all; pair where one is named)",
    )
    parser.add_argument(
        "--pair",
        action="append",
        default=[],
        metavar="FILES",
        help="your own images, fixed.png,moving.png[,mask.png][,model][,same|varying]: registered "
        "by SimpleITK too, and judged beside it; may stand several times",
    )
    add_run_options(parser)
    parser.add_argument(
        "--strict", action="store_true", help="let the mean ratio decide the exit status too"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the report as JSON, schema 1"
    )
    parser.add_argument(
        "--quiet", "-q", action="store_true", help="print the last line of the report only"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Judge a solver. Raises: Wrong."""
    from irgate_battery import PAIR, SUITES, Plan, Solver

    solver = Solver.of(solver_of(arguments.solver))
    plan = Plan(seed=arguments.seed, count=arguments.cases, pairs=_pairs(arguments))
    # To name a pair is to ask for it, whatever suites are named beside it.
    asked = {*(arguments.suite or SUITES), *([PAIR] if plan.pairs else [])}
    suites = tuple(suite for suite in (*SUITES, PAIR) if suite in asked)
    # A solver may change the current folder.
    target = arguments.json.absolute() if arguments.json else None
    if target:
        clear_report(arguments.json)
    limit = f"{arguments.timeout:g} s a call" if arguments.timeout else "no time limit"
    if not arguments.quiet:
        header = (
            f"irgate {__version__}: solver {arguments.solver}, suites {', '.join(suites)}, "
            f"oracle {arguments.oracle}, {limit}"
        )
        print(textwrap.fill(header, ink.width(), break_long_words=False), flush=True)
    done, report, notices = _examine(arguments, solver, suites, plan)
    report = replace(report, solver=replace(report.solver, spec=arguments.solver))
    status = report.exit_status
    if target:
        # Before it is printed: who presses Ctrl-C again keeps what was measured.
        try:
            write_text(target, report.to_json(), arguments.json)
        except Wrong as error:
            notices.append(f"--json {error}")
            status = status or 1
    paint = ink.paint_for(sys.stdout)
    if not arguments.quiet:
        _show(done, report)
        if target:
            print(f"report: {arguments.json}")
    for notice in notices:
        print(paint(f"irgate: {notice}", "open"))
    sentence = report.sentence()
    print(paint(sentence.text, sentence.tone))
    return status


def _pairs(arguments: argparse.Namespace) -> tuple["OwnPair", ...]:
    """Return the user's own pairs, read once so that a bad file is told now. Raises: Wrong."""
    from irgate_battery import PAIR, PairError, own_pairs

    if PAIR in (arguments.suite or ()) and not arguments.pair:
        raise Wrong("--suite pair: no pair is named; add --pair fixed.png,moving.png")
    if arguments.pair and arguments.oracle == "stored":
        raise Wrong("--oracle stored: nothing is stored for your own pairs; expected auto or live")
    try:
        pairs = own_pairs(arguments.pair, Path.cwd())
        for pair in pairs:
            pair.images()
    except PairError as error:
        raise Wrong(f"--pair {error}") from None
    return pairs


def _examine(
    arguments: argparse.Namespace, solver: "Solver", suites: tuple[str, ...], plan: "Plan"
) -> tuple[list["Examined"], "Report", list[str]]:
    """Run the items; what was measured until Ctrl-C is reported, the rest as missing."""
    from irgate_battery import check_solver
    from irgate_battery.check import completed, conclude
    from pytest_irgate.command.progress import Progress

    expected = plan.expected()
    items = [f"{suite} {case}" for suite in suites for case in expected[suite]]
    progress = Progress(items, not arguments.quiet)
    done: list[Examined] = []
    notices: list[str] = []

    def keep(examined: "Examined") -> None:
        done.append(examined)
        progress.tell(examined)

    try:
        with _prints_to_stderr(), _warnings_kept(notices):
            report = check_solver(
                solver,
                suites=suites,
                oracle=arguments.oracle,
                timeout=arguments.timeout or None,
                plan=plan,
                strict=arguments.strict,
                on_row=keep,
            )
    except KeyboardInterrupt:
        rows = completed([examined.row for examined in done], plan, suites)
        report = replace(
            conclude(rows, solver, plan, strict=arguments.strict), exit_status=EXIT_INTERRUPTED
        )
        notices.append(f"interrupted: {len(done)} of {len(items)} items were done")
    finally:
        progress.clear()
    return done, report, notices


def _show(done: list["Examined"], report: "Report") -> None:
    """Print what failed in full, the same failure once, and the report but for its last line."""
    width, paint = ink.width(), ink.paint_for(sys.stdout)
    same: dict[tuple[str, str], list[str]] = {}
    for examined in done:
        if examined.row.status in ("failed", "error"):
            told = (examined.row.message, examined.detail)
            same.setdefault(told, []).append(examined.row.id)
    if same:
        print(paint(" failures ".center(width, "="), "head"))
    for (message, detail), ids in same.items():
        print(paint("\n".join(ids), "bad"))
        print(textwrap.indent(textwrap.fill(message, width - 2, break_long_words=False), "  "))
        print(textwrap.indent(detail, "  | "))
    print(paint(" irgate ".center(width, "="), "head"))
    print(f"solver: {report.solver}")
    print()
    for line in report.lines(width)[:-1]:
        print(paint(line.text, line.tone))
    print()


@contextmanager
def _prints_to_stderr() -> Iterator[None]:
    """Send what a solver prints, compiled code included, to standard error: stdout is the report's.

    The contract suite, which asks whether it prints, catches it before.
    """
    flush()
    try:
        saved = os.dup(1)
        os.dup2(2, 1)
    except OSError:
        # One of the two is closed: there is nothing to keep clean, or nowhere to send it.
        yield
        return
    try:
        yield
    finally:
        flush()
        os.dup2(saved, 1)
        os.close(saved)


@contextmanager
def _warnings_kept(notices: list[str]) -> Iterator[None]:
    """Keep the oracle store's warnings for the end of the report; others go where they went."""
    from irgate_battery.store import OracleStoreWarning

    with warnings.catch_warnings():
        warnings.simplefilter("always", OracleStoreWarning)
        shown = warnings.showwarning

        def keep(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, OracleStoreWarning):
                notices.append(f"warning: {' '.join(str(message).split())}")
            else:
                shown(message, category, filename, lineno, file, line)

        warnings.showwarning = keep
        yield

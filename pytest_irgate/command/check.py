"""`irgate check`: judge a solver, without pytest; the report and its JSON are the plugin's."""

import argparse
import os
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from irgate_battery.suites.registry import REGISTRY, default_names
from pytest_irgate import __version__, github_summary
from pytest_irgate.command import colour
from pytest_irgate.command.usage import (
    EXIT_INTERRUPTED,
    UsageError,
    add_draw_options,
    add_option,
    command_suite_names,
    flush,
    opened,
    packs_of,
)
from pytest_irgate.exit_guard import EXIT_UNCONCLUDED, ExitGuard, guarded
from pytest_irgate.extras import lack_of_run
from pytest_irgate.options import (
    GITHUB_MODES,
    ISOLATIONS,
    ORACLE_MODES,
    PROGRAM_CONVENTIONS,
    PROGRAM_FORMATS,
    option,
)
from pytest_irgate.output_file import OutputFileError, clear_page, clear_report, write_report
from pytest_irgate.page_file import page_trouble
from pytest_irgate.termination import CTRL_C, Termination, interrupted_by

if TYPE_CHECKING:
    from irgate_battery.cases.own_pairs import OwnPair
    from irgate_battery.cases.run_spec import RunSpec
    from irgate_battery.interface.protocol import Solver
    from irgate_battery.report.report import Report
    from irgate_battery.suites.evaluation import ItemResult


def add_to(subcommands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = subcommands.add_parser(
        "check",
        help="judge a solver: the gate, without pytest",
        description="Judge an image registration solver against SimpleITK on five image pairs and "
        f"{option('cases').default} perturbations of them, and say what is wrong with it. Exit "
        "status: 0 passed (or not evaluated), 1 failed, 2 interrupted, 4 wrong usage, 5 nothing "
        "was judged.",
    )
    known = option("solver")
    parser.add_argument(known.name, metavar=known.metavar, help=known.command_help)
    add_option(parser, "suite", type=command_suite_names)
    add_option(parser, "pair")
    add_option(parser, "pack")
    add_draw_options(parser)
    add_option(parser, "oracle", choices=ORACLE_MODES)
    add_option(parser, "isolation", choices=ISOLATIONS)
    add_option(parser, "format", choices=PROGRAM_FORMATS)
    add_option(parser, "convention", choices=PROGRAM_CONVENTIONS)
    add_option(parser, "timeout")
    add_option(parser, "strict")
    add_option(parser, "require-verdict")
    add_option(parser, "json", type=Path)
    add_option(parser, "github", choices=GITHUB_MODES)
    add_option(parser, "html", type=Path)
    parser.add_argument(
        "--quiet", "-q", action="store_true", help="print the last line of the report only"
    )
    parser.add_argument(
        "--protocol",
        action="store_true",
        help="judge nothing: ask a served program what the protocol has, and say what it answers",
    )
    parser.add_argument(
        "--schema",
        action=_PrintsSchema,
        nargs=0,
        help="judge nothing: print the JSON schema of the report, and end",
    )
    parser.set_defaults(run=run)


class _PrintsSchema(argparse.Action):
    """As `--version` does: whatever else is there or missing."""

    def __call__(self, parser: argparse.ArgumentParser, *unused: Any) -> None:
        from irgate_battery.report.schema import stored_text

        print(stored_text(), end="")
        parser.exit()


def run(arguments: argparse.Namespace) -> int:
    """Judge a solver. Raises: UsageError."""
    if arguments.protocol:
        from pytest_irgate.command import protocol

        return protocol.run(arguments.solver, arguments.timeout or None)
    program = {"file_format": arguments.format, "convention": arguments.convention}
    with guarded() as guard, Termination() as termination:
        with opened(arguments.solver, arguments.isolation, **program) as solver:
            status = _checked(arguments, solver, guard, termination)
        guard.conclude(status if arguments.ends_process else 0)
    return status


def _checked(
    arguments: argparse.Namespace, solver: "Solver", guard: ExitGuard, termination: Termination
) -> int:
    from irgate_battery.cases.run_spec import RunSpec
    from irgate_battery.report.conclusion import ENDED_EARLY, completed, conclude
    from irgate_battery.report.last_line import failed_for
    from irgate_battery.report.provenance import Provenance
    from irgate_battery.results.solver_identity import SolverIdentity

    run_spec = RunSpec(
        seed=arguments.seed,
        count=arguments.cases,
        pairs=_pairs(arguments),
        packs=packs_of(arguments.pack),
    )
    suites = _suites(arguments)
    if lack := lack_of_run(run_spec, suites, arguments.oracle):
        raise UsageError(lack)
    _refuse_unreadable(run_spec)
    # A solver may change the current folder, and the environment.
    summary = github_summary.asked_for(arguments.github)
    target = arguments.json.absolute() if arguments.json else None
    page = arguments.html.absolute() if arguments.html else None
    for flag, name, clear in (
        ("--json", arguments.json, clear_report),
        ("--html", arguments.html, clear_page),
    ):
        if name:
            try:
                clear(name)
            except OutputFileError as error:
                raise UsageError(f"{flag} {error}") from None
    limit = f"{arguments.timeout:g} s a call" if arguments.timeout else "no time limit"
    if not arguments.quiet:
        header = (
            f"irgate {__version__}: solver {arguments.solver}, suites {', '.join(suites)}, "
            f"oracle {arguments.oracle}, {limit}, isolation {arguments.isolation}"
        )
        print(textwrap.fill(header, colour.width(), break_long_words=False), flush=True)
    provenance = Provenance.of(Path.cwd())
    done: list[ItemResult] = []

    def so_far(status: int, why: str = ENDED_EARLY) -> "Report":
        """Return the report of what is done, the rest as missing."""
        return conclude(
            completed([result.row for result in done], run_spec, suites, why),
            SolverIdentity(arguments.solver, solver.name, solver.version, solver.caller.isolation),
            run_spec,
            suites=suites,
            provenance=provenance,
            strict=arguments.strict,
            require_verdict=arguments.require_verdict,
            exit_status=status,
        )

    if target:
        json = target
        guard.rescue = lambda: write_report(json, so_far(EXIT_UNCONCLUDED).to_json())
    report, notices = _judge(arguments, solver, suites, run_spec, done, so_far)
    termination.interrupts = False
    report = replace(report, solver=replace(report.solver, spec=arguments.solver))
    status, sentence = report.exit_status, report.last()
    if target:
        # Before it is printed: who presses Ctrl-C again keeps what was measured.
        try:
            write_report(target, report.to_json(), arguments.json)
        except OutputFileError as error:
            notices.append(f"--json {error}")
            status, sentence = status or 1, failed_for(sentence, f"--json {error}")
            target = None
    if page and (trouble := page_trouble(report, page, target and arguments.json, arguments.html)):
        notices.append(f"--html {trouble}")
        status, sentence, page = status or 1, failed_for(sentence, f"--html {trouble}"), None
        if target and not report.exit_status:
            # The run fails now, and its JSON says so too.
            with suppress(OutputFileError):
                write_report(target, replace(report, exit_status=1).to_json(), arguments.json)
    paint = colour.paint_for(sys.stdout)
    if not arguments.quiet:
        _show(done, report)
        if target:
            print(f"report: {arguments.json}")
        if page:
            print(f"page: {arguments.html}")
    for notice in notices:
        print(paint(f"irgate: {notice}", "open"))
    if summary:
        for line in github_summary.written(summary, report):
            print(line)
    print(paint(sentence.text, sentence.tone))
    return status


def _suites(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the names of the suites that run. Raises: UsageError.

    To give something that a suite needs is to ask for it, whatever suites are named beside it.
    """
    named = arguments.suite or default_names()
    chosen = []
    for entry in REGISTRY:
        given = entry.given_by is not None and bool(getattr(arguments, entry.given_by, None))
        if entry.name in named and entry.given_by is not None and not given:
            needed = option(entry.given_by)
            raise UsageError(
                f"--suite {entry.name}: no {entry.name} is named; add --{needed.name} "
                f"{needed.example}"
            )
        if entry.name in named or given:
            chosen.append(entry.name)
    return tuple(chosen)


def _pairs(arguments: argparse.Namespace) -> tuple["OwnPair", ...]:
    """Return the user's own pairs. Raises: UsageError."""
    from irgate_battery.cases.own_pairs import PairError, own_pairs

    try:
        pairs = own_pairs(arguments.pair, Path.cwd())
    except PairError as error:
        raise UsageError(f"--pair {error}") from None
    if arguments.oracle == "stored" and any(pair.truth is None for pair in pairs):
        raise UsageError(
            "--oracle stored: nothing is stored for your own pairs; expected auto or live"
        )
    return pairs


def _refuse_unreadable(run_spec: "RunSpec") -> None:
    """Read the user's images once, so that a bad file is told now. Raises: UsageError."""
    from irgate_battery.cases.own_pairs import PairError

    cases = [case for pack in run_spec.packs for case in pack.cases]
    for flag, given in (("--pair", run_spec.pairs), ("--pack", cases)):
        for each in given:
            try:
                each.read()
            except PairError as error:
                raise UsageError(f"{flag} {error}") from None


def _judge(
    arguments: argparse.Namespace,
    solver: "Solver",
    suites: tuple[str, ...],
    run_spec: "RunSpec",
    done: list["ItemResult"],
    so_far: Callable[[int, str], "Report"],
) -> tuple["Report", list[str]]:
    """Run the items; what was measured until Ctrl-C is reported, the rest as missing.

    Args:
        arguments: of the command.
        solver, suites, run_spec: what is judged, and on what.
        done: takes what is done.
        so_far: makes the report of it, with this exit status, and the message of the others.
    """
    from irgate_battery import run
    from irgate_battery.report.last_line import NOT_RUN
    from irgate_battery.suites.registry import expected_items
    from pytest_irgate.command.progress import Progress
    from pytest_irgate.user_cache import UserCache

    items = [f"{item.suite} {item.case}" for item in expected_items(run_spec, suites)]
    progress = Progress(items, not arguments.quiet)
    notices: list[str] = []

    def keep(result: "ItemResult") -> None:
        done.append(result)
        progress.tell(result)

    try:
        with _prints_to_stderr(), _warnings_kept(notices):
            report = run.check_solver(
                solver,
                suites=suites,
                oracle=arguments.oracle,
                timeout=arguments.timeout or None,
                run_spec=run_spec,
                strict=arguments.strict,
                require_verdict=arguments.require_verdict,
                cache=UserCache(),
                on_row=keep,
            )
    except KeyboardInterrupt as interrupt:
        who = interrupted_by(interrupt) or CTRL_C
        report = so_far(EXIT_INTERRUPTED, f"{NOT_RUN}stopped by {who}")
        notices.append(f"interrupted: {len(done)} of {len(items)} items were done")
    finally:
        progress.clear()
    return report, notices


def _show(done: list["ItemResult"], report: "Report") -> None:
    """Print what failed in full, the same failure once, and the report but for its last line."""
    width, paint = colour.width(), colour.paint_for(sys.stdout)
    from irgate_battery.report.alike import alike

    bad = [each for each in done if each.row.status in ("failed", "error")]
    groups = alike((result.row, result.detail) for result in bad)
    if groups:
        print(paint(" failures ".center(width, "="), "head"))
    for group in groups:
        print(paint(group.first.id, "bad"))
        for text in filter(None, [group.first.message, group.more]):
            print(textwrap.indent(textwrap.fill(text, width - 2, break_long_words=False), "  "))
        print(textwrap.indent(group.detail, "  | "))
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
    from irgate_battery.oracle.store import OracleStoreWarning

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

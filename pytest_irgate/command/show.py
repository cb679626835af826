"""`irgate show`: one case as a picture, under its true transform or under a solver's."""

import argparse
import difflib
import io
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from irgate_battery.suites.registry import entry_of, suites
from pytest_irgate.command.usage import UsageError, add_option, opened, packs_of, read_text
from pytest_irgate.exit_guard import guarded
from pytest_irgate.extras import lack_of
from pytest_irgate.options import PROGRAM_CONVENTIONS, PROGRAM_FORMATS
from pytest_irgate.output_file import OutputFileError, refuse_output, write_whole

if TYPE_CHECKING:
    from irgate_battery.cases.catalogue import Case
    from irgate_battery.cases.packs import PackCase
    from irgate_battery.interface.protocol import Solver
    from irgate_battery.report.figure import FigureInput
    from irgate_battery.report.page.saved_run import SavedRun
    from irgate_battery.results.result_row import ResultRow

FORMATS = (".png", ".pdf", ".svg")

NEAREST = 4
"""Names that are offered for an unknown one."""


def add_to(subcommands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = subcommands.add_parser(
        "show",
        help="one case as a picture",
        description="Draw one case: both images, how they lie over each other before and after, "
        "the differences, and the grid that is moved. After means under the true transform, under "
        "a solver's, or under that of a JSON report, with the verdict on it.",
    )
    parser.add_argument(
        "case",
        metavar="CASE",
        help="as in `irgate list`: lena_affine_2d-rot75, brain_mri_real, or a full node id",
    )
    parser.add_argument(
        "--output",
        "-o",
        type=Path,
        metavar="FILE",
        help=f"the picture, {', '.join(FORMATS)} (default: CASE.png)",
    )
    answers = parser.add_mutually_exclusive_group()
    answers.add_argument("--solver", metavar="SPEC", help="show this solver's answer")
    answers.add_argument(
        "--from",
        dest="report",
        type=Path,
        metavar="REPORT",
        help="show the answer that this JSON report holds; nothing is solved again",
    )
    add_option(parser, "pack", help="CASE is one of this pack, a folder or a name")
    add_option(parser, "seed")
    add_option(parser, "format", choices=PROGRAM_FORMATS)
    add_option(parser, "convention", choices=PROGRAM_CONVENTIONS)
    add_option(parser, "timeout")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw. Raises: UsageError."""
    with guarded() as guard:
        status = _run(arguments)
        guard.conclude(status if arguments.ends_process else 0)
    return status


def _run(arguments: argparse.Namespace) -> int:
    if lack := lack_of("matplotlib", "a picture"):
        raise UsageError(lack)
    if arguments.report:
        name, portrayed = _of_report(arguments)
    else:
        name, portrayed = _of_pack(arguments) if arguments.pack else _of_case(arguments)
    output = arguments.output or Path(f"{name}.png")
    # A solver may change the current folder.
    target = output.absolute()
    if output.suffix.lower() not in FORMATS:
        raise UsageError(f"--output {output}: expected a name that ends in {', '.join(FORMATS)}")
    try:
        refuse_output(output)
    except OutputFileError as error:
        raise UsageError(f"--output {error}") from None
    from irgate_battery.interface.outside_text import one_line
    from irgate_battery.interface.protocol import SolverFault

    try:
        figure_input = portrayed()
    except SolverFault as fault:
        print(f"irgate show: {one_line(str(fault))}", file=sys.stderr)
        return 1
    try:
        write_whole(target, _drawn(figure_input, output.suffix.lower()[1:]), output)
    except OutputFileError as error:
        raise UsageError(f"--output {error}") from None
    print(f"wrote {output}: {name} after {figure_input.who}")
    return 0


def _drawn(figure_input: "FigureInput", form: str) -> bytes:
    """Return a picture's file in one of the formats."""
    from irgate_battery.report.figure import draw

    file = io.BytesIO()
    draw(figure_input).savefig(file, format=form)
    return file.getvalue()


Portrayed = Callable[[], "FigureInput"]
"""Makes what is drawn, once it is clear that it can be written. Raises: UsageError; SolverFault."""


def _of_report(arguments: argparse.Namespace) -> tuple[str, Portrayed]:
    """Return the name of a case that a report holds, and what makes the answer's portrait."""
    from irgate_battery.report.page.saved_run import SavedRun
    from irgate_battery.report.saved_report import SavedReportError

    source = str(arguments.report)
    try:
        run = SavedRun.read(read_text(arguments.report), source)
    except SavedReportError as error:
        raise UsageError(str(error)) from None
    wanted = arguments.case
    rows = [row for row in run.saved.rows if wanted in (row.id, row.case)]
    if not rows:
        raise UsageError(f"{wanted}: {source} holds no such case{_near(wanted, run.saved.rows)}")
    # A case of this name may stand in several suites; one of them has its answer.
    row = next((row for row in rows if row.transform), rows[0])
    if row.transform is None:
        said = f"{row.status}: {row.message}" if row.message else row.status
        raise UsageError(f"{wanted}: {source} holds no answer of it ({said})")
    if re.fullmatch(r"[\w.-]+", row.case) is None and arguments.output is None:
        raise UsageError(f"{wanted}: no name for a file; add --output FILE")
    return row.case, lambda: _stored_input(run, row)


def _near(wanted: str, rows: Iterable["ResultRow"]) -> str:
    near = difflib.get_close_matches(wanted, {row.case for row in rows}, NEAREST, cutoff=0.5)
    return f"; the nearest are {', '.join(near)}" if near else ""


def _stored_input(run: "SavedRun", row: "ResultRow") -> "FigureInput":
    from irgate_battery.report.figure import FigureInput
    from irgate_battery.report.remade import NotRemadeError, remade

    assert row.transform is not None
    case = None if row.files else find(row.case, run.saved.seed)
    try:
        pair = remade([row], case, run.saved.battery)
        shape = pair.images.shape
        return FigureInput(
            pair.images,
            row.case,
            case.purpose if case else "",
            row.transform.displacement_on(shape),
            run.name,
            row,
            pair.oracle.displacement_on(shape) if pair.oracle else None,
        )
    except (NotRemadeError, ValueError) as error:
        raise UsageError(f"{row.case}: it cannot be drawn: {error}") from None


def _of_case(arguments: argparse.Namespace) -> tuple[str, Portrayed]:
    """Return a case's name, and what makes its portrait: the truth's, or a solver's answer's."""
    case = find(arguments.case, arguments.seed)
    return case.id, lambda: _figure_input(case, arguments)


def _figure_input(case: "Case", arguments: argparse.Namespace) -> "FigureInput":
    from irgate_battery.report.figure import FigureInput

    pair = case.pair()
    if arguments.solver is None:
        return FigureInput(pair, case.id, case.purpose)
    program = {"file_format": arguments.format, "convention": arguments.convention}
    with opened(arguments.solver, **program) as solver:
        if case.model not in solver.models:
            raise UsageError(
                f"solver {solver.name!r} has no {case.model} model, which {case.id} asks for (it "
                f"declares {', '.join(solver.models)})"
            )
        timeout = arguments.timeout or None
        row = _judged(case, solver, arguments.seed, timeout)
        if row.transform is not None:
            displacement = row.transform.displacement_on(pair.shape)
        else:
            # It was not asked, or fails: then it does so again, in its own words.
            answer, _ = solver.solve_pair(
                pair, case.model, intensity=case.intensity, timeout=timeout
            )
            displacement = answer.displacement
    # A path is no name: the file's own will do, and a program's.
    path, _, attribute = arguments.solver.rpartition(":")
    who = f"{Path(path).name}:{attribute}" if path else arguments.solver
    if solver.declaration.program:
        who = solver.name
    return FigureInput(pair, case.id, case.purpose, displacement, who, row)


def _of_pack(arguments: argparse.Namespace) -> tuple[str, Portrayed]:
    """Return the name of a pack's case, and what makes its portrait, as `_of_case`."""
    cases = {case.id: case for pack in packs_of(arguments.pack) for case in pack.cases}
    wanted = arguments.case
    if wanted.endswith("]"):
        wanted = wanted.partition("[")[2].removesuffix("]")
    if wanted not in cases:
        near = difflib.get_close_matches(wanted, cases, NEAREST, cutoff=0.5) or sorted(cases)
        raise UsageError(
            f"{arguments.case}: no case of that name in the packs; they have "
            f"{', '.join(near[:NEAREST])}"
        )
    return wanted, lambda: _pack_input(cases[wanted], arguments)


def _pack_input(case: "PackCase", arguments: argparse.Namespace) -> "FigureInput":
    from irgate_battery.cases.pack_values import PackError
    from irgate_battery.cases.run_spec import RunSpec
    from irgate_battery.oracle.store import OracleStore
    from irgate_battery.report.figure import FigureInput
    from irgate_battery.suites.registry import expected_items
    from irgate_battery.suites.suite import EvaluationSetup

    try:
        prepared = case.read()
    except PackError as error:
        raise UsageError(f"--pack {error}") from None
    pair = prepared.with_its_truth()
    if arguments.solver is None:
        who = "the true transform" if pair is not prepared else "the affine fit of its landmarks"
        return FigureInput(pair, case.id, case.purpose, who=who)
    spec = RunSpec(packs=packs_of(arguments.pack))
    setup = EvaluationSetup(OracleStore("stored"), arguments.timeout or None, spec)
    item = next(each for each in expected_items(spec) if each.subject == case)
    entry = entry_of(item.suite)
    assert entry is not None
    program = {"file_format": arguments.format, "convention": arguments.convention}
    with opened(arguments.solver, **program) as solver:
        row = entry.suite.evaluate(item, solver, setup).row
        who = solver.name
    if row.transform is None:
        raise UsageError(f"{case.id}: there is no answer to draw: {row.message}")
    displacement = row.transform.displacement_on(pair.shape)
    return FigureInput(pair, case.id, case.purpose, displacement, who, row)


def _judged(case: "Case", solver: "Solver", seed: int, timeout: float | None) -> "ResultRow":
    """Let the case's own suite judge the solver on it."""
    from irgate_battery.cases.run_spec import RunSpec
    from irgate_battery.oracle.store import OracleStore
    from irgate_battery.suites.suite import EvaluationSetup
    from pytest_irgate.user_cache import UserCache

    spec = RunSpec(seed, _count(case.id))
    setup = EvaluationSetup(OracleStore("auto", UserCache()), timeout, spec)
    suite, item = next(
        (suite, item)
        for suite in suites()
        if suite.one_call
        for item in suite.items(spec)
        if item.pictured is not None and item.case == case.id
    )
    return suite.evaluate(item, solver, setup).row


def _count(name: str) -> int:
    """Return how many battery cases hold the case of this name: a drawn one tells its number."""
    from irgate_battery.cases.run_spec import RunSpec

    drawn = re.search(r"-draw([0-9]{1,5})$", name)
    return max(RunSpec().count, int(drawn[1]) if drawn else 0)


def find(name: str, seed: int) -> "Case":
    """Return the case that a name or a node id means.

    A recovery or gradient item is about its base fixture. A drawn case, `...-draw57`, is found
    without its battery's number of cases.

    Raises: UsageError, with the nearest names.
    """
    from irgate_battery.cases.catalogue import all_cases
    from irgate_battery.cases.run_spec import RunSpec

    module, _, wanted = name.rpartition("::")
    if module:
        wanted = wanted.partition("[")[2].removesuffix("]")
    run_spec = RunSpec(seed, _count(wanted))
    known = {case.id: case for case in all_cases(seed, run_spec.count)}
    for suite in suites():
        if module.endswith(f"{suite.name}.py"):
            if suite.unpictured is not None:
                raise UsageError(f"{name}: {suite.unpictured}")
            known |= {item.case: item.pictured for item in suite.items(run_spec) if item.pictured}
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, NEAREST, cutoff=0.5)
    told = f"the nearest are {', '.join(near)}" if near else "`irgate list` has them all"
    raise UsageError(f"{name}: no case of that name; {told}")

"""`irgate show`: one case as a picture, under its true transform or under a solver's."""

import argparse
import difflib
import io
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_irgate.command.usage import UsageError, add_option, opened
from pytest_irgate.exit_guard import guarded
from pytest_irgate.options import PROGRAM_CONVENTIONS, PROGRAM_FORMATS
from pytest_irgate.output_file import OutputFileError, refuse_output, write_whole

if TYPE_CHECKING:
    from irgate_battery.cases.catalogue import Case
    from irgate_battery.report.figure import FigureInput

FORMATS = (".png", ".pdf", ".svg")

NEAREST = 4
"""Names that are offered for an unknown one."""


def add_to(subcommands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = subcommands.add_parser(
        "show",
        help="one case as a picture",
        description="Draw one case: both images, how they lie over each other before and after, "
        "the difference, and the grid that is moved. After means under the true transform, or "
        "under a solver's.",
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
    parser.add_argument("--solver", metavar="SPEC", help="show this solver's answer")
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
    case = find(arguments.case, arguments.seed)
    output = arguments.output or Path(f"{case.id}.png")
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
        figure_input = _figure_input(case, arguments)
    except SolverFault as fault:
        print(f"irgate show: {one_line(str(fault))}", file=sys.stderr)
        return 1
    try:
        write_whole(target, _drawn(figure_input, output.suffix.lower()[1:]), output)
    except OutputFileError as error:
        raise UsageError(f"--output {error}") from None
    print(f"wrote {output}: {case.id} after {figure_input.who}")
    return 0


def _drawn(figure_input: "FigureInput", form: str) -> bytes:
    """Return a picture's file in one of the formats."""
    from irgate_battery.report.figure import draw

    file = io.BytesIO()
    draw(figure_input).savefig(file, format=form)
    return file.getvalue()


def _figure_input(case: "Case", arguments: argparse.Namespace) -> "FigureInput":
    """Return what is to be drawn. Raises: UsageError; SolverFault from the call."""
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
        answer, _ = solver.solve_pair(
            pair, case.model, intensity=case.intensity, timeout=arguments.timeout or None
        )
    # A path is no name: the file's own will do, and a program's.
    path, _, attribute = arguments.solver.rpartition(":")
    who = f"{Path(path).name}:{attribute}" if path else arguments.solver
    if solver.declaration.program:
        who = solver.name
    return FigureInput(pair, case.id, case.purpose, answer.displacement, who)


def find(name: str, seed: int) -> "Case":
    """Return the case that a name or a node id means.

    A recovery or gradient item is about its base fixture. A drawn case, `...-draw57`, is found
    without its battery's number of cases.

    Raises: UsageError, with the nearest names.
    """
    from irgate_battery.cases.catalogue import all_cases
    from irgate_battery.cases.run_spec import RunSpec
    from irgate_battery.suites.registry import suites

    module, _, wanted = name.rpartition("::")
    if module:
        wanted = wanted.partition("[")[2].removesuffix("]")
    drawn = re.search(r"-draw([0-9]{1,5})$", wanted)
    run_spec = RunSpec(seed, max(RunSpec().count, int(drawn[1]) if drawn else 0))
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

"""`irgate show`: one case as a picture, under its true transform or under a solver's."""

import argparse
import difflib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_irgate.command.usage import Wrong, add_seed, add_timeout, solver_of

if TYPE_CHECKING:
    from irgate_battery import Case
    from irgate_battery.portrait import Sitter

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
    add_seed(parser)
    add_timeout(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw. Raises: Wrong."""
    case = find(arguments.case, arguments.seed)
    output = arguments.output or Path(f"{case.id}.png")
    # A solver may change the current folder.
    target = output.absolute()
    if output.suffix.lower() not in FORMATS:
        raise Wrong(f"--output {output}: expected a name that ends in {', '.join(FORMATS)}")
    if output.is_dir() or not output.parent.is_dir():
        what = "that is a folder" if output.is_dir() else f"there is no folder {output.parent}"
        raise Wrong(f"--output {output}: {what}")
    from irgate_battery import SolverFault
    from irgate_battery.portrait import portrait

    try:
        sitter = _sitter(case, arguments)
    except SolverFault as fault:
        print(f"irgate show: {fault}", file=sys.stderr)
        return 1
    try:
        portrait(sitter).savefig(target)
    except OSError as error:
        raise Wrong(f"--output {output}: it cannot be written: {error.strerror}") from None
    print(f"wrote {output}: {case.id} after {sitter.who}")
    return 0


def _sitter(case: "Case", arguments: argparse.Namespace) -> "Sitter":
    """Return what is to be drawn. Raises: Wrong; SolverFault from the call."""
    from irgate_battery import Solver
    from irgate_battery.portrait import Sitter

    pair = case.pair()
    if arguments.solver is None:
        return Sitter(pair, case.id, case.purpose)
    solver = Solver.of(solver_of(arguments.solver))
    if case.model not in solver.models:
        raise Wrong(
            f"solver {solver.name!r} has no {case.model} model, which {case.id} asks for (it "
            f"declares {', '.join(solver.models)})"
        )
    answer, _ = solver.solve(
        pair.fixed,
        pair.moving,
        model=case.model,
        mask=pair.mask,
        intensity=case.intensity,
        timeout=arguments.timeout or None,
    )
    # A path is no name: the file's own will do.
    path, _, attribute = arguments.solver.rpartition(":")
    who = f"{Path(path).name}:{attribute}" if path else arguments.solver
    return Sitter(pair, case.id, case.purpose, answer.displacement, who)


def find(name: str, seed: int) -> "Case":
    """Return the case that a name or a node id means.

    A recovery or gradient item is about its base fixture. A drawn case, `...-draw57`, is found
    without its battery's number of cases.

    Raises: Wrong, with the nearest names.
    """
    from irgate_battery import PUSHES, Plan, cases

    module, _, item = name.rpartition("::")
    wanted = item
    if module:
        wanted = item.partition("[")[2].removesuffix("]")
        if module.endswith("contract.py"):
            raise Wrong(f"{name}: contract checks use the images of synth_translate_2d; show that")
        for push in PUSHES if module.endswith("recovery.py") else ():
            wanted = wanted.removesuffix(f"-{push}")
    drawn = re.search(r"-draw([0-9]{1,5})$", wanted)
    known = {
        case.id: case for case in cases(seed, max(Plan().count, int(drawn[1]) if drawn else 0))
    }
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, NEAREST, cutoff=0.5)
    told = f"the nearest are {', '.join(near)}" if near else "`irgate list` has them all"
    raise Wrong(f"{name}: no case of that name; {told}")

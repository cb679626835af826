"""`irgate pack`: begin a pack of one's own, doubt its truth before solvers are held to it."""

import argparse
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_irgate.command import colour
from pytest_irgate.command.usage import UsageError
from pytest_irgate.extras import lack_of
from pytest_irgate.output_file import OutputFileError, write_whole

if TYPE_CHECKING:
    from irgate_battery.cases.packs import PackCase

EXAMPLE = ("example-fixed.npy", "example-moving.npy", "example.txt")
"""The files of the case that a new pack begins with."""


def add_to(subcommands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = subcommands.add_parser(
        "pack",
        help="cases of your own with a known truth: begin a pack, check one",
        description="A pack is a folder with images, their true transforms or landmarks, and a "
        "file pack.toml that lists them; `irgate check SPEC --pack DIR` and `pytest --irgate "
        "--irgate-pack DIR` judge a solver on it.",
    )
    actions = parser.add_subparsers(
        title="actions", metavar="ACTION", dest="action", help="new, check or list", required=True
    )
    new = actions.add_parser(
        "new",
        help="write a pack with one case to begin with",
        description="Write a folder with a pack.toml and one case that runs at once. Nothing is "
        "written over.",
    )
    new.add_argument("folder", type=Path, metavar="DIR", help="is made where it is not there")
    check = actions.add_parser(
        "check",
        help="read every file of a pack, and doubt its truth",
        description="Read a pack's every file, and say what speaks against a truth: images that "
        "match better under another reading of it, landmarks that fit no transform of the model, "
        "a tolerance that doing nothing meets. The exit status is 1 where anything does.",
    )
    check.add_argument("pack", metavar="DIR", help="a pack's folder, or the name of one")
    actions.add_parser("list", help="list the packs that have a name")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked. Raises: UsageError."""
    match arguments.action:
        case "new":
            return _new(arguments.folder)
        case "check":
            return _check(arguments.pack)
        case _:
            return _list()


def _new(folder: Path) -> int:
    from irgate_battery.cases.packs import FILE
    from pytest_irgate.packs.example import write

    taken = [name for name in (FILE, *EXAMPLE) if (folder / name).exists()]
    if taken:
        raise UsageError(f"pack new: {folder / taken[0]} is there already; expected another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write(folder)
        template = resources.files("pytest_irgate").joinpath("templates", "pack.txt")
        write_whole(folder / FILE, template.read_text(encoding="utf-8"))
    except (OSError, OutputFileError) as error:
        raise UsageError(f"pack new: {folder}: it cannot be written: {error}") from None
    print(f"{folder / FILE}: written, with one case")
    print("now:")
    print(f"    irgate pack check {folder}")
    print(f"    irgate check bundled --suite pack --pack {folder}")
    return 0


def _check(text: str) -> int:
    from irgate_battery.cases.pack_values import PackError
    from irgate_battery.cases.packs import read_packs
    from pytest_irgate.packs import folder_of

    if lack := lack_of("SimpleITK", "reading images"):
        raise UsageError(lack)
    try:
        (pack,) = read_packs([folder_of(text, Path.cwd())])
    except PackError as error:
        raise UsageError(f"pack check: {error}") from None
    paint = colour.paint_for(sys.stdout)
    print(f"{pack.name} ({len(pack.cases)}): {pack.file}")
    doubtful = 0
    for case in pack.cases:
        try:
            found = _doubts_of(case)
        except PackError as error:
            found = [str(error).removeprefix(f"{case.pack}: case {case.own_id!r}: ")]
        doubtful += bool(found)
        tone = "bad" if found else "good"
        print(paint(f"  {case.own_id}: {case.pair.model}, {'doubted' if found else 'ok'}", tone))
        for each in found:
            print(f"      {each}")
    unlicensed = [case.own_id for case in pack.cases if not case.licence]
    if unlicensed:
        print(f"no licence is stated of {', '.join(unlicensed)}: state one before you hand it on")
    passed = len(pack.cases) - doubtful
    last = f"irgate pack check: {passed} of {len(pack.cases)} cases without a doubt"
    print(paint(last, "bad" if doubtful else "good"))
    return int(doubtful > 0)


def _doubts_of(case: "PackCase") -> list[str]:
    """Return what speaks against a case. Raises: PackError, where a file cannot be read."""
    from irgate_battery.diagnosis.truth_doubts import doubts
    from irgate_battery.suites.truth_evaluation import largest_distance

    prepared = case.read()
    tolerance = case.pair.tolerance_px or largest_distance(prepared)
    return [f"truth: {doubt}" for doubt in doubts(prepared, tolerance)]


def _list() -> int:
    from pytest_irgate.packs import PACKS, installed_packs

    for name, pack in PACKS.items():
        print(f"  {name:<12} {pack.about}")
    for name, point in installed_packs().items():
        print(f"  {name:<12} {point.value}")
    return 0

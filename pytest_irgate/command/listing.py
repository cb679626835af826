"""`irgate list`: every item of the gate and what it is for; every solver that has a name."""

import argparse
import ast
import importlib.util
import re
import sys
import textwrap
from collections.abc import Iterable, Sequence
from importlib.metadata import packages_distributions, requires, version
from pathlib import Path
from typing import Any

from irgate_battery.suites.registry import suites
from irgate_battery.suites.suite import Item
from pytest_irgate.adapters import ADAPTERS, Adapter
from pytest_irgate.command import colour
from pytest_irgate.command.usage import (
    UsageError,
    add_draw_options,
    add_option,
    packs_of,
    suite_names,
)

SIDE_BY_SIDE = 120
"""Characters from which on purposes stand in a column of their own, and not in a line below."""

ADAPTERS_PACKAGE = "pytest_irgate.adapters"
EVERYWHERE = ("numpy", "scipy")
"""What is there wherever this runs and need not be told."""


def add_to(subcommands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = subcommands.add_parser(
        "list",
        help="the gate's cases and checks, and what each is for; or the named solvers",
        description="List every item of the gate by suite: its id, the model and the intensity "
        "that a solver is told, and the faults that it is there to show.",
    )
    parser.add_argument(
        "--suite",
        type=suite_names,
        metavar="LIST",
        help="only these suites, comma-separated",
    )
    add_option(
        parser, "pack", help="list the cases of this pack too, a folder or a name; may stand often"
    )
    add_draw_options(parser)
    parser.add_argument(
        "--solvers", action="store_true", help="list the solvers that have a name instead"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List."""
    width, paint = colour.width(), colour.paint_for(sys.stdout)
    if arguments.solvers:
        for line in _solvers(width):
            print(line)
        return 0
    from irgate_battery.cases.run_spec import RunSpec

    run_spec = RunSpec(seed=arguments.seed, count=arguments.cases, packs=packs_of(arguments.pack))
    # To give a pack is to ask for it.
    listed = [
        (suite, suite.items(run_spec))
        for suite in suites()
        if not arguments.suite or suite.name in arguments.suite or suite.is_asked_for(run_spec)
    ]
    for suite, items in listed:
        if not items and suite.own_data and suite.name in (arguments.suite or ()):
            raise UsageError(f"--suite {suite.name}: none is named; add --{suite.name} DIR")
    for number, (suite, items) in enumerate((suite, items) for suite, items in listed if items):
        if number:
            print()
        print(paint(f"{suite.name} ({len(items)}): {suite.heading}", "head"))
        for line in _lines(items, width):
            print(line)
    return 0


def _lines(items: Sequence[Item[Any]], width: int) -> Iterable[str]:
    """Lay the items out: in columns where there is room, else the purpose below its item."""
    columns = [(item.case, item.model or "", item.intensity or "") for item in items]
    widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    for (name, model, intensity), item in zip(columns, items, strict=True):
        head = f"  {name:<{widths[0]}}  {model:<{widths[1]}}  {intensity:<{widths[2]}}".rstrip()
        if width >= SIDE_BY_SIDE:
            margin = 2 + sum(size + 2 for size in widths if size)
            yield from textwrap.wrap(
                item.purpose,
                width,
                initial_indent=f"{head:<{margin}}",
                subsequent_indent=" " * margin,
            )
        else:
            yield head
            yield from textwrap.wrap(
                item.purpose, width, initial_indent=" " * 6, subsequent_indent=" " * 6
            )


def _solvers(width: int) -> Iterable[str]:
    """Yield a paragraph for each adapter and each entry point."""
    from pytest_irgate.spec import ENTRY_POINTS, installed_solvers

    yield "adapters (a SPEC for `irgate check` and --irgate-solver):"
    names = max(map(len, ADAPTERS))
    for name, adapter in ADAPTERS.items():
        yield from _paragraph(name, f"{adapter.about}; {_installed(adapter)}", names, width)
    for name, adapter in ADAPTERS.items():
        if adapter.recipes:
            yield ""
            yield f"recipes of {name}:"
            specs = {f"{name}:{recipe}": about for recipe, about in adapter.recipes.items()}
            longest = max(map(len, specs))
            for spec, about in specs.items():
                yield from _paragraph(spec, about, longest, width)
    yield ""
    yield f"entry points of group {ENTRY_POINTS}:"
    points = installed_solvers()
    for name, point in points.items():
        by = f", {point.dist.name} {point.dist.version}" if point.dist else ""
        yield f"  {name}  {point.value}{by}"
    if not points:
        yield "  none"


def _paragraph(name: str, said: str, names: int, width: int) -> list[str]:
    """Lay out a name of at most `names` characters and what is said of it."""
    return textwrap.wrap(
        said,
        width,
        initial_indent=f"  {name:<{names}}  ",
        subsequent_indent=" " * (names + 4),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _installed(adapter: Adapter) -> str:
    """Say whether the libraries that an adapter imports are there, without importing them."""
    needed = _libraries(adapter.target.partition(":")[0])
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        return f'not installed (python -m pip install "pytest-irgate[{adapter.extra}]")'
    distributions = packages_distributions()
    asked_for = _distributions_of(adapter.extra)
    told = []
    for name in needed:
        # A module may be of several distributions (itk is of seven): the extra's own is meant.
        for one in sorted(distributions.get(name, ()), key=lambda d: d not in asked_for)[:1]:
            told.append(f"{one} {version(one)}")
    return f"installed ({', '.join(told)})" if told else "installed"


def _distributions_of(extra: str) -> frozenset[str]:
    """Return the names of the distributions that an extra of this one brings."""
    brought = f'extra == "{extra}"'
    return frozenset(
        re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        for requirement in requires("pytest-irgate") or ()
        if brought in requirement.replace("'", '"')
    )


def _libraries(module: str) -> dict[str, None]:
    """Return the libraries that a module of ours imports, read from its text, in order."""
    from pytest_irgate.spec import OWN_PACKAGES

    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        return {}
    libraries: dict[str, None] = {}
    for node in ast.walk(ast.parse(Path(found.origin).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported = [node.module]
        else:
            continue
        for name in imported:
            top = name.partition(".")[0]
            if name.startswith(f"{ADAPTERS_PACKAGE}."):
                # What adapters share may be what imports the library.
                libraries |= _libraries(name)
            elif top not in {*sys.stdlib_module_names, *OWN_PACKAGES, *EVERYWHERE}:
                libraries[top] = None
    return libraries

"""The options, in one table: for pytest's command line, ini, the command `irgate`, and the pages.

The plugin reads this file in every pytest run, so it needs the standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from irgate_battery.cases.battery_table import DEFAULT_COUNT, DEFAULT_SEED, MOST_CASES
from irgate_battery.suites.registry import REGISTRY
from pytest_irgate.option_values import LARGEST

DEFAULT_SOLVER = "bundled"
DEFAULT_TIMEOUT = 300
"""Seconds; a test holds that it is the protocol's own."""

ISOLATIONS: tuple[Literal["process", "none"], ...] = ("process", "none")

PROGRAM_FORMATS = ("npy", "png", "tif", "mha", "nii")
PROGRAM_CONVENTIONS = ("pixels", "itk", "ants", "elastix", "normalised")
"""A test holds that both are the program's own."""

GITHUB_MODES: tuple[Literal["auto", "off"], ...] = ("auto", "off")

ORACLE_MODES: tuple[Literal["auto", "stored", "live"], ...] = ("auto", "stored", "live")
"""A test holds that they are the oracle store's own."""


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: `--irgate-NAME` for pytest, `irgate_NAME` in ini, `--NAME` for the command.
        help: what it says of itself, the default included.
        metavar: what stands for its value; `None` for a flag.
        default: the value where it is not given; `None` where there is none, or a flag is off.
        kind: what its value is: text, a whole number, seconds, a flag, or a list of texts.
        least, most: the smallest and the largest whole number.
        example: a value that a message may show.
        in_ini: what it says of itself in ini, where that differs.
        in_command: what it says of itself in the command, where that differs; empty where the
            command does not have it.

    """

    name: str
    help: str
    metavar: str | None = None
    default: str | int | None = None
    kind: str = "text"
    least: int = 0
    most: int = LARGEST
    example: str = ""
    in_ini: str | None = None
    in_command: str | None = None

    @property
    def flag(self) -> str:
        """Its name on pytest's command line."""
        return f"--irgate-{self.name}" if self.name else "--irgate"

    @property
    def ini(self) -> str:
        """Its name in ini."""
        return f"irgate_{self.name.replace('-', '_')}" if self.name else "irgate"

    @property
    def command_help(self) -> str:
        """What the command says of it."""
        return self.help if self.in_command is None else self.in_command


def _names(*, in_command: bool) -> str:
    return ", ".join(entry.name for entry in REGISTRY if entry.in_command or not in_command)


_PAIR_FORM = "fixed.png,moving.png[,mask.png][,model][,same|varying][,truth]"

OPTIONS = (
    Option(
        "strict",
        "let the mean ratio and a systematic error fail the run too",
        kind="flag",
        in_ini="as --irgate-strict",
        in_command="let the mean ratio and a systematic error decide the exit status too",
    ),
    Option(
        "require-verdict",
        "fail a run whose verdict is not evaluated, because something it needs did not run",
        kind="flag",
        in_ini="as --irgate-require-verdict",
    ),
    Option(
        "pair",
        f"your own images, judged beside SimpleITK: {_PAIR_FORM}; may be given several times",
        "FILES",
        kind="list",
        example="fixed.png,moving.png",
        in_command=f"your own images, {_PAIR_FORM}: registered by SimpleITK too, and judged beside "
        "it; may stand several times",
    ),
    Option(
        "pack",
        "a folder of cases with a truth, listed in its pack.toml, or the name of an installed one; "
        "may be given several times",
        "DIR",
        kind="list",
        example="teeth/",
        in_command="a folder of cases with a truth, listed in its pack.toml, or the name of an "
        "installed one (`irgate pack list`); may stand several times",
    ),
    Option(
        "solver",
        "the solver to judge: bundled, an entry point of group irgate.solvers, "
        "module:attribute, path/to/file.py:attribute, cmd:PROGRAM {fixed} {moving} {out} or "
        f"serve:PROGRAM (default: {DEFAULT_SOLVER})",
        "SPEC",
        DEFAULT_SOLVER,
        in_command="bundled, another name (`irgate list --solvers`), module:attribute, "
        "path/to/file.py:attribute, cmd:PROGRAM {fixed} {moving} {out} or serve:PROGRAM",
    ),
    Option(
        "suite",
        f"suites to run, comma-separated: {_names(in_command=False)} (default: all but fuzz; "
        "pair and pack where one is named)",
        "LIST",
        in_command=f"suites to run, comma-separated: {_names(in_command=True)} (default: all; "
        "pair and pack where one is named)",
    ),
    Option(
        "seed",
        f"what the battery is drawn with (default: {DEFAULT_SEED})",
        "N",
        DEFAULT_SEED,
        "whole number",
    ),
    Option(
        "cases",
        f"how many battery cases; over {DEFAULT_COUNT} more are drawn (default: {DEFAULT_COUNT})",
        "N",
        DEFAULT_COUNT,
        "whole number",
        least=1,
        most=MOST_CASES,
    ),
    Option(
        "oracle",
        "auto: stored SimpleITK results, else computed and cached; stored: never compute; live: "
        "compute all anew (default: auto)",
        "MODE",
        ORACLE_MODES[0],
    ),
    Option(
        "isolation",
        "process: the solver lives in a process of its own; none: in the judge's, for debuggers "
        "(default: process; none under --pdb and --trace, and for a fixture's callable)",
        "WHERE",
        ISOLATIONS[0],
        in_command="process: the solver lives in a process of its own; none: in the judge's, for "
        "debuggers (default: process)",
    ),
    Option(
        "format",
        "of the images that a program (cmd:) is handed: npy, png, tif, mha, nii (default: npy)",
        "NAME",
        PROGRAM_FORMATS[0],
    ),
    Option(
        "convention",
        "how the numbers of a program's (cmd:) answers are meant: pixels, itk, ants, elastix, "
        "normalised (default: pixels)",
        "NAME",
        PROGRAM_CONVENTIONS[0],
    ),
    Option(
        "timeout",
        f"limit for each call of the solver, 0 for none (default: {DEFAULT_TIMEOUT})",
        "SECONDS",
        DEFAULT_TIMEOUT,
        "seconds",
    ),
    Option(
        "fuzz",
        "turn the fuzz suite on, with this many examples for each property",
        "N",
        50,
        "whole number",
        in_command="",
    ),
    Option(
        "xfail",
        "items that are expected to fail: lines of `id  # reason`, strict",
        "FILE",
        in_command="",
    ),
    Option(
        "write-xfail",
        "write today's failures there, with their messages, as a file for --irgate-xfail",
        "FILE",
        in_command="",
    ),
    Option("json", "write the report as JSON, schema 1", "FILE"),
    Option(
        "github",
        "auto: in a GitHub workflow, write verdict, diagnosis and failures to its summary, and "
        "annotate failures; off: nothing (default: auto)",
        "MODE",
        GITHUB_MODES[0],
    ),
    Option(
        "html",
        "write the report as one HTML page, with pictures of all cases, that opens from disk",
        "FILE",
    ),
)

GATE = Option(
    "",
    "judge an image registration solver against SimpleITK; runs the gate's own items and, if no "
    "path is given, nothing else (name `irgate` beside your paths to run both; in ini it is both)",
    kind="flag",
    in_ini="run the registration gate, beside what pytest collects without it",
    in_command="",
)
"""The option that turns the gate on."""


def option(name: str) -> Option:
    """Return the option of this name. Raises: StopIteration where there is none."""
    return next(each for each in OPTIONS if each.name == name)


PAGE = """\
# Options

Every option, for those who run the gate. The command line wins over ini, and ini means the section
`[pytest]` or `[tool.pytest.ini_options]`. A path outside of your project is written with `=`
(`--irgate-json=../out.json`): otherwise pytest looks for its ini file there, and where that would
lose a setting of the gate the run is refused. Made by `python -m pytest_irgate.options`.

| pytest | ini | `irgate check` | |
|---|---|---|---|
{rows}
"""


def page() -> str:
    """Return the page of the options, as Markdown."""
    rows = [
        f"| `{each.flag}{' ' + each.metavar if each.metavar else ''}` | `{each.ini}` | "
        f"{_in_command(each)} | {each.help} |"
        for each in (GATE, *OPTIONS)
    ]
    return PAGE.format(rows="\n".join(row.replace("same|", "same\\|") for row in rows))


def _in_command(known: Option) -> str:
    if not known.command_help:
        return "-"
    return f"`{known.metavar}`" if known.name == "solver" else f"`--{known.name}`"


if __name__ == "__main__":
    print(page(), end="")

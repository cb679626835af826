"""What was asked for: pytest's options, read from the command line and from ini, and checked."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from irgate_battery.cases.own_pairs import OwnPair, PairError, own_pairs
from irgate_battery.cases.packs import Pack, read_packs
from irgate_battery.cases.run_spec import RunSpec
from irgate_battery.interface.declaration import SERVED
from irgate_battery.interface.outside_text import one_line
from irgate_battery.oracle.store import Mode
from irgate_battery.suites.registry import REGISTRY, SuiteEntry
from pytest_irgate import github_summary
from pytest_irgate.option_values import ECHOED, BadValueError, seconds, whole_number
from pytest_irgate.options import (
    DEFAULT_SOLVER,
    GITHUB_MODES,
    ISOLATIONS,
    ORACLE_MODES,
    PROGRAM_CONVENTIONS,
    PROGRAM_FORMATS,
    Option,
    option,
)
from pytest_irgate.output_file import OutputFileError, refuse_output
from pytest_irgate.packs import folder_of


@dataclass(frozen=True)
class RunOptions:
    """What was asked for.

    Attributes:
        solver: the SPEC as it was given.
        solver_base: the folder that a relative path in it starts from.
        suites: their names, in the order in which they run.
        oracle: auto, stored or live.
        isolation: whether the solver lives in a process of its own.
        format, convention: of a program's images and answers.
        timeout: seconds for one call, or `None` for no limit.
        run_spec: what decides the items: seed, number of cases, own pairs, packs, examples.
        strict: whether the verdicts that are strict only fail the run too.
        require_verdict: whether a run fails whose verdict is not evaluated.
        xfail: the file of expected failures, or `None`.
        write_xfail: where today's failures go, or `None`.
        json: where the report goes, or `None`.
        github: the file of a GitHub workflow's summary, or `None`.
        html: where it goes as a page, or `None`.

    """

    solver: str
    solver_base: Path
    suites: tuple[str, ...]
    oracle: Mode
    isolation: Literal["process", "none"]
    format: str
    convention: str
    timeout: float | None
    run_spec: RunSpec
    strict: bool
    require_verdict: bool
    xfail: Path | None
    write_xfail: Path | None
    json: Path | None
    github: Path | None
    html: Path | None


RUN_OPTIONS = pytest.StashKey[RunOptions]()


def run_options_of(config: pytest.Config) -> RunOptions:
    """Return what this run was asked for. Raises: pytest.UsageError, in one line."""
    if RUN_OPTIONS not in config.stash:
        config.stash[RUN_OPTIONS] = _read(config)
    return config.stash[RUN_OPTIONS]


def _read(config: pytest.Config) -> RunOptions:
    solver, solver_base = _given(config, "solver")
    json, json_base = _given(config, "json")
    html, html_base = _given(config, "html")
    xfail, xfail_base = _given(config, "xfail")
    written, written_base = _given(config, "write-xfail")
    pairs = _pairs(config)
    names = _suites(config)
    run_spec = RunSpec(
        seed=_number(config, "seed"),
        count=_number(config, "cases"),
        pairs=pairs if _is_chosen("pair", names) else (),
        examples=_examples(config, names),
        packs=_packs(config) if _is_chosen("pack", names) else (),
    )
    oracle = _oracle(_given(config, "oracle")[0])
    if oracle == "stored" and any(pair.truth is None for pair in run_spec.pairs):
        raise pytest.UsageError(
            "--irgate-oracle stored: nothing is stored for the pairs of --irgate-pair; expected "
            "auto or live"
        )
    return RunOptions(
        solver=solver or DEFAULT_SOLVER,
        solver_base=solver_base,
        suites=names,
        oracle=oracle,
        isolation=_isolation(config),
        format=_one_of(config, "format", PROGRAM_FORMATS),
        convention=_one_of(config, "convention", PROGRAM_CONVENTIONS),
        timeout=_timeout(_given(config, "timeout")[0]),
        run_spec=run_spec,
        strict=_is_on(config, "strict"),
        require_verdict=_is_on(config, "require-verdict"),
        xfail=xfail_base / xfail if xfail else None,
        write_xfail=_written(config, "write-xfail", written_base / written) if written else None,
        json=_written(config, "json", json_base / json) if json else None,
        github=github_summary.asked_for(_one_of(config, "github", GITHUB_MODES)),
        html=_written(config, "html", html_base / html) if html else None,
    )


def _is_chosen(given_by: str, names: Iterable[str]) -> bool:
    return any(entry.given_by == given_by for entry in REGISTRY if entry.name in names)


def _examples(config: pytest.Config, names: tuple[str, ...]) -> int:
    fuzz = option("fuzz")
    if not _is_chosen(fuzz.name, names):
        return 0
    examples = _whole_number(fuzz, _given(config, fuzz.name)[0])
    if not examples:
        raise pytest.UsageError(f"{fuzz.flag} 0: the fuzz suite is named; expected 1 or more")
    return examples


def _pairs(config: pytest.Config) -> tuple[OwnPair, ...]:
    """Return the user's own pairs: those of the command line, or if there are none, of ini."""
    texts, folder = config.getoption(option("pair").ini), config.invocation_params.dir
    if not texts:
        texts = config.getini(option("pair").ini)
        folder = config.inipath.parent if config.inipath else config.rootpath
    try:
        return own_pairs(texts, folder)
    except PairError as error:
        raise pytest.UsageError(f"--irgate-pair {error}") from None


def _packs(config: pytest.Config) -> tuple[Pack, ...]:
    """Return the packs: those of the command line, or if there are none, of ini."""
    if hasattr(config, "workerinput"):
        # The controller tells a worker their folders.
        return ()
    texts, folder = config.getoption(option("pack").ini), config.invocation_params.dir
    if not texts:
        texts = config.getini(option("pack").ini)
        folder = config.inipath.parent if config.inipath else config.rootpath
    try:
        return read_packs([folder_of(text, folder) for text in texts])
    except PairError as error:
        raise pytest.UsageError(f"--irgate-pack {error}") from None


def refuse_unreadable(spec: RunSpec) -> None:
    """Read the user's images once: what cannot be read is one line now, not an error later.

    Raises: pytest.UsageError.
    """
    cases = [case for pack in spec.packs for case in pack.cases]
    for flag, given in (("--irgate-pair", spec.pairs), ("--irgate-pack", cases)):
        for each in given:
            try:
                each.read()
            except PairError as error:
                raise pytest.UsageError(f"{flag} {error}") from None


def _given(config: pytest.Config, name: str) -> tuple[str, Path]:
    """Return an option's text, and the folder from which a relative path in it counts.

    Raises: pytest.UsageError where it was given and is empty, as a variable that is not set leaves
        it: what was meant is not the default. In ini an empty text takes a setting back, but a
        solver is named or not.
    """
    known = option(name)
    value = config.getoption(known.ini)
    if value is not None:
        if not str(value).strip():
            raise pytest.UsageError(
                f"{known.flag} {value!r}: it is empty; expected {known.metavar}, or leave the "
                "option out"
            )
        return str(value).strip(), config.invocation_params.dir
    base = config.inipath.parent if config.inipath else config.rootpath
    value = config.getini(known.ini)
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value or "")
    if name == "solver" and value is not None and not text.strip():
        raise pytest.UsageError(
            f"ini {known.ini}: it is empty; expected {known.metavar}, or leave the line out"
        )
    return text.strip(), base


def _is_on(config: pytest.Config, name: str) -> bool:
    ini = option(name).ini
    return bool(config.getoption(ini) or config.getini(ini))


def _suites(config: pytest.Config) -> tuple[str, ...]:
    """Return the names of the suites, in their order.

    To give something that a suite needs (a pair, a number of examples) is to ask for it, whatever
    suites are named beside it; but pairs of ini stand back where the command line names suites.
    """
    text = _given(config, "suite")[0]
    named = [name.strip() for name in text.split(",") if name.strip()]
    known = [entry.name for entry in REGISTRY]
    unknown = [name for name in named if name not in known]
    if unknown:
        raise pytest.UsageError(
            f"--irgate-suite {text}: no suite {unknown[0]!r} in this version; it has "
            f"{', '.join(known)}"
        )
    chosen = []
    for entry in REGISTRY:
        if entry.given_by is None:
            if entry.name in named or not named:
                chosen.append(entry.name)
        elif _is_given(config, entry, is_named=entry.name in named):
            chosen.append(entry.name)
        elif entry.name in named:
            needed = option(entry.given_by)
            raise pytest.UsageError(
                f"--irgate-suite {text}: no {entry.name} is named; add {needed.flag} "
                f"{needed.example}"
            )
    return tuple(chosen)


def _is_given(config: pytest.Config, entry: SuiteEntry, *, is_named: bool) -> bool:
    """Whether a suite has what it needs, and is asked for by that or by name."""
    needed = option(entry.given_by or "")
    on_command_line = config.getoption(needed.ini)
    if needed.kind != "list":
        # A number: naming the suite is enough, and 0 turns off what is not named.
        text = _given(config, needed.name)[0]
        return is_named or (bool(text) and _whole_number(needed, text) > 0)
    if not (on_command_line or config.getini(needed.ini)):
        return False
    return is_named or bool(on_command_line) or not config.getoption(option("suite").ini)


def _oracle(text: str) -> Mode:
    for mode in ORACLE_MODES:
        if text == mode or (not text and mode == option("oracle").default):
            return mode
    raise pytest.UsageError(f"--irgate-oracle {text}: expected one of {', '.join(ORACLE_MODES)}")


def _isolation(config: pytest.Config) -> Literal["process", "none"]:
    """Return where the solver lives: a debugger needs the terminal, which only this process has."""
    text = _given(config, "isolation")[0]
    debugs = config.getoption("usepdb", False) or config.getoption("trace", False)
    # A served program has no other place.
    debugs = debugs and not _given(config, "solver")[0].startswith(SERVED)
    for known in ISOLATIONS:
        if text == known or (not text and known == ("none" if debugs else ISOLATIONS[0])):
            return known
    raise pytest.UsageError(f"--irgate-isolation {text}: expected one of {', '.join(ISOLATIONS)}")


def _one_of(config: pytest.Config, name: str, known: tuple[str, ...]) -> str:
    text = _given(config, name)[0] or known[0]
    if text not in known:
        raise pytest.UsageError(f"{option(name).flag} {text}: expected one of {', '.join(known)}")
    return text


def _timeout(text: str) -> float | None:
    known = option("timeout")
    try:
        return seconds(text or str(known.default))
    except BadValueError as error:
        raise pytest.UsageError(f"{known.flag} {text}: {error}") from None


def _number(config: pytest.Config, name: str) -> int:
    return _whole_number(option(name), _given(config, name)[0])


def _whole_number(known: Option, text: str) -> int:
    try:
        return whole_number(text or str(known.default), known.least, known.most)
    except BadValueError as error:
        raise pytest.UsageError(f"{known.flag} {one_line(text, ECHOED)}: {error}") from None


def _written(config: pytest.Config, name: str, path: Path) -> Path | None:
    """Return the path of a file that the run writes; `None` in a worker."""
    if hasattr(config, "workerinput"):
        # The controller writes it; a worker's folder may be another.
        return None
    try:
        refuse_output(path)
    except OutputFileError as error:
        raise pytest.UsageError(f"{option(name).flag} {error}") from None
    return path

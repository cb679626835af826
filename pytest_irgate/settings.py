"""The gate's options, read from the command line and from ini, and checked in one place."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from irgate_battery import DEFAULT_TIMEOUT, PAIR, SUITES, OwnPair, PairError, Plan, own_pairs
from irgate_battery.store import Mode

DEFAULT_SOLVER = "bundled"

FUZZ = "fuzz"
"""The suite that runs only when it is asked for."""

DEFAULT_EXAMPLES = 50
"""For each property, where the fuzz suite is named and no number is given."""


@dataclass(frozen=True)
class Settings:
    """What was asked for.

    Attributes:
        solver: the SPEC as it was given.
        solver_base: the folder that a relative path in it starts from.
        suites: in the order in which they run.
        oracle: auto, stored or live.
        timeout: seconds for one call, or `None` for no limit.
        plan: the battery's seed and number of cases.
        fuzz: examples for each property, 0 where the fuzz suite is off.
        strict: whether the mean ratio fails the run too.
        xfail: the file of expected failures, or `None`.
        json: where the report goes, or `None`.

    """

    solver: str
    solver_base: Path
    suites: tuple[str, ...]
    oracle: Mode
    timeout: float | None
    plan: Plan
    fuzz: int
    strict: bool
    xfail: Path | None
    json: Path | None


SETTINGS = pytest.StashKey[Settings]()


def settings_of(config: pytest.Config) -> Settings:
    """Return this run's settings. Raises: pytest.UsageError, in one line."""
    if SETTINGS not in config.stash:
        config.stash[SETTINGS] = _read(config)
    return config.stash[SETTINGS]


def _read(config: pytest.Config) -> Settings:
    solver, solver_base = _given(config, "solver")
    json, json_base = _given(config, "json")
    xfail, xfail_base = _given(config, "xfail")
    pairs = _pairs(config)
    suites = _suites(config, bool(pairs))
    fuzz = _whole_number("fuzz", _given(config, "fuzz")[0], DEFAULT_EXAMPLES * (FUZZ in suites))
    if FUZZ in suites and not fuzz:
        raise pytest.UsageError("--irgate-fuzz 0: the fuzz suite is named; expected 1 or more")
    if fuzz and FUZZ not in suites:
        suites = (*suites, FUZZ)
    oracle = _oracle(_given(config, "oracle")[0])
    if PAIR in suites and oracle == "stored":
        raise pytest.UsageError(
            "--irgate-oracle stored: nothing is stored for the pairs of --irgate-pair; expected "
            "auto or live"
        )
    return Settings(
        solver=solver or DEFAULT_SOLVER,
        solver_base=solver_base,
        suites=suites,
        oracle=oracle,
        timeout=_timeout(_given(config, "timeout")[0]),
        plan=Plan(
            seed=_whole_number("seed", _given(config, "seed")[0], Plan().seed),
            count=_whole_number("cases", _given(config, "cases")[0], Plan().count, least=1),
            pairs=pairs if PAIR in suites else (),
        ),
        fuzz=fuzz,
        strict=bool(config.getoption("irgate_strict") or config.getini("irgate_strict")),
        xfail=xfail_base / xfail if xfail else None,
        json=_json(config, json_base / json) if json else None,
    )


def _pairs(config: pytest.Config) -> tuple[OwnPair, ...]:
    """Return the user's own pairs: those of the command line, or if there are none, of ini."""
    texts, folder = config.getoption("irgate_pair"), config.invocation_params.dir
    if not texts:
        texts = config.getini("irgate_pair")
        folder = config.inipath.parent if config.inipath else config.rootpath
    try:
        return own_pairs(texts, folder)
    except PairError as error:
        raise pytest.UsageError(f"--irgate-pair {error}") from None


def refuse_unreadable(pairs: Iterable[OwnPair]) -> None:
    """Read the user's pairs once: what cannot be read is one line now rather than an error later.

    Raises: pytest.UsageError.
    """
    for pair in pairs:
        try:
            pair.images()
        except PairError as error:
            raise pytest.UsageError(f"--irgate-pair {error}") from None


def _given(config: pytest.Config, name: str) -> tuple[str, Path]:
    """Return an option's text, and the folder from which a relative path in it counts."""
    value = config.getoption(f"irgate_{name}")
    if value is not None:
        return str(value).strip(), config.invocation_params.dir
    base = config.inipath.parent if config.inipath else config.rootpath
    value = config.getini(f"irgate_{name}")
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.strip(), base


def _suites(config: pytest.Config, has_pairs: bool) -> tuple[str, ...]:
    """Return the suites in their order.

    To name a pair is to ask for it, whatever suites are named beside it; but pairs of ini stand
    back where the command line names suites.
    """
    text = _given(config, "suite")[0]
    named = [name.strip() for name in text.split(",") if name.strip()]
    known = (*SUITES, PAIR, FUZZ)
    unknown = [name for name in named if name not in known]
    if unknown:
        raise pytest.UsageError(
            f"--irgate-suite {text}: no suite {unknown[0]!r} in this version; it has "
            f"{', '.join(known)}"
        )
    if PAIR in named and not has_pairs:
        raise pytest.UsageError(
            f"--irgate-suite {text}: no pair is named; add --irgate-pair fixed.png,moving.png"
        )
    asked = set(named or SUITES)
    if has_pairs and (config.getoption("irgate_pair") or not config.getoption("irgate_suite")):
        asked.add(PAIR)
    return tuple(suite for suite in known if suite in asked)


def _oracle(text: str) -> Mode:
    for mode in get_args(Mode):
        if text == mode or (not text and mode == "auto"):
            known: Mode = mode
            return known
    raise pytest.UsageError(f"--irgate-oracle {text}: expected one of {', '.join(get_args(Mode))}")


def _timeout(text: str) -> float | None:
    if not text:
        return DEFAULT_TIMEOUT
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= threading.TIMEOUT_MAX:
        raise pytest.UsageError(
            f"--irgate-timeout {text}: expected seconds, a number from 0 (no limit) to "
            f"{threading.TIMEOUT_MAX:.0f}"
        )
    return seconds or None


def _whole_number(name: str, text: str, default: int, least: int = 0) -> int:
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise pytest.UsageError(
            f"--irgate-{name} {text}: expected a whole number of {least} or more"
        )
    return int(text)


def _json(config: pytest.Config, path: Path) -> Path | None:
    if hasattr(config, "workerinput"):
        # The controller writes it; a worker's folder may be another.
        return None
    if path.is_dir():
        raise pytest.UsageError(f"--irgate-json {path}: that is a folder; name a file")
    if not path.parent.is_dir():
        raise pytest.UsageError(f"--irgate-json {path}: there is no folder {path.parent}")
    return path

"""The detection rate: how many faults each layer catches, and how many are named; in lines."""

import datetime
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from irgate_battery.cases.catalogue import BATTERY_VERSION
from pytest_irgate import __version__

from .collection import EVERY
from .controls import CONTROLS
from .fault import LAYERS
from .outcome import OTHER_SUITES, Outcome

NOISE_PX = 1e-2
"""The least that is called noise: what the contract lets a solver move an image against itself,
`irgate_battery.judge.limits.IDENTITY_PX`. On each case it is the distance between two good solvers
that both pass there, where that is more: what a fault does below that, no gate can hold against it
that lets both of them through."""

STEPS = (
    ("maximum gate", "the maximum over five fixtures, alone"),
    ("each fixture", "+ each fixture by itself"),
    ("ratio", "+ battery: ratio and overlap"),
    ("truth", "+ battery: distance to the truth"),
    ("conditions", "+ conditions"),
    ("recovery", "+ recovery"),
    ("gradient", "+ gradient"),
    ("contract", "+ contract"),
    ("consistency", "+ consistency"),
)
"""The layers in the order in which they are put on top of each other."""

NAMES = ("max", "each", "ratio", "truth", "cond", "recov", "grad", "contr", "consi")
SHORT = dict(zip(LAYERS, NAMES, strict=True))


@dataclass(frozen=True)
class Measured:
    """One run of the command.

    Attributes:
        faults, controls: what became of each faulty and of each good solver.
        suites: those that ran.
        seconds: the whole run, wall time.
        date: the day, ISO.
        versions: of what it ran with, by name.
    """

    faults: tuple[Outcome, ...]
    controls: tuple[Outcome, ...]
    suites: tuple[str, ...]
    seconds: float
    date: str = field(
        default_factory=lambda: datetime.datetime.now(datetime.UTC).date().isoformat()
    )
    versions: dict[str, str] = field(default_factory=lambda: versions())

    def to_dict(self) -> dict[str, Any]:
        return {
            "versions": self.versions,
            "date": self.date,
            "suites": list(self.suites),
            "seconds": self.seconds,
            "faults": [
                {
                    **outcome.to_dict(),
                    "expected": sorted(EVERY[outcome.name].layers),
                    "effective": effective(outcome),
                    "rightly_named": rightly_named(outcome),
                }
                for outcome in self.faults
            ],
            "controls": [
                {**outcome.to_dict(), "false_alarms": false_alarms(outcome)}
                for outcome in self.controls
            ],
        }

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> "Measured":
        """Read back what `to_dict` wrote; what follows from it is worked out anew."""
        return cls(
            faults=tuple(map(Outcome.from_dict, kept["faults"])),
            controls=tuple(map(Outcome.from_dict, kept["controls"])),
            suites=tuple(kept["suites"]),
            seconds=kept["seconds"],
            date=kept["date"],
            versions=kept["versions"],
        )


def versions() -> dict[str, str]:
    """Return what this runs with."""
    return {
        "pytest-irgate": __version__,
        "battery": BATTERY_VERSION,
        "Python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "scipy", "SimpleITK", "torch")},
    }


def effective(outcome: Outcome) -> bool:
    """Whether a fault changes anything: an answer beyond the noise of its case, what it was made to
    spoil besides answers, or an item from passing to failing."""
    if EVERY[outcome.name].spoils != "answers" or outcome.caught:
        return True
    return isinstance(outcome.beyond_noise, str) or (outcome.beyond_noise or 0.0) > 1.0


def tolerated(outcome: Outcome) -> bool:
    """Whether no answer moves by more than its case's tolerance, which is the room that good
    solvers of other objectives get."""
    if EVERY[outcome.name].spoils != "answers":
        return False
    return isinstance(outcome.beyond_tolerance, float) and outcome.beyond_tolerance <= 1.0


def rightly_named(outcome: Outcome) -> bool:
    return outcome.diagnosis in EVERY[outcome.name].names


def counted(measured: Measured) -> list[Outcome]:
    """Return the outcomes of the faults that change anything."""
    return [outcome for outcome in measured.faults if effective(outcome)]


def cumulative(outcomes: list[Outcome]) -> list[tuple[str, int, int]]:
    """Return for each step its words, how many faults it is the first to catch, and how many are
    caught up to here."""
    table, so_far = [], set()
    for layer, words in STEPS:
        before = len(so_far)
        so_far |= {outcome.name for outcome in outcomes if layer in outcome.layers}
        table.append((words, len(so_far) - before, len(so_far)))
    return table


def false_alarms(outcome: Outcome) -> list[str]:
    """Return the failed items of a good solver that it could be expected to pass."""
    control = next(control for control in CONTROLS if control.name == outcome.name)
    parts = [part for part, _ in control.beyond]
    return [item for item in outcome.messages if not any(part in item for part in parts)]


def broken_promises(measured: Measured) -> list[str]:
    """Return what should not be so: a fault that gets by, a good solver that does not."""
    missed = [
        outcome.name
        for outcome in counted(measured)
        if not outcome.caught and not tolerated(outcome)
    ]
    alarmed = [outcome.name for outcome in measured.controls if false_alarms(outcome)]
    return [
        *(f"{name} moves answers beyond their tolerance and is not caught" for name in missed),
        *(f"{name} is a good solver and fails items that it should pass" for name in alarmed),
    ]


def silent(outcome: Outcome) -> set[str]:
    """Return the layers that were expected to catch a fault, were asked and did not."""
    asked = set(OTHER_SUITES) & set(outcome.suites)
    if "base" in outcome.suites:
        asked |= {"maximum gate", "each fixture"}
    if "battery" in outcome.suites:
        asked |= {"ratio", "truth"}
    return (EVERY[outcome.name].layers & asked) - set(outcome.layers)


def change(outcome: Outcome) -> str:
    if outcome.change_px is None:
        return "-"
    if isinstance(outcome.change_px, str):
        return "none came"
    return f"{outcome.change_px:.3g}"


def times(outcome: Outcome) -> str:
    """Return the change in units of the noise."""
    if isinstance(outcome.beyond_noise, float):
        return f"{outcome.beyond_noise:.2g}"
    return outcome.beyond_noise or "-"


def marks(outcome: Outcome) -> str:
    return " ".join(
        (SHORT[layer] if layer in outcome.layers else ".").center(len(SHORT[layer]))
        for layer in LAYERS
    )


def verdict(outcome: Outcome) -> str:
    if not effective(outcome):
        return "harmless"
    if not outcome.caught:
        return "missed, within the tolerance" if tolerated(outcome) else "MISSED"
    if rightly_named(outcome):
        return f"{outcome.diagnosis}: right"
    return f"{outcome.diagnosis or 'not named'}: wrong"


def line(outcome: Outcome) -> str:
    """Return one outcome in one line."""
    ended = "" if outcome.ended == "whole" else f" ({outcome.ended})"
    end = verdict(outcome) if outcome.name in EVERY else f"{outcome.failed} failed"
    moved = f"{change(outcome):>9} {times(outcome):>8}"
    return f"{outcome.name:38} {moved}  {marks(outcome)}  {end}{ended}"


def text(measured: Measured) -> str:
    """Return the whole report for a terminal."""
    outcomes = counted(measured)
    lines = [f"{'fault':38} {'px':>9} {'x noise':>8}  {'caught by':36}  diagnosis"]
    kind = None
    for outcome in measured.faults:
        if EVERY[outcome.name].kind != kind:
            kind = EVERY[outcome.name].kind
            lines.append(f"-- {kind}")
        lines.append(line(outcome))
    lines += ["", f"{'layer':40} {'first caught':>12} {'so far':>18}"]
    for words, first, so_far in cumulative(outcomes):
        lines.append(f"{words:40} {first:>12} {percent(so_far, outcomes):>18}")
    lines += ["", *summary(measured)]
    return "\n".join(lines)


def of(count: int, among: list[Outcome]) -> str:
    return f"{count} of {len(among)}"


def percent(count: int, among: list[Outcome]) -> str:
    return f"{of(count, among)} ({count / len(among):.0%})" if among else "none ran"


def summary(measured: Measured) -> list[str]:
    """Return the sentences under the tables."""
    outcomes = counted(measured)
    caught = [outcome for outcome in outcomes if outcome.caught]
    named = [outcome for outcome in caught if rightly_named(outcome)]
    idle = [outcome.name for outcome in measured.faults if not effective(outcome)]
    plain = [outcome for outcome in outcomes if not tolerated(outcome)]
    said = [
        f"Caught: {percent(len(caught), outcomes)} of those that change anything beyond the noise.",
        f"Caught: {percent(sum(o.caught for o in plain), plain)} of those beyond the tolerance.",
        f"Named rightly: {percent(len(named), caught)} of those caught.",
    ]
    if idle:
        said.append(f"Harmless, not counted: {', '.join(idle)}.")
    elsewhere = [outcome.name for outcome in outcomes if silent(outcome)]
    if elsewhere:
        said.append(f"Not caught by a layer that was expected to: {', '.join(elsewhere)}.")
    if len(measured.suites) < 7:
        said.append(f"Suites that ran: {', '.join(measured.suites)}; the others caught nothing.")
    for outcome in measured.controls:
        alarms = false_alarms(outcome)
        known = outcome.failed - len(alarms)
        more = f", {known} failed that it cannot be asked" if known else ""
        skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
        said.append(
            f"Good solver {outcome.name}: {len(alarms)} false alarms in {outcome.ran} items"
            f"{more}{skipped}{': ' + ', '.join(alarms) if alarms else ''}."
        )
    said += [f"NOT AS IT SHOULD BE: {words}." for words in broken_promises(measured)]
    said.append(f"{measured.seconds:.0f} s.")
    return said

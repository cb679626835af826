"""docs/detection.md: what was measured, as a page."""

from collections.abc import Iterable
from typing import Any

from irgate_battery.cases.catalogue import all_cases

from .collection import COLLECTION, EVERY
from .controls import CONTROLS
from .detection import (
    NOISE_PX,
    Measured,
    change,
    counted,
    cumulative,
    effective,
    false_alarms,
    percent,
    rightly_named,
    times,
    tolerated,
    verdict,
)
from .fault import Fault
from .outcome import Outcome

FIRST = (
    "Unseen, on 2026-11-26 (commit d471d86), before anything was mended for them, 37 of 40 (92%) "
    "of those that changed an answer were caught and 17 of 37 (46%) of the caught ones named "
    "rightly; two more showed only where images are no floats, which no item asked then. Since "
    "then the gate and the diagnosis were mended with these reports at hand, so the figures above "
    "are those of seen faults: what an unseen one meets lies between."
)
"""The first figure stays on the page of the reports."""


WHOM = (
    "For those who want to know which faults the gate catches and names, fault by fault, and how "
    "often it calls a good solver broken."
)
"""How the page of our own faults begins."""


def markdown(measured: Measured) -> str:
    """Return docs/detection.md."""
    outcomes = counted(measured)
    caught = [outcome for outcome in outcomes if outcome.caught]
    named = [outcome for outcome in caught if rightly_named(outcome)]
    count = f"{len(COLLECTION)} solvers, each good but for one fault"
    if len(measured.faults) < len(COLLECTION):
        count += f", of which {len(measured.faults)} were run here"
    with_what = ", ".join(f"{name} {number}" for name, number in measured.versions.items())
    measured_on = (
        f"Measured on {measured.date} with {with_what}, in {measured.seconds / 60:.0f} minutes. "
        "This page is written by the command:"
    )
    noise = (
        "the distance between two of the good solvers below that both pass the case, at least "
        f"{NOISE_PX:g} px, mean over the image"
    )
    counting = (
        f"`tests/faults/` holds {count}. {len(outcomes)} of them change something: an answer on "
        f"one of {len(all_cases())} cases beyond the noise ({noise}), what becomes of a start "
        "value, a derivative, the caller's state, or an item from passing to failing. The others "
        "are harmless and not counted. Only what fails a run counts as caught. Recovery is asked "
        "only of faults that "
        "no case catches (`--patient` asks it of all)."
    )
    plain = [outcome for outcome in outcomes if not tolerated(outcome)]
    naming = (
        f"Of the faults that move an answer by more than its case's tolerance, "
        f"{percent(sum(o.caught for o in plain), plain)} are caught. The tolerance is the room "
        "that good solvers with other objectives need: the others move answers by less. "
        f"The diagnosis names {percent(len(named), caught)} of the caught ones rightly: what the "
        "report says is wrong is one of the names that the fault was given beforehand. Wrong "
        "objectives had no names of their own then; seven faults got theirs, and two that nothing "
        "caught before the name of the consistency check that shows them, when these came."
    )
    layers = [
        (words, first, percent(so_far, outcomes)) for words, first, so_far in cumulative(outcomes)
    ]
    good = [
        (
            outcome.name,
            outcome.ran,
            len(false_alarms(outcome)),
            outcome.failed - len(false_alarms(outcome)),
            outcome.skipped,
        )
        for outcome in measured.controls
    ]
    parts = [
        "# What the gate catches",
        WHOM,
        measured_on,
        "    python tests/faults/rate.py --markdown docs/detection.md",
        counting,
        "## By layer",
        table(("layer", "first caught here", "caught so far"), layers),
        naming,
        "## Good solvers",
        table(("solver", "items", "false alarms", "fails beyond its claims", "skipped"), good),
        *known_limits(measured.controls),
        "## Each fault",
    ]
    for kind in dict.fromkeys(EVERY[outcome.name].kind for outcome in measured.faults):
        mine = [outcome for outcome in measured.faults if EVERY[outcome.name].kind == kind]
        parts += [
            f"### {kind.replace('_', ' ').capitalize()}",
            table(
                ("fault", "what is wrong", "change, px", "x noise", "caught by", "diagnosis"),
                [cells(EVERY[outcome.name], outcome) for outcome in mine],
            ),
        ]
    parts += ["## Not caught, or not named", not_caught(measured), "## Where they were seen"]
    parts.append(
        "\n".join(
            f"- {outcome.name.replace('_', ' ')}: {EVERY[outcome.name].origin}."
            for outcome in measured.faults
        )
    )
    return "\n\n".join(parts) + "\n"


def reported(measured: Measured) -> str:
    """Return docs/reports.md: the same over reproductions of public reports."""
    outcomes = counted(measured)
    caught = [outcome for outcome in outcomes if outcome.caught]
    named = [outcome for outcome in caught if rightly_named(outcome)]
    idle = [outcome for outcome in measured.faults if not effective(outcome)]
    with_what = ", ".join(f"{name} {number}" for name, number in measured.versions.items())
    parts = [
        "# What the gate catches of what really went wrong",
        (
            "For those who want to know how far a pass can be trusted. Faults that we invent are "
            "easier to catch than those that happen, so this page counts public bug reports of "
            "registration code. Each is reproduced from its thread as a small solver in "
            "`tests/reports/`, with the names that would be right, before anything was mended for "
            "it."
        ),
        f"Measured on {measured.date} with {with_what}. This page is written by the command:",
        "    python tests/faults/rate.py --reports --markdown docs/reports.md",
        (
            f"Of {len(measured.faults)} reports {len(outcomes)} change an answer on one of the "
            "gate's cases, or what becomes of a start value. "
            f"{percent(len(caught), outcomes)} of those are caught, and "
            f"{percent(len(named), caught)} of the caught ones are named rightly. A name that is "
            "given wrongly counts as a miss."
            + (f" The other {len(idle)} change nothing here and are not counted." if idle else "")
        ),
        FIRST,
        "## By layer",
        table(
            ("layer", "first caught here", "caught so far"),
            [
                (words, first, percent(so_far, outcomes))
                for words, first, so_far in cumulative(outcomes)
            ],
        ),
        *not_named([outcome for outcome in caught if not rightly_named(outcome)]),
        "## Each report",
        table(
            ("thread", "what is wrong", "change, px", "caught by", "what the report says"),
            [
                (
                    EVERY[outcome.name].origin,
                    EVERY[outcome.name].about.replace("|", "\\|"),
                    change(outcome),
                    ", ".join(outcome.layers) or "nothing",
                    verdict(outcome),
                )
                for outcome in measured.faults
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def not_named(wrong: list[Outcome]) -> list[str]:
    """Return why some reports are not named rightly."""
    from reports.collection import WHY_NOT_NAMED

    if not wrong:
        return []
    lines = (
        f"- {EVERY[outcome.name].origin}: {WHY_NOT_NAMED.get(outcome.name, 'not examined')}."
        for outcome in wrong
    )
    return ["## Caught and not named rightly", "\n".join(lines)]


def cells(fault: Fault, outcome: Outcome) -> tuple[str, ...]:
    return (
        fault.name.replace("_", " "),
        fault.about.replace("|", "\\|"),
        change(outcome),
        times(outcome),
        ", ".join(outcome.layers) or "nothing",
        verdict(outcome),
    )


def known_limits(controls: Iterable[Outcome]) -> list[str]:
    """Return a sentence for each good solver that fails items beyond what it claims to do."""
    said = []
    for control in CONTROLS:
        outcome = next((o for o in controls if o.name == control.name), None)
        if outcome is None or not outcome.failed:
            continue
        reasons = {}
        for item in outcome.messages:
            for part, why in control.beyond:
                if part in item:
                    reasons.setdefault(why, []).append(item.partition("[")[2].rstrip("]") or item)
        for why, items in reasons.items():
            said.append(f"`{control.name}` fails {', '.join(items)}: it {why}.")
        alarms = false_alarms(outcome)
        if alarms:
            said.append(f"`{control.name}` fails without an excuse: {', '.join(alarms)}.")
    return said


def not_caught(measured: Measured) -> str:
    missed = [outcome for outcome in counted(measured) if not outcome.caught]
    idle = [outcome for outcome in measured.faults if not effective(outcome)]
    wrong = [o for o in counted(measured) if o.caught and not rightly_named(o)]
    lines = [
        *(f"- Missed: {words(o)}" for o in missed),
        *(f"- Harmless: {words(o)}" for o in idle),
        *(f"- Caught, but {called(o)}: {o.name.replace('_', ' ')}." for o in wrong),
    ]
    return "\n".join(lines) or "None."


def words(outcome: Outcome) -> str:
    """Return a fault with its measure, one sentence or two."""
    name = outcome.name.replace("_", " ")
    moved = f"{change(outcome)} px, {times(outcome)} x noise, on `{outcome.changed_case}`"
    return f"{name} ({moved}). {EVERY[outcome.name].about}"


def called(outcome: Outcome) -> str:
    return f"called *{outcome.diagnosis}*" if outcome.diagnosis else "not named"


def table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])

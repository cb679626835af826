"""A badge: what a saved report says in three words, as SVG or as the JSON of a badge service.

The JSON is the endpoint schema of shields.io.
"""

import json
from dataclasses import dataclass
from html import escape

from irgate_battery.report.saved_report import SavedReport
from irgate_battery.results.result_row import BAD
from irgate_battery.results.systematic import Systematic
from irgate_battery.results.verdict import Verdict
from irgate_battery.suites.base import HardGate
from irgate_battery.suites.registry import suites
from irgate_battery.suites.rows import is_own_data

LABEL = "irgate"

GREEN, RED, GREY, DARK = "#1a7f37", "#b42318", "#6a737d", "#3d444d"
"""White stands on each with a contrast of at least 4.5."""

CHARACTER, PADDING, HEIGHT = 6.6, 8, 20
"""Width of a character of 11 px Verdana on average, room beside a text, height of a badge; px."""


@dataclass(frozen=True)
class Badge:
    """What is shown.

    Attributes:
        message: beside the label.
        colour: behind the message.
    """

    message: str
    colour: str

    @classmethod
    def of(cls, report: SavedReport) -> "Badge":
        """Say pass only where every item passed or was waived, and the hard gate holds."""
        bad = sum(row.status in BAD for row in report.rows)
        waived = sum(row.status == "xfailed" for row in report.rows)
        gate = report.verdicts[HardGate.name].status
        if bad:
            return cls(f"fail, {bad} of {len(report.rows)}", RED)
        if gate == "fail" or report.exit_status not in (0, 5, None):
            return cls("fail", RED)
        if gate != "pass" or _is_undecided(report):
            return cls("not evaluated", GREY)
        passed = sum(row.status == "passed" for row in report.rows)
        return cls(f"pass, {passed}{f' ({waived} waived)' if waived else ''}", GREEN)

    def endpoint(self) -> str:
        """Return the JSON that shields.io reads."""
        told = {
            "schemaVersion": 1,
            "label": LABEL,
            "message": self.message,
            "color": self.colour.removeprefix("#"),
            "isError": self.colour == RED,
        }
        return json.dumps(told, indent=1) + "\n"

    def svg(self) -> str:
        """Return an SVG that needs nothing else."""
        left, right = (round(len(text) * CHARACTER) + 2 * PADDING for text in (LABEL, self.message))
        said = escape(f"{LABEL}: {self.message}")
        middle = left + right / 2
        return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}" role="img" \
aria-label="{said}">
<title>{said}</title>
<clipPath id="r"><rect width="{left + right}" height="{HEIGHT}" rx="3"/></clipPath>
<g clip-path="url(#r)">
<rect width="{left}" height="{HEIGHT}" fill="{DARK}"/>
<rect x="{left}" width="{right}" height="{HEIGHT}" fill="{self.colour}"/>
</g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{left / 2:g}" y="14" textLength="{left - 2 * PADDING}">{LABEL}</text>
<text x="{middle:g}" y="14" textLength="{right - 2 * PADDING}">{escape(self.message)}</text>
</g>
</svg>
"""


def _is_undecided(report: SavedReport) -> bool:
    """Whether the run's last line says NOT EVALUATED for another verdict than the hard gate."""
    deciding: list[type[Verdict]] = []
    if any(map(is_own_data, report.rows)):
        deciding += [kind for suite in suites() if suite.own_data for kind in suite.verdict_types]
    if report.asked is not None and report.asked.strict:
        every: list[type[Verdict]] = [Systematic]
        every += [kind for suite in suites() for kind in suite.verdict_types]
        deciding += [kind for kind in every if kind.effect == "strict"]
    told = [report.verdicts[kind.name] for kind in deciding if kind.name in report.verdicts]
    return any(verdict.status == "not_evaluated" for verdict in told)

"""The page's two charts, as SVG: how far from the truth, and how long, beside SimpleITK.

Each is a strip of marks over a logarithmic axis for each group of cases, and within it one lane for
each run. A case that did not pass is a cross.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from irgate_battery.interface.declaration import ALL_MODELS
from irgate_battery.report.page.markup import Markup, element
from irgate_battery.report.page.page_case import KINDS, PageCase
from irgate_battery.results import formatting
from irgate_battery.results.result_row import RAN, ResultRow

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 620, 92, 20, 20, 34
LANE, GAP = 16, 8
"""Units of the drawing; about a CSS px each."""

SPREAD = (-3, 0, 3, -1.5, 1.5)
"""How far apart neighbours of a lane stand, so that equal figures are seen to be several."""

LEAST = 1e-7
"""Smallest figure that is told from 0."""

MOST_COLOURS = 6
"""Runs with a colour of their own; the others begin anew, and their lanes tell them apart."""


@dataclass(frozen=True)
class Mark:
    """One case of one run.

    Attributes:
        key: the case's, in the page's address.
        value: where it stands.
        run: whose.
        failed: whether it did not pass.
        told: what it says when one points at it.

    """

    key: str
    value: float
    run: int
    failed: bool
    told: str


@dataclass(frozen=True)
class Strip:
    """One group of marks.

    Attributes:
        title: of the group.
        marks: in it.
        band: the least and the largest limit of its cases, or `None`.

    """

    title: str
    marks: tuple[Mark, ...]
    band: tuple[float, float] | None = None


def distance_chart(cases: Sequence[PageCase], labels: Sequence[str]) -> Markup | None:
    """Return the distances to the truth against their tolerances, by kind of perturbation."""
    strips = []
    drawn = [case for case in cases if case.one_call]
    for kind in KINDS:
        mine = [case for case in drawn if case.kind == kind]
        marks = _marks(mine, lambda row: row.tre_px, lambda value: f"{formatting.px(value)} px")
        limits = [row.tolerance_px for case in mine for row in case.there if row.tolerance_px]
        if marks:
            strips.append(Strip(kind, marks, (min(limits), max(limits)) if limits else None))
    return _figure(
        "Distance to the truth, by kind of perturbation",
        "Mean distance to the true transform, px. Shaded: from the least to the largest tolerance "
        "of the group's cases; the unperturbed fixtures are held by their RMSE instead.",
        strips,
        labels,
        ident="distance-chart",
    )


def time_chart(cases: Sequence[PageCase], labels: Sequence[str]) -> Markup | None:
    """Return the times as parts of SimpleITK's, by model."""
    strips = []
    drawn = [case for case in cases if case.one_call]
    for model in ALL_MODELS:
        mine = [case for case in drawn if case.model == model]
        marks = _marks(
            mine, _times, lambda value: f"{formatting.seconds(value)} x SimpleITK's time"
        )
        if marks:
            strips.append(Strip(model, marks))
    return _figure(
        "Time, beside SimpleITK's",
        "Time of a call over that of the converged SimpleITK, by model; the line is the same time. "
        "SimpleITK's stored times are those of the machine that stored them.",
        strips,
        labels,
        line=1.0,
        ident="time-chart",
    )


def _times(row: ResultRow) -> float | None:
    return row.seconds / row.oracle_seconds if row.seconds and row.oracle_seconds else None


def _marks(
    cases: Sequence[PageCase],
    figure: Callable[[ResultRow], float | None],
    said: Callable[[float], str],
) -> tuple[Mark, ...]:
    marks = []
    for case in cases:
        for run, row in enumerate(case.rows):
            value = figure(row) if row is not None and row.status in RAN else None
            if row is not None and value is not None:
                told = f"{case.case}: {said(value)}, {row.status}"
                failed = row.status != "passed"
                marks.append(Mark(case.key, max(value, LEAST), run, failed, told))
    return tuple(marks)


@dataclass(frozen=True)
class _Axis:
    """A logarithmic axis over whole decades."""

    low: int
    high: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "_Axis":
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(low, max(high, low + 1))

    def __call__(self, value: float) -> float:
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return LEFT + part * (WIDTH - LEFT - RIGHT)


def _figure(
    title: str,
    about: str,
    strips: Sequence[Strip],
    labels: Sequence[str],
    *,
    ident: str,
    line: float | None = None,
) -> Markup | None:
    """Return a chart with its title and key; `None` where nothing stands in it."""
    if not strips:
        return None
    values = [mark.value for strip in strips for mark in strip.marks]
    values += [limit for strip in strips for limit in strip.band or ()]
    values += [] if line is None else [line]
    axis = _Axis.of(values)
    tall = len(labels) * LANE + GAP
    height = TOP + tall * len(strips) + BOTTOM
    parts = _ticks(axis, height)
    if line is not None:
        parts.append(_line(axis(line), height, "limit"))
    for place, strip in enumerate(strips):
        parts += _strip(strip, axis, TOP + place * tall, tall, alone=len(labels) == 1)
    svg = element(
        "svg",
        element("title", title),
        parts,
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        aria_label=f"{title}. {_summary(strips)}",
    )
    return element(
        "figure",
        element("figcaption", element("h3", title), element("p", about, class_="soft")),
        _key(labels, any(mark.failed for strip in strips for mark in strip.marks)),
        element("div", svg, class_="scroll", tabindex="0", role="region", aria_label=title),
        class_="chart",
        id=ident,
    )


def _summary(strips: Sequence[Strip]) -> str:
    """Say the chart in words, for those who do not see it; the table has all figures."""
    return " ".join(
        f"{strip.title}: {len(strip.marks)} figures from "
        f"{min(mark.value for mark in strip.marks):.2g} to "
        f"{max(mark.value for mark in strip.marks):.2g}, "
        f"{sum(mark.failed for mark in strip.marks)} not passed."
        for strip in strips
    )


def _key(labels: Sequence[str], some_failed: bool) -> Markup:
    if len(labels) == 1:
        entries = [("dot passes", "passed")]
    else:
        entries = [(f"dot run-{_colour(run)}", label) for run, label in enumerate(labels)]
    if some_failed:
        entries.append(("cross fails" if len(labels) == 1 else "cross plain", "failed"))
    told = [
        element("li", element("span", class_=f"swatch {kind}", aria_hidden="true"), text)
        for kind, text in entries
    ]
    return element("ul", told, class_="key")


def _colour(run: int) -> int:
    return run % MOST_COLOURS


def _ticks(axis: _Axis, height: float) -> list[Markup]:
    parts = []
    # At most eight numbers fit beside each other.
    step = max(1, math.ceil((axis.high - axis.low) / 8))
    for power in range(axis.low, axis.high + 1):
        x = axis(10.0**power)
        parts.append(_line(x, height, "tick"))
        if (power - axis.low) % step == 0:
            label = f"{10.0**power:g}"
            at = {"x": f"{x:.1f}", "y": f"{height - BOTTOM + 20:.1f}"}
            parts.append(element("text", label, text_anchor="middle", class_="axis", **at))
    return parts


def _line(x: float, height: float, kind: str) -> Markup:
    at = {"x1": f"{x:.1f}", "x2": f"{x:.1f}", "y1": f"{TOP - 6}", "y2": f"{height - BOTTOM:.1f}"}
    return element("line", class_=kind, **at)


def _strip(strip: Strip, axis: _Axis, top: float, tall: float, *, alone: bool) -> list[Markup]:
    middle = top + tall / 2
    label = {"x": f"{LEFT - 10}", "y": f"{middle + 4:.1f}"}
    parts = [element("text", strip.title, text_anchor="end", class_="group", **label)]
    if strip.band is not None:
        low, high = (axis(limit) for limit in strip.band)
        box = {"x": f"{low:.1f}", "y": f"{top + 1:.1f}", "height": f"{tall - 2:.1f}"}
        parts.append(element("rect", class_="band", width=f"{max(high - low, 2):.1f}", **box))
    for place, mark in enumerate(strip.marks):
        y = top + GAP / 2 + (mark.run + 0.5) * LANE + SPREAD[place % len(SPREAD)]
        parts.append(_mark(mark, axis(mark.value), y, alone=alone))
    return parts


def _mark(mark: Mark, x: float, y: float, *, alone: bool) -> Markup:
    colour = ("fails" if mark.failed else "passes") if alone else f"run-{_colour(mark.run)}"
    kind = "cross" if mark.failed else "dot"
    arm = 4 if mark.failed else 3.5
    path = (
        f"M{x - arm:.1f} {y - arm:.1f}l{2 * arm} {2 * arm}m0 {-2 * arm}l{-2 * arm} {2 * arm}"
        if mark.failed
        else f"M{x - arm:.1f} {y:.1f}a{arm} {arm} 0 1 0 {2 * arm} 0a{arm} {arm} 0 1 0 {-2 * arm} 0z"
    )
    return element(
        "path", element("title", mark.told), d=path, class_=f"{kind} {colour}", data_case=mark.key
    )

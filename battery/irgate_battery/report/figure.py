"""The figure of a registration: two images, how they lie before and after, and what moves where.

matplotlib is imported here and in `figure_panels`, through its objects and its Agg canvas: no
window, no global state.
"""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.layout_engine import ConstrainedLayoutEngine

from irgate_battery.cases.own_pairs import PreparedPair
from irgate_battery.cases.truth import Landmarks
from irgate_battery.judge.measure import Warped, warp
from irgate_battery.report import figure_panels as panels
from irgate_battery.report.figure_panels import Array
from irgate_battery.report.row_figures import figures
from irgate_battery.results.result_row import ResultRow
from irgate_fixtures import Pair

COLUMNS = 5

WIDTH_IN, PANEL_IN, WORDS_IN, BAR_IN, HEADING_IN = 18.0, 3.4, 0.8, 0.22, 0.8
"""Inches: of the whole, of one panel, for a panel's words, for a colour bar, for the heading."""

WRAP = 50
"""Characters of a line of words, as wide as a panel."""

DPI = 100

WORDS = {"xfailed": "failed, as expected"}
"""Of statuses."""


@dataclass(frozen=True, eq=False)
class FigureInput:
    """What is portrayed.

    Attributes:
        pair: the images, the mask and the true transform; or an own pair, which has no truth.
        name: the case's id.
        purpose: what it is for; empty where nobody says.
        displacement: the answer's, `(H, W, 2)`, px; `None` portrays the reference.
        who: whose answer it is.
        row: what was judged of it, or `None`.
        oracle: SimpleITK's displacement, which stands in for the truth of an own pair.

    """

    pair: Pair | PreparedPair
    name: str
    purpose: str
    displacement: Array | None = None
    who: str = "the true transform"
    row: ResultRow | None = None
    oracle: Array | None = None

    @property
    def reference(self) -> tuple[Array, str]:
        """What an answer is held against, and its name. Raises: ValueError where there is none."""
        if isinstance(self.pair, Pair):
            return self.pair.truth.displacement(self.pair.shape), "the truth"
        if isinstance(self.pair.truth, Landmarks):
            return self.pair.truth.fit().displacement(self.pair.shape), "the points' fit"
        if self.oracle is None:
            raise ValueError(f"{self.name}: an own pair without SimpleITK's transform")
        return self.oracle, "SimpleITK"


def draw(figure_input: FigureInput) -> Figure:
    """Return the picture: ten panels, the numbers in their titles, the verdict in words.

    The images are warped by the judge, from the transform alone; y points down in every panel.
    """
    pair = figure_input.pair
    shape = pair.shape
    truth, whose = figure_input.reference
    answer = truth if figure_input.displacement is None else figure_input.displacement
    unmoved = np.zeros_like(truth)
    before, after = warp(pair, unmoved), warp(pair, answer)

    panel_in = PANEL_IN * min(1.3, shape[0] / shape[1])
    tall = HEADING_IN + BAR_IN + 2 * (panel_in + WORDS_IN)
    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.12, wspace=0.01)
    figure = Figure(figsize=(WIDTH_IN, tall), dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    # The bars have a row of their own, so that no panel is lower for having one.
    cells = GridSpec(3, COLUMNS, figure, height_ratios=[panel_in, panel_in, BAR_IN])
    top, bottom = ([figure.add_subplot(cells[row, k]) for k in range(COLUMNS)] for row in (0, 1))
    figure.suptitle(_heading(figure_input), fontsize=14)

    panels.image(top[0], pair.fixed, f"fixed, {_size(pair.fixed)}", pair.mask)
    panels.image(top[1], pair.moving, f"moving, {_size(pair.moving)}", pair.moving_mask)
    mine = None if figure_input.displacement is None else answer
    panels.grid(top[2], pair.fixed, truth, mine, whose)
    told = _told(before, unmoved, truth, whose)
    panels.overlay(top[3], pair.fixed, before, f"before\n{told}")
    told = f"RMSE {_number(after.rmse)}" if mine is None else _told(after, answer, truth, whose)
    panels.overlay(top[4], pair.fixed, after, f"after {figure_input.who}\n{told}")

    _words(bottom[0], figure_input, warp(pair, truth).rmse, whose)
    if mine is None:
        panels.valid_region(bottom[1], pair.fixed, after)
    else:
        tolerance = figure_input.row.tolerance_px if figure_input.row else None
        off = np.linalg.norm(answer - truth, axis=-1)
        bar = figure.add_subplot(cells[2, 1])
        panels.distance(figure, bottom[1], bar, off, after.valid, tolerance, whose)
    both = figure.add_subplot(cells[2, 2:4])
    panels.differences(
        figure, bottom[2:4], both, pair.fixed, (("before", before), ("after", after))
    )
    own = figure.add_subplot(cells[2, 4])
    panels.differences(figure, bottom[4:], own, pair.fixed, (("after, its own scale", after),))
    return figure


def _heading(figure_input: FigureInput) -> str:
    row = figure_input.row
    verdict = f": {WORDS.get(row.status, row.status)}" if row else ""
    pair = figure_input.pair
    return f"{figure_input.name}{verdict}\n{pair.model}, intensity {pair.intensity}"


def _words(axes: Any, figure_input: FigureInput, floor: float | None, whose: str) -> None:
    """Write the verdict, its limits, the diagnosis, and what the case is there to show."""
    axes.set_axis_off()
    axes.set_anchor("N")
    said = "\n".join(_lines(figure_input, floor, whose))
    axes.text(0, 1, said, transform=axes.transAxes, va="top", fontsize=9.5, linespacing=1.35)


def _lines(figure_input: FigureInput, floor: float | None, whose: str) -> Iterable[str]:
    row = figure_input.row
    if row is not None:
        yield f"{WORDS.get(row.status, row.status).upper()}: {figure_input.who}"
        for figure in figures(row):
            if figure.holds is not None:
                over = "" if figure.holds else " (over)" if "most" in figure.limit else " (under)"
                yield from _wrapped(f"{figure.label}: {figure.text}, {figure.limit}{over}")
        if row.diagnosis:
            yield from _wrapped(f"Diagnosis: {row.diagnosis}")
        if row.status != "passed" and row.message:
            yield from _wrapped(row.message.removeprefix(f"{row.case}: "))
        yield ""
    yield f"RMSE at {whose}: {_number(floor)}"
    if figure_input.purpose:
        yield from _wrapped(f"This case is there to show: {figure_input.purpose}")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WRAP, subsequent_indent="  ", max_lines=7, placeholder=" ...")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _size(image: Array) -> str:
    return f"{image.shape[1]} x {image.shape[0]} px"


def _told(warped: Warped, displacement: Array, truth: Array, whose: str) -> str:
    """Say what a transform measures, over the valid region."""
    if warped.rmse is None:
        return "nothing lands inside the moving image"
    off = np.linalg.norm(displacement - truth, axis=-1)[warped.valid].mean()
    return f"RMSE {warped.rmse:.4f}, {off:.3g} px from {whose}"

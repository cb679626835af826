"""The figure of a registration: two images, how they lie before and after, and what moves where.

matplotlib is imported here and nowhere else, through its objects and its Agg canvas: no window, no
global state.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from irgate_battery.judge.measure import Warped, warp
from irgate_fixtures import Pair, pixel_grid

Array = NDArray[np.float64]

ORANGE = (1.0, 0.5, 0.0)
BLUE = (0.0, 0.5, 1.0)
"""They add up to white, so that what is equal is grey; and every kind of colour blindness tells
them apart."""

DIFFERENCE_MAP = "PuOr"
DISTANCE_MAP = "viridis"
HATCHED = {"facecolor": "0.9", "edgecolor": "0.55", "hatch": "////"}
"""What shows where nothing is measured: masked, or mapped out of the moving image."""

NOT_MEASURED = "hatched: not measured"

PITCH_PX = 16
"""Between two lines of the grid, px."""

ROOM = 0.8
"""How far beyond the image a moved grid is followed, as a part of the image's size."""

TAIL = 99.5
"""Percentile of the absolute difference at which the colour scale ends, so that one pixel cannot
make all others pale."""

WIDTH_IN, PANEL_IN, WORDS_IN, BAR_IN, HEADING_IN = 15.0, 3.6, 0.8, 0.7, 0.7
"""Inches: of the whole, of one panel, for a panel's words, for a colour bar, for the heading."""

BAR: dict[str, Any] = {"orientation": "horizontal", "aspect": 30, "shrink": 0.9, "pad": 0.02}

DPI = 100


@dataclass(frozen=True, eq=False)
class FigureInput:
    """What is portrayed.

    Attributes:
        pair: the images, the mask and the true transform.
        name: the case's id.
        purpose: what it is for.
        displacement: the answer's, `(H, W, 2)`, px; `None` portrays the true transform.
        who: whose answer it is.

    """

    pair: Pair
    name: str
    purpose: str
    displacement: Array | None = None
    who: str = "the true transform"


def draw(figure_input: FigureInput) -> Figure:
    """Return the picture: eight panels, the numbers in their titles.

    The images are warped by the judge, from the transform alone; y points down in every panel.
    """
    pair = figure_input.pair
    shape = (pair.fixed.shape[0], pair.fixed.shape[1])
    truth = pair.truth.displacement(shape)
    answer = truth if figure_input.displacement is None else figure_input.displacement
    unmoved = np.zeros_like(truth)
    before, after = warp(pair, unmoved), warp(pair, answer)
    floor = warp(pair, truth).rmse

    tall = HEADING_IN + BAR_IN + 2 * (PANEL_IN * shape[0] / shape[1] + WORDS_IN)
    layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.06, wspace=0.01)
    figure = Figure(figsize=(WIDTH_IN, tall), dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    told = f"{pair.model}, intensity {pair.intensity}, RMSE at the true transform {_number(floor)}"
    figure.suptitle(f"{figure_input.name} ({told})\n{figure_input.purpose}", fontsize=13)
    top, bottom = figure.subplots(2, 4)

    _image(top[0], pair.fixed, f"fixed, {_size(pair.fixed)}")
    _mask(top[0], pair.mask)
    _image(top[1], pair.moving, f"moving, {_size(pair.moving)}")
    _mask(top[1], pair.moving_mask)
    _overlay(top[2], pair, before, f"before\n{_told(before, unmoved, truth)}")
    measured = f"RMSE {_number(floor)}" if answer is truth else _told(after, answer, truth)
    _overlay(top[3], pair, after, f"after {figure_input.who}\n{measured}")

    _grid(bottom[0], pair, truth, figure_input)
    if figure_input.displacement is None:
        _valid(bottom[1], pair, after)
    else:
        _distance(figure, bottom[1], after, answer, truth)
    _differences(figure, bottom[2:], pair, before, after)
    return figure


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"


def _size(image: Array) -> str:
    return f"{image.shape[1]} x {image.shape[0]} px"


def _told(warped: Warped, displacement: Array, truth: Array) -> str:
    """Say what a transform measures, over the valid region."""
    if warped.rmse is None:
        return "nothing lands inside the moving image"
    off = np.linalg.norm(displacement - truth, axis=-1)[warped.valid].mean()
    return f"RMSE {warped.rmse:.4f}, {off:.3g} px from the truth"


def _plain(axes: Any, title: str) -> None:
    axes.set_title(title, fontsize=11)
    # Panels of a row stand at one height, whether they have a colour bar or not.
    axes.set_anchor("N")
    axes.set_xticks([])
    axes.set_yticks([])


def _image(axes: Any, image: Array, title: str) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=max(1.0, float(image.max())))
    _plain(axes, title)


def _mask(axes: Any, mask: NDArray[np.bool_] | None) -> None:
    """Hatch what must not be trusted."""
    if mask is not None:
        axes.contourf(mask, levels=[-0.5, 0.5], colors="none", hatches=["///"])
        axes.contour(mask, levels=[0.5], colors=[ORANGE], linewidths=1.5)
        axes.set_xlabel("hatched: masked, not to be trusted", fontsize=10)


def _overlay(axes: Any, pair: Pair, warped: Warped, title: str) -> None:
    """Lay the fixed image in orange over the warped one in blue; one alone has its colour."""
    inside = np.where(warped.valid, np.clip(warped.image, 0, 1), 0.0)
    fixed = np.clip(pair.fixed, 0, 1)
    mixed = fixed[..., None] * ORANGE + inside[..., None] * BLUE
    axes.imshow(np.clip(mixed, 0, 1))
    _plain(axes, title)
    axes.set_xlabel("orange: fixed, blue: moving, grey: both", fontsize=10)


def _differences(
    figure: Figure, pair_of_axes: Any, pair: Pair, before: Warped, after: Warped
) -> None:
    """Show moving(T(x)) - fixed(x) before and after on one scale, symmetric about zero."""
    differences = [
        np.ma.masked_where(~warped.valid, warped.image - pair.fixed) for warped in (before, after)
    ]
    absolute = np.concatenate([np.abs(each.compressed()) for each in differences])
    end = float(np.percentile(absolute, TAIL)) if absolute.size else 1.0
    shown = None
    for axes, difference, when in zip(pair_of_axes, differences, ("before", "after"), strict=True):
        axes.patch.set(**HATCHED)
        shown = axes.imshow(
            difference, cmap=DIFFERENCE_MAP, vmin=-max(end, 1e-12), vmax=max(end, 1e-12)
        )
        largest = f", largest {np.abs(difference).max():.3g}" if difference.count() else ""
        _plain(axes, f"difference {when}{largest}")
    if shown is not None:
        figure.colorbar(
            shown, ax=list(pair_of_axes), label="moving(T(x)) - fixed(x)", extend="both", **BAR
        )


def _grid(axes: Any, pair: Pair, truth: Array, figure_input: FigureInput) -> None:
    """Draw where the transform puts a regular grid of the fixed image."""
    height, width = pair.fixed.shape
    axes.imshow(pair.fixed, cmap="gray", vmin=-0.6, vmax=1.4)
    _lines(axes, truth, BLUE, 1.0 if figure_input.displacement is None else 1.8)
    drawn = [truth]
    if figure_input.displacement is not None:
        _lines(axes, figure_input.displacement, ORANGE, 0.9)
        drawn.append(figure_input.displacement)
    moved = np.concatenate([(pixel_grid((height, width)) + u).reshape(-1, 2) for u in drawn])
    _frame(axes, moved, (height, width))
    u = truth if figure_input.displacement is None else figure_input.displacement
    _plain(axes, f"grid moved by {np.linalg.norm(u, axis=-1).mean():.3g} px on average")
    key = "blue: the truth" + ("" if figure_input.displacement is None else ", orange: the solver")
    axes.set_xlabel(key, fontsize=10)


def _frame(axes: Any, points: Array, shape: tuple[int, int]) -> None:
    """Zoom out until the image and, within reason, these points are seen, in the image's aspect."""
    size = np.array([shape[1], shape[0]])
    low = np.clip(points.min(axis=0), -ROOM * size, 0)
    high = np.clip(points.max(axis=0), size - 1, (1 + ROOM) * size)
    middle, half = (low + high) / 2, size * float(((high - low) / size).max()) / 2 + 2
    axes.set_xlim(middle[0] - half[0], middle[0] + half[0])
    axes.set_ylim(middle[1] + half[1], middle[1] - half[1])


def _lines(axes: Any, displacement: Array, colour: Any, thickness: float) -> None:
    height, width = displacement.shape[:2]
    moved = pixel_grid((height, width)) + displacement
    # The last row and column close the grid, wherever the pitch ends.
    for row in dict.fromkeys([*range(0, height, PITCH_PX), height - 1]):
        axes.plot(moved[row, :, 0], moved[row, :, 1], color=colour, linewidth=thickness)
    for column in dict.fromkeys([*range(0, width, PITCH_PX), width - 1]):
        axes.plot(moved[:, column, 0], moved[:, column, 1], color=colour, linewidth=thickness)


def _valid(axes: Any, pair: Pair, after: Warped) -> None:
    """Show the region over which all is measured."""
    axes.patch.set(**HATCHED)
    axes.imshow(np.ma.masked_where(~after.valid, pair.fixed), cmap="gray", vmin=0, vmax=1)
    _plain(axes, f"valid region: {after.coverage:.0%} of what is trusted")
    axes.set_xlabel(NOT_MEASURED, fontsize=10)


def _distance(figure: Figure, axes: Any, after: Warped, answer: Array, truth: Array) -> None:
    """Show how far the answer is from the truth, pixel by pixel."""
    off = np.ma.masked_where(~after.valid, np.linalg.norm(answer - truth, axis=-1))
    axes.patch.set(**HATCHED)
    shown = axes.imshow(off, cmap=DISTANCE_MAP, vmin=0)
    largest = f": largest {off.max():.3g} px" if off.count() else ""
    _plain(axes, f"distance to the truth{largest}")
    axes.set_xlabel(NOT_MEASURED, fontsize=10)
    figure.colorbar(shown, ax=axes, label="px", **BAR)

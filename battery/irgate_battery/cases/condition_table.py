"""The table of conditions: pairs with a known truth, each under one condition that breaks code.

Sizes, ranges, turns, masks and brightness that real code was seen to fail on. A line adds a case,
and every count follows. The standard library suffices to read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from irgate_fixtures.recipes import CAMERA_SHA256

Part = Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """One case.

    Attributes:
        name: its id.
        purpose: the faults that it shows, in one line. It is no part of a recipe or of a digest.
        model: the smallest family that holds the true transform.
        size: `(H, W)` of the fixed image.
        truth: as in `irgate_fixtures.RECIPES`.
        source: what both images are looked up in, as in `irgate_fixtures.RECIPES`.
        moving_size: `(H, W)` of the moving image, where it has another.
        moving_source: what the moving image is looked up in, where that is another source.
        intensity: `"same"` or `"varying"`.
        gamma: exponent of the moving image's intensities.
        hidden: the part of the fixed image behind stripes, which the mask does not trust: discs
            `(x, y, radius)` and rectangles `(left, top, right, bottom)`, px; where `inverted`, all
            but that part.
        moving_hidden: the same of the moving image, for the moving mask.
        tight: whether the answer is held to `irgate_battery.judge.limits.CLEAN_PX`.

    """

    name: str
    purpose: str
    model: str
    size: tuple[int, int]
    truth: Part
    source: Part
    moving_size: tuple[int, int] | None = None
    moving_source: Part | None = None
    intensity: str = "same"
    gamma: float | None = None
    hidden: Part | None = None
    moving_hidden: Part | None = None
    tight: bool = False

    def recipe(self) -> dict[str, Any]:
        """Return all that decides the images, as JSON-able values; what is not there is left out.

        `version` is to change whenever code changes what a recipe makes.
        """
        optional = {
            "moving_size": None if self.moving_size is None else list(self.moving_size),
            "moving_source": self.moving_source,
            "gamma": self.gamma,
            "hidden": self.hidden,
            "moving_hidden": self.moving_hidden,
        }
        return {
            "version": 1,
            "size": list(self.size),
            "model": self.model,
            "intensity": self.intensity,
            "source": self.source,
            "truth": self.truth,
            **{key: value for key, value in optional.items() if value is not None},
        }


def _waves(seed: int, shortest: float, longest: float) -> Part:
    return {
        "kind": "plane_waves",
        "seed": seed,
        "waves": 20,
        "shortest": shortest,
        "longest": longest,
    }


def _photograph(blur: float) -> Part:
    return {"kind": "photograph", "sha256": CAMERA_SHA256, "corner": [160, 96], "blur": blur}


def _shift(dx: float, dy: float) -> Part:
    return {"kind": "translation", "dx": dx, "dy": dy}


def _turn(degrees: float, dx: float, dy: float) -> Part:
    return {"kind": "rigid", "degrees": degrees, "dx": dx, "dy": dy}


def _affine(dx: float, dy: float) -> Part:
    return {"kind": "affine", "linear": [[1.05, 0.08], [-0.06, 0.96]], "dx": dx, "dy": dy}


def _bend(seed: int, amplitude: float) -> Part:
    return {"kind": "ffd", "seed": seed, "amplitude": amplitude}


_SCENE = _waves(11, 16.0, 70.0)
_SMALL_SCENE = _waves(12, 11.0, 32.0)
_LARGE_SCENE = _waves(13, 24.0, 160.0)
_SMOOTH_SCENE = _waves(14, 28.0, 90.0)
_SPOTS = {
    "kind": "spots",
    "seed": 15,
    "pitch": 22.0,
    "share": 0.8,
    "smallest": 6.0,
    "largest": 10.0,
    "centre": [78.0, 66.0],
    "reach": 156.0,
}

_ONE_ODD = "one side odd, one even: a centre at W / 2, half a pixel lost between levels on one axis"
_BOTH_ODD = "both sides odd: a centre at W / 2, a level whose last row is dropped"
_PORTRAIT = "higher than wide: height and width swapped, which a landscape may hide"
_SQUARE = "as high as wide: what is right only by H != W, or a square taken for a matrix"
_SMALL = "48 px: a pyramid of too many levels, a window or a margin that leaves nothing"
_LARGE = "500 px: steps, iterations or a search range that are made for smaller images"

CONDITIONS = (
    Condition(
        "one_odd-translation", _ONE_ODD, "translation", (123, 160), _shift(6.3, -4.6), _SCENE
    ),
    Condition("one_odd-affine", _ONE_ODD, "affine", (123, 160), _affine(3.4, -2.7), _SCENE),
    Condition("one_odd-ffd", _ONE_ODD, "ffd", (123, 160), _bend(21, 14.0), _SCENE),
    Condition(
        "both_odd-translation", _BOTH_ODD, "translation", (125, 157), _shift(-5.6, 4.3), _SCENE
    ),
    Condition("both_odd-affine", _BOTH_ODD, "affine", (125, 157), _affine(-3.2, 2.6), _SCENE),
    Condition("both_odd-ffd", _BOTH_ODD, "ffd", (125, 157), _bend(22, 14.0), _SCENE),
    Condition(
        "portrait-translation", _PORTRAIT, "translation", (176, 112), _shift(4.7, 7.4), _SCENE
    ),
    Condition("portrait-affine", _PORTRAIT, "affine", (176, 112), _affine(2.8, 3.6), _SCENE),
    Condition("portrait-ffd", _PORTRAIT, "ffd", (176, 112), _bend(23, 14.0), _SCENE),
    Condition("square-translation", _SQUARE, "translation", (128, 128), _shift(-4.4, -6.7), _SCENE),
    Condition("square-affine", _SQUARE, "affine", (128, 128), _affine(-2.3, -3.8), _SCENE),
    Condition("square-ffd", _SQUARE, "ffd", (128, 128), _bend(24, 14.0), _SCENE),
    Condition(
        "small48-translation", _SMALL, "translation", (48, 48), _shift(2.6, -1.7), _SMALL_SCENE
    ),
    Condition("small48-affine", _SMALL, "affine", (48, 48), _affine(1.3, -0.8), _SMALL_SCENE),
    Condition("small48-ffd", _SMALL, "ffd", (48, 48), _bend(25, 4.0), _SMALL_SCENE),
    Condition(
        "large500-translation", _LARGE, "translation", (300, 500), _shift(11.4, -8.7), _LARGE_SCENE
    ),
    Condition("large500-affine", _LARGE, "affine", (300, 500), _affine(9.6, -7.3), _LARGE_SCENE),
    Condition("large500-ffd", _LARGE, "ffd", (300, 500), _bend(26, 40.0), _LARGE_SCENE),
    Condition(
        "moving_larger",
        "a larger moving image: the fixed image's centre or size used for the moving one",
        "rigid",
        (112, 136),
        _turn(7.0, 7.4, 5.7),
        _SCENE,
        moving_size=(168, 204),
    ),
    Condition(
        "moving_smaller",
        "a smaller moving image: pixels that map outside it counted, sizes taken to be equal",
        "rigid",
        (168, 204),
        _turn(-6.0, -4.7, 3.2),
        _SCENE,
        moving_size=(112, 136),
    ),
    Condition(
        "moving_proportions",
        "a moving image of other proportions: coordinates normalised by the wrong image's sides",
        "affine",
        (112, 180),
        _affine(3.7, -2.8),
        _SCENE,
        moving_size=(176, 120),
    ),
    Condition(
        "turn100",
        "a turn of 100 degrees: a search that ends at a right angle",
        "rigid",
        (128, 160),
        _turn(100.0, 3.6, -2.4),
        _photograph(1.0),
    ),
    Condition(
        "turn135",
        "a turn of 135 degrees: an arcsine, or an arctangent of one argument",
        "rigid",
        (128, 160),
        _turn(135.0, -2.7, 3.3),
        _SCENE,
    ),
    Condition(
        "turn180",
        "upside down: a half turn that looks like the identity to what is symmetric",
        "rigid",
        (128, 160),
        _turn(180.0, 2.3, 4.6),
        _photograph(1.0),
    ),
    Condition(
        "turn_minus160",
        "a turn of -160 degrees: angles cut at 180, a sense of turning assumed",
        "rigid",
        (128, 160),
        _turn(-160.0, -3.4, -2.6),
        _SCENE,
    ),
    Condition(
        "shift40",
        "a shift by 40 % of the width: a range of shifts that is too small",
        "translation",
        (120, 160),
        _shift(64.3, -5.6),
        _photograph(1.0),
    ),
    Condition(
        "shift60",
        "a shift by 60 % of the height: wrapping round, flight from a small overlap",
        "translation",
        (160, 136),
        _shift(4.7, -96.4),
        _SCENE,
    ),
    Condition(
        "sparse_spots",
        "few spots on zeros: a flat background that decides, divisions by zero",
        "rigid",
        (132, 156),
        _turn(8.0, 5.3, -4.4),
        _SPOTS,
    ),
    Condition(
        "mask_at_border",
        "a mask that hides two borders: a mask that is shrunk, blurred or cut at the border",
        "affine",
        (128, 160),
        _affine(3.3, -2.4),
        _SCENE,
        hidden={"rectangles": [[0, 0, 40, 128], [0, 92, 160, 128]]},
    ),
    Condition(
        "mask_of_a_box",
        "a mask that trusts one box: a search, a scale or a mean over what is hidden",
        "translation",
        (128, 160),
        _shift(5.4, 4.3),
        _SCENE,
        hidden={"rectangles": [[64, 40, 128, 96]], "inverted": True},
    ),
    Condition(
        "mask_with_holes",
        "a mask with round holes: a mask taken for its bounding box, or filled",
        "affine",
        (128, 160),
        _affine(-2.6, 3.4),
        _SCENE,
        hidden={"discs": [[36, 40, 17], [88, 92, 20], [128, 36, 14]]},
    ),
    Condition(
        "moving_mask",
        "stripes in the moving image, which its mask tells: a moving mask ignored or inverted",
        "affine",
        (128, 160),
        _affine(2.4, -3.3),
        _SCENE,
        moving_hidden={"rectangles": [[48, 28, 112, 84]]},
    ),
    Condition(
        "both_masks",
        "stripes and a mask in each image, at two places: one mask used for both images",
        "rigid",
        (128, 160),
        _turn(9.0, 4.6, 3.7),
        _SCENE,
        moving_size=(144, 152),
        hidden={"discs": [[48, 44, 24]]},
        moving_hidden={"rectangles": [[96, 84, 152, 144]]},
    ),
    Condition(
        "fixed_sharper",
        "a moving image out of focus: an objective that sharpness can draw away from the truth",
        "rigid",
        (128, 160),
        _turn(6.0, -4.3, 3.4),
        _photograph(1.0),
        moving_source=_photograph(2.0),
    ),
    Condition(
        "gamma",
        "gamma 1.6 on the moving image: brightness taken as constant, or gain alone allowed for",
        "rigid",
        (128, 160),
        _turn(-7.0, 4.4, -3.7),
        _SCENE,
        intensity="varying",
        gamma=1.6,
    ),
    Condition(
        "clean-affine",
        "a smooth pair held to 0.01 px: systematic errors under other tolerances",
        "affine",
        (140, 172),
        _affine(3.6, -2.7),
        _SMOOTH_SCENE,
        tight=True,
    ),
    Condition(
        "clean-rigid",
        "a smooth pair held to 0.01 px: half a pixel between centres, lost scale",
        "rigid",
        (140, 172),
        _turn(8.0, 3.3, -4.6),
        _SMOOTH_SCENE,
        tight=True,
    ),
    Condition(
        "similarity",
        "a turn and one scale: a scale that is applied twice, inverted or left out",
        "similarity",
        (128, 160),
        {"kind": "similarity", "degrees": 9.0, "scale": 1.08, "dx": 3.4, "dy": -2.6},
        _SCENE,
    ),
    Condition(
        "homography",
        "a perspective: a division left out, a matrix normalised by the wrong number",
        "homography",
        (128, 160),
        {
            "kind": "homography",
            "linear": [[1.03, 0.06], [-0.05, 0.97]],
            "perspective": [6e-4, -4e-4],
            "dx": 12.3,
            "dy": 10.7,
        },
        _SCENE,
        moving_size=(150, 184),
    ),
)
"""The cases, in the order of the report."""


PAGE = """\
# Conditions

For those who read a condition's name in a report, and for those who ask what the gate covers beyond
its battery. After this page you know what each pair is made to show.

What real registration code was seen to fail on, one pair a condition: sizes, ranges of shifts and
turns, masks, brightness. The true transform of each is known, and SimpleITK's result is stored; a
case passes as in the battery (RMSE at most twice SimpleITK's, the distance to the truth within
[the limits](limits.md)), the two clean ones at 0.01 px. Images are analytic scenes and crops of a
larger photograph, looked up twice, so that nothing enters from beyond a border. Made by
`python -m irgate_battery.cases.condition_table`.

- `moving_mask` is a mask on the moving image, `False` where that must not be trusted. It is passed
  if your solver's signature has it; else the two cases that need it are skipped, and the verdict is
  not evaluated. The stripes that it hides end two pixels before it does.
- `similarity` (a turn and one scale) and `homography` (a `(3, 3)` matrix with a last row of its
  own) are asked only of solvers whose `models` name them. Nobody else is expected to run them.
- A turn or a shift that your solver has no search for fails here: that is what it does to users.

| case | model | fixed, px | shows |
|---|---|---|---|
{rows}
"""


def page() -> str:
    """Return the page of the conditions, as Markdown."""
    rows = [
        f"| `{each.name}` | {each.model} | {each.size[1]} x {each.size[0]} | {each.purpose} |"
        for each in CONDITIONS
    ]
    return PAGE.format(rows="\n".join(rows))


if __name__ == "__main__":
    print(page(), end="")

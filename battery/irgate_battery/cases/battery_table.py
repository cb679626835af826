"""The battery's table: each perturbation, the fixtures that get it, and the faults that it shows.

The standard library suffices to read it, so that help texts can tell how many cases there are.
"""

from dataclasses import dataclass
from typing import Literal

from irgate_fixtures.recipes import NAMES

Kind = Literal["shift", "rotation", "noise", "overlap", "occlusion", "bias"]


@dataclass(frozen=True)
class Perturbation:
    """What is done to a base fixture.

    Attributes:
        name: the second part of a case's id, `rot75`.
        kind: what is changed; `irgate_battery.cases.perturbations` says how.
        magnitude: shift: px added to the true transform. rotation: degrees added about the centre.
            noise: standard deviation on the moving image alone (0 is the base fixture itself).
            overlap: part of the field of view that both images have. occlusion: part of the fixed
            image that is hidden. bias: amplitude of the multiplicative field on the moving image.
        purpose: the faults that it shows, in one line. It is no part of a recipe or of a digest.
        fixtures: the base fixtures that get it.

    """

    name: str
    kind: Kind
    magnitude: float
    purpose: str
    fixtures: tuple[str, ...] = NAMES


PERTURBATIONS = (
    Perturbation(
        "shift03",
        "shift",
        0.3,
        "0.3 px more: answers rounded to whole or half pixels, a sampler half a pixel off",
    ),
    Perturbation(
        "shift07", "shift", 0.7, "0.7 px more: the same, from the other side of half a pixel"
    ),
    Perturbation(
        "shift14",
        "shift",
        1.4,
        "1.4 px more: a shift that is not scaled between the levels of a pyramid",
    ),
    Perturbation(
        "rot2",
        "rotation",
        2,
        "2 degrees more, which any descent finds: a wrong centre shows as a shift",
    ),
    Perturbation(
        "rot15",
        "rotation",
        15,
        "15 degrees more: a start without a pyramid, an angle in the wrong unit",
    ),
    Perturbation(
        "rot45",
        "rotation",
        45,
        "45 degrees more: a descent without a search stays in a wrong minimum",
    ),
    Perturbation("rot75", "rotation", 75, "75 degrees more: a search over too few angles"),
    Perturbation(
        "noise02",
        "noise",
        0.02,
        "slight noise on the moving image: a stop that waits for a zero residual",
    ),
    Perturbation(
        "noise10",
        "noise",
        0.1,
        "strong noise on the moving image: derivatives without smoothing, early stops",
    ),
    # The stressors. Only images of something get them, and 0.3 is twice the MRI fixture's own gain.
    Perturbation(
        "overlap40",
        "overlap",
        0.4,
        "40 % in common: flight from the overlap, zeros beyond the border taken as image",
        ("lena_affine_2d", "brain_mri_real"),
    ),
    Perturbation(
        "occlusion25",
        "occlusion",
        0.25,
        "a quarter hidden, and masked: a mask that is ignored, inverted or blurred over",
        ("lena_affine_2d",),
    ),
    Perturbation(
        "bias30",
        "bias",
        0.3,
        "brightness varies by 30 % across: a metric that trusts brightness",
        ("lena_affine_2d", "brain_mri_real"),
    ),
)

DRAWN = {
    "shift": "a drawn shift more: sub-pixel faults, at another place and direction",
    "rot": "a drawn turn more: what a search over angles leaves out",
    "noise": "drawn noise on the moving image: derivatives without smoothing, early stops",
}
"""The purposes of the families from which cases beyond the table are drawn."""

DEFAULT_SEED = 0


def named_cases() -> tuple[tuple[str, Perturbation], ...]:
    """Return each fixture with each of its perturbations, in the order of the battery."""
    return tuple(
        (fixture, perturbation)
        for fixture in NAMES
        for perturbation in PERTURBATIONS
        if fixture in perturbation.fixtures
    )


DEFAULT_COUNT = len(named_cases())
"""The battery's number of cases: all of the table."""

MOST_CASES = 100_000
"""As many as a run may ask for: days of SimpleITK, and a second to name them."""

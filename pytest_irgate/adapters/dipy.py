"""dipy's affine and symmetric diffeomorphic registration, under the gate's protocol.

Convention: arrays are indexed (row, column), and a matrix or a displacement is in the world of
`grid2world`, from the static (fixed) to the moving image. The world's origin lies at the fixed
image's middle, since rotations turn about it (about the first pixel they stall), for both images:
the descent starts where pixels lie on pixels of the same index. So the frame of both is
`row_column() @ image_centred(fixed.shape)`, in a unit of its own for matrices.
"""

from typing import Any

import dipy
import numpy as np
from dipy.align import VerbosityLevels
from dipy.align.imaffine import AffineRegistration, MutualInformationMetric
from dipy.align.imwarp import SymmetricDiffeomorphicRegistration
from dipy.align.metrics import CCMetric, SSDMetric
from dipy.align.transforms import (
    AffineTransform2D,
    RigidIsoScalingTransform2D,
    RigidTransform2D,
    TranslationTransform2D,
)

from irgate_battery.interface.conventions import (
    centred,
    displacement_to_pixels,
    image_centred,
    matrix_from_pixels,
    matrix_to_pixels,
    physical,
    row_column,
)
from irgate_fixtures import Matrix
from pytest_irgate.adapters.starts import start_in_model

STAGES = {
    "translation": [TranslationTransform2D],
    "rigid": [TranslationTransform2D, RigidTransform2D],
    "similarity": [TranslationTransform2D, RigidTransform2D, RigidIsoScalingTransform2D],
    "affine": [TranslationTransform2D, RigidTransform2D, AffineTransform2D],
}
"""Each from where the smaller one ended, as its tutorial does."""
LEVELS: dict[str, list[Any]] = {
    "level_iters": [10000, 1000, 100],
    "sigmas": [3.0, 1.0, 0.0],
    "factors": [4, 2, 1],
}
"""Its tutorial's."""
UNIT_PX = 50.0
"""The world's unit. Its optimiser knows no scales: with one pixel as the unit an entry of the
matrix weighs a hundred times a shift, and on a photograph the descent ends anywhere within 4 px."""
SYN_ITERATIONS = [200, 100, 50]
SYN_SMOOTH = 2.0
"""Deviation of the blur of each step under squared differences, px; the default is 4."""
SYN_MARGIN = 16
"""Pixels put around both images: SyN holds its field at rest on the border, and cannot follow what
moves there (2 px off on the outermost pixels without, 0.5 px with)."""


def register(
    fixed: Any,
    moving: Any,
    model: str,
    mask: Any = None,
    init: Any = None,
    intensity: str = "same",
) -> Any:
    """Register by mutual information; return `(3, 3)`, or `(H, W, 2)` for a free form, px.

    A free form is SyN after an affine map. SyN itself takes no mask: one beside a free form guides
    the affine stage only.

    Raises: ValueError for a dense start.
    """
    images = [np.array(image, dtype=np.float64) for image in (fixed, moving)]
    frame = row_column() @ image_centred(fixed.shape)
    world = physical((1 / UNIT_PX, 1 / UNIT_PX)) @ frame
    start: Any = None
    if init is not None:
        start = matrix_from_pixels(start_in_model(init, model, fixed.shape, "dipy"), world)
    linear = AffineRegistration(
        metric=MutualInformationMetric(nbins=32, sampling_proportion=None),
        verbosity=VerbosityLevels.NONE,
        **LEVELS,
    )
    for stage in STAGES["affine" if model == "ffd" else model]:
        start = linear.optimize(
            *images,
            stage(),
            None,
            starting_affine=start,
            static_mask=None if mask is None else mask.astype(np.int32),
            **_grids(world),
        ).affine
    matrix = matrix_to_pixels(start, world)
    return _syn(images, matrix, intensity) if model == "ffd" else matrix


def _grids(frame: Any) -> dict[str, Any]:
    """Return the `grid2world`s: they take indices as (row, column), a frame takes (x, y)."""
    grid2world = frame @ row_column()
    return {"static_grid2world": grid2world, "moving_grid2world": grid2world}


def _syn(images: list[Any], matrix: Any, intensity: str) -> Any:
    """Return the displacement of SyN after a matrix, px: x + u(x) = A (x + v(x))."""
    wide = [np.pad(image, SYN_MARGIN, mode="edge") for image in images]
    frame = row_column() @ image_centred(wide[0].shape)
    margin = centred((-SYN_MARGIN, -SYN_MARGIN))
    # Squared differences follow noise (0.9 px at 2 %, local correlation 0.3), but on clean images
    # local correlation leaves five times the oracle's residual, squared differences not half more.
    metric = SSDMetric(2, smooth=SYN_SMOOTH) if intensity == "same" else CCMetric(2)
    syn = SymmetricDiffeomorphicRegistration(metric, level_iters=SYN_ITERATIONS)
    syn.verbosity = VerbosityLevels.NONE
    before = matrix_from_pixels(matrix_from_pixels(matrix, margin), frame)
    mapping = syn.optimize(*wide, prealign=before, **_grids(frame))
    inside = (slice(SYN_MARGIN, -SYN_MARGIN),) * 2
    v = displacement_to_pixels(mapping.get_forward_field()[inside], row_column())
    return v @ matrix[:2, :2].T + Matrix(matrix).displacement(images[0].shape)


register.name = "dipy"  # type: ignore[attr-defined]
register.version = dipy.__version__  # type: ignore[attr-defined]
register.models = (*STAGES, "ffd")  # type: ignore[attr-defined]
# Measured: from the identity it finds turns to 15 degrees and shifts to 45 px; of turns from 17
# degrees on some are lost, and a shift by 64 px.
register.reach = {"degrees": 16, "px": 50}  # type: ignore[attr-defined]

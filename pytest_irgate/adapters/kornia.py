"""kornia's ImageRegistrator (gradient descent by Adam, in a pyramid), under the gate's protocol.

Convention: `register(source, destination)` returns `(1, 3, 3)` from destination to source in each
image's own square from -1 to 1, `align_corners=False`. The fixed image is the destination; the
frames are `normalised(shape, align_corners=False)`.

It has no affine model of its own: its homography has two projective parameters besides.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import kornia
import torch
from kornia.geometry.transform import HomographyWarper
from kornia.geometry.transform.image_registrator import (
    BaseModel,
    Homography,
    ImageRegistrator,
    Similarity,
)
from torch.nn.functional import l1_loss, mse_loss

from irgate_battery.interface.conventions import matrix_to_pixels, normalised
from pytest_irgate.adapters.sizes import require_one_size
from pytest_irgate.adapters.torch_thread import one_thread

LEVELS = 4
"""A fifth level of a 200 px image has 13 px, and its answer misled the finer ones."""
ITERATIONS = 300
"""At most, at each level: with steps of a thousandth of the square, 30 px."""
TOLERANCE = 1e-7
"""Change of the loss at which a level ends; the default, 1e-4, ends it some tenth of a px short."""


def register(fixed: Any, moving: Any, model: str, intensity: str = "same") -> Any:
    """Return the motion, `(3, 3)`, fixed to moving, px.

    The default L1 loss where brightness is constant; else the squared difference of images of mean
    0 and the same deviation, which is their correlation.

    A homography takes images of two sizes: kornia stretches the moving one to the size of the
    fixed one, which changes nothing in coordinates from -1 to 1 and is within the family.

    Raises: ValueError for images of two sizes under any other model.
    """
    if model != "homography":
        require_one_size(fixed, moving, "kornia")
    images = [torch.tensor(image, dtype=torch.float32)[None, None] for image in (fixed, moving)]
    loss: Callable[..., Any] = l1_loss
    if intensity == "varying":
        loss = mse_loss
        images = [(image - image.mean()) / image.std() for image in images]
    geometry = _geometry(model)
    registrator = ImageRegistrator(
        geometry,
        optimizer=partial(_adam, angle=getattr(geometry, "rot", None)),
        loss_fn=loss,
        warper=HomographyWarper,
        pyramid_levels=LEVELS,
        num_iterations=ITERATIONS,
        tolerance=TOLERANCE,
        allow_shape_mismatch=model == "homography",
    )
    with one_thread(), torch.enable_grad():
        found = registrator.register(images[1], images[0]).detach()[0]
    frames = [normalised(image.shape, align_corners=False) for image in (fixed, moving)]
    return matrix_to_pixels(found.double().numpy(), *frames)


def _geometry(model: str) -> BaseModel:
    if model == "homography":
        return Homography()
    return Similarity(rotation=model != "translation", scale=model == "similarity", shift=True)


def _adam(
    parameters: Iterable[torch.Tensor], lr: float, *, angle: torch.Tensor | None
) -> torch.optim.Optimizer:
    """Return Adam with a step for the angle that moves the rim as far as a shift's step.

    The angle is in degrees: with the shift's own step, a thousandth, it gets 1.3 degrees far. A
    scale and a homography's entries are of a shift's size in coordinates from -1 to 1.
    """
    groups = [{"params": [p], "lr": lr * (180 / torch.pi if p is angle else 1)} for p in parameters]
    return torch.optim.Adam(groups)


register.name = "kornia ImageRegistrator"  # type: ignore[attr-defined]
register.version = kornia.__version__  # type: ignore[attr-defined]
register.models = ("translation", "rigid", "similarity", "homography")  # type: ignore[attr-defined]
# Measured: from the identity it finds all turns to 17 degrees and shifts to 14 px; of turns from 30
# degrees on and of shifts from 45 px on some or all are lost.
register.reach = {"degrees": 25, "px": 30}  # type: ignore[attr-defined]

"""MIND: descriptors of an image's own self-similarity, for images that share no intensities.

Over the four neighbours r of each pixel, (1, 0), (0, 1), (-1, 0), (0, -1), d px away,

(1)  D_r(x) = G * (I(x) - I(x + r))^2,    G Gaussian: the distance of two patches
(2)  V(x)   = mean over r of D_r(x) + floor
(3)  m_r(x) = exp(-D_r(x) / V(x))

and the residual is m_r of the fixed image minus m_r of the warped one, a channel for each r: how a
patch differs from its neighbours says where edges run, whatever grey values they have. m is made of
the *warped* image, because it is not rotation invariant.

Where either pixel of (1) is not valid the difference does not count (`_windows`, eq. 1).

Source: Heinrich et al. 2012, "MIND: modality independent neighbourhood descriptor for multi-modal
deformable registration", eq. 3 to 5, in two dimensions. Two things are otherwise here. (3) is not
divided by its largest channel: where two channels tie that has a kink, at which no derivative
exists. And V has a floor, so that flat and constant patches give finite values and derivatives: (3)
is then 1 in every channel.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from irgate_solver._dissimilarity import Dissimilarity
from irgate_solver._windows import windowed_means

FLOOR = 1e-5
"""Added to (2), squared unit range: a contrast of 0.3 % of the range between neighbours counts as
much as the floor, and less counts as noise."""
SIGMA = 0.8
"""Of G over the neighbours' distance."""


def descriptor(image: Tensor, valid: Tensor, distance: int, floor: float = FLOOR) -> Tensor:
    """Return (3) of `image` `(B, h, w)` with neighbours `distance` px away, `(B, 4, h, w)`."""
    squares, both = [], []
    for axis in (2, 1):
        pair = _differences(image * valid, axis, distance), _products(valid, axis, distance)
        for before in (True, False):
            width = (distance, 0) if before else (0, distance)
            pad = (*width, 0, 0) if axis == 2 else (0, 0, *width)
            square, counts = (torch.nn.functional.pad(plane, pad) for plane in pair)
            squares.append(square)
            both.append(counts)
    counted = torch.stack(both, 1)
    distances = windowed_means(torch.stack(squares, 1), counted, SIGMA * distance)
    variance = distances.mean(1, keepdim=True) + floor
    return torch.exp(-distances / variance)


def mind(
    fixed: Tensor,
    warped: Tensor,
    valid: Tensor,
    *,
    distances: tuple[int, ...] = (1,),
    floor: float = FLOOR,
) -> Tensor:
    """Return the residual, `(B, 4 len(distances), h, w)`."""
    return torch.cat(
        [
            descriptor(warped, valid, distance, floor) - descriptor(fixed, valid, distance, floor)
            for distance in distances
            if distance < min(fixed.shape[1:])
        ],
        1,
    )


def _differences(image: Tensor, axis: int, distance: int) -> Tensor:
    """Return the squared differences of pixels `distance` apart, `distance` fewer."""
    count = image.shape[axis] - distance
    difference = image.narrow(axis, distance, count) - image.narrow(axis, 0, count)
    return difference * difference


def _products(valid: Tensor, axis: int, distance: int) -> Tensor:
    count = valid.shape[axis] - distance
    return valid.narrow(axis, distance, count) * valid.narrow(axis, 0, count)


_AT_SCALES: Callable[..., Tensor] = partial(mind, distances=(1, 2, 4))
MIND = Dissimilarity("mind", mind, local=True)
MIND_PYRAMID = Dissimilarity("mind-pyramid", _AT_SCALES, local=True)
"""MIND with neighbours and patches of three sizes: twelve channels."""

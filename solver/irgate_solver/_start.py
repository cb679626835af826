"""Start values: what a caller passes as `init`, as parameters of the family."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from irgate_solver import _metrics, _warps
from irgate_solver._homography import Homography, points_of
from irgate_solver._lucas_kanade import valid_on
from irgate_solver._pair import read_tensor
from irgate_solver._precision import SOLVE
from irgate_solver._pyramid import Level
from irgate_solver._warps import FreeForm, LinearWarp, Warp


@dataclass(frozen=True)
class Parameters:
    """A start that was read already: the family's parameters, `(batch, size)`."""

    p: Tensor


def identity(warp: Warp | Homography, batch: int, device: torch.device) -> Tensor:
    """Return the parameters of T(x) = x, `(batch, size)`: zero in every family."""
    return torch.zeros(batch, warp.size, dtype=SOLVE, device=device)


def read(init: Any, warp: Warp | Homography, batch: int, device: torch.device) -> Tensor:
    """Return the parameters nearest to `init`, `(batch, size)`.

    A matrix becomes the family's nearest member (Procrustes for a rotation), or exactly the same
    map in the FFD's spline space; a displacement, and a projective map with one, is fitted by least
    squares. The result is detached
    from the caller's graph, because the start of a descent does not change its end.

    Args:
        warp: the family.
        batch: number of pairs.
        device: of the images.
        init: `(3, 3)` or `(B, 3, 3)` array, or an object with `.matrix` (or None) and
            `.displacement(shape)`.

    Raises:
        TypeError, ValueError: it is neither, or not finite.

    """
    if isinstance(init, Parameters):
        return init.p
    given = hasattr(init, "displacement")
    matrix = getattr(init, "matrix", None) if given else init
    projective = isinstance(warp, Homography)
    if matrix is None or (given and not projective and not _is_affine(matrix)):
        field = _field(init, warp, batch, device)
        return _warp_from_field(warp, field)
    matrix = _matrix(matrix, batch, device, projective)
    if isinstance(warp, Homography):
        return warp.from_matrix(matrix)
    if isinstance(warp, FreeForm):
        affine = _warps.Affine(warp.height, warp.width)
        return to_free_form(affine, affine.from_matrix(matrix), warp)
    assert isinstance(warp, LinearWarp)
    return warp.from_matrix(matrix)


def require_overlap(
    warp: Warp | Homography, p: Tensor, level: Level, given: Level, extent: tuple[int, int]
) -> None:
    """Raise ValueError where a start maps no trusted pixel into the moving image.

    Args:
        warp: the family.
        p: the start, `(B, n)`.
        level: the full images as they are compared.
        given: the same without smoothing, which leaves out a band.
        extent: the moving image's (height, width).

    """
    points = points_of(warp, level, p)
    seen, shown = (_metrics.total(valid_on(each, points, extent)) for each in (level, given))
    if bool((seen > 0).all()):
        return
    if bool((shown > 0).all()):
        raise ValueError(
            "register: init leaves no overlap beside the band that smoothing does not count: "
            f"{int(shown.min())} pixels show something of moving, all of them near a border or "
            "a mask; expected a start that shows more: start closer, or give a smaller "
            "`smoothing`"
        )
    raise ValueError(
        "register: init leaves no overlap: it maps every trusted pixel of fixed outside "
        f"moving's {extent[0]} x {extent[1]}; expected a start that shows some "
        "of it: check that it maps fixed to moving, in pixels, (x, y), or leave it out"
    )


def to_free_form(linear: LinearWarp, p: Tensor, warp: FreeForm) -> Tensor:
    """Return the FFD that is the linear map `p`, exactly: cubic splines hold 1, x and y."""
    device = p.device
    y = torch.arange(warp.height, dtype=SOLVE, device=device)
    x = torch.arange(warp.width, dtype=SOLVE, device=device)
    return warp.fit(_warps.displacement(linear, p, y, x))


def between_linear(before: LinearWarp, p: Tensor, after: LinearWarp) -> Tensor:
    """Return the member of `after` nearest to the linear map `p` of `before`."""
    return after.from_centred(*before.centred(p))


def _matrix(value: Any, batch: int, device: torch.device, projective: bool) -> Tensor:
    matrix = read_tensor("init", value).detach().to(device, SOLVE)
    if matrix.shape not in ((3, 3), (batch, 3, 3)):
        raise ValueError(
            f"register: init's matrix has shape {tuple(matrix.shape)}; expected (3, 3) on "
            "(x, y, 1) about the pixel origin, or one for each pair of the batch"
        )
    if not bool(matrix.isfinite().all()) or not (projective or _is_affine(matrix)):
        raise ValueError(
            "register: init's matrix is not finite or its last row is not (0, 0, 1); expected a "
            "homogeneous matrix of an affine map, fixed to moving"
        )
    return matrix.expand(batch, 3, 3)


def _is_affine(matrix: Any) -> bool:
    """Return whether the last row is (0, 0, 1); True for what has no such row."""
    value = read_tensor("init", matrix).detach().to(SOLVE)
    if value.shape[-2:] != (3, 3):
        return True
    row = value[..., 2, :]
    return torch.allclose(row, row.new_tensor([0.0, 0.0, 1.0]).expand(row.shape))


def _field(init: Any, warp: Warp | Homography, batch: int, device: torch.device) -> Tensor:
    """Ask `init` for its displacement on the fixed grid: `(batch, 2, H, W)`."""
    shape = (warp.height, warp.width)
    if not hasattr(init, "displacement"):
        raise TypeError(
            f"register: init is {type(init).__name__}; expected a 3x3 matrix or an object with "
            ".matrix and .displacement(shape)"
        )
    field = read_tensor("init", init.displacement(shape)).detach().to(device, SOLVE)
    if field.shape not in ((*shape, 2), (batch, *shape, 2)) or not bool(field.isfinite().all()):
        raise ValueError(
            f"register: init's displacement has shape {tuple(field.shape)}; expected finite "
            f"{(*shape, 2)}, last axis (dx, dy), px"
        )
    return field.expand(batch, *shape, 2).permute(0, 3, 1, 2)


def _warp_from_field(warp: Warp | Homography, field: Tensor) -> Tensor:
    if isinstance(warp, Homography):
        return functional.pad(_warp_from_field(warp.affine, field), (0, 2))
    if isinstance(warp, FreeForm):
        return warp.fit(field)
    assert isinstance(warp, LinearWarp)
    affine = _warps.Affine(warp.height, warp.width)
    # Least squares on the basis 1, xi, eta, which are orthogonal on the full grid.
    y = torch.arange(warp.height, dtype=SOLVE, device=field.device)
    x = torch.arange(warp.width, dtype=SOLVE, device=field.device)
    c = torch.linalg.pinv(affine.rows(y)) @ field @ torch.linalg.pinv(affine.columns(x)).mT
    order = (c[:, 0, 0, 0], c[:, 1, 0, 0], c[:, 0, 0, 1], c[:, 0, 1, 0], c[:, 1, 0, 1])
    p = torch.stack((*order, c[:, 1, 1, 0]), -1)
    return between_linear(affine, p, warp)

"""What the page's script draws of a case: its images by number, and the transforms on them."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from irgate_battery.report.page.images import Images
from irgate_battery.report.page.page_case import PageCase
from irgate_battery.report.remade import MadeCases, NotRemadeError, remade
from irgate_battery.results.stored_transform import StoredGrid, StoredTransform

NO_ROOM = "left out, so that the page stays small"
"""Why a case has no images, where there were too many."""


def drawing(
    case: PageCase, battery: str, images: Images, made: MadeCases | None = None
) -> dict[str, Any]:
    """Return the drawing of a case as builtin types; `"why"` says why there is none.

    Args:
        case: what is drawn.
        battery: the version that drew its images.
        images: takes them.
        made: cases that were made again already; they grow.
    """
    try:
        pair = remade(case.there, case.pictured, battery, made)
    except NotRemadeError as error:
        return {"why": str(error)}
    floor = _floor(case)
    moving_mask = pair.images.moving_mask
    return {
        "fixed": images.add(pair.images.fixed, floor),
        "moving": images.add(pair.images.moving, floor),
        "mask": None if pair.images.mask is None else images.add_mask(pair.images.mask),
        "moving_mask": None if moving_mask is None else images.add_mask(moving_mask),
        "truth": _transform(pair.truth, pair.images.shape, images),
        "oracle": _transform(pair.oracle, pair.images.shape, images),
        "answers": [
            _transform(row.transform if row else None, pair.images.shape, images)
            for row in case.rows
        ],
    }


def numbers_in(drawn: dict[str, Any]) -> Iterable[int]:
    """Yield the numbers of the images that a drawing needs."""
    for name in ("fixed", "moving", "mask", "moving_mask"):
        if drawn[name] is not None:
            yield drawn[name]
    for transform in (drawn["truth"], drawn["oracle"], *drawn["answers"]):
        yield from (transform or {}).get("field", ())


def _floor(case: PageCase) -> float | None:
    """Return the smallest RMSE beside which anybody looks at a difference."""
    rows = case.there
    return min((row.truth_rmse or row.oracle_rmse or np.inf for row in rows), default=None)


def _transform(
    transform: StoredTransform | None, shape: tuple[int, int], images: Images
) -> dict[str, Any] | None:
    """Return a transform as it is stored; a displacement of all pixels as two images."""
    if transform is None:
        return None
    if not isinstance(transform, StoredGrid):
        return transform.to_dict()
    if transform.size != shape:
        return None
    if transform.grid != transform.size:
        return transform.to_dict()
    field = transform.displacement_on(shape)
    return {"field": [images.add_field(np.ascontiguousarray(field[..., k])) for k in (0, 1)]}

"""What a solver handed back, taken out of the object that held it: an array and where it stood.

This runs beside the solver, in its process: an object's `.displacement(shape)` is the solver's code
too. What the array means is read by `answer`, beside the judge.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MASKED = "masked"
"""What stands for the number type of a masked array: it has no value where it is masked."""


@dataclass(frozen=True, eq=False)
class Returned:
    """What came.

    Attributes:
        kind: the type of what was returned, `"ndarray"`, `"tuple"`, `"NoneType"`.
        place: where the array stood in it, `""`, `" as .matrix"` or `" as .displacement"`.
        array: numbers of any shape; `None` where there are none, or where they stay behind.
        dtype: of numbers that are no real ones, `"complex64"`, or `MASKED`; else empty.
        shape: the array's, which may be of a size that is not sent; `None` without one.

    """

    kind: str
    place: str = ""
    array: NDArray[Any] | None = None
    shape: tuple[int, ...] | None = None
    dtype: str = ""


def forms(shape: tuple[int, int]) -> tuple[tuple[int, ...], ...]:
    """Return the shapes that a transform may have, for a fixed image of this one."""
    return (2, 3), (3, 3), (*shape, 2)


def held(raw: object, shape: tuple[int, int]) -> tuple[Any, str]:
    """Return what an object holds of a transform, and where: each attribute is read once.

    Args:
        raw: what the solver returned.
        shape: `(H, W)` of the fixed image, for a `.displacement` that is a method.
    """
    if raw is None:
        return None, ""
    matrix = getattr(raw, "matrix", None)
    if callable(matrix):
        matrix = matrix()
    if matrix is not None:
        return matrix, " as .matrix"
    displacement = getattr(raw, "displacement", None)
    if displacement is not None:
        if callable(displacement):
            displacement = displacement(shape)
        return displacement, " as .displacement"
    return raw, ""


def unwrapped(content: Any, place: str) -> Returned:
    """Return an array of numbers; a torch tensor is known by its methods, torch is not imported.

    Args:
        content, place: from `held`.
    """
    kind = type(content).__name__
    if hasattr(content, "detach") and hasattr(content, "cpu"):
        # Of a complex tensor .double() would drop a half, and of a bool one make numbers.
        named = str(content.dtype).removeprefix("torch.")
        if named.startswith("complex") or named == "bool":
            return Returned(kind, place, dtype=named)
        content = content.detach().cpu().double().numpy()
    if content is None:
        return Returned(kind, place)
    if isinstance(content, np.ma.MaskedArray):
        return Returned(kind, place, dtype=MASKED)
    try:
        array = np.asarray(content)
    except (ValueError, TypeError):
        return Returned(kind, place)
    if array.dtype.kind not in "iuf":
        has_type = array.ndim and not isinstance(content, tuple)
        return Returned(kind, place, dtype=str(array.dtype) if has_type else "")
    return Returned(kind, place, array, array.shape)

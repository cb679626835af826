"""The one size that some libraries ask of both images."""

from typing import Any


def require_one_size(fixed: Any, moving: Any, library: str) -> None:
    """Refuse images of two sizes.

    Filling up the smaller one would register the filling too, and stretching one would change what
    a rigid motion is: which of the two does less harm is for the user to say.

    Args:
        fixed, moving: `(H, W)`.
        library: whose wish it is.
    Raises: ValueError.
    """
    if fixed.shape != moving.shape:
        raise ValueError(
            f"{library} registers images of one size, got {fixed.shape} and {moving.shape}; crop "
            "or pad them to one"
        )

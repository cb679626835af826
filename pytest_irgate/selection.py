"""Which of the gate's items the command line names, and which paths are the user's own."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

ROOT = "irgate"
"""The name under which the suites stand beside the user's paths; it is no folder on disk. A user's
own folder of that name is `./irgate`."""


@dataclass(frozen=True)
class Selection:
    """What of the gate was named.

    Attributes:
        named: node ids or their beginnings (`irgate/base.py`, `irgate/base.py::test_case[x]`);
            `None` where all of it was.

    """

    named: tuple[str, ...] | None

    def holds(self, nodeid: str) -> bool:
        """Whether this item, or something in this module, was named."""
        if self.named is None:
            return True
        return any(
            nodeid == name
            or nodeid.startswith((f"{name}::", f"{name}["))
            or name.startswith(f"{nodeid}::")
            for name in self.named
        )


def split_arguments(args: Sequence[str], suites: Sequence[str]) -> tuple[list[str], Selection]:
    """Split pytest's arguments into the user's own paths and the gate's.

    Args:
        args: paths and node ids as pytest decided them.
        suites: the suites of this run.
    Raises: pytest.UsageError where a named suite does not exist or was not asked for.

    """
    own = [arg for arg in args if not _is_ours(arg)]
    ours = [arg.rstrip("/") for arg in args if _is_ours(arg)]
    for arg in ours:
        module = arg.partition("::")[0]
        if module != ROOT and module not in {module_id(suite) for suite in suites}:
            raise pytest.UsageError(
                f"{arg}: no such suite in this run; it has "
                f"{', '.join(module_id(suite) for suite in suites)} (your own folder {ROOT} is "
                f"./{ROOT})"
            )
    if ROOT in ours:
        return own, Selection(None)
    return own, Selection(tuple(ours))


def module_id(suite: str) -> str:
    """Return a suite's node id."""
    return f"{ROOT}/{suite}.py"


def _is_ours(arg: str) -> bool:
    return arg == ROOT or arg.startswith((f"{ROOT}/", f"{ROOT}::"))

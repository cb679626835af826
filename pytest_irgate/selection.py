"""Which of the gate's items the command line names, and which paths are the user's own."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from irgate_battery.suites.registry import FOLDER, REGISTRY


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


def arguments_of(config: pytest.Config) -> tuple[list[str], str | None]:
    """Return what is to be collected, the gate's part named, and what is left out, in words.

    Paths that are named on the command line are all of it. Where none is, `--irgate` means the gate
    and nothing else, and ini means the gate beside what pytest collects without it.
    """
    args = list(config.args)
    if config.args_source is config.ArgsSource.ARGS:
        if any(map(_is_ours, args)):
            return args, None
        return args, f"the gate's items are left out; name `{FOLDER}` beside your paths to run both"
    if not config.getoption("irgate"):
        # A folder of the user's own that is called so was found by pytest; it is on disk.
        return [f"./{arg}" if _is_ours(arg) else arg for arg in args] + [FOLDER], None
    if config.args_source is config.ArgsSource.TESTPATHS:
        both = " ".join([*args, FOLDER])
        return [FOLDER], f"your own tests are left out; `pytest --irgate {both}` runs both"
    return [FOLDER], None


def split_arguments(args: Sequence[str], names: Sequence[str]) -> tuple[list[str], Selection]:
    """Split pytest's arguments into the user's own paths and the gate's.

    `irgate` is no folder on disk; a user's own folder of that name is `./irgate`.

    Args:
        args: paths and node ids as pytest decided them.
        names: the suites of this run.
    Raises: pytest.UsageError where a named suite does not exist or was not asked for.

    """
    own = [arg for arg in args if not _is_ours(arg)]
    ours = [arg.rstrip("/") for arg in args if _is_ours(arg)]
    modules = [entry.module_id for entry in REGISTRY if entry.name in names]
    for arg in ours:
        module = arg.partition("::")[0]
        if module != FOLDER and module not in modules:
            raise pytest.UsageError(
                f"{arg}: no such suite in this run; it has {', '.join(modules)} (your own folder "
                f"{FOLDER} is ./{FOLDER})"
            )
    if FOLDER in ours:
        return own, Selection(None)
    return own, Selection(tuple(ours))


def _is_ours(arg: str) -> bool:
    return arg == FOLDER or arg.startswith((f"{FOLDER}/", f"{FOLDER}::"))

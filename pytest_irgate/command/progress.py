"""One line on a terminal's standard error that says what runs now; nothing anywhere else."""

import sys
from collections.abc import Sequence

from irgate_battery.suites.evaluation import ItemResult
from pytest_irgate.command import colour

_CLEAR = "\r\x1b[K"


class Progress:
    """The line.

    Args:
        items: what will run, `suite case`, in order.
        shown: whether to show anything, a terminal provided.

    """

    def __init__(self, items: Sequence[str], shown: bool) -> None:
        self._items = items
        self._shown = shown and colour.is_terminal(sys.stderr)
        self._done = 0
        self._bad = 0
        self._write()

    def tell(self, result: ItemResult) -> None:
        """Count one more item as done."""
        self._done += 1
        self._bad += result.row.status in ("failed", "error")
        self._write()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()

    def _write(self) -> None:
        if not self._shown or self._done >= len(self._items):
            return
        bad = f", {self._bad} failed" if self._bad else ""
        line = f"{self._done} of {len(self._items)} done{bad}; now {self._items[self._done]}"
        sys.stderr.write(f"{_CLEAR}{line[: colour.width()]}")
        sys.stderr.flush()

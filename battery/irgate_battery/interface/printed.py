"""What a solver's process prints: kept in a file, and shown by the judge after each call.

So it stands with the item that it belongs to, whoever captures output, and nothing in it can clear
a screen.
"""

import contextlib
import os
import sys
import tempfile
from typing import Literal

from irgate_battery.interface.outside_text import LONGEST_DETAIL, several_lines


class Printed:
    """One stream of a process.

    Args:
        stream: the judge's stream that it is shown on, as it is at that time.
        bar: what stands before each line, where no pytest sets it off from the report.
    """

    def __init__(self, stream: Literal["stdout", "stderr"], bar: str = "") -> None:
        self._stream = stream
        self._bar = bar
        unused, self._path = tempfile.mkstemp(prefix="irgate-printed-")
        os.close(unused)
        # What is written is appended, so that taking it away leaves no hole; a TemporaryFile is
        # not opened so.
        self._file = open(self._path, "a+b", buffering=0)  # noqa: SIM115 -- as long as the process
        with contextlib.suppress(OSError):
            # Where an open file cannot be taken away it goes when it is closed.
            os.unlink(self._path)

    def fileno(self) -> int:
        """Return the file descriptor that the process writes to."""
        return self._file.fileno()

    def show(self) -> None:
        """Show what came since it was last shown, and take it away."""
        if not os.fstat(self.fileno()).st_size:
            return
        self._file.seek(0)
        # A character has four bytes at most; what is longer loses its middle, and the rest.
        text = self._file.read(4 * LONGEST_DETAIL).decode("utf-8", "replace")
        self._file.truncate(0)
        stream = getattr(sys, self._stream)
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.write(barred(several_lines(text), self._bar))
                stream.flush()

    def close(self) -> None:
        """Show the rest, and let the file go."""
        with contextlib.suppress(OSError, ValueError):
            self.show()
        self._file.close()
        with contextlib.suppress(OSError):
            os.unlink(self._path)


def barred(text: str, bar: str = "| ") -> str:
    """Return a text with a bar before each line: none can pass for a line of the report."""
    return "".join(f"{bar}{line}" for line in text.splitlines(keepends=True))

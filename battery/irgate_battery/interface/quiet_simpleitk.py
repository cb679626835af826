"""SimpleITK as this project imports and runs it: without warnings, on one thread.

Whoever reads image files or solves with SimpleITK takes it from here; nothing imports it before.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def simpleitk() -> Any:
    """Import SimpleITK and return it, with warnings off.

    SimpleITK 2.4 warns while it is imported, and where warnings are errors it ends the process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import SimpleITK
    return SimpleITK


@contextmanager
def one_quiet_thread() -> Iterator[None]:
    """Run SimpleITK on one thread and without warnings on stderr; put both back afterwards.

    With another number of threads ITK adds in another order, and the last bits change. Work units
    of a registration method do not follow this setting: `irgate_battery.oracle.itk.method` sets
    them too.
    """
    process = simpleitk().ProcessObject
    threads = process.GetGlobalDefaultNumberOfThreads()
    shown = process.GetGlobalWarningDisplay()
    process.SetGlobalDefaultNumberOfThreads(1)
    process.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        process.SetGlobalDefaultNumberOfThreads(threads)
        process.SetGlobalWarningDisplay(shown)

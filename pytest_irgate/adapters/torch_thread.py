"""One thread for torch while a solver works, for the adapters of what is written in torch."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work in one thread, and put its number of threads back.

    At 200 px a second thread costs more than it brings. On a machine that is busy, or under
    `pytest -n`, threads that wait for each other take a hundred times as long; and sums must not
    depend on how many there were.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

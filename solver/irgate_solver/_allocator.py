"""Keeping freed memory: an allocator that gives pages back makes each solve fault them in anew.

glibc maps blocks beyond a threshold freshly and returns them, and what lies free at the heap's end,
to the system; both thresholds rise to the largest mapped block that was ever freed (mallopt(3),
M_MMAP_THRESHOLD). A solve makes and frees some hundred images; at 200 px without this a quarter
of its time goes into page faults (measured on a virtual machine: 500 faults a solve, 11000 for an
FFD, and then a few).
"""

import torch

from irgate_solver._size_cache import cached_by_size

LARGEST = 28 * 2**20
"""Bytes of the block that is freed; glibc's threshold rises to 32 MiB at most."""


@cached_by_size
def keep_freed() -> None:
    """Take and free one large block, once. It is never written to, so costs no memory itself."""
    torch.empty(LARGEST, dtype=torch.uint8)

"""The C library's allocator: make it keep freed memory, so that a solve need not fault it in anew.

glibc returns large freed blocks, and free memory at the end of the heap, to the system. The sizes
from which it does so rise to that of the largest mapped block that was ever freed (mallopt(3),
M_MMAP_THRESHOLD). A solve allocates and frees some hundred images. At 200 px a quarter of its time
goes into page faults without this setting (measured on a virtual machine: 500 faults a solve, 11000
for an FFD; with it a few).
"""

import torch

from irgate_solver._size_cache import cached_by_size

LARGEST = 28 * 2**20
"""Size, bytes, of the block that is freed; glibc's thresholds rise to 32 MiB at most."""


@cached_by_size
def keep_freed() -> None:
    """Allocate and free one large block, once. It is never written to, so it uses no memory."""
    torch.empty(LARGEST, dtype=torch.uint8)

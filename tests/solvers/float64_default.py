"""Broken on purpose: changes torch's default dtype for everybody."""

import knowing
import torch


def register(fixed, moving):
    torch.set_default_dtype(torch.float64)
    return knowing.register(fixed, moving)

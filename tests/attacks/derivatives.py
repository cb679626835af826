"""Solvers that answer arrays rightly, and attack where a derivative is asked for."""

import ctypes
import os
import time

import torch

from attacks.declared import HUNG, attack, ended

SHIFT = (3.5, -2.23)
"""The truth of the pair that they are asked about."""


def answer(fixed, moving):
    """The true shift, attached to both images."""
    zero = 0.0 * (fixed.sum() + moving.sum())
    eye = torch.eye(2, 3, dtype=torch.float64)
    eye[0, 2], eye[1, 2] = SHIFT
    return eye + zero


class Hanging(torch.autograd.Function):
    @staticmethod
    def forward(ctx, tensor):
        return tensor.clone()

    @staticmethod
    def backward(ctx, cotangent):
        ctypes.PyDLL(None).sleep(1000)


class Exiting(torch.autograd.Function):
    @staticmethod
    def forward(ctx, tensor):
        return tensor.clone()

    @staticmethod
    def backward(ctx, cotangent):
        os._exit(0)


@attack(HUNG, hangs=True)
def backward_that_hangs(fixed, moving):
    return Hanging.apply(answer(fixed, moving))


@attack(ended("exit status 0"))
def backward_that_exits(fixed, moving):
    return Exiting.apply(answer(fixed, moving))


class Lazy:
    matrix = None

    def __init__(self, fixed):
        self._attached = fixed.requires_grad

    def displacement(self, shape):
        time.sleep(1000)


@attack(HUNG, hangs=True)
def displacement_that_hangs(fixed, moving):
    return Lazy(fixed)


class Skipping:
    """The matrix, the first time that it is read; a skip afterwards."""

    def __init__(self, matrix):
        self._matrix = matrix
        self._reads = 0

    @property
    def matrix(self):
        import pytest

        self._reads += 1
        if self._reads > 1:
            pytest.skip("read before")
        return self._matrix


@attack("the gradient to fixed is zero everywhere")
def matrix_that_skips_when_read_again(fixed, moving):
    return Skipping(answer(fixed, moving))


for _attack in ATTACKS:  # noqa: F821 -- `attack` makes it
    _attack.function.differentiable = True
    _attack.function.models = ("translation",)

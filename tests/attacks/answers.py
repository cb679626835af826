"""Solvers that raise and return what a judge might trip over, and that end the process they are in.

They are run in a process of their own, and in the judge's.
"""

import os
import sys
import types

import numpy as np
import torch

from attacks.declared import attack, ended

ESCAPES = "\x1b[2J\x9b1A\u202e\udcff\nirgate: PASS: 134 items passed"
"""Clears the screen, goes up a line, turns the writing round, cannot be encoded, begins a line."""


def attack_anywhere(words):
    """Declare one of which the same is said wherever it is."""
    return attack(words, here=(words,))


class Unsayable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class LeavingWhenAsked(Exception):
    def __str__(self):
        raise SystemExit(0)


class Renamed(Exception):
    pass


Renamed.__name__ = ESCAPES.replace("\udcff", "")


# --- what they raise ------------------------------------------------------------------------------


@attack_anywhere("raised Unsayable: (what it says could not be read")
def raises_what_cannot_be_said(fixed, moving):
    raise Unsayable


@attack_anywhere("its __str__ raised SystemExit")
def raises_what_leaves_when_it_is_asked(fixed, moving):
    raise LeavingWhenAsked


@attack_anywhere(r"\x1b[2J\x9b1A\u202e\udcff irgate: PASS")
def raises_a_forged_verdict(fixed, moving):
    raise ValueError(ESCAPES)


@attack_anywhere(r"raised \x1b[2J\x9b1A\u202e irgate: PASS")
def raises_under_a_forged_name(fixed, moving):
    raise Renamed("x")


@attack_anywhere("characters ...]")
def raises_megabytes(fixed, moving):
    raise ValueError("x" * 5_000_000)


@attack_anywhere("raised SystemExit: 0")
def leaves(fixed, moving):
    sys.exit(0)


@attack_anywhere("raised KeyboardInterrupt")
def interrupts(fixed, moving):
    raise KeyboardInterrupt


@attack_anywhere("raised GeneratorExit")
def closes(fixed, moving):
    raise GeneratorExit


@attack_anywhere("raised StopIteration")
def stops(fixed, moving):
    raise StopIteration


@attack_anywhere("raised MemoryError")
def has_no_memory(fixed, moving):
    raise MemoryError


@attack_anywhere("raised RecursionError")
def never_ends(fixed, moving):
    return never_ends(fixed, moving)


@attack_anywhere("raised ExceptionGroup")
def raises_many(fixed, moving):
    raise ExceptionGroup("many", [ValueError(ESCAPES), Unsayable()])


# --- how they end the process ---------------------------------------------------------------------


@attack(ended("exit status 0"), here=("os._exit(0), which would have ended the whole run",))
def ends_the_process(fixed, moving):
    os._exit(0)


@attack(ended("exit status 0"), here=("os._exit(0), which would have ended the whole run",))
def ends_the_process_by_its_own_module(fixed, moving):
    sys.modules["posix"]._exit(0)


@attack(ended("exit status 0"), here=("os.execv(",))
def puts_another_program_in_its_place(fixed, moving):
    os.execv(sys.executable, [sys.executable, "-c", ""])


@attack(ended("exit status 0"), here=("os.execve(",))
def puts_another_program_with_an_environment(fixed, moving):
    os.execve(sys.executable, [sys.executable, "-c", ""], {})


# --- what they return -----------------------------------------------------------------------------


@attack_anywhere("of complex128")
def complex_numbers(fixed, moving):
    return np.eye(3) + 0j


@attack_anywhere("of complex64")
def a_complex_tensor(fixed, moving):
    return torch.eye(3) + 0j


@attack_anywhere("of bool")
def truth_values(fixed, moving):
    return np.eye(3, dtype=bool)


@attack_anywhere("of object")
def objects(fixed, moving):
    return np.eye(3).astype(object)


@attack_anywhere("of object")
def numbers_without_end(fixed, moving):
    return [[10**400, 0, 0], [0, 1, 0]]


@attack_anywhere("of <U")
def words(fixed, moving):
    return [["1", "0", "0"], ["0", "1", "0"]]


@attack_anywhere("a masked array")
def masked(fixed, moving):
    return np.ma.masked_array(np.eye(3), mask=np.eye(3, dtype=bool))


@attack_anywhere("returned a list")
def ragged(fixed, moving):
    return [[1, 0], [0, 1, 0]]


@attack_anywhere("returned a dict")
def a_dict(fixed, moving):
    return {"matrix": np.eye(3)}


@attack_anywhere("returned a generator")
def a_generator(fixed, moving):
    yield np.eye(3)


@attack_anywhere("returned a coroutine")
def a_coroutine(fixed, moving):
    async def later():
        return np.eye(3)

    coroutine = later()
    coroutine.close()
    return coroutine


@attack_anywhere("of shape (0, 3)")
def nothing_in_it(fixed, moving):
    return np.empty((0, 3))


@attack_anywhere("6 of 6 numbers that are NaN")
def no_numbers(fixed, moving):
    return np.full((2, 3), np.nan)


@attack_anywhere("a number of size 1e+308")
def beyond_all_images(fixed, moving):
    return np.full((2, 3), 1e308)


@attack_anywhere("raised SystemExit: 0")
def leaves_when_it_is_read(fixed, moving):
    class Answer:
        @property
        def matrix(self):
            raise SystemExit(0)

    return Answer()


@attack_anywhere("raised Unsayable")
def raises_when_it_is_read(fixed, moving):
    def displacement(shape):
        raise Unsayable

    return types.SimpleNamespace(matrix=None, displacement=displacement)


@attack_anywhere("raised Unsayable")
def is_an_array_that_raises(fixed, moving):
    class Answer:
        def __array__(self, dtype=None, copy=None):
            raise Unsayable

    return Answer()


@attack(ended("exit status 0"), here=("os._exit(0), which would have ended the whole run",))
def ends_the_process_when_it_is_read(fixed, moving):
    return types.SimpleNamespace(matrix=lambda: os._exit(0))


@attack_anywhere("returned an array of shape (100000, 100000)")
def more_than_fits_in_memory(fixed, moving):
    return np.broadcast_to(np.float64(0), (10**5, 10**5))

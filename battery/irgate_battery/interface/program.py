"""A program as a solver: `cmd:./reg {fixed} {moving} {out}`, run anew for each pair.

It gets files and writes one. This runs where the solver lives, so that what it starts and writes is
as far from the judge as the solver is.
"""

import os
import shlex
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from irgate_battery.interface import linux
from irgate_battery.interface.call import Init
from irgate_battery.interface.declaration import OPTIONAL_ARGUMENTS, RUN, SpecError
from irgate_battery.interface.quiet_simpleitk import one_quiet_thread, simpleitk
from irgate_battery.interface.transform_file import answer_file, read_transform

FORMATS = ("npy", "png", "tif", "mha", "nii")
"""Of the images that a program is handed; the endings of their names."""

NEEDED = ("fixed", "moving", "out")

_HELD_BY = {"png": "uint8 uint16", "tif": "uint8 uint16 int16 float32 float64"}
"""Number types that a format holds; the others hold all that the gate hands over."""

GREY_LEVELS = 65535
"""What a png can tell apart: floats are written as whole numbers from 0 to this."""

LAST_WORDS = 500
"""Characters of a program's standard error that a message repeats."""


class ProgramFailed(Exception):
    """A program ended with an error, or without an answer."""


class FormatError(TypeError):
    """A format cannot hold these images."""


class Program:
    """A solver that is a program.

    Args:
        spec: `cmd:PROGRAM ARGS`, with `{fixed}`, `{moving}` and `{out}`, and of `{model}`,
            `{mask}`, `{moving_mask}`, `{init}`, `{intensity}` those that it takes.
        base: the folder that it runs in, from which a relative path starts.
        file_format: one of `FORMATS`.
        convention: how the numbers of its answers are meant, of `CONVENTIONS`.
        scratch: the folder that its files go into, the system's for such where there is none.

    Attributes:
        name: the program's file name.
        accepts: which of the protocol's optional arguments it takes.
        program: that it is one: its files, its output and its state are its own.

    """

    program = True

    def __init__(
        self,
        spec: str,
        base: Path,
        file_format: str = "npy",
        convention: str = "pixels",
        scratch: Path | None = None,
    ) -> None:
        self._base = base
        self._format = file_format
        self._convention = convention
        self._scratch = scratch
        self._command = _command(spec, base)
        self.name = Path(self._command[0]).name
        text = " ".join(self._command[1:])
        self.accepts = tuple(name for name in OPTIONAL_ARGUMENTS if f"{{{name}}}" in text)

    def __call__(
        self,
        fixed: NDArray[Any],
        moving: NDArray[Any],
        model: str = "",
        mask: NDArray[np.bool_] | None = None,
        moving_mask: NDArray[np.bool_] | None = None,
        init: Init | None = None,
        intensity: str = "",
    ) -> NDArray[np.float64]:
        """Run the program on files in a folder of their own, and read what it wrote.

        Raises: ProgramFailed; FormatError; transform_file.NoTransform.
        """
        with tempfile.TemporaryDirectory(prefix="program-", dir=self._scratch) as name:
            folder = Path(name)
            values = {
                "model": model,
                "intensity": intensity,
                "out": str(folder / "answer"),
                "fixed": self._image(folder / "fixed", fixed, (fixed, moving)),
                "moving": self._image(folder / "moving", moving, (fixed, moving)),
            }
            for each, given, image in (
                ("mask", mask, fixed),
                ("moving_mask", moving_mask, moving),
            ):
                if each in self.accepts:
                    # A program that reads a mask reads one that trusts all, too.
                    trusted = np.ones(image.shape, bool) if given is None else given
                    values[each] = self._mask(folder / each, trusted)
            if "init" in self.accepts:
                values["init"] = self._init(folder / "init", init, fixed.shape)
            self._run([_filled(part, values) for part in self._command])
            path = answer_file(folder / "answer")
            return read_transform(path, fixed.shape, moving.shape, self._convention)

    def _run(self, command: list[str]) -> None:
        try:
            program = subprocess.Popen(
                command,
                cwd=self._base,
                stdin=subprocess.DEVNULL,
                stdout=2,
                stderr=subprocess.PIPE,
                preexec_fn=None if os.name == "nt" else linux.die_with_parent,
            )
        except OSError as error:
            raise ProgramFailed(f"{command[0]} cannot be run: {error.strerror}") from None
        assert program.stderr is not None
        with program:
            # Handed on as it comes: of a program that hangs it may say why.
            last = b""
            while said := os.read(program.stderr.fileno(), 1 << 16):
                os.write(2, said)
                last = (last + said)[-4 * LAST_WORDS :]
        status = program.returncode
        if status:
            how = f"exit status {status}"
            if status < 0:
                how = f"killed by {signal.Signals(-status).name}"
            words = " ".join(last.decode("utf-8", "replace").split())
            raise ProgramFailed(f"{how}, having said: {words[-LAST_WORDS:] or 'nothing'}")

    def _image(
        self, stem: Path, image: NDArray[Any], both: tuple[NDArray[Any], NDArray[Any]]
    ) -> str:
        held = _HELD_BY.get(self._format)
        if self._format == "png" and image.dtype == np.float32:
            # One scale for both images: a gain between them would be a change of the pair.
            low = min(float(part.min()) for part in both)
            high = max(float(part.max()) for part in both)
            scale = GREY_LEVELS / (high - low) if high > low else 0.0
            image = np.rint((image.astype(np.float64) - low) * scale).astype(np.uint16)
        elif held is not None and image.dtype.name not in held.split():
            raise FormatError(
                f"a {self._format} file does not hold {image.dtype.name} (--irgate-format)"
            )
        return _write(stem, np.ascontiguousarray(image), self._format)

    def _mask(self, stem: Path, mask: NDArray[np.bool_]) -> str:
        white = 1 if self._format == "npy" else 255
        return _write(stem, np.asarray(mask, np.uint8) * white, self._format)

    def _init(self, stem: Path, init: Init | None, shape: tuple[int, ...]) -> str:
        """Write a start: a text file with a matrix, else the displacement as an array."""
        matrix = np.eye(3) if init is None else init.matrix
        if matrix is not None:
            np.savetxt(stem.with_suffix(".txt"), matrix, fmt="%.17g")
            return str(stem.with_suffix(".txt"))
        assert init is not None
        return _write(stem, init.displacement((shape[0], shape[1])), "npy")


def _command(spec: str, base: Path) -> list[str]:
    """Return the program and its arguments. Raises: SpecError, in one line."""
    expected = f"expected {RUN}PROGRAM {{fixed}} {{moving}} {{out}}"
    try:
        command = shlex.split(spec.removeprefix(RUN))
    except ValueError as error:
        raise SpecError(f"{spec}: {error}; {expected}") from None
    if not command:
        raise SpecError(f"{spec}: no program is named; {expected}")
    text = " ".join(command[1:])
    for name in NEEDED:
        if f"{{{name}}}" not in text:
            raise SpecError(f"{spec}: {{{name}}} is missing; {expected}")
    if os.sep in command[0]:
        command[0] = str(base / command[0])
        if not os.access(command[0], os.X_OK):
            raise SpecError(f"{spec}: there is no program {command[0]} that may be run")
    return command


def _filled(part: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        part = part.replace(f"{{{name}}}", value)
    return part


def _write(stem: Path, array: NDArray[Any], file_format: str) -> str:
    path = stem.with_suffix(f".{file_format}")
    if file_format == "npy":
        np.save(path, array)
        return str(path)
    sitk = simpleitk()
    image = sitk.GetImageFromArray(array)
    with one_quiet_thread():
        sitk.WriteImage(image, str(path))
    return str(path)

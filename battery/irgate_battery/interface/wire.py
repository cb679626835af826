"""Calls and outcomes on their way between the judge and a solver's process.

One JSON object a line; arrays travel in .npy files that it names. The judge asks, the other side
answers, one after the other:

    {"irgate": 1, "ask": "hello"}                          {"irgate": 1, "name": "mine", ...}
    {"irgate": 1, "ask": "register", "id": 3, ...}         {"id": 3, "matrix": [[...], [...]]}

docs/other-languages.md describes it for those who write such a program; `SCHEMA` holds every key.
What comes from the other side is never trusted: a file must be a plain file of the form that was
asked for, and holds numbers only.
"""

import os
import stat
from collections.abc import Iterable, Mapping
from json import dumps, loads
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from irgate_battery.interface.call import Call, Derivative, Gradient, Outcome, Raised
from irgate_battery.interface.outside_text import one_line, several_lines
from irgate_battery.interface.returned import Returned, forms
from irgate_battery.interface.start import Start

PROTOCOL = 1
"""The version of the protocol."""

OPTIONAL_ARRAYS = ("mask", "moving_mask")
INLINE = 16
"""Arrays of at most so many numbers, a matrix, travel in the line itself."""


class BadReply(Exception):
    """The other side answered with what is no reply; the message says what came."""


# --- calls: the judge writes, the solver's process reads ----------------------------------------


def write_call(call: Call, accepts: frozenset[str], folder: Path, number: int) -> dict[str, Any]:
    """Write a call's arrays into a folder; return the line that names them.

    Args:
        call: what is handed over.
        accepts: the optional arguments that the solver takes; the others are left out.
        folder: for this call's files.
        number: tells this call's reply from others.
    """
    request: dict[str, Any] = {"irgate": PROTOCOL, "ask": "register", "id": number}
    strided = []
    for name in ("fixed", "moving"):
        image = np.asarray(getattr(call, name))
        if not (image.flags.c_contiguous or image.flags.f_contiguous):
            strided.append(name)
        request[name] = _write(folder / f"{name}.npy", image)
    offered: dict[str, Any] = {"model": call.model, "intensity": call.intensity}
    for name in OPTIONAL_ARRAYS:
        array = getattr(call, name)
        offered[name] = None
        if array is not None and name in accepts:
            offered[name] = _write(folder / f"{name}.npy", np.asarray(array))
    offered["init"] = None
    if call.init is not None and "init" in accepts:
        matrix = call.init.matrix
        offered["init"] = {
            "matrix": None if matrix is None else np.asarray(matrix).tolist(),
            "displacement": _write(folder / "init.npy", call.init.displacement(call.shape)),
        }
    request |= {name: value for name, value in offered.items() if name in accepts}
    request["out"] = str(folder / "answer.npy")
    if strided:
        request["strided"] = strided
    if call.watch:
        request["watch"] = call.watch
    if call.tensors:
        request["tensors"] = True
    if call.derivative:
        weights = _write(folder / "weights.npy", call.derivative.weights)
        request["derivative"] = {"image": call.derivative.image, "weights": weights}
        request["gradient_out"] = str(folder / "gradient.npy")
    return request


def read_call(request: Mapping[str, Any]) -> Call:
    """Read a call from its line and its files."""
    strided = request.get("strided", ())
    images: dict[str, Any] = {}
    for name in ("fixed", "moving"):
        image = np.load(request[name])
        images[name] = _every_second(image) if name in strided else image
    masks: dict[str, Any] = {
        name: np.load(request[name]) if request.get(name) else None for name in OPTIONAL_ARRAYS
    }
    init = request.get("init")
    derivative = request.get("derivative")
    return Call(
        **images,
        model=request.get("model", ""),
        **masks,
        init=_start(init) if init else None,
        intensity=request.get("intensity", "same"),
        watch=request.get("watch"),
        tensors=bool(request.get("tensors")),
        derivative=derivative and Derivative(derivative["image"], np.load(derivative["weights"])),
    )


def _start(init: Mapping[str, Any]) -> Start:
    matrix = init["matrix"]
    return Start(
        None if matrix is None else np.array(matrix, dtype=np.float64),
        np.load(init["displacement"]),
    )


def _every_second(image: NDArray[Any]) -> NDArray[Any]:
    """Return an image that is a view of every second column of a wider one."""
    wide = np.zeros((image.shape[0], 2 * image.shape[1]), image.dtype)
    wide[:, ::2] = image
    return wide[:, ::2]


def _write(path: Path, array: NDArray[Any]) -> str:
    # It must not be there: what somebody else put there may be a pipe, which waits for ever.
    with open(path, "xb") as file:
        npy.write_array(file, np.asanyarray(array), allow_pickle=False)
    return str(path)


# --- outcomes: the solver's process writes, the judge reads -------------------------------------


def write_outcome(outcome: Outcome, request: Mapping[str, Any], shape: tuple[int, int]) -> Any:
    """Write an outcome's arrays where the request says; return the line that tells of them.

    Args:
        outcome: of the call that was asked for.
        request: its line.
        shape: `(H, W)` of the fixed image: arrays of no form that a transform has stay behind.
    """
    reply: dict[str, Any] = {"id": request["id"], "seen": outcome.seen}
    if outcome.raised:
        reply["raised"] = vars(outcome.raised)
    if outcome.returned:
        returned = outcome.returned
        told: dict[str, Any] = {"kind": returned.kind, "place": returned.place}
        told["shape"] = returned.shape and list(returned.shape)
        if returned.dtype:
            told["dtype"] = returned.dtype
        if returned.array is not None and returned.shape in forms(shape):
            if returned.array.size <= INLINE:
                told["numbers"] = returned.array.tolist()
            else:
                told["file"] = _write(Path(request["out"]), returned.array)
        reply["returned"] = told
    if outcome.gradient:
        gradient = outcome.gradient
        reply["derivative"] = {"lost": gradient.lost, "said": gradient.said}
        if gradient.values is not None:
            _write(Path(request["gradient_out"]), gradient.values)
    return reply


def read_outcome(reply: Mapping[str, Any], request: Mapping[str, Any], call: Call) -> Outcome:
    """Read the outcome of a call from its line and its files.

    Raises: BadReply, naming what came and what was expected.
    """
    if reply.get("id") != request["id"]:
        raise BadReply(f"a reply with id {reply.get('id')!r:.40} to call {request['id']}")
    seen = reply.get("seen", {})
    if not isinstance(seen, dict):
        raise BadReply("a reply whose seen is no object")
    if "error" in reply:
        said = " ".join(_text(reply["error"], "error").split())
        return Outcome(raised=Raised("an error", said, "", "", is_error=True), seen=seen)
    if "raised" in reply:
        return Outcome(raised=_read_raised(reply["raised"]), seen=seen)
    return Outcome(
        _read_returned(reply, request, call),
        seen=seen,
        gradient=_read_gradient(reply.get("derivative"), request, call),
    )


def _read_raised(told: Any) -> Raised:
    if not isinstance(told, dict):
        raise BadReply("a reply whose raised is no object")
    texts = (_text(told.get(name, ""), name) for name in ("kind", "said", "where", "trace"))
    kind, said, where, trace = texts
    return Raised(kind, said, where, trace, is_error=told.get("is_error") is not False)


def _read_returned(reply: Mapping[str, Any], request: Mapping[str, Any], call: Call) -> Returned:
    if "matrix" in reply:
        return _from_numbers(reply["matrix"], "list", " as matrix")
    if "displacement" in reply:
        return _from_file(request["out"], call.shape, "file", " as displacement")
    told = reply.get("returned")
    if not isinstance(told, dict):
        raise BadReply("a reply without a matrix, a displacement or an error")
    kind, place = _text(told.get("kind", ""), "kind"), _text(told.get("place", ""), "place")
    if "numbers" in told:
        return _from_numbers(told["numbers"], kind, place)
    if "file" in told:
        return _from_file(request["out"], call.shape, kind, place)
    shape = told.get("shape")
    if shape is not None:
        if not (isinstance(shape, list) and all(isinstance(n, int) for n in shape)):
            raise BadReply("a reply whose shape is no list of whole numbers")
        shape = tuple(shape[:8])
        if shape in forms(call.shape):
            raise BadReply(f"a reply of shape {shape} without its numbers")
    dtype = one_line(_text(told.get("dtype", ""), "dtype"))
    return Returned(kind, place, shape=shape, dtype=dtype)


def _from_numbers(numbers: Any, kind: str, place: str) -> Returned:
    if not _holds_numbers_only(numbers):
        return Returned(kind, place)
    try:
        array = np.array(numbers, dtype=np.float64)
    except (ValueError, OverflowError):
        return Returned(kind, place)
    return Returned(kind, place, array, array.shape)


def _holds_numbers_only(value: Any) -> bool:
    """Whether it is a number or lists of them: numpy would take texts and truth values too."""
    if isinstance(value, list):
        return all(_holds_numbers_only(each) for each in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _from_file(path: str, shape: tuple[int, int], kind: str, place: str) -> Returned:
    array = load(Path(path), forms(shape))
    return Returned(kind, place, array, array.shape)


def _read_gradient(told: Any, request: Mapping[str, Any], call: Call) -> Gradient | None:
    if told is None or call.derivative is None:
        return None
    if not isinstance(told, dict):
        raise BadReply("a reply whose gradient is no object")
    lost, said = told.get("lost"), _text(told.get("said", ""), "said")
    if lost is not None:
        if lost not in ("tensor", "graph", "image", "raised"):
            raise BadReply(f"a reply whose gradient is lost as {lost!r:.40}")
        return Gradient(lost=lost, said=said)
    image = getattr(call, call.derivative.image)
    return Gradient(load(Path(request["gradient_out"]), [image.shape]).astype(np.float64))


def load(path: Path, shapes: Iterable[tuple[int, ...]]) -> NDArray[Any]:
    """Read an array that another process wrote: numbers of one of these shapes, and nothing else.

    Raises: BadReply.
    """
    expected = list(shapes)
    try:
        # A link may lead anywhere, and to open a pipe may wait for ever.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadReply(f"{path.name}, which is no plain file")
            shape, in_columns, dtype = _header_of(file)
            if tuple(shape) not in expected or dtype.kind not in "iuf":
                raise BadReply(
                    f"{path.name} with {dtype} of shape {tuple(shape)}; expected numbers of shape "
                    f"{' or '.join(map(str, expected))}"
                )
            count = int(np.prod(shape))
            data = np.frombuffer(file.read(count * dtype.itemsize), dtype, count)
    except OSError as error:
        raise BadReply(f"{path.name}, which cannot be read ({error.strerror})") from None
    except ValueError as error:
        said = " ".join(str(error).split())
        raise BadReply(f"{path.name}, which is no .npy file: {said:.200}") from None
    return data.reshape(shape, order="F" if in_columns else "C").copy()


def _header_of(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read a .npy file's header. Raises: ValueError, whatever stands there."""
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        return read(file, max_header_size=1000)
    except Exception as error:
        # numpy evaluates the header as Python, and its words may be any error of that.
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise BadReply(f"a reply whose {name} is no text")
    return several_lines(value)


def parsed(line: bytes) -> dict[str, Any]:
    """Read a line. Raises: BadReply."""
    try:
        told = loads(line)
    except (ValueError, RecursionError):
        raise BadReply(f"{line[:60]!r}, which is no JSON") from None
    if not isinstance(told, dict):
        raise BadReply(f"{line[:60]!r}, which is no JSON object")
    return told


def encoded(line: Mapping[str, Any]) -> bytes:
    """Return a line as it is sent."""
    return dumps(line).encode() + b"\n"

"""Calls and outcomes come out of their lines as they went in, and a false reply is refused."""

import json
import os
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import irgate_battery.interface
from irgate_battery.interface import wire
from irgate_battery.interface.call import Call, Derivative, Gradient, Outcome, Raised
from irgate_battery.interface.declaration import OPTIONAL_ARGUMENTS, Declaration, NotASolver
from irgate_battery.interface.reach import Reach
from irgate_battery.interface.returned import Returned
from irgate_battery.interface.start import Start

ALL = frozenset(OPTIONAL_ARGUMENTS)
SHAPE = (6, 9)
RNG = np.random.default_rng(0)


def image(dtype=np.float32):
    return (200 * RNG.random(SHAPE)).astype(dtype)


def travelled(call, folder, accepts=ALL):
    line = wire.encoded(wire.write_call(call, accepts, folder, 7))
    return wire.read_call(wire.parsed(line))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.uint16, np.int16, ">f4"])
def test_images_keep_type_and_values(tmp_path, dtype):
    call = Call(image(dtype), image(dtype), "rigid")
    there = travelled(call, tmp_path)
    for name in ("fixed", "moving"):
        assert getattr(there, name).dtype == np.dtype(dtype)
        np.testing.assert_array_equal(getattr(there, name), getattr(call, name))


LAYOUTS = {
    "C": lambda array: array,
    "Fortran": np.asfortranarray,
    "every second": lambda array: np.repeat(array, 2, 1)[:, ::2],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_images_keep_their_order_in_memory(tmp_path, layout):
    given = LAYOUTS[layout](image())
    there = travelled(Call(given, given, "rigid"), tmp_path).fixed
    for flag in ("C_CONTIGUOUS", "F_CONTIGUOUS"):
        assert there.flags[flag] == given.flags[flag]


def test_every_argument_travels(tmp_path):
    matrix = np.array([[1.0, 0.1, 2 / 3], [0.0, 1.0, -1e-17], [0.0, 0.0, 1.0]])
    field = RNG.random((*SHAPE, 2))
    call = Call(
        image(), image()[:4], "affine", image() > 100, image()[:4] > 100, Start(matrix, field),
        "varying", "state", True, Derivative("moving", field),
    )  # fmt: skip
    there = travelled(call, tmp_path)
    for name in ("model", "intensity", "watch", "tensors"):
        assert getattr(there, name) == getattr(call, name)
    for name in ("mask", "moving_mask"):
        np.testing.assert_array_equal(getattr(there, name), getattr(call, name))
        assert getattr(there, name).dtype == bool
    np.testing.assert_array_equal(there.init.matrix, matrix)
    np.testing.assert_array_equal(there.init.displacement(SHAPE), field)
    assert there.derivative.image == "moving"
    np.testing.assert_array_equal(there.derivative.weights, field)


def test_what_a_solver_does_not_take_stays_behind(tmp_path):
    call = Call(image(), image(), "affine", image() > 100, init=Start(None, np.zeros((*SHAPE, 2))))
    request = wire.write_call(call, frozenset({"model"}), tmp_path, 1)
    assert set(request) == {"irgate", "ask", "id", "fixed", "moving", "model", "out"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fixed.npy", "moving.npy"]


OUTCOMES = {
    "a matrix": Outcome(Returned("ndarray", " as .matrix", np.eye(3) / 3, (3, 3))),
    "a float32 field": Outcome(
        Returned("Tensor", "", RNG.random((*SHAPE, 2)).astype(np.float32), (*SHAPE, 2))
    ),
    "NaN": Outcome(Returned("ndarray", "", np.full((2, 3), np.nan), (2, 3))),
    "nothing": Outcome(Returned("NoneType")),
    "an array of another shape": Outcome(Returned("ndarray", "", np.zeros((5, 5)), (5, 5))),
    "raised": Outcome(raised=Raised("ValueError", "no", "a.py:3 in f", "trace", True)),
    "exit": Outcome(raised=Raised("SystemExit", "0", "", "", False)),
    "seen": Outcome(Returned("NoneType"), seen={"changed": ["the umask"], "torch_came": False}),
    "a gradient": Outcome(Returned("NoneType"), gradient=Gradient(RNG.random(SHAPE))),
    "no gradient": Outcome(Returned("NoneType"), gradient=Gradient(lost="raised", said="no")),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcomes_travel(tmp_path, name):
    outcome = OUTCOMES[name]
    weights = np.zeros((*SHAPE, 2))
    call = Call(image(), image(), "rigid", derivative=Derivative("fixed", weights))
    request = wire.write_call(call, ALL, tmp_path, 7)
    line = wire.encoded(wire.write_outcome(outcome, request, SHAPE))
    there = wire.read_outcome(wire.parsed(line), request, call)
    assert there.raised == outcome.raised
    assert there.seen == outcome.seen
    if outcome.returned is None:
        assert there.returned is None
    else:
        assert there.returned.kind == outcome.returned.kind
        assert there.returned.place == outcome.returned.place
        assert there.returned.shape == outcome.returned.shape
        sent = outcome.returned.array
        if sent is not None and sent.shape in ((3, 3), (2, 3), (*SHAPE, 2)):
            np.testing.assert_array_equal(there.returned.array, sent)
        else:
            # What is no transform stays where it is.
            assert there.returned.array is None
    if outcome.gradient is not None:
        assert (there.gradient.lost, there.gradient.said) == (
            outcome.gradient.lost, outcome.gradient.said
        )  # fmt: skip
        if outcome.gradient.values is not None:
            np.testing.assert_array_equal(there.gradient.values, outcome.gradient.values)


REFUSED = {
    "another id": ({"id": 8, "matrix": [[1, 0, 0], [0, 1, 0]]}, "id 8 to call 7"),
    "no id": ({"matrix": [[1, 0, 0], [0, 1, 0]]}, "id None to call 7"),
    "nothing": ({"id": 7}, "without a matrix, a displacement or an error"),
    "no file": ({"id": 7, "displacement": True}, "answer.npy, which cannot be read"),
    "no text": ({"id": 7, "error": 5}, "whose error is no text"),
    "no object": ({"id": 7, "raised": []}, "whose raised is no object"),
    "seen": ({"id": 7, "seen": 1}, "whose seen is no object"),
    "numbers left out": (
        {"id": 7, "returned": {"kind": "x", "place": "", "shape": [3, 3]}}, "without its numbers",
    ),
    "a shape of words": (
        {"id": 7, "returned": {"kind": "x", "place": "", "shape": ["a"]}}, "no list of whole",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_false_reply_is_refused(tmp_path, name):
    reply, words = REFUSED[name]
    call = Call(image(), image(), "rigid")
    request = wire.write_call(call, ALL, tmp_path, 7)
    with pytest.raises(wire.BadReply, match=words):
        wire.read_outcome(reply, request, call)


@pytest.mark.parametrize("line", [b"PASS\n", b"[1]\n", b"3\n", b"\xff\n", b"[" * 99999])
def test_a_line_that_is_no_object_is_refused(line):
    with pytest.raises(wire.BadReply, match="no JSON"):
        wire.parsed(line)


def test_a_matrix_that_is_none_is_left_to_the_reader(tmp_path):
    call = Call(image(), image(), "rigid")
    request = wire.write_call(call, ALL, tmp_path, 7)
    there = wire.read_outcome({"id": 7, "matrix": "none"}, request, call)
    assert there.returned == Returned("list", " as matrix") or there.returned.array is None


FILES = {
    "a link": (lambda path: os.symlink("/dev/zero", path), "cannot be read"),
    "a pipe": (os.mkfifo, "no plain file"),
    "a folder": (os.mkdir, "cannot be read|no plain file"),
    "text": (lambda path: Path(path).write_text("hello"), "no .npy file"),
    "empty": (lambda path: Path(path).write_text(""), "no .npy file"),
    "objects": (
        lambda path: np.save(path, np.array([{}, {}], dtype=object), allow_pickle=True),
        "object of shape",
    ),
    "another shape": (lambda path: np.save(path, np.zeros((3, 4))), r"of shape \(3, 4\); expected"),
    "text of the right shape": (
        lambda path: np.save(path, np.full((*SHAPE, 2), "x")), "<U1 of shape",
    ),
    "cut off": (
        lambda path: (np.save(path, np.zeros((*SHAPE, 2))), os.truncate(path, 300)),
        "no .npy file",
    ),
}  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="pipes and links are POSIX's")
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_another_process_wrote_is_not_trusted(tmp_path, name):
    make, words = FILES[name]
    path = tmp_path / "answer.npy"
    make(str(path))
    with pytest.raises(wire.BadReply, match=words):
        wire.load(path, [(*SHAPE, 2)])


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_is_read_whatever_its_order(tmp_path, order):
    array = np.asarray(RNG.random((*SHAPE, 2)), order=order)
    np.save(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(wire.load(tmp_path / "a.npy", [array.shape]), array)


def test_a_declaration_travels():
    declared = Declaration(
        "mine", "2", ("rigid", "homography"), True, frozenset({"init", "mask"}),
        Reach(degrees=20.0, overlap=0.5),
    )  # fmt: skip
    line = wire.parsed(wire.encoded({"irgate": 1, **declared.to_dict()}))
    assert Declaration.told(line, "spec") == declared


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "without a name"),
        ({"name": 3}, "without a name"),
        ({"name": "x", "models": ["projective"]}, "expected some of"),
        ({"name": "x", "models": []}, "expected some of"),
        ({"name": "x", "accepts": ["levels"]}, "declares accepts"),
        ({"name": "x", "accepts": "mask"}, "declares accepts"),
        ({"name": "x", "reach": {"degrees": "far"}}, "expected a number from 0 to 180"),
    ],
)
def test_a_false_declaration_is_refused(told, words):
    with pytest.raises(NotASolver, match=words):
        Declaration.told(told, "spec")


@pytest.fixture(scope="module")
def schema():
    path = Path(irgate_battery.interface.__file__).parent / "serve-1.schema.json"
    read = json.loads(path.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(read)
    return jsonschema.Draft202012Validator(read)


def test_the_schema_holds_what_is_sent(schema, tmp_path):
    field = RNG.random((*SHAPE, 2))
    call = Call(image(), image(), "ffd", image() > 9, image() > 9, Start(None, field), "varying")
    request = wire.write_call(call, ALL, tmp_path, 1)
    schema.validate(request)
    schema.validate({"irgate": 1, "ask": "hello"})
    schema.validate({"irgate": 1, **Declaration("mine").to_dict()})
    for outcome in OUTCOMES.values():
        if outcome.gradient is None:
            line = wire.encoded(wire.write_outcome(outcome, request, SHAPE))
            schema.validate(wire.parsed(line))


@pytest.mark.parametrize(
    "line",
    [
        {"irgate": 1, "name": ""}, {"irgate": 2, "name": "x"}, {"id": 3},
        {"id": 3, "matrix": [[1, 0], [0, 1]]}, {"irgate": 1, "name": "x", "models": ["all"]},
        {"irgate": 1, "ask": "register", "id": 3}, [],
    ],
)  # fmt: skip
def test_the_schema_refuses_what_is_wrong(schema, line):
    assert not schema.is_valid(line)

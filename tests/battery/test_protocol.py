"""A solver is handed what its signature has, and its faults come back as words for its author."""

from types import SimpleNamespace

import numpy as np
import pytest

from irgate_battery.interface.declaration import MODELS, OPTIONAL_ARGUMENTS, NotASolver
from irgate_battery.interface.protocol import HANGS_IN_A_ROW, Solver, SolverFault

FIXED = np.linspace(0, 1, 20).reshape(4, 5)
MOVING = FIXED[:3] + 0.5


def solve(function, **arguments):
    return Solver.of(function).solve(FIXED, MOVING, **{"model": "rigid", **arguments})


def recorder(seen):
    def register(fixed, moving, model="?", mask="?", init="?", intensity="?"):
        seen.update(locals())
        return np.eye(3)

    return register


def test_images_come_as_float32_copies_with_their_own_sizes():
    seen = {}
    solve(recorder(seen))
    assert seen["fixed"].dtype == seen["moving"].dtype == np.float32
    assert (seen["fixed"].shape, seen["moving"].shape) == ((4, 5), (3, 5))
    seen["fixed"][:] = 7
    assert FIXED.max() == 1


def test_every_argument_that_the_signature_has_is_passed():
    seen, init, mask = {}, SimpleNamespace(matrix=np.eye(3)), FIXED > 0.5
    solve(recorder(seen), mask=mask, init=init, intensity="varying")
    assert (seen["model"], seen["intensity"]) == ("rigid", "varying")
    assert seen["init"] is init
    np.testing.assert_array_equal(seen["mask"], mask)


SHORTER = {
    "two arguments": (lambda a, b: np.eye(3), set()),
    "model only": (lambda a, b, model: np.eye(3), {"model"}),
    "keyword only": (lambda a, b, *, mask=None: np.eye(3), {"mask"}),
    "**options": (lambda a, b, **options: np.eye(3), set(OPTIONAL_ARGUMENTS)),
    "*images": (lambda *images: np.eye(3), set()),
    "its own default": (lambda a, b, levels=4: np.eye(3), set()),
}


@pytest.mark.parametrize(("function", "accepted"), SHORTER.values(), ids=SHORTER)
def test_capabilities_are_read_from_the_signature(function, accepted):
    assert Solver.of(function).accepts == accepted
    answer, seconds = solve(function)
    np.testing.assert_array_equal(answer.matrix, np.eye(3))
    assert seconds >= 0


def test_attributes_declare_what_a_solver_is():
    def register(fixed, moving):
        return np.eye(3)

    plain = Solver.of(register)
    assert (plain.name, plain.version, plain.models) == ("register", None, MODELS)
    assert plain.differentiable is False

    register.name, register.version, register.models = "mine", 3, ["affine", "rigid"]
    register.differentiable = True
    declared = Solver.of(register)
    assert (declared.name, declared.version, declared.models) == ("mine", "3", ("rigid", "affine"))
    assert declared.differentiable is True
    assert Solver.of(declared) is declared


class Callable:
    def __call__(self, fixed, moving, model):
        return np.eye(3)


def test_objects_and_methods_are_solvers_too():
    assert Solver.of(Callable()).name == "Callable"
    assert Solver.of(Callable()).accepts == {"model"}


def bad_models(fixed, moving):
    return np.eye(3)


bad_models.models = ["projective"]


def five_models(fixed, moving):
    return np.eye(3)


five_models.models = 5

UNFIT = {
    "no callable": (np.eye(3), "got a ndarray"),
    "one argument": (lambda fixed: None, "takes 1 positional"),
    "no argument": (lambda: None, "takes 0 positional"),
    "one too many": (lambda fixed, moving, levels: None, r"requires \['levels'\].*default"),
    "keyword too many": (lambda fixed, moving, *, device: None, r"requires \['device'\]"),
    "no list": (five_models, "models = 5; expected some of"),
    "unknown model": (bad_models, r"\['projective'\]; expected some of"),
}


@pytest.mark.parametrize(("candidate", "words"), UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_is_refused_in_one_line(candidate, words):
    with pytest.raises(NotASolver, match=words) as refused:
        Solver.of(candidate)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("error", [ValueError, SystemExit, MemoryError])
@pytest.mark.parametrize("timeout", [None, 60])
def test_a_solver_that_raises_is_a_fault_with_the_place_and_its_own_traceback(error, timeout):
    def register(fixed, moving):
        raise error("boom\nand more")

    with pytest.raises(
        SolverFault, match=rf"'register' raised {error.__name__}: boom and more, at "
    ) as f:
        solve(register, timeout=timeout)
    assert "\n" not in str(f.value)
    assert __file__ in str(f.value)
    assert "in register" in f.value.detail
    assert "irgate_battery" not in f.value.detail


def test_an_answer_whose_own_method_raises_is_the_solvers_fault():
    class Answer:
        def displacement(self, shape):
            raise KeyError("field")

    with pytest.raises(SolverFault, match="raised KeyError: 'field'"):
        solve(lambda fixed, moving: Answer())


def test_a_solver_that_does_not_return_names_the_option():
    import time

    with pytest.raises(SolverFault, match=r"within 0\.1 s.*--irgate-timeout") as fault:
        solve(lambda fixed, moving: time.sleep(30), timeout=0.1)
    assert fault.value.seconds is None


def test_a_solver_that_hangs_again_and_again_is_not_called_for_ever():
    import time

    calls = []

    def register(fixed, moving):
        calls.append(None)
        time.sleep(0 if len(calls) == 3 else 30)
        return np.eye(3)

    answered = 0
    solver = Solver.of(register)
    for _ in range(12):
        try:
            solve(solver, timeout=0.1)
            answered += 1
        except SolverFault as fault:
            last = str(fault)
    # Two hangs, an answer that clears the count, five hangs, and no call from then on.
    assert (answered, len(calls)) == (1, 8)
    assert "was not called: its last 5 calls did not return within 0.1 s" in last


def test_a_solver_inherits_no_hangs_of_another():
    """Hangs were once counted by `id(function)`, which Python gives again to the next object."""
    forgotten = Solver.of(lambda fixed, moving: np.eye(3))
    forgotten.history.hangs = HANGS_IN_A_ROW
    again = Solver.of(forgotten.caller.function)
    assert again.history.hangs == 0
    solve(again, timeout=60)
    with pytest.raises(SolverFault, match="was not called"):
        solve(forgotten, timeout=60)


def test_a_bad_answer_names_the_solver_and_keeps_the_time():
    with pytest.raises(SolverFault, match=r"solver '<lambda>' returned None") as fault:
        solve(lambda fixed, moving: None)
    assert fault.value.seconds >= 0


def test_a_keyboard_interrupt_that_nobody_pressed_is_the_solvers_fault():
    """Under a limit the call has a thread of its own, and a real Ctrl-C goes to the main one."""

    def register(fixed, moving):
        raise KeyboardInterrupt

    with pytest.raises(SolverFault, match="raised KeyboardInterrupt"):
        solve(register, timeout=60)
    with pytest.raises(KeyboardInterrupt):
        solve(register, timeout=None)


class Lazy:
    """An answer that is computed only when it is read."""

    def __init__(self, act):
        self.act = act

    def displacement(self, shape):
        self.act()
        return np.zeros((*shape, 2))


def test_reading_the_answer_is_part_of_the_call():
    """Its time counts, and its limit holds."""
    import time

    _, seconds = Solver.of(lambda f, m: Lazy(lambda: time.sleep(0.2))).solve(
        FIXED, MOVING, model="rigid", timeout=60
    )
    assert seconds >= 0.2
    with pytest.raises(SolverFault, match=r"within 0\.1 s"):
        solve(lambda fixed, moving: Lazy(lambda: time.sleep(30)), timeout=0.1)
    with pytest.raises(SolverFault, match="raised SystemExit"):
        solve(lambda fixed, moving: Lazy(lambda: (_ for _ in ()).throw(SystemExit(3))))


def test_a_message_that_cannot_be_encoded_is_spelt_out():
    """A lone surrogate, as in the name of a file, would end an xdist run."""

    def register(fixed, moving):
        raise ValueError("no file \udcff")

    with pytest.raises(SolverFault, match=r"no file \\udcff") as fault:
        solve(register)
    str(fault.value).encode("utf-8")
    fault.value.detail.encode("utf-8")


def test_a_solver_that_needs_the_main_thread_is_told_how():
    import signal

    def register(fixed, moving):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        return np.eye(3)

    with pytest.raises(SolverFault, match="--irgate-timeout 0"):
        solve(register, timeout=60)


def test_only_texts_are_names():
    """An address in a name would make two reports of one solver differ."""

    class Named:
        def name(self):
            return "method"

        def __call__(self, fixed, moving):
            return np.eye(3)

    assert Solver.of(Named()).name == "Named"


def test_optional_models_are_those_of_who_declares_them():
    def register(fixed, moving, moving_mask):
        assert moving_mask is None or moving_mask.dtype == bool
        return np.eye(3)

    assert Solver.of(register).models == MODELS
    register.models = ["homography", "rigid", "similarity"]
    assert Solver.of(register).models == ("rigid", "similarity", "homography")


def test_a_moving_mask_is_passed_where_the_signature_has_it_and_is_a_copy():
    given = np.ones((5, 7), dtype=bool)
    seen = []

    def register(fixed, moving, moving_mask):
        seen.append(moving_mask.copy())
        moving_mask[:] = False
        return np.eye(3)

    Solver.of(register).solve(np.zeros((4, 6)), np.zeros((5, 7)), model="affine", moving_mask=given)
    assert np.array_equal(seen[0], given)
    assert given.all()
    solve(lambda fixed, moving: np.eye(3))


def test_a_homography_is_accepted_of_that_model_only():
    projective = np.array([[1, 0, 0], [0, 1, 0], [1e-3, 0, 1.0]])

    def register(fixed, moving):
        return projective

    register.models = ["affine", "homography"]
    solver, image = Solver.of(register), np.zeros((4, 6))
    answer, _ = solver.solve(image, image, model="homography")
    assert answer.displacement[3, 5] == pytest.approx(np.array([5, 3]) / 1.005 - (5, 3))
    with pytest.raises(SolverFault, match="not projective"):
        solver.solve(image, image, model="affine")


def test_the_line_is_the_solvers_though_a_library_raised():
    def register(fixed, moving):
        return np.linalg.inv(np.zeros((3, 3)))

    with pytest.raises(SolverFault, match=r"test_protocol\.py:\d+ in register; expected") as caught:
        solve(register)
    assert "in inv" in caught.value.detail


def test_a_long_way_through_a_library_is_cut():
    def register(fixed, moving):
        def down(left):
            if left == 0:
                raise ValueError("deep")
            down(left - 1) if left % 2 else [down(left - 1) for _ in "x"]

        down(40)

    with pytest.raises(SolverFault) as caught:
        solve(register)
    told = caught.value.detail
    assert told.count("File ") == 6
    assert " more\n" in told
    assert told.index("in register") < told.index(" more\n") < told.index("ValueError: deep")

"""The table of named solvers: light to import, complete, and a missing library is one line."""

import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from irgate_battery.interface.declaration import SpecError
from pytest_irgate.adapters import ADAPTERS
from pytest_irgate.spec import resolve

LIBRARIES = {
    "opencv-ecc": "cv2",
    "opencv-sift": "cv2",
    "pystackreg": "pystackreg",
    "skimage-phase": "skimage",
    "skimage-flow": "skimage",
    "kornia": "kornia",
    "dipy": "dipy",
    "itk-elastix": "itk",
    "antspyx": "ants",
}
"""The module that each adapter needs and that an installation may lack."""


def test_the_table_imports_nothing_but_the_standard_library():
    listing = (
        "import sys\n"
        "from pytest_irgate.adapters import ADAPTERS\n"
        "assert all(adapter.about for adapter in ADAPTERS.values())\n"
        "third = {n.partition('.')[0] for n in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(sorted(n for n in third if not n.startswith(('_', 'pytest_irgate'))))\n"
    )
    # Without site, whose .pth files may import what they like.
    paths = repr([path for path in sys.path if path])
    run = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {paths}\n{listing}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"


def test_every_library_that_may_lack_is_known_here():
    assert set(ADAPTERS) - {"bundled", "simpleitk"} == set(LIBRARIES)


def test_every_target_is_there_and_every_extra_is_declared(request):
    pyproject = tomllib.loads((request.config.rootpath / "pyproject.toml").read_text())
    extras = pyproject["project"]["optional-dependencies"]
    for adapter in ADAPTERS.values():
        module, _, attribute = adapter.target.partition(":")
        assert find_spec(module) is not None
        assert attribute == "register"
        assert adapter.extra in extras


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_missing_library_is_one_line_that_says_what_to_install(name, monkeypatch):
    adapter = ADAPTERS[name]
    module = adapter.target.partition(":")[0]
    monkeypatch.delitem(sys.modules, module, raising=False)
    for loaded in [n for n in sys.modules if n.partition(".")[0] == LIBRARIES[name]]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, LIBRARIES[name], None)
    with pytest.raises(SpecError) as caught:
        resolve(name, Path())
    assert str(caught.value) == (
        f"{name}: needs the library {LIBRARIES[name]}, which is not installed; "
        f'python -m pip install "pytest-irgate[{adapter.extra}]"'
    )


def test_a_module_of_ours_that_is_missing_is_no_library(monkeypatch):
    monkeypatch.delitem(sys.modules, "pytest_irgate.adapters.simpleitk", raising=False)
    monkeypatch.setitem(sys.modules, "irgate_battery.interface.conventions", None)
    with pytest.raises(SpecError, match="importing it raised ModuleNotFoundError"):
        resolve("simpleitk", Path())


def test_the_recipes_in_the_table_are_the_solvers_own():
    from irgate_solver import recipes
    from pytest_irgate.adapters import bundled

    assert dict(ADAPTERS["bundled"].recipes) == recipes()
    assert list(bundled.RECIPES) == list(recipes())


@pytest.mark.parametrize("recipe", ADAPTERS["bundled"].recipes)
def test_a_recipe_is_named_behind_the_solver(recipe):
    solver = resolve(f"bundled:{recipe}", Path())
    assert solver.name == f"irgate_solver:{recipe}"
    assert solver.differentiable is (recipe != "siren")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("bundled:nobody", "bundled:nobody: no recipe of that name; expected one of iclk-implicit"),
        ("bundled:", "bundled:: no recipe of that name; expected one of iclk-implicit"),
        ("simpleitk:fast", "simpleitk:fast: no recipe of that name; simpleitk has none"),
    ],
)
def test_an_unknown_recipe_is_one_line(spec, message):
    with pytest.raises(SpecError, match=message):
        resolve(spec, Path())

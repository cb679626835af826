"""A SPEC is resolved without pytest, and what is wrong with it is one line without an option."""

import subprocess
import sys
from pathlib import Path

import pytest

from irgate_battery.interface.declaration import SpecError
from pytest_irgate.spec import resolve


def test_it_needs_no_pytest(solvers):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pytest_irgate.spec import resolve\n"
        f"solver = resolve({str(solvers / 'identity.py')!r} + ':register', Path())\n"
        "print(solver.__name__, 'pytest' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["register", "False"]


def test_a_relative_path_counts_from_the_base(solvers):
    found = resolve("identity.py:register", solvers)
    assert found.__code__.co_filename == str(solvers / "identity.py")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nobody", "nobody: no solver of that name; expected one of bundled"),
        ("nowhere.py:register", "nowhere.py:register: there is no file"),
        ("no_such_module:register", "no_such_module:register: importing it raised"),
        ("json:dump.nothing", "json:dump.nothing: json has no 'dump.nothing'"),
        ("math:pi", "math:pi: a solver is a callable"),
    ],
)
def test_an_error_is_one_line_that_begins_with_the_spec(spec, words):
    with pytest.raises(SpecError) as error:
        resolve(spec, Path())
    assert str(error.value).startswith(words)
    assert "\n" not in str(error.value)
    assert "--irgate" not in str(error.value)


LEAVING = """
def __getattr__(name):
    raise SystemExit(0)
"""

LEAVING_WHEN_READ = """
class Register:
    def __call__(self, fixed, moving): ...

    @property
    def reach(self):
        raise SystemExit(0)

register = Register()
"""


@pytest.mark.parametrize("text", [LEAVING, LEAVING_WHEN_READ])
def test_a_module_that_exits_where_it_is_read_is_one_line(tmp_path, text):
    (tmp_path / "leaving.py").write_text(text)
    with pytest.raises(SpecError, match=r"^leaving.py:register: .* raised SystemExit: 0$"):
        resolve("leaving.py:register", tmp_path)


def test_a_name_no_file_system_takes_is_one_line():
    for spec in ("x" * 300 + ".py:register", "\ud800.py:register", "a\0.py:register", " "):
        with pytest.raises(SpecError) as error:
            resolve(spec, Path())
        assert str(error.value).isprintable()

"""From a SPEC to a solver, without pytest: an adapter's name, with a recipe or without, an entry
point, module:attribute or path/to/file.py:attribute.
"""

import importlib
import importlib.util
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from irgate_battery.interface.declaration import RUN, SERVED, Declaration, NotASolver, SpecError
from irgate_battery.interface.outside_text import said_by
from pytest_irgate.adapters import ADAPTERS

ENTRY_POINTS = "irgate.solvers"
OWN_PACKAGES = ("pytest_irgate", "irgate_battery", "irgate_fixtures", "irgate_solver")
"""A module of ours that is missing is a broken installation, not a library to install."""


def resolve(
    spec: str,
    base: Path,
    *,
    file_format: str = "npy",
    convention: str = "pixels",
    scratch: Path | None = None,
) -> object:
    """Import what a SPEC names, and see that it is a solver.

    Args:
        spec: as on the command line.
        base: the folder from which a relative path starts.
        file_format, convention, scratch: of a program, see `Program`.
    Raises: SpecError.

    """
    found: object
    if not spec.strip():
        raise SpecError(
            "the solver's SPEC is empty; expected a name (`irgate list --solvers`), "
            "module:attribute or path/to/file.py:attribute"
        )
    if spec.startswith(RUN):
        # It reads files of transforms, which no other solver needs.
        from irgate_battery.interface.program import Program

        found = Program(spec, base, file_format, convention, scratch)
    elif spec.startswith(SERVED):
        raise SpecError(
            f"{spec}: a program that is served lives in a process of its own; leave "
            "--irgate-isolation none out"
        )
    elif spec in ADAPTERS:
        found = _attribute(ADAPTERS[spec].target, spec, base)
    elif (parts := spec.partition(":"))[0] in ADAPTERS:
        found = _by_recipe(parts[0], parts[2])
    elif ":" in spec:
        found = _attribute(spec, spec, base)
    else:
        found = _entry_point(spec)
    try:
        Declaration.of(found)
    except NotASolver as error:
        raise SpecError(f"{spec}: {error}") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _broken(spec, "reading its signature and attributes", error) from None
    return found


def installed_solvers() -> dict[str, EntryPoint]:
    """Return the solvers that other distributions name in the entry point group, by name."""
    found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    return dict(sorted(found.items()))


def _by_recipe(name: str, recipe: str) -> object:
    """Return the named solver as it works by `recipe`."""
    spec = f"{name}:{recipe}"
    known = ADAPTERS[name].recipes
    if recipe not in known:
        expected = f"expected one of {', '.join(known)}" if known else f"{name} has none"
        raise SpecError(f"{spec}: no recipe of that name; {expected}")
    module = ADAPTERS[name].target.partition(":")[0]
    found: object = _attribute(f"{module}:RECIPES", spec, Path())
    return found[recipe]  # type: ignore[index]


def _entry_point(spec: str) -> object:
    named = installed_solvers()
    if spec in named:
        try:
            found: object = named[spec].load()
        except BaseException as error:
            raise _cannot_import(spec, error) from None
        return found
    known = ", ".join([*ADAPTERS, *named])
    raise SpecError(
        f"{spec}: no solver of that name; expected one of {known}, or "
        "module:attribute, or path/to/file.py:attribute"
    )


def _attribute(target: str, spec: str, base: Path) -> object:
    where, _, attribute = target.rpartition(":")
    if not where or not attribute:
        raise SpecError(f"{spec}: expected module:attribute or path/to/file.py:attribute")
    if where.endswith(".py"):
        module = _from_path(base / where, spec)
    else:
        try:
            module = importlib.import_module(where)
        except BaseException as error:
            raise _cannot_import(spec, error) from None
    found: Any = module
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            callables = [name for name, value in vars(module).items() if callable(value)]
            public = [name for name in callables if not name.startswith("_")]
            raise SpecError(
                f"{spec}: {where} has no {attribute!r}; it has "
                f"{', '.join(public) or 'no callables'}"
            ) from None
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # A module's own __getattr__ may raise anything.
            raise _broken(spec, f"looking up {part!r}", error) from None
    return found


def _from_path(path: Path, spec: str) -> ModuleType:
    try:
        there = path.is_file()
    except (OSError, ValueError) as error:
        raise SpecError(f"{spec}: {path} cannot be read: {said_by(error)}") from None
    if not there:
        raise SpecError(f"{spec}: there is no file {path}")
    # The file may import its neighbours, as a script may.
    folder = str(path.parent.resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = f"irgate_solver_file_{path.stem}"
    location = importlib.util.spec_from_file_location(name, path)
    if location is None or location.loader is None:
        raise SpecError(f"{spec}: {path} is not a Python file")
    module = importlib.util.module_from_spec(location)
    sys.modules[name] = module
    try:
        location.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        raise _cannot_import(spec, error) from None
    return module


def _cannot_import(spec: str, error: BaseException) -> SpecError:
    """Return the error for an import that failed, whatever it raised; Ctrl-C goes on."""
    if isinstance(error, KeyboardInterrupt):
        raise error
    if spec in ADAPTERS and isinstance(error, ModuleNotFoundError):
        library = (error.name or "").partition(".")[0]
        if library and library not in OWN_PACKAGES:
            return SpecError(
                f"{spec}: needs the library {library}, which is not installed; "
                f'python -m pip install "pytest-irgate[{ADAPTERS[spec].extra}]"'
            )
    refused = _broken(spec, "importing it", error)
    module = spec.partition(":")[0]
    if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
        attribute = spec.partition(":")[2]
        return SpecError(f"{refused}; if it is a file, name it {module}.py:{attribute}")
    return refused


def _broken(spec: str, what: str, error: BaseException) -> SpecError:
    return SpecError(f"{spec}: {what} raised {type(error).__name__}: {said_by(error)}")

"""What a solver says of itself: its name, its models, what its signature takes, what it claims."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from irgate_battery.interface.outside_text import one_line
from irgate_battery.interface.reach import Reach, ReachError

MODELS = ("translation", "rigid", "affine", "ffd")
OPTIONAL_MODELS = ("similarity", "homography")
"""Only a solver that declares them is asked for these."""
ALL_MODELS = (*MODELS, *OPTIONAL_MODELS)
PROJECTIVE = "homography"
"""The model whose matrix need not end in (0, 0, 1)."""
RUN, SERVED = "cmd:", "serve:"
"""How the SPEC of a program begins: one that is run for each pair, or that speaks the protocol."""
OPTIONAL_ARGUMENTS = ("model", "mask", "moving_mask", "init", "intensity")


class NotASolver(Exception):
    """The object does not fit the protocol; the message is one line for its author."""


class SpecError(NotASolver):
    """A SPEC names no solver; the message is one line that begins with the SPEC.

    Which option it came from is for the front end to say.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


@dataclass(frozen=True)
class Declaration:
    """What a solver is and can take, as builtin types: it may travel between processes.

    Attributes:
        name: its `name`, or `__name__`, or its type's name.
        version: its `version`, or `None`.
        models: the families it supports, in the order of `ALL_MODELS`; `MODELS` where it declares
            none.
        differentiable: whether it says that it takes and returns attached torch tensors.
        accepts: which of `OPTIONAL_ARGUMENTS` its signature has.
        reach: what it claims; a case beyond it is not asked.
        program: whether it is a program, whose files, output and state are its own.

    """

    name: str
    version: str | None = None
    models: tuple[str, ...] = MODELS
    differentiable: bool = False
    accepts: frozenset[str] = frozenset()
    reach: Reach = field(default_factory=Reach)
    program: bool = False

    @classmethod
    def of(cls, candidate: object) -> "Declaration":
        """Read a callable's signature and attributes. Raises: NotASolver, in one line."""
        if not callable(candidate):
            raise NotASolver(
                f"a solver is a callable that takes fixed and moving; got a "
                f"{type(candidate).__name__}"
            )
        told = (getattr(candidate, name, None) for name in ("name", "__name__"))
        name = next((text for text in told if isinstance(text, str) and text), None)
        name = name or type(candidate).__name__
        version = getattr(candidate, "version", None)
        program = getattr(candidate, "program", False) is True
        return cls(
            name=name,
            version=str(version) if isinstance(version, (str, int, float)) else None,
            models=_models(getattr(candidate, "models", None), name),
            differentiable=bool(getattr(candidate, "differentiable", False)),
            accepts=frozenset(getattr(candidate, "accepts", ()))
            if program
            else _accepted(candidate, name),
            program=program,
            reach=_reach(getattr(candidate, "reach", None), name),
        )

    @classmethod
    def told(cls, told: Mapping[str, Any], spec: str) -> "Declaration":
        """Read what another process says of its solver.

        Args:
            told: as `to_dict` gives it; each key but `name` may be missing.
            spec: how it was named.
        Raises: NotASolver, in one line.
        """
        name, version = told.get("name"), told.get("version")
        if not isinstance(name, str) or not name:
            raise NotASolver(f"{spec}: it answered hello without a name, {told!r:.100}")
        accepts = told.get("accepts", [])
        if not isinstance(accepts, list) or not set(map(str, accepts)) <= set(OPTIONAL_ARGUMENTS):
            raise NotASolver(
                f"solver {name!r} declares accepts = {accepts!r}; expected some of "
                f"{list(OPTIONAL_ARGUMENTS)}"
            )
        return cls(
            name=name,
            version=str(version) if isinstance(version, (str, int, float)) else None,
            models=_models(told.get("models"), name),
            differentiable=told.get("differentiable") is True,
            accepts=frozenset(accepts),
            reach=_reach(told.get("reach"), name),
            program=told.get("program") is True,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        claims = {key: value for key, value in asdict(self.reach).items() if value is not None}
        return {
            "name": self.name,
            "version": self.version,
            "models": list(self.models),
            "differentiable": self.differentiable,
            "accepts": [name for name in OPTIONAL_ARGUMENTS if name in self.accepts],
            "reach": claims or None,
            "program": self.program,
        }


def _models(declared: Any, name: str) -> tuple[str, ...]:
    if declared is None:
        return MODELS
    try:
        given = (declared,) if isinstance(declared, str) else tuple(declared)
    except TypeError:
        raise NotASolver(
            f"solver {name!r} declares models = {declared!r}; expected some of {list(ALL_MODELS)}"
        ) from None
    unknown = [model for model in given if model not in ALL_MODELS]
    if unknown or not given:
        raise NotASolver(
            f"solver {name!r} declares models = {list(given)}; expected some of {list(ALL_MODELS)}"
        )
    return tuple(model for model in ALL_MODELS if model in given)


def _reach(declared: object, name: str) -> Reach:
    try:
        return Reach.of(declared)
    except ReachError as error:
        raise NotASolver(f"solver {name!r} declares {error}") from None


def _accepted(candidate: Callable[..., Any], name: str) -> frozenset[str]:
    try:
        parameters = inspect.signature(candidate).parameters.values()
    except (ValueError, TypeError):
        # Compiled callables may have no signature; two positional arguments is all they must take.
        return frozenset()
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if len(positional) < 2 and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        raise NotASolver(
            f"solver {name!r} takes {len(positional)} positional arguments; expected at least two, "
            "fixed and moving"
        )
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return frozenset(OPTIONAL_ARGUMENTS)
    keywords = [p for p in parameters if p.kind is not p.POSITIONAL_ONLY]
    accepted = {p.name for p in keywords if p.name in OPTIONAL_ARGUMENTS}
    # fixed and moving are the first two, whatever their names.
    accepted -= {p.name for p in positional[:2]}
    needed = [
        p.name
        for p in [*positional[2:], *(p for p in parameters if p.kind is p.KEYWORD_ONLY)]
        if p.default is p.empty and p.name not in accepted
    ]
    if needed:
        raise NotASolver(
            f"solver {name!r} requires {needed}, which the protocol does not pass; give each a "
            f"default (it passes fixed, moving, and of {list(OPTIONAL_ARGUMENTS)} those named)"
        )
    return frozenset(accepted)

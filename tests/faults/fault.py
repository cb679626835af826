"""What a fault of the collection is, and how one is added to it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LAYERS = (
    "maximum gate",
    "each fixture",
    "ratio",
    "truth",
    "conditions",
    "recovery",
    "gradient",
    "contract",
    "consistency",
)
"""What can catch a fault, from the weakest promise on; each stands for itself."""

ADDED: dict[str, "Fault"] = {}
"""All faults that were read so far, by name."""


@dataclass(frozen=True)
class Fault:
    """A solver with one fault.

    Attributes:
        name: words with underscores.
        kind: the file that it stands in.
        about: what is wrong, one sentence.
        origin: where such a thing was seen.
        layers: which layers are expected to catch it, of `LAYERS`; empty where it is harmless.
        names: the diagnoses that name it rightly.
        item: the cheapest item that fails, as (suite, case); None where no single one is cheap or
            the fault is harmless.
        build: makes the solver.
        spoils: what it changes: "answers"; or what no answer shows, "starts" (what becomes of a
            given start value), "derivatives" or "manners" (the caller's data, state and screen).
    """

    name: str
    kind: str
    about: str
    origin: str
    layers: frozenset[str]
    names: frozenset[str]
    item: tuple[str, str] | None
    build: Callable[[], Any]
    spoils: str = "answers"


def fault(
    *,
    origin: str,
    layers: str,
    names: str = "",
    item: str | None = None,
    spoils: str = "answers",
) -> Callable[[Any], Any]:
    """Add a function or a class to the collection, under its own name.

    Args:
        origin: where such a thing was seen.
        layers, names: comma-separated.
        item: `"suite case"`.
        spoils: what it changes.
    """

    def add(made: Any) -> Any:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", made.__name__).lower()
        made.name = name.replace("_", " ")
        suite, _, case = (item or "").partition(" ")
        ADDED[name] = Fault(
            name=name,
            kind=made.__module__.rpartition(".")[2],
            about=" ".join((made.__doc__ or "").split()),
            origin=origin,
            layers=_words(layers),
            names=_words(names),
            item=(suite, case) if item else None,
            build=made if isinstance(made, type) else lambda: made,
            spoils=spoils,
        )
        return made

    return add


def _words(text: str) -> frozenset[str]:
    return frozenset(filter(None, (word.strip() for word in text.split(","))))

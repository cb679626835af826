"""The cases: what is registered, as frozen records whose images are made only when asked for."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import irgate_fixtures

BATTERY_VERSION = "1"
"""Changes whenever a recipe changes what it makes; part of every digest and of the JSON report."""


@dataclass(frozen=True)
class Case:
    """One pair of images to register, by name and recipe.

    Attributes:
        id: stable, ASCII, made of names: `synth_translate_2d`.
        suite: `"base"` or `"battery"`.
        fixture: the base fixture that it comes from.
        model: the smallest family that holds the true transform.
        intensity: `"same"` or `"varying"`.
        recipe: everything that decides the images, as JSON-able values.

    """

    id: str
    suite: str
    fixture: str
    model: str
    intensity: str
    recipe: Mapping[str, Any] = field(hash=False)

    def pair(self) -> irgate_fixtures.Pair:
        """Make the images, float64, the same bits on every call on one machine."""
        return irgate_fixtures.pair(self.fixture)

    def digest(self) -> str:
        """Return the sha256 of the recipe in canonical JSON, as 64 hexadecimal digits."""
        text = json.dumps(
            {"battery": BATTERY_VERSION, "id": self.id, "recipe": self.recipe},
            sort_keys=True,
            separators=(",", ":"),
            allow_nan=False,
        )
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def base_cases() -> tuple[Case, ...]:
    """Return the five base fixtures, in the order of the report."""
    return tuple(
        Case(
            id=name,
            suite="base",
            fixture=name,
            model=irgate_fixtures.RECIPES[name]["model"],
            intensity=irgate_fixtures.RECIPES[name]["intensity"],
            recipe=irgate_fixtures.RECIPES[name],
        )
        for name in irgate_fixtures.NAMES
    )


def cases() -> tuple[Case, ...]:
    """Return every case of this version, base fixtures first."""
    return base_cases()

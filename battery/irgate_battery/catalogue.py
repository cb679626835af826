"""The cases: what is registered, as frozen records whose images are made only when asked for."""

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import irgate_fixtures
from irgate_battery import perturbations

BATTERY_VERSION = "1"
"""Changes whenever a recipe changes what it makes; part of every digest and of the JSON report."""

DEFAULT_SEED = 0
DEFAULT_COUNT = 50
"""Five fixtures by nine perturbations, and five stressors."""


@dataclass(frozen=True)
class Case:
    """One pair of images to register, by name and recipe.

    Attributes:
        id: stable, ASCII, made of names: `lena_affine_2d-rot75`.
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

    @property
    def purpose(self) -> str:
        """What the case is for: the faults that it shows, in one line."""
        if self.suite == "base":
            return irgate_fixtures.PURPOSES[self.fixture]
        family = self.id.removeprefix(f"{self.fixture}-").partition("-draw")[0]
        return perturbations.PURPOSES.get(family) or perturbations.DRAWN[family]

    def pair(self) -> irgate_fixtures.Pair:
        """Make the images, float64, the same bits on every call on one machine."""
        if self.suite == "base":
            return irgate_fixtures.pair(self.fixture)
        return perturbations.perturbed(
            self.fixture, self.recipe["perturbation"], self.model, self.intensity
        )

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


def battery_cases(seed: int = DEFAULT_SEED, count: int = DEFAULT_COUNT) -> Iterator[Case]:
    """Make the battery, one record at a time: a pure function of seed, count and version.

    The first 50 are the named ones; whoever asks for more gets draws from the same families.

    Args:
        seed: decides directions, signs, places and noise.
        count: how many cases.
    """
    named = (
        (fixture, perturbation)
        for fixture in irgate_fixtures.NAMES
        for perturbation in (
            *perturbations.EVERYWHERE,
            *perturbations.STRESSORS.get(fixture, ()),
        )
    )
    for number in range(count):
        at_hand = next(named, None)
        if at_hand is None:
            draw = _generator(seed, f"draw{number + 1}")
            fixture = draw.choice(irgate_fixtures.NAMES)
            family, recipe = perturbations.drawn(draw)
            yield _battery_case(f"{fixture}-{family}-draw{number + 1}", fixture, recipe)
        else:
            fixture, perturbation = at_hand
            name = f"{fixture}-{perturbation}"
            recipe = perturbations.named(perturbation, _generator(seed, name))
            yield _battery_case(name, fixture, recipe)


def cases(seed: int = DEFAULT_SEED, count: int = DEFAULT_COUNT) -> tuple[Case, ...]:
    """Return every case, base fixtures first."""
    return (*base_cases(), *battery_cases(seed, count))


def _generator(seed: int, name: str) -> random.Random:
    """Return a generator of one case's own: adding a case moves no other."""
    return random.Random(f"irgate {BATTERY_VERSION} {seed} {name}")


def _battery_case(name: str, fixture: str, recipe: perturbations.Recipe) -> Case:
    base = irgate_fixtures.RECIPES[fixture]
    return Case(
        id=name,
        suite="battery",
        fixture=fixture,
        model=perturbations.model_of(base["model"], recipe),
        intensity=perturbations.intensity_of(base["intensity"], recipe),
        recipe={"fixture": base, "perturbation": recipe},
    )

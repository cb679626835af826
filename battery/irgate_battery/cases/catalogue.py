"""The cases: what is registered, as frozen records whose images are made only when asked for."""

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import irgate_fixtures
from irgate_battery.cases import conditions, perturbations
from irgate_battery.cases.battery_table import (
    DEFAULT_COUNT,
    DEFAULT_SEED,
    DRAWN,
    PERTURBATIONS,
    named_cases,
)
from irgate_battery.cases.condition_table import CONDITIONS, Condition

BATTERY_VERSION = "1"
"""Changes whenever a recipe changes what it makes; part of every digest and of the JSON report."""

OCCLUSION = "occlusion"
"""The kind of perturbation that hides a part of the fixed image."""

OBSTACLES = frozenset({"hidden", "moving_hidden", "moving_source", "gamma"})
"""What of a condition's recipe lies between the images besides the motion."""

CLEAN_KINDS = (None, "shift", "rotation")
"""Perturbations that leave the images as they are and change the motion; `None` for a fixture."""


@dataclass(frozen=True)
class Case:
    """One pair of images to register, by name and recipe.

    Attributes:
        id: stable, ASCII, made of names: `lena_affine_2d-rot75`.
        fixture: the base fixture that it comes from; a condition is a pair of its own.
        model: the smallest family that holds the true transform.
        intensity: `"same"` or `"varying"`.
        recipe: everything that decides the images, as JSON-able values.

    """

    id: str
    fixture: str
    model: str
    intensity: str
    recipe: Mapping[str, Any] = field(hash=False)

    @property
    def perturbation(self) -> perturbations.Recipe | None:
        """What was done to the base fixture; `None` for the fixture itself."""
        found: perturbations.Recipe | None = self.recipe.get("perturbation")
        return found

    @property
    def kind(self) -> str | None:
        """The kind of its perturbation, `"occlusion"`; `None` for a base fixture."""
        return None if self.perturbation is None else str(self.perturbation["kind"])

    @property
    def condition(self) -> Mapping[str, Any] | None:
        """Its recipe as a condition; `None` for a base fixture or a perturbed one."""
        found: Mapping[str, Any] | None = self.recipe.get("condition")
        return found

    @property
    def size(self) -> tuple[int, int]:
        """`(H, W)` of the fixed image of a condition or a base fixture."""
        height, width = (self.condition or self.recipe)["size"]
        return int(height), int(width)

    @property
    def needs(self) -> tuple[str, ...]:
        """The arguments without which nobody can be asked to see through it: its masks."""
        if self.condition is None:
            return ("mask",) if self.kind == OCCLUSION else ()
        masks = {"mask": "hidden", "moving_mask": "moving_hidden"}
        return tuple(name for name, part in masks.items() if part in self.condition)

    @property
    def tight(self) -> bool:
        """Whether its answer is held to `irgate_battery.judge.limits.CLEAN_PX`."""
        return self.condition is not None and _conditions()[self.id].tight

    @property
    def noise(self) -> float:
        """Standard deviation of the noise that its perturbation adds, intensity."""
        return 0.0 if self.perturbation is None else float(self.perturbation.get("sigma", 0.0))

    @property
    def is_clean(self) -> bool:
        """Whether nothing but the motion lies between the images: no noise, occluder or gain."""
        if self.intensity != "same":
            return False
        if self.condition is not None:
            return not OBSTACLES & set(self.condition)
        return self.kind in CLEAN_KINDS

    @property
    def family(self) -> str | None:
        """The perturbation's name, `"rot75"`, or that of the family it was drawn from."""
        if self.perturbation is None:
            return None
        return self.id.removeprefix(f"{self.fixture}-").partition("-draw")[0]

    @property
    def purpose(self) -> str:
        """What the case is for: the faults that it shows, in one line."""
        if self.condition is not None:
            return _conditions()[self.id].purpose
        family = self.family
        if family is None:
            return irgate_fixtures.PURPOSES[self.fixture]
        return next((p.purpose for p in PERTURBATIONS if p.name == family), None) or DRAWN[family]

    def pair(self) -> irgate_fixtures.Pair:
        """Make the images, float64, the same bits on every call on one machine."""
        if self.condition is not None:
            return conditions.condition_pair(self.id, self.condition)
        if self.perturbation is None:
            return irgate_fixtures.pair(self.fixture)
        return perturbations.perturbed(self.fixture, self.perturbation, self.model, self.intensity)

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
            fixture=name,
            model=irgate_fixtures.RECIPES[name]["model"],
            intensity=irgate_fixtures.RECIPES[name]["intensity"],
            recipe=irgate_fixtures.RECIPES[name],
        )
        for name in irgate_fixtures.NAMES
    )


def battery_cases(seed: int = DEFAULT_SEED, count: int = DEFAULT_COUNT) -> Iterator[Case]:
    """Make the battery, one record at a time: a pure function of seed, count and version.

    The first cases are those of the battery's table; a larger count draws more from the same
    families.

    Args:
        seed: decides directions, signs, places and noise.
        count: how many cases.
    """
    table = iter(named_cases())
    for number in range(count):
        at_hand = next(table, None)
        if at_hand is None:
            draw = _generator(seed, f"draw{number + 1}")
            fixture = draw.choice(irgate_fixtures.NAMES)
            family, recipe = perturbations.drawn(draw)
            yield _battery_case(f"{fixture}-{family}-draw{number + 1}", fixture, recipe)
        else:
            fixture, perturbation = at_hand
            name = f"{fixture}-{perturbation.name}"
            recipe = perturbations.recipe_of(perturbation, _generator(seed, name))
            yield _battery_case(name, fixture, recipe)


def condition_cases() -> tuple[Case, ...]:
    """Return the cases of the table of conditions."""
    return tuple(
        Case(
            id=condition.name,
            fixture=condition.name,
            model=condition.model,
            intensity=condition.intensity,
            recipe={"condition": condition.recipe()},
        )
        for condition in CONDITIONS
    )


def all_cases(seed: int = DEFAULT_SEED, count: int = DEFAULT_COUNT) -> tuple[Case, ...]:
    """Return every case: the base fixtures, the battery, the conditions."""
    return (*base_cases(), *battery_cases(seed, count), *condition_cases())


@cache
def _conditions() -> Mapping[str, Condition]:
    return {condition.name: condition for condition in CONDITIONS}


def _generator(seed: int, name: str) -> random.Random:
    """Return a generator of one case's own: adding a case moves no other."""
    return random.Random(f"irgate {BATTERY_VERSION} {seed} {name}")


def _battery_case(name: str, fixture: str, recipe: perturbations.Recipe) -> Case:
    base = irgate_fixtures.RECIPES[fixture]
    return Case(
        id=name,
        fixture=fixture,
        model=perturbations.model_of(base["model"], recipe),
        intensity=perturbations.intensity_of(base["intensity"], recipe),
        recipe={"fixture": base, "perturbation": recipe},
    )

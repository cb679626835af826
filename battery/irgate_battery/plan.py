"""The plan of a run: which items each suite has, by name."""

from collections.abc import Mapping
from dataclasses import dataclass

from irgate_battery.catalogue import (
    DEFAULT_COUNT,
    DEFAULT_SEED,
    Case,
    base_cases,
    battery_cases,
)
from irgate_battery.contract import CHECKS
from irgate_battery.own.named import OwnPair
from irgate_battery.recovery import PUSHES

SUITES = ("contract", "base", "battery", "recovery", "gradient")
"""In the order in which they run."""

PAIR = "pair"
"""The suite of a user's own pairs: it runs after these, where one is named."""


@dataclass(frozen=True)
class Plan:
    """What a complete run has.

    Attributes:
        seed: what the battery is drawn with.
        count: how many battery cases.
        pairs: a user's own.
    """

    seed: int = DEFAULT_SEED
    count: int = DEFAULT_COUNT
    pairs: tuple[OwnPair, ...] = ()

    def battery(self) -> tuple[Case, ...]:
        """Return the battery's cases."""
        return tuple(battery_cases(self.seed, self.count))

    def recovery(self) -> tuple[tuple[Case, str], ...]:
        """Return each base fixture with each push."""
        return tuple((case, push) for case in base_cases() for push in PUSHES)

    def expected(self) -> Mapping[str, tuple[str, ...]]:
        """Return for each suite the names of its items' cases, as in their rows."""
        fixtures = tuple(case.id for case in base_cases())
        return {
            "contract": tuple(check.name for check in CHECKS),
            "base": fixtures,
            "battery": tuple(case.id for case in self.battery()),
            "recovery": tuple(recovery_name(case, push) for case, push in self.recovery()),
            "gradient": fixtures,
            PAIR: tuple(pair.id for pair in self.pairs),
        }


def recovery_name(case: Case, push: str) -> str:
    """Return a recovery item's name, `lena_affine_2d-shift5px`."""
    return f"{case.id}-{push}"


def item_id(suite: str, case: str) -> str:
    """Return the node id of an item, `irgate/base.py::test_case[brain_mri_real]`."""
    item = {
        "contract": f"test_{case}",
        "recovery": f"test_recovers[{case}]",
        "gradient": f"test_gradient[{case}]",
    }.get(suite, f"test_case[{case}]")
    return f"irgate/{suite}.py::{item}"

"""One measured claim, and the table of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """One claim of the plan.

    Attributes:
        claim: as the plan has it.
        how: what was measured, on what.
        measured: the figures.
        held: whether they bear the claim out.

    """

    claim: str
    how: str
    measured: str
    held: bool

    def __post_init__(self) -> None:
        # A comparison of numpy's numbers is no bool of Python's, which JSON wants.
        object.__setattr__(self, "held", bool(self.held))


def table(claims: Sequence[Claim]) -> str:
    """Return the claims as a Markdown table."""
    lines = ["| the plan's claim | held? | measured | what was measured |", "|---|---|---|---|"]
    for claim in claims:
        verdict = "held" if claim.held else "**not held**"
        lines.append(f"| {claim.claim} | {verdict} | {claim.measured} | {claim.how} |")
    return "\n".join(lines)

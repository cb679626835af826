"""docs/diagnosis.md lists every name that a row may carry, and no other."""

import re
from pathlib import Path

import irgate_battery
from irgate_battery.diagnosis.meanings import MEANINGS, UNEXPECTED_PASS
from irgate_battery.diagnosis.misreadings import MISREADINGS
from irgate_battery.diagnosis.objectives import WRONG_OBJECTIVES
from irgate_battery.diagnosis.pattern import NO_ANSWER

PAGE = Path(__file__).parents[2] / "docs" / "diagnosis.md"
SOURCES = Path(irgate_battery.__file__).parent


def names_in(module):
    """The names that a module gives beside the misreadings."""
    source = (SOURCES / module).read_text()
    found = re.findall(r"_found\(\s*context,\s*\"([^\"]+)\"", source)
    found += re.findall(r"\"([a-z]+ (?:early|basin|gradient|input|ignored))\"", source)
    return set(found)


def test_the_page_has_them_all():
    tables = PAGE.read_text().partition("## Misreadings")[2].partition("## Systematic")[0]
    documented = set(re.findall(r"`([a-zFH][A-Za-z0-9/_, -]*[a-zA-Z0-9])`", tables))
    given = {misreading.fault for misreading in MISREADINGS} | {"identity", "images swapped"}
    given |= {objective.fault for objective in WRONG_OBJECTIVES}
    given |= {"every frequency weighted alike", "centroid of negative values"}
    given |= {"affine part only", "scale in a rigid model", "translation only"}
    given |= {"scale left out", "family"}
    given |= {*NO_ANSWER, UNEXPECTED_PASS}
    for module in ("diagnosis/probes.py", "suites/recovery.py", "suites/derivatives.py"):
        given |= names_in(module)
    assert len(given) > 30
    assert given - documented == set()
    others = {"repeatable", "output_form", "input_unchanged", "align_corners", "units"}
    others |= {
        "direction",
        "axis_order",
        "coarse answer",
        "odd size",
        "moves identical images",
        "init",
    }
    assert given - set(MEANINGS) == set()
    assert documented - given - others == set()

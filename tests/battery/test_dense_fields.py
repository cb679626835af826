"""Dense fields where a few parameters were asked for: the diagnosis knows them by their form."""

import numpy as np
import pytest

import irgate_fixtures
from irgate_battery.diagnosis import explain
from irgate_fixtures import affine


@pytest.mark.parametrize("model", ["translation", "rigid", "affine"])
def test_a_field_of_no_family_is_told_so(model):
    """A bump over a member: what the model could not have made is most of the error."""
    name = {"translation": "synth_translate_2d", "rigid": "synth_rotate_2d"}
    pair = irgate_fixtures.pair(name.get(model, "lena_affine_2d"))
    truth = pair.truth.displacement(pair.shape)
    y, x = np.mgrid[: pair.shape[0], : pair.shape[1]]
    bump = 6 * np.exp(-((x - 60) ** 2 + (y - 50) ** 2) / (2 * 12.0**2))
    field = truth + np.stack([bump, -bump], -1)
    found = explain(pair, field)
    assert found.fault == "family"
    assert f"is a field that is no {model} map" in found.sentence
    # A member of it is none, however far it stands, nor is a field that is nearly one.
    far = affine(np.eye(2), 3.1, -2.3, pair.shape).displacement(pair.shape)
    for other in (truth + far, truth + 5 * far + np.stack([bump, -bump], -1)):
        told = explain(pair, other)
        assert told is None or told.fault != "family"


def test_a_free_form_that_bends_elsewhere_is_of_its_family():
    pair = irgate_fixtures.pair("bspline_random_2d")
    y, x = np.mgrid[: pair.shape[0], : pair.shape[1]]
    bump = 6 * np.exp(-((x - 60) ** 2 + (y - 50) ** 2) / (2 * 12.0**2))
    told = explain(pair, pair.truth.displacement(pair.shape) + bump[..., None])
    assert told is None or told.fault != "family"

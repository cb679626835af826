"""Recipes `siren-lm` and `siren`: the start that reaches the descent, and a displacement alone."""

import numpy as np
import pytest
import torch

from irgate_solver import Status, _siren_stages, register
from irgate_solver._warps import FreeForm

from . import scene
from .test_register import ffd_field

SHAPE = (72, 88)


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_siren_stages, "STEPS", (60, 60, 60, 60))
    monkeypatch.setattr(_siren_stages.Siren.run, "__defaults__", ((60, 60, 60, 60),))


def test_the_projected_siren_is_where_the_free_form_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[torch.Tensor] = []
    whole = _siren_stages.SirenStart._settle

    def watched(self, warp, descents, p, levels):  # type: ignore[no-untyped-def]
        starts.append(p)
        return whole(self, warp, descents, p, levels)

    monkeypatch.setattr(_siren_stages.SirenStart, "_settle", watched)
    field = ffd_field(SHAPE)
    pair = scene.make(field)
    fixed, moving = pair.fixed.astype(np.float32), pair.moving.astype(np.float32)
    found = register(fixed, moving, model="ffd", recipe="siren-lm", search=False)
    plain = register(fixed, moving, model="ffd", search=False)
    warp = FreeForm(*SHAPE)
    energies = [float((part @ warp.bending @ part).abs()) for part in starts[0].view(2, -1)]
    assert min(energies) > 1e-6  # an affine start bends by no more than rounding, 1e-15
    both = found.displacement() - plain.displacement()
    assert float(both.norm(dim=-1).mean()) <= 1e-3  # one minimum


def test_a_given_start_goes_before_the_siren() -> None:
    pair = scene.make(ffd_field(SHAPE))
    first = register(pair.fixed, pair.moving, model="ffd", search=False)
    again = register(pair.fixed, pair.moving, model="ffd", recipe="siren-lm", init=first)
    assert float((again.displacement() - first.displacement()).norm(dim=-1).max()) <= 1e-5


def test_siren_alone_gives_a_displacement_and_no_control_points() -> None:
    pair = scene.make(ffd_field(SHAPE))
    fixed, moving = pair.fixed.astype(np.float32), pair.moving.astype(np.float32)
    result = register(fixed, moving, model="ffd", recipe="siren")
    assert result.matrix is None
    assert result.control_points is None
    assert result.status is Status.SCHEDULED
    assert not result.status.settled
    assert result.displacement().shape == (*SHAPE, 2)
    assert torch.isinf(result.covariance).all()
    warped = result.warp(torch.tensor(moving)).numpy()
    theirs, valid = scene.look_up(SHAPE, moving, result.displacement().numpy())
    np.testing.assert_allclose(warped[valid], theirs[valid], atol=1e-4)
    with pytest.raises(ValueError, match="expected the fixed image's"):
        result.displacement((50, 60))


def test_siren_alone_gives_the_matrix_of_a_linear_family() -> None:
    matrix = scene.turned(SHAPE, 5, (1.0, -0.6))
    pair = scene.make(scene.field_of(matrix, SHAPE))
    fixed, moving = pair.fixed.astype(np.float32), pair.moving.astype(np.float32)
    result = register(fixed, moving, model="rigid", recipe="siren")
    np.testing.assert_allclose(result.matrix.numpy(), matrix, atol=0.05)


def test_siren_masks_what_it_must_not_trust() -> None:
    pair = scene.make(scene.field_of(scene.turned(SHAPE, 5, (1.0, -0.6)), SHAPE))
    mask = np.ones(SHAPE, dtype=bool)
    mask[20:50, 30:65] = False
    fields = [
        register(
            np.where(mask, pair.fixed, filler).astype(np.float32),
            pair.moving.astype(np.float32),
            model="rigid",
            mask=mask,
            recipe="siren",
        ).displacement()
        for filler in (0.0, 7.0)
    ]
    assert torch.equal(*fields)


def test_a_start_is_heeded() -> None:
    matrix = scene.turned(SHAPE, 5, (1.0, -0.6))
    pair = scene.make(scene.field_of(matrix, SHAPE))
    fixed, moving = pair.fixed.astype(np.float32), pair.moving.astype(np.float32)
    free = register(fixed, moving, model="rigid", recipe="siren")
    given = register(fixed, moving, model="rigid", recipe="siren", init=matrix)
    truth = scene.field_of(matrix, SHAPE)
    errors = [
        scene.distance(result.displacement().numpy(), truth).mean() for result in (free, given)
    ]
    assert not torch.equal(free.displacement(), given.displacement())
    assert errors[1] <= errors[0]


def test_auto_bending_goes_with_the_start_and_not_with_the_siren_alone() -> None:
    made = scene.make(scene.field_of(scene.turned((64, 72), 2, (1.2, -0.8)), (64, 72)), noise=0.02)
    options = {"model": "ffd", "bending": "auto"}
    plain = register(made.fixed, made.moving, **options)
    result = register(made.fixed, made.moving, recipe="siren-lm", **options)
    weights = [each._objective.settings.bending for each in (plain, result)]
    assert torch.equal(*weights)
    with pytest.raises(ValueError, match="register: bending='auto' came with recipe 'siren'") as no:
        register(made.fixed, made.moving, recipe="siren", **options)
    assert "\n" not in str(no.value)


def test_points_of_a_batch_lie_where_the_displacements_say() -> None:
    """Story: a batch of displacements was asked for one transform, and refused."""
    pair = scene.make(ffd_field(SHAPE))
    images = [
        np.stack((image, image[::-1])).astype(np.float32) for image in (pair.fixed, pair.moving)
    ]
    result = register(*images, model="ffd", recipe="siren")
    points = np.array([[10, 12], [40, 33]])
    mapped = result.transform(points)
    for k in range(2):
        moved = result.displacement()[k].numpy()[points[:, 1], points[:, 0]]
        np.testing.assert_allclose(mapped[k] - points, moved, atol=1e-9)

"""`register` against the truth, and against an independent minimiser of the same objective."""

import numpy as np
import pytest
import scipy.optimize
import torch

import irgate_fixtures
from irgate_solver import Status, register
from irgate_solver._warps import LINEAR, FreeForm

from . import scene

SHAPE = (72, 88)

# Largest distance to the truth on noiseless analytic scenes, px. What is left is the bias of
# bilinear interpolation; the FFD's control points beyond the border are held by few pixels.
CLEAN_LINEAR = 0.02
CLEAN_FFD = 0.3

# Their mean for the FFD, px.
CLEAN_FFD_MEAN = 0.03

# Mean distance to the truth with cubic sampling on the fixtures without noise, px: what the
# splines' own error leaves two pixels from the border (0.00004 to 0.00017 measured).
CUBIC_MEAN = 3e-4

TRUTHS = {
    "translation": scene.linear_matrix(SHAPE, [[1, 0], [0, 1]], (3.4, -2.23)),
    "rigid": scene.turned(SHAPE, 15, (1.5, -1)),
    "affine": scene.linear_matrix(SHAPE, [[1.05, 0.07], [-0.04, 0.97]], (2, -3)),
}


def ffd_field(shape: tuple[int, int], amplitude: float = 3.0, seed: int = 3) -> scene.Array:
    """Return the displacement of a random 4x4 FFD."""
    warp = FreeForm(*shape)
    draw = np.random.default_rng(seed).uniform(-amplitude, amplitude, (1, 32))
    y, x = (torch.arange(n, dtype=torch.float64) for n in shape)
    field = warp.rows(y) @ (warp.coefficients(torch.tensor(draw)) @ warp.columns(x).mT)
    return field[0].permute(1, 2, 0).numpy()


def pair_of(model: str, **options: float) -> scene.Scene:
    field = ffd_field(SHAPE) if model == "ffd" else scene.field_of(TRUTHS[model], SHAPE)
    return scene.make(field, **options)


@pytest.mark.parametrize("intensity", ["same", "varying"])
@pytest.mark.parametrize("model", ["translation", "rigid", "affine", "ffd"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finds_the_truth(model: str, intensity: str, dtype: type) -> None:
    pair = pair_of(model)
    moving = pair.moving if intensity == "same" else 0.3 + 0.5 * pair.moving
    result = register(
        pair.fixed.astype(dtype), moving.astype(dtype), model=model, intensity=intensity
    )
    error = scene.distance(result.displacement().numpy(), pair.displacement)
    assert error.max() <= (CLEAN_FFD if model == "ffd" else CLEAN_LINEAR)
    assert error.mean() <= (CLEAN_FFD_MEAN if model == "ffd" else CLEAN_LINEAR)
    assert result.status in (Status.CONVERGED, Status.STALLED)


def test_matrix_is_about_the_pixel_origin_and_agrees_with_the_field() -> None:
    pair = pair_of("affine")
    result = register(pair.fixed, pair.moving)
    np.testing.assert_allclose(
        scene.field_of(result.matrix.numpy(), (50, 120)),
        result.displacement((50, 120)).numpy(),
        atol=1e-10,  # two orders of summing 100 px in float64
    )


@pytest.mark.parametrize("model", ["translation", "rigid", "affine"])
@pytest.mark.parametrize("intensity", ["same", "varying"])
def test_stands_at_the_minimum_that_scipy_finds(model: str, intensity: str) -> None:
    """Noise makes the minimum differ from the truth; Nelder-Mead knows values only.

    Noise on the fixed image alone: white noise on the moving one makes the bilinear objective
    rough at pixel borders, with many minima a few hundredths of a pixel apart.
    The mask keeps points from entering and leaving: a mean over valid points jumps there, and a
    minimum may be a jump's edge, which neither method is made for.
    """
    fixed, moving = pair_of(model, noise=0.02).fixed, pair_of(model).moving
    mask = np.zeros(SHAPE, dtype=bool)
    mask[14:-14, 14:-14] = True
    result = register(fixed, moving, model=model, intensity=intensity, mask=mask, tolerance=1e-9)
    warp = LINEAR[model](*SHAPE)

    def objective(p: scene.Array) -> float:
        matrix = warp.matrix(torch.tensor(p)[None])[0].numpy()
        warped, valid = scene.look_up(SHAPE, moving, scene.field_of(matrix, SHAPE))
        f, m = fixed[valid & mask], warped[valid & mask]
        if intensity == "same":
            return float(np.mean((m - f) ** 2))
        return float(1 - np.corrcoef(f, m)[0, 1] ** 2)

    ours = result.parameters.numpy()
    simplex = ours + np.vstack((np.zeros(warp.size), 0.02 * np.eye(warp.size)))
    found = scipy.optimize.minimize(
        objective,
        ours,
        method="Nelder-Mead",
        options={"initial_simplex": simplex, "xatol": 1e-8, "fatol": 1e-16, "maxiter": 4000},
    )
    assert objective(ours) <= found.fun * (1 + 1e-9)
    assert float(result.objective) == pytest.approx(objective(ours), rel=1e-9)


@pytest.mark.parametrize("name", irgate_fixtures.NAMES)
def test_fixture_is_solved(name: str) -> None:
    pair = irgate_fixtures.pair(name)
    fixed, moving = pair.fixed.astype(np.float32), pair.moving.astype(np.float32)
    result = register(fixed, moving, model=pair.model, intensity=pair.intensity)
    truth = pair.truth.displacement(fixed.shape)
    field = result.displacement().numpy()
    _, valid = scene.look_up(fixed.shape, moving, field)
    # The scanner's noise alone moves the optimum of the MRI pair by 0.05 to 0.1 px.
    limit = 0.1 if name == "brain_mri_real" else 0.01
    assert scene.distance(field, truth)[valid].mean() <= limit
    floor = scene.rmse(fixed, moving, truth)
    assert scene.rmse(fixed, moving, field) <= 1.1 * floor + 1e-4


@pytest.mark.parametrize("name", [name for name in irgate_fixtures.NAMES if "mri" not in name])
def test_cubic_sampling_stands_at_the_truth(name: str) -> None:
    """A mirrored border counted with the rest would leave 0.0008 px and more."""
    pair = irgate_fixtures.pair(name)
    fixed, moving = pair.fixed.astype(np.float32), pair.moving.astype(np.float32)
    result = register(fixed, moving, model=pair.model, intensity=pair.intensity, sampling="cubic")
    error = scene.distance(result.displacement().numpy(), pair.truth.displacement(fixed.shape))
    assert error.mean() <= CUBIC_MEAN


def test_sizes_may_differ() -> None:
    truth = scene.linear_matrix(SHAPE, [[1.02, 0.03], [-0.02, 0.98]], (6, 4))
    pair = scene.make(scene.field_of(truth, SHAPE), (90, 101))
    result = register(pair.fixed, pair.moving)
    assert scene.distance(result.displacement().numpy(), pair.displacement).max() <= CLEAN_LINEAR


@pytest.mark.parametrize("model", ["rigid", "ffd"])
def test_mask_keeps_an_occluder_out(model: str) -> None:
    """Half the occluder's pixels lie at the mask's edge: a blur across it would show."""
    pair = pair_of(model)
    mask = np.ones(SHAPE, dtype=bool)
    mask[20:50, 30:65] = False
    fixed = np.where(mask, pair.fixed, 5.0)
    result = register(fixed, pair.moving, model=model, mask=mask)
    error = scene.distance(result.displacement().numpy(), pair.displacement)
    assert error.max() <= (2 * CLEAN_FFD if model == "ffd" else CLEAN_LINEAR)


def test_what_lies_under_the_mask_does_not_matter() -> None:
    pair = pair_of("affine")
    mask = np.ones(SHAPE, dtype=bool)
    mask[20:50, 30:65] = False
    answers = [
        register(np.where(mask, pair.fixed, filler), pair.moving, mask=mask).matrix
        for filler in (0.0, 7.0, np.nan)
    ]
    assert torch.equal(answers[0], answers[1])
    assert torch.equal(answers[0], answers[2])


class Start:
    """An `init` that knows its displacement, and perhaps its matrix."""

    def __init__(self, matrix: scene.Array | None, field: scene.Array) -> None:
        self.matrix = matrix
        self._field = field

    def displacement(self, shape: tuple[int, int]) -> scene.Array:
        return self._field


@pytest.mark.parametrize("model", ["translation", "rigid", "affine", "ffd"])
@pytest.mark.parametrize("form", ["array", "object", "field"])
def test_start_leads_to_the_same_minimum(model: str, form: str) -> None:
    pair = pair_of(model)
    expected = register(pair.fixed, pair.moving, model=model)
    matrix = TRUTHS["translation" if model == "ffd" else model].copy()
    matrix[:2, 2] += (2.0, -1.5)
    field = scene.field_of(matrix, SHAPE)
    init = {"array": matrix, "object": Start(matrix, field), "field": Start(None, field)}[form]
    found = register(pair.fixed, pair.moving, model=model, init=init)
    difference = scene.distance(found.displacement().numpy(), expected.displacement().numpy())
    assert difference.max() <= 1e-5  # an error of ten steps under the float64 tolerance, or kinks


@pytest.mark.parametrize("model", ["translation", "rigid", "affine", "ffd"])
def test_start_at_the_result_stays_there(model: str) -> None:
    pair = pair_of(model)
    first = register(pair.fixed, pair.moving, model=model)
    again = register(pair.fixed, pair.moving, model=model, init=first)
    difference = scene.distance(again.displacement().numpy(), first.displacement().numpy())
    assert difference.max() <= 1e-5


@pytest.mark.parametrize("model", ["translation", "rigid", "affine", "ffd"])
@pytest.mark.parametrize("intensity", ["same", "varying"])
def test_equal_images_give_the_identity(model: str, intensity: str) -> None:
    image = pair_of("rigid").fixed.astype(np.float32)
    result = register(image, image, model=model, intensity=intensity)
    assert float(result.displacement().abs().max()) <= 1e-4


def test_bending_smooths_a_noisy_free_form_and_leaves_affine_maps_alone() -> None:
    pair = pair_of("affine", noise=0.05)
    warp = FreeForm(*SHAPE)
    q = torch.block_diag(warp.bending, warp.bending)
    energies, errors = [], []
    for weight in (0.0, 1.0):
        result = register(pair.fixed, pair.moving, model="ffd", bending=weight)
        p = result.parameters
        energies.append(float(p @ q @ p))
        errors.append(scene.distance(result.displacement().numpy(), pair.displacement).mean())
    assert energies[1] <= 0.1 * energies[0]
    assert errors[1] <= errors[0]


def test_finer_control_grid_bends_more() -> None:
    field = ffd_field(SHAPE)
    x, _ = scene.grid(SHAPE)
    field[..., 0] += 0.8 * np.sin(2 * np.pi * x / 40)
    pair = scene.make(field)
    coarse = register(pair.fixed, pair.moving, model="ffd")
    fine = register(pair.fixed, pair.moving, model="ffd", control=(8, 9), bending=1e-3)
    assert fine.control_points.shape == (2, 8, 9)
    before = scene.distance(coarse.displacement().numpy(), field).mean()
    after = scene.distance(fine.displacement().numpy(), field).mean()
    assert after <= 0.5 * before


def test_two_calls_give_the_same_bits_and_change_nothing() -> None:
    pair = pair_of("ffd")
    fixed, moving = torch.tensor(pair.fixed), torch.tensor(pair.moving)
    before = (fixed.clone(), moving.clone(), torch.get_default_dtype(), torch.get_num_threads())
    state = torch.get_rng_state()
    with torch.enable_grad():
        first = register(fixed, moving, model="ffd").control_points
        second = register(fixed, moving, model="ffd").control_points
        assert torch.is_grad_enabled()
    assert torch.equal(first, second)
    assert torch.equal(fixed, before[0])
    assert torch.equal(moving, before[1])
    assert torch.get_default_dtype() == before[2]
    assert torch.get_num_threads() == before[3]
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("model", ["rigid", "ffd"])
def test_what_is_returned_may_be_differentiated_through(model: str) -> None:
    """The solve runs in inference mode, whose tensors autograd refuses to save."""
    pair = pair_of(model)
    first = register(pair.fixed, pair.moving, model=model, metric="huber", bending=0.1)
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    kept = [first.parameters, first.objective, first.overlap, first.reciprocal_condition]
    kept += [first.displacement(), first.covariance, first.warp(torch.tensor(pair.moving))]
    sum((weight * tensor).sum() for tensor in kept).backward()
    assert weight.grad.isfinite()
    fixed = torch.tensor(pair.fixed, requires_grad=True)
    register(fixed, pair.moving, model=model, init=first).displacement().sum().backward()
    assert fixed.grad.isfinite().all()


def test_warp_brings_the_moving_image_onto_the_fixed_grid() -> None:
    pair = pair_of("rigid")
    result = register(pair.fixed, pair.moving, model="rigid")
    ours = result.warp(torch.tensor(pair.moving)).numpy()
    theirs, valid = scene.look_up(SHAPE, pair.moving, result.displacement().numpy())
    np.testing.assert_allclose(ours[valid], theirs[valid], atol=1e-12)
    x, y = scene.grid(SHAPE) + np.moveaxis(result.displacement().numpy(), -1, 0)
    beyond = (x < -0.5) | (x >= SHAPE[1] - 0.5) | (y < -0.5) | (y >= SHAPE[0] - 0.5)
    assert beyond.any()
    assert np.all(ours[beyond] == 0)


@pytest.mark.parametrize("sampling", ["linear", "cubic"])
def test_single_precision_agrees_with_double_on_the_free_form_fixture(sampling: str) -> None:
    """Its normal matrix has a condition of 1e9 before scaling: the sums have to be float64."""
    pair = irgate_fixtures.pair("bspline_random_2d")
    fields = [
        register(
            pair.fixed.astype(dtype), pair.moving.astype(dtype), model="ffd", sampling=sampling
        ).displacement()
        for dtype in (np.float32, np.float64)
    ]
    assert float((fields[0] - fields[1]).norm(dim=-1).max()) <= 1e-4


HIDDEN = np.ones(SHAPE, dtype=bool)
HIDDEN[25:55, 40:75] = False
"""A moving mask: False behind what stands in the moving image alone."""


@pytest.mark.parametrize("model", ["translation", "rigid", "affine", "ffd"])
@pytest.mark.parametrize("sampling", ["linear", "cubic", "catmull-rom"])
def test_a_moving_mask_keeps_an_occluder_out(model: str, sampling: str) -> None:
    pair = pair_of(model)
    moving = np.where(HIDDEN, pair.moving, 5.0)
    result = register(pair.fixed, moving, model=model, moving_mask=HIDDEN, sampling=sampling)
    error = scene.distance(result.displacement().numpy(), pair.displacement)
    assert error.max() <= (3 * CLEAN_FFD if model == "ffd" else CLEAN_LINEAR)


@pytest.mark.parametrize("intensity", ["same", "varying"])
def test_what_lies_under_the_moving_mask_does_not_matter(intensity: str) -> None:
    pair = pair_of("affine")
    answers = [
        register(
            pair.fixed,
            np.where(HIDDEN, pair.moving, filler),
            moving_mask=HIDDEN,
            intensity=intensity,
        ).matrix
        for filler in (0.0, 7.0, np.nan)
    ]
    assert torch.equal(answers[0], answers[1])
    assert torch.equal(answers[0], answers[2])


def test_a_moving_mask_that_trusts_everything_changes_nothing() -> None:
    pair = pair_of("affine")
    plain = register(pair.fixed, pair.moving)
    masked = register(pair.fixed, pair.moving, moving_mask=np.ones(pair.moving.shape, dtype=bool))
    assert torch.allclose(plain.matrix, masked.matrix, atol=1e-6)


def test_a_turned_pair_is_found_behind_a_moving_mask() -> None:
    """By the search, which must not see what is hidden."""
    pair = scene.make(scene.field_of(scene.turned(SHAPE, 125, (3, -2)), SHAPE))
    moving = np.where(HIDDEN, pair.moving, 5.0)
    result = register(pair.fixed, moving, model="rigid", moving_mask=HIDDEN)
    assert scene.distance(result.displacement().numpy(), pair.displacement).max() <= CLEAN_LINEAR


def test_pairs_of_a_batch_have_moving_masks_of_their_own() -> None:
    pair = pair_of("affine")
    seen = np.stack([HIDDEN, HIDDEN[::-1, ::-1]])
    moving = np.where(seen, pair.moving, 5.0)
    fixed = np.stack([pair.fixed, pair.fixed])
    together = register(fixed, moving, moving_mask=seen).matrix
    for index in (0, 1):
        alone = register(pair.fixed, moving[index], moving_mask=seen[index]).matrix
        assert torch.allclose(together[index], alone, atol=1e-5)

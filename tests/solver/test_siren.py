"""The network of sines: its initialisation, its field, its fit, and that it leaves no trace."""

import numpy as np
import pytest
import torch

from irgate_solver import _pyramid, _siren, _start, _warps

from . import scene
from .test_register import ffd_field

SHAPE = (72, 88)
# Mean distance to the truth, px: what Adam's last steps leave of a motion of some pixels, by
# squared differences and by local correlation, which is flatter about its minimum.
LINEAR_PX = {False: 0.02, True: 0.1}
# The same for a free form, whose corners hang on few pixels.
FREE_PX = 0.15
STEPS = (150, 150, 150)


def network(seed: int = 0) -> _siren.Network:
    return _siren.Network.drawn(1, seed, torch.float64, torch.device("cpu"))


def fitted(warp: _warps.Warp, field: scene.Array, *, local: bool = False) -> _siren.Siren:
    # Local correlation needs detail within its window of 4 px.
    pair = scene.make(field, finest=3.0 if local else 6.0)
    moving = 0.3 + 0.5 * pair.moving if local else pair.moving
    fixed, moved = torch.tensor(pair.fixed)[None].float(), torch.tensor(moving)[None].float()
    levels = _pyramid.build(fixed, torch.ones_like(fixed), moved, True)[:3]
    start = _start.identity(warp, 1, fixed.device)
    return _siren.Siren(warp, levels, SHAPE, local=local, start=start).run(STEPS)


def test_both_layers_have_the_papers_distribution() -> None:
    """Sitzmann et al. 2020, theorem 1.8: sines of a standard normal argument, any depth.

    Their variance is 1/2 and their arcsine distribution has a quarter beyond +-sin(3 pi / 8).
    """
    width = _siren.WIDTH
    drawn = network()
    z = torch.linspace(-1, 1, 41, dtype=torch.float64)
    grid = torch.stack((z.repeat(41), z.repeat_interleave(41)))
    omega = _siren.OMEGA
    first = torch.sin(omega * (drawn.weights[0][0] @ grid + drawn.biases[0][0]))
    argument = omega * (drawn.weights[1][0] @ first + drawn.biases[1][0])
    # Weights: omega^2 width (6 / width / omega^2 / 3) / 2 = 1; the bias adds omega^2 / (3 width).
    bias = omega**2 / (3 * width)
    assert float(first.square().mean()) == pytest.approx(0.5, abs=0.05)
    spread = float((argument - argument.mean(1, keepdim=True)).square().mean())
    assert spread == pytest.approx(1.0, rel=0.35)  # 32 units drawn once
    assert float(drawn.biases[1].square().mean()) * omega**2 == pytest.approx(bias, rel=0.6)


def test_field_is_the_network_of_the_docstring() -> None:
    drawn = network(3)
    w3 = torch.rand(1, 2, _siren.WIDTH, dtype=torch.float64)
    drawn = _siren.Network((*drawn.weights[:2], w3), drawn.biases)
    y, x = torch.tensor([-0.4, 0.1], dtype=torch.float64), torch.tensor([0.7], dtype=torch.float64)
    point = torch.tensor([0.7, 0.1], dtype=torch.float64)
    s1 = torch.sin(_siren.OMEGA * (drawn.weights[0][0] @ point + drawn.biases[0][0, :, 0]))
    s2 = torch.sin(_siren.OMEGA * (drawn.weights[1][0] @ s1 + drawn.biases[1][0, :, 0]))
    torch.testing.assert_close(drawn.field(y, x)[0, :, 1, 0], w3[0] @ s2)


def test_nothing_moves_before_the_fit() -> None:
    warp = _warps.FreeForm(*SHAPE)
    image = torch.rand(1, *SHAPE)
    level = _pyramid.Level(image, torch.ones_like(image), image, 1, True)
    start = _start.identity(warp, 1, image.device)
    siren = _siren.Siren(warp, [level], SHAPE, local=False, start=start)
    assert float(siren.displacement().abs().max()) == 0.0


@pytest.mark.parametrize("local", [False, True], ids=["same", "varying"])
@pytest.mark.parametrize("model", ["translation", "rigid", "affine"])
def test_linear_family_is_found(model: str, local: bool) -> None:
    truth = {
        "translation": scene.linear_matrix(SHAPE, [[1, 0], [0, 1]], (3.4, -2.23)),
        "rigid": scene.turned(SHAPE, 8, (1.5, -1)),
        "affine": scene.linear_matrix(SHAPE, [[1.05, 0.07], [-0.04, 0.97]], (2, -3)),
    }[model]
    field = scene.field_of(truth, SHAPE)
    siren = fitted(_warps.LINEAR[model](*SHAPE), field, local=local)
    found = siren.displacement()[0].permute(1, 2, 0).numpy()
    assert scene.distance(found, field).mean() <= LINEAR_PX[local]


def test_free_form_is_found_and_projected() -> None:
    """The projection on the control grid is as near as the network's own field."""
    field = ffd_field(SHAPE)
    warp = _warps.FreeForm(*SHAPE)
    siren = fitted(warp, field)
    own = scene.distance(siren.displacement()[0].permute(1, 2, 0).numpy(), field).mean()
    y, x = (torch.arange(n, dtype=torch.float64) for n in SHAPE)
    projected = _warps.displacement(warp, siren.parameters(), y, x)[0].permute(1, 2, 0).numpy()
    still = float(np.linalg.norm(field, axis=-1).mean())
    assert own <= FREE_PX <= 0.2 * still
    assert scene.distance(projected, field).mean() <= 1.2 * own


def test_same_seed_gives_the_same_bits_and_leaves_the_global_generator_alone() -> None:
    field = scene.field_of(scene.turned(SHAPE, 4), SHAPE)
    state = torch.get_rng_state()
    first = fitted(_warps.Rigid(*SHAPE), field).displacement()
    torch.manual_seed(1)
    second = fitted(_warps.Rigid(*SHAPE), field).displacement()
    assert torch.equal(first, second)
    torch.set_rng_state(state)
    fitted(_warps.Rigid(*SHAPE), field)
    assert torch.equal(torch.get_rng_state(), state)


def test_another_seed_draws_another_network() -> None:
    assert not torch.equal(network(0).weights[1], network(1).weights[1])


def test_masked_and_local_losses_ignore_what_is_masked() -> None:
    draw = torch.Generator().manual_seed(0)
    fixed, moved = (torch.rand(1, 40, 44, generator=draw) for _ in range(2))
    valid = torch.ones_like(fixed)
    valid[:, 10:20, 10:30] = 0
    for compare in (_siren._relative_differences, _siren._local_correlation):
        changed = torch.where(valid > 0, fixed, fixed * 0 + 0.5)
        torch.testing.assert_close(compare(fixed, moved, valid), compare(changed, moved, valid))
        assert float(compare(fixed, fixed, valid)) <= 0.01


def test_roughness_is_the_mean_squared_second_derivative() -> None:
    """u = a x^2 + b x y has u_xx = 2 a, u_xy = b everywhere."""
    y, x = torch.meshgrid(torch.arange(6.0) * 4, torch.arange(7.0) * 4, indexing="ij")
    nodes = torch.stack((0.01 * x * x + 0.02 * x * y, 0 * x))[None].double()
    found = float(_siren._roughness(nodes, 4))
    assert found == pytest.approx(0.02**2 + 2 * 0.02**2, rel=1e-5)

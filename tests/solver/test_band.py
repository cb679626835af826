"""Fine grids of control points: a band's factors are the whole matrix's, and no corner runs off."""

import pytest
import torch

import irgate_solver
from irgate_solver import _band, _implicit, _metrics, _native, _warps, register
from irgate_solver._lucas_kanade import Forward, level_basis
from irgate_solver._pyramid import Level
from irgate_solver._sampling import make_sampler

from . import scene
from .test_kernel import built, by_both, images, parameters

GRIDS = ((8, 8), (16, 9), (9, 16), (4, 13), (5, 33))
"""Fine ones: square, of both orders, and narrow; of whole blocks of rows and not."""
ROUNDING = 1e-12
"""Between two orders of float64's operations, as a part of the largest: conditions are under 10."""
APART = 1e-9
"""Of two float64 solves, px: `test_kernel`."""
FACTOR_OF_THE_ESTIMATE = 3.0
"""Higham 1988 found no smaller share of the norm among matrices that nobody had built for it."""

SOLVED = 0.02
"""Of a fine grid without a bending weight, px: it was 0.1."""
RUN_OFF = 200.0
"""Displacement of a control point, px, that no image of 128 px asks for: it was 1500 and more."""


def near(grid: tuple[int, int]) -> torch.Tensor:
    """Return which parameters belong to control points within three rows and columns, bool."""
    rows, columns = torch.meshgrid(*(torch.arange(n) for n in grid), indexing="ij")
    apart = [(each.flatten()[:, None] - each.flatten()).abs() for each in (rows, columns)]
    return (torch.maximum(*apart) <= _band.REACH).repeat(2, 2)


def positive(grid: tuple[int, int]) -> torch.Tensor:
    """Return two positive definite matrices that couple no others, `(2, n, n)`."""
    draw = torch.Generator().manual_seed(grid[0])
    size = 2 * grid[0] * grid[1]
    drawn = torch.randn(2, size, size, generator=draw, dtype=torch.float64) * near(grid)
    drawn = drawn + drawn.mT
    # Gershgorin: a diagonal over the sum of the others.
    return drawn + torch.diag_embed(1.2 * drawn.abs().sum(2))


@built
@pytest.mark.parametrize("grid", GRIDS)
def test_a_band_is_solved_as_the_whole_matrix(
    grid: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(_native.VARIABLE, raising=False)
    matrix = positive(grid)
    right, diagonal = torch.rand(2, 2, matrix.shape[1], dtype=torch.float64)
    right, diagonal = right.expand(2, -1), diagonal.expand(2, -1)
    share = torch.tensor([[0.5], [2.0]], dtype=torch.float64)
    made = _band.factor(matrix, diagonal, share, grid)
    assert made.grid == grid
    assert made.info.tolist() == [0, 0]
    whole = matrix + torch.diag_embed(share * diagonal)
    torch.testing.assert_close(
        made.solve(right), torch.linalg.solve(whole, right), rtol=0, atol=ROUNDING
    )


@built
def test_a_matrix_that_is_not_positive_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_native.VARIABLE, raising=False)
    matrix = positive((8, 9))
    matrix[1, 100, 100] *= -1.0
    nothing = torch.zeros(2, matrix.shape[1], dtype=torch.float64)
    made = _band.factor(matrix, nothing, nothing[:, :1], (8, 9))
    assert [bool(info) for info in made.info] == [False, True]
    matrix[0, 0, 0] = torch.nan
    assert bool(_band.factor(matrix, nothing, nothing[:, :1], (8, 9)).info.all())
    assert _band.inverse_norm(matrix, (8, 9)) is None


@built
@pytest.mark.parametrize("grid", GRIDS)
def test_the_condition_is_estimated_from_below_the_norm(
    grid: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(_native.VARIABLE, raising=False)
    matrix = positive(grid)
    estimate, exact = (_implicit.reciprocal_condition(matrix, grid=g) for g in (grid, None))
    assert bool((estimate >= (1.0 - ROUNDING) * exact).all())
    assert bool((estimate <= FACTOR_OF_THE_ESTIMATE * exact).all())


@pytest.mark.parametrize("kernel", ["1", "0"])
@pytest.mark.parametrize("metric", _metrics.METRICS)
@pytest.mark.parametrize("exact", [False, True])
def test_what_is_called_a_band_is_one(
    exact: bool, metric: str, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the pixels' sums: a correlation's means couple all, and it is called none."""
    monkeypatch.setenv(_native.VARIABLE, kernel)
    size, grid = (65, 80), (8, 9)
    fixed, moving = images(size, torch.float64), images(size, torch.float64, seed=7)
    level = Level(fixed, torch.ones_like(fixed), moving, 1, whole=True)
    warp = _warps.FreeForm(*size, grid)
    sampler = make_sampler("cubic", moving)
    chosen = _metrics.metric_of(metric, torch.full((2,), 0.1, dtype=torch.float64))
    problem = Forward(warp, level_basis(warp, level), level, sampler, size, chosen, exact=exact)
    at = problem.linearise(parameters(warp))
    beyond = at.normal[:, ~near(grid)]
    assert at.grid == grid
    assert at.banded == (metric != "ncc")
    assert bool((beyond == 0.0).all()) == at.banded


def member(grid: tuple[int, int], seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return a pair whose truth a grid's control points hold, and its displacement, px."""
    size = (128, 128)
    warp = _warps.FreeForm(*size, grid)
    draw = torch.Generator().manual_seed(seed)
    p = torch.randn(1, warp.size, generator=draw, dtype=torch.float64)
    axis = torch.arange(128, dtype=torch.float64)
    field = _warps.displacement(warp, p, axis, axis)[0]
    x, y = scene.grid(size)
    fixed = scene.blobs(x + field[0].numpy(), y + field[1].numpy(), size, seed)
    moving = scene.blobs(x, y, size, seed)
    return torch.tensor(fixed), torch.tensor(moving), field.permute(1, 2, 0)


@built
@pytest.mark.parametrize("sampling", ["linear", "cubic"])
@pytest.mark.parametrize("grid", [(8, 8), (9, 8)])
def test_both_paths_solve_a_fine_grid_alike(
    grid: tuple[int, int], sampling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed, moving, _ = member(grid, 1)
    options = {"model": "ffd", "control": grid, "sampling": sampling, "bending": 1e-6}
    compiled, expected = by_both(monkeypatch, lambda: register(fixed, moving, **options))
    assert isinstance(compiled, irgate_solver.Result)
    assert isinstance(expected, irgate_solver.Result)
    apart = compiled.displacement() - expected.displacement()
    assert float(apart.abs().max()) < APART


@pytest.mark.parametrize("seed", [0, 2])
def test_corners_of_a_fine_grid_do_not_run_off(seed: int) -> None:
    """A few pixels hold them, and their first steps would be of 10^3 to 10^4 px."""
    fixed, moving, truth = member((12, 12), seed)
    result = register(
        fixed.float(), moving.float(), model="ffd", control=(12, 12), sampling="cubic"
    )
    apart = (result.displacement() - truth).norm(dim=-1)
    assert float(apart.median()) < SOLVED
    assert float(result.parameters.abs().max()) < RUN_OFF

"""The plan's claims on accuracy, each measured: sampling, metrics, outliers, parameters, units."""

import itertools
import time

import numpy as np
import pairs
import torch
from claims_table import Claim
from scipy import ndimage

import irgate_fixtures
from irgate_solver import (
    _lucas_kanade,
    _mind,
    _normal_equations,
    _pyramid,
    _warps,
    register,
)
from irgate_solver._sampling import make_sampler


def cubic_sampling() -> Claim:
    """RMSE on the translated scene at each sampler's own answer, by its own interpolation."""
    pair = pairs.CASES["synth_translate_2d"].pair()
    found = {s: pairs.rmse(pairs.solve(pair, sampling=s), pair) for s in ("linear", "cubic")}
    less = 1 - found["cubic"] / found["linear"]
    return Claim(
        "cubic sampling leaves 30 to 40 % less RMSE on translate than bilinear",
        "RMSE between the fixed and the warped image on synth_translate_2d, each sampler at its "
        "own answer and through its own interpolation",
        f"linear {found['linear']:.2e}, cubic {found['cubic']:.2e}: {less:.0%} less",
        less >= 0.3,
    )


def mind_under_bias() -> list[Claim]:
    """Distances to the truth of four metrics where a bias field varies brightness."""
    claims = []
    for name in ("lena_affine_2d-bias30", "brain_mri_real-bias30", "brain_mri_real"):
        pair = pairs.CASES[name].pair()
        found = {
            metric: pairs.distance(pairs.solve(pair, metric=metric, sampling="cubic"), pair)
            for metric in ("ssd", "ncc", "lncc", "mind")
        }
        less = 1 - found["mind"] / found["ssd"]
        mri = name.startswith("brain")
        claims.append(
            Claim(
                "MIND errs 25 % less than SSD under bias" + ", 0.5 px less on the MRI pair" * mri,
                f"mean distance to the truth on {name}, cubic sampling, from the identity",
                ", ".join(f"{metric} {value:.4f}" for metric, value in found.items())
                + f" px: MIND {abs(less):.0%} {'less' if less > 0 else 'more'} than SSD",
                less >= 0.25 and (not mri or found["ssd"] - found["mind"] >= 0.5),
            )
        )
    return claims


def huber_against_outliers() -> Claim:
    """A share of the photograph's pixels is replaced by uniform noise; ten seeded draws each."""
    pair = irgate_fixtures.pair("lena_affine_2d")
    lines, ratios = [], []
    for share in (0.05, 0.1, 0.2, 0.3):
        errors: dict[str, list[float]] = {"ssd": [], "huber": []}
        for seed in range(10):
            draw = np.random.default_rng(seed)
            replaced = draw.random(pair.fixed.shape) < share
            noisy = np.where(replaced, draw.uniform(0, 1, pair.fixed.shape), pair.fixed)
            for metric, values in errors.items():
                result = register(
                    noisy.astype(np.float32), pair.moving.astype(np.float32), metric=metric
                )
                values.append(pairs.distance(result, pair))
        ssd, huber = (float(np.median(values)) for values in errors.values())
        ratios.append(1 - huber / ssd)
        lines.append(f"{share:.0%}: {ssd:.4f} to {huber:.4f} px ({1 - huber / ssd:.0%})")
    return Claim(
        "Huber errs 30 to 50 % less with 5 to 30 % outliers",
        "median over 10 draws of the mean distance to the truth on lena_affine_2d with a share of "
        "the fixed image's pixels replaced by uniform noise; SSD, then Huber with its own width",
        "; ".join(lines),
        min(ratios) >= 0.3,
    )


def units_and_centre() -> Claim:
    """One Gauss-Newton step of an affine map, everything in float32, against float64's."""
    pair = irgate_fixtures.pair("lena_affine_2d")
    digits, conditions = {}, {}
    for kind in ("unit range, centred and scaled", "0 to 255, pixel coordinates"):
        ours = kind.startswith("unit")
        gain = 1.0 if ours else 255.0
        fixed, moving = gain * pair.fixed, gain * pair.moving
        y, x = np.mgrid[: fixed.shape[0], : fixed.shape[1]].astype(float)
        if ours:
            radius = max(fixed.shape) / 2
            x, y = (x - x.mean()) / radius, (y - y.mean()) / radius
        height, width = (min(a, b) for a, b in zip(fixed.shape, moving.shape, strict=True))
        gy, gx = np.gradient(fixed)
        columns = [g * c for g in (gx, gy) for c in (np.ones_like(x), x, y)]
        cut = (slice(height), slice(width))
        jacobian = np.stack([column[cut].ravel() for column in columns], 1)
        residual = (moving[cut] - fixed[cut]).ravel()
        steps = []
        for dtype in (np.float32, np.float64):
            j, r = jacobian.astype(dtype), residual.astype(dtype)
            normal = j.T @ j
            steps.append(np.linalg.solve(normal, j.T @ r).astype(float))
        # In px at the corners, so that both parametrisations are measured alike.
        corner = np.stack([x[[0, 0, -1, -1], [0, -1, 0, -1]], y[[0, 0, -1, -1], [0, -1, 0, -1]]])
        basis = np.stack((np.ones(4), *corner), 1)
        moved = [np.stack((basis @ step[:3], basis @ step[3:])) for step in steps]
        digits[kind] = -np.log10(np.abs(moved[0] - moved[1]).max() / np.abs(moved[1]).max())
        conditions[kind] = np.linalg.cond(jacobian.T @ jacobian)
    ours, theirs = digits.values()
    return Claim(
        "unit range and centred coordinates bring 2 to 3 digits of agreement",
        "one Gauss-Newton step of an affine map on lena_affine_2d, computed in float32 and in "
        "float64: digits on which the steps agree at the corners, and condition of J^T J",
        "; ".join(
            f"{kind}: {digits[kind]:.1f} digits, condition {conditions[kind]:.1e}"
            for kind in digits
        )
        + f": {ours - theirs:.1f} digits",
        ours - theirs >= 2,
    )


def float32_accumulators() -> Claim:
    """The FFD's normal equations summed in float32, in compensated float32, and in float64."""
    pair = irgate_fixtures.pair("bspline_random_2d")
    whole = _normal_equations.Basis._sums
    exact = register(pair.fixed, pair.moving, model="ffd", sampling="cubic").displacement()

    def in_float32(self, images, rows, columns):  # type: ignore[no-untyped-def]
        batch, planes = images.shape[:2]
        left = rows.mT.float().expand(batch * planes, -1, -1)
        down = torch.bmm(left, images.flatten(0, 1).float())
        sums = (down @ columns.float()).to(torch.float64)
        return sums.view(batch, planes, *sums.shape[1:])

    def compensated(self, images, rows, columns):  # type: ignore[no-untyped-def]
        """Kahan's sum along both axes: every partial sum carries its own rounding error."""
        terms = torch.einsum("ya,bkyx->bkaxy", rows.float(), images.float())
        down = _kahan(terms)
        across = torch.einsum("bkax,xc->bkacx", down, columns.float())
        return _kahan(across).to(torch.float64)

    found = {}
    for name, sums in (
        ("float64", whole),
        ("float32", in_float32),
        ("compensated float32", compensated),
    ):
        _normal_equations.Basis._sums = sums  # type: ignore[method-assign]
        try:
            field = pairs.solve(pair, sampling="cubic").displacement()
        finally:
            _normal_equations.Basis._sums = whole  # type: ignore[method-assign]
        found[name] = float((field - exact).norm(dim=-1).max())
    return Claim(
        "compensated sums repair what float32 accumulators lose",
        "largest distance on bspline_random_2d (float32 images, cubic) from the answer that is "
        "float64 throughout, with the normal equations summed in three ways; factorised in float64",
        ", ".join(f"{name} {value:.1e} px" for name, value in found.items()),
        found["compensated float32"] <= 0.5 * found["float32"],
    )


def _kahan(terms: torch.Tensor) -> torch.Tensor:
    """Sum over the last axis with Kahan's compensation."""
    total, lost = torch.zeros_like(terms[..., 0]), torch.zeros_like(terms[..., 0])
    for term in terms.unbind(-1):
        corrected = term - lost
        larger = total + corrected
        lost = (larger - total) - corrected
        total = larger
    return total


def grid_sample_at_whole_pixels() -> Claim:
    """Autograd through grid_sample by the grid, at whole pixels and a thousandth beside them."""
    image = torch.tensor(irgate_fixtures.pair("synth_translate_2d").fixed)[None, None]
    height, width = image.shape[2:]
    y, x = torch.meshgrid(
        torch.arange(2.0, height - 2), torch.arange(2.0, width - 2), indexing="ij"
    )
    norms = {}
    for offset in (0.0, 1e-3):
        place = torch.stack((x + offset, y + offset), -1)[None].double().requires_grad_(True)
        size = torch.tensor([width, height], dtype=torch.float64)
        grid = (2 * place + 1) / size - 1
        value = torch.nn.functional.grid_sample(
            image, grid, align_corners=False, padding_mode="border"
        )
        (gradient,) = torch.autograd.grad(value.sum(), place)
        norms[offset] = float(gradient.norm())
    ratio = norms[0.0] / norms[1e-3]
    return Claim(
        "grid_sample's gradient vanishes at whole pixels, so start 1e-3 px off",
        "norm of autograd's gradient by the grid on the whole scene: at whole pixels over 1e-3 px "
        "beside them",
        f"ratio {ratio:.4f}: it is the slope of one of the two cells, and does not vanish",
        ratio < 0.5,
    )


def mind_without_floor() -> Claim:
    """MIND's values and derivatives on an image whose half is constant, with and without floor."""
    bad = {}
    for floor in (0.0, _mind.FLOOR):
        image = torch.rand(1, 32, 40, generator=torch.Generator().manual_seed(0)).double()
        image[..., 20:] = 0.5
        image.requires_grad_(True)
        found = _mind.descriptor(image, torch.ones_like(image), 1, floor)
        (gradient,) = torch.autograd.grad(found.nansum(), image)
        bad[floor] = (int((~found.isfinite()).sum()), int((~gradient.isfinite()).sum()))
    without, with_floor = bad.values()
    return Claim(
        "MIND needs its floor on flat regions",
        "descriptor of a 32 x 40 image whose right half is constant: values and derivatives that "
        "are not finite",
        f"without floor {without[0]} of 5120 values and {without[1]} of 1280 derivatives; with "
        f"{with_floor[0]} and {with_floor[1]}",
        without[0] > 0 and with_floor == (0, 0),
    )


def intensities() -> Claim:
    """Which fixtures are linear light, and what linearising the photograph changes."""
    pair = irgate_fixtures.pair("lena_affine_2d")
    results = {}
    for name, power in (("as it is", 1.0), ("linearised", 2.2)):
        fixed, moving = (np.clip(i, 0, 1) ** power for i in (pair.fixed, pair.moving))
        found = register(fixed.astype(np.float32), moving.astype(np.float32))
        slopes = np.hypot(*np.gradient(fixed))
        results[name] = (pairs.distance(found, pair), float(slopes.mean()), float(np.ptp(fixed)))
    as_is, linear = results.values()
    ratio = linear[1] / as_is[1]
    return Claim(
        "linearising the photograph changes gradients by a factor of 2.2",
        "the two analytic scenes and the FFD scene are made as numbers, so linear; the MRI slice "
        "is a scanner's magnitude, linear in the signal; pywt's camera() is an 8-bit photograph, "
        "hence gamma-encoded. lena_affine_2d as it is, and to the power 2.2: mean image gradient, "
        "distance to the truth",
        f"gradient {as_is[1]:.4f} to {linear[1]:.4f} per px (x {ratio:.2f}), distance "
        f"{as_is[0]:.5f} to {linear[0]:.5f} px",
        ratio >= 2.0 or ratio <= 0.5,
    )


def control_points_against_dense() -> Claim:
    """The objective's gradient under 5 % noise, by 32 control points and by every pixel."""
    pair = irgate_fixtures.pair("bspline_random_2d")
    noisy = pair.moving + 0.05 * np.random.default_rng(0).standard_normal(pair.moving.shape)
    errors: dict[str, float] = {}
    gradients: dict[str, list[np.ndarray]] = {"control points": [], "dense displacement": []}
    warp = _warps.FreeForm(*pair.fixed.shape)
    start = torch.zeros(1, warp.size, dtype=torch.float64)
    for moving in (pair.moving, noisy):
        fixed, image = torch.tensor(pair.fixed)[None], torch.tensor(moving)[None]
        level = _pyramid.Level(fixed, torch.ones_like(fixed), image, 1)
        basis = _lucas_kanade.level_basis(warp, level)
        jet = make_sampler("cubic", image).jet(basis.positions(warp.coefficients(start)))
        dense = (jet.value - fixed).unsqueeze(1) * jet.slopes
        gradients["dense displacement"].append(dense.flatten().numpy())
        projected = basis.projections((jet.value - fixed).unsqueeze(1), jet.slopes)
        gradients["control points"].append(projected.flatten().numpy())
    for name, (clean, found) in gradients.items():
        errors[name] = float(np.linalg.norm(found - clean) / np.linalg.norm(clean))
    ratio = errors["dense displacement"] / errors["control points"]
    return Claim(
        "control points as parameters give 5 to 10 times better gradients than a dense field",
        "gradient of SSD at the identity on bspline_random_2d, with 5 % noise on the moving image "
        "against without: relative error by each kind of parameter",
        ", ".join(f"{name} {value:.3f}" for name, value in errors.items())
        + f": {ratio:.1f} times better",
        ratio >= 5,
    )


def finer_grid() -> Claim:
    """A 256 px scene deformed by a 4 x 4 FFD, by a grid of 8 px and by 4 x 4 control points."""
    size = 256
    y, x = np.mgrid[:size, :size].astype(float)
    draw = np.random.default_rng(3)
    warp = _warps.FreeForm(size, size)
    axis = torch.arange(size, dtype=torch.float64)
    p = torch.tensor(draw.uniform(-4, 4, (1, 32)))
    field = _warps.displacement(warp, p, axis, axis)[0].permute(1, 2, 0).numpy()
    base = ndimage.gaussian_filter(draw.standard_normal((size + 40, size + 40)), 4)
    base = (base - base.min()) / np.ptp(base)
    coefficients = ndimage.spline_filter(base, 3)

    def seen(px: np.ndarray, py: np.ndarray) -> np.ndarray:
        return ndimage.map_coordinates(coefficients, [py + 20, px + 20], order=3, prefilter=False)

    fixed = seen(x + field[..., 0], y + field[..., 1]).astype(np.float32)
    moving = seen(x, y).astype(np.float32)
    noise = 0.02 * draw.standard_normal((2, size, size)).astype(np.float32)
    lines, errors = [], []
    for control, bending in (((4, 4), 0.0), ((35, 35), 1e-3), ((35, 35), 1e-1)):
        begin = time.perf_counter()
        found = register(
            fixed + noise[0],
            moving + noise[1],
            model="ffd",
            control=control,
            bending=bending,
            sampling="cubic",
        )
        spent = time.perf_counter() - begin
        error = np.linalg.norm(found.displacement().numpy() - field, axis=-1).mean()
        errors.append(error)
        figures = f"{error:.4f} px in {spent:.1f} s"
        lines.append(f"{control[0]} x {control[1]}, bending {bending:g}: {figures}")
    return Claim(
        "an FFD grid of 8 px spacing does better than 4 x 4 on 256 px",
        "a 256 px scene deformed by a 4 x 4 FFD of up to 4 px, 2 % noise on both images, cubic; "
        "mean distance to the truth and wall time",
        "; ".join(lines),
        min(errors[1:]) < errors[0],
    )


def folding() -> Claim:
    """Trial points of FFD descents: how many fold, with and without bending energy."""
    names = [name for name in pairs.CASES if name.startswith("bspline")]
    shares = {}
    for bending, start in itertools.product((0.0, 1e-4), ("found", "identity")):
        counts = [0, 0]
        whole = _lucas_kanade.Additive.retract

        def watched(self, p, step, counts=counts, whole=whole):  # type: ignore[no-untyped-def]
            found = whole(self, p, step)
            if isinstance(self.warp, _warps.FreeForm):
                counts[0] += int(_folds(self.warp, found))
                counts[1] += 1
            return found

        _lucas_kanade.Additive.retract = watched  # type: ignore[method-assign]
        try:
            for name in names:
                init = None if start == "found" else np.eye(3)
                pairs.solve(pairs.CASES[name].pair(), bending=bending, init=init)
        finally:
            _lucas_kanade.Additive.retract = whole  # type: ignore[method-assign]
        shares[bending, start] = (counts[0], counts[1])
    folded, total = shares[1e-4, "found"]
    return Claim(
        "no folding in more than 99 % of FFD steps with bending energy",
        "trial points of all FFD descents on the fixture and its 9 battery cases that have a "
        "non-positive Jacobian determinant at a pixel; from the affine start that the solver finds "
        "(the verdict is on these), and from the identity, which loses the turned ones",
        "; ".join(
            f"bending {weight:g}, {start} start: {folds} of {points} fold"
            for (weight, start), (folds, points) in shares.items()
        )
        + (". Bending is not what prevents it" if not shares[0.0, "found"][0] else ""),
        folded <= 0.01 * total,
    )


def _folds(warp: _warps.FreeForm, p: torch.Tensor) -> bool:
    """Return whether the Jacobian determinant is non-positive at a pixel (central differences)."""
    y, x = (torch.arange(n, dtype=torch.float64) for n in (warp.height, warp.width))
    ux, uy = _warps.displacement(warp, p, y, x)[0]
    ux_y, ux_x = torch.gradient(ux)
    uy_y, uy_x = torch.gradient(uy)
    return bool(((1 + ux_x) * (1 + uy_y) - ux_y * uy_x <= 0).any())


def siren_start() -> Claim:
    """Iterations of the FFD's descents from the affine start and from the projected SIREN."""
    counts: dict[str, list[int]] = {"iclk-implicit": [], "siren-lm": []}
    errors: dict[str, list[float]] = {"iclk-implicit": [], "siren-lm": []}
    names = [name for name in pairs.CASES if name.startswith("bspline")]
    for name in names:
        pair = pairs.CASES[name].pair()
        for recipe in counts:
            found = pairs.solve(pair, recipe=recipe)
            counts[recipe].append(sum(found.iterations[-3:]))
            errors[recipe].append(pairs.distance(found, pair))
    plain, siren = (sum(values) for values in counts.values())
    return Claim(
        "a SIREN start saves a factor of 2 to 3 of the FFD's iterations",
        "iterations on the FFD's three levels over the fixture and its 9 battery cases, without "
        "and with a SIREN on the coarsest level (150 steps of Adam, not counted)",
        f"{plain} without and {siren} with: a factor of {plain / siren:.2f}; median distance "
        f"{np.median(errors['iclk-implicit']):.4f} and {np.median(errors['siren-lm']):.4f} px",
        plain >= 2 * siren,
    )


ALL = (
    cubic_sampling,
    mind_under_bias,
    huber_against_outliers,
    siren_start,
    folding,
    units_and_centre,
    float32_accumulators,
    grid_sample_at_whole_pixels,
    mind_without_floor,
    intensities,
    control_points_against_dense,
    finer_grid,
)

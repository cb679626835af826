"""A fault is named where undoing it brings the answer to the truth, and only there.

The faults are built here from their definitions, going forward from the truth; the code under test
goes backward from the answer.
"""

import math
from dataclasses import replace

import numpy as np
import pytest

import irgate_fixtures
from irgate_battery.cases.catalogue import base_cases, battery_cases, condition_cases
from irgate_battery.diagnosis import explain
from irgate_battery.diagnosis.misreadings import MISREADINGS
from irgate_battery.interface.answer import read_answer
from irgate_fixtures import FFD, Composite, Matrix, affine, pixel_grid, rigid, translation

SWAP = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])
LINEAR = ("synth_translate_2d", "synth_rotate_2d", "lena_affine_2d", "brain_mri_real")

NOTHING_PX = 0.02
"""What undoing the right fault may leave: the rounding of whole pixels is exact, a fitted matrix
is good to 1e-3 px."""

CASES = {case.id: case for case in (*base_cases(), *battery_cases())}
CONDITIONS = {case.id: case for case in condition_cases()}


def shape_of(pair):
    return pair.fixed.shape


def explained(pair, raw):
    answer = read_answer(raw, shape_of(pair))
    return explain(pair, answer.displacement, answer.matrix)


def centre_of(shape):
    return np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])


def shifted(x, y):
    return translation(x, y).matrix


def scaling(x, y):
    return np.diag([x, y, 1.0])


def parts(pair):
    """The linear part and the shift at the centre of a pair's true transform."""
    matrix, c = pair.truth.matrix, centre_of(shape_of(pair))
    return matrix[:2, :2], matrix[:2, :2] @ c + matrix[:2, 2] - c


@pytest.fixture(params=LINEAR)
def pair(request):
    return irgate_fixtures.pair(request.param)


@pytest.fixture
def turned():
    """A pair that tells all faults apart: a rotation and two unequal shifts, not square."""
    shape = (170, 200)
    truth = rigid(math.radians(25.0), 6.3, -3.8, shape)
    return replace(irgate_fixtures.render("lena_affine_2d", truth), model="rigid")


def test_the_truth_needs_no_explanation(pair):
    assert explained(pair, pair.truth.matrix) is None


def test_each_fault_is_named_as_matrix_and_as_field(pair):
    truth = pair.truth.matrix
    faults = {
        "identity": np.eye(3),
        "inverse": np.linalg.inv(truth),
        "x and y swapped": SWAP @ truth @ SWAP,
        "inverse, x and y swapped": SWAP @ np.linalg.inv(truth) @ SWAP,
    }
    for fault, matrix in faults.items():
        for raw in (matrix, Matrix(matrix).displacement(shape_of(pair))):
            found = explained(pair, raw)
            assert fault in found.fits
            assert found.fault == found.fits[0]
    swapped = pair.truth.displacement(shape_of(pair))[..., ::-1]
    if pair.name == "synth_translate_2d":
        assert explained(pair, swapped).fault == "x and y swapped"


def mistaken(pair):
    """Each fault of a matrix, from its definition, and the name that it must get."""
    truth = pair.truth.matrix
    linear, shift = parts(pair)
    height, width = shape_of(pair)
    c = centre_of((height, width))
    angle = math.atan2(linear[1, 0], linear[0, 0])
    # Normalised coordinates, written out as grid_sample documents them.
    corners = scaling(2 / (width - 1), 2 / (height - 1))
    corners[:2, 2] = -1
    edges = scaling(2 / width, 2 / height)
    edges[:2, 2] = 1 / width - 1, 1 / height - 1
    unit = scaling(1 / width, 1 / height)
    unit[:2, 2] = 0.5 / width, 0.5 / height
    # x_n of one convention read by the other: ((x_n + 1) N - 1) / 2 with x_n = 2 x / (N - 1) - 1.
    reread = np.linalg.inv(edges) @ corners
    flip = np.array([[1.0, 0, 0], [0, -1, height - 1], [0, 0, 1]])
    first = rigid(angle / 2, 0.0, 0.0, (height, width)).matrix
    half_turn = affine(-np.eye(2), 0.0, 0.0, (height, width)).matrix

    def about(centre, a, d):
        return (
            shifted(*(centre + d))
            @ np.block([[a, np.zeros((2, 1))], [0, 0, 1]])
            @ shifted(*-centre)
        )

    return {
        "inverse": np.linalg.inv(truth),
        "x and y swapped": SWAP @ truth @ SWAP,
        "inverse, x and y swapped": SWAP @ np.linalg.inv(truth) @ SWAP,
        "transposed": about(c, linear.T, shift),
        "negated": 2 * np.eye(3) - truth,
        "inverse by negation": 2 * np.eye(3) - np.linalg.inv(truth),
        "H and W swapped": about(c[::-1], linear, shift),
        "turned in normalised units": about(
            c, corners[:2, :2] @ linear @ np.linalg.inv(corners[:2, :2]), shift
        ),
        "scaled": np.eye(3) + 1.3 * (truth - np.eye(3)),
        "half pixel": shifted(0.5, 0.5) @ truth,
        "align_corners": np.linalg.inv(reread) @ truth,
        "centre N/2": about(np.array([width / 2, height / 2]), linear, shift),
        "about the origin": about(np.zeros(2), linear, shift),
        "shift before the turn": about(c, linear, linear @ shift),
        "degrees for radians": rigid(math.degrees(angle), *shift, (height, width)).matrix,
        "radians for degrees": rigid(math.radians(angle), *shift, (height, width)).matrix,
        "normalised units": corners @ truth @ np.linalg.inv(corners),
        "normalised units, edges": edges @ truth @ np.linalg.inv(edges),
        "normalised units, from 0": unit @ truth @ np.linalg.inv(unit),
        "level scale": about(c, linear, 8 * shift),
        "level scale, down": about(c, linear, shift / 2),
        "turned by 180 degrees": truth @ half_turn,
        "y upwards": flip @ truth @ flip,
        "rounded": about(c, linear, np.round(shift)),
        "periodic wrap": shifted(-width, 0) @ truth,
        "one pixel off": shifted(-1, 0) @ truth,
        "centre off": about(c + 1, linear, shift),
        "u negated": np.diag([-1.0, 1, 1]) @ (truth - np.eye(3)) + np.eye(3),
        "v negated": np.diag([1.0, -1, 1]) @ (truth - np.eye(3)) + np.eye(3),
        "composed in the wrong order": np.linalg.inv(first) @ truth @ first,
        "matrix without the identity": truth - np.diag([1.0, 1, 0]),
        "coordinates for displacements": truth + np.diag([1.0, 1, 0]),
        "divided by the other side": np.diag([width / height, height / width, 1])
        @ (truth - np.eye(3))
        + np.eye(3),
        "refinement added twice": about(c, linear, 2 * shift - np.round(shift)),
    }


@pytest.mark.parametrize("fault", mistaken(irgate_fixtures.pair("synth_rotate_2d")))
def test_each_mistake_has_its_name(turned, fault):
    wrong = mistaken(turned)[fault]
    found = explained(turned, wrong)
    assert found is not None
    assert found.fault == fault.partition(", ")[0] or found.fault == fault
    assert found.after_px <= NOTHING_PX
    assert found.before_px > 10 * found.after_px
    as_field = explained(turned, Matrix(wrong).displacement(shape_of(turned)))
    assert as_field.fault == found.fault


def test_every_misreading_of_a_matrix_is_among_them():
    names = {fault.partition(", edges")[0] for fault in mistaken(irgate_fixtures.pair(LINEAR[1]))}
    others = {
        "affine and warp in the wrong order",
        "field read on another grid",
        "rows and columns of the field swapped",
        "control grid transposed",
        "FFD domain",
        # Of a homography, or of a similarity: below.
        "perspective left out",
        "perspective of another level",
        "scale misapplied",
    }
    assert {misreading.fault for misreading in MISREADINGS} - names == others


def test_each_case_of_the_battery_tells_a_wrong_centre_where_there_is_one():
    """The smallest of the mistakes: 0.18 px at 15 degrees."""
    for case in CASES.values():
        if "rot" in case.id and case.fixture != "bspline_random_2d":
            pair = case.pair()
            linear, shift = parts(pair)
            c = centre_of(shape_of(pair)) + 0.5
            wrong = shifted(*(c + shift)) @ np.block([[linear, np.zeros((2, 1))], [0, 0, 1]])
            found = explained(pair, wrong @ shifted(*-c))
            size = np.hypot(*((np.eye(2) - linear) @ (0.5, 0.5)))
            if size > 0.1:
                assert "centre N/2" in found.fits, case.id
                assert found.before_px == pytest.approx(size)


def test_a_pure_shift_says_what_it_cannot_tell_apart():
    pair = irgate_fixtures.pair("synth_translate_2d")
    found = explained(pair, np.linalg.inv(pair.truth.matrix))
    assert found.fits[:2] == ("inverse", "negated")
    assert "this pair cannot tell it from: negated" in found.sentence


def test_an_error_of_another_kind_is_not_explained(turned):
    draw = np.random.default_rng(3)
    named = 0
    for _ in range(200):
        off = (
            shifted(*draw.uniform(-20, 20, 2))
            @ affine(np.eye(2) + draw.uniform(-0.1, 0.1, (2, 2)), 0.0, 0.0, shape_of(turned)).matrix
        )
        named += explained(turned, off @ turned.truth.matrix) is not None
    assert named == 0


def projected(matrix, shape):
    """The displacement of a homography, written out."""
    points = np.concatenate([pixel_grid(shape), np.ones((*shape, 1))], -1) @ np.asarray(matrix).T
    return points[..., :2] / points[..., 2:] - pixel_grid(shape)


@pytest.fixture
def foreshortened():
    """A homography on images that are not square, of sizes of their own."""
    return CONDITIONS["homography"].pair()


def mistaken_homography(pair):
    """Each fault of a homography, from its definition, and the name that it must get."""
    truth = pair.truth.homography
    (height, width), (tall, wide) = pair.shape, pair.moving.shape
    corners, moving_corners = (
        shifted(-1, -1) @ scaling(2 / (w - 1), 2 / (h - 1))
        for w, h in ((width, height), (wide, tall))
    )
    edges, moving_edges = (
        shifted(1 / w - 1, 1 / h - 1) @ scaling(2 / w, 2 / h)
        for w, h in ((width, height), (wide, tall))
    )
    to_centre = shifted(*centre_of(pair.shape))
    flips = [np.array([[1.0, 0, 0], [0, -1, h - 1], [0, 0, 1]]) for h in (height, tall)]
    cut = truth.copy()
    cut[2, :2] = 0
    another_level = truth.copy()
    another_level[2, :2] *= 2
    about = np.linalg.inv(to_centre) @ truth @ to_centre
    about /= about[2, 2]
    about[2, :2] = 0
    return {
        "inverse": np.linalg.inv(truth),
        "x and y swapped": SWAP @ truth @ SWAP,
        "inverse, x and y swapped": SWAP @ np.linalg.inv(truth) @ SWAP,
        "transposed": truth.T,
        "y upwards": flips[1] @ truth @ flips[0],
        "normalised units": moving_corners @ truth @ np.linalg.inv(corners),
        "align_corners": np.linalg.inv(moving_edges)
        @ moving_corners
        @ truth
        @ np.linalg.inv(corners)
        @ edges,
        "about the origin": np.linalg.inv(to_centre) @ truth @ to_centre,
        "half pixel": shifted(0.5, 0.5) @ truth,
        "perspective left out": cut,
        "perspective left out, at the centre": to_centre @ about @ np.linalg.inv(to_centre),
        "perspective of another level": another_level,
    }


@pytest.mark.parametrize("fault", mistaken_homography(CONDITIONS["homography"].pair()))
def test_each_mistake_of_a_homography_has_its_name(foreshortened, fault):
    wrong = mistaken_homography(foreshortened)[fault]
    field = projected(wrong, foreshortened.shape)
    matrix = wrong if np.array_equal(wrong[2], [0, 0, 1]) else None
    for given in (matrix, None):
        found = explain(foreshortened, field, given)
        assert found is not None
        assert found.fault == (
            fault if fault == "inverse, x and y swapped" else fault.partition(",")[0]
        )
        assert found.after_px <= NOTHING_PX


def test_an_affine_answer_to_a_homography_has_no_perspective(foreshortened):
    """As an affine model's best: nearest to the truth, and not the truth's own two rows."""
    grid = pixel_grid(foreshortened.shape).reshape(-1, 2)
    known = np.concatenate([grid, np.ones((len(grid), 1))], -1)
    nearest = np.linalg.lstsq(known, foreshortened.truth(grid), rcond=None)[0].T
    found = explained(foreshortened, nearest)
    assert found.fault == "perspective left out"
    assert "where a homography was asked for" in found.sentence
    assert "control points" not in found.sentence


def test_a_small_error_of_a_homography_is_not_explained(foreshortened):
    draw = np.random.default_rng(5)
    named = 0
    for _ in range(100):
        off = np.eye(3) + draw.normal(0, 1, (3, 3)) * [
            [0.02, 0.02, 3],
            [0.02, 0.02, 3],
            [5e-5, 5e-5, 0],
        ]
        field = projected(off @ foreshortened.truth.homography, foreshortened.shape)
        named += explain(foreshortened, field) is not None
    assert named == 0


@pytest.mark.parametrize("about", ["centre", "origin"])
@pytest.mark.parametrize(
    ("power", "fault"), [(2, "scale misapplied"), (-1, "scale misapplied"), (0, "scale left out")]
)
def test_a_similarity_whose_scale_is_misapplied_is_told_so(power, fault, about):
    pair = CONDITIONS["similarity"].pair()
    linear, shift = parts(pair)
    wrong = linear * np.linalg.det(linear) ** ((power - 1) / 2)
    matrix = affine(wrong, *shift, pair.shape).matrix
    if about == "origin":
        matrix = pair.truth.matrix.copy()
        matrix[:2, :2] = wrong
    found = explained(pair, matrix)
    assert found.fault == fault


FALSE_NAMES = 0.1
"""Part of the errors under a pixel that happen to look like a half pixel or another small fault."""


def test_a_small_error_is_rarely_mistaken_for_a_fault(turned):
    draw = np.random.default_rng(4)
    named = 0
    for _ in range(300):
        off = shifted(*draw.normal(0, 0.4, 2))
        named += explained(turned, off @ turned.truth.matrix) is not None
    assert named <= FALSE_NAMES * 300


def test_noise_is_not_explained(turned):
    answer = shifted(0.5, 0.5) @ turned.truth.matrix
    displacement = Matrix(answer).displacement(shape_of(turned))
    assert explain(turned, displacement, answer).fault == "half pixel"
    assert explain(turned, displacement, answer, noise_px=0.3) is None


def ffd_pair():
    return irgate_fixtures.pair("bspline_random_2d")


def inverse_field(pair, shape):
    """The inverse of a true FFD on a grid, by fixed-point iteration."""
    grid = pixel_grid(shape)
    found = -pair.truth(grid) + grid
    for _ in range(60):
        found = -(pair.truth(grid + found) - (grid + found))
    return found


def test_faults_of_a_field_have_their_names():
    pair = ffd_pair()
    height, width = shape_of(pair)
    truth = pair.truth.displacement((height, width))
    assert height != width
    laid_out = truth.transpose(1, 0, 2).reshape(height, width, 2)
    faults = {
        "x and y swapped": truth[..., ::-1],
        "negated": -truth,
        "half pixel": truth + np.array([0.5, 0.0]),
        "normalised units": truth * 2 / (np.array([width, height]) - 1),
        "rounded": np.round(truth),
        "rows and columns of the field swapped": laid_out,
        "level scale": 2 * truth,
        "control grid transposed": FFD(
            pair.truth.control_points.swapaxes(1, 2), (height, width)
        ).displacement((height, width)),
    }
    for fault, field in faults.items():
        found = explained(pair, field)
        assert found.fault == fault, fault
        assert found.after_px <= NOTHING_PX


def test_an_inverted_field_is_told_from_swapped_images():
    pair = ffd_pair()
    shape = shape_of(pair)
    inverse = inverse_field(pair, shape)
    grid = pixel_grid(shape)
    inside = np.all(np.abs(grid - centre_of(shape)) < 0.4 * np.array(shape[::-1]), axis=-1)
    back = pair.truth(grid + inverse) - grid
    assert np.abs(back[inside]).max() < 1e-9, "the inverse is one"
    assert explained(pair, inverse).fault == "inverse"
    # Registering moving to fixed gives the FFD that is nearest to the inverse.
    coordinates = (grid[inside] - centre_of(shape)) / centre_of(shape)
    basis = np.stack(
        [coordinates[:, 0] ** i * coordinates[:, 1] ** j for i in range(4) for j in range(4)], -1
    )
    fitted = np.linalg.lstsq(basis, inverse[inside], rcond=None)[0]
    everywhere = (grid - centre_of(shape)) / centre_of(shape)
    terms = [everywhere[..., 0] ** i * everywhere[..., 1] ** j for i in range(4) for j in range(4)]
    assert explained(pair, np.stack(terms, -1) @ fitted).fault == "images swapped"


@pytest.mark.parametrize(("first", "extent"), [(0.0, -1.0), (0.5, 0.0)])
def test_control_points_on_another_domain_are_named(first, extent):
    """Control points that are right on DESIGN's domain, evaluated on another."""
    pair = ffd_pair()
    shape = shape_of(pair)
    # Far stronger than the fixture, where these domains differ by less than 0.05 px.
    pair = replace(pair, truth=FFD(25 * pair.truth.control_points, shape))
    size = np.array(shape[::-1])
    # Where the right domain has the point that the wrong one puts at x.
    places = (pixel_grid(shape) + first) / (size + extent) * (size + 0.25) - 0.625
    control = FFD(pair.truth.control_points, shape)
    wrong = control(places) - places
    found = explained(pair, wrong)
    assert found.fault == "FFD domain"
    assert found.after_px <= NOTHING_PX


def test_a_rotated_ffd_that_is_inverted_is_named():
    pair = CASES["bspline_random_2d-rot15"].pair()
    assert isinstance(pair.truth, Composite)
    shape = shape_of(pair)
    turned_back = Matrix(np.linalg.inv(pair.truth.outer.matrix))(pixel_grid(shape))
    spline, found = pair.truth.inner, pixel_grid(shape)
    for _ in range(60):
        found = turned_back - (spline(found) - found)
    named = explained(pair, found - pixel_grid(shape))
    assert named.fault == "inverse"


def test_the_sentence_has_the_numbers_before_and_after():
    pair = irgate_fixtures.pair("synth_translate_2d")
    found = explained(pair, np.linalg.inv(pair.truth.matrix))
    # Twice the length of (3.5, -2.23).
    assert found.before_px == pytest.approx(2 * np.hypot(3.5, 2.23))
    assert found.after_px == pytest.approx(0, abs=1e-9)
    assert "matches the truth to 0.00 px once that is undone, now 8.30 px" in found.sentence


class TestAnAnswerThatOnlyShifts:
    def test_it_is_named_where_the_truth_turns(self):
        pair = next(case for case in base_cases() if case.model == "rigid").pair()
        only = np.eye(3)
        only[:2, 2] = 3.5, -2.25
        field = np.broadcast_to(only[:2, 2], (*pair.shape, 2)).copy()
        found = explain(pair, field, only)
        assert found.fault == "translation only"
        assert "the rigid model was asked for" in found.sentence
        # A turn of a millionth is an estimate, if a bad one.
        turned = only.copy()
        turned[0, 1], turned[1, 0] = -1e-6, 1e-6
        points = pixel_grid(pair.shape)
        estimated = explain(pair, points @ turned[:2, :2].T + turned[:2, 2] - points, turned)
        assert estimated is None or estimated.fault != "translation only"

    def test_and_not_where_only_a_shift_was_asked_for(self):
        # The truth of a pack's landmarks is their affine fit, and nobody clicks exactly.
        pair = next(case for case in base_cases() if case.model == "translation").pair()
        linear = [[1.002, 5e-3], [-4e-3, 1.001]]
        clicked = replace(pair, truth=affine(linear, 3.5, -2.2, pair.shape))
        only = np.eye(3)
        only[:2, 2] = 9.0, 5.0
        found = explained(clicked, only)
        assert found is None or found.fault != "translation only"

    def test_and_not_where_it_only_shifts_too(self):
        pair = next(case for case in base_cases() if case.model == "translation").pair()
        only = np.eye(3)
        only[:2, 2] = 9.0, 5.0
        found = explain(pair, np.broadcast_to(only[:2, 2], (*pair.shape, 2)).copy(), only)
        assert found is None or found.fault != "translation only"


def test_a_scale_that_landmarks_do_not_have_is_not_left_out():
    pair = CONDITIONS["similarity"].pair()
    linear = [[1.0, 5e-3], [3e-3, 1.0]]
    clicked = replace(pair, truth=affine(linear, 3.5, -2.2, pair.shape))
    found = explained(clicked, rigid(0.05, 9.0, 5.0, pair.shape).matrix)
    assert found is None or found.fault != "scale left out"

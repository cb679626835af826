/* One look at each pair of a batch: warp, residual, gradient and matrix in one pass over the image.
 *
 * It computes what `_lucas_kanade.Forward.linearise`, `_template.Inverse.linearise` and their
 * helpers compute in torch; equations and sources stand there. torch is the reference, and
 * tests/solver/test_kernel.py holds both to each other. Around a look it makes splines, half images
 * and slopes, solves for steps, and descends within the linear families.
 *
 * A pixel's arithmetic is in REAL, the type of the images, in torch's order. Positions and sums are
 * in double. A sum runs over LANES partial sums in a fixed order, so that its bits depend neither
 * on the machine nor on the width of its vectors: compile without contraction (-ffp-contract=off)
 * and without -ffast-math. There is one thread, and nothing static is written.
 *
 * Arrays are contiguous, rows before columns, one pair after another. The caller (`_native.py`)
 * checks all sizes. The file includes itself, once for each REAL.
 */
#ifndef REAL

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef SOURCE_DIGEST
#define SOURCE_DIGEST ""
#endif

#define EDGE 1e-3 /* px; far more than the rounding of a position */

enum { LINEAR, CUBIC, CATMULL_ROM };
enum { SSD, HUBER, NCC };
enum { CHUNK = 64, LANES = 4, MOST_FUNCTIONS = 4, MOST_PAIRS = 10, TAPS = 4, STRIP = 16, BLOCK = 4 };
enum { MOST_PARAMETERS = 8 }; /* of a linear family */
enum { TRANSLATION, RIGID, SIMILARITY, AFFINE };
enum { RUNNING, CONVERGED, STALLED, EXHAUSTED }; /* `_levenberg` */

typedef struct {
    int64_t batch, height, width;  /* of the fixed images */
    int64_t rows, columns;         /* of the moving images */
    int64_t row_functions;         /* a: functions of y in the basis */
    int64_t column_functions;      /* b: functions of x */
    int64_t functions;             /* of them those that are not 0 at one pixel: 2 or 4 */
    int64_t size;                  /* n: parameters of the family */
    int64_t sampler, metric;
    int64_t exact;                 /* the Hessian in place of the Gauss-Newton matrix */
    int64_t frozen;                /* `weights` are the pixels that count, wherever they map */
    int64_t matrix;                /* whether the matrix is wanted */
    double scale;                  /* px of the full image from one pixel to the next */
    double middle_x, half_x;       /* valid points lie within `half` px of `middle` */
    double middle_y, half_y;
    double most_hidden;            /* most that hidden moving pixels may weigh at a point */
    const double *y, *x;           /* positions of the fixed pixels, px */
    const double *row_values;      /* (functions, height): those functions of y */
    const double *column_values;   /* (functions, width) */
    const int64_t *row_cells;      /* (height,): the index of the first of them */
    const int64_t *column_cells;   /* (width,) */
    const int64_t *active;         /* (batch,): 0 for pairs to pass over; NULL for none */
    const void *fixed;
    const void *weights;           /* 0/1, on the fixed pixels; NULL for 1 */
    const void *moving;            /* or a spline's coefficients, framed; NULL for `fixed` */
    const void *slopes;            /* (batch, 2, height, width) in place of the moving images' */
    const void *hidden;            /* 0/1, on the moving pixels; NULL for 0 */
    const double *trusted;         /* (batch,): number of trusted fixed pixels */
    const double *huber;           /* (batch,): Huber's k */
    const double *coefficients;    /* (batch, 2, a, b), px */
    const double *jacobian;        /* (batch, 2 a b, n); NULL for the identity */
    double *figures;               /* (3, batch): objective, its rounding, overlap */
    double *by_parameters;         /* (batch, n): the gradient; NULL for the objective alone */
    double *by_coefficients;       /* (batch, 2 a b): the gradient by the coefficients */
    double *normal;                /* (batch, n, n), zeros */
    void *moved, *valid;           /* (batch, height, width) each, or NULL */
} look;

/* A descent of each pair within a linear family: `_levenberg.descend`, whose rules these are. */
typedef struct {
    int64_t family;
    int64_t composes;        /* the inverse-compositional form, and not the forward-additive */
    int64_t points;          /* on which the length of a step is measured */
    int64_t iterations, patience;
    double radius, aspect;   /* of `_linear` */
    double tolerance, near, undamped, no_progress;
    double damping_ratio, damping_floor, damping_ceiling, rejected, gauge;
    double kept, overlap_floor, slack_share;
    const double *probes;    /* (n, 2, points): how each parameter moves these */
    const double *slack;     /* (batch,), px */
    const double *steady;    /* (batch, n, n): the matrix, where it is the same everywhere, or NULL */
    double *coefficients;    /* room for `look.coefficients` */
    double *jacobian;        /* and for `look.jacobian`; NULL where that stays as it is */
    double *p;               /* (batch, n): the start, then the end */
    double *damping, *moved; /* (batch,): before the first step, then after the last */
    int64_t *state, *steps;  /* (batch,) */
} descent;

/* Where the descent of one pair is: `_levenberg.PairState`. */
typedef struct {
    double objective, rounding, overlap, least_overlap, damping, moved, shortest, undamped, slack;
    int64_t state, steps, fruitless;
    int rejected;
} progress;

/* Sums of one pair, and what they are made with. */
typedef struct {
    int64_t pairs, cells, planes, fields;
    double *functions;   /* (functions, width + LANES) */
    double *products;    /* (pairs, width + LANES): of two functions of x */
    double *row_moments; /* (planes, 2, b): of this row */
    double *moments;     /* (planes, 2, a, b) */
    double *row_sums;    /* (fields, cells, pairs): of this row */
    double *cell_sums;   /* (fields, pairs, cells, pairs): of this row of cells */
    double *bent;        /* (2 a b, 2 a b), by the coefficients: of the second derivatives */
    double *own;         /* the same of the slopes, where there is a jacobian */
    double *normal;      /* these, or the pair's `look.normal`, which holds zeros */
    double *row_part;    /* (2, b): the row's part of T */
} sums;

/* What a metric says of one pair, as `_metrics.Fit`. */
typedef struct {
    double objective, rounding, seen, gain, scale, shares[2];
} fit;

const char *irgate_look_digest(void) { return SOURCE_DIGEST; }

/* The pieces of a cubic spline in one cell by powers of the place in it (`_spline`), times
 * DENOMINATOR: whole numbers, so that the weights of the taps have no common error. */
static const double B_SPLINE[4][TAPS]
    = {{1, 4, 1, 0}, {-3, 0, 3, 0}, {3, -6, 3, 0}, {-1, 3, -3, 1}};
static const double KEYS[4][TAPS] = {{0, 2, 0, 0}, {-1, 0, 1, 0}, {2, -5, 4, -1}, {-1, 3, -3, 1}};
static const double DENOMINATOR[] = {1.0, 6.0, 2.0};

/* Fold an index about the first and the last sample (`_spline.mirror`). */
static int64_t mirrored(int64_t index, int64_t size)
{
    int64_t period = 2 * (size - 1);
    if (size == 1)
        return 0;
    index %= period;
    if (index < 0)
        index += period;
    return index < period - index ? index : period - index;
}

/* A comparison with NaN is false and gives the first bound, so that NaN makes no index. */
static double clamped(double value, double least, double most)
{
    value = value > least ? value : least;
    return value < most ? value : most;
}

static int padded(int count) { return (count + LANES - 1) / LANES * LANES; }

/* `left` holds 0 from `count` to the next multiple of LANES. */
static double dot(const double *left, const double *right, int count)
{
    double lane[LANES] = {0.0};
    for (int k = 0; k < count; k += LANES)
        for (int one = 0; one < LANES; one++)
            lane[one] += left[k + one] * right[k + one];
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

/* Add to `to` the sums of `field` times each of `number` functions; `field` is padded here. */
static void add_dots(double *field, int count, const double *functions, int64_t stride,
    int64_t number, double *to)
{
    for (int k = count; k < padded(count); k++)
        field[k] = 0.0;
    for (int64_t f = 0; f < number; f++)
        to[f] += dot(field, functions + f * stride, count);
}

/* `values` has room for a whole number of LANES. */
static double total(double *values, int count)
{
    double lane[LANES] = {0.0};
    for (int k = count; k < padded(count); k++)
        values[k] = 0.0;
    for (int k = 0; k < count; k += LANES)
        for (int one = 0; one < LANES; one++)
            lane[one] += values[k + one];
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

/* Whether all of a chunk's places along an axis lie well within bounds. Those of a linear family are
 * monotone but for rounding, so that the ends tell; of others it is not known, and then 0. */
static int all_within(const look *l, const double *at, int count, double least, double most)
{
    double one = at[0], other = at[count - 1];
    return l->functions == 2 && one > least + EDGE && one < most - EDGE && other > least + EDGE
        && other < most - EDGE;
}

/* The number of pixels of the chunk that begins at `column`: they lie in one cell of the basis. */
static int chunk_at(const look *l, int64_t column)
{
    int64_t left = l->width - column, cell = l->column_cells[column];
    int most = left < CHUNK ? (int)left : CHUNK, count = 1;
    if (l->functions == 2)
        return most;
    while (count < most && l->column_cells[column + count] == cell)
        count++;
    return count;
}

/* q_d[b] = sum_a Y_a c_dab, `(2, b)`. */
static void take_row_part(const look *l, int64_t pair, int64_t row, double *q)
{
    int64_t wide = l->column_functions, tall = l->row_functions, cell = l->row_cells[row];
    const double *c = l->coefficients + pair * 2 * tall * wide;
    for (int64_t d = 0; d < 2; d++)
        for (int64_t b = 0; b < wide; b++) {
            double sum = 0.0;
            for (int64_t m = 0; m < l->functions; m++)
                sum += l->row_values[m * l->height + row] * c[(d * tall + cell + m) * wide + b];
            q[d * wide + b] = sum;
        }
}

/* T(x) of a chunk, px; additions in the order of `Basis.positions`. */
static void positions(
    const look *l, const double *q, int64_t row, int64_t first, int count, double *px, double *py)
{
    const double *x = l->x + first, *value = l->column_values + first;
    const double *qx = q + l->column_cells[first], *qy = qx + l->column_functions;
    double y = l->y[row];
    if (l->functions == 2) {
        const double *xi = value + l->width;
        double down = qy[0] + y;
        for (int k = 0; k < count; k++) {
            px[k] = (x[k] + qx[1] * xi[k]) + qx[0];
            py[k] = down + qy[1] * xi[k];
        }
        return;
    }
    for (int k = 0; k < count; k++) {
        double u = 0.0, v = 0.0;
        for (int f = 0; f < MOST_FUNCTIONS; f++) {
            double weight = value[f * l->width + k];
            u += weight * qx[f];
            v += weight * qy[f];
        }
        px[k] = u + x[k];
        py[k] = v + y;
    }
}

/* Multiply each two of `count` values, `stride` apart: (0, 0), (0, 1), ..., (1, 1), ... */
static void multiply(const double *values, int64_t stride, int64_t count, double *out, int64_t step)
{
    int64_t pair = 0;
    for (int64_t one = 0; one < count; one++)
        for (int64_t other = one; other < count; other++, pair++)
            out[pair * step] = values[one * stride] * values[other * stride];
}

/* Return -1 where there is no memory. `functions` is what is to be freed. */
static int prepare(const look *l, sums *s)
{
    int64_t n = l->functions, wide = l->column_functions, grid = l->row_functions * wide;
    int64_t padding = l->width + LANES, whole = 4 * grid * grid, run, size;
    int64_t bent = l->matrix && l->exact ? whole : 0, own = l->matrix && l->jacobian ? whole : 0;
    s->pairs = n * (n + 1) / 2;
    s->cells = wide - n + 1;
    s->planes = l->metric == NCC && l->matrix ? 3 : 1;
    s->fields = !l->matrix ? 0 : l->exact ? 6 : 3;
    run = s->cells * s->pairs;
    size = (n + s->pairs) * padding + s->planes * 2 * (wide + grid)
        + s->fields * run * (1 + s->pairs) + bent + own + 2 * wide;
    s->functions = malloc((size_t)size * sizeof(double));
    if (s->functions == NULL)
        return -1;
    memset(s->functions, 0, (size_t)((n + s->pairs) * padding) * sizeof(double));
    s->products = s->functions + n * padding;
    s->row_moments = s->products + s->pairs * padding;
    s->moments = s->row_moments + s->planes * 2 * wide;
    s->row_sums = s->moments + s->planes * 2 * grid;
    s->cell_sums = s->row_sums + s->fields * run;
    s->bent = s->cell_sums + s->fields * s->pairs * run;
    s->own = s->bent + bent;
    s->row_part = s->own + own;
    for (int64_t f = 0; f < n; f++)
        memcpy(s->functions + f * padding, l->column_values + f * l->width,
            (size_t)l->width * sizeof(double));
    for (int64_t k = 0; k < l->width; k++)
        multiply(s->functions + k, padding, n, s->products + k, padding);
    return 0;
}

static void forget(const look *l, sums *s, int64_t pair)
{
    memset(s->row_moments, 0, (size_t)(s->row_part - s->row_moments) * sizeof(double));
    s->normal = l->jacobian || !l->matrix ? s->own : l->normal + pair * l->size * l->size;
}

/* Add a row of cells to the matrices. A product of functions is symmetric in each axis. */
static void add_cells(const look *l, sums *s, int64_t cell)
{
    int64_t n = l->functions, wide = l->column_functions, grid = l->row_functions * wide;
    double *sum = s->cell_sums;
    for (int64_t field = 0; field < s->fields; field++) {
        double *matrix = field < 3 ? s->normal : s->bent;
        int64_t up = field % 3 == 2 ? grid : 0, side = field % 3 > 0 ? grid : 0;
        for (int64_t a = 0; a < n; a++)
        for (int64_t aa = a; aa < n; aa++)
        for (int64_t c = 0; c < s->cells; c++)
        for (int64_t b = 0; b < n; b++)
        for (int64_t bb = b; bb < n; bb++, sum++)
            for (int i = 0; i <= (aa != a); i++)
                for (int j = 0; j <= (bb != b); j++) {
                    int64_t one = (cell + (i ? aa : a)) * wide + c + (j ? bb : b);
                    int64_t other = (cell + (i ? a : aa)) * wide + c + (j ? b : bb);
                    matrix[(up + one) * 2 * grid + side + other] += *sum;
                    if (up != side)
                        matrix[(side + one) * 2 * grid + up + other] += *sum;
                }
    }
    memset(s->cell_sums, 0, (size_t)(sum - s->cell_sums) * sizeof(double));
}

/* Add a row's sums to those of the pair and of its row of cells. */
static void add_row(const look *l, sums *s, int64_t row)
{
    int64_t n = l->functions, wide = l->column_functions, cell = l->row_cells[row];
    int64_t run = s->cells * s->pairs;
    double product[MOST_PAIRS];
    multiply(l->row_values + row, l->height, n, product, 1);
    for (int64_t plane = 0; plane < 2 * s->planes; plane++) {
        double *to = s->moments + (plane * l->row_functions + cell) * wide;
        double *from = s->row_moments + plane * wide;
        for (int64_t m = 0; m < n; m++)
            for (int64_t b = 0; b < wide; b++)
                to[m * wide + b] += l->row_values[m * l->height + row] * from[b];
        memset(from, 0, (size_t)wide * sizeof(double));
    }
    for (int64_t field = 0; field < s->fields; field++) {
        double *from = s->row_sums + field * run;
        for (int64_t pair = 0; pair < s->pairs; pair++) {
            double *to = s->cell_sums + (field * s->pairs + pair) * run;
            for (int64_t k = 0; k < run; k++)
                to[k] += product[pair] * from[k];
        }
        memset(from, 0, (size_t)run * sizeof(double));
    }
    if (s->fields && (row + 1 == l->height || l->row_cells[row + 1] != cell))
        add_cells(l, s, cell);
}

/* `_precision.squared_rounding`. */
static double squared_rounding(double eps) { return 256.0 * eps * eps; }

static double rounding_of(double square, double count, double eps)
{
    return 8.0 * eps * sqrt(square) + eps * eps * count + 8.0 * DBL_EPSILON * square;
}

/* The matrix by the coefficients (`_lucas_kanade.normal_equations`); masks the gradient too. An FFD
 * couples only coefficients within three rows and columns, and the rest of the matrix stays 0: only
 * the means of a correlation couple all. */
static void finish_matrix(const look *l, sums *s, const fit *f, double eps, double *by)
{
    int64_t wide = l->column_functions, grid = l->row_functions * wide, size = 2 * grid;
    int64_t reach = s->planes > 1 ? size : l->functions - 1;
    double share = f->scale * f->gain, square = share * f->gain, largest = 0.0;
    double *matrix = s->normal, *seen = s->moments; /* the first plane is used up */
    for (int64_t k = 0; k < size; k++)
        largest = fmax(largest, matrix[k * (size + 1)] * square);
    for (int64_t k = 0; k < size; k++) {
        double least = squared_rounding(eps) * largest, own = matrix[k * (size + 1)] * square;
        seen[k] = l->sampler == LINEAR || own > least ? 1.0 : 0.0;
        by[k] *= seen[k];
    }
    for (int64_t i = 0; i < size; i++) {
        int64_t row = i % grid / wide, column = i % wide;
        int64_t up = row > reach ? row - reach : 0, left = column > reach ? column - reach : 0;
        int64_t down = row + reach < l->row_functions ? row + reach + 1 : l->row_functions;
        int64_t right = column + reach < wide ? column + reach + 1 : wide;
        for (int64_t half = 0; half < size; half += grid)
        for (int64_t r = up; r < down; r++)
        for (int64_t j = half + r * wide + left; j < half + r * wide + right; j++) {
            double value = matrix[i * size + j] * square;
            if (l->exact)
                value += share * s->bent[i * size + j];
            for (int64_t t = 1; t < s->planes; t++) {
                const double *cast = s->moments + t * size;
                value -= f->shares[t - 1] * cast[i] * cast[j];
            }
            matrix[i * size + j] = value * (seen[i] * seen[j]);
        }
    }
}

/* Turn gradient and matrix by the coefficients into those by the parameters: E^T g, E^T N E. */
static void pull(const look *l, sums *s, int64_t pair, const double *by)
{
    int64_t size = 2 * l->row_functions * l->column_functions, n = l->size;
    double *gradient = l->by_parameters + pair * n, *normal = l->normal + pair * n * n;
    const double *e = l->jacobian ? l->jacobian + pair * size * n : NULL;
    if (e == NULL) {
        memcpy(gradient, by, (size_t)n * sizeof(double));
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        gradient[i] = 0.0;
        for (int64_t k = 0; k < size; k++)
            gradient[i] += e[k * n + i] * by[k];
    }
    if (!l->matrix)
        return;
    memset(normal, 0, (size_t)(n * n) * sizeof(double));
    for (int64_t k = 0; k < size; k++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0.0;
            for (int64_t m = 0; m < size; m++)
                sum += s->normal[k * size + m] * e[m * n + j];
            for (int64_t i = 0; i < n; i++)
                normal[i * n + j] += e[k * n + i] * sum;
        }
}

static void finish(const look *l, sums *s, const fit *f, double eps, int64_t pair)
{
    int64_t size = 2 * l->row_functions * l->column_functions;
    /* The inverse-compositional form does not multiply by the gain (`_template`). */
    double share = l->slopes && l->moving ? f->scale : f->scale * f->gain;
    double trusted = l->trusted[pair] > 1.0 ? l->trusted[pair] : 1.0;
    l->figures[pair] = f->objective;
    l->figures[l->batch + pair] = f->rounding;
    l->figures[2 * l->batch + pair] = f->seen / trusted;
    if (l->by_parameters == NULL)
        return;
    double *by = l->by_coefficients + pair * size;
    for (int64_t k = 0; k < size; k++)
        by[k] = share * s->moments[k];
    if (l->matrix)
        finish_matrix(l, s, f, eps, by);
    pull(l, s, pair, by);
}

/* Solve S c = values along the first axis of `(size, STRIP)`: S holds 1/6, 4/6, 1/6, and 2/6 beside
 * the corners (`_spline.interpolating_coefficients`), by Thomas's algorithm. */
static void solve_spline(double *c, double *factor, int64_t size)
{
    if (size == 1)
        return;
    factor[0] = 0.5;
    for (int k = 0; k < STRIP; k++)
        c[k] *= 1.5;
    for (int64_t i = 1; i < size; i++) {
        double below = i + 1 == size ? 2.0 : 1.0;
        factor[i] = 1.0 / (4.0 - below * factor[i - 1]);
        for (int k = 0; k < STRIP; k++) {
            double left = 6.0 * c[i * STRIP + k] - below * c[(i - 1) * STRIP + k];
            c[i * STRIP + k] = left * factor[i];
        }
    }
    for (int64_t i = size - 2; i >= 0; i--)
        for (int k = 0; k < STRIP; k++)
            c[i * STRIP + k] -= factor[i] * c[(i + 1) * STRIP + k];
}

/* A matrix of an FFD's parameters that couples only control points within three rows and columns:
 * in the order of the shorter axis, both components beside each other, it is a band. A row of its
 * factor U, N = U^T U, is held from the diagonal on, with room for the last rows of a block. */
typedef struct {
    int64_t size, reach, stride;
    int64_t *order; /* the parameter at each place */
} band;

/* Return -1 where there is no memory. `order` is what is to be freed. */
static int order_band(int64_t rows, int64_t columns, band *b)
{
    int64_t grid = rows * columns, shorter = rows < columns ? rows : columns;
    b->size = 2 * grid;
    b->reach = 2 * (3 * shorter + 3) + 1 < b->size ? 2 * (3 * shorter + 3) + 1 : b->size - 1;
    b->stride = b->reach + BLOCK;
    b->order = malloc((size_t)b->size * sizeof(int64_t));
    if (b->order == NULL)
        return -1;
    for (int64_t k = 0; k < grid; k++) {
        int64_t point = columns <= rows ? k : k % rows * columns + k / rows;
        b->order[2 * k] = point;
        b->order[2 * k + 1] = grid + point;
    }
    return 0;
}

/* Turn the matrix in `upper` into its factor, by blocks of rows (Golub & Van Loan 2013, 4.2.9).
 * Return 0, or the number of the first row whose pivot is not positive. */
static int64_t factor_band(const band *b, double *upper)
{
    int64_t stride = b->stride;
    for (int64_t first = 0; first < b->size; first += BLOCK) {
        int64_t some = b->size - first < BLOCK ? b->size - first : BLOCK;
        double *top = upper + first * stride;
        for (int64_t q = 0; q < some; q++) {
            double *row = top + q * stride, pivot = row[0], inverse = 1.0 / sqrt(pivot);
            if (!(pivot > 0.0 && pivot < INFINITY))
                return first + q + 1;
            for (int64_t k = 0; k < stride; k++)
                row[k] *= inverse;
            for (int64_t d = 1; d < some - q; d++)
                for (int64_t k = d; k < stride; k++)
                    row[d * stride + k - d] -= row[d] * row[k];
        }
        for (int64_t d = some; d < stride && first + d < b->size; d++) {
            double *restrict to = top + d * stride;
            const double *one = top + d, *two = one + stride - 1, *three = two + stride - 1;
            const double *four = three + stride - 1;
            double by_one = *one, by_two = *two, by_three = *three, by_four = *four;
            for (int64_t k = 0; k < stride - d; k++)
                to[k] -= (by_one * one[k] + by_two * two[k])
                    + (by_three * three[k] + by_four * four[k]);
        }
    }
    return 0;
}

/* Factor `batch` matrices, `normal` with `added` on its diagonal: `upper` holds `(batch, size,
 * stride)`; `failed` is 0, or the row where a matrix was found not to be positive. Returns 0, or -1
 * where there is no memory. */
int irgate_factor(int64_t batch, int64_t rows, int64_t columns, const double *normal,
    const double *added, double *upper, int64_t *failed)
{
    band b;
    if (order_band(rows, columns, &b) < 0)
        return -1;
    for (int64_t pair = 0; pair < batch; pair++) {
        const double *matrix = normal + pair * b.size * b.size;
        double *to = upper + pair * b.size * b.stride;
        for (int64_t i = 0; i < b.size; i++, to += b.stride) {
            const double *row = matrix + b.order[i] * b.size;
            for (int64_t k = 0; k < b.stride; k++)
                to[k] = k <= b.reach && i + k < b.size ? row[b.order[i + k]] : 0.0;
            to[0] += added[pair * b.size + b.order[i]];
        }
        failed[pair] = factor_band(&b, upper + pair * b.size * b.stride);
    }
    free(b.order);
    return 0;
}

/* Solve N x = right by the factors `upper`, `(batch, size)` each. Returns 0, or -1 where there is
 * no memory. */
int irgate_solve(int64_t batch, int64_t rows, int64_t columns, const double *upper,
    const double *right, double *x)
{
    band b;
    double *z;
    if (order_band(rows, columns, &b) < 0)
        return -1;
    z = calloc((size_t)(b.size + b.stride), sizeof(double));
    for (int64_t pair = 0; z && pair < batch; pair++, upper += b.size * b.stride) {
        for (int64_t i = 0; i < b.size; i++)
            z[i] = right[pair * b.size + b.order[i]];
        for (int64_t i = 0; i < b.size; i++) {
            const double *row = upper + i * b.stride;
            z[i] /= row[0];
            for (int64_t k = 1; k <= b.reach; k++)
                z[i + k] -= row[k] * z[i];
        }
        memset(z + b.size, 0, (size_t)b.stride * sizeof(double)); /* NaN times 0 is none */
        for (int64_t i = b.size - 1; i >= 0; i--) {
            const double *row = upper + i * b.stride;
            z[i] = (z[i] - dot(row + 1, z + i + 1, (int)b.reach)) / row[0];
            x[pair * b.size + b.order[i]] = z[i];
        }
    }
    free(b.order);
    free(z);
    return z ? 0 : -1;
}

/* Solve (N + lambda D) step = -g for each pair of a linear family by Cholesky (`_levenberg`, eq. 1):
 * D is |diag N|, no less than `gauge` of its mean. `failed` is 0, or the row where a matrix was found
 * not to be positive; its step is 0. Returns 0, or -1 where there are too many parameters. */
int irgate_step(int64_t batch, int64_t size, double gauge, const double *normal,
    const double *gradient, const double *damping, double *step, int64_t *failed)
{
    if (size > MOST_PARAMETERS)
        return -1;
    for (int64_t pair = 0; pair < batch; pair++, normal += size * size, gradient += size) {
        double lower[MOST_PARAMETERS][MOST_PARAMETERS], *x = step + pair * size, mean = 0.0;
        for (int64_t i = 0; i < size; i++)
            mean += fabs(normal[i * (size + 1)]) / (double)size;
        failed[pair] = 0;
        memset(x, 0, (size_t)size * sizeof(double));
        for (int64_t i = 0; i < size && !failed[pair]; i++) {
            double own = normal[i * (size + 1)];
            for (int64_t j = 0; j < i; j++) {
                double sum = normal[i * size + j];
                for (int64_t k = 0; k < j; k++)
                    sum -= lower[i][k] * lower[j][k];
                lower[i][j] = sum / lower[j][j];
            }
            own += damping[pair] * fmax(fabs(own), gauge * mean);
            for (int64_t k = 0; k < i; k++)
                own -= lower[i][k] * lower[i][k];
            if (own > 0.0 && own < INFINITY)
                lower[i][i] = sqrt(own);
            else
                failed[pair] = i + 1;
        }
        if (failed[pair])
            continue;
        for (int64_t i = 0; i < size; i++) {
            x[i] = -gradient[i];
            for (int64_t k = 0; k < i; k++)
                x[i] -= lower[i][k] * x[k];
            x[i] /= lower[i][i];
        }
        for (int64_t i = size - 1; i >= 0; i--) {
            for (int64_t k = i + 1; k < size; k++)
                x[i] -= lower[k][i] * x[k];
            x[i] /= lower[i][i];
        }
    }
    return 0;
}

/* There may be none, and then no arrays. */
static void copy(double *to, const double *from, int64_t count)
{
    for (int64_t k = 0; k < count; k++)
        to[k] = from[k];
}

/* Coefficients `(8,)` of the displacement, and, where asked for, theirs by the parameters, `(8, n)`:
 * x and y's shift, change by xi, by eta, and by their product (`_linear`). */
static void transform(const descent *d, int64_t n, const double *p, double *c, double *e)
{
    double turn = d->family == RIGID ? p[2] / d->radius : 0.0, sine = sin(turn), cosine = cos(turn);
    double by[MOST_PARAMETERS][MOST_PARAMETERS] = {{0.0}};
    memset(c, 0, 8 * sizeof(double));
    c[0] = p[0];
    c[4] = p[1];
    by[0][0] = by[4][1] = 1.0;
    if (d->family == RIGID) {
        c[1] = c[6] = (cosine - 1.0) * d->radius;
        c[2] = -d->radius * d->aspect * sine;
        c[5] = d->radius / d->aspect * sine;
        by[1][2] = by[6][2] = -sine;
        by[2][2] = -d->aspect * cosine;
        by[5][2] = cosine / d->aspect;
    } else if (d->family == SIMILARITY) {
        c[1] = c[6] = p[2];
        c[2] = -d->aspect * p[3];
        c[5] = p[3] / d->aspect;
        by[1][2] = by[6][2] = 1.0;
        by[2][3] = -d->aspect;
        by[5][3] = 1.0 / d->aspect;
    } else if (d->family == AFFINE) {
        c[1] = p[2];
        c[2] = p[3];
        c[5] = p[4];
        c[6] = p[5];
        by[1][2] = by[2][3] = by[5][4] = by[6][5] = 1.0;
    }
    for (int64_t k = 0; e && k < 8; k++)
        memcpy(e + k * n, by[k], (size_t)n * sizeof(double));
}

/* T(x) = A (x - centre) + centre + t, A row by row. */
static void centred(const descent *d, int64_t n, const double *p, double *a, double *t)
{
    double c[8];
    transform(d, n, p, c, NULL);
    a[0] = 1.0 + c[1] / d->radius;
    a[1] = c[2] / d->radius;
    a[2] = c[5] / d->radius;
    a[3] = 1.0 + c[6] / d->radius;
    t[0] = c[0];
    t[1] = c[4];
}

/* T(p) o T(step)^-1 (`_linear.compose_inverse`), or p + step. */
static void retract(const descent *d, int64_t n, const double *p, const double *step, double *to)
{
    double a[4], t[2], b[4], u[2], m[4], determinant;
    if (!d->composes) {
        for (int64_t k = 0; k < n; k++)
            to[k] = p[k] + step[k];
        return;
    }
    centred(d, n, p, a, t);
    centred(d, n, step, b, u);
    determinant = b[0] * b[3] - b[1] * b[2];
    m[0] = (a[0] * b[3] - a[1] * b[2]) / determinant;
    m[1] = (a[1] * b[0] - a[0] * b[1]) / determinant;
    m[2] = (a[2] * b[3] - a[3] * b[2]) / determinant;
    m[3] = (a[3] * b[0] - a[2] * b[1]) / determinant;
    to[0] = t[0] - (m[0] * u[0] + m[1] * u[1]);
    to[1] = t[1] - (m[2] * u[0] + m[3] * u[1]);
    if (d->family == RIGID) {
        to[2] = p[2] - step[2]; /* and not the angle of the product, which ends at a half turn */
    } else if (d->family == SIMILARITY) {
        to[2] = (0.5 * (m[0] + m[3]) - 1.0) * d->radius;
        to[3] = 0.5 * (m[2] * d->aspect - m[1] / d->aspect) * d->radius;
    } else if (d->family == AFFINE) {
        to[2] = (m[0] - 1.0) * d->radius;
        to[3] = m[1] * d->radius;
        to[4] = m[2] * d->radius;
        to[5] = (m[3] - 1.0) * d->radius;
    }
}

/* How far a step moves the probe points at most, px; NaN where that is no number. */
static double longest(const descent *d, int64_t n, const double *step)
{
    double most = 0.0;
    for (int64_t k = 0; k < d->points; k++) {
        double x = 0.0, y = 0.0, square;
        for (int64_t i = 0; i < n; i++) {
            x += step[i] * d->probes[2 * i * d->points + k];
            y += step[i] * d->probes[(2 * i + 1) * d->points + k];
        }
        square = x * x + y * y;
        if (!isfinite(square))
            return NAN;
        most = fmax(most, square);
    }
    return sqrt(most);
}

/* `_levenberg.PairState.has_converged`. */
static int has_converged(const descent *d, progress *s, double length)
{
    int foreseen = length <= d->near && length * length <= d->tolerance * s->moved;
    int enough = length * length <= s->slack * (s->moved - length) && s->damping <= d->undamped;
    if (!(length <= d->tolerance || ((foreseen || enough) && !s->rejected)))
        return 0;
    s->steps++;
    s->state = CONVERGED;
    s->moved = length;
    return 1;
}

/* `_levenberg.PairState.accept`, with the figures of the trial point. */
static int accept(const descent *d, progress *s, const double *there, int64_t stride, double length)
{
    int solved = isfinite(length), accepted, pays, shrinks, drifting, within;
    double gained = s->objective - there[0];
    accepted = solved && gained >= -s->rounding && there[2 * stride] >= s->least_overlap;
    pays = accepted && gained > d->no_progress * s->objective;
    shrinks = !solved || length <= 0.5 * s->shortest;
    s->fruitless = pays || shrinks ? 0 : s->fruitless + 1;
    drifting = accepted && fabs(gained) <= s->rounding && length > 0.5 * s->moved;
    if (solved && s->damping <= d->undamped)
        s->undamped = length;
    within = !accepted && length <= s->slack && d->slack_share * s->undamped <= s->slack;
    s->steps++;
    if (solved) {
        s->shortest = fmin(s->shortest, length);
        s->moved = length;
    }
    if (accepted) {
        s->objective = there[0];
        s->rounding = there[stride];
        s->overlap = there[2 * stride];
        if (!s->rejected)
            s->damping = fmax(s->damping / d->damping_ratio, d->damping_floor);
    } else {
        s->damping = fmax(s->damping * d->damping_ratio, d->rejected);
    }
    s->rejected = !accepted;
    if (drifting || within || s->damping > d->damping_ceiling || s->fruitless >= d->patience)
        s->state = STALLED;
    return accepted;
}

#define REAL float
#define EPS FLT_EPSILON
#define NAME(name) name##_f32
#include "_look.c"
#undef REAL
#undef EPS
#undef NAME

#define REAL double
#define EPS DBL_EPSILON
#define NAME(name) name##_f64
#include "_look.c"

#else /* REAL */

/* The moving image around the points of a chunk, and which of them count. */
typedef struct {
    REAL *value, *dx, *dy, *xx, *xy, *yy, *valid;
} NAME(jets);

/* Room for the jets of a chunk. */
typedef struct {
    REAL of[7][CHUNK];
} NAME(room);

static NAME(jets) NAME(jets_in)(NAME(room) *room)
{
    REAL(*of)[CHUNK] = room->of;
    return (NAME(jets)){of[0], of[1], of[2], of[3], of[4], of[5], of[6]};
}

/* Bilinear, clamped to the outermost samples (`_sampling.Linear`). */
static void NAME(look_linear)(const look *l, const REAL *image, const double *px, const double *py,
    int count, const NAME(jets) *out)
{
    int64_t wide = l->columns, right = wide > 1, below = l->rows > 1 ? wide : 0;
    double inverse = 1.0 / l->scale, last_x = (double)wide - 1.0, last_y = (double)l->rows - 1.0;
    double cell_x = last_x > 1.0 ? last_x - 1.0 : 0.0, cell_y = last_y > 1.0 ? last_y - 1.0 : 0.0;
    int32_t column[CHUNK], row[CHUNK];
    REAL s[CHUNK], t[CHUNK], top[2 * CHUNK], bottom[2 * CHUNK];
    REAL *restrict value = out->value, *restrict dx = out->dx, *restrict dy = out->dy;
    REAL *restrict xy = out->xy;
    int inside = all_within(l, px, count, 0.0, last_x * l->scale)
        && all_within(l, py, count, 0.0, last_y * l->scale);
    for (int k = 0; inside && k < count; k++) {
        double x = px[k] * inverse, y = py[k] * inverse;
        column[k] = (int32_t)x;
        row[k] = (int32_t)y;
        s[k] = (REAL)(x - column[k]);
        t[k] = (REAL)(y - row[k]);
    }
    for (int k = 0; !inside && k < count; k++) {
        double x = clamped(px[k] * inverse, 0.0, last_x), y = clamped(py[k] * inverse, 0.0, last_y);
        column[k] = (int32_t)(x < cell_x ? x : cell_x);
        row[k] = (int32_t)(y < cell_y ? y : cell_y);
        s[k] = (REAL)(x - column[k]);
        t[k] = (REAL)(y - row[k]);
    }
    /* Loads of neighbours, and then arithmetic on whole vectors. */
    for (int k = 0; right && k < count; k++) {
        const REAL *at = image + row[k] * wide + column[k];
        memcpy(top + 2 * k, at, 2 * sizeof(REAL));
        memcpy(bottom + 2 * k, at + below, 2 * sizeof(REAL));
    }
    for (int k = 0; !right && k < count; k++) {
        top[2 * k] = top[2 * k + 1] = image[row[k]];
        bottom[2 * k] = bottom[2 * k + 1] = image[row[k] + below];
    }
    for (int k = 0; k < count; k++) {
        REAL c0 = top[2 * k], c1 = top[2 * k + 1] - c0, c2 = bottom[2 * k] - c0;
        REAL c3 = (bottom[2 * k + 1] - top[2 * k + 1]) - c2, down = c2 + s[k] * c3;
        value[k] = (c0 + s[k] * c1) + t[k] * down;
        dx[k] = c1 + t[k] * c3;
        dy[k] = down;
        xy[k] = c3;
    }
    for (int k = 0; l->exact && k < count; k++)
        out->xx[k] = out->yy[k] = 0;
}

/* The pieces of a spline at places `s` in their cells, and their slopes: `(TAPS, CHUNK)` each. */
static void NAME(weigh)(const double (*table)[TAPS], const REAL *s, int count,
    REAL weight[TAPS][CHUNK], REAL slope[TAPS][CHUNK])
{
    for (int b = 0; b < TAPS; b++) {
        REAL zeroth = (REAL)table[0][b], first = (REAL)table[1][b], second = (REAL)table[2][b];
        REAL third = (REAL)table[3][b], twice = (REAL)(2.0 * table[2][b]);
        REAL thrice = (REAL)(3.0 * table[3][b]);
        for (int k = 0; k < count; k++) {
            weight[b][k] = ((third * s[k] + second) * s[k] + first) * s[k] + zeroth;
            slope[b][k] = (thrice * s[k] + twice) * s[k] + first;
        }
    }
}

/* The second derivatives of the pieces. */
static void NAME(bend)(
    const double (*table)[TAPS], const REAL *s, int count, REAL bent[TAPS][CHUNK])
{
    for (int b = 0; b < TAPS; b++) {
        REAL twice = (REAL)(2.0 * table[2][b]), sixfold = (REAL)(6.0 * table[3][b]);
        for (int k = 0; k < count; k++)
            bent[b][k] = sixfold * s[k] + twice;
    }
}

/* Sums over four rows of samples at each place, weighed by `y`: `(CHUNK, TAPS)`. */
static void NAME(add_rows)(const REAL *image, int64_t wide, const int64_t *place, int count,
    REAL y[TAPS][CHUNK], REAL *restrict to)
{
    for (int k = 0; k < count; k++, to += TAPS) {
        const REAL *at = image + place[k];
        REAL one = y[0][k], two = y[1][k], three = y[2][k], four = y[3][k];
        for (int b = 0; b < TAPS; b++)
            to[b] = ((one * at[b] + two * at[wide + b]) + three * at[2 * wide + b])
                + four * at[3 * wide + b];
    }
}

/* Sums over the four columns that are left, weighed by `x`, over `by`. */
static void NAME(add_columns)(
    const REAL *rows, REAL x[TAPS][CHUNK], int count, REAL by, REAL *restrict to)
{
    for (int k = 0; k < count; k++) {
        const REAL *at = rows + TAPS * k;
        to[k] = ((x[0][k] * at[0] + x[1][k] * at[1]) + (x[2][k] * at[2] + x[3][k] * at[3])) / by;
    }
}

/* The spline whose coefficients are given in a frame of two (`_sampling.Cubic`). */
static void NAME(look_cubic)(const look *l, const REAL *framed, const double *px, const double *py,
    int count, const NAME(jets) *out)
{
    const double(*table)[TAPS] = l->sampler == CUBIC ? B_SPLINE : KEYS;
    int64_t wide = l->columns + 4, place[CHUNK];
    double inverse = 1.0 / l->scale, last_x = (double)l->columns, last_y = (double)l->rows;
    REAL s[CHUNK], t[CHUNK], wx[TAPS][CHUNK], vx[TAPS][CHUNK], wy[TAPS][CHUNK], vy[TAPS][CHUNK];
    REAL along[TAPS * CHUNK], sloped[TAPS * CHUNK];
    REAL both = (REAL)(DENOMINATOR[l->sampler] * DENOMINATOR[l->sampler]);
    for (int k = 0; k < count; k++) {
        double x = clamped(px[k] * inverse, -1.0, last_x) + 1.0;
        double y = clamped(py[k] * inverse, -1.0, last_y) + 1.0;
        int32_t column = (int32_t)(x < last_x ? x : last_x);
        int32_t row = (int32_t)(y < last_y ? y : last_y);
        s[k] = (REAL)(x - column);
        t[k] = (REAL)(y - row);
        place[k] = row * wide + column;
    }
    NAME(weigh)(table, s, count, wx, vx);
    NAME(weigh)(table, t, count, wy, vy);
    NAME(add_rows)(framed, wide, place, count, wy, along);
    NAME(add_rows)(framed, wide, place, count, vy, sloped);
    NAME(add_columns)(along, wx, count, both, out->value);
    NAME(add_columns)(along, vx, count, both, out->dx);
    NAME(add_columns)(sloped, wx, count, both, out->dy);
    if (l->exact) {
        NAME(add_columns)(sloped, vx, count, both, out->xy);
        NAME(bend)(table, s, count, vx);
        NAME(bend)(table, t, count, vy);
        NAME(add_rows)(framed, wide, place, count, vy, sloped);
        NAME(add_columns)(along, vx, count, both, out->xx);
        NAME(add_columns)(sloped, wx, count, both, out->yy);
    }
}

/* Which points of a chunk count, `row` and `first` of pair `pair`. */
static void NAME(count_in)(const look *l, int64_t pair, int64_t row, int64_t first, int count,
    const double *px, const double *py, REAL *valid)
{
    const REAL *weight = l->weights;
    int64_t at = (pair * l->height + row) * l->width + first;
    for (int k = 0; k < count; k++)
        valid[k] = weight ? weight[at + k] : 1;
    if (l->frozen
        || (all_within(l, px, count, l->middle_x - l->half_x, l->middle_x + l->half_x)
            && all_within(l, py, count, l->middle_y - l->half_y, l->middle_y + l->half_y)))
        return;
    for (int k = 0; k < count; k++) {
        int inside = (fabs(px[k] - l->middle_x) <= l->half_x)
            & (fabs(py[k] - l->middle_y) <= l->half_y);
        valid[k] = inside ? valid[k] : 0;
    }
}

/* Let points not count to which hidden pixels come too near; all but `valid` is overwritten. */
static void NAME(see)(const look *l, int64_t pair, const double *px, const double *py, int count,
    const NAME(jets) *out)
{
    if (l->hidden == NULL || l->frozen)
        return;
    NAME(look_linear)(
        l, (const REAL *)l->hidden + pair * l->rows * l->columns, px, py, count, out);
    for (int k = 0; k < count; k++)
        out->valid[k] = out->value[k] <= (REAL)l->most_hidden ? out->valid[k] : 0;
}

/* Take the values of a chunk from `moving`. */
static void NAME(sample)(const look *l, int64_t pair, const double *px, const double *py,
    int count, const NAME(jets) *out)
{
    int64_t area = l->rows * l->columns, framed = (l->rows + 4) * (l->columns + 4);
    const REAL *moving = l->moving;
    REAL by = (REAL)(1.0 / l->scale);
    NAME(see)(l, pair, px, py, count, out);
    if (l->sampler != LINEAR)
        NAME(look_cubic)(l, moving + pair * framed, px, py, count, out);
    else
        NAME(look_linear)(l, moving + pair * area, px, py, count, out);
    for (int k = 0; by != 1 && k < count; k++) {
        out->dx[k] *= by;
        out->dy[k] *= by;
    }
    for (int k = 0; by != 1 && l->exact && k < count; k++) {
        out->xx[k] *= by * by;
        out->xy[k] *= by * by;
        out->yy[k] *= by * by;
    }
}

/* Fill the jets of a chunk. */
static void NAME(look_chunk)(const look *l, const double *q, int64_t pair, int64_t row,
    int64_t first, int count, const NAME(jets) *out)
{
    int64_t area = l->height * l->width, at = row * l->width + first;
    double px[CHUNK], py[CHUNK];
    positions(l, q, row, first, count, px, py);
    NAME(count_in)(l, pair, row, first, count, px, py, out->valid);
    if (l->moving)
        NAME(sample)(l, pair, px, py, count, out);
    else
        memcpy(out->value, (const REAL *)l->fixed + pair * area + at, (size_t)count * sizeof(REAL));
    if (l->slopes) {
        const REAL *slopes = (const REAL *)l->slopes + 2 * pair * area + at;
        memcpy(out->dx, slopes, (size_t)count * sizeof(REAL));
        memcpy(out->dy, slopes + area, (size_t)count * sizeof(REAL));
    }
}

/* Add the moments of `image` times the slopes to plane number `plane`. */
static void NAME(add_moments)(const look *l, sums *s, int plane, const REAL *image,
    const NAME(jets) *jet, int64_t first, int count)
{
    int64_t stride = l->width + LANES, cell = l->column_cells[first];
    double field[CHUNK];
    for (int d = 0; d < 2; d++) {
        const REAL *slope = d ? jet->dy : jet->dx;
        for (int k = 0; k < count; k++)
            field[k] = image[k] * slope[k];
        add_dots(field, count, s->functions + first, stride, l->functions,
            s->row_moments + (2 * plane + d) * l->column_functions + cell);
    }
}

/* Add the moments of the matrices' fields: of the slopes, and of the second derivatives. */
static void NAME(add_fields)(const look *l, sums *s, const REAL *psi, const REAL *curvature,
    const NAME(jets) *jet, int64_t first, int count)
{
    int64_t stride = l->width + LANES, run = s->cells * s->pairs;
    double *to = s->row_sums + l->column_cells[first] * s->pairs, field[CHUNK];
    const double *products = s->products + first;
    const REAL *one[3] = {jet->dx, jet->dy, jet->dy}, *other[3] = {jet->dx, jet->dx, jet->dy};
    const REAL *second[3] = {jet->xx, jet->xy, jet->yy};
    for (int f = 0; f < 3; f++) {
        for (int k = 0; k < count; k++)
            field[k] = (curvature[k] * one[f][k]) * other[f][k];
        add_dots(field, count, products, stride, s->pairs, to + f * run);
    }
    for (int f = 0; l->exact && f < 3; f++) {
        for (int k = 0; k < count; k++)
            field[k] = psi[k] * second[f][k];
        add_dots(field, count, products, stride, s->pairs, to + (3 + f) * run);
    }
}

/* Compare a chunk by SSD or Huber's function: psi and its derivative; returns the loss. */
static double NAME(compare)(const look *l, int64_t pair, const REAL *fixed, const NAME(jets) *jet,
    int count, REAL *psi, REAL *curvature)
{
    double loss[CHUNK];
    REAL width;
    if (l->metric == SSD) {
        for (int k = 0; k < count; k++) {
            psi[k] = (jet->value[k] - fixed[k]) * jet->valid[k];
            curvature[k] = jet->valid[k];
            loss[k] = psi[k] * psi[k];
        }
        return total(loss, count);
    }
    width = (REAL)l->huber[pair];
    for (int k = 0; k < count; k++) {
        REAL residual = (jet->value[k] - fixed[k]) * jet->valid[k];
        REAL clipped = residual < -width ? -width : residual > width ? width : residual;
        REAL beyond = residual - clipped;
        REAL weight = beyond == 0 ? 1 : l->exact ? 0 : clipped / residual;
        psi[k] = clipped;
        curvature[k] = weight * jet->valid[k];
        loss[k] = residual * residual - beyond * beyond;
    }
    return total(loss, count);
}

static double NAME(total_of)(const REAL *values, int count)
{
    double wide[CHUNK];
    for (int k = 0; k < count; k++)
        wide[k] = values[k];
    return total(wide, count);
}

/* Look at one pair by SSD or Huber's function: in one pass. */
static void NAME(look_at_differences)(const look *l, sums *s, int64_t pair)
{
    int64_t area = l->height * l->width;
    double loss = 0.0, seen = 0.0, count;
    NAME(room) room;
    NAME(jets) jet = NAME(jets_in)(&room);
    REAL psi[CHUNK], curvature[CHUNK];
    fit f = {.gain = 1.0};
    for (int64_t row = 0; row < l->height; row++) {
        int some;
        take_row_part(l, pair, row, s->row_part);
        for (int64_t first = 0; first < l->width; first += some) {
            const REAL *fixed = (const REAL *)l->fixed + pair * area + row * l->width + first;
            some = chunk_at(l, first);
            NAME(look_chunk)(l, s->row_part, pair, row, first, some, &jet);
            loss += NAME(compare)(l, pair, fixed, &jet, some, psi, curvature);
            seen += NAME(total_of)(jet.valid, some);
            if (l->by_parameters)
                NAME(add_moments)(l, s, 0, psi, &jet, first, some);
            if (l->matrix)
                NAME(add_fields)(l, s, psi, curvature, &jet, first, some);
        }
        add_row(l, s, row);
    }
    count = seen > 1.0 ? seen : 1.0;
    f.objective = seen > 0.0 ? loss / seen : INFINITY;
    f.rounding = rounding_of(loss, count, EPS) / count;
    f.seen = seen;
    f.scale = 2.0 / count;
    finish(l, s, &f, EPS, pair);
}

/* Look at one pair by correlation: its means come before its residual, so that the images are kept.
 *
 * Args:
 *     jet: room for those of the whole image; the second derivatives only where they are wanted.
 */
static void NAME(look_at_correlation)(const look *l, sums *s, int64_t pair, const NAME(jets) *jet)
{
    int64_t area = l->height * l->width, at;
    const REAL *fixed = (const REAL *)l->fixed + pair * area;
    double seen = 0.0, count, means[2] = {0.0, 0.0}, square = 0.0, covariance = 0.0;
    double fixed_energy = 0.0, moved_energy = 0.0, least, wide[CHUNK];
    int flat;
    REAL mean_f, mean_m, gain, psi[CHUNK], first_nuisance[CHUNK];
    fit f;
    int some;
    for (int64_t row = 0; row < l->height; row++) {
        take_row_part(l, pair, row, s->row_part);
        for (int64_t first = 0; first < l->width; first += some) {
            at = row * l->width + first;
            some = chunk_at(l, first);
            NAME(jets) here = {jet->value + at, jet->dx + at, jet->dy + at, jet->xx, jet->xy,
                jet->yy, jet->valid + at};
            NAME(room) room;
            here.xx = l->exact ? jet->xx + at : room.of[0];
            here.xy = l->exact ? jet->xy + at : room.of[1];
            here.yy = l->exact ? jet->yy + at : room.of[2];
            NAME(look_chunk)(l, s->row_part, pair, row, first, some, &here);
            seen += NAME(total_of)(here.valid, some);
            for (int k = 0; k < some; k++)
                wide[k] = fixed[at + k] * here.valid[k];
            means[0] += total(wide, some);
            for (int k = 0; k < some; k++)
                wide[k] = here.value[k] * here.valid[k];
            means[1] += total(wide, some);
        }
    }
    count = seen > 1.0 ? seen : 1.0;
    mean_f = (REAL)(means[0] / count);
    mean_m = (REAL)(means[1] / count);
    for (at = 0; at < area; at += some) {
        double both[CHUNK], other[CHUNK];
        some = area - at < CHUNK ? (int)(area - at) : CHUNK;
        for (int k = 0; k < some; k++) {
            REAL one = (fixed[at + k] - mean_f) * jet->valid[at + k];
            REAL two = (jet->value[at + k] - mean_m) * jet->valid[at + k];
            wide[k] = one * one;
            other[k] = two * two;
            both[k] = one * two;
        }
        fixed_energy += total(wide, some);
        moved_energy += total(other, some);
        covariance += total(both, some);
    }
    least = count * squared_rounding(EPS);
    flat = fixed_energy <= least;
    fixed_energy = fmax(fixed_energy, least);
    moved_energy = fmax(moved_energy, least);
    f.gain = covariance / moved_energy;
    gain = (REAL)f.gain;
    for (int64_t row = 0; row < l->height; row++) {
        for (int64_t first = 0; first < l->width; first += some) {
            at = row * l->width + first;
            some = chunk_at(l, first);
            NAME(jets) here = {jet->value + at, jet->dx + at, jet->dy + at, jet->xx + at,
                jet->xy + at, jet->yy + at, jet->valid + at};
            for (int k = 0; k < some; k++) {
                REAL one = (fixed[at + k] - mean_f) * here.valid[k];
                REAL two = (here.value[k] - mean_m) * here.valid[k];
                REAL scaled = two * gain;
                psi[k] = scaled - one;
                first_nuisance[k] = l->exact ? psi[k] + scaled : two;
                wide[k] = psi[k] * psi[k];
            }
            square += total(wide, some);
            if (l->by_parameters)
                NAME(add_moments)(l, s, 0, psi, &here, first, some);
            if (l->matrix) {
                NAME(add_moments)(l, s, 1, first_nuisance, &here, first, some);
                NAME(add_moments)(l, s, 2, here.valid, &here, first, some);
                NAME(add_fields)(l, s, psi, here.valid, &here, first, some);
            }
        }
        add_row(l, s, row);
    }
    f.objective = flat ? 1.0 : square / fixed_energy;
    f.rounding = rounding_of(square, count, EPS) / fixed_energy;
    f.seen = seen;
    f.scale = 2.0 / fixed_energy;
    f.shares[0] = f.scale * (l->exact ? 1.0 : f.gain * f.gain) / moved_energy;
    f.shares[1] = f.scale * f.gain * f.gain / count;
    finish(l, s, &f, EPS, pair);
}

/* What looks need beside their arguments. */
typedef struct {
    sums s;
    NAME(jets) jet;
    REAL *room;
} NAME(means);

/* Return -1 where there is no memory. */
static int NAME(begin)(const look *l, NAME(means) *m)
{
    int64_t area = l->height * l->width;
    NAME(jets) *jet = &m->jet;
    m->room = NULL;
    if (prepare(l, &m->s) < 0)
        return -1;
    if (l->metric != NCC)
        return 0;
    m->room = malloc((size_t)((l->exact ? 7 : 4) * area) * sizeof(REAL));
    if (m->room == NULL) {
        free(m->s.functions);
        return -1;
    }
    jet->value = m->room;
    jet->dx = m->room + area;
    jet->dy = m->room + 2 * area;
    jet->valid = m->room + 3 * area;
    jet->xx = l->exact ? m->room + 4 * area : m->room;
    jet->xy = l->exact ? m->room + 5 * area : m->room;
    jet->yy = l->exact ? m->room + 6 * area : m->room;
    return 0;
}

static void NAME(end)(NAME(means) *m)
{
    free(m->room);
    free(m->s.functions);
}

static void NAME(look_at)(const look *l, NAME(means) *m, int64_t pair)
{
    forget(l, &m->s, pair);
    if (l->metric == NCC)
        NAME(look_at_correlation)(l, &m->s, pair, &m->jet);
    else
        NAME(look_at_differences)(l, &m->s, pair);
}

/* Look at each pair: figures, and gradient and matrix where they are wanted. Returns 0, or -1 where
 * there is no memory. */
int NAME(irgate_look)(const look *l)
{
    NAME(means) means;
    if (NAME(begin)(l, &means) < 0)
        return -1;
    for (int64_t pair = 0; pair < l->batch; pair++)
        if (!l->active || l->active[pair])
            NAME(look_at)(l, &means, pair);
    NAME(end)(&means);
    return 0;
}

/* Look at one pair at the parameters `p`. */
static void NAME(look_from)(
    const look *l, const descent *d, NAME(means) *m, int64_t pair, const double *p)
{
    int64_t n = l->size;
    double *c = d->coefficients + pair * 8, *e = d->jacobian ? d->jacobian + pair * 8 * n : NULL;
    transform(d, n, p, c, e);
    NAME(look_at)(l, m, pair);
    if (l->matrix && l->exact && d->family == RIGID) { /* `_linear.Rigid.second_order` */
        double turn = p[2] / d->radius, sine = sin(turn), cosine = cos(turn);
        const double *by = l->by_coefficients + pair * 8;
        l->normal[pair * n * n + 8] += (-cosine * (by[1] + by[6])
            + sine * (d->aspect * by[2] - by[5] / d->aspect)) / d->radius;
    }
}

static void NAME(descend)(const look *l, const descent *d, NAME(means) *m, int64_t pair)
{
    int64_t n = l->size, batch = l->batch, whole = l->matrix ? n * n : 0;
    double *p = d->p + pair * n, *figures = l->figures + pair;
    double *gradient = l->by_parameters + pair * n, *normal = l->normal + pair * whole;
    double trial[MOST_PARAMETERS], step[MOST_PARAMETERS], best[MOST_PARAMETERS];
    double matrix[MOST_PARAMETERS * MOST_PARAMETERS];
    const double *steered = d->steady ? d->steady + pair * n * n : matrix;
    progress s = {.damping = d->damping[pair], .moved = d->moved[pair], .slack = d->slack[pair],
        .shortest = INFINITY, .undamped = INFINITY, .state = RUNNING};
    NAME(look_from)(l, d, m, pair, p);
    copy(best, gradient, n);
    copy(matrix, normal, whole);
    s.objective = figures[0];
    s.rounding = figures[batch];
    s.overlap = figures[2 * batch];
    s.least_overlap = fmax(d->kept * s.overlap, d->overlap_floor);
    if (s.objective <= s.rounding)
        s.state = CONVERGED;
    for (int64_t k = 0; k < d->iterations && s.state == RUNNING; k++) {
        int64_t failed;
        double length;
        irgate_step(1, n, d->gauge, steered, best, &s.damping, step, &failed);
        length = failed ? NAN : longest(d, n, step);
        if (isnan(length))
            memset(step, 0, sizeof step);
        retract(d, n, p, step, trial);
        if (has_converged(d, &s, length)) {
            copy(p, trial, n);
            break;
        }
        NAME(look_from)(l, d, m, pair, trial);
        if (accept(d, &s, figures, batch, length)) {
            copy(p, trial, n);
            copy(best, gradient, n);
            copy(matrix, normal, whole);
        }
    }
    figures[0] = s.objective;
    figures[batch] = s.rounding;
    figures[2 * batch] = s.overlap;
    copy(gradient, best, n);
    copy(normal, matrix, whole);
    d->damping[pair] = s.damping;
    d->moved[pair] = s.moved;
    d->state[pair] = s.state == RUNNING ? EXHAUSTED : s.state;
    d->steps[pair] = s.steps;
}

/* Descend from `p` of each pair; figures, gradient and matrix are those of the best points. Returns
 * 0, or -1 where there is no memory. */
int NAME(irgate_descend)(const look *l, const descent *d)
{
    NAME(means) means;
    if (NAME(begin)(l, &means) < 0)
        return -1;
    for (int64_t pair = 0; pair < l->batch; pair++)
        NAME(descend)(l, d, &means, pair);
    NAME(end)(&means);
    return 0;
}

/* Fill `moved` and `valid`, those of them that are given. Returns 0, or -1 without memory. */
int NAME(irgate_warp)(const look *l)
{
    double *q = malloc((size_t)(2 * l->column_functions) * sizeof(double));
    NAME(room) room;
    NAME(jets) jet = NAME(jets_in)(&room);
    int some;
    if (q == NULL)
        return -1;
    for (int64_t pair = 0; pair < l->batch; pair++)
        for (int64_t row = 0; row < l->height; row++) {
            take_row_part(l, pair, row, q);
            for (int64_t first = 0; first < l->width; first += some) {
                int64_t at = (pair * l->height + row) * l->width + first;
                some = chunk_at(l, first);
                if (l->moved) {
                    NAME(look_chunk)(l, q, pair, row, first, some, &jet);
                    memcpy((REAL *)l->moved + at, jet.value, (size_t)some * sizeof(REAL));
                } else {
                    double px[CHUNK], py[CHUNK];
                    positions(l, q, row, first, some, px, py);
                    NAME(count_in)(l, pair, row, first, some, px, py, jet.valid);
                    NAME(see)(l, pair, px, py, some, &jet);
                }
                memcpy((REAL *)l->valid + at, jet.valid, (size_t)some * sizeof(REAL));
            }
        }
    free(q);
    return 0;
}

/* Coefficients of the mirrored spline through each of `batch` images, in a frame of two mirrored
 * ones: `(batch, rows + 4, columns + 4)`. Returns 0, or -1 where there is no memory. */
int NAME(irgate_spline)(
    int64_t batch, int64_t rows, int64_t columns, const REAL *image, REAL *framed)
{
    int64_t longest = rows > columns ? rows : columns, wide = columns + 4;
    double *strip = malloc((size_t)(longest * (STRIP + 1)) * sizeof(double));
    double *factor = strip + longest * STRIP;
    if (strip == NULL)
        return -1;
    for (int64_t pair = 0; pair < batch; pair++) {
        const REAL *from = image + pair * rows * columns;
        REAL *frame = framed + pair * (rows + 4) * wide, *inner = frame + 2 * wide + 2;
        for (int64_t first = 0; first < columns; first += STRIP) {
            int some = columns - first < STRIP ? (int)(columns - first) : STRIP;
            for (int64_t i = 0; i < rows; i++)
                for (int k = 0; k < STRIP; k++)
                    strip[i * STRIP + k] = k < some ? from[i * columns + first + k] : 0;
            solve_spline(strip, factor, rows);
            for (int64_t i = 0; i < rows; i++)
                for (int k = 0; k < some; k++)
                    inner[i * wide + first + k] = (REAL)strip[i * STRIP + k];
        }
        for (int64_t first = 0; first < rows; first += STRIP) {
            int some = rows - first < STRIP ? (int)(rows - first) : STRIP;
            for (int k = 0; k < STRIP; k++)
                for (int64_t i = 0; i < columns; i++)
                    strip[i * STRIP + k] = k < some ? inner[(first + k) * wide + i] : 0;
            solve_spline(strip, factor, columns);
            for (int k = 0; k < some; k++)
                for (int64_t i = -2; i < columns + 2; i++)
                    inner[(first + k) * wide + i]
                        = (REAL)strip[mirrored(i, columns) * STRIP + k];
        }
        for (int64_t i = -2; i < rows + 2; i++)
            if (i < 0 || i >= rows)
                memcpy(frame + (i + 2) * wide, frame + (mirrored(i, rows) + 2) * wide,
                    (size_t)wide * sizeof(REAL));
    }
    free(strip);
    return 0;
}

/* Convolve each of `batch` images by rows and columns with `taps`, the middle one first, of which
 * there are `radius` more to either side; zeros beyond the border (`_windows.smooth`). Returns 0, or
 * -1 where there is no memory. */
int NAME(irgate_smooth)(int64_t batch, int64_t rows, int64_t columns, int64_t radius,
    const double *taps, const REAL *image, REAL *out)
{
    REAL *row = calloc((size_t)(columns + 2 * radius), sizeof(REAL)), *inner = row + radius;
    if (row == NULL)
        return -1;
    for (int64_t pair = 0; pair < batch; pair++)
        for (int64_t i = 0; i < rows; i++) {
            const REAL *middle = image + (pair * rows + i) * columns;
            REAL *to = out + (pair * rows + i) * columns;
            for (int64_t k = 0; k < columns; k++)
                inner[k] = middle[k] * (REAL)taps[0];
            for (int64_t d = 1; d <= radius; d++) {
                const REAL *above = i >= d ? middle - d * columns : NULL;
                const REAL *below = i + d < rows ? middle + d * columns : NULL;
                REAL weight = (REAL)taps[d];
                for (int64_t k = 0; above && k < columns; k++)
                    inner[k] += above[k] * weight;
                for (int64_t k = 0; below && k < columns; k++)
                    inner[k] += below[k] * weight;
            }
            for (int64_t k = 0; k < columns; k++)
                to[k] = inner[k] * (REAL)taps[0];
            for (int64_t d = 1; d <= radius; d++) {
                REAL weight = (REAL)taps[d];
                for (int64_t k = 0; k < columns; k++)
                    to[k] += (inner[k - d] + inner[k + d]) * weight;
            }
        }
    free(row);
    return 0;
}

/* Halve `batch` images by the pyramid's blur (`_pyramid.halve`): out holds `(batch, (rows + 1) / 2,
 * (columns + 1) / 2)`. `taps` are the blur's first four weights, the middle one last; the borders
 * are one over the weights that fall into the image. Returns 0, or -1 where there is no memory. */
int NAME(irgate_halve)(int64_t batch, int64_t rows, int64_t columns, const double *taps,
    const REAL *row_border, const REAL *column_border, const REAL *image, REAL *out)
{
    int64_t tall = (rows + 1) / 2, wide = (columns + 1) / 2, half = wide + 3;
    REAL tap[4] = {(REAL)taps[0], (REAL)taps[1], (REAL)taps[2], (REAL)taps[3]};
    /* A row in a frame of three zeros, and then its even and its odd samples. */
    REAL *row = calloc((size_t)(2 * half + 2 * half), sizeof(REAL));
    REAL *even = row + 2 * half, *odd = even + half;
    if (row == NULL)
        return -1;
    for (int64_t pair = 0; pair < batch; pair++)
        for (int64_t i = 0; i < tall; i++) {
            const REAL *middle = image + (pair * rows + 2 * i) * columns;
            REAL *to = out + (pair * tall + i) * wide, *inner = row + 3;
            for (int64_t k = 0; k < columns; k++)
                inner[k] = middle[k] * tap[3];
            for (int64_t d = 3; d > 0; d--) {
                const REAL *above = 2 * i - d >= 0 ? middle - d * columns : NULL;
                const REAL *below = 2 * i + d < rows ? middle + d * columns : NULL;
                REAL weight = tap[3 - d];
                if (above && below)
                    for (int64_t k = 0; k < columns; k++)
                        inner[k] += (above[k] + below[k]) * weight;
                else if (above || below)
                    for (int64_t k = 0; k < columns; k++)
                        inner[k] += (above ? above : below)[k] * weight;
            }
            for (int64_t k = 0; k < columns; k++)
                inner[k] *= row_border[i];
            for (int64_t k = 0; k < half; k++) {
                even[k] = row[2 * k];
                odd[k] = row[2 * k + 1];
            }
            for (int64_t k = 0; k < wide; k++) {
                REAL sum = odd[k + 1] * tap[3];
                sum += (even[k] + even[k + 3]) * tap[0];
                sum += (odd[k] + odd[k + 2]) * tap[1];
                sum += (even[k + 1] + even[k + 2]) * tap[2];
                to[k] = sum * column_border[k];
            }
        }
    free(row);
    return 0;
}

/* Central differences of `batch` images by x and y times `by`, one-sided at the border
 * (`_template.gradient`): out holds `(batch, 2, rows, columns)`. Returns 0. */
int NAME(irgate_slopes)(int64_t batch, int64_t rows, int64_t columns, double by,
    const REAL *image, REAL *out)
{
    int64_t area = rows * columns, last = columns - 1;
    REAL share = (REAL)by;
    for (int64_t pair = 0; pair < batch; pair++)
        for (int64_t i = 0; i < rows; i++) {
            const REAL *row = image + pair * area + i * columns;
            const REAL *above = i > 0 ? row - columns : row;
            const REAL *below = i + 1 < rows ? row + columns : row;
            REAL *dx = out + 2 * pair * area + i * columns, *dy = dx + area;
            int inside = i > 0 && i + 1 < rows;
            for (int64_t k = 1; k < last; k++)
                dx[k] = ((row[k + 1] - row[k]) + (row[k] - row[k - 1])) * share;
            dx[0] = last > 0 ? ((row[1] - row[0]) + (row[1] - row[0])) * share : 0;
            if (last > 0)
                dx[last] = ((row[last] - row[last - 1]) + (row[last] - row[last - 1])) * share;
            for (int64_t k = 0; inside && k < columns; k++)
                dy[k] = ((below[k] - row[k]) + (row[k] - above[k])) * share;
            for (int64_t k = 0; !inside && k < columns; k++) /* one of the two is 0 */
                dy[k] = (REAL)2 * ((below[k] - row[k]) + (row[k] - above[k])) * share;
        }
    return 0;
}

#endif

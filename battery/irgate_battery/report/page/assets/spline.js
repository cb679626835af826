/* The cubic spline between the nodes of a coarse grid, with the not-a-knot condition. */

/**
 * Values of the spline through `nodes` equally spaced values at `side` equally spaced places, the
 * first on the first and the last on the last.
 *
 * With the second derivatives M and second differences d (both times h^2) it is
 *     M[i-1] + 4 M[i] + M[i+1] = 6 d[i],
 * and not-a-knot means M[0] = 2 M[1] - M[2], so that the first of these is 6 M[1] = 6 d[1]; the
 * last alike.
 */
function splineAlong(nodes, side) {
  const last = nodes.length - 1;
  const second = new Float64Array(nodes.length);
  const difference = (i) => nodes[i - 1] - 2 * nodes[i] + nodes[i + 1];
  second[1] = difference(1);
  second[last - 1] = difference(last - 1);
  // Forward elimination and back substitution of the tridiagonal system between the two.
  const upper = new Float64Array(nodes.length);
  const right = new Float64Array(nodes.length);
  for (let i = 2; i < last - 1; i += 1) {
    const known = 6 * difference(i) - (i === 2 ? second[1] : 0)
      - (i === last - 2 ? second[last - 1] : 0);
    const pivot = 4 - (i === 2 ? 0 : upper[i - 1]);
    upper[i] = 1 / pivot;
    right[i] = (known - (i === 2 ? 0 : right[i - 1])) / pivot;
  }
  for (let i = last - 2; i >= 2; i -= 1) {
    second[i] = right[i] - (i === last - 2 ? 0 : upper[i] * second[i + 1]);
  }
  second[0] = 2 * second[1] - second[2];
  second[last] = 2 * second[last - 1] - second[last - 2];

  const values = new Float64Array(side);
  for (let k = 0; k < side; k += 1) {
    const place = (k * last) / (side - 1);
    const i = Math.min(Math.floor(place), last - 1);
    const t = place - i;
    const s = 1 - t;
    values[k] = s * nodes[i] + t * nodes[i + 1]
      + ((s * s * s - s) * second[i] + (t * t * t - t) * second[i + 1]) / 6;
  }
  return values;
}

/** The same along both axes of a grid, `rows` x `columns`, row by row, to `height` x `width`. */
function splineOver(grid, rows, columns, height, width) {
  const tall = new Float64Array(height * columns);
  for (let j = 0; j < columns; j += 1) {
    const column = Float64Array.from({ length: rows }, (_, i) => grid[i * columns + j]);
    const values = rows === height ? column : splineAlong(column, height);
    for (let y = 0; y < height; y += 1) {
      tall[y * columns + j] = values[y];
    }
  }
  if (columns === width) {
    return tall;
  }
  const full = new Float64Array(height * width);
  for (let y = 0; y < height; y += 1) {
    full.set(splineAlong(tall.subarray(y * columns, (y + 1) * columns), width), y * width);
  }
  return full;
}

/* The judge's rules: displacement, bilinear lookup, valid region, folding. As `judge/measure.py`. */

/** Displacement of a transform on the fixed image's pixels: {dx, dy}, Float64Array each. */
async function displacementOf(transform, width, height) {
  if (transform.field) {
    const [dx, dy] = await Promise.all(transform.field.map(imageOf));
    return { dx: Float64Array.from(dx.values), dy: Float64Array.from(dy.values) };
  }
  if (transform.grid) {
    const [rows, columns] = transform.grid;
    const [dx, dy] = [0, 1].map((axis) => splineOver(
      transform.displacement.filter((_, i) => i % 2 === axis), rows, columns, height, width,
    ));
    return { dx, dy };
  }
  const dx = new Float64Array(width * height);
  const dy = new Float64Array(width * height);
  const [[a, b, c], [d, e, f], [g, h, k]] = transform.matrix;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const w = g * x + h * y + k;
      const i = y * width + x;
      // Differences first: the identity moves nothing, to the bit.
      dx[i] = ((a - w) * x + b * y + c) / w;
      dy[i] = (d * x + (e - w) * y + f) / w;
    }
  }
  return { dx, dy };
}

/** An image at a point, px: linear, clamped at the border. */
function lookUp({ width, height, values }, x, y) {
  const cx = Math.min(Math.max(x, 0), width - 1);
  const cy = Math.min(Math.max(y, 0), height - 1);
  const x0 = Math.min(Math.floor(cx), Math.max(width - 2, 0));
  const y0 = Math.min(Math.floor(cy), Math.max(height - 2, 0));
  const x1 = Math.min(x0 + 1, width - 1);
  const y1 = Math.min(y0 + 1, height - 1);
  const s = cx - x0;
  const t = cy - y0;
  return (1 - t) * ((1 - s) * values[y0 * width + x0] + s * values[y0 * width + x1])
    + t * ((1 - s) * values[y1 * width + x0] + s * values[y1 * width + x1]);
}

/**
 * The moving image looked up through a displacement:
 * {image: Float32Array, valid: Uint8Array, folded: Uint8Array}, on the fixed image's pixels.
 *
 * `mask` is 1 where the fixed image is trusted, `distrust` 1 where the moving one is not; null for
 * none.
 */
function warpImage({ fixed, moving, mask, distrust }, { dx, dy }) {
  const { width, height } = fixed;
  const image = new Float32Array(width * height);
  const valid = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const i = y * width + x;
      const mx = x + dx[i];
      const my = y + dy[i];
      image[i] = lookUp(moving, mx, my);
      valid[i] = mx >= 0 && my >= 0 && mx <= moving.width - 1 && my <= moving.height - 1
        && (mask === null || mask.values[i] === 1)
        && (distrust === null || lookUp(distrust, mx, my) === 0);
    }
  }
  return { image, valid, folded: foldedPixels(dx, dy, width, height) };
}

/** Pixels where det dT/dx <= 0: central differences, one-sided at the border. */
function foldedPixels(dx, dy, width, height) {
  const folded = new Uint8Array(width * height);
  const slope = (u, i, step, place, last) => {
    const before = place > 0 ? i - step : i;
    const after = place < last ? i + step : i;
    return (u[after] - u[before]) / Math.max((after - before) / step, 1);
  };
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const i = y * width + x;
      const along = (u) => slope(u, i, 1, x, width - 1);
      const down = (u) => slope(u, i, width, y, height - 1);
      const det = (1 + along(dx)) * (1 + down(dy)) - along(dy) * down(dx);
      folded[i] = det <= 0;
    }
  }
  return folded;
}

/** Root mean square of a difference over the valid region; null where it is empty. */
function rmseOver(image, fixed, valid) {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < image.length; i += 1) {
    if (valid[i]) {
      sum += (image[i] - fixed[i]) ** 2;
      count += 1;
    }
  }
  return count ? Math.sqrt(sum / count) : null;
}

/** Mean distance of two displacements over the valid region, px; null where it is empty. */
function distanceOver(one, other, valid) {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < valid.length; i += 1) {
    if (valid[i]) {
      sum += Math.hypot(one.dx[i] - other.dx[i], one.dy[i] - other.dy[i]);
      count += 1;
    }
  }
  return count ? sum / count : null;
}

/* The page's data: figures as JSON, images as coded in `image_code.py`, decoded when first asked. */

const DATA = JSON.parse(document.getElementById('data').textContent);

const decodedImages = new Map();

// Pages of a site share their images, in a script beside them.
if (DATA.images_at && !globalThis.irgateImages) {
  for (const entry of DATA.cases.filter(({ drawing }) => drawing && !drawing.why)) {
    entry.drawing = { why: `they lie in ${DATA.images_at}, which is not there` };
  }
}

/** Promise of an image: {width, height, values: Float32Array, row by row}. */
function imageOf(number) {
  if (!decodedImages.has(number)) {
    decodedImages.set(number, decodeImage(codedImage(number)));
  }
  return decodedImages.get(number);
}

function codedImage(number) {
  const holder = document.getElementById(`image-${number}`);
  return holder ? { ...holder.dataset, text: holder.textContent } : globalThis.irgateImages[number];
}

async function decodeImage({ width, height, offset, step, predictor, text }) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const levels = undoPrediction(planes, Number(width), Number(height), predictor);
  const values = new Float32Array(levels.length);
  for (let i = 0; i < values.length; i += 1) {
    values[i] = Number(offset) + Number(step) * levels[i];
  }
  return { width: Number(width), height: Number(height), values };
}

/** Levels of 16 bits from residuals: their high bytes, then their low ones. */
function undoPrediction(planes, width, height, predictor) {
  const size = width * height;
  const levels = new Uint16Array(size);
  const at = (x, y) => (x < 0 || y < 0 ? 0 : levels[y * width + x]);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const i = y * width + x;
      const folded = planes[i] * 256 + planes[size + i];
      const residual = folded % 2 ? -(folded + 1) / 2 : folded / 2;
      const left = at(x - 1, y);
      const above = at(x, y - 1);
      const across = at(x - 1, y - 1);
      let expected = left + above - across;
      if (predictor === 'median') {
        expected = Math.min(Math.max(expected, Math.min(left, above)), Math.max(left, above));
      } else if (predictor === 'double') {
        expected = 2 * left - at(x - 2, y)
          + 2 * (above - 2 * across + at(x - 2, y - 1))
          - (at(x, y - 2) - 2 * at(x - 1, y - 2) + at(x - 2, y - 2));
      }
      levels[i] = expected + residual; // modulo 2^16, as it was coded
    }
  }
  return levels;
}

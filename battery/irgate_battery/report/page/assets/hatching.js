/* What lies over a picture: hatching where nothing is measured, folded pixels, arrows of errors. */

const ARROWS_ACROSS = 16;
const HATCH_PX = 9;

/** A small canvas that is opaque where `chosen(i)`; it is drawn scaled, as a stencil. */
function stencil(width, height, chosen) {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pixels = new ImageData(width, height);
  for (let i = 0; i < width * height; i += 1) {
    pixels.data[4 * i + 3] = chosen(i) ? 255 : 0;
  }
  canvas.getContext('2d').putImageData(pixels, 0, 0);
  return canvas;
}

/** Draw `paint` where the stencil is, on a canvas that shows the picture at `place`. */
function drawThrough(context, shape, place, paint) {
  const { canvas } = context;
  const layer = document.createElement('canvas');
  layer.width = canvas.width;
  layer.height = canvas.height;
  const over = layer.getContext('2d');
  paint(over, layer);
  over.globalCompositeOperation = 'destination-in';
  over.imageSmoothingEnabled = false;
  over.drawImage(shape, place.left, place.top, shape.width * place.scale, shape.height * place.scale);
  context.drawImage(layer, 0, 0);
}

/** Diagonal lines, dark and light, so that they are seen on every grey. */
function paintHatch(over, { width, height }) {
  const pitch = HATCH_PX * (window.devicePixelRatio || 1);
  over.fillStyle = 'rgba(132, 132, 132, 0.85)';
  over.fillRect(0, 0, width, height);
  for (const [colour, shift] of [['rgba(60, 60, 60, 0.8)', 0], ['rgba(205, 205, 205, 0.8)', 2]]) {
    over.strokeStyle = colour;
    over.lineWidth = 1.5;
    over.beginPath();
    for (let x = -height + shift; x < width; x += pitch) {
      over.moveTo(x, height);
      over.lineTo(x + height, 0);
    }
    over.stroke();
  }
}

function paintFolded(over, { width, height }) {
  over.fillStyle = 'rgba(214, 0, 147, 0.8)';
  over.fillRect(0, 0, width, height);
}

/** Arrows from pixels to where the error, `factor` times as long, would put them. */
function drawArrows(context, { width, height, place, error, factor, valid }) {
  const pitch = Math.max(4, Math.round(Math.max(width, height) / ARROWS_ACROSS));
  const ratio = window.devicePixelRatio || 1;
  for (const [colour, thickness] of [['#ffffff', 4], ['#b3261e', 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = thickness * ratio;
    context.lineCap = 'round';
    context.beginPath();
    for (let y = Math.floor(pitch / 2); y < height; y += pitch) {
      for (let x = Math.floor(pitch / 2); x < width; x += pitch) {
        const i = y * width + x;
        if (valid[i]) {
          const fromX = place.left + (x + 0.5) * place.scale;
          const fromY = place.top + (y + 0.5) * place.scale;
          drawArrow(context, fromX, fromY, error.dx[i] * factor * place.scale,
            error.dy[i] * factor * place.scale, 5 * ratio);
        }
      }
    }
    context.stroke();
  }
}

function drawArrow(context, x, y, dx, dy, head) {
  const length = Math.hypot(dx, dy);
  context.moveTo(x, y);
  context.lineTo(x + dx, y + dy);
  if (length < head) {
    return;
  }
  const angle = Math.atan2(dy, dx);
  for (const turn of [2.6, -2.6]) {
    context.moveTo(x + dx, y + dy);
    context.lineTo(x + dx + head * Math.cos(angle + turn), y + dy + head * Math.sin(angle + turn));
  }
}

/* One picture with its caption: a canvas that shows a scene at a zoom, and what is said of it. */

/** Make a panel: {root, draw(look), canvas}. */
function makePanel(title) {
  const root = document.createElement('figure');
  root.className = 'panel';
  const canvas = document.createElement('canvas');
  canvas.setAttribute('role', 'img');
  const caption = document.createElement('figcaption');
  const name = document.createElement('strong');
  name.textContent = title;
  const said = document.createElement('span');
  said.className = 'soft';
  const legend = document.createElement('span');
  legend.className = 'legend';
  caption.append(name, said, legend);
  root.append(canvas, caption);
  return { root, canvas, said, legend, title };
}

/** Where a scene lies on its canvas: scale and the place of its first pixel's corner. */
function placeOf(canvas, scene, zoom) {
  const scale = (canvas.width / scene.width) * zoom.factor;
  return {
    scale,
    left: canvas.width / 2 - zoom.x * scene.width * scale,
    top: canvas.height / 2 - zoom.y * scene.height * scale,
  };
}

/** Fit a canvas into its room: whole canvas pixels for each image pixel, and the browser scales. */
function fitCanvas(panel, scene, tallest) {
  const ratio = window.devicePixelRatio || 1;
  const room = panel.root.clientWidth || scene.width;
  const wide = Math.max(1, Math.min(room, (tallest * scene.width) / scene.height));
  const scale = Math.max(1, Math.ceil((wide * ratio) / scene.width));
  panel.canvas.width = scale * scene.width;
  panel.canvas.height = scale * scene.height;
  panel.canvas.style.width = `${wide}px`;
}

/**
 * Draw a scene into a panel.
 *
 * look: {view, zoom, tallest, showValid, showFolded, factor}; scene: as `viewer.js` makes it.
 */
function drawPanel(panel, scene, look) {
  fitCanvas(panel, scene, look.tallest);
  const context = panel.canvas.getContext('2d');
  const place = placeOf(panel.canvas, scene, look.zoom);
  const picture = document.createElement('canvas');
  picture.width = scene.width;
  picture.height = scene.height;
  picture.getContext('2d').putImageData(pictureOf(look.view, scene), 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, place.left, place.top, scene.width * place.scale, scene.height * place.scale);
  if (look.showValid) {
    const outside = stencil(scene.width, scene.height, (i) => !scene.valid[i]
      && showsMoving(look.view, scene, i % scene.width));
    drawThrough(context, outside, place, paintHatch);
  }
  if (look.showFolded) {
    drawThrough(context, stencil(scene.width, scene.height, (i) => scene.folded[i]), place, paintFolded);
  }
  if (look.factor && scene.error) {
    drawArrows(context, { ...scene, place, factor: look.factor });
  }
  if (look.view === 'slider') {
    drawDivider(context, place, scene);
  }
  // For who reads the picture back: canvas pixels of one image pixel, and where the first begins.
  Object.assign(panel.canvas.dataset, place, { end: scene.end });
  describePanel(panel, scene, look);
}

function drawDivider(context, place, scene) {
  const x = place.left + scene.part * scene.width * place.scale;
  const ratio = window.devicePixelRatio || 1;
  for (const [colour, thickness] of [['#000000', 4], ['#ffffff', 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = thickness * ratio;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, context.canvas.height);
    context.stroke();
  }
}

function describePanel(panel, scene, look) {
  panel.said.textContent = scene.said;
  panel.canvas.setAttribute('aria-label', `${VIEWS[look.view].title}, ${panel.title}: ${scene.said}`);
  panel.legend.hidden = !VIEWS[look.view].scaled;
  if (!panel.legend.hidden) {
    const bar = document.createElement('canvas');
    bar.width = 201;
    bar.height = 1;
    const pixels = new ImageData(201, 1);
    for (let i = 0; i < 201; i += 1) {
      pixels.data.set([...differenceColour((i - 100) / 100), 255], 4 * i);
    }
    bar.getContext('2d').putImageData(pixels, 0, 0);
    bar.setAttribute('aria-hidden', 'true');
    const end = scene.end.toPrecision(2);
    panel.legend.replaceChildren(`\u2212${end}`, bar, `+${end}`);
  }
}

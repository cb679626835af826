/* The pictures of one case: loads its images, warps them, and draws a panel for each transform. */

const NOTHING = { matrix: [[1, 0, 0], [0, 1, 0], [0, 0, 1]] };
const TALLEST = 0.72; // of the window
const FLICKER_MS = 500; // two changes a second: under the three flashes that may harm

const viewer = { scenes: new Map(), panels: [], zoom: { factor: 1, x: 0.5, y: 0.5 }, second: false };

/** What the moving image can be shown under: [{id, title, transform, rmse, distance}]. */
function choicesOf(entry) {
  const { drawing } = entry;
  const several = DATA.runs.length > 1;
  const choices = DATA.runs.map(({ label }, run) => ({
    id: several ? `run${run + 1}` : 'solver',
    title: several ? label : 'Solver',
    transform: drawing.answers[run],
    ...(entry.rows[run] || {}),
  }));
  const far = entry.of_pair;
  choices.push({ id: 'oracle', title: 'SimpleITK oracle', transform: drawing.oracle, ...far.oracle });
  choices.push({ id: 'truth', title: 'Truth', transform: drawing.truth, ...far.truth });
  choices.push({ id: 'identity', title: 'Nothing moved', transform: NOTHING, ...far.identity });
  return choices.filter(({ transform }) => transform);
}

/** Load a case's images; the promise of what scenes are made of. */
async function loadCase(entry) {
  const { drawing } = entry;
  const optional = (number) => (number === null ? null : imageOf(number));
  const [fixed, moving, mask, movingMask] = await Promise.all([
    imageOf(drawing.fixed), imageOf(drawing.moving),
    optional(drawing.mask), optional(drawing.moving_mask),
  ]);
  const distrust = movingMask && { ...movingMask, values: movingMask.values.map((v) => 1 - v) };
  const images = { fixed, moving, mask, distrust };
  const reference = drawing.truth || drawing.oracle;
  const ideal = reference && await displacementOf(reference, fixed.width, fixed.height);
  return { entry, images, ideal, range: greyRange(fixed, moving), made: new Map() };
}

/** The scene of one transform: warped image, valid region, errors; kept while the case is open. */
async function sceneOf(loaded, choice) {
  if (!loaded.made.has(choice.id)) {
    loaded.made.set(choice.id, makeScene(loaded, choice));
  }
  return loaded.made.get(choice.id);
}

async function makeScene(loaded, choice) {
  const { fixed } = loaded.images;
  const u = await displacementOf(choice.transform, fixed.width, fixed.height);
  const warped = warpImage(loaded.images, u);
  const error = loaded.ideal && {
    dx: u.dx.map((value, i) => value - loaded.ideal.dx[i]),
    dy: u.dy.map((value, i) => value - loaded.ideal.dy[i]),
  };
  return {
    ...warped,
    error,
    fixed,
    range: loaded.range,
    width: fixed.width,
    height: fixed.height,
    own: differenceEnd(warped.image, fixed, warped.valid),
    said: saidOf(choice, loaded, u, warped),
  };
}

/** A caption: the report's figures where it has them; without, those measured here. */
function saidOf(choice, loaded, u, warped) {
  const { fixed } = loaded.images;
  const rmse = choice.rmse ?? rmseOver(warped.image, fixed.values, warped.valid);
  if (rmse === null || rmse === undefined) {
    return 'nothing lands inside the moving image';
  }
  const said = [`RMSE ${rmse.toPrecision(4)}`];
  const distance = choice.tre_px
    ?? (loaded.entry.drawing.truth && distanceOver(u, loaded.ideal, warped.valid));
  if (typeof distance === 'number' && choice.id !== 'truth') {
    said.push(`${distance.toPrecision(4)} px from the truth`);
  }
  if (loaded.entry.own && typeof choice.oracle_distance_px === 'number') {
    said.push(`${choice.oracle_distance_px.toPrecision(4)} px from SimpleITK\u2019s transform`);
  }
  return said.join(', ');
}

/** Show a case's pictures as the address says. */
async function showPictures(entry, state) {
  const choices = choicesOf(entry);
  if (!viewer.loaded || viewer.loaded.entry !== entry) {
    viewer.zoom = { factor: 1, x: 0.5, y: 0.5 };
    viewer.second = false;
    viewer.loaded = await loadCase(entry);
  }
  const { loaded } = viewer;
  const chosen = state.under === 'all'
    ? choices.filter(({ id }) => id.startsWith('run'))
    : choices.filter(({ id }) => id === state.under);
  const shown = chosen.length ? chosen : [choices[0]];
  const scenes = await Promise.all(shown.map((choice) => sceneOf(loaded, choice)));
  const before = await sceneOf(loaded, choices[choices.length - 1]);
  if (viewer.loaded !== loaded) {
    return; // another case was opened meanwhile
  }
  const titles = shown.map(({ title }) => title);
  if (viewer.panels.map(({ title }) => title).join('\n') !== titles.join('\n')) {
    viewer.panels = titles.map(makePanel);
    document.getElementById('panels').replaceChildren(...viewer.panels.map(({ root }) => root));
  }
  viewer.drawn = scenes;
  viewer.common = before.own;
  redraw(state);
}

/** Draw again what is loaded. */
function redraw(state) {
  if (!viewer.drawn || !viewer.panels.length) {
    return;
  }
  const look = {
    view: state.view,
    zoom: viewer.zoom,
    tallest: TALLEST * window.innerHeight,
    factor: state.arrows,
    showValid: document.getElementById('show-valid').checked,
    showFolded: document.getElementById('show-folded').checked,
  };
  viewer.panels.forEach((panel, place) => {
    const scene = viewer.drawn[place];
    drawPanel(panel, {
      ...scene,
      part: state.part / 100,
      second: viewer.second,
      end: state.scale === 'own' ? scene.own : viewer.common,
    }, look);
  });
  document.getElementById('zoom-value').textContent = `${Math.round(100 * viewer.zoom.factor)} %`;
}

/** Zoom by a factor, about a place of the picture (parts of its sides) that stays where it is. */
function zoomBy(factor, x = viewer.zoom.x, y = viewer.zoom.y) {
  const { zoom } = viewer;
  const next = Math.min(Math.max(zoom.factor * factor, 1), 32);
  const kept = zoom.factor / next;
  viewer.zoom = clampedZoom({ factor: next, x: x + (zoom.x - x) * kept, y: y + (zoom.y - y) * kept });
}

/** Keep the picture's border outside of the canvas. */
function clampedZoom({ factor, x, y }) {
  const half = 0.5 / factor;
  const clamp = (value) => Math.min(Math.max(value, half), 1 - half);
  return { factor, x: clamp(x), y: clamp(y) };
}

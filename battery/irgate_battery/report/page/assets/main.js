/* Starts the page: binds its controls, and shows what the address says. */

function start() {
  document.getElementById('unscripted').hidden = true;
  startTable();
  startKeys();
  startViewer();
  document.addEventListener('click', (event) => {
    const marked = event.target.closest('[data-case]');
    if (marked && !event.target.closest('a, button')) {
      change({ case: marked.dataset.case });
    }
  });
  document.getElementById('back').addEventListener('click', (event) => {
    event.preventDefault();
    change({ case: '' });
  });
  document.getElementById('previous').addEventListener('click', () => goTo(-1));
  document.getElementById('next').addEventListener('click', () => goTo(1));
  const failure = document.getElementById('next-failure');
  failure.disabled = !DATA.cases.some(({ fails }) => fails);
  failure.addEventListener('click', () => goTo(1, (entry) => entry.fails));
  window.addEventListener('hashchange', follow);
  window.addEventListener('resize', () => redraw(state));
  window.setInterval(flickerByItself, FLICKER_MS);
  document.getElementById('flicker-run').checked = !window.matchMedia(
    '(prefers-reduced-motion: reduce)',
  ).matches;
  whenChanged = show;
  show({ case: '' });
}

function startViewer() {
  const views = document.getElementById('views');
  for (const [name, { title }] of Object.entries(VIEWS)) {
    views.append(radio('view', name, title));
  }
  views.addEventListener('change', (event) => change({ view: event.target.value }));
  document.getElementById('transforms').addEventListener('change', (event) => {
    change({ under: event.target.value });
  });
  document.getElementById('scale-control').addEventListener('change', (event) => {
    change({ scale: event.target.value });
  });
  document.getElementById('arrow-control').addEventListener('change', (event) => {
    change({ arrows: event.target.value });
  });
  document.getElementById('part').addEventListener('input', (event) => {
    change({ part: event.target.value });
  });
  for (const id of ['show-valid', 'show-folded']) {
    document.getElementById(id).addEventListener('change', () => redraw(state));
  }
  for (const [id, factor] of [['zoom-in', 1.5], ['zoom-out', 1 / 1.5], ['zoom-reset', 0]]) {
    document.getElementById(id).addEventListener('click', () => {
      zoomBy(factor);
      redraw(state);
    });
  }
  startPointer(document.getElementById('panels'));
}

function radio(name, value, title) {
  const label = node('label');
  const input = node('input');
  Object.assign(input, { type: 'radio', name, value });
  label.append(input, node('span', title));
  return label;
}

/** The pointer moves the divider, or what is zoomed; with Ctrl the wheel zooms. */
function startPointer(panels) {
  let last = null;
  const part = (event, canvas) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const inPicture = ([x, y]) => [
    viewer.zoom.x + (x - 0.5) / viewer.zoom.factor, viewer.zoom.y + (y - 0.5) / viewer.zoom.factor,
  ];
  panels.addEventListener('pointerdown', (event) => {
    if (event.target.tagName === 'CANVAS' && event.button === 0) {
      event.target.setPointerCapture(event.pointerId);
      last = part(event, event.target);
      moved(event);
    }
  });
  const moved = (event) => {
    const now = part(event, event.target);
    if (state.view === 'slider' && !event.shiftKey) {
      const [x] = inPicture(now);
      change({ part: Math.round(1000 * Math.min(Math.max(x, 0), 1)) / 10 });
    } else {
      const { factor, x, y } = viewer.zoom;
      viewer.zoom = clampedZoom(
        { factor, x: x - (now[0] - last[0]) / factor, y: y - (now[1] - last[1]) / factor },
      );
      redraw(state);
    }
    last = now;
  };
  panels.addEventListener('pointermove', (event) => last && moved(event));
  for (const name of ['pointerup', 'pointercancel']) {
    panels.addEventListener(name, () => { last = null; });
  }
  panels.addEventListener('wheel', (event) => {
    if (event.ctrlKey && event.target.tagName === 'CANVAS') {
      event.preventDefault();
      const at = inPicture(part(event, event.target));
      zoomBy(event.deltaY < 0 ? 1.25 : 0.8, ...at);
      redraw(state);
    }
  }, { passive: false });
}

function flickerByItself() {
  const runs = document.getElementById('flicker-run').checked && !document.hidden;
  if (runs && hasPictures() && state.view === 'flicker') {
    viewer.second = !viewer.second;
    redraw(state);
  }
}

/** Show what the state says: the report, or one case of it. */
function show(before) {
  const entry = byKey.get(state.case);
  document.getElementById('report').hidden = Boolean(entry);
  document.getElementById('case').hidden = !entry;
  if (!entry) {
    showTable();
    if (before.case) {
      returnTo(before.case);
    }
    return;
  }
  if (before.case !== entry.key) {
    showCase(entry);
    window.scrollTo(0, 0);
    document.getElementById('case-title').focus({ preventScroll: true });
  }
  if (hasPictures()) {
    showControls(entry);
    showPictures(entry, state).catch((error) => {
      const undrawn = document.getElementById('undrawn');
      undrawn.hidden = false;
      undrawn.textContent = `The pictures cannot be drawn in this browser: ${error.message}`;
    });
  }
}

/** Back from a case, to where it stands in the table. */
function returnTo(key) {
  const row = caseTable.rows.find((each) => each.dataset.case === key);
  if (row && !row.hidden) {
    row.querySelector('a').focus({ preventScroll: true });
    row.scrollIntoView({ block: 'center' });
  }
}

function showControls(entry) {
  const choices = choicesOf(entry);
  const transforms = document.getElementById('transforms');
  const wanted = choices.map(({ id, title }) => [id, title]);
  if (DATA.runs.length > 1 && choices.some(({ id }) => id.startsWith('run'))) {
    wanted.unshift(['all', 'Side by side']);
  }
  const shown = [...transforms.querySelectorAll('input')].map(({ value }) => value);
  if (shown.join() !== wanted.map(([id]) => id).join()) {
    transforms.replaceChildren(
      transforms.querySelector('legend'), ...wanted.map(([id, title]) => radio('under', id, title)),
    );
  }
  const under = wanted.some(([id]) => id === state.under) ? state.under : wanted[0][0];
  const chosen = { view: state.view, under, scale: state.scale, arrows: state.arrows };
  for (const [name, value] of Object.entries(chosen)) {
    const input = document.querySelector(`#viewer input[name=${name}][value="${value}"]`);
    if (input) {
      input.checked = true;
    }
  }
  const view = VIEWS[state.view];
  document.getElementById('part-control').hidden = !view.part;
  document.getElementById('part-label').textContent = view.part || '';
  document.getElementById('part').value = state.part;
  document.getElementById('flicker-control').hidden = state.view !== 'flicker';
  document.getElementById('scale-control').hidden = !view.scaled;
  const reference = entry.drawing.truth ? 'the truth' : 'SimpleITK\u2019s transform';
  document.getElementById('arrow-control').hidden = !(entry.drawing.truth || entry.drawing.oracle);
  const arrows = state.arrows ? ` Arrows: from where ${reference} puts a pixel to where it was put.` : '';
  document.getElementById('view-about').textContent = view.about + arrows;
}

start();

/* The keyboard: one key for what is done most, and a panel that lists them. */

const viewNames = Object.keys(VIEWS);

const KEYS = [
  ['n', 'next case', () => goTo(1)],
  ['p', 'previous case', () => goTo(-1)],
  ['e', 'next failure', () => goTo(1, (entry) => entry.fails)],
  ...viewNames.map((name, place) => [
    `${place + 1}`, `view: ${VIEWS[name].title.toLowerCase()}`, () => change({ view: name }), true,
  ]),
  ['f', 'flicker, and again: the other image', flickOnce, true],
  ['t', 'next transform', nextTransform, true],
  ['s', 'scale of the difference: its own, or common to all', () => change(
    { scale: state.scale === 'own' ? 'common' : 'own' },
  ), true],
  ['a', 'arrows: none, x 1, x 10, x 100', () => {
    const factors = [0, 1, 10, 100];
    change({ arrows: factors[(factors.indexOf(state.arrows) + 1) % factors.length] });
  }, true],
  ['+', 'zoom in', () => { zoomBy(1.5); redraw(state); }, true],
  ['-', 'zoom out', () => { zoomBy(1 / 1.5); redraw(state); }, true],
  ['0', 'fit', () => { zoomBy(0); redraw(state); }, true],
  ['/', 'search the cases', () => {
    if (state.case) {
      change({ case: '' });
    }
    // Now, and not with the next frame: what is typed before that would be keys.
    document.getElementById('search').focus();
  }],
  ['Escape', 'all cases', () => state.case && change({ case: '' })],
  ['?', 'this panel', () => document.getElementById('help').showModal()],
];

function startKeys() {
  const list = document.getElementById('help-keys');
  for (const [key, does] of KEYS) {
    const entry = node('div');
    const term = node('dt');
    term.append(node('kbd', key === 'Escape' ? 'Esc' : key));
    entry.append(term, node('dd', does));
    list.append(entry);
  }
  const opener = document.getElementById('help-open');
  opener.hidden = false;
  opener.addEventListener('click', () => document.getElementById('help').showModal());
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest('input[type=search], select, dialog[open]');
    if (event.ctrlKey || event.metaKey || event.altKey || typing) {
      return;
    }
    const found = KEYS.find(([key]) => key === event.key);
    if (found && (!found[3] || hasPictures())) {
      event.preventDefault();
      found[2]();
    }
  });
}

function hasPictures() {
  return !document.getElementById('viewer').hidden && Boolean(state.case);
}

/** Open the next case, or the one before, of those that are `wanted`; round the ends. */
function goTo(step, wanted = () => true) {
  const { cases } = DATA;
  const at = cases.findIndex(({ key }) => key === state.case);
  const from = at < 0 && step < 0 ? 0 : at;
  for (let k = 1; k <= cases.length; k += 1) {
    const entry = cases[(from + step * k + 2 * cases.length) % cases.length];
    if (wanted(entry)) {
      change({ case: entry.key });
      return;
    }
  }
  announce('no case fails');
}

function flickOnce() {
  if (state.view === 'flicker') {
    document.getElementById('flicker-run').checked = false;
    viewer.second = !viewer.second;
    redraw(state);
    announce(viewer.second ? 'moving image' : 'fixed image');
  } else {
    change({ view: 'flicker' });
  }
}

function nextTransform() {
  const options = [...document.querySelectorAll('#transforms input')].map(({ value }) => value);
  change({ under: options[(options.indexOf(state.under) + 1) % options.length] });
}

function announce(text) {
  document.getElementById('announcer').textContent = text;
}

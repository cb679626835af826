/* What is shown, kept in the address: `#case=lena_affine_2d-rot75&view=slider`. */

const DEFAULTS = {
  case: '',
  view: 'slider',
  under: DATA.runs.length > 1 ? 'all' : 'solver',
  part: '50',
  scale: 'own',
  arrows: '0',
  text: '',
  suite: '',
  fixture: '',
  status: '',
  fault: '',
  sort: '',
};

const byKey = new Map(DATA.cases.map((entry) => [entry.key, entry]));

let state = readAddress();
let whenChanged = () => {};

/** The state that the address tells; what it does not tell, or tells wrongly, is as by default. */
function readAddress() {
  const told = new URLSearchParams(window.location.hash.slice(1));
  const read = Object.fromEntries(
    Object.entries(DEFAULTS).map(([name, value]) => [name, told.get(name) ?? value]),
  );
  const part = Number(read.part);
  return {
    ...read,
    case: byKey.has(read.case) ? read.case : '',
    view: Object.hasOwn(VIEWS, read.view) ? read.view : DEFAULTS.view,
    part: part >= 0 && part <= 100 ? part : 50,
    scale: read.scale === 'common' ? 'common' : 'own',
    arrows: ['1', '10', '100'].includes(read.arrows) ? Number(read.arrows) : 0,
  };
}

/** The address of a state: what differs from the defaults. */
function addressOf(told) {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(DEFAULTS)) {
    if (String(told[name]) !== value) {
      said.set(name, told[name]);
    }
  }
  return `#${said}`;
}

/** Change what is shown. Another case is a step that Back takes back; a slider's move is none. */
function change(changes) {
  const next = { ...state, ...changes };
  const isStep = next.case !== state.case;
  const address = addressOf(next);
  if (isStep) {
    window.location.hash = address;
  } else {
    window.history.replaceState(null, '', address);
  }
  // Now, and not when the browser tells of it: a second key may come before that.
  follow();
}

function follow() {
  const before = state;
  state = readAddress();
  whenChanged(before);
}

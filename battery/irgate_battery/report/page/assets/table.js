/* The table of all cases: narrowed by the lists above it, sorted by a click on a column's title. */

const FILTERS = ['text', 'suite', 'fixture', 'status', 'fault'];

const caseTable = {
  form: document.getElementById('filters'),
  root: document.getElementById('case-table'),
  rows: [...document.querySelectorAll('#case-table tbody tr')],
};

function startTable() {
  const { form, root } = caseTable;
  form.hidden = false;
  form.addEventListener('input', () => change(
    Object.fromEntries(FILTERS.map((name) => [name, form.elements[name].value])),
  ));
  form.addEventListener('submit', (event) => event.preventDefault());
  document.getElementById('clear').addEventListener('click', () => {
    change(Object.fromEntries(FILTERS.map((name) => [name, ''])));
  });
  root.querySelectorAll('thead th').forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    button.addEventListener('click', () => {
      const up = state.sort !== `${column}`;
      change({ sort: up ? `${column}` : `${column}-` });
    });
    head.replaceChildren(button);
  });
}

/** Show the rows that the state asks for, in its order. */
function showTable() {
  const { form, rows } = caseTable;
  for (const name of FILTERS) {
    if (form.elements[name].value !== state[name]) {
      form.elements[name].value = state[name];
    }
  }
  let shown = 0;
  for (const row of rows) {
    row.hidden = !isWanted(row);
    shown += row.hidden ? 0 : 1;
  }
  sortRows();
  const count = document.getElementById('shown');
  const said = shown === rows.length ? `${shown} cases` : `${shown} of ${rows.length} cases`;
  if (count.textContent !== said) {
    count.textContent = said;
  }
}

function isWanted(row) {
  const { suite, fixture, status, fault } = row.dataset;
  const text = state.text.trim().toLowerCase();
  return (!state.suite || suite === state.suite)
    && (!state.fixture || fixture === state.fixture)
    && (!state.status || status.split(' ').includes(state.status))
    && (!state.fault || fault.split('\n').includes(state.fault))
    && (!text || row.textContent.toLowerCase().includes(text));
}

/** Put the rows in order: numbers by value, what has none last; a second click turns it round. */
function sortRows() {
  const { root, rows } = caseTable;
  const [, column, down] = /^(\d+)(-?)$/.exec(state.sort) || [];
  const heads = [...root.querySelectorAll('thead th')];
  heads.forEach((head, place) => {
    const sorted = place === Number(column) && column !== undefined;
    head.setAttribute('aria-sort', !sorted ? 'none' : down ? 'descending' : 'ascending');
  });
  const ordered = [...rows];
  if (column !== undefined && Number(column) < heads.length) {
    const keyed = ordered.map((row) => [sortKey(row.cells[Number(column)]), row]);
    keyed.sort(([one], [other]) => compareKeys(one, other, down ? -1 : 1));
    ordered.splice(0, ordered.length, ...keyed.map(([, row]) => row));
  }
  const body = root.tBodies[0];
  if (ordered.some((row, place) => body.rows[place] !== row)) {
    body.append(...ordered);
  }
}

function sortKey(cell) {
  const told = cell.dataset.sort ?? cell.textContent;
  return told === '' || Number.isNaN(Number(told)) ? told : Number(told);
}

function compareKeys(one, other, sign) {
  if (one === '' || other === '') {
    return (one === '') - (other === '');
  }
  const larger = typeof one === 'number' && typeof other === 'number'
    ? one - other : String(one).localeCompare(String(other));
  return sign * larger;
}

/* Tables with the class "sortable" are sorted by a click on a column's title. */

for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.querySelectorAll('thead th')];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    button.addEventListener('click', () => {
      const up = head.getAttribute('aria-sort') !== 'ascending';
      heads.forEach((each) => each.setAttribute('aria-sort', 'none'));
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      sort(table.tBodies[0], column, up ? 1 : -1);
    });
    head.replaceChildren(button);
  });
}

/** Numbers by value, texts by letters; what has none stands last, whichever way. */
function sort(body, column, sign) {
  const keyed = [...body.rows].map((row) => [keyOf(row.cells[column]), row]);
  keyed.sort(([one], [other]) => {
    if (one === '' || other === '') {
      return (one === '') - (other === '');
    }
    const numbers = typeof one === 'number' && typeof other === 'number';
    return sign * (numbers ? one - other : String(one).localeCompare(String(other)));
  });
  body.append(...keyed.map(([, row]) => row));
}

function keyOf(cell) {
  const told = cell.dataset.sort ?? cell.textContent;
  return told === '' || told === '-' || Number.isNaN(Number(told)) ? told.replace(/^-$/, '') : Number(told);
}

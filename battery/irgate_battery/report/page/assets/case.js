/* One case: what it is, how each solver fared, its figures, and how it is run again. */

function node(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) {
    made.textContent = text;
  }
  if (className) {
    made.className = className;
  }
  return made;
}

/** A word with its tone's colour and mark. */
function tonedWord(text, tone) {
  const word = node('span', undefined, `toned ${tone}`);
  const mark = node('span', { good: '\u2713 ', bad: '\u2717 ', open: '\u2013 ' }[tone] || '');
  mark.setAttribute('aria-hidden', 'true');
  word.append(mark, text);
  return word;
}

function showCase(entry) {
  const place = DATA.cases.indexOf(entry);
  document.getElementById('case-place').textContent = `${place + 1} of ${DATA.cases.length}`;
  document.getElementById('case-title').textContent = entry.case;
  const kind = [`suite ${entry.suite}`, entry.model, entry.intensity && `intensity ${entry.intensity}`];
  document.getElementById('case-kind').textContent = kind.filter(Boolean).join(' \u00b7 ');
  document.getElementById('case-purpose').textContent = entry.purpose
    && `It is there to show: ${entry.purpose}.`;
  document.getElementById('case-outcomes').replaceChildren(...entry.rows.map(outcome));
  document.getElementById('case-figures').replaceChildren(figureTable(entry));
  document.getElementById('case-again').replaceChildren(...commands(entry));
  const hasPictures = Boolean(entry.drawing && !entry.drawing.why);
  document.getElementById('viewer').hidden = !hasPictures;
  const undrawn = document.getElementById('undrawn');
  undrawn.hidden = hasPictures;
  undrawn.textContent = entry.drawing
    ? `No pictures: ${entry.drawing.why}.`
    : 'No pictures: this item is more than one registration, and no one answer is its own.';
}

function outcome(row, run) {
  const made = node('div', undefined, 'outcome');
  const first = node('p');
  if (DATA.runs.length > 1) {
    first.append(node('strong', `${DATA.runs[run].label}: `));
  }
  first.append(row ? tonedWord(row.word, row.tone) : tonedWord('not in this run', 'open'));
  if (row && row.fault && row.tone !== 'good') {
    first.append(node('span', ` fault: ${row.fault}`, 'soft'));
  }
  made.append(first);
  if (row && row.message) {
    made.append(node('p', row.message, 'said'));
  }
  if (row && row.preparation) {
    made.append(node('p', row.preparation, 'soft'));
  }
  return made;
}

/** Figures as rows, runs as columns; each with the limit that holds it. */
function figureTable(entry) {
  const labels = [];
  entry.rows.forEach((row) => (row ? row.figures : []).forEach(([label]) => {
    if (!labels.includes(label)) {
      labels.push(label);
    }
  }));
  if (!labels.length) {
    return node('p', 'Nothing was measured.', 'soft');
  }
  const table = node('table');
  const head = table.createTHead().insertRow();
  ['Figure', ...(DATA.runs.length > 1 ? DATA.runs.map(({ label }) => label) : ['Measured'])]
    .forEach((title) => {
      const cell = node('th', title);
      cell.scope = 'col';
      head.append(cell);
    });
  const body = table.createTBody();
  for (const label of labels) {
    const line = body.insertRow();
    const title = node('th', label);
    title.scope = 'row';
    line.append(title);
    for (const row of entry.rows) {
      line.append(figureCell(row && row.figures.find(([known]) => known === label)));
    }
  }
  return table;
}

function figureCell(figure) {
  const cell = node('td');
  if (!figure) {
    cell.textContent = '-';
    return cell;
  }
  const [, text, limit, holds] = figure;
  cell.append(holds === null ? text : tonedWord(text, holds ? 'good' : 'bad'));
  if (limit) {
    cell.append(node('span', ` ${limit}`, 'soft'));
  }
  return cell;
}

function commands(entry) {
  return entry.rows.flatMap((row, run) => {
    if (!row) {
      return [];
    }
    const made = node('pre');
    made.tabIndex = 0;
    made.append(node('code', row.show ? `${row.again}\n${row.show}` : row.again));
    return DATA.runs.length > 1 ? [node('p', DATA.runs[run].label, 'soft'), made] : [made];
  });
}

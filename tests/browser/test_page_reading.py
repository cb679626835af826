"""How the page reads: hostile text, no script, narrow and dark, printed."""

import pytest
from seen_pictures import HOSTILE, picture


def test_hostile_text_is_shown_as_text(opened):
    page = opened("hostile")
    assert HOSTILE in page.locator("#report").inner_text()
    page.keyboard.press("e")
    assert page.locator("#case-title").inner_text() == HOSTILE
    assert HOSTILE in page.locator("#case-outcomes").inner_text()
    assert page.locator("img").count() == 0
    page.reload()
    assert page.locator("#case-title").inner_text() == HOSTILE
    page.requested.pop()


def test_without_a_script_the_report_reads(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("#case-table tbody tr").count() == 8
    assert page.get_by_text("off by 3 px").first.is_visible()
    assert page.locator("svg").first.is_visible()
    assert page.get_by_text("need JavaScript").is_visible()
    for hidden in ("#filters", "#case", "#help-open"):
        assert not page.locator(hidden).is_visible()


ACCESSIBLE = """() => {
  const wrong = [];
  const visible = (node) => node.checkVisibility({ visibilityProperty: true });
  const nameOf = (node) => (node.getAttribute('aria-label')
    || (node.labels && [...node.labels].map((each) => each.textContent).join(' '))
    || node.textContent || '').trim();
  for (const node of document.querySelectorAll('button, a, input, select, summary')) {
    if (visible(node) && !nameOf(node)) wrong.push(`no name: ${node.outerHTML.slice(0, 80)}`);
  }
  for (const node of document.querySelectorAll('[role=img], [role=region], svg')) {
    if (visible(node) && !node.getAttribute('aria-label')) wrong.push(`no label: ${node.id}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  ids.filter((id, place) => ids.indexOf(id) !== place).forEach((id) => wrong.push(`twice: ${id}`));
  for (const node of document.querySelectorAll('[aria-labelledby]')) {
    if (!document.getElementById(node.getAttribute('aria-labelledby'))) wrong.push('label is gone');
  }
  let level = 1;
  for (const node of document.querySelectorAll('h1, h2, h3, h4')) {
    if (!visible(node)) continue;
    const own = Number(node.tagName[1]);
    if (own > level + 1) wrong.push(`a heading is left out before: ${node.textContent}`);
    level = own;
  }
  for (const table of document.querySelectorAll('table')) {
    if (table.querySelector('th:not([scope])')) wrong.push('a head without its scope');
  }
  for (const node of document.querySelectorAll('.scroll')) {
    if (node.tabIndex !== 0) wrong.push('a scrolling region that no key reaches');
  }
  const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const colour = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255)
    + 0.0722 * channel(b / 255);
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const found = colour(getComputedStyle(each).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !visible(node) || node.closest('script, .unseen, option')
      || node.closest(':disabled')) continue;
    const style = getComputedStyle(node);
    const ink = colour(node.closest('svg') ? style.fill : style.color);
    const [one, other] = [light(ink), light(ground(node.closest('svg') || node))].sort().reverse();
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (contrast < (large ? 3 : 4.5)) {
      wrong.push(`contrast ${contrast.toFixed(2)}: ${texts.currentNode.data.trim().slice(0, 40)}`);
    }
  }
  const wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth) wrong.push('the page scrolls sideways');
  return wrong;
}"""
"""Rules of WCAG 2.2 AA that a script can hold: names, headings, scopes, contrast, reflow."""


LOOKS = [
    ("one", 360, "dark"),
    ("one", 1280, "light"),
    ("three", 360, "light"),
    ("three", 1280, "dark"),
]


@pytest.mark.parametrize(("name", "width", "scheme"), LOOKS)
def test_it_is_accessible(opened, name, width, scheme):
    how = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    page = opened(name, **how)
    assert page.evaluate(ACCESSIBLE) == []
    page.keyboard.press("e")
    picture(page)
    assert page.evaluate(ACCESSIBLE) == []
    assert page.evaluate("document.activeElement.id") == "case-title"
    page.keyboard.press("5")
    page.keyboard.press("?")
    assert page.evaluate(ACCESSIBLE) == []


def test_it_prints_the_report_without_its_controls(opened):
    page = opened()
    page.emulate_media(media="print")
    for hidden in ("#filters", "#help-open"):
        assert not page.locator(hidden).is_visible()
    assert page.locator("#case-table").is_visible()

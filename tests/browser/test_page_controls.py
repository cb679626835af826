"""What the page's controls do: keys, table, address."""

import numpy as np
from seen_pictures import picture


def test_the_keyboard_goes_from_failure_to_failure(opened):
    page = opened()
    titles = []
    for _ in range(3):
        page.keyboard.press("e")
        titles.append(page.locator("#case-title").inner_text())
    assert titles == ["synth_rotate_2d", "synth_translate_2d", "synth_rotate_2d"]
    assert page.locator("#case-outcomes").inner_text().startswith("✗ failed")
    page.keyboard.press("Escape")
    assert page.locator("#report").is_visible()
    assert page.evaluate("document.activeElement.textContent") == "synth_rotate_2d"
    page.go_back()
    assert page.locator("#case-title").inner_text() == "synth_rotate_2d"
    # Two keys at once: the second counts from where the first led.
    page.evaluate(
        "for (const key of 'np') document.body.dispatchEvent("
        "new KeyboardEvent('keydown', { key, bubbles: true }))"
    )
    assert page.locator("#case-title").inner_text() == "synth_rotate_2d"
    assert "case=synth_rotate_2d" in page.url
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keyboard").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#case-title").is_visible()


def test_keys_that_are_typed_are_text(opened):
    page = opened()
    page.keyboard.press("/")
    page.keyboard.type("ne")
    assert page.locator("#search").input_value() == "ne"
    assert page.locator("#report").is_visible()


def shown_rows(page):
    return page.locator("#case-table tbody tr:visible th").all_inner_texts()


def test_the_table_is_narrowed_and_sorted(opened):
    page = opened()
    assert len(shown_rows(page)) == 8
    page.get_by_label("Status").select_option("failed")
    assert [text.splitlines()[0] for text in shown_rows(page)] == [
        "synth_rotate_2d",
        "synth_translate_2d",
    ]
    assert "status=failed" in page.url
    assert page.locator("#shown").inner_text() == "2 of 8 cases"
    page.get_by_role("button", name="Clear").click()
    page.locator("#search").fill("MRI")
    assert shown_rows(page) == ["brain_mri_real"]
    page.locator("#search").fill("")
    page.get_by_role("button", name="To truth, px").click()
    cells = page.locator("#case-table tbody tr td:nth-child(6)")
    numbers = [float(text) for text in cells.all_inner_texts()]
    assert numbers == sorted(numbers)
    page.get_by_role("button", name="To truth, px").click()
    assert [float(text) for text in cells.all_inner_texts()] == sorted(numbers, reverse=True)
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("To truth")
    again = opened(address=page.url[page.url.index("#") :])
    assert again.locator("th[aria-sort=descending]").count() == 1


def test_a_mark_of_a_chart_opens_its_case(opened):
    page = opened()
    page.locator("#distance-chart path[data-case=brain_mri_real]").click()
    # A link is followed after the click, not within it.
    page.locator("#case-title", has_text="brain_mri_real").wait_for()


def test_an_address_that_tells_nonsense_opens_the_report(opened):
    page = opened(address="#case=__proto__&view=constructor&part=x&sort=99&under=%22%5D&scale=1")
    assert page.locator("#report").is_visible()
    page = opened(address="#case=lena_affine_2d&view=constructor&under=%22%5D,x&arrows=7")
    picture(page)


def test_solvers_stand_side_by_side(opened):
    page = opened("three", "#case=lena_affine_2d-occlusion25&view=difference")
    picture(page, 2)
    assert page.locator("#panels figcaption strong").all_inner_texts() == [
        "one",
        "other",
        "third",
    ] or (page.locator("#panels figcaption strong").all_inner_texts() == ["mine", "other", "third"])
    same = [picture(page, panel)[0] for panel in range(3)]
    assert np.array_equal(same[0], same[1])
    page.locator("input[name=under][value=run2]").check()
    page.locator("#panels figure:nth-child(2)").wait_for(state="detached")
    page.keyboard.press("Escape")
    page.goto(page.url.partition("#")[0] + "#case=bspline_random_2d")
    picture(page, 1)
    assert page.locator("#panels figure").count() == 2
    assert "not in this run" in page.locator("#case-outcomes").inner_text()

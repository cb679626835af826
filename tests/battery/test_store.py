"""The store: right results from the nearest place, and nothing believed that does not fit."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from _pytest.cacheprovider import Cache

from irgate_battery import oracle
from irgate_battery.cases.catalogue import base_cases
from irgate_battery.oracle import OracleResult, OracleUnavailable, store
from irgate_battery.oracle.store import OracleStore, OracleStoreWarning
from irgate_fixtures import NAMES, rigid

CASE = base_cases()[4]
PAIR = CASE.pair()
RESULT = OracleResult(rigid(0.1, 1 / 3, -2e-17, (96, 128)), -0.9, -0.8, 12000, 0.1, "2.5.7")


class Memory:
    """A cache in memory, of JSON text, as pytest's."""

    def __init__(self):
        self.texts = {}

    def get(self, key, default):
        return json.loads(self.texts[key]) if key in self.texts else default

    def set(self, key, value):
        self.texts[key] = json.dumps(value)


@pytest.fixture
def computed(monkeypatch):
    """Let the oracle answer at once, and count how often it is asked."""
    calls = []

    def solve(fixed, moving, model, intensity, mask=None, moving_mask=None):
        calls.append((model, intensity, mask))
        return RESULT

    monkeypatch.setattr(oracle, "solve", solve)
    return calls


@pytest.fixture
def nothing_stored(monkeypatch):
    monkeypatch.setattr(store, "stored_entries", dict)


def entries(entry, monkeypatch):
    monkeypatch.setattr(store, "stored_entries", lambda: {store.digest(CASE): entry})


@pytest.mark.parametrize("case", base_cases(), ids=NAMES)
def test_every_base_fixture_is_stored(case, computed):
    result, origin = OracleStore("stored").get(case)
    assert origin == "stored"
    assert OracleStore("auto").get(case)[0].to_json() == result.to_json()
    assert not computed


def test_what_is_not_stored_is_computed_once_and_cached(nothing_stored, computed):
    memory = Memory()
    first, origin = OracleStore("auto", memory).get(CASE)
    assert (origin, len(computed)) == ("live", 1)
    again, origin = OracleStore("auto", memory).get(CASE, PAIR)
    assert (origin, len(computed)) == ("cached", 1)
    # Every bit of 1/3 and of -2e-17 went through JSON.
    assert again.to_json() == first.to_json()
    assert np.array_equal(again.transform.matrix, first.transform.matrix)


def test_without_a_cache_it_is_computed_each_time(nothing_stored, computed):
    for _ in range(2):
        assert OracleStore("auto").get(CASE)[1] == "live"
    assert len(computed) == 2


def test_live_neither_reads_nor_writes(computed):
    memory = Memory()
    assert OracleStore("live", memory).get(CASE) == (RESULT, "live")
    assert (len(computed), memory.texts) == (1, {})


def test_the_oracle_is_told_model_intensity_and_mask(computed):
    mask = np.ones(PAIR.fixed.shape, dtype=bool)
    OracleStore("live").get(CASE, replace(PAIR, mask=mask))
    assert computed == [("rigid", "varying", mask)]


def test_stored_refuses_to_compute(nothing_stored, computed):
    with pytest.raises(OracleUnavailable, match="brain_mri_real: no result is stored") as got:
        OracleStore("stored", Memory()).get(CASE)
    assert f"(digest {store.digest(CASE)[:12]}); let it be" in str(got.value)
    assert "irgate_battery.oracle rewrite" in str(got.value)
    assert "\n" not in str(got.value)
    assert not computed


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match=r"'guess'.*'auto', 'stored', 'live'"):
        OracleStore("guess")


def test_an_oracle_that_fails_names_the_case(monkeypatch):
    def solve(*_):
        raise OracleUnavailable("the oracle's SimpleITK failed")

    monkeypatch.setattr(oracle, "solve", solve)
    with pytest.raises(OracleUnavailable, match="brain_mri_real: the oracle's SimpleITK"):
        OracleStore("live").get(CASE)


def signed(**changes):
    """Return an entry with a right checksum over wrong content."""
    entry = {**store.entry_of(CASE, PAIR, RESULT), **changes}
    del entry["checksum"]
    return {**entry, "checksum": store._sha256(entry)}


GOOD = store.entry_of(CASE, PAIR, RESULT)
MOVED = {**GOOD, "result": {**GOOD["result"], "metric": -0.91}}
OTHER_CASE = store.entry_of(base_cases()[1], base_cases()[1].pair(), RESULT)
BAD = {
    "text": ("no entry", "a str where"),
    "number": (7, "a int where"),
    "list": ([GOOD], "a list where"),
    "empty": ({}, "checksum"),
    "no checksum": ({k: v for k, v in GOOD.items() if k != "checksum"}, "checksum"),
    "edited": (MOVED, "checksum"),
    "nan": ({**GOOD, "result": float("nan")}, "damaged"),
    "another case": (OTHER_CASE, "another case or recipe"),
    "no result": (signed(result=None), "malformed"),
    "text for a number": (signed(fingerprint=["x"]), "malformed"),
    "short fingerprint": (signed(fingerprint=[1.0]), "other images"),
}


@pytest.mark.parametrize(("entry", "reason"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("place", ["stored", "cached"])
def test_a_bad_entry_is_told_and_computed_anew(entry, reason, place, computed, monkeypatch):
    memory = Memory()
    if place == "stored":
        entries(entry, monkeypatch)
    else:
        monkeypatch.setattr(store, "stored_entries", dict)
        memory.set(f"irgate/oracle/{store.digest(CASE)}", entry)
    with pytest.warns(OracleStoreWarning, match=f"brain_mri_real: the {place} .*{reason}"):
        assert OracleStore("auto", memory).get(CASE) == (RESULT, "live")
    assert len(computed) == 1
    # The cache is whole again.
    monkeypatch.setattr(store, "stored_entries", dict)
    assert OracleStore("auto", memory).get(CASE)[1] == "cached"


@pytest.mark.parametrize(("entry", "reason"), BAD.values(), ids=BAD)
def test_stored_refuses_a_bad_entry(entry, reason, computed, monkeypatch):
    entries(entry, monkeypatch)
    with pytest.raises(OracleUnavailable, match=f"the stored result is not used: .*{reason}"):
        OracleStore("stored").get(CASE)
    assert not computed


def test_images_that_changed_under_an_unchanged_recipe_are_noticed(computed, monkeypatch):
    entries(GOOD, monkeypatch)
    pair = replace(PAIR, fixed=np.roll(PAIR.fixed, 1, axis=1))
    with pytest.warns(OracleStoreWarning, match="must change the fixture's version"):
        assert OracleStore("auto").get(CASE, pair)[1] == "live"


@pytest.mark.parametrize("part", ["fixed", "moving", "mask"])
def test_the_fingerprint_sees_small_changes_and_no_last_bits(part, monkeypatch):
    whole = replace(PAIR, mask=np.ones(PAIR.fixed.shape, dtype=bool))
    entries(store.entry_of(CASE, whole, RESULT), monkeypatch)
    array = getattr(whole, part)
    if part != "mask":
        # What another CPU's arithmetic may do.
        nearly = replace(whole, **{part: array * (1 + 1e-14)})
        assert OracleStore("stored").get(CASE, nearly)[1] == "stored"
    changed = array.copy()
    changed[50, 60] = not changed[50, 60] if part == "mask" else changed[50, 60] + 1e-5
    with pytest.raises(OracleUnavailable, match="other images"):
        OracleStore("stored").get(CASE, replace(whole, **{part: changed}))


class Broken:
    """A cache that cannot be read or written."""

    def __init__(self, error):
        self.error = error

    def get(self, key, default):
        raise self.error

    def set(self, key, value):
        raise self.error


@pytest.mark.parametrize("error", [OSError("read-only"), ValueError("bad JSON"), UserWarning("w")])
def test_a_cache_that_raises_is_not_fatal(error, nothing_stored, computed):
    with pytest.warns(OracleStoreWarning) as told:
        assert OracleStore("auto", Broken(error)).get(CASE) == (RESULT, "live")
    messages = [str(warning.message) for warning in told]
    assert "is not used" in messages[0]
    assert "could not be cached" in messages[1]


def test_a_warning_that_is_an_error_goes_to_stderr(nothing_stored, computed, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        broken = Broken(OSError("no space left"))
        assert OracleStore("auto", broken).get(CASE) == (RESULT, "live")
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert all("OSError: no space left" in line for line in told)


@pytest.fixture
def pytests_own(tmp_path, pytestconfig):
    return Cache(tmp_path / "cache", pytestconfig, _ispytest=True)


def test_pytests_cache_fits(pytests_own, nothing_stored, computed):
    for expected in ("live", "cached"):
        assert OracleStore("auto", pytests_own).get(CASE)[1] == expected
    (file,) = (pytests_own._cachedir / "v/irgate/oracle").iterdir()
    file.write_text(file.read_text()[:100])
    assert OracleStore("auto", pytests_own).get(CASE)[1] == "live"
    assert OracleStore("auto", pytests_own).get(CASE)[1] == "cached"


def test_pytests_cache_where_nothing_can_be_written(pytests_own, nothing_stored, computed, capsys):
    # A file where the folder should be: as good as a read-only disk, for root too.
    pytests_own._cachedir.write_text("")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert OracleStore("auto", pytests_own).get(CASE) == (RESULT, "live")
    assert "could not be cached" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 2, "entries": {}}', '{"format": 1, "entries": []}', None]
)
def test_a_stored_file_that_cannot_be_read_is_empty(text, tmp_path, monkeypatch):
    if text is not None:
        (tmp_path / "oracle.json").write_text(text)
    monkeypatch.setattr(store.resources, "files", lambda package: tmp_path)
    monkeypatch.setattr(store, "FILE", ("oracle.json",))
    store._stored.cache_clear()
    with pytest.warns(OracleStoreWarning, match="stored oracle results cannot be read"):
        assert store.stored_entries() == {}
    store._stored.cache_clear()


def test_the_digest_holds_case_recipe_and_version(monkeypatch):
    digests = {store.digest(CASE), store.digest(replace(CASE, recipe={"seed": 1}))}
    monkeypatch.setattr(oracle, "ORACLE_VERSION", "next")
    digests.add(store.digest(CASE))
    monkeypatch.setattr(oracle, "RECIPE", {**oracle.RECIPE, "sampling": "regular"})
    digests.add(store.digest(CASE))
    assert len(digests) == 4


def test_the_fingerprint_is_sizes_and_means_over_four_by_four_blocks():
    """Of the values and of their squares; no mask trusts everything."""
    fixed, moving = (
        np.random.default_rng(0).random((8, 12)),
        np.random.default_rng(1).random((4, 4)),
    )
    pair = replace(PAIR, fixed=fixed, moving=moving, mask=None)
    found = store.fingerprint(pair)
    blocks = fixed.reshape(4, 2, 4, 3)
    expected = [8, 12, *blocks.mean((1, 3)).ravel(), *(blocks**2).mean((1, 3)).ravel()]
    expected += [4, 4, *moving.ravel(), *(moving**2).ravel(), 8, 12, *[1] * 32]
    np.testing.assert_allclose(found, expected)
    mask = fixed > 0.5
    masked = store.fingerprint(replace(pair, mask=mask))
    np.testing.assert_allclose(masked[:70], expected[:70])
    np.testing.assert_allclose(masked[70:86], mask.reshape(4, 2, 4, 3).mean((1, 3)).ravel())


@pytest.mark.parametrize(("off", "believed"), [(0.9e-9, True), (1.1e-9, False)])
def test_a_mean_may_differ_by_a_billionth(off, believed):
    was = store.fingerprint(PAIR)
    was[7] += off
    entry = signed(fingerprint=was)
    if believed:
        assert store.believe(entry, CASE, PAIR).to_json() == RESULT.to_json()
    else:
        with pytest.raises(store.NotBelievedError, match="other images"):
            store.believe(entry, CASE, PAIR)


def test_an_entry_holds_what_it_is_of():
    entry = store.entry_of(CASE, PAIR, RESULT)
    assert entry["case"] == CASE.id
    assert entry["digest"] == store.digest(CASE)
    assert entry["fingerprint"] == store.fingerprint(PAIR)
    assert entry["result"] == RESULT.to_json()
    assert len(entry["checksum"]) == len(entry["digest"]) == 64


def test_what_is_not_stored_is_no_reason_to_warn(nothing_stored, computed, recwarn):
    OracleStore("auto", Memory()).get(CASE)
    assert not recwarn.list


def test_a_warning_points_at_whoever_asked(computed, monkeypatch):
    entries("no entry", monkeypatch)
    with pytest.warns(OracleStoreWarning) as told:
        OracleStore("auto").get(CASE)
    assert str(told[0].message).startswith("irgate: brain_mri_real: the stored result is not used")
    assert told[0].filename == __file__


def test_an_image_of_another_size_is_another_image():
    entry = store.entry_of(CASE, PAIR, RESULT)
    with pytest.raises(store.NotBelievedError, match="other images"):
        store.believe(entry, CASE, replace(PAIR, fixed=PAIR.fixed[:-1]))


def test_the_checksum_is_of_every_bit():
    assert store._sha256({"a": 1.0, "b": [0.1]}) == store._sha256({"b": [0.1], "a": 1.0})
    assert store._sha256(0.1) != store._sha256(np.nextafter(0.1, 1.0).item())
    with pytest.raises(ValueError, match="JSON"):
        store._sha256(float("nan"))


def test_the_stored_file_is_read_once():
    assert store.stored_entries() is store.stored_entries()


def test_the_oracle_is_told_the_moving_mask_and_the_fingerprint_holds_it(computed, monkeypatch):
    plain = store.fingerprint(PAIR)
    seen = np.ones(PAIR.moving.shape, dtype=bool)
    masked = store.fingerprint(replace(PAIR, moving_mask=seen))
    assert masked[: len(plain)] == plain
    assert len(masked) > len(plain)
    seen[0, 0] = False
    assert store.fingerprint(replace(PAIR, moving_mask=seen)) != masked
    told = []
    monkeypatch.setattr(store.oracle, "solve", lambda *given: told.append(given) or RESULT)
    OracleStore("live").get(CASE, replace(PAIR, moving_mask=seen))
    assert told[0][5] is seen

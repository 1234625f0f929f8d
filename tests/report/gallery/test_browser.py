"""The gallery in a real browser, from a folder: what people do with it, and what it never does."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from plasma_watch import toml_text
from plasma_watch.job import Ending, State
from plasma_watch.report.gallery.build import FOLDER
from plasma_watch.report.gallery.update import Place, update
from tests.fakes.book import page, place
from tests.fakes.browser import Browser, needs_browser
from tests.fakes.home import NOON, a_home
from tests.report.gallery.test_failures import fail
from tests.report.gallery.test_trainings import rows, running, trained

pytestmark = needs_browser

BAD = "<script>window.bad = 1</script><img src=x onerror='window.bad = 1'>\"'&"
LONG = f"{'mara' * 9}-e03-c81c302a.safetensors"
CARDS = "[...document.querySelectorAll('#grid .card .name')].map(e => e.textContent)"
SHOWN = "document.querySelectorAll('#grid .card').length"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A home with two chapters, studies, a LoRA, a training that runs, and failures."""
    home = a_home(tmp_path_factory.mktemp("book"))
    output = home.root / "output"
    for number in range(1, 6):
        page(output, 1, number, lora={"name": "spyke-1f2e3d4c.safetensors", "strength": 0.8})
    page(output, 1, 3, 2, cfg=5.0, seed=77, note=BAD, result={"approved": NOON})
    page(output, 1, 3, 3, prompt=f"mara on a rooftop {BAD}")
    page(output, 2, 1, prompt="rain over the river", lora={"name": "mara.safetensors"})
    place(output, "studies/cloak_v1", 1, result={"made": NOON.replace(year=2025)})
    place(output, f"studies/{BAD.replace('/', '')}_v1", 2)
    fail(home, BAD.replace("/", ""), 0.1, Ending(State.FAILED, BAD, BAD, BAD), BAD)
    fail(home, "p009", 0.2)
    running(home, rows(20), why=BAD)
    versions = [{"epoch": n, "steps": 80 * n, "loss": 0.1, "file": LONG} for n in range(1, 4)]
    trained(home, "mara", versions=versions, chosen={"epoch": 3, "installed": LONG})
    found = Place(home, output, home.root / "loras")
    update(found)
    return found


@pytest.fixture(autouse=True)
def _nothing_is_wrong(browser: Browser) -> Iterator[None]:
    """No page complains, asks a host for anything, or runs what a request says."""
    yield
    assert browser.faults() == []
    assert browser.js("window.bad") is None


def url(here: Place, name: str = "index.html", state: str = "") -> str:
    """Return the address of a page, as a double click has it."""
    path = here.index if name == "index.html" else here.output / FOLDER / name
    return path.as_uri() + state


def look(browser: Browser, here: Place, name: str = "index.html", state: str = "") -> None:
    """Open a page and wait until it shows something."""
    browser.open("about:blank")
    browser.open(url(here, name, state))
    browser.until("document.querySelector('.card, .article, .story')")


def cards(browser: Browser, many: int) -> list[str]:
    """Wait until so many pages of the book are shown, and return their names."""
    browser.until(f"{SHOWN} === {many} || null")
    found: list[str] = browser.js(CARDS)
    return found


def test_the_first_page_shows_what_there_is(browser: Browser, here: Place) -> None:
    """Chapters, other pictures, LoRAs; how many failed."""
    look(browser, here)

    names = browser.js("[...document.querySelectorAll('#groups .name')].map(e => e.textContent)")
    assert names == ["Chapter 1", "Chapter 2", "studies", "mara", "spyke"]
    assert browser.js("document.getElementById('sum').textContent") == "10 pictures, 1 approved"
    assert "2 failures this week" in browser.js("document.getElementById('places').textContent")
    browser.click("#groups .card")
    assert browser.until("document.querySelector('h1')?.textContent === 'Chapter 1'")


def test_a_chapter_shows_its_pages_in_order(browser: Browser, here: Place) -> None:
    """Each with its newest version, or the approved one."""
    look(browser, here, "ch-01.html")

    assert cards(browser, 5) == [f"Page {number}" for number in range(1, 6)]
    alts = browser.js("[...document.querySelectorAll('#grid img')].map(e => e.alt)")
    assert alts[2].startswith("Page 3, version 2: spyke, ginger hair")
    assert all(alts)
    assert browser.js(
        "[...document.querySelectorAll('#grid img')].every(e => e.loading === 'lazy')"
    )


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ("#q=rooftop+mara", ["Chapter 1, page 3"]),
        ("#q=RAIN", ["Chapter 2, page 1"]),
        ("#seed=77", ["Chapter 1, page 3"]),
        ("#lora=mara", ["Chapter 2, page 1"]),
        ("#approved=1", ["Chapter 1, page 3"]),
        ("#from=2026-01-01&chapter=ch-02", ["Chapter 2, page 1"]),
        ("#to=2026-01-01", ["studies/cloak"]),
        ("#q=dragon", []),
    ],
)
def test_pictures_are_found_in_all_chapters(
    browser: Browser, here: Place, state: str, names: list[str]
) -> None:
    """By words, seed, LoRA, mark, date, chapter; the address says by what."""
    look(browser, here, state=state)

    assert cards(browser, len(names)) == names
    told = browser.until("document.getElementById('status').textContent")
    assert told == ("1 picture of 1 page." if names else "Nothing fits. ")


def test_filters_are_filled_in_by_hand(browser: Browser, here: Place) -> None:
    """Typed, chosen, cleared."""
    look(browser, here, "ch-01.html")
    cards(browser, 5)

    browser.js("document.getElementById('q').focus()")
    browser.type("mara")
    assert cards(browser, 1) == ["Page 3"]

    browser.click("button[type=reset]")
    cards(browser, 5)
    browser.js(
        "(() => { const e = document.getElementById('lora'); e.value = 'spyke';"
        "e.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    assert cards(browser, 5)
    assert browser.until("location.hash === '#lora=spyke'")


def test_another_chapter_is_a_choice_away(browser: Browser, here: Place) -> None:
    """From any chapter."""
    look(browser, here, "ch-01.html")
    cards(browser, 5)

    browser.js(
        "(() => { const e = document.getElementById('chapter'); e.value = 'ch-02';"
        "e.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )

    assert browser.until("document.querySelector('h1')?.textContent === 'Chapter 2'")


def test_every_version_lies_side_by_side(browser: Browser, here: Place) -> None:
    """With what each has otherwise than the one before."""
    look(browser, here, "ch-01.html")
    cards(browser, 5)

    browser.js("document.querySelectorAll('#grid .card')[2].click()")
    browser.until("document.getElementById('viewer').open")

    told = browser.js("[...document.querySelectorAll('.version')].map(e => e.innerText)")
    lefts = browser.js(
        "[...document.querySelectorAll('.version img')].map(e => e.getBoundingClientRect().left)"
    )
    assert len(told) == 3
    assert lefts == sorted(set(lefts))
    assert "Version 1" in told[0]
    assert "1131" in told[0]
    assert "approved 2026-11-22" in told[1]
    assert "CFG" in told[1]
    assert "7 5" in told[1].replace("\n", " ")
    assert BAD in told[1]
    assert "rooftop" in told[2]
    assert browser.until(
        "[...document.querySelectorAll('.version img')].every(e => e.naturalWidth)"
    )


def test_a_manifest_opens_below_its_version(browser: Browser, here: Place) -> None:
    """The request, what made it, the graph; and closes again."""
    look(browser, here, "ch-01.html", "#open=ch-01%2Fraw%2Fch01_p003")
    browser.until("document.querySelectorAll('.version').length === 3")

    browser.js("document.querySelectorAll('[data-manifest]')[1].click()")
    text = browser.until("document.querySelector('#manifest pre')?.textContent")

    assert tomllib.loads(text)["note"] == BAD
    assert browser.js("document.querySelector('#manifest').innerText").startswith(
        "Manifest of version 2"
    )
    assert "KSampler" in browser.js("document.querySelector('#manifest').textContent")
    expanded = "[...document.querySelectorAll('[data-manifest]')].map(e => e.ariaExpanded)"
    assert browser.js(expanded) == ["false", "true", "false"]
    browser.js("document.querySelectorAll('[data-manifest]')[1].click()")
    assert browser.until("document.querySelector('#manifest').hidden")


def test_a_request_is_copied(browser: Browser, here: Place) -> None:
    """As TOML that can be dropped; the page says that it was."""
    look(browser, here, "ch-01.html", "#open=ch-01%2Fraw%2Fch01_p003")
    browser.until("document.querySelectorAll('.version').length === 3")

    browser.click(".version:nth-child(2) [data-copy]")
    browser.until("document.querySelector('dialog .said').textContent.startsWith('Copied')")

    copied = tomllib.loads(browser.clipboard())
    assert (copied["chapter"], copied["page"], copied["seed"]) == (1, 3, 77)
    assert copied["note"] == BAD


def test_everything_can_be_done_with_the_keyboard(browser: Browser, here: Place) -> None:
    """Tab to a page, Enter, arrows to the next, a manifest, Escape; the focus comes back."""
    look(browser, here, "ch-01.html")
    cards(browser, 5)
    focused = "document.activeElement.querySelector?.('.name')?.textContent"
    for _ in range(30):
        browser.press("Tab")
        if browser.js(focused) == "Page 2":
            break
    assert browser.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"

    browser.press("Enter")
    browser.until("document.getElementById('viewer').open")
    title = "document.getElementById('viewer-title').textContent"
    assert browser.js(title) == "Page 2"
    browser.press("ArrowRight")
    assert browser.until(f"{title} === 'Page 3'")
    browser.press("ArrowLeft")
    assert browser.until(f"{title} === 'Page 2'")
    for _ in range(20):
        browser.press("Tab")
        if browser.js("document.activeElement.dataset.manifest"):
            break
    browser.press("Enter")
    assert browser.until("!document.getElementById('manifest').hidden")

    browser.press("Escape")

    assert browser.until("!document.getElementById('viewer').open")
    assert browser.until(f"{focused} === 'Page 2'")
    assert browser.until("['', '#'].includes(location.hash)")


def test_back_closes_what_was_opened(browser: Browser, here: Place) -> None:
    """As on any page."""
    look(browser, here, "ch-01.html")
    cards(browser, 5)
    browser.js("document.querySelector('#grid .card').click()")
    browser.until("document.getElementById('viewer').open")

    browser.js("history.back()")

    assert browser.until("!document.getElementById('viewer').open")
    assert browser.js(SHOWN) == 5


@pytest.mark.parametrize(
    "name",
    [
        "index.html",
        "ch-01.html",
        "studies.html",
        "failures.html",
        "loras/spyke.html",
        "loras/mara.html",
        "ch-01.html#open=ch-01%2Fraw%2Fch01_p003",
    ],
)
def test_every_page_fits(browser: Browser, here: Place, name: str) -> None:
    """On a phone and on a desk: nothing is wider than the window; light and dark are both told."""
    file, _, state = name.partition("#")
    look(browser, here, file, state and f"#{state}")

    for width, dark in product((360, 1440), (False, True)):
        browser.resize(width)
        browser.darken(dark=dark)
        assert browser.js("document.documentElement.scrollWidth") <= width
        assert browser.js("document.body.scrollWidth") <= width
        paper = browser.js("getComputedStyle(document.body).backgroundColor")
        red = int(paper.removeprefix("rgb(").split(",")[0])
        assert (red < 60) is dark
    browser.darken(dark=False)


def test_every_page_is_made_for_a_screen_reader(browser: Browser, here: Place) -> None:
    """One heading of the first rank, landmarks, names for all that can be used."""
    nameless = (
        "[...document.querySelectorAll('button, a, input, select, dialog, section')].filter(e =>"
        " !(e.innerText?.trim() || e.ariaLabel || e.labels?.length || e.title"
        " || e.getAttribute('aria-labelledby') || e.querySelector('img[alt]:not([alt=\"\"])')))"
        ".map(e => e.outerHTML)"
    )
    for name in ("index.html", "ch-01.html", "failures.html", "loras/spyke.html"):
        look(browser, here, name)
        assert browser.js("document.querySelectorAll('h1').length") == 1, name
        assert browser.js("document.querySelectorAll('main').length") == 1, name
        assert browser.js("document.documentElement.lang") == "en"
        assert browser.js(nameless) == [], name
        assert browser.js("[...document.querySelectorAll('img')].every(e => e.hasAttribute('alt'))")


def test_failures_are_copied_to_be_mended(browser: Browser, here: Place) -> None:
    """The request as it was dropped; nothing of it is markup."""
    look(browser, here, "failures.html")

    text = browser.js("document.querySelector('main').innerText")
    assert text.count(BAD) == 4
    browser.click("[data-copies]")
    browser.until("document.querySelector('body > .said').textContent.startsWith('Copied')")
    assert browser.clipboard() == BAD


def test_a_training_shows_how_it_goes(browser: Browser, here: Place) -> None:
    """Its sentence is a text, its curves are drawn."""
    look(browser, here, "loras/spyke.html")

    assert BAD in browser.js("document.querySelector('main').innerText")
    assert browser.js("document.querySelectorAll('svg polyline').length") == 4
    assert browser.js("document.querySelector('progress').value") == pytest.approx(0.423)


def test_what_is_made_meanwhile_appears(browser: Browser, tmp_path: Path) -> None:
    """Without a server: the page reads its files again, and keeps what was opened."""
    home = a_home(tmp_path)
    here = Place(home, home.root / "output", home.root / "loras")
    page(here.output, 1, 1)
    update(here)
    look(browser, here, "ch-01.html")
    cards(browser, 1)

    new = page(here.output, 1, 2)
    update(here, (), [new])
    browser.js("plasma.look()")

    assert cards(browser, 2) == ["Page 1", "Page 2"]
    assert browser.until("document.getElementById('sum').textContent === '2 pictures'")

    table = tomllib.loads(new.with_suffix(".toml").read_text())
    table["result"]["approved"] = NOON
    new.with_suffix(".toml").write_text(toml_text.dumps(table))
    update(here, (), [new])
    browser.js("plasma.look()")

    assert browser.until("document.querySelectorAll('#grid .approved').length === 1")


def test_a_page_of_a_training_is_read_anew_when_it_goes_on(
    browser: Browser, tmp_path: Path
) -> None:
    """And only then."""
    home = a_home(tmp_path)
    here = Place(home, home.root / "output", home.root / "loras")
    running(home, rows(3))
    update(here)
    look(browser, here, "loras/spyke.html")
    browser.js("window.mark = 1; plasma.look()")
    browser.js("plasma.look()")
    assert browser.js("window.mark") == 1

    told = tomllib.loads((home.status / "spyke.toml").read_text())
    told |= {"why": "epoch 4 of 5"}
    (home.status / "spyke.toml").write_text(toml_text.dumps(told))
    update(here, [])
    browser.begin("plasma.look()")

    assert browser.until("document.querySelector('.why')?.textContent === 'epoch 4 of 5'")


def test_an_empty_gallery_says_so(browser: Browser, tmp_path: Path) -> None:
    """Before the first picture."""
    home = a_home(tmp_path)
    here = Place(home, home.root / "output", home.root / "loras")
    update(here)
    browser.open(url(here))

    assert browser.until("document.querySelector('#groups .quiet')?.textContent").startswith(
        "There is no picture yet"
    )
    assert browser.until("document.getElementById('places').textContent") == "No failures this week"


def test_ten_thousand_pictures_stay_usable(browser: Browser, tmp_path: Path) -> None:
    """Sixty are shown at a time; all are looked through."""
    home = a_home(tmp_path)
    here = Place(home, home.root / "output", home.root / "loras")
    place(here.output, "studies/x_v1", 1)
    update(here)
    multiply(here.output / FOLDER / "data", 10_000)

    look(browser, here, "studies.html")
    browser.until("document.getElementById('status').textContent === ''")
    assert browser.js(SHOWN) == 60
    assert browser.js("document.getElementById('where').textContent") == "1 to 60 of 10,000"
    browser.click("#later")
    assert browser.until("document.getElementById('where').textContent.startsWith('61 to 120')")

    browser.js("document.getElementById('seed').focus()")
    browser.type("7777")
    assert cards(browser, 1) == ["n7777"]


def multiply(data: Path, many: int) -> None:
    """Make many rows of one, as a run writes them."""
    (told,) = json.loads((data / "groups.js").read_text().splitlines()[1])["groups"].values()
    (line,) = (
        line for line in (data / "studies-0001.js").read_text().splitlines() if line[0] == "{"
    )
    row: dict[str, Any] = json.loads(line)
    shelf, told["shelves"] = told["shelves"]["1"], {}
    for number in range(1, many // 200 + 1):
        made = []
        for at in range(200):
            name = f"studies/n{(number - 1) * 200 + at}"
            seed = {"seed": str((number - 1) * 200 + at)}
            made.append(row | {"id": f"{name}_v1", "stem": name, "told": row["told"] | seed})
        body = ",\n".join(map(json.dumps, made))
        (data / f"studies-{number:04d}.js").write_text(
            f'plasma.rows("studies", {number}, [\n{body}\n]);\n'
        )
        told["shelves"][str(number)] = shelf | {"rows": 200}
    whole = json.loads((data / "groups.js").read_text().splitlines()[1])
    whole["groups"]["studies"] = told
    (data / "groups.js").write_text(f"plasma.groups(\n{json.dumps(whole)}\n);\n")

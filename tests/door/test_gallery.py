"""Through the door: a daemon that keeps the gallery, and a request that comes back out of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.door.process import DaemonProcess, EngineProcess, eventually, make_home
from tests.fakes.browser import Browser, needs_browser


@pytest.fixture
def keeping(tmp_path: Path, engine: EngineProcess) -> Iterator[DaemonProcess]:
    """A home whose daemon keeps its gallery; it is not started."""
    home = make_home(tmp_path / "home")
    path = home / "config.toml"
    config = path.read_text("utf-8")
    before = config[config.index("[gallery]") : config.index("[notify]")]
    path.write_text(config.replace(before, "[gallery]\nenabled = true\n"), "utf-8")
    daemon = DaemonProcess(home, engine)
    yield daemon
    if daemon.process and daemon.process.poll() is None:
        daemon.kill()


def shown(daemon: DaemonProcess) -> list[str]:
    """Return the pictures that the gallery's data tells of."""
    data = daemon.home / "output" / ".gallery" / "data"
    texts = [path.read_text() for path in sorted(data.glob("*-[0-9][0-9][0-9][0-9].js"))]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("{")]
    return [json.loads(line.rstrip(","))["picture"] for line in lines]


def told(daemon: DaemonProcess) -> dict[str, object]:
    """Return what all pages are told."""
    text = (daemon.home / "output" / ".gallery" / "data" / "groups.js").read_text()
    about: dict[str, object] = json.loads(text.splitlines()[1])["about"]
    return about


def test_pages_appear_as_they_are_finished(keeping: DaemonProcess) -> None:
    """And failures as they fail; what was made before the daemon kept it is there too."""
    keeping.start()
    keeping.drop("p003", chapter=1, page=3, steps=2)
    keeping.until("p003", "done")
    eventually(lambda: shown(keeping) == ["ch-01/raw/ch01_p003_v1.png"], "the page")

    keeping.drop("bad", "kind = 3")
    keeping.until("bad", "failed")
    eventually(lambda: told(keeping)["failures"] == 1, "the failure")

    assert keeping.stop() == 0


def test_a_gallery_that_cannot_be_made_fails_no_job(keeping: DaemonProcess) -> None:
    """The log says why there is none."""
    (keeping.home / "output" / "index.html").write_text("somebody else's")
    keeping.start()
    keeping.drop("p003", chapter=1, page=3)
    keeping.until("p003", "done")

    def warned() -> bool:
        return "the gallery is not brought up to date" in (
            keeping.home / "status" / "daemon.log"
        ).read_text("utf-8")

    eventually(warned, "the warning")
    assert (keeping.home / "output" / "index.html").read_text() == "somebody else's"
    keeping.until("daemon", "idle")
    assert keeping.stop() == 0


def test_the_last_page_is_there_when_the_line_was_drained(keeping: DaemonProcess) -> None:
    """`run --drain` ends when everything is done."""
    for number in (1, 2):
        keeping.drop(f"p{number}", chapter=1, page=number)
    keeping.start("--drain")
    assert keeping.process
    assert keeping.process.wait(60) == 0

    assert shown(keeping) == ["ch-01/raw/ch01_p001_v1.png", "ch-01/raw/ch01_p002_v1.png"]


def test_a_gallery_that_nobody_wants_is_not_made(daemon: DaemonProcess) -> None:
    """It is off until somebody turns it on."""
    daemon.drop("p003", chapter=1, page=3)
    daemon.until("p003", "done")

    assert not (daemon.home / "output" / ".gallery").exists()


@needs_browser
def test_a_request_copied_out_of_the_gallery_makes_the_next_version(
    keeping: DaemonProcess, browser: Browser
) -> None:
    """Copied in the browser, dropped as it is; the page shows both, with what a prompt says."""
    bad = "<script>window.bad = 1</script>\"'&"
    keeping.start()
    keeping.drop("p003", chapter=1, page=3, prompt=f"spyke {bad}")
    keeping.until("p003", "done")
    eventually(lambda: len(shown(keeping)) == 1, "the page")
    page = (keeping.home / "output" / ".gallery" / "ch-01.html").as_uri()
    browser.open(f"{page}#open=ch-01%2Fraw%2Fch01_p003")
    browser.until("document.querySelector('.version [data-copy]')")
    browser.click(".version [data-copy]")
    browser.until("document.querySelector('dialog .said').textContent.startsWith('Copied')")

    keeping.drop("again", browser.clipboard())
    keeping.until("again", "done")
    eventually(lambda: len(shown(keeping)) == 2, "the next version")
    browser.js("plasma.look()")

    browser.until("document.querySelectorAll('.version').length === 2")
    second = browser.js("document.querySelectorAll('.version')[1].innerText")
    assert "the same request" in second
    assert bad in browser.js("document.querySelectorAll('.version')[0].innerText")
    assert browser.js("window.bad") is None
    assert browser.faults() == []

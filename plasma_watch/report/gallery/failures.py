"""What failed in the last days and why, on a page, each with its request to copy and mend.

What was tried again and is done since is left out: nobody has to look at it any more.

Everything that is told comes from requests and from what engines said of them: it is escaped.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from pathlib import Path

from plasma_watch.errors import PlasmaError
from plasma_watch.home import Home
from plasma_watch.job import JOURNAL, State
from plasma_watch.report.ends import End, Ends, is_made_good
from plasma_watch.report.gallery.pages import page, write
from plasma_watch.status import stamp
from plasma_watch.system import files
from plasma_watch.words import visible

DAYS = 7
MOST = 200
"""How many are shown; the newest."""
FILE = "failures.html"
_KEPT_SECONDS = 3600
"""How long the page stands while nothing more fails."""
_MOST_REQUEST_BYTES = 1_000_000
_NAME = re.compile(r'<article class="article" data-name="([^"]*)"')
_STAMP = re.compile(r'<div id="failures" data-many="(\d+)" data-stamp="(\w+)"')


@dataclass(frozen=True, slots=True)
class Written:
    """What the other pages tell of the failures."""

    many: int
    stamp: str


def write_failures(home: Home, folder: Path, now: datetime) -> Written:
    """Write the page of what failed lately, unless the one that is there is as good."""
    if written := _still_good(folder / FILE, home, now):
        return written
    oldest = (now - timedelta(days=DAYS)).timestamp()
    failed = [end for end in Ends(home).since(oldest) if end.state == State.FAILED]
    ends = [end for end in failed[-MOST:] if not is_made_good(home, end)]
    articles = [article(end, request_of(end.folder)) for end in reversed(ends)]
    digest = hashlib.sha256("".join(articles).encode()).hexdigest()[:12]
    write(folder / FILE, failures_page(articles, digest))
    with contextlib.suppress(OSError):
        (folder / FILE).touch()
    return Written(len(articles), digest)


def _still_good(path: Path, home: Home, now: datetime) -> Written | None:
    """Return what a page says that is newer than all it tells of, and not too old itself."""
    try:
        written, changed = path.stat().st_mtime, home.failed.stat().st_mtime
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        return None
    found = _STAMP.search(text)
    is_young = written > changed + 2 and now.timestamp() - written < _KEPT_SECONDS
    is_good = is_young and written > _told_at(home, map(unescape, _NAME.findall(text))) + 2
    return Written(int(found[1]), found[2]) if found and is_good else None


def _told_at(home: Home, names: Iterable[str]) -> float:
    """Return when something was last told of one of these names: it may have been tried again."""
    latest = 0.0
    for name in names:
        with contextlib.suppress(OSError, ValueError):
            latest = max(latest, (home.status / f"{name}.toml").stat().st_mtime)
    return latest


def failures_page(articles: list[str], digest: str) -> str:
    """Return the page."""
    many = len(articles)
    said = f"{many} in the last {DAYS} days" if many else f"none in the last {DAYS} days"
    head = f'<div class="title"><h1>Failures</h1><p class="sum">{said}</p></div>'
    open_ = f'<div id="failures" data-many="{many}" data-stamp="{digest}">'
    inside = "\n".join([head, open_, *articles, "</div>"])
    return page("failures", "Failures - Gallery", inside, root="../", gallery="")


def article(end: End, request: str | None) -> str:
    """Return what is told of one failure."""
    when = end.ended.astimezone(UTC)
    time = f'<time datetime="{stamp(when)}">{when:%Y-%m-%d %H:%M} UTC</time>'
    head = f'<h2>{_text(end.name)}</h2><p class="quiet">{time}{_code(end.code)}</p>'
    inside = "\n".join([head, *_reasons(end), *_request(end, request)])
    return f'<article class="article" data-name="{_text(end.name)}">{inside}</article>'


def _reasons(end: End) -> Iterator[str]:
    if end.problems:
        yield '<ul class="why">'
        yield from (f"<li>{_text(problem)}</li>" for problem in end.problems)
        yield "</ul>"
    else:
        yield f'<p class="why">{_text(end.why)}</p>'
        yield f'<p class="quiet">{_text(end.hint)}</p>' if end.hint else ""


def _request(end: End, request: str | None) -> Iterator[str]:
    if request is None:
        yield '<p class="quiet">Its request is not here any more, or is no text.</p>'
        return
    mark = f"request-{hashlib.sha256(end.folder.name.encode()).hexdigest()[:12]}"
    yield f'<details open><summary>Its request</summary><pre id="{mark}" tabindex="0">'
    yield f"{_text(request)}</pre></details>"
    copy = f'<button type="button" data-copies="{mark}">Copy the request</button>'
    mend = '<span class="quiet">Mend it and drop it into inbox/ again.</span>'
    yield f'<p class="acts">{copy}{mend}</p>'


def request_of(folder: Path) -> str | None:
    """Return the text of a job's request; None when it is gone, a picture, or no text."""
    with contextlib.suppress(OSError, PlasmaError, ValueError):
        found = [path for path in folder.glob("*.toml") if path.name != JOURNAL]
        if len(found) == 1:
            content, _ = files.read_regular(found[0], _MOST_REQUEST_BYTES)
            return content.decode()
    return None


def _code(code: str) -> str:
    return f" · {_text(code)}" if code else ""


def _text(text: str) -> str:
    return escape(visible(text))

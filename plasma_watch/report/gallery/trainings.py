"""A page for each LoRA: how it was trained, what came of it, and how it goes while it trains.

    .gallery/loras/spyke.html

Everything that is told comes from requests, people and trainers: it is escaped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from plasma_watch import toml_text
from plasma_watch.home import Home
from plasma_watch.job import State
from plasma_watch.report.durations import duration, pace
from plasma_watch.report.gallery.curves import Line, plot
from plasma_watch.report.gallery.pages import page, write
from plasma_watch.report.gallery.story import Story, stories
from plasma_watch.words import counted, visible

FOLDER = "loras"
_GB = 1e9


def write_trainings(home: Home, loras: Path, folder: Path) -> list[dict[str, Any]]:
    """Write the pages of all LoRAs, and return what the other pages tell of them."""
    told = []
    for story in stories(home, loras, folder / FOLDER):
        text = lora_page(story)
        write(folder / FOLDER / f"{story.name}.html", text)
        told.append(_tile(story, text))
    return told


def _tile(story: Story, text: str) -> dict[str, Any]:
    cover = next((each for each in ("sheet.png", "loss.png") if each in story.pictures), "")
    return {
        "name": story.name,
        "said": summary(story),
        "cover": f"{FOLDER}/{story.name}/{cover}" if cover else "",
        "live": story.is_live,
        "stamp": hashlib.sha256(text.encode()).hexdigest()[:12],
    }


def summary(story: Story) -> str:
    """Return one sentence on a LoRA."""
    if story.is_live:
        return visible(str(story.told.get("why", "begins")))
    epochs, steps = story.result.get("epochs", "?"), story.result.get("steps", "?")
    state = "" if story.result.get("state") == State.DONE else f", {story.result.get('state')}"
    return f"{counted(epochs, 'epoch')}, {counted(steps, 'step')}{state}"


def lora_page(story: Story) -> str:
    """Return the page of a LoRA."""
    head = f'<div class="title"><h1>{_text(story.name)}</h1><p class="sum">{_sum(story)}</p></div>'
    parts = [head, *_live(story), *_facts(story), *_figures(story), *_versions(story)]
    parts += [*_texts(story), *_earlier(story)]
    title = f"{visible(story.name)} - Gallery"
    return page("lora", title, "\n".join(parts), root="../../", gallery="../", slug=story.name)


def _sum(story: Story) -> str:
    return "trains now" if story.is_live else _text(summary(story))


def _live(story: Story) -> Iterator[str]:
    if not story.is_live:
        return
    progress, eta = story.told.get("progress", 0), story.told.get("eta_seconds")
    share = float(progress) if isinstance(progress, int | float) else 0.0
    yield f'<p class="why" role="status">{_text(summary(story))}</p>'
    yield f'<progress max="1" value="{share:.3f}">{share:.0%}</progress>'
    if isinstance(eta, int | float):
        yield f'<p class="quiet">{duration(eta)} to go</p>'


def _facts(story: Story) -> Iterator[str]:
    yield '<dl class="story">'
    for name, value in _told(story):
        yield f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>"
    yield "</dl>"


def _told(story: Story) -> Iterator[tuple[str, str]]:
    request, result = story.request, {} if story.is_live else story.result
    asked = ("trigger", "dataset", "base", "resolution", "dim", "alpha", "learning_rate", "seed")
    yield from ((key.replace("_", " "), str(request[key])) for key in asked if key in request)
    if result.get("device"):
        yield "trained on", str(result["device"])
    seconds, steps = result.get("seconds_per_step"), result.get("steps")
    if isinstance(seconds, int | float) and isinstance(steps, int):
        yield "time", f"{pace(seconds)} s/step, {duration(seconds * steps)} of steps in all"
    if isinstance(result.get("peak_bytes"), int) and result["peak_bytes"]:
        yield "memory at most", f"{result['peak_bytes'] / _GB:.1f} GB"
    chosen = story.manifest.get("chosen")
    if isinstance(chosen, dict) and chosen:
        yield "chosen", f"epoch {chosen.get('epoch')}, known as {chosen.get('installed')}"


def _figures(story: Story) -> Iterator[str]:
    losing, memory = _losses(story), _memory(story)
    yield '<div class="curves">'
    if losing:
        yield _figure(losing, "Loss over the steps, smoothed; each step is faint.")
    if memory:
        yield _figure(memory, "Memory that the trainer held, in GB, and swap (dashed).")
    yield '</div><div class="figures">'
    sentences = {
        "loss.png": "Loss over the steps.",
        "sheet.png": "Every epoch, from the same seed.",
        "dataset.png": "The dataset.",
    }
    for name, said in sentences.items():
        if name in story.pictures and not (name == "loss.png" and losing):
            yield _figure(_picture(story.name, name, said), said)
    yield "</div>"


def _picture(lora: str, file: str, said: str) -> str:
    source, alt = escape(f"{quote(lora)}/{file}"), _text(f"{said.rstrip('.')}: {lora}")
    return f'<a href="{source}"><img src="{source}" alt="{alt}" loading="lazy"></a>'


def _figure(inside: str, said: str) -> str:
    return f"<figure>{inside}<figcaption>{_text(said)}</figcaption></figure>"


def _losses(story: Story) -> str:
    smooth = story.measures.smooth
    last = f": {smooth[-1][1]:.3g} at step {smooth[-1][0]:.0f}" if smooth else ""
    lines = [Line("faint", story.measures.losses), Line("curve", smooth)]
    return plot(lines, f"Loss over the steps{last}", story.measures.loss_span())


def _memory(story: Story) -> str:
    held, swap = (
        [(step, size / _GB) for step, size in points]
        for points in (story.measures.held, story.measures.swap)
    )
    most = max((size for _, size in held), default=0.0)
    label = f"Memory over the steps: the trainer held {most:.1f} GB at most"
    return plot([Line("curve", held), Line("other", swap)], label) if held else ""


def _versions(story: Story) -> Iterator[str]:
    listed = story.manifest.get("versions")
    rows = [each for each in (listed if isinstance(listed, list) else ()) if isinstance(each, dict)]
    if not rows:
        return
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("epoch", "steps", "loss", "file"))
    yield f'<h2 class="part">Versions</h2><table><thead><tr>{heads}</tr></thead><tbody>'
    for row in rows:
        loss = row.get("loss")
        shown = f"{loss:.4f}" if isinstance(loss, float) else ""
        cells = (row.get("epoch", ""), row.get("steps", ""), shown, row.get("file", ""))
        yield f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in cells)}</tr>"
    yield "</tbody></table>"


def _texts(story: Story) -> Iterator[str]:
    request = toml_text.dumps(dict(story.request))
    yield '<div class="article"><details open><summary>The request</summary>'
    yield f'<pre id="request" tabindex="0">{_text(request)}</pre></details>'
    yield '<p class="acts"><button type="button" data-copies="request">Copy as request</button></p>'
    for key, name in (("recipe", "Recipe"), ("engine", "Trainer")):
        table = story.manifest.get(key)
        if isinstance(table, dict) and table:
            text = _text(toml_text.dumps(table))
            yield f'<details><summary>{name}</summary><pre tabindex="0">{text}</pre></details>'
    yield "</div>"


def _earlier(story: Story) -> Iterator[str]:
    told = [table["result"] for table in story.earlier if isinstance(table.get("result"), dict)]
    if told:
        yield '<h2 class="part">Earlier trainings</h2><ul>'
        for result in reversed(told):
            parts = (counted(result.get("steps", "?"), "step"), f"loss {result.get('loss', '?')}")
            yield f"<li>{_text(', '.join(parts))}</li>"
        yield "</ul>"


def _text(value: object) -> str:
    return escape(visible(str(value)))

"""Sentences that sound the same wherever they are said: in `status`, in the live view. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plasma_watch.report.durations import duration, pace

Told = Mapping[str, Any]
_AT_REST = ("idle", "paused")
"""What a daemon says of itself that asks no engine."""


def of_job(job: Told) -> str:
    """Return how a job is getting on, as its status tells; while it runs with its pace."""
    said = f"{job.get('state')} {job.get('name')}: {job.get('why', '')}"
    return ", ".join([said, *of_pace(job)])


def of_pace(job: Told) -> Iterator[str]:
    """Yield how far a job is that runs, how long it will take and how fast it is."""
    if job.get("state") != "running" or "progress" not in job:
        return
    yield f"{progress(job):.0%}"
    eta, seconds = job.get("eta_seconds"), job.get("seconds_per_step")
    if isinstance(eta, int | float):
        yield f"{duration(eta)} to go"
    if isinstance(seconds, int | float):
        yield f"{pace(seconds)} s/step"


def progress(job: Told) -> float:
    """Return how far a job is, from 0 to 1; 0 when it does not say."""
    found = job.get("progress")
    return float(found) if isinstance(found, int | float) else 0.0


def of_silence(daemon: Told, job: Told) -> str:
    """Return why nothing is told of the engine: nobody asks it just now, or it does not answer."""
    url = daemon.get("engine", {}).get("url", "its address")
    if job.get("kind") == "train" and job.get("state") == "running":
        return "a training runs; ComfyUI is not asked meanwhile"
    if daemon.get("state") in _AT_REST:
        return f"ComfyUI is asked at {url} when a page is due"
    return f"ComfyUI does not answer at {url}"

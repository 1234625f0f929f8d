"""From a request to an order: planned once, its pictures read, its models hashed, its engine asked.

It changes nothing of the job but through `keep`, so a job may be prepared before it is claimed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from plasma_watch.comfyui.catalog import Catalog
from plasma_watch.comfyui.client import Client
from plasma_watch.comfyui.facts import Facts
from plasma_watch.generate import checking, preflight, resolve
from plasma_watch.generate.again import Original, original_of
from plasma_watch.generate.order import (
    Order,
    check_engine,
    check_sizes,
    check_unchanged,
    hash_models,
    read_inputs,
)
from plasma_watch.generate.shop import Workshop
from plasma_watch.generate.template import Template
from plasma_watch.job import Job
from plasma_watch.outputs.naming import place_of
from plasma_watch.request import GenerateRequest

HashOf = Callable[[Path], str]
"""Returns a file's hash."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A job before it is prepared: what it asks for, and the file that was dropped for it."""

    job: Job
    request: GenerateRequest
    dropped: Path


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job as it is planned, and what every picture of it needs."""

    job: Job
    order: Order


def prepare(
    shop: Workshop,
    engine: tuple[Client, Facts],
    asked: Asked,
    keep: Callable[[Job], None],
    hash_of: HashOf | None = None,
) -> Prepared:
    """Prepare a job; `keep` is told the plan of one that had none yet.

    Raises PlasmaError that holds what is wrong, or that says what to wait for.
    """
    template = checking.template_of(asked.request, shop.config, shop.workflows())
    plan, job = _planned(shop, asked, template)
    if job != asked.job:
        keep(job)
    asked = replace(asked, job=job)
    order = _order(shop, engine[1], asked, template, plan)
    order = _checked(shop, engine[0], asked, order, hash_of or shop.hashes.of)
    check_unchanged(asked.request, order)
    names = {item.slot: engine[0].upload(item.upload_name, item.content) for item in order.inputs}
    return Prepared(job, replace(order, uploads=names))


def _planned(shop: Workshop, asked: Asked, template: Template) -> tuple[resolve.Plan, Job]:
    """Resolve the request once; after that the journal's word stands."""
    job, request = asked.job, asked.request
    if job.request is None:
        request = resolve.with_loras(request, shop.loras.file_of)
    else:
        request = GenerateRequest.model_validate(job.request)
    drawn = secrets.randbelow(resolve.draw_limit(request))
    plan = resolve.resolve(request, template, shop.config.defaults, drawn)
    if job.request is None:
        pictures = resolve.pictures(plan.request)
        is_drawn = request.seed is None
        job = replace(job, request=plan.request, pictures=pictures, seed_was_drawn=is_drawn)
    return plan, job


def _order(
    shop: Workshop, facts: Facts, asked: Asked, template: Template, plan: resolve.Plan
) -> Order:
    """Read the pictures that the request names."""
    limit = shop.config.intake.max_picture_mb * 1_000_000
    inputs = read_inputs(plan, shop.roots(), limit, shop.tripwire, asked.job.id)
    check_sizes(template, inputs, shop.config.limits)
    return Order(template, plan, place_of(plan.request, asked.job.name), facts, inputs, ())


def _checked(shop: Workshop, client: Client, asked: Asked, order: Order, hash_of: HashOf) -> Order:
    """Hold the graphs to what the engine knows, and find out what they are made with."""
    job, graphs = asked.job, order.unlike_graphs(asked.job)
    catalog = shop.engine.catalog or Catalog(client.object_info)
    packs = check_engine(catalog, order.template, graphs, job.file)
    original = _original(shop, asked, order)
    named = {model for graph in graphs for model in preflight.model_names(graph)}
    models = models_of(shop, job, named, hash_of)
    return replace(order, packs=packs, original=original, models=models)


def models_of(
    shop: Workshop, job: Job, named: Iterable[tuple[str, str]], hash_of: HashOf
) -> tuple[dict[str, str], ...]:
    """Return the models that a job names by folder and name, as their files are now."""
    with shop.tripwire.step(job.id, "hash"):
        return hash_models(named, shop.comfyui, hash_of)


def _original(shop: Workshop, asked: Asked, order: Order) -> Original | None:
    limit = shop.config.intake.max_picture_mb * 1_000_000
    folder = shop.output() / order.place.folder
    with shop.tripwire.step(asked.job.id, "decode"):
        return original_of(asked.request, asked.dropped, folder, limit)

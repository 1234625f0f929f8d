"""What a request to train, the config and the dataset prove before anything runs, all told at once.

Asked when the file arrives. The pictures are not decoded here: that is done when its turn has come,
and by then there may be more of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from plasma_watch.config import Config
from plasma_watch.errors import Code, PlasmaError, Problem, gathered
from plasma_watch.home import Home
from plasma_watch.request import TrainRequest
from plasma_watch.toml_check import KeyPath, line_of
from plasma_watch.train import dataset, recipe
from plasma_watch.train.dataset import Want
from plasma_watch.train.reading import survey
from plasma_watch.train.shop import dataset_folder


def check(
    request: TrainRequest, lines: Mapping[KeyPath, int], subject: str, config: Config, home: Home
) -> None:
    """Raise a PlasmaError that holds every problem of a well-formed request."""
    found = list(_not_configured(config))
    for want in wants(request, config, lines):
        found += _dataset_problems(request, want, lines, config, home)
    if found:
        raise gathered(subject, found)


def wants(request: TrainRequest, config: Config, lines: Mapping[KeyPath, int]) -> Iterator[Want]:
    """Yield what each folder that a request names must be; the dataset first."""
    least = config.limits.min_images
    yield Want("dataset", line_of(["dataset"], lines), least, request.trigger)
    if request.regularization is not None:
        yield Want("regularization", line_of(["regularization"], lines), 1)


def _not_configured(config: Config) -> Iterator[Problem]:
    for field, variable, said, value in (
        ("kohya.script", "KOHYA_SCRIPT", "kohya's train_network.py", config.kohya.script),
        ("kohya.python", "KOHYA_PYTHON", "the Python that runs it", config.kohya.python),
        ("comfyui.dir", "COMFYUI_DIR", "ComfyUI's folder, to install into", config.comfyui.dir),
    ):
        if not value:
            hint = f"Set {field} in config.toml, or {variable} in the environment: {said}."
            yield Problem(Code.TRAINER_NOT_CONFIGURED, field, "is not set: no training", hint)


def _dataset_problems(
    request: TrainRequest, want: Want, lines: Mapping[KeyPath, int], config: Config, home: Home
) -> Iterator[Problem]:
    """Yield what is wrong with a folder; one that is not there yet may come with its turn."""
    named = getattr(request, want.field)
    try:
        contents = survey(dataset_folder(home, config, named))
    except PlasmaError as exc:
        if exc.code is not Code.DATASET_MISSING:
            yield Problem(exc.code, want.field, exc.message, exc.hint, want.line)
        return
    yield from dataset.problems(contents, want)
    if want.field == "dataset" and contents.usable():
        line = line_of(["epochs"], lines)
        yield from _length(request, contents.usable(), config, line)


def _length(request: TrainRequest, images: int, config: Config, line: int) -> Iterator[Problem]:
    with_regularization = request.regularization is not None
    plan = recipe.plan(request, images, with_regularization=with_regularization)
    most = config.limits.max_train_steps
    if request.epochs and plan.steps > most:
        said = f"is {request.epochs}, which makes {plan.steps} steps; at most {most}"
        hint = "Fewer epochs, or a smaller save_every. The limit is limits.max_train_steps."
        yield Problem(Code.REQUEST_OVER_LIMIT, "epochs", said, hint, line)


def length_problem(request: TrainRequest, images: int, config: Config) -> PlasmaError | None:
    """Return the error of a training that is too long, now that its pictures are counted."""
    found = list(_length(request, images, config, 0))
    return gathered(request.lora, found) if found else None

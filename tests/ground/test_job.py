"""What is claimed of a job: its states, its journal, its ids, and the words at its end."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch.errors import Code, PlasmaError, Problem, gathered
from plasma_watch.job import (
    ENDS,
    LEGAL,
    Ending,
    Job,
    Made,
    Picture,
    State,
    Trainer,
    Training,
    ended_by,
    job_id,
    manifest_of,
    poisoned,
    prompt_id,
    same_name,
    why_text,
)

NOON = datetime(2026, 11, 22, 4, 15, 12, tzinfo=UTC)
HOME = Path("/a/home")
JOB = Job(
    id="20261122T041512-p003",
    name="p003",
    file="p003.toml",
    kind="generate",
    dropped=NOON,
    sha256="0a1b",
)


# The law of the moves.


def test_every_state_has_its_row_in_the_law() -> None:
    """And no move leads to where the job is already."""
    assert set(LEGAL) == set(State)
    assert all(state not in LEGAL[state] for state in State)


def test_a_job_begins_before_it_ends() -> None:
    """Also a refused one: each end is reached by one rename of a folder that is complete."""
    assert LEGAL[State.WAITING] == {State.RUNNING}
    assert LEGAL[State.RUNNING] == {State.WAITING, State.DONE, State.FAILED, State.CANCELLED}


@pytest.mark.parametrize("end", sorted(ENDS))
def test_an_ended_job_stays_until_a_person_moves_it(end: State) -> None:
    """When it is tried again it starts where every job starts."""
    assert LEGAL[end] == {State.WAITING}


def test_a_state_is_called_as_its_folder() -> None:
    """The same word in code, log, folder and Finder."""
    assert [str(state) for state in State] == ["waiting", "running", "done", "failed", "cancelled"]


# The journal.

NAMES = st.text(min_size=1, max_size=20)
VALUES = st.recursive(
    st.text(max_size=10)
    | st.integers(0, 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
ENDINGS = st.builds(
    Ending,
    state=st.sampled_from(sorted(ENDS)),
    why=st.text(),
    code=st.sampled_from(["", *map(str, Code)]),
    hint=st.text(),
    problems=st.lists(st.text(), max_size=3).map(tuple),
)
PICTURES = st.builds(
    Picture,
    number=st.integers(1, 200),
    seed=st.integers(0, 2**64 - 1),
    attempt=st.integers(0, 9),
    is_over=st.booleans(),
    images=st.integers(0, 3),
    placing=st.text(),
    made=st.lists(st.builds(Made, path=st.text(), sha256=st.text()), max_size=3).map(tuple),
)
JOBS = st.builds(
    Job,
    id=NAMES,
    name=NAMES,
    file=NAMES,
    kind=st.sampled_from(["generate", "train"]),
    dropped=st.datetimes(min_value=NOON.replace(tzinfo=None), timezones=st.just(UTC)),
    sha256=st.text(),
    urgent=st.booleans(),
    request=st.none() | st.dictionaries(NAMES, VALUES, max_size=5),
    seed_was_drawn=st.booleans(),
    failures=st.integers(0, 9),
    pictures=st.lists(PICTURES, max_size=3).map(tuple),
    ending=st.none() | ENDINGS,
)


@given(JOBS)
def test_a_journal_that_is_written_is_read_back(job: Job) -> None:
    """Whatever the job is: quotes, emoji and line ends in names, seeds beyond 2^63, any ending."""
    assert Job.from_toml(job.to_toml()) == job


def test_a_journal_reads_as_people_write_toml() -> None:
    """When somebody looks into a folder to see what went on."""
    picture = Picture(number=1, seed=7, attempt=1, made=(Made("output/a_v1.png", "0a1b"),))

    text = replace(JOB, request={"seed": 7}, pictures=(picture,)).to_toml()

    assert text.startswith('format = 1\nid = "20261122T041512-p003"\nname = "p003"\n')
    assert "dropped = 2026-11-22T04:15:12Z\n" in text
    assert "\n[request]\nseed = 7\n" in text
    assert "\n[[pictures]]\nnumber = 1\nseed = 7\nasked = 0\nattempt = 1\n" in text
    assert '{ path = "output/a_v1.png", sha256 = "0a1b" }' in text
    assert "ending" not in text


WHOLE = replace(JOB, pictures=(Picture(1, 7),), ending=Ending(State.DONE, "done")).to_toml()


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "\0" * 512,
        "not toml",
        'format = 1\nid = "x"\n',
        WHOLE.replace("format = 1", "format = 2"),
        WHOLE.replace("format = 1", 'format = "one"'),
        WHOLE.replace("format = 1\n", ""),
        WHOLE.replace('name = "p003"', "name = 3"),
        WHOLE.replace('name = "p003"\n', ""),
        WHOLE.replace("dropped = 2026-11-22T04:15:12Z", 'dropped = "soon"'),
        WHOLE.replace('state = "done"', 'state = "lost"'),
        WHOLE.replace("[[pictures]]", "[pictures]"),
        WHOLE.replace("[ending]", "[[ending]]"),
        WHOLE.replace("seed = 7", 'seed = "seven"'),
        WHOLE[: len(WHOLE) // 2],
        WHOLE.replace("made = []", "made = [3]"),
    ],
    ids=[
        "empty",
        "a lost block",
        "no TOML",
        "cut after a key",
        "of a later format",
        "of a format that is no number",
        "of no format",
        "a number for a name",
        "no name",
        "no time",
        "no such state",
        "pictures that are no list",
        "an ending that is a list",
        "no seed",
        "cut in the middle",
        "nothing made",
    ],
)
def test_a_damaged_journal_is_no_journal(damaged: str) -> None:
    """Whoever reads it gets a job or is told."""
    assert Job.from_toml(WHOLE).ending == Ending(State.DONE, "done")

    with pytest.raises(ValueError, match=r"."):
        Job.from_toml(damaged)


@given(st.text())
def test_any_text_is_a_journal_or_a_value_error(text: str) -> None:
    """Whatever the disk left in the file."""
    with pytest.raises(ValueError, match=r"."):
        Job.from_toml(f"format = 1\n{text}")


# Pictures and outputs.


@pytest.mark.parametrize(
    ("images", "made", "is_whole"),
    [(0, 0, False), (1, 0, False), (1, 1, True), (2, 1, False), (2, 2, True)],
)
def test_a_picture_is_whole_when_all_it_became_lies_in_place(
    *, images: int, made: int, is_whole: bool
) -> None:
    """When nothing is known of it yet, nothing is whole."""
    picture = Picture(1, 7, images=images, made=(Made("a.png", "0a"),) * made)

    assert picture.is_whole is is_whole


def test_a_job_was_begun_when_any_picture_was_asked_for() -> None:
    """A drawn seed alone leaves nothing in the engine."""
    drawn = replace(JOB, seed_was_drawn=True, pictures=(Picture(1, 7), Picture(2, 8)))

    assert not JOB.was_begun
    assert not drawn.was_begun
    assert drawn.with_picture(Picture(2, 8, attempt=1)).was_begun


def test_a_training_was_begun_when_it_was_prepared() -> None:
    """From then on work lies in its folder."""
    assert replace(JOB, training=Training()).was_begun


@pytest.mark.parametrize(
    "training",
    [
        Training(),
        Training(2, 1, Trainer(7, "boot/9", ("python", "train_network.py"))),
        Training(3, 2, is_trained=True, made=(Made("loras/spyke/spyke-e03.safetensors", "0a"),)),
    ],
)
def test_a_trainings_journal_is_read_back(training: Training) -> None:
    """With or without a trainer that may live on."""
    job = replace(JOB, kind="train", training=training)

    assert Job.from_toml(job.to_toml()) == job


def test_a_training_tells_what_it_made() -> None:
    """Its files have no manifests of their own."""
    made = (Made("loras/spyke/a.safetensors", "0a"), Made("loras/spyke/manifest.toml", ""))

    assert replace(JOB, training=Training(made=made)).outputs() == [item.path for item in made]


def test_one_picture_is_replaced_by_its_number() -> None:
    """The others stay as they are."""
    job = replace(JOB, pictures=(Picture(1, 7), Picture(2, 8)))

    changed = job.with_picture(Picture(2, 8, attempt=3))

    assert changed.pictures == (Picture(1, 7), Picture(2, 8, attempt=3))
    assert job.pictures == (Picture(1, 7), Picture(2, 8))


def test_outputs_are_told_pictures_first() -> None:
    """Then their manifests, in the same order."""
    made = [(Made("a_v1.png", "0a"),), (), (Made("a_v2.png", "0b"), Made("a_v3.png", "0c"))]
    job = replace(JOB, pictures=tuple(Picture(n, n, made=m) for n, m in enumerate(made, 1)))

    assert job.outputs() == [
        "a_v1.png",
        "a_v2.png",
        "a_v3.png",
        "a_v1.toml",
        "a_v2.toml",
        "a_v3.toml",
    ]


def test_a_manifest_lies_beside_its_picture() -> None:
    """Under the same name, whatever points are in it."""
    assert manifest_of("output/ch-01/a.png_v1.png") == "output/ch-01/a.png_v1.toml"


# Ids.


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (NOON, "20261122T041512-p003"),
        (NOON.astimezone(timezone(timedelta(hours=9))), "20261122T041512-p003"),
    ],
)
def test_a_job_id_is_the_time_in_utc_and_the_name(when: datetime, expected: str) -> None:
    """Wherever the machine stands."""
    assert job_id("p003", when, lambda _: False) == expected


@given(st.lists(st.sampled_from(["p003", "p003-2", "p003-3", "ねこ"]), max_size=12))
def test_no_two_jobs_have_one_id(names: list[str]) -> None:
    """When they are dropped in the same second, under names that look like suffixes."""
    ids: list[str] = []
    for name in names:
        ids.append(job_id(name, NOON, ids.__contains__))

    assert len(set(ids)) == len(names)
    for name, made in zip(names, ids, strict=True):
        assert re.fullmatch(rf"20261122T041512-{name}(-\d+)?", made)


def test_a_prompt_id_never_changes() -> None:
    """When the daemon starts again, of whatever version, it finds what it sent before."""
    assert prompt_id(JOB, 1, 1) == "3e548171-d1eb-5f5b-941d-da0f7e34e1ac"


def test_a_prompt_id_is_the_same_from_the_journal() -> None:
    """When a crash lies between the asking and the reading of the answer."""
    job = replace(JOB, dropped=NOON + timedelta(microseconds=1))

    assert prompt_id(Job.from_toml(job.to_toml()), 1, 1) == prompt_id(job, 1, 1)


def test_jobs_of_two_homes_have_prompt_ids_of_their_own() -> None:
    """When both were given the same job id in the same second."""
    other = replace(JOB, dropped=NOON + timedelta(microseconds=1))

    assert prompt_id(JOB, 1, 1) != prompt_id(other, 1, 1)


def prompt_of(job: str, number: int, attempt: int) -> str:
    """Return the prompt id of a job that was dropped at noon."""
    return prompt_id(replace(JOB, id=job), number, attempt)


TRIPLES = st.tuples(st.text(max_size=9), st.integers(1, 200), st.integers(1, 9))


@given(TRIPLES, TRIPLES)
def test_a_prompt_id_is_canonical_and_its_own(
    one: tuple[str, int, int], other: tuple[str, int, int]
) -> None:
    """It differs by job, by picture and by attempt, and is written as the engine echoes it."""
    made = prompt_of(*one)

    assert made == str(uuid.UUID(made)) == made.lower()
    assert (made == prompt_of(*other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Page", "page"),
        ("が", "\u304b\u3099"),
        ("É", "e\u0301"),
        ("STRASSE", "straße"),
        ("p003", "p003"),
    ],
)
def test_names_are_the_same_whatever_their_case_and_form(one: str, other: str) -> None:
    """When a Mac and a Linux machine write the same name differently."""
    assert same_name(one) == same_name(other)


@pytest.mark.parametrize(
    ("one", "other"), [("p3", "p03"), ("ア", "ｱ"), ("a b", "ab"), ("か", "が")]
)
def test_other_names_are_other_names(one: str, other: str) -> None:
    """When they only look alike."""
    assert same_name(one) != same_name(other)


@given(st.text())
def test_a_compared_name_compares_as_itself(name: str) -> None:
    """When it is compared once more."""
    assert same_name(same_name(name)) == same_name(name)


# Endings.


def test_an_error_ends_a_job_with_its_own_words() -> None:
    """Code, message and hint stand in the journal before the folder moves."""
    error = PlasmaError(Code.IMAGE_BLANK, "the picture is black", "Start ComfyUI with --fp32-vae.")

    assert ended_by(error) == Ending(
        State.FAILED,
        "the picture is black",
        "image.blank",
        "Start ComfyUI with --fp32-vae.",
    )


def test_an_ending_keeps_every_problem_with_its_hint() -> None:
    """When there are several, the way out stands behind each."""
    problems = [
        Problem(Code.REQUEST_UNKNOWN_KEY, "promt", "is unknown", "Did you mean `prompt`?", 3),
        Problem(Code.REQUEST_BAD_VALUE, "cfg", "is odd", "", 4),
    ]

    ending = ended_by(gathered("p003.toml", problems))

    assert ending.problems == (
        "line 3: promt is unknown. Did you mean `prompt`?",
        "line 4: cfg is odd",
    )


def test_a_poisoned_job_says_what_it_did() -> None:
    """And comforts: the others go on."""
    ending = poisoned("p003", "decode", 3)

    assert ending.state is State.FAILED
    assert ending.code == "daemon.poison"
    assert ending.why == "p003: the daemon died 3 times in a row in the step 'decode' on this file"
    assert "The other jobs go on." in ending.hint


def test_why_text_lists_what_to_mend() -> None:
    """When the file has several problems."""
    ending = Ending(
        State.FAILED,
        "p003.toml: line 3: promt is unknown; line 4: cfg is odd",
        "request.unknown-key",
        "promt: Did you mean `prompt`?",
        ("line 3: promt is unknown. Did you mean `prompt`?", "line 4: cfg is odd"),
    )

    assert why_text(JOB, ending, HOME) == (
        "p003.toml was not made. To mend:\n"
        "\n"
        "  - line 3: promt is unknown. Did you mean `prompt`?\n"
        "  - line 4: cfg is odd\n"
        "\n"
        "Code: request.unknown-key (explained in docs/errors.md)\n"
        "Job:  20261122T041512-p003\n"
        "\n"
        "To try again, move p003.toml back into the inbox, or run:\n"
        "  plasma-watch retry --home /a/home p003\n"
    )


def test_why_text_says_what_happened_and_what_to_do() -> None:
    """When one thing went wrong."""
    ending = Ending(State.FAILED, "the picture is black", "image.blank", "Use --fp32-vae.")

    assert why_text(JOB, ending, HOME) == (
        "p003.toml was not made: the picture is black\n"
        "\n"
        "What to do:\n"
        "  Use --fp32-vae.\n"
        "\n"
        "Code: image.blank (explained in docs/errors.md)\n"
        "Job:  20261122T041512-p003\n"
        "\n"
        "To try again, move p003.toml back into the inbox, or run:\n"
        "  plasma-watch retry --home /a/home p003\n"
    )


def test_why_text_without_code_and_hint_is_short() -> None:
    """When there is nothing to explain."""
    ending = Ending(State.FAILED, "it was taken away")

    assert why_text(JOB, ending, HOME).startswith(
        "p003.toml was not made: it was taken away\n\nTo try again, move"
    )


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ('it\'s "mine"', "plasma-watch retry --home /a/home 'it'\"'\"'s \"mine\"'"),
        ("a b", "plasma-watch retry --home /a/home 'a b'"),
        ("😀", "plasma-watch retry --home /a/home '😀'"),
        ("$(rm -r x)", "plasma-watch retry --home /a/home '$(rm -r x)'"),
        ("-p", "plasma-watch retry --home /a/home -- -p"),
        ("--all", "plasma-watch retry --home /a/home -- --all"),
    ],
)
def test_the_retry_can_be_pasted_into_a_shell(name: str, command: str) -> None:
    """Whatever the request was called."""
    job = replace(JOB, name=name, file=f"{name}.toml")

    text = why_text(job, Ending(State.FAILED, "it failed"), HOME)

    assert text.endswith(f"  {command}\n")
    assert f"move {name}.toml back into the inbox" in text


def test_a_value_type_carries_no_surprise() -> None:
    """A new job waits for everything: no request, no pictures, no ending."""
    expected: dict[str, Any] = {"urgent": False, "request": None, "pictures": (), "ending": None}

    assert {key: getattr(JOB, key) for key in expected} == expected
    assert JOB.failures == 0
    assert not JOB.seed_was_drawn

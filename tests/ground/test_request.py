"""What is claimed of requests: what is taken, what is refused, and in which words."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plasma_watch import toml_text
from plasma_watch.config import Config, Limits
from plasma_watch.errors import Code, PlasmaError, Problem
from plasma_watch.request import (
    MANIFEST_TABLES,
    GenerateRequest,
    Request,
    TrainRequest,
    check_request,
    flat,
    read_request,
    schema,
)
from plasma_watch.rules import MAX_SEED, MAX_TRAIN_SEED

LIMITS = Limits()

PICTURE = 'kind = "generate"\nprompt = "spyke"\n'
TRAINING = 'kind = "train"\nlora = "spyke"\ndataset = "datasets/spyke"\ntrigger = "spyke"\n'

GENERATE_EXAMPLE = """
kind = "generate"
workflow = "txt2img-lora"
chapter = 1
page = 3
prompt = "spyke, ginger hair, white cloak, standing"
negative = "lowres, bad anatomy"
seed = 12345
steps = 20
cfg = 7.0
sampler = "euler_ancestral"
scheduler = "normal"
width = 512
height = 768
checkpoint = "anything-v5-PrtRE.safetensors"
count = 1
once = false
note = "free text, kept in the manifest"

[lora]
name = "spyke"
strength = 0.8

[controlnet]
name = "control_v11p_sd15_openpose.pth"
image = "poses/p003.png"
strength = 0.7

[input]
image = "output/ch-01/raw/ch01_p003_v1.png"
denoise = 0.6
"""

TRAIN_EXAMPLE = """
kind = "train"
lora = "spyke"
dataset = "datasets/spyke"
trigger = "spyke"
base = "anything-v5-PrtRE.safetensors"
steps = 1000
resolution = 512
dim = 16
alpha = 8
learning_rate = 1e-4
seed = 42
save_every = 200
regularization = "datasets/reg-character"
samples = ["spyke, portrait, smiling", "spyke, running, full body"]
calibrate = 0
yield_to_urgent = false
batch_size = 1
optimizer = "AdamW"
mixed_precision = "no"
"""

MANIFEST = """
[result]
file = "ch01_p003_v1.png"
seconds = 14.2
sandbox = false

[engine]
version = "0.3.64"

[[models]]
name = "anything-v5-PrtRE.safetensors"
sha256 = "unknown"

[[inputs]]
name = "poses/p003.png"
sha256 = "unknown"

[daemon]
version = "0.1.0"
job = "20261122T041512-p003"

[graph]
json = '{"3": {"class_type": "KSampler", "inputs": {"seed": 1}}}'
template_sha256 = "unknown"
"""


def read(text: str) -> Request:
    """Read a request as the daemon does."""
    request, _ = read_request(text.encode(), LIMITS, "p003.toml")
    return request


def refusal(text: str) -> PlasmaError:
    """Return the error with which a request is refused."""
    with pytest.raises(PlasmaError) as caught:
        read(text)
    return caught.value


def only_problem(text: str) -> Problem:
    """Return the one problem of a request that has exactly one."""
    (problem,) = refusal(text).problems
    return problem


# What is taken.


def test_a_request_for_pictures_may_say_all_that_the_contract_lists() -> None:
    """Every key with the contract's own example, and none of them is lost."""
    table = read(GENERATE_EXAMPLE).model_dump(exclude_none=True, exclude_unset=True)

    assert table == tomllib.loads(GENERATE_EXAMPLE)


def test_a_request_for_a_lora_may_say_all_that_the_contract_lists() -> None:
    """Every key with the contract's own example, and none of them is lost."""
    table = read(TRAIN_EXAMPLE).model_dump(exclude_none=True, exclude_unset=True)

    assert table == tomllib.loads(TRAIN_EXAMPLE)


@pytest.mark.parametrize(
    "line",
    [
        'output = "studies/spyke-cloak"',
        "seed = 18446744073709551615",
        "seed = 0",
        "chapter = 0\npage = 0",
        "width = 768\nheight = 512",
        "width = 16",
        "cfg = 7",
        "allow_changed_models = true",
        'negative = ""',
        "steps = 150",
        "count = 200",
        '[lora]\nname = "spyke-0a1b2c3d.safetensors"\nstrength = -1',
        '[lora]\nname = "characters/spyke.v2"',
        '[controlnet]\nname = "openpose.safetensors"\nimage = "/data/poses/p 003.png"',
        'lora = {name = "spyke"}',
        'lora.name = "spyke"',
        "note = '''\nline\n'''",
        'note = "' + ". " * 50 + '"',
    ],
)
def test_a_picture_may_also_ask_for(line: str) -> None:
    """What the contract allows beyond its examples."""
    assert isinstance(read(PICTURE + line), GenerateRequest)


@pytest.mark.parametrize(
    "line",
    [
        "epochs = 10",
        "calibrate = 50",
        "alpha = 0.5",
        "samples = []",
        'note = "second try"',
        "resolution = 448",
        'regularization = "/data/reg"',
    ],
)
def test_a_training_may_also_ask_for(line: str) -> None:
    """What the contract allows beyond its examples."""
    assert isinstance(read(TRAINING + line), TrainRequest)


def test_what_a_picture_does_not_say_is_left_open() -> None:
    """The config's default is filled in later, so None must not look like a wish."""
    request = read(PICTURE)

    assert request == GenerateRequest(kind="generate", prompt="spyke")
    assert request.model_dump(exclude_none=True, exclude_defaults=True) == {
        "kind": "generate",
        "prompt": "spyke",
    }


def test_a_training_starts_from_the_contracts_defaults() -> None:
    """When only the four needed keys are there."""
    request = read(TRAINING)

    assert isinstance(request, TrainRequest)
    assert (request.resolution, request.dim, request.alpha) == (512, 16, 8)
    assert (request.learning_rate, request.seed, request.save_every) == (1e-4, 42, 200)
    assert (request.steps, request.epochs, request.calibrate) == (None, None, 0)


@pytest.mark.parametrize(
    "raw",
    [
        GENERATE_EXAMPLE.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + GENERATE_EXAMPLE.encode(),
        GENERATE_EXAMPLE.strip().encode(),
        ("# " + "=" * 70 + "\n" + "# " + "." * 70 + GENERATE_EXAMPLE).encode(),
    ],
    ids=["Windows line ends", "byte order mark", "no line end at the end", "ruled comments"],
)
def test_the_same_request_in_another_dress_is_the_same(raw: bytes) -> None:
    """Editors differ; what is asked does not."""
    request, _ = read_request(raw, LIMITS, "p003.toml")

    assert request == read(GENERATE_EXAMPLE)


def test_a_request_comes_with_the_line_of_each_key() -> None:
    """Later checks name lines too."""
    _, lines = read_request(GENERATE_EXAMPLE.encode(), LIMITS, "p003.toml")

    written = GENERATE_EXAMPLE.splitlines()
    assert written[lines["prompt",] - 1].startswith("prompt = ")
    assert written[lines["lora", "strength"] - 1] == "strength = 0.8"


def test_a_manifest_is_a_request() -> None:
    """When it is dropped, its tables are kept for their hashes and are no instructions."""
    request = read(GENERATE_EXAMPLE + MANIFEST)

    told = request.model_dump(include=set(MANIFEST_TABLES))
    assert told == {key: tomllib.loads(MANIFEST)[key] for key in MANIFEST_TABLES}
    assert request.model_dump(exclude=set(MANIFEST_TABLES)) == read(GENERATE_EXAMPLE).model_dump(
        exclude=set(MANIFEST_TABLES)
    )


def test_what_a_manifests_tables_say_is_never_asked_for() -> None:
    """When somebody writes instructions into them."""
    request = read(PICTURE + '[daemon]\nseed = 7\noutput = "../../x"\n[engine]\nsteps = 9999\n')

    assert isinstance(request, GenerateRequest)
    assert (request.seed, request.output, request.steps) == (None, None, None)


# What is refused.


@pytest.mark.parametrize(
    ("raw", "code", "said"),
    [
        ((PICTURE + "note = 'é'").encode("latin-1"), Code.REQUEST_NOT_TEXT, "at line 3"),
        (PICTURE.encode("utf-16"), Code.REQUEST_NOT_TEXT, "UTF-16"),
        (PICTURE.encode() + b"\0", Code.REQUEST_NOT_TEXT, "at line 3"),
        (b"", Code.REQUEST_EMPTY, "is empty"),
        (f"{PICTURE}note = {'[' * 100_000}".encode(), Code.REQUEST_TOO_DEEP, "at line 3"),
        (f"{PICTURE}{'a.' * 100_000}a = 1".encode(), Code.REQUEST_TOO_DEEP, "at line 3"),
        (f"{PICTURE}seed = {'9' * 100_000}".encode(), Code.REQUEST_NOT_TOML, "at line 3"),
        (f"{PICTURE}prompt = 'b'\nnote = ''".encode(), Code.REQUEST_NOT_TOML, "at line 3"),
        (f"{PICTURE}note = “a”".encode(), Code.REQUEST_NOT_TOML, "at line 3"),
    ],
    ids=[
        "latin-1",
        "UTF-16",
        "NUL",
        "empty",
        "arrays without end",
        "a key without end",
        "a number without end",
        "a key twice",
        "curly quotes",
    ],
)
def test_what_cannot_be_read_is_refused(raw: bytes, code: Code, said: str) -> None:
    """With its code, where it is wrong, and the way out."""
    with pytest.raises(PlasmaError) as caught:
        read_request(raw, LIMITS, "p003.toml")

    assert caught.value.code is code
    assert caught.value.message.startswith("p003.toml ")
    assert said in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind = 'inpaint'", "line 1: kind is 'inpaint'"),
        ("kind = 3", "line 1: kind is 3"),
        ("kind = ['generate']", "line 1: kind is ['generate']"),
        ("kind = 'Generate'", "line 1: kind is 'Generate'"),
        ("prompt = 'x'", "kind is missing"),
        ("[kind]\ngenerate = 1", "line 1: kind is {'generate': 1}"),
    ],
)
def test_an_unknown_kind_is_refused(text: str, said: str) -> None:
    """Before anything else, because only the kind says which keys there are."""
    problem = only_problem(text)

    assert problem.code is Code.REQUEST_UNKNOWN_KIND
    assert f"{problem}" == said
    assert 'kind = "generate"' in problem.hint


@pytest.mark.parametrize(
    ("text", "line", "said", "hint"),
    [
        (PICTURE + "promt = 'x'", 3, "promt is not a known key", "Did you mean `prompt`?"),
        (PICTURE + "Steps = 3", 3, "Steps is not a known key", "Did you mean `steps`?"),
        (
            PICTURE + "[lora]\nname = 'a'\nwieght = 1",
            5,
            "lora.wieght is not",
            "Known keys: name, strength.",
        ),
        (PICTURE + "[lroa]\nname = 'a'", 3, "lroa is not a known key", "Did you mean `lora`?"),
        (PICTURE + "[seed]\na = 1", 3, "seed is {'a': 1}; expected", "without quotes"),
        (TRAINING + "triger = 'x'", 5, "triger is not a known key", "Did you mean `trigger`?"),
        (TRAINING + "prompt = 'x'", 5, "prompt is not a known key", "Known keys: alpha, base"),
        (PICTURE + "[result]\n[results]", 4, "results is not a", "Did you mean `result`?"),
        (PICTURE + '"lora.name" = "x"', 3, "lora.name is not a known key", "Did you mean `lora`?"),
    ],
)
def test_an_unknown_key_is_refused(text: str, line: int, said: str, hint: str) -> None:
    """With the nearest one that there is."""
    problem = only_problem(text)

    assert problem.line == line
    assert said in f"{problem}"
    assert hint in problem.hint


WRONG_TYPES: dict[str, list[str]] = {
    "text": ["1", "1.5", "true", "2026-11-22", "[]", "{a = 1}"],
    "whole": ["'1'", "1.5", "true", "2026-11-22T04:15:12Z", "[1]", "{a = 1}", "inf", "nan"],
    "real": ["'1'", "true", "04:15:12", "[1.0]", "{a = 1}", "inf", "-inf", "nan"],
    "flag": ["'true'", "1", "0.0", "[true]"],
    "texts": ["'a'", "[1]", "{a = 1}"],
    "table": ["'spyke'", "1", "[]", "true"],
    "tables": ["'spyke'", "1", "{a = 1}", "['a']"],
}

GENERATE_KEYS = {
    "text": ["workflow", "output", "prompt", "negative", "sampler", "scheduler", "checkpoint"],
    "whole": ["chapter", "page", "seed", "steps", "width", "height", "count"],
    "real": ["cfg"],
    "flag": ["once", "allow_changed_models"],
    "table": ["lora", "controlnet", "input", "result", "engine", "daemon", "graph"],
    "tables": ["models", "inputs"],
}
TRAIN_KEYS = {
    "text": ["lora", "dataset", "trigger", "base", "regularization", "note", "optimizer"],
    "whole": ["steps", "epochs", "resolution", "dim", "seed", "save_every", "calibrate"],
    "real": ["alpha", "learning_rate"],
    "flag": ["yield_to_urgent"],
    "texts": ["samples"],
}


def ill_typed(kind: str, keys: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    """Return kind, key and a value of the wrong type, for each key and wrong type."""
    return [
        (kind, key, value)
        for sort, names in keys.items()
        for key in names
        for value in WRONG_TYPES[sort]
    ]


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [*ill_typed("generate", GENERATE_KEYS), *ill_typed("train", TRAIN_KEYS)],
)
def test_a_value_of_the_wrong_type_is_refused(kind: str, key: str, value: str) -> None:
    """Whatever key it is: nothing is ever taken for what it is not."""
    base = tomllib.loads({"generate": PICTURE, "train": TRAINING}[kind])
    base |= {"chapter": {"page": 1}, "page": {"chapter": 1}}.get(key, {})
    others = toml_text.dumps({name: old for name, old in base.items() if name != key})

    problem = only_problem(f"{others}{key} = {value}\n")

    assert problem.code is Code.REQUEST_BAD_VALUE
    assert problem.field.partition(".")[0] == key
    assert problem.line == len(others.splitlines()) + 1
    assert "; expected " in problem.message
    assert problem.hint


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("seed = -1", "seed is -1; expected at least 0"),
        ("seed = 18446744073709551616", "seed is 18446744073709551616; expected at most"),
        ("steps = 0", "steps is 0; expected at least 1"),
        ("count = 0", "count is 0; expected at least 1"),
        ("width = 513", "width is 513; expected a multiple of 8"),
        ("width = 8", "width is 8; expected at least 16"),
        ("cfg = -0.1", "cfg is -0.1; expected at least 0"),
        ("cfg = 100.5", "cfg is 100.5; expected at most 100"),
        ("workflow = ''", "workflow is ''; expected one line of text"),
        ('sampler = "a\\nb"', "sampler is 'a\ufffdb'; expected one line of text"),
        ("checkpoint = 'x.ckpt'", "is 'x.ckpt'; expected the name of a .safetensors file"),
        ("checkpoint = 'x.safetensors.ckpt'", "expected the name of a .safetensors file"),
        ("checkpoint = '../x.safetensors'", "expected the name of a .safetensors file"),
        ("checkpoint = '/x.safetensors'", "expected the name of a .safetensors file"),
        ("checkpoint = 'a\\\\x.safetensors'", "expected the name of a .safetensors file"),
        ("checkpoint = ''", "checkpoint is ''; expected the name of a .safetensors file"),
        ("lora.name = 'spyke.pt'", "lora.name is 'spyke.pt'; expected a LoRA trained here"),
        ("lora.name = 'spyke.CKPT'", "lora.name is 'spyke.CKPT'; expected a LoRA"),
        ("lora.name = '../spyke'", "lora.name is '../spyke'; expected a LoRA trained here"),
        ("lora.name = ''", "lora.name is ''; expected a LoRA trained here"),
        ("lora = {name = 'a', strength = 10.5}", "lora.strength is 10.5; expected at most 10"),
        ("controlnet = {name = 'c.pt', image = 'a'}", "name is 'c.pt'; expected the name of a"),
        ("controlnet = {name = 'c.ckpt', image = 'a'}", "expected the name of a .safetensors or"),
        ("controlnet = {name = 'c.pth', image = ''}", "controlnet.image is ''; expected one line"),
        ("controlnet = {name = 'c.pth', image = 'a', strength = -1}", "expected at least 0"),
        ("input = {image = 'a', denoise = 1.1}", "input.denoise is 1.1; expected at most 1"),
        ("cfg = 0x" + "f" * 10_000, "cfg is (too long to show); expected a number"),
        ("chapter = 10000\npage = 1", "chapter is 10000; expected at most 9999"),
        ("chapter = 2026-11-22\npage = 1", "chapter is 2026-11-22; expected a whole number"),
    ],
)
def test_a_bad_value_of_a_picture_is_refused(line: str, said: str) -> None:
    """With its line and the way out, and no second problem that the first one brought along."""
    problem = only_problem(PICTURE + line)

    assert problem.code is Code.REQUEST_BAD_VALUE
    assert problem.line == 3
    assert said in f"{problem}"
    assert problem.hint


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("resolution = 500", "resolution is 500; expected a multiple of 64"),
        ("dim = 0", "dim is 0; expected at least 1"),
        ("alpha = 0", "alpha is 0; expected more than 0"),
        ("learning_rate = 1.5", "learning_rate is 1.5; expected at most 1"),
        ("calibrate = 1001", "calibrate is 1001; expected at most 1000"),
        ("base = 'x.ckpt'", "base is 'x.ckpt'; expected the name of a .safetensors file"),
        ("samples = ['a', '']", "samples.1 is ''; expected one line of text"),
        ("samples = [" + "'a'," * 33 + "]", "expected at most 32 of them"),
        ("batch_size = 2", "batch_size is 2; only 1 works here"),
        ("optimizer = 'AdamW8bit'", "optimizer is 'AdamW8bit'; only 'AdamW' works here"),
        ("mixed_precision = 'fp16'", "mixed_precision is 'fp16'; only 'no' works here"),
    ],
)
def test_a_bad_value_of_a_training_is_refused(line: str, said: str) -> None:
    """With its line and the way out."""
    problem = only_problem(TRAINING + line)

    assert problem.code is Code.REQUEST_BAD_VALUE
    assert problem.line == 5
    assert said in f"{problem}"
    assert problem.hint


@pytest.mark.parametrize("name", ["", ".spyke", "-spyke", "a/b", "a b", "ねこ", "a" * 65, "a\\n"])
def test_a_lora_needs_a_name_for_a_folder(name: str) -> None:
    """When the name could be no folder's everywhere, or would be an option or hidden."""
    problem = only_problem(TRAINING.replace('lora = "spyke"', f'lora = "{name}"'))

    assert (problem.code, problem.field, problem.line) == (Code.REQUEST_BAD_VALUE, "lora", 2)
    assert "expected a name of letters, digits" in problem.message


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("steps = 151", Code.REQUEST_OVER_LIMIT, "line 3: steps is 151; at most 150"),
        ("count = 201", Code.REQUEST_OVER_LIMIT, "line 3: count is 201; at most 200"),
        (
            "height = 768\nwidth = 520",
            Code.REQUEST_OVER_LIMIT,
            "line 3: height makes the picture 520x768; at most 512x768, either way round",
        ),
        ("width = 776", Code.REQUEST_OVER_LIMIT, "line 3: width makes the picture 776x?; at most"),
        ("steps = 0x" + "f" * 10_000, Code.REQUEST_OVER_LIMIT, "steps is (too long to show); at"),
        ("width = 0x" + "8" * 10_000, Code.REQUEST_OVER_LIMIT, "the picture (too long to show)x?"),
        (
            "seed = 18446744073709551615\ncount = 2",
            Code.REQUEST_BAD_VALUE,
            "line 3: seed is 18446744073709551615; with count = 2 the last picture's would be over",
        ),
        ("chapter = 1", Code.REQUEST_CONFLICT, "line 3: chapter needs page too"),
        ("page = 1", Code.REQUEST_CONFLICT, "line 3: page needs chapter too"),
        (
            "chapter = 1\npage = 3\noutput = 'a'",
            Code.REQUEST_CONFLICT,
            "line 5: output and chapter with page both say where the picture goes",
        ),
        ("output = '../x'", Code.REQUEST_OUTSIDE, "line 3: output is '../x'; expected a path"),
        ("output = '/tmp/x'", Code.REQUEST_OUTSIDE, "output is '/tmp/x'; expected a path below"),
        ("output = 'a/.hidden/b'", Code.REQUEST_OUTSIDE, "output is 'a/.hidden/b'; expected"),
        (
            "[controlnet]\nname = 'c.pth'\nimage = '../p.png'",
            Code.REQUEST_OUTSIDE,
            "line 5: controlnet.image is '../p.png', which climbs out of its folder",
        ),
        (
            "input.image = 'a/../../p.png'",
            Code.REQUEST_OUTSIDE,
            "line 3: input.image is 'a/../../p.png', which climbs out of its folder",
        ),
        (
            "count = 2\n[sweep]\nseed = [1, 2, 3]",
            Code.REQUEST_CONFLICT,
            "line 3: count and sweep both say how many pictures are made",
        ),
    ],
)
def test_what_breaks_a_rule_is_refused(text: str, code: Code, said: str) -> None:
    """F19: when each value is good by itself and the whole is not: paths that climb out, too."""
    problem = only_problem(PICTURE + text)

    assert problem.code is code
    assert said in f"{problem}"
    assert problem.hint


def test_control_characters_in_an_output_are_refused() -> None:
    """When a file name would carry a line end."""
    problem = only_problem(PICTURE + 'output = "a\\nb"')

    assert (problem.code, problem.line) == (Code.REQUEST_BAD_VALUE, 3)
    assert "a\ufffdb" in problem.message


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("chapter = '1'\npage = 3", "chapter"),
        ("chapter = 1\npage = '3'", "page"),
        ("steps = 20.0", "steps"),
        ("width = '512'\nheight = 768", "width"),
        ("seed = '1'\ncount = 2", "seed"),
        ("output = 3", "output"),
        ("controlnet = {name = 'c.pth', image = 3}", "controlnet.image"),
    ],
)
def test_one_slip_is_told_once(line: str, field: str) -> None:
    """When a rule that needs the value could only repeat that it is wrong."""
    assert only_problem(PICTURE + line).field == field


def test_training_steps_and_epochs_exclude_each_other() -> None:
    """When both say how long it runs, also if one of the two is wrong by itself."""
    both = only_problem(TRAINING + "steps = 1000\nepochs = 10")
    wrong = refusal(TRAINING + "steps = '1000'\nepochs = 10").problems

    assert (both.code, both.field, both.line) == (Code.REQUEST_CONFLICT, "epochs", 6)
    assert [problem.field for problem in wrong] == ["steps", "epochs"]


def test_all_problems_of_a_file_are_told_in_line_order() -> None:
    """When there are many, of every sort, in tables too."""
    error = refusal("""\
kind = "generate"
width = 513
promt = "spyke"
steps = 151
seed = -1
chapter = 1

[lora]
strength = "strong"

[controlnet]
name = "openpose.pt"
image = "../poses/p003.png"
""")

    told = [(problem.line, problem.field, problem.code) for problem in error.problems]
    assert told == [
        (2, "width", Code.REQUEST_BAD_VALUE),
        (3, "promt", Code.REQUEST_UNKNOWN_KEY),
        (4, "steps", Code.REQUEST_OVER_LIMIT),
        (5, "seed", Code.REQUEST_BAD_VALUE),
        (6, "chapter", Code.REQUEST_CONFLICT),
        (8, "lora.name", Code.REQUEST_MISSING_KEY),
        (9, "lora.strength", Code.REQUEST_BAD_VALUE),
        (12, "controlnet.name", Code.REQUEST_BAD_VALUE),
        (13, "controlnet.image", Code.REQUEST_OUTSIDE),
        (0, "prompt", Code.REQUEST_MISSING_KEY),
    ]
    assert error.code is Code.REQUEST_BAD_VALUE
    assert error.message.startswith("p003.toml: line 2: width is 513; expected a multiple of 8; ")
    assert error.message.endswith("; prompt is missing")


def test_thousands_of_unknown_keys_are_refused_in_a_message_to_read() -> None:
    """When a file is full of what no request knows, and a rule is broken behind it all."""
    noise = "".join(f"k{n} = {n}\n" for n in range(5000))

    error = refusal(PICTURE + noise + "[controlnet]\nname = 5\nimage = 5\n")

    assert len(error.message) < 5000
    assert any("more problems like these" in problem.message for problem in error.problems)
    assert [problem.line for problem in error.problems[-2:]] == [5004, 5005]


def test_values_from_a_picture_are_held_to_the_same_rules() -> None:
    """When the table comes from JSON, which knows null and broken characters."""
    table = {"kind": "generate", "prompt": "\ud800", "output": "a\ud800", "seed": None}

    with pytest.raises(PlasmaError) as caught:
        check_request(table, LIMITS, "p003.png", {})

    assert [problem.field for problem in caught.value.problems] == ["output", "prompt"]


TOML_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.text(max_size=5) | st.integers() | st.floats() | st.booleans() | st.dates(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
KNOWN_KEYS = sorted({*GenerateRequest.model_fields, *TrainRequest.model_fields})
ANY_TABLE = st.dictionaries(st.sampled_from(KNOWN_KEYS) | st.text(), TOML_VALUES, max_size=6)


@given(st.sampled_from(["generate", "train"]), ANY_TABLE)
def test_any_table_is_a_request_or_refused(kind: str, table: dict[str, Any]) -> None:
    """Whatever a file says under whatever key, nothing but our own error comes out."""
    text = toml_text.dumps(table | {"kind": kind})
    try:
        read(text)
        problems: tuple[Problem, ...] = ()
    except PlasmaError as error:
        problems = error.problems

    assert all(problem.message for problem in problems)


# What is written and read again.

WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
LINES = WORDS.filter(lambda text: bool(text.strip()))
IMAGES = LINES.filter(lambda text: ".." not in text.split("/"))
PLAIN = st.text(st.sampled_from("abcXYZ059_- éねこ"), min_size=1, max_size=12)
WEIGHTS = PLAIN.map(lambda name: f"{name}.safetensors")
REALS = st.floats(0, 1) | st.integers(0, 1)
STRENGTHS = st.floats(-10, 10) | st.integers(-10, 10)
FACTS = st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(0, 9), max_size=2)


def optional(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Build tables with any of the keys."""
    return st.fixed_dictionaries({}, optional=keys)


PLACES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"chapter": st.integers(0, 9999), "page": st.integers(0, 9999)}),
    st.lists(PLAIN.map(lambda part: f"x{part}"), min_size=1, max_size=3).map(
        lambda parts: {"output": "/".join(parts)}
    ),
)
PARTS = optional(
    lora=st.fixed_dictionaries({"name": PLAIN | WEIGHTS}, optional={"strength": STRENGTHS}),
    controlnet=st.fixed_dictionaries(
        {"name": WEIGHTS, "image": IMAGES}, optional={"strength": st.floats(0, 10)}
    ),
    input=st.fixed_dictionaries({"image": IMAGES}, optional={"denoise": REALS}),
)
OPTIONS = optional(
    workflow=LINES,
    negative=st.text(),
    seed=st.integers(0, MAX_SEED - 200),
    steps=st.integers(1, 150),
    cfg=st.floats(0, 100),
    sampler=LINES,
    scheduler=LINES,
    width=st.integers(2, 64).map(lambda n: n * 8),
    height=st.integers(2, 96).map(lambda n: n * 8),
    checkpoint=WEIGHTS,
    count=st.integers(1, 200),
    once=st.booleans(),
    note=st.text(),
    allow_changed_models=st.booleans(),
    result=FACTS,
    models=st.lists(FACTS, max_size=2),
)
PICTURES = st.builds(
    lambda prompt, *tables: GenerateRequest.model_validate(
        {key: value for table in tables for key, value in table.items()}
        | {"kind": "generate", "prompt": prompt}
    ),
    st.text(),
    OPTIONS,
    PLACES,
    PARTS,
)
TRAININGS = st.builds(
    lambda needed, length, options: TrainRequest.model_validate(
        {"kind": "train"} | needed | length | options
    ),
    st.fixed_dictionaries(
        {
            "lora": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True),
            "dataset": IMAGES,
            "trigger": LINES,
        }
    ),
    optional(steps=st.integers(1, 20_000)) | optional(epochs=st.integers(1, 10_000)),
    optional(
        base=WEIGHTS,
        resolution=st.integers(1, 8).map(lambda n: n * 64),
        dim=st.integers(1, 256),
        alpha=st.floats(0.1, 256),
        learning_rate=st.floats(1e-9, 1),
        seed=st.integers(0, MAX_TRAIN_SEED),
        save_every=st.integers(1, 1000),
        regularization=IMAGES,
        samples=st.lists(LINES, max_size=3),
        calibrate=st.integers(0, 1000),
        yield_to_urgent=st.booleans(),
        note=st.text(),
        result=FACTS,
        chosen=FACTS,
        versions=st.lists(FACTS, max_size=2),
    ),
)


@given(PICTURES | TRAININGS)
def test_a_request_that_is_written_is_read_back(request: Request) -> None:
    """Any that could be made: a manifest is such a writing, and must make the same picture."""
    text = toml_text.dumps(request.model_dump(exclude_none=True))

    assert read(text) == request


# What is told of requests in general.


def test_a_flat_table_has_its_tables_keys_beside_them() -> None:
    """Rules look keys up by one name, wherever they stand."""
    assert flat({"seed": 1, "lora": {"name": "a"}}) == {
        "seed": 1,
        "lora": {"name": "a"},
        "lora.name": "a",
    }


def test_the_schema_of_a_picture_has_the_configs_limits() -> None:
    """When an editor checks with it, it says what the daemon would."""
    config = Config.model_validate({"limits": {"max_steps": 30, "max_count": 9, "max_width": 640}})

    made = schema("generate", config)

    assert most(made, "steps") == 30
    assert most(made, "count") == 9
    assert most(made, "width") == most(made, "height") == 768
    assert most(made, "seed") == MAX_SEED


def test_the_schema_of_a_training_has_the_configs_limits() -> None:
    """When an editor checks with it, it says what the daemon would."""
    config = Config.model_validate(
        {"limits": {"max_train_steps": 500, "max_train_resolution": 384}}
    )

    made = schema("train", config)

    assert most(made, "steps") == 500
    assert most(made, "resolution") == 384
    assert most(made, "seed") == MAX_TRAIN_SEED


def most(made: dict[str, Any], key: str) -> object:
    """Return the maximum of a key, wherever the schema keeps it."""
    prop = made["properties"][key]
    (branch,) = [b for b in prop.get("anyOf", [prop]) if b.get("type") == "integer"]
    return branch["maximum"]


@pytest.mark.parametrize(
    ("kind", "model", "required"),
    [
        ("generate", GenerateRequest, ["kind", "prompt"]),
        ("train", TrainRequest, ["kind", "lora", "dataset", "trigger"]),
    ],
)
def test_a_schema_is_closed_and_knows_every_key(
    kind: str, model: type[GenerateRequest | TrainRequest], required: list[str]
) -> None:
    """When a key is unknown, the editor says so too; every reference in it leads somewhere."""
    made = schema(kind, Config())

    assert made["type"] == "object"
    assert made["additionalProperties"] is False
    assert made["required"] == required
    assert set(made["properties"]) == set(model.model_fields)
    assert references(made) <= {f"#/$defs/{name}" for name in made.get("$defs", {})}


def references(schema_part: object) -> set[str]:
    """Return every `$ref` in a schema."""
    if isinstance(schema_part, list):
        return set().union(*map(references, schema_part))
    if not isinstance(schema_part, dict):
        return set()
    own = {schema_part["$ref"]} if "$ref" in schema_part else set()
    return own.union(*map(references, schema_part.values()))


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (
            "[[controlnet]]\nname = 'a.pth'\nimage = 'a.png'\n" * 2,
            Code.REQUEST_BAD_VALUE,
            "one table",
        ),
        (
            "[controlnet]\nname = 'a.pth'\nimage = 'a.png'\n" * 2,
            Code.REQUEST_NOT_TOML,
            "controlnet",
        ),
    ],
)
def test_two_controlnets_are_refused(text: str, code: Code, said: str) -> None:
    """However they are written: one pose guides a picture."""
    with pytest.raises(PlasmaError) as caught:
        read_request((PICTURE + text).encode(), LIMITS, "p003.toml")

    assert caught.value.code is code
    assert said in caught.value.message

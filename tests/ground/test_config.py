"""What is claimed of the config: its defaults, its file, its environment, its refusals."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from plasma_watch.config import Config, is_loopback, load_config, parse_config
from plasma_watch.errors import Code, PlasmaError
from plasma_watch.shipped import shipped

SHIPPED = shipped("config.toml")


def config(text: str, **environ: str) -> Config:
    """Read a config as the daemon does."""
    return parse_config(text.encode(), environ)


def refusal(text: str, **environ: str) -> PlasmaError:
    """Return the error with which a config is refused."""
    with pytest.raises(PlasmaError) as caught:
        config(text, **environ)
    return caught.value


def sections() -> dict[str, type[BaseModel]]:
    """Return the model of each section."""
    return {name: type(getattr(Config(), name)) for name in Config.model_fields}


# The file that travels with the program.


def test_the_shipped_config_says_exactly_the_defaults() -> None:
    """When nobody changed anything, the file and its absence mean the same."""
    assert load_config(SHIPPED, {}) == Config()


def test_the_shipped_config_names_every_key_and_no_other() -> None:
    """What can be set can be seen."""
    table = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))

    assert {name: set(section) for name, section in table.items()} == {
        name: set(model.model_fields) for name, model in sections().items()
    }


def test_the_shipped_config_explains_every_key() -> None:
    """A comment stands in the line above each."""
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    keys = [n for n, line in enumerate(lines) if re.match(r"[a-z_]+ = ", line)]

    assert len(keys) == sum(len(model.model_fields) for model in sections().values())
    assert [lines[n] for n in keys if not lines[n - 1].startswith("# ")] == []


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "[limits]\n", "\ufeff# marked\n"])
def test_an_empty_config_means_the_defaults(text: str) -> None:
    """Every key has a default."""
    assert config(text) == Config()


# What may be set.


def test_what_the_file_says_wins_over_the_default() -> None:
    """One key changes itself alone."""
    read = config("[limits]\nmax_steps = 30\n")

    assert read.limits.max_steps == 30
    assert read == Config(limits=Config().limits.model_copy(update={"max_steps": 30}))


@pytest.mark.parametrize(
    ("variable", "section", "key", "value"),
    [
        ("COMFYUI_URL", "comfyui", "url", "http://127.0.0.1:9000"),
        ("COMFYUI_DIR", "comfyui", "dir", "/opt/ComfyUI"),
        ("KOHYA_SCRIPT", "kohya", "script", "/opt/sd-scripts/train_network.py"),
        ("KOHYA_PYTHON", "kohya", "python", "/opt/sd-scripts/venv/bin/python"),
    ],
)
@pytest.mark.parametrize("text", ["", '[comfyui]\nurl = "auto"\ndir = "a"\n[kohya]\nscript = "a"'])
def test_the_environment_wins_over_the_file(
    text: str, variable: str, section: str, key: str, value: str
) -> None:
    """Whether or not the file has the section."""
    read = config(text, **{variable: value})

    assert getattr(getattr(read, section), key) == value


def test_an_empty_variable_says_nothing() -> None:
    """A shell exports such easily."""
    assert config('[comfyui]\ndir = "a"', COMFYUI_DIR="").comfyui.dir == "a"


@pytest.mark.parametrize(
    "url",
    [
        "auto",
        "http://localhost:8188",
        "http://LOCALHOST:8188",
        "https://localhost",
        "http://127.0.0.1:8188",
        "http://127.0.0.2:8188",
        "http://[::1]:8188",
        "http://127.0.0.1:8188/comfy",
    ],
)
def test_an_engine_on_this_machine_is_allowed(url: str) -> None:
    """In all the ways in which this machine is called."""
    assert config(f'[comfyui]\nurl = "{url}"').comfyui.url == url


@pytest.mark.parametrize(
    "url",
    ["http://192.168.1.7:8188", "https://gpu.example", "http://0.0.0.0:8188", "http://[fe80::1]"],
)
def test_an_engine_elsewhere_is_refused_unless_allowed(url: str) -> None:
    """Prompts and pictures would travel the network."""
    text = f'[comfyui]\nurl = "{url}"\n'

    error = refusal(text)

    assert error.code is Code.CONFIG_REMOTE_ENGINE
    assert error.message.startswith("config.toml: line 2: comfyui.url names another machine")
    assert "allow_remote = true" in error.hint
    allowed = text + "allow_remote = true\nallow_plain_http = true\n"
    assert config(allowed).comfyui.url == url


def test_an_engine_elsewhere_is_spoken_to_over_https() -> None:
    """Unless it is said that anybody may read it."""
    text = '[comfyui]\nallow_remote = true\nurl = "{}://gpu.example"\n'

    assert config(text.format("https")).comfyui.url == "https://gpu.example"
    error = refusal(text.format("http"))

    assert error.code is Code.CONFIG_REMOTE_ENGINE
    assert "(gpu.example) over http" in error.message
    assert "allow_remote" not in error.hint
    assert "use https, or set `allow_plain_http = true`" in error.hint


def test_password_in_a_wrong_address_is_not_shown() -> None:
    """The error stands in the status and in the log."""
    error = refusal('[comfyui]\nurl = "ftp://me:canary@127.0.0.1"\n')

    assert "canary" not in f"{error.message} {error.hint} {error.problems}"


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104 - nothing is bound
        ("::", False),
        ("192.168.1.7", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_alone(*, host: str, is_here: bool) -> None:
    """What is not known to be this machine counts as another."""
    assert is_loopback(host) is is_here


@pytest.mark.parametrize("root", ["/Volumes/Manga", "~/Pictures", "/data/poses and refs"])
def test_a_root_may_be_any_absolute_folder(root: str) -> None:
    """Also below the user's own home."""
    assert config(f'[paths]\nallowed_roots = ["{root}"]').paths.allowed_roots == [root]


# What is refused.


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("\n[limit]", "line 2: limit is not a known key", "Did you mean `limits`?"),
        ("[limits]\nmax_step = 1", "line 2: limits.max_step is not a known", "`max_steps`"),
        ("[kohya]\nvenv = 1", "line 2: kohya.venv is not a", "required_device, script."),
        ("verbose = true", "line 1: verbose is not a known key", "Known keys: comfyui, defaults"),
        ("limits = 3", "line 1: limits is 3; expected a table", "[limits] on a line"),
        ("comfyui = 3", "line 1: comfyui is 3; expected a table", "[comfyui] on a line"),
        ("[limits]\nmax_steps = '9'", "max_steps is '9'; expected a whole number", "quotes"),
        ("[limits]\nmax_steps = 0", "limits.max_steps is 0; expected at least 1", "larger"),
        ("[memory]\ntrain_gb = inf", "memory.train_gb is inf; expected a number, not inf", "0.8"),
        ("[disk]\nreserve_gb = -1", "disk.reserve_gb is -1; expected at least 0", "larger"),
        ("[intake]\nsettle_seconds = 0", "settle_seconds is 0; expected at least 0.05", "larger"),
        ("[comfyui]\nmanage = 'yes'", "comfyui.manage is 'yes'; expected true or false", "quotes"),
        ("[comfyui]\nrequired_device = 'gpu'", "is 'gpu'; expected 'auto', 'mps', 'cuda'", "one"),
        ("[paths]\noutput = ''", "paths.output is ''; expected a folder", "default"),
        ('[paths]\nloras = "a\\u0000"', "expected a path without control characters", "quotes"),
        ("[paths]\noutput = '~bob/x'", "is '~bob/x'; expected a path; only '~/'", "from '/'"),
        ("[paths]\nallowed_roots = ['a']", "roots.0 is 'a'; expected an absolute path", "~/"),
        ("[paths]\nallowed_roots = '/a'", "allowed_roots is '/a'; expected a list", "brackets"),
        ('[kohya]\nscript = "a\\nb"', "script is 'a\ufffdb'; expected a path without", "quotes"),
        ("[comfyui]\nurl = 'ftp://localhost'", "line 2: comfyui.url is 'ftp://localhost'", "auto"),
        ("[comfyui]\nurl = ''", "comfyui.url is ''; expected an address of http or", "auto"),
        ("[comfyui]\nurl = '127.0.0.1:8188'", "expected an address of http or https", "auto"),
        ("[comfyui]\nurl = 'http://'", "expected an address of http or https", "auto"),
        ("[comfyui]\nurl = 'http://[::1'", "expected an address of http or https", "auto"),
        ("[comfyui]\nurl = 'http://localhost:99999'", "expected an address of http", "auto"),
        ("[comfyui]\nurl = 'http://localhost:0'", "expected an address of http", "auto"),
        ("[comfyui]\nurl = 'http://localhost:x'", "expected an address of http", "auto"),
        ("[comfyui]\nurl = 3", "comfyui.url is 3; expected text", "quotes"),
    ],
)
def test_a_wrong_key_or_value_is_refused(text: str, said: str, hint: str) -> None:
    """With its line, and the nearest key or what was expected."""
    error = refusal(text)

    assert error.code is Code.CONFIG_BROKEN
    assert error.message.startswith("config.toml: line ")
    assert said in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"[paths]\noutput = \xe9", "config.toml is not UTF-8 text (at line 2"),
        ("[paths]".encode("utf-16"), "config.toml is UTF-16 text"),
        (b"\0" * 100, "config.toml holds NUL bytes"),
        (b"[paths\noutput = 1", "config.toml is not valid TOML"),
        (b"[paths]\noutput = output", "(at line 2, column 10)"),
        (b"a = " + b"[" * 1000, "config.toml nests more than 32 levels deep (at line 1)"),
    ],
)
def test_what_is_no_toml_is_refused(raw: bytes, said: str) -> None:
    """Under the config's own code, with a way out that suits a config."""
    with pytest.raises(PlasmaError) as caught:
        parse_config(raw, {})

    assert caught.value.code is Code.CONFIG_BROKEN
    assert said in caught.value.message
    assert "drop" not in caught.value.hint
    assert "Mend what is named" in caught.value.hint


def test_all_problems_of_a_config_are_told_at_once() -> None:
    """In line order, each under the config's own code."""
    error = refusal("[limits]\nmax_steps = 0\nmax_foo = 1\n[disk]\nreserve_gb = 'much'\n")

    assert [(problem.line, problem.field) for problem in error.problems] == [
        (2, "limits.max_steps"),
        (3, "limits.max_foo"),
        (5, "disk.reserve_gb"),
    ]
    assert {problem.code for problem in error.problems} == {Code.CONFIG_BROKEN}
    assert "Mend what is named. Or move config.toml away" in error.hint


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("gpu:8188", Code.CONFIG_BROKEN),
        ("http://gpu.example:8188", Code.CONFIG_REMOTE_ENGINE),
    ],
)
def test_a_wrong_address_in_the_environment_is_blamed_on_it(url: str, code: Code) -> None:
    """When the file is good, it is not the file that has to be mended."""
    error = refusal('[comfyui]\nurl = "auto"', COMFYUI_URL=url)

    assert error.code is code
    assert error.message.startswith("the environment: COMFYUI_URL ")


def test_a_variable_does_not_hide_a_section_that_is_no_table() -> None:
    """When the file is wrong just where the environment would set a key."""
    assert "comfyui is 3; expected a table" in refusal("comfyui = 3", COMFYUI_DIR="/x").message


def test_a_config_that_cannot_be_read_is_broken(tmp_path: Path) -> None:
    """When it is missing, or a folder; the message names its path."""
    for path in (tmp_path / "config.toml", tmp_path):
        with pytest.raises(PlasmaError) as caught:
            load_config(path, {})

        assert caught.value.code is Code.CONFIG_BROKEN
        assert caught.value.message.startswith(f"{path} cannot be read: ")


def test_a_config_is_named_by_its_path(tmp_path: Path) -> None:
    """When it is read from a home, people have several."""
    path = tmp_path / "config.toml"
    path.write_text("[limit]\n")

    with pytest.raises(PlasmaError, match=re.escape(f"{path}: line 1: limit is not a known key")):
        load_config(path, {})


@pytest.mark.parametrize("change", [{"limits": {"max_steps": 9}}, {"limits": None}])
def test_a_config_does_not_change(change: dict[str, Any]) -> None:
    """A change takes a restart; nobody can make one in between."""
    with pytest.raises(ValueError, match="frozen"):
        Config().limits = change["limits"]  # type: ignore[misc]


# An engine of our own.

MANAGED = '[comfyui]\nmanage = true\ndir = "/opt/ComfyUI"\n'


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("[comfyui]\nmanage = true", "config.broken", "comfyui.manage needs comfyui.dir"),
        (f'{MANAGED}arguments = ["--port", "1"]', "config.broken", "names a port"),
        (
            f'{MANAGED}environment = {{ PYTORCH_MPS_HIGH_WATERMARK_RATIO = "1.0" }}',
            "config.broken",
            "one of PyTorch's two watermarks",
        ),
        (f'{MANAGED}arguments = ["--listen"]', "config.remote-engine", "let other machines in"),
        (f'{MANAGED}arguments = ["--listen", "--cpu"]', "config.remote-engine", "line 4"),
        (f'{MANAGED}arguments = ["--listen=0.0.0.0"]', "config.remote-engine", "line 4"),
        (
            f'{MANAGED}arguments = ["--listen", "127.0.0.1", "--listen", "10.0.0.7"]',
            "config.remote-engine",
            "comfyui.arguments",
        ),
        (
            f'{MANAGED}allow_remote = true\nurl = "https://10.0.0.7:8188"',
            "config.broken",
            "another machine's",
        ),
    ],
)
def test_what_cannot_be_looked_after_is_refused(text: str, code: str, said: str) -> None:
    """Before ComfyUI is started in a way that nobody meant."""
    error = refusal(text)

    assert error.code == code
    assert said in error.message


@pytest.mark.parametrize(
    "keys",
    [
        "",
        'arguments = ["--cpu"]',
        'arguments = ["--listen=127.0.0.1"]',
        'url = "http://localhost:9000"',
        'allow_remote = true\narguments = ["--listen"]',
    ],
)
def test_what_can_be_looked_after_is_taken(keys: str) -> None:
    """Also on another port, and open to others if that is meant."""
    assert config(f"{MANAGED}{keys}").comfyui.manage


def test_arguments_count_only_when_we_start_it() -> None:
    """Else they are somebody's notes."""
    assert not config('[comfyui]\narguments = ["--listen"]').comfyui.manage


def test_the_folder_may_come_from_the_environment() -> None:
    """As ever."""
    assert config("[comfyui]\nmanage = true", COMFYUI_DIR="/opt/ComfyUI").comfyui.manage

"""The plists and the way to launchd, as far as they can be judged without a Mac."""

from __future__ import annotations

import plistlib
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plasma_watch.errors import Code, PlasmaError
from plasma_watch.system import launchd, plists
from plasma_watch.system.launchd import Launchd
from plasma_watch.system.services import COMFYUI, DAEMON, State, Unit
from tests.fakes.launchd import FakeLaunchctl

NAMES = [DAEMON, COMFYUI]
LABEL = "com.plasma-watch.daemon"
BUSY = (5, "Bootstrap failed: 5: Input/output error\n")


def unit(name: str = DAEMON, folder: Path = Path("/Users/ada/Plasma & <Watch>")) -> Unit:
    """Return a service with a path that XML has to escape."""
    sleeper = "import signal, time; signal.signal(15, lambda *_: exit(0)); time.sleep(600)"
    return Unit(name, (sys.executable, "-c", sleeper), folder)


@pytest.fixture
def agents(tmp_path: Path) -> Launchd:
    """Launchd for a user of the test's own; it looks again without a pause worth the name."""
    return Launchd(501, tmp_path, lambda _: None)


@pytest.fixture(params=NAMES)
def plist(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what launchd would read, for each service."""
    found: dict[str, Any] = plistlib.loads(text(request.param).encode())
    return found


def text(name: str) -> str:
    """Return the file of a service."""
    return Launchd(501, Path("/Users/ada")).text(unit(name))


# The plists.


def test_every_key_has_the_type_that_launchd_wants(plist: dict[str, Any]) -> None:
    """No other key is there, every integer is one, every place is filled."""
    assert plists.problems(plist) == []


def test_a_stop_stays_stopped_and_a_kill_comes_back(plist: dict[str, Any]) -> None:
    """Exactly this: more keys are ORed, and would bring a stopped daemon back."""
    assert plist["KeepAlive"] == {"SuccessfulExit": False}
    assert plist["RunAtLoad"] is True


def test_nothing_slows_it_down(plist: dict[str, Any]) -> None:
    """Any other process type, and Nice or low-priority I/O, would."""
    assert plist["ProcessType"] == "Interactive"
    assert plist["ExitTimeOut"] == 60
    assert plist["ThrottleInterval"] == 30
    assert plist["Umask"] == 0o077


def test_what_is_run_is_said_in_whole_paths(plist: dict[str, Any]) -> None:
    """With a folder that XML has to escape; nothing is left for a shell to expand."""
    assert plist["WorkingDirectory"] == "/Users/ada/Plasma & <Watch>"
    assert plist["ProgramArguments"] == list(unit().command)
    assert plist["StandardErrorPath"].startswith("/Users/ada/Library/Logs/plasma-watch/")


def test_the_environment_holds_texts_and_no_secret(plist: dict[str, Any]) -> None:
    """Homebrew's tools are found, Python says at once what it says."""
    environment = plist["EnvironmentVariables"]

    assert environment["PATH"].startswith("/opt/homebrew/bin:")
    assert environment["PYTHONUTF8"] == environment["PYTHONUNBUFFERED"] == "1"
    assert len(environment) == 4


def test_the_daemon_knows_that_it_is_supervised() -> None:
    """So that it waits out what would only loop; ComfyUI may do what Metal cannot."""
    daemon, comfyui = (
        plistlib.loads(text(name).encode())["EnvironmentVariables"] for name in NAMES
    )

    assert daemon["PLASMA_SUPERVISED"] == "1"
    assert comfyui["PYTORCH_ENABLE_MPS_FALLBACK"] == "1"


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_named_after_its_label(repository: Path, name: str) -> None:
    """As launchd's tools expect."""
    template = repository / "launchd" / f"com.plasma-watch.{name}.plist"

    assert plistlib.loads(template.read_bytes())["Label"] == template.stem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ExitTimeOut": "60"}, "ExitTimeOut is str, not int"),
        ({"RunAtLoad": 1}, "RunAtLoad is int, not bool"),
        ({"ExitTimeOut": True}, "ExitTimeOut is bool, not int"),
        ({"KeepAlive": True}, "KeepAlive is bool, not dict"),
        ({"Crashed": True}, "Crashed is not a key of ours"),
        ({"Label": None}, "Label is NoneType, not str"),
        ({"KeepAlive": {"SuccessfulExit": True}}, "KeepAlive is exactly"),
        ({"KeepAlive": {"SuccessfulExit": False, "Crashed": False}}, "KeepAlive is exactly"),
        ({"ExitTimeOut": 0}, "are positive"),
        ({"ProcessType": "interactive"}, "ProcessType is one"),
        ({"WorkingDirectory": "~/PlasmaWatch"}, "the paths are absolute"),
        ({"ProgramArguments": ["python", "-m", "x"]}, "the paths are absolute"),
        ({"ProgramArguments": ["/x", 1]}, "texts only"),
        ({"StandardErrorPath": "/x/@LOG@"}, "every place is filled"),
    ],
)
def test_a_wrong_value_is_found(change: dict[str, Any], said: str) -> None:
    """Launchd itself says nothing of it."""
    wrong = plists.problems(plistlib.loads(text(DAEMON).encode()) | change)

    assert any(said in problem for problem in wrong)


def test_a_missing_key_is_found() -> None:
    """Each of them."""
    assert len(plists.problems({})) == 13


@pytest.mark.skipif(not shutil.which("plistutil"), reason="plistutil is not installed")
@pytest.mark.parametrize("name", NAMES)
def test_another_reader_reads_the_same(tmp_path: Path, name: str) -> None:
    """Libplist makes a binary plist of it, and XML of that again."""
    (tmp_path / "a").write_text(text(name), "utf-8")
    for source, target, kind in (("a", "b", "bin"), ("b", "c", "xml")):
        command = ["plistutil", "-i", str(tmp_path / source), "-o", str(tmp_path / target)]
        subprocess.run([*command, "-f", kind], check=True)

    assert plistlib.loads((tmp_path / "c").read_bytes()) == plistlib.loads(text(name).encode())


@pytest.mark.skipif(not Path("/usr/bin/plutil").exists(), reason="this is not a Mac")
@pytest.mark.parametrize("name", NAMES)
def test_apples_own_reader_has_no_objection(tmp_path: Path, name: str) -> None:
    """Syntax only."""
    (tmp_path / "a.plist").write_text(text(name), "utf-8")

    subprocess.run(["/usr/bin/plutil", "-lint", tmp_path / "a.plist"], check=True)


# What launchctl says.

STOPPED = """gui/501/com.plasma-watch.daemon = {
\tactive count = 0
\tstate = not running
\truns = 3
\tlast exit code = 78: EX_CONFIG

\tresource coalition = {
\t\tstate = active
\t\tpid = 7
\t}
}
"""


def test_only_the_top_level_is_read() -> None:
    """Inner blocks repeat the names."""
    facts = launchd.read_print(STOPPED)

    assert facts["state"] == "not running"
    assert facts["last exit code"] == "78: EX_CONFIG"
    assert "pid" not in facts


@pytest.mark.parametrize("said", ["", "nonsense", "Could not find service", "\t = \n\tx =\n"])
def test_what_is_not_understood_is_unknown(said: str) -> None:
    """Its output is no API."""
    assert launchd.read_print(said) == {}


@pytest.mark.parametrize(
    ("said", "is_off"),
    [
        ('\tdisabled services = {\n\t\t"com.plasma-watch.daemon" => disabled\n\t}', True),
        ('\tdisabled services = {\n\t\t"com.plasma-watch.daemon" => true\n\t}', True),
        ('\tdisabled services = {\n\t\t"com.plasma-watch.daemon" => enabled\n\t}', False),
        ('\tdisabled services = {\n\t\t"com.plasma-watch.daemon" => false\n\t}', False),
        ('\tdisabled services = {\n\t\t"com.other" => disabled\n\t}', False),
        ("", None),
    ],
)
def test_a_service_that_is_switched_off_is_seen(said: str, *, is_off: bool | None) -> None:
    """In the words of older and newer systems."""
    assert launchd.is_disabled(said, LABEL) is is_off


@pytest.mark.parametrize(
    ("code", "hint"),
    [(125, "log in there first"), (5, "Login Items"), (None, "PATH"), (37, "in a minute")],
)
def test_a_refusal_has_a_way_out(code: int | None, hint: str) -> None:
    """By its number."""
    assert hint in launchd.why_not(code, "said")[1]


# The way there.


def test_install_writes_loads_and_verifies(
    agents: Launchd, launchctl: FakeLaunchctl, tmp_path: Path
) -> None:
    """Enabled first, taken out, loaded; the file is the user's, and the log's folder is there."""
    launchctl.disabled.add(LABEL)

    agents.install(unit(folder=tmp_path))

    file = tmp_path / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    assert launchctl.verbs() == ["enable", "bootout", "bootstrap"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert (tmp_path / "Library" / "Logs" / "plasma-watch").is_dir()
    process = launchctl.launchd.process
    assert process
    assert agents.state(DAEMON) == State(
        is_installed=True,
        file=file,
        is_loaded=True,
        is_enabled=True,
        pid=process.pid,
        words="running",
        runs=1,
    )


def test_install_waits_for_what_is_on_its_way_out(
    agents: Launchd, launchctl: FakeLaunchctl, tmp_path: Path
) -> None:
    """For some seconds after it was taken out, a service cannot be loaded again."""
    agents.install(unit(folder=tmp_path))
    launchctl.refusals = {
        "bootstrap": [BUSY, BUSY, (37, "Operation already in progress\n")],
        "print": [(0, ""), (0, "")],
    }

    agents.install(unit(folder=tmp_path))

    assert agents.state(DAEMON).pid
    assert launchctl.refusals == {"bootstrap": [], "print": []}


def test_install_with_nobody_at_the_screen_says_so(
    agents: Launchd, launchctl: FakeLaunchctl, tmp_path: Path
) -> None:
    """Over ssh there may be no session to load it into."""
    said = "Bootstrap failed: 125: Domain does not support specified action\n"
    launchctl.refusals = {"bootstrap": [(125, said)]}

    with pytest.raises(PlasmaError, match="125") as caught:
        agents.install(unit(folder=tmp_path))

    assert caught.value.code is Code.DAEMON_SERVICE
    assert "log in there first" in caught.value.hint


def test_a_failed_install_takes_its_plist_back(
    agents: Launchd, launchctl: FakeLaunchctl, tmp_path: Path
) -> None:
    """The next log-in would load it; an older one stays, word for word."""
    refusal = (125, "Bootstrap failed: 125: Domain does not support specified action\n")
    launchctl.refusals = {"bootstrap": [refusal]}
    with pytest.raises(PlasmaError):
        agents.install(unit(folder=tmp_path))
    was_taken_back = not agents.file(DAEMON).exists()

    agents.install(unit(folder=tmp_path))
    before = agents.file(DAEMON).read_bytes()
    launchctl.refusals = {"bootstrap": [refusal]}
    with pytest.raises(PlasmaError):
        agents.install(unit(folder=tmp_path / "elsewhere"))

    assert was_taken_back
    assert agents.file(DAEMON).read_bytes() == before


def test_uninstall_removes_the_plist_in_any_case(
    agents: Launchd, launchctl: FakeLaunchctl, tmp_path: Path
) -> None:
    """What launchd said is told."""
    agents.install(unit(folder=tmp_path))
    launchctl.refusals = {"bootout": [(150, "Operation not permitted\n")]}

    with pytest.raises(PlasmaError, match="plist is removed, but launchd did not let go of it"):
        agents.uninstall(DAEMON)

    assert not agents.file(DAEMON).exists()


def test_a_service_that_does_not_come_up_is_told(
    agents: Launchd, launchctl: FakeLaunchctl, tmp_path: Path
) -> None:
    """It is loaded, and its process ends at once."""
    dead = Unit(DAEMON, (sys.executable, "-c", "raise SystemExit(78)"), tmp_path)

    with pytest.raises(PlasmaError, match="did not come up"):
        agents.install(dead)
    launchctl.launchd.unload()


def test_a_wrong_plist_is_never_written(agents: Launchd, tmp_path: Path) -> None:
    """A path that launchd would not expand."""
    with pytest.raises(PlasmaError, match="absolute"):
        agents.install(Unit(DAEMON, ("python",), tmp_path))

    assert not (tmp_path / "Library").exists()


def test_a_folder_that_cannot_be_made_is_told(
    agents: Launchd, launchctl: FakeLaunchctl, tmp_path: Path
) -> None:
    """Nothing is loaded then."""
    (tmp_path / "Library").write_text("")

    with pytest.raises(PlasmaError, match="cannot be written"):
        agents.install(unit(folder=tmp_path))
    assert launchctl.asked == []


def test_stop_and_start(agents: Launchd, launchctl: FakeLaunchctl, tmp_path: Path) -> None:
    """It stays loaded and stopped; a second start finds it running."""
    agents.install(unit(folder=tmp_path))

    agents.stop(DAEMON)

    state = agents.state(DAEMON)
    assert (state.is_loaded, state.words, state.pid) == (True, "not running", None)
    assert state.last_exit == "0"
    agents.start(DAEMON)
    agents.start(DAEMON)
    assert agents.state(DAEMON).runs == 2
    assert launchctl.launchd.ends == [0]


def test_start_loads_what_is_not_loaded(
    agents: Launchd, launchctl: FakeLaunchctl, tmp_path: Path
) -> None:
    """After somebody took it out by hand."""
    agents.install(unit(folder=tmp_path))
    launchctl.launchd.unload()

    agents.start(DAEMON)

    assert agents.state(DAEMON).pid


def test_uninstall_removes_the_file_and_nothing_else(
    agents: Launchd, launchctl: FakeLaunchctl, tmp_path: Path
) -> None:
    """A second time there is nothing to remove."""
    agents.install(unit(folder=tmp_path))

    agents.uninstall(DAEMON)

    assert agents.state(DAEMON) == State(
        is_installed=False,
        file=agents.file(DAEMON),
        is_loaded=False,
        is_enabled=True,
        words="not loaded",
    )
    assert not launchctl.launchd.is_running
    with pytest.raises(PlasmaError) as caught:
        agents.uninstall(DAEMON)
    assert caught.value.code is Code.DAEMON_NOT_INSTALLED


@pytest.mark.usefixtures("launchctl")
def test_what_is_not_installed_is_not_started(agents: Launchd) -> None:
    """The way out is named."""
    with pytest.raises(PlasmaError) as caught:
        agents.start(COMFYUI)

    assert caught.value.code is Code.DAEMON_NOT_INSTALLED
    assert caught.value.hint.startswith("`plasma-watch service install --comfyui`")


@pytest.mark.parametrize(
    ("verb", "act"), [("kill", "stop"), ("kickstart", "start"), ("bootout", "uninstall")]
)
def test_other_refusals_are_passed_on(
    agents: Launchd, launchctl: FakeLaunchctl, tmp_path: Path, verb: str, act: str
) -> None:
    """In launchd's own words."""
    agents.install(unit(folder=tmp_path))
    launchctl.refusals = {verb: [(150, "Operation not permitted while System Integrity…\n")]}

    with pytest.raises(PlasmaError, match="not permitted") as caught:
        getattr(agents, act)(DAEMON)

    assert "launchctl error 150" in caught.value.hint


def test_without_launchctl_everything_is_unknown(
    agents: Launchd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on this machine; nothing is raised by looking."""
    monkeypatch.setenv("PATH", str(tmp_path))

    state = agents.state(DAEMON)

    assert (state.is_loaded, state.is_enabled, state.words) == (None, None, "unknown")


def test_the_meanings_are_told(agents: Launchd) -> None:
    """Log-in, stop, disabling, uninstalling."""
    told = " ".join(f"{what} {means}" for what, means in agents.meanings(DAEMON))

    for word in (
        "log-in",
        "launchctl stop",
        "disable gui/501/com.plasma-watch.daemon",
        "uninstall",
    ):
        assert word in told

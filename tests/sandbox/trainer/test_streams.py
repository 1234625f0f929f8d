"""The comparison overlooks time, losses and line breaks, and nothing else."""

import pytest

from .streams import Said, differences, events

STEP = "\rsteps:  50%|█████     | 1/2 [00:01<00:01,  1.00s/it, avr_loss={}]"
TIME = "2026-11-22 04:23:34"
NO_TIME = " " * 19


def line(text: str, time: str = NO_TIME, level: str = "INFO    ", place: str = "a.py:1") -> str:
    """Write a line of the log."""
    return f"{time} {level} {text}    {place}\n"


BARS = (
    "\r  0%|          | 0/6 [00:00<?, ?it/s]",
    "\r 50%|█████     | 3/6 [00:00<00:00, 9.00it/s]",
    "\r100%|██████████| 6/6 [00:00<00:00, 30.00it/s]\n",
)
TRACEBACK = 'Traceback (most recent call last):\n  File "{}", line 1\n    b()\n'
LAUNCHER = TRACEBACK.format("/venv/bin/accelerate") + "subprocess.CalledProcessError: x\n"


@pytest.mark.parametrize(
    ("recorded", "heard"),
    [
        (STEP.format("1.14"), STEP.format("0.0983")),
        (STEP.format("1.14"), STEP.format("1.2e+3").replace("1.00s/it", "9.01it/s")),
        (line("one two", TIME), line("one two")),
        (line("one two"), line("one").replace("\n", f"\n{' ' * 29}two   \n")),
        (STEP.format("1.14") + line("one", TIME), STEP.format("1.14") + "\n" + line("one")),
        ("".join(BARS), BARS[0] + BARS[-1]),
        (TRACEBACK.format("/a") + "KeyError: 1\n", "KeyError: 1\n"),
        ("KeyError: 1\n" + LAUNCHER, "KeyError: 1\n"),
    ],
)
def test_time_and_chance_do_not_count(recorded: str, heard: str) -> None:
    """Nor what hangs on them."""
    assert differences(events(recorded), events(heard)) == []


@pytest.mark.parametrize(
    ("recorded", "heard"),
    [
        (STEP.format("1.14"), STEP.format("nan")),
        (STEP.format("1.14"), STEP.format("1.14").replace(", avr_loss=1.14", "")),
        (STEP.format("1.14"), STEP.format("1.14") * 2),
        (STEP.format("1.14"), STEP.format("1.14").replace("1/2", "2/2")),
        (line("one"), line("two")),
        (line("one"), line("one", level="WARNING ")),
        (line("one"), line("one", place="a.py:2")),
        (line("one") + line("two"), line("two") + line("one")),
        (line("one"), ""),
        ("KeyError: 1\n", "KeyError: 2\n"),
    ],
)
def test_all_else_counts(recorded: str, heard: str) -> None:
    """Text, level, place, order, and how often a step is drawn."""
    assert differences(events(recorded), events(heard)) != []


def test_bar_and_line_share_a_segment() -> None:
    """Nothing ends a bar but what comes next."""
    told = list(
        events(f"{STEP.format('1.14')}{TIME} INFO     model saved.   train_network.py:1729\n")
    )

    assert told == [
        Said("bar", "1/2 avr_loss=#", "steps"),
        Said("INFO", "modelsaved.", "train_network.py:1729"),
    ]

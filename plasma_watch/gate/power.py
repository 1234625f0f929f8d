"""May a training start on this power? Pure: the battery in, a verdict out.

A page takes a minute and may always be made; a training takes hours and would empty it.
"""

from __future__ import annotations

from dataclasses import dataclass

from plasma_watch.config import Power
from plasma_watch.errors import Code
from plasma_watch.gate.memory import Start, Wait


@dataclass(frozen=True, slots=True)
class Battery:
    """How full it is, and whether the machine is plugged in; None is unknown."""

    percent: float
    is_plugged: bool | None


def verdict(power: Power, battery: Battery | None) -> Start | Wait:
    """Judge for a training; a machine without a battery is plugged in."""
    if battery is None or battery.is_plugged is not False:
        return Start()
    if not power.train_on_battery:
        why = f"waits for the mains: the machine runs on its battery ({battery.percent:.0f} %)"
        return Wait(Code.TRAINER_ON_BATTERY, why)
    if battery.percent < power.train_battery_percent:
        least = power.train_battery_percent
        why = f"waits for the battery: {battery.percent:.0f} %, {least} % is the least"
        return Wait(Code.TRAINER_ON_BATTERY, why)
    return Start()

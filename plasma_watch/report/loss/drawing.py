"""The picture of a training's losses; the one module of the house that loads a plotting library."""

import io

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plasma_watch.report.loss import Losses
from plasma_watch.report.loss.curve import Curve, curve, limits, marked

INCHES = (8.0, 5.0)
DOTS_AN_INCH = 100
LONGEST_NAME = 34
CROWDED = 3000
"""From so many steps on, a line as wide as otherwise would be a wall."""
RAW, SMOOTH, EPOCH, BROKEN = "#9db7d5", "#1f4e8c", "#8a8a8a", "#c0392b"


def png(losses: Losses) -> bytes:
    """Draw the losses as a PNG of 800 by 500."""
    shown = curve(losses.points)
    figure = Figure(figsize=INCHES, dpi=DOTS_AN_INCH, layout="constrained")
    axes = figure.add_subplot()
    _draw_epochs(axes, losses)
    _draw_losses(axes, shown)
    # Names are anything: what looks like a formula is none.
    axes.set_title(_title(losses, shown), fontsize=13, parse_math=False)
    axes.set_xlabel("step (dashed: the ends of epochs)" if losses.epochs else "step")
    axes.set_ylabel("loss")
    axes.grid(visible=True, axis="y", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _draw_losses(axes: Axes, shown: Curve) -> None:
    if shown.broken is not None:
        axes.axvline(shown.broken, color=BROKEN, label=f"no number at step {shown.broken}")
    if not shown.losses:
        axes.text(0.5, 0.5, "no losses", transform=axes.transAxes, ha="center", va="center")
        return
    dot = "." if len(shown.losses) == 1 else ""
    thin = 0.8 if len(shown.losses) < CROWDED else 0.3
    axes.plot(shown.steps, shown.losses, dot, ls="-", lw=thin, color=RAW, label="each step")
    axes.plot(shown.steps, shown.smooth, dot, ls="-", lw=2.2, color=SMOOTH, label="smoothed")
    axes.set_ylim(limits(shown))
    axes.legend(loc="upper right", framealpha=0.9, fontsize=9)


def _draw_epochs(axes: Axes, losses: Losses) -> None:
    for number, step in marked(losses.epochs):
        axes.axvline(step, color=EPOCH, lw=0.8, ls=(0, (4, 3)), alpha=0.7)
        axes.annotate(
            str(number),
            (step, 0),
            xycoords=("data", "axes fraction"),
            xytext=(-3, 3),
            textcoords="offset points",
            ha="right",
            fontsize=9,
            color=EPOCH,
        )
    if losses.epochs:
        axes.set_xlim(left=0)


def _title(losses: Losses, shown: Curve) -> str:
    name = losses.name
    name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    if not shown.losses:
        return name
    return f"{name}: smoothed loss {shown.smooth[-1]:.3g} at step {shown.steps[-1]}"

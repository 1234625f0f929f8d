"""What a training went through, read as its file grows."""

from __future__ import annotations

from pathlib import Path

from plasma_watch.report.history import History, losses


def test_rows_come_as_they_are_written(tmp_path: Path) -> None:
    """Half a line is waited for; what was read is kept."""
    path = tmp_path / "history.jsonl"
    history = History(path)
    assert history.rows() == []

    with path.open("a") as file:
        file.write('{"step": 1, "loss": 0.3}\n{"step": 2, ')
        file.flush()
        assert history.rows() == [{"step": 1, "loss": 0.3}]

        file.write('"loss": 0.2}\n')
        file.flush()
        assert losses(history.rows()) == [(1, 0.3), (2, 0.2)]


def test_lines_that_are_none_are_left_out(tmp_path: Path) -> None:
    """A crash cuts them, people write them."""
    path = tmp_path / "history.jsonl"
    path.write_text('{"attempt": 1}\n{"st\n[1]\n\n{"step": 1, "loss": null}\n{"step": "x"}\n')

    rows = History(path).rows()

    assert rows == [{"attempt": 1}, {"step": 1, "loss": None}, {"step": "x"}]
    assert losses(rows) == []

"""What is wrong is said in the engine's words: clients show them, and some read them."""

from plasma_watch.sandbox import reasons

WIDTH = ["INT", {"min": 16, "max": 64}]


def test_reason_names_input_and_value() -> None:
    """With the input's description, for whoever wants to explain it."""
    assert reasons.too_small("width", WIDTH, 0) == {
        "type": "value_smaller_than_min",
        "message": "Value 0 smaller than min of 16",
        "details": "width",
        "extra_info": {"input_name": "width", "input_config": WIDTH, "received_value": 0},
    }
    assert reasons.too_big("width", WIDTH, 99)["message"] == "Value 99 bigger than max of 64"


def test_short_list_is_shown() -> None:
    """So that a person can choose from it."""
    reason = reasons.not_in_list("mode", [["a", "b"]], "c")

    assert reason["details"] == "mode: 'c' not in ['a', 'b']"
    assert reason["extra_info"]["input_config"] == [["a", "b"], {}]


def test_long_list_is_only_counted() -> None:
    """From 21 choices on."""
    reason = reasons.not_in_list("mode", [[f"{n}" for n in range(21)]], "c")

    assert reason["details"] == "mode: 'c' not in (list of length 21)"
    assert reason["extra_info"]["input_config"] is None


def test_crash_tells_its_type_and_where() -> None:
    """The engine shows its own traceback to everybody."""
    graph: dict[str, int] = {}
    try:
        graph["99"]
    except KeyError as exc:
        reason = reasons.source_crashed("samples", ["LATENT"], ["3", 0], exc)

    assert reason["details"] == "'99'"
    assert reason["extra_info"]["exception_type"] == "KeyError"
    assert reason["extra_info"]["linked_node"] == ["3", 0]
    assert "test_reasons.py" in reason["extra_info"]["traceback"][0]


def test_crash_of_an_output_blames_no_link() -> None:
    """Nobody stands behind it."""
    reason = reasons.output_crashed(KeyError("99"))

    assert set(reason["extra_info"]) == {"exception_type", "traceback"}

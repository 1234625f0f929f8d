"""What is wrong with a graph, in the engine's own words: clients read them."""

import traceback
from typing import Any

from plasma_watch.sandbox.faults import reported_type
from plasma_watch.sandbox.graph import Json

LONGEST_LIST_SHOWN = 20


def refusal(kind: str, message: str, details: str = "") -> Json:
    """Refuse a whole graph."""
    return _reason(kind, message, details)


def missing(name: str) -> Json:
    """Say that a required input is not there."""
    return _reason("required_input_missing", "Required input is missing", name, input_name=name)


def bad_link(name: str, description: list[Any], link: list[Any]) -> Json:
    """Say that a list is no link."""
    message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
    return _reason("bad_linked_input", message, name, **_about(name, description, link))


def mismatch(name: str, description: list[Any], link: list[Any], received: object) -> Json:
    """Say that a link brings something else than the input takes."""
    return _reason(
        "return_type_mismatch",
        "Return type mismatch between linked nodes",
        f"{name}, received_type({received}) mismatch input_type({description[0]})",
        input_name=name,
        input_config=config(description),
        received_type=received,
        linked_node=link,
    )


def not_a(kind: str, name: str, description: list[Any], value: object, exc: Exception) -> Json:
    """Say that a value cannot be made into what the input takes."""
    message = f"Failed to convert an input value to a {kind} value"
    details = f"{name}, {value}, {exc}"
    about = _about(name, description, value)
    return _reason("invalid_input_type", message, details, exception_message=str(exc), **about)


def too_small(name: str, description: list[Any], value: object) -> Json:
    """Say that a number is below the input's range."""
    message = f"Value {value} smaller than min of {description[1]['min']}"
    return _reason("value_smaller_than_min", message, name, **_about(name, description, value))


def too_big(name: str, description: list[Any], value: object) -> Json:
    """Say that a number is above the input's range."""
    message = f"Value {value} bigger than max of {description[1]['max']}"
    return _reason("value_bigger_than_max", message, name, **_about(name, description, value))


def not_in_list(name: str, description: list[Any], value: object) -> Json:
    """Say that a value is none of the choices; long lists of choices are not repeated."""
    choices = description[0]
    short = len(choices) <= LONGEST_LIST_SHOWN
    shown = str(choices) if short else f"(list of length {len(choices)})"
    details = f"{name}: '{value}' not in {shown}"
    about = _about(name, description, value)
    if not short:
        about["input_config"] = None
    return _reason("value_not_in_list", "Value not in list", details, **about)


def no_such_picture(name: str, value: object) -> Json:
    """Say that a picture to load is not there."""
    return _reason(
        "custom_validation_failed",
        "Custom validation failed for node",
        f"{name} - Invalid image file: {value}",
        input_name=name,
    )


def output_crashed(exc: Exception) -> Json:
    """Say that checking an output node itself broke down."""
    return _crash("exception_during_validation", "Exception when validating node", exc)


def source_crashed(name: str, description: list[Any], link: list[Any], exc: Exception) -> Json:
    """Say that checking a node behind a link broke down."""
    kind, message = "exception_during_inner_validation", "Exception when validating inner node"
    reason = _crash(kind, message, exc)
    reason["extra_info"] |= {
        "input_name": name,
        "input_config": config(description),
        "exception_message": str(exc),
        "linked_node": link,
    }
    return reason


def config(description: list[Any]) -> list[Any]:
    """Show an input's description in full: what it takes, and the rest."""
    return [description[0], description[1] if len(description) > 1 else {}]


def _about(name: str, description: list[Any], value: object) -> Json:
    return {
        "input_name": name,
        "input_config": config(description),
        "received_value": value,
    }


def _crash(kind: str, message: str, exc: Exception) -> Json:
    return _reason(
        kind,
        message,
        str(exc),
        exception_type=reported_type(exc),
        traceback=traceback.format_tb(exc.__traceback__),
    )


def _reason(kind: str, message: str, details: str, **extra_info: object) -> Json:
    return {"type": kind, "message": message, "details": details, "extra_info": extra_info}

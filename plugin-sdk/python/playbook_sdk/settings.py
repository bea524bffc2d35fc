"""Settings: declared once with default, rules and meaning; from that come their JSON Schema and their check."""

import json
import math
from types import SimpleNamespace
from typing import Any

from .faults import Problems

INTEGER_LEAST, INTEGER_MOST = -(2**63), 2**63 - 1


class Setting:
    """One setting; `setting.integer(..)` and its siblings make it."""

    def __init__(self, schema: dict[str, Any], default: Any, about: str = "", entry: "Setting | None" = None) -> None:
        self.schema = {"description": about, **schema} if about else schema
        self.default = default
        self.entry = entry


def _present(**rules: Any) -> dict[str, Any]:
    return {name: rule for name, rule in rules.items() if rule is not None}


def _lengths(least_name: str, most_name: str, length: tuple[int, int | None] | None) -> dict[str, int]:
    least, most = length or (0, None)
    return _present(**{least_name: least or None, most_name: most})


class setting:
    """What settings may hold. The first argument is the default; bounds are inclusive; `about` is shown by the host."""

    @staticmethod
    def flag(default: bool, *, about: str = "") -> Setting:
        """True or false."""
        return Setting({"type": "boolean"}, default, about)

    @staticmethod
    def integer(default: int, *, least: int = INTEGER_LEAST, most: int = INTEGER_MOST, about: str = "") -> Setting:
        """An integer of 64 bits."""
        return Setting({"type": "integer", "minimum": least, "maximum": most}, default, about)

    @staticmethod
    def real(
        default: float, *, least: float | None = None, most: float | None = None, above: float | None = None, about: str = ""
    ) -> Setting:
        """A number; `above` is a bound that it must exceed."""
        return Setting({"type": "number"} | _present(minimum=least, maximum=most, exclusiveMinimum=above), default, about)

    @staticmethod
    def text(default: str, *, length: tuple[int, int | None] | None = None, about: str = "") -> Setting:
        """A text, with the least and the greatest number of its letters."""
        return Setting({"type": "string"} | _lengths("minLength", "maxLength", length), default, about)

    @staticmethod
    def choice(default: str, names: list[str], *, about: str = "") -> Setting:
        """One of a closed list of names."""
        return Setting({"enum": list(names)}, default, about)

    @staticmethod
    def list(default: list, entry: Setting, *, length: tuple[int, int | None] | None = None, about: str = "") -> Setting:
        """A list of settings like `entry`, whose default does not matter; with the least and the greatest number of entries."""
        schema = {"type": "array", "items": entry.schema} | _lengths("minItems", "maxItems", length)
        return Setting(schema, default, about, entry)


def schema_of(declared: dict[str, Setting]) -> str:
    """The JSON Schema of declared settings."""
    properties = {name: one.schema | {"default": one.default} for name, one in declared.items()}
    return json.dumps(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
        },
        ensure_ascii=False,
    )


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def read(declared: dict[str, Setting], text: str) -> SimpleNamespace:
    """Reads settings from JSON text, with defaults for what is left out. Raises every problem at once."""
    problems = Problems()
    try:
        given = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise problems.at("", f"not JSON: {error}") from None
    if not isinstance(given, dict):
        raise problems.at("", "must be a table")
    for name in given:
        if name not in declared:
            known = f"known keys: {', '.join(declared)}" if declared else "there are no settings"
            escaped = name.replace("~", "~0").replace("/", "~1")
            problems.at(f"/{escaped}", f"unknown key `{name}`", known)
    settings = {
        name: _checked(one, given[name] if name in given else one.default, f"/{name}", problems) for name, one in declared.items()
    }
    problems.check()
    return SimpleNamespace(**settings)


def _said(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_IS = {"boolean": "true or false", "integer": "an integer", "number": "a number", "string": "a text", "array": "a list"}


def _typed(kind: str, value: Any) -> Any:
    """The value as that type of JSON Schema; `None` where it is of another."""
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if kind == "string":
        return value if isinstance(value, str) else None
    if kind == "array":
        return value if isinstance(value, list) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    if not math.isfinite(number):
        return None
    if kind == "integer":
        return int(value) if number.is_integer() else None
    return number


def _checked(one: Setting, value: Any, path: str, problems: Problems) -> Any:
    """The value as the plugin gets it; what is wrong with it goes to `problems`."""
    schema = one.schema
    kind = schema.get("type", "string")
    typed = _typed(kind, value)
    if typed is None:
        problems.at(path, f"must be {_IS[kind]}, is {_said(value)}")
        return value
    if "enum" in schema and typed not in schema["enum"]:
        problems.at(path, f"must be one of {', '.join(map(_said, schema['enum']))}, is {_said(value)}")
    if "minimum" in schema and typed < schema["minimum"]:
        problems.at(path, f"must be at least {schema['minimum']}, is {_said(value)}")
    if "maximum" in schema and typed > schema["maximum"]:
        problems.at(path, f"must be at most {schema['maximum']}, is {_said(value)}")
    if "exclusiveMinimum" in schema and typed <= schema["exclusiveMinimum"]:
        problems.at(path, f"must be above {schema['exclusiveMinimum']}, is {_said(value)}")
    if kind in ("string", "array"):
        least = schema.get("minLength", schema.get("minItems", 0))
        most = schema.get("maxLength", schema.get("maxItems", math.inf))
        if not least <= len(typed) <= most:
            bounds = f"at least {least}" if most == math.inf else f"{least} to {most}"
            problems.at(path, f"must have {bounds} {'letters' if kind == 'string' else 'entries'}, has {len(typed)}")
    if one.entry is not None:
        return [_checked(one.entry, entry, f"{path}/{at}", problems) for at, entry in enumerate(typed)]
    return typed

"""The SDK itself: columns of every type there and back, settings, proposals, what guests raise."""

import json
import math
import types
import unittest
from enum import Enum

from playbook_sdk import Incentive, Problems, Refusal, Scoring, action, log, need, output, records, rows, setting
from playbook_sdk.columns import Outputs, Rows
from playbook_sdk.guest import bind
from playbook_sdk.records import NONE_INDEX, Batch, Columns, Context, Opening
from playbook_sdk.settings import read, schema_of
from playbook_sdk.testing import data, testing

GIVEN = {
    "real": [1.5, None, -0.25],
    "integer": [7, None, -(2**63)],
    "category": ["b", None, "a"],
    "text": ["é 會 😀", "", None],
    "reals": [[0.5, 1.0], None, []],
    "integers": [[1, -2], [], None],
    "texts": [["a", "會"], [""], None],
}


def columns_of(make):
    return {kind: make.category(kind, ["a", "b"]) if kind == "category" else getattr(make, kind)(kind) for kind in GIVEN}


class ColumnsOfRows(unittest.TestCase):
    def test_columns_of_every_type_are_read_as_they_were_given_and_what_is_missing_is_none(self):
        columns = columns_of(output)
        out = Outputs(3, columns)
        for kind, cells in GIVEN.items():
            out[kind] = cells
        seen = Rows(3, out.finish(), columns)
        for kind, cells in GIVEN.items():
            wanted = [None if cell is None else cell for cell in cells]
            self.assertEqual(seen[kind], wanted, kind)
        self.assertEqual((list(seen), len(seen)), ([0, 1, 2], 3))
        with self.assertRaisesRegex(LookupError, "no column `odd`; it has real, integer"):
            seen["odd"]

    def test_a_column_begins_at_its_number_times_the_rows_and_validity_on_a_byte(self):
        out = Outputs(9, {"one": output.real("one"), "two": output.real("two")})
        out["two"][0] = 4
        out["two"][8] = 5
        found = out.finish()
        self.assertEqual((found.reals[9], found.reals[17], found.wides), (4, 5, None))
        self.assertEqual(list(found.valid), [0, 0, 1, 1])

    def test_validity_is_left_out_where_nothing_is_missing_and_a_value_can_become_missing_again(self):
        out = Outputs(2, {"one": output.integer("one")})
        out["one"] = [1, 2]
        self.assertIsNone(out.finish().valid)
        out["one"][1] = None
        found = out.finish()
        self.assertEqual((found.integers, list(found.valid)), ([1, 0], [1]))

    def test_what_a_column_cannot_hold_is_told_with_its_name(self):
        out = Outputs(1, {"flag": output.category("flag", ["no"]), "count": output.integer("count"), "score": output.real("score")})
        for name, value, error in [
            ("flag", "yes", ValueError), ("count", 1.5, TypeError), ("count", 2**63, OverflowError), ("score", "1", TypeError),
            ("score", math.nan, ValueError),
        ]:
            with self.assertRaisesRegex(error, f"the output `{name}`: "):
                out[name] = [value]
        with self.assertRaisesRegex(IndexError, "there is no row 1"):
            out["count"][1] = 1
        with self.assertRaisesRegex(ValueError, "`count` has 2 values for 1 rows"):
            out["count"] = [1, 2]
        with self.assertRaisesRegex(LookupError, "no output `odd`; it has flag, count, score"):
            out["odd"]


class Settings(unittest.TestCase):
    declared = {
        "days": setting.integer(20, least=1, most=30, about="Days."),
        "kind": setting.choice("a", ["a", "b"]),
        "bounds": setting.list([1, 2], setting.real(0, above=0), length=(2, 2)),
    }

    def test_settings_have_defaults_and_all_that_is_wrong_is_told_at_once_with_its_place(self):
        self.assertEqual(vars(read(self.declared, '{"days":3}')), {"days": 3, "kind": "a", "bounds": [1.0, 2.0]})
        with self.assertRaises(Problems) as raised:
            read(self.declared, '{"days":0,"kind":"c","bounds":[1,0,2],"od/d":1}')
        self.assertEqual([one.path for one in raised.exception.list], ["/od~1d", "/days", "/kind", "/bounds", "/bounds/1"])

    def test_what_is_no_table_or_of_another_type_is_a_problem_and_no_fault(self):
        for text in ["", "[]", "null", "3", "NaN", "[" * 200_000]:
            with self.assertRaises(Problems):
                read(self.declared, text)
        for value in ["true", "1.5", "1e400", '"1"', "null", "1" * 400]:
            with self.assertRaises(Problems) as raised:
                read(self.declared, f'{{"days":{value}}}')
            self.assertEqual([one.path for one in raised.exception.list], ["/days"], value)

    def test_the_schema_has_the_rules_and_the_defaults(self):
        schema = json.loads(schema_of(self.declared))
        self.assertIs(schema["additionalProperties"], False)
        days = {"description": "Days.", "type": "integer", "minimum": 1, "maximum": 30, "default": 20}
        self.assertEqual(schema["properties"]["days"], days)


class Thanks(Incentive):
    name = "thanks"
    version = "0.1.0"
    summary = "Thanks"

    def shape(self, settings):
        return rows(
            "member",
            needs={"key": need.key(), "count": need.integer("count")},
            actions=[action("one", "content", "One"), action("two", "service", "Two")],
            reasons={"why": "Why"},
        )

    def propose(self, rows, out, call):
        for row in reversed(list(rows)):
            out.propose(row, "two", "why", cost=2**60, until_min=0 if row == 0 else None)
            out.propose(row, "one", "why")


class Proposed(unittest.TestCase):
    def test_proposals_ascend_by_row_and_keep_their_order_within_one_and_no_end_is_no_position(self):
        opened = testing(Thanks, self).open()
        given = data(key=[1, 2], count=[0, 0])
        seen = [(one.row, one.action, one.cost) for one in opened.propose(given)]
        self.assertEqual(seen, [(0, "two", 2**60), (0, "one", 0), (1, "two", 2**60), (1, "one", 0)])
        found = opened._instance.ask(Context(0, 0, 0), given.batch(Thanks().shape(None).needs))
        self.assertEqual((found.until_min, found.after_min), ([0, NONE_INDEX, NONE_INDEX, NONE_INDEX], []))


class Host:
    """The contract's log, as the sandbox gives it."""

    Severity = Enum("Severity", ["DEBUG", "INFO", "WARN", "ERROR"])

    def __init__(self):
        self.lines, self.last = [], []

    def log(self, severity, text):
        self.lines.append((severity.name, text))

    def panicked(self, *words):
        self.last.append(words)


class Failed(Exception):
    """The exception by which a function of the contract fails in words."""

    def __init__(self, value):
        self.value = value


def guest(score):
    """A guest whose `score` does that, and its host."""

    class Plugin(Scoring):
        name = "g"
        version = "0.1.0"
        summary = "G"

        def shape(self, settings):
            return rows("member", needs={}, outputs={"one": output.real("one")})

    Plugin.score = score
    host = Host()
    contract = types.SimpleNamespace(**{name: one for name, one in vars(records).items() if isinstance(one, type)})
    described, scores = bind(Plugin, "scoring", host, contract, Failed)
    described().open(Context(5, -1, 1), Opening("{}"))
    return lambda: scores().score(Context(5, -1, 1), Batch(1, Columns([], [], None, None))), host


class Guests(unittest.TestCase):
    def setUp(self):
        import sys

        # A guest prints into the log.
        streams = sys.stdout, sys.stderr
        self.addCleanup(lambda: setattr(sys, "stdout", streams[0]) or setattr(sys, "stderr", streams[1]))
        self.addCleanup(log.connect, log._natively)

    def test_a_refusal_is_its_words(self):
        def score(self, rows, out, call):
            raise Refusal("no rows")

        ask, host = guest(score)
        with self.assertRaises(Failed) as raised:
            ask()
        self.assertEqual((raised.exception.value, host.last), ("no rows", []))

    def test_all_else_is_told_with_type_text_file_and_line_and_then_traps(self):
        def score(self, rows, out, call):
            out["one"] = ["a"]

        ask, host = guest(score)
        with self.assertRaises(TypeError):
            ask()
        [(message, file, line)] = host.last
        self.assertRegex(message, "^TypeError: the output `one`: ")
        self.assertTrue(file.endswith("test_sdk.py") and line > 0, file)

    def test_lines_and_what_is_printed_reach_the_log(self):
        def score(self, rows, out, call):
            log.warn("careful")
            print("one", 2)

        ask, host = guest(score)
        ask()
        self.assertEqual(host.lines, [("WARN", "careful"), ("INFO", "one 2")])

    def test_a_manifest_of_another_kind_is_refused(self):
        with self.assertRaisesRegex(TypeError, "of kind incentive, pyproject.toml says scoring"):
            bind(Thanks, "scoring", Host(), records, Failed)


class Chance(unittest.TestCase):
    def test_chance_by_key_and_seed_is_that_of_the_sdk_for_rust(self):
        seen = []

        class Plugin(Scoring):
            name = "g"
            version = "0.1.0"
            summary = "G"

            def shape(self, settings):
                return rows("member", needs={})

            def score(self, rows, out, call):
                seen.extend([call.mixed(7), call.mixed(-5), call.local_day])

        testing(Plugin, self).context(seed=2026, local_min=-1).open().score(data())
        self.assertEqual((seen[0], seen[2]), (15216995696428312125, -1))

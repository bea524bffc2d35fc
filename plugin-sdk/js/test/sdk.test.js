// The SDK itself: columns of every type there and back, settings, proposals, what guests throw.

import assert from "node:assert/strict";
import test from "node:test";

import { Outputs, Rows, need, output } from "../src/columns.js";
import { bind } from "../src/guest.js";
import { action, incentive, log, Problems, Refusal, rows, scoring, setting } from "../src/index.js";
import { read, schemaOf } from "../src/settings.js";
import { data, testing } from "../src/testing.js";

const GIVEN = {
  real: [1.5, null, -0.25],
  integer: [7, null, -(2 ** 53 - 1)],
  category: ["b", null, "a"],
  text: ["é 會 😀", "", null],
  reals: [[0.5, 1], null, []],
  integers: [[1, -2], [], null],
  texts: [["a", "會"], [""], null],
};

const columnsOf = (make) =>
  Object.fromEntries(Object.keys(GIVEN).map((type) => [type, type === "category" ? make.category(type, ["a", "b"]) : make[type](type)]));

test("columns of every type are read as they were given, and what is missing is null", () => {
  const columns = columnsOf(output);
  const out = new Outputs(3, columns);
  for (const [type, cells] of Object.entries(GIVEN)) cells.forEach((cell, row) => out.columns[type].set(row, cell));
  const seen = new Rows(3, out.finish(), columns);
  for (const [type, cells] of Object.entries(GIVEN)) {
    assert.deepEqual([0, 1, 2].map((row) => seen.columns[type].get(row)), cells, type);
  }
  assert.equal(seen.columns.real.get(3), null);
  assert.deepEqual([...seen], [0, 1, 2]);
});

test("a column begins at its number times the rows, and validity on a byte", () => {
  const out = new Outputs(9, { one: output.real("one"), two: output.real("two") });
  out.columns.two.set(0, 4);
  out.columns.two.set(8, 5);
  const { reals, valid, wides } = out.finish();
  assert.deepEqual([reals[9], reals[17], wides], [4, 5, null]);
  assert.deepEqual([...valid], [0, 0, 1, 1]);
});

test("validity is left out where nothing is missing, and a value can become missing again", () => {
  const out = new Outputs(2, { one: output.integer("one") });
  out.columns.one.set(0, 1);
  out.columns.one.set(1, 2n);
  assert.equal(out.finish().valid, null);
  out.columns.one.set(1, null);
  const { integers, valid } = out.finish();
  assert.deepEqual([[...integers], [...valid]], [[1n, 0n], [1]]);
});

test("what a column cannot hold is told at once", () => {
  const out = new Outputs(1, { flag: output.category("flag", ["no"]), count: output.integer("count") });
  assert.throws(() => out.columns.flag.set(0, "yes"), /has no category "yes"/);
  assert.throws(() => out.columns.count.set(0, 1.5), RangeError);
  assert.throws(() => out.columns.count.set(1, 1), /there is no row 1/);
});

test("settings have defaults, and all that is wrong with them is told at once with its place", () => {
  const declared = {
    days: setting.integer(20).within(1, 30).about("Days."),
    kind: setting.choice("a", ["a", "b"]),
    bounds: setting.list([1, 2], setting.real(0).above(0)).length(2, 2),
  };
  assert.deepEqual(read(declared, '{"days":3}'), { days: 3, kind: "a", bounds: [1, 2] });
  const wrong = '{"days":0,"kind":"c","bounds":[1,0,2],"od/d":1}';
  assert.throws(() => read(declared, wrong), (error) => {
    assert.ok(error instanceof Problems);
    assert.deepEqual(error.list.map((one) => one.path), ["/od~1d", "/days", "/kind", "/bounds", "/bounds/1"]);
    return true;
  });
  for (const text of ["", "[]", "null", "3"]) assert.throws(() => read(declared, text), Problems);
  const { properties, additionalProperties } = JSON.parse(schemaOf(declared));
  assert.equal(additionalProperties, false);
  assert.deepEqual(properties.days, { description: "Days.", type: "integer", minimum: 1, maximum: 30, default: 20 });
});

const thanks = incentive({
  name: "thanks",
  version: "0.1.0",
  summary: "Thanks",
  shape: () =>
    rows("member")
      .needs({ key: need.key(), count: need.integer("count") })
      .actions(action("one", "content", "One"), action("two", "service", "Two"))
      .reasons({ why: "Why" }),
  propose(rows, out) {
    for (const row of [...rows].reverse()) {
      out.propose(row, "two", "why", { cost: 2 ** 40, untilMin: row === 0 ? 0 : null });
      out.propose(row, "one", "why");
    }
  },
});

test("proposals ascend by row and keep their order within one; no end is no position", (t) => {
  const opened = testing(thanks, t).open();
  const proposed = opened.propose(data({ key: [1, 2], count: [0, 0] }));
  const seen = proposed.map((one) => [one.row, one.action, one.cost]);
  assert.deepEqual(seen, [[0, "two", 2 ** 40], [0, "one", 0], [1, "two", 2 ** 40], [1, "one", 0]]);
  const batch = data({ key: [1, 2], count: [0, 0] }).batch(thanks.definition.shape().columns.needs);
  const { untilMin, afterMin } = opened.plugin.ask({ now: 0, localMin: 0, seed: 0 }, batch);
  assert.deepEqual([[...untilMin], [...afterMin]], [[0, 0xffffffff, 0xffffffff, 0xffffffff], []]);
});

/** A guest whose `score` does that, and the last words of it. */
function guest(score) {
  const words = [];
  const host = { log: (severity, text) => words.push([severity, text]), panicked: (...last) => words.push(last) };
  const shape = () => rows("member").outputs({ one: output.real("one") });
  const made = bind(scoring({ name: "g", version: "0.1.0", summary: "G", shape, score }), host);
  const context = { now: 5, localMin: -1, seed: 1 };
  const batch = { rows: 1, columns: { reals: [], integers: [], valid: null, wides: null } };
  made.plugin.open(context, { settings: "{}", model: null, tables: [] });
  return { ask: () => made.scoring.score(context, batch), words };
}

test("a refusal is its words, problems are their list, all else is told and then traps", () => {
  const thrown = (ask) => {
    try {
      return ask();
    } catch (error) {
      return error;
    }
  };
  const refused = guest(() => { throw new Refusal("no rows"); });
  assert.equal(thrown(refused.ask), "no rows");
  const broken = guest((rows) => rows.nothing.get(0));
  assert.deepEqual(Object.keys(thrown(broken.ask)), ["payload"]);
  const [[message, file, line]] = broken.words;
  assert.match(message, /^TypeError: /);
  assert.ok(file.endsWith("sdk.test.js") && line > 0, file);
  const talks = guest(() => log.warn("careful"));
  talks.ask();
  assert.deepEqual(talks.words, [["warn", "careful"]]);
});

test("chance by key and seed is that of the SDK for Rust", (t) => {
  const seen = [];
  const plugin = scoring({
    name: "g", version: "0.1.0", summary: "G", shape: () => rows("member"),
    score: (rows, out, call) => seen.push(call.mixed(7), call.mixed(-5n), call.localDay),
  });
  testing(plugin, t).context({ seed: 2026, localMin: -1 }).open().score(data({}));
  assert.equal(seen[0], 15216995696428312125n);
  assert.equal(seen[2], -1);
});

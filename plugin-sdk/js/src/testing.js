// Native tests without WebAssembly: rows in, answers out, by name. What is asked is kept for `playbook plugin test`, which asks
// the component the same.

import { appendFileSync } from "node:fs";
import { join } from "node:path";

import { Outputs, Rows } from "./columns.js";
import { Problems, Refusal } from "./faults.js";
import { Plugin } from "./plugin.js";
import { asked, plain } from "./cases.js";

/** Names the folder where cases are kept; the program sets it. */
const FOLDER = "PLAYBOOK_CASES_DIR";

/** Rows for a test, by the name of the feature: `data({ active_days_30d: [0, 5, null] })`. */
export const data = (columns) => new Data(columns);

class Data {
  constructor(columns) {
    this.given = columns;
    const lengths = new Set(Object.values(columns).map((column) => column.length));
    if (lengths.size > 1) throw new RangeError("all columns of a test have the same number of rows");
    this.rows = lengths.size === 0 ? 0 : [...lengths][0];
  }

  /** The batch of the contract for the needs of a shape. */
  batch(needs) {
    const columns = {};
    for (const [name, one] of Object.entries(needs)) columns[name] = { record: one.record };
    const out = new Outputs(this.rows, columns);
    const used = new Set();
    for (const [name, one] of Object.entries(needs)) {
      const source = nameOf(one.record.source);
      const given = this.given[source];
      used.add(source);
      if (given === undefined && one.record.required) throw new RangeError(`the test gives no column "${source}"`);
      for (let row = 0; row < this.rows; row++) out.columns[name].set(row, given?.[row] ?? null);
    }
    const other = Object.keys(this.given).find((name) => !used.has(name));
    if (other !== undefined) throw new RangeError(`the plugin needs no column "${other}"; it needs ${[...used].join(", ")}`);
    return { rows: this.rows, columns: out.finish() };
  }
}

/** "feature", "plugin.output", "previous.1.output", "key". */
function nameOf(source) {
  if (source.tag === "key") return "key";
  return source.tag === "previous" ? `previous.${source.val.join(".")}` : source.val;
}

/** Starts a test of a plugin. `test` is the context of `node:test`: cases are kept under its name. */
export const testing = (plugin, test) => new Bench(plugin, test?.name ?? "main");

class Bench {
  constructor(plugin, name) {
    this.plugin = plugin;
    this.name = name;
    this.text = "{}";
    this.call = { now: 1_767_225_600_000, localMin: 29_453_760, seed: 1 };
  }

  /** Settings as a playbook gives them. */
  settings(settings) {
    this.text = JSON.stringify(settings);
    return this;
  }

  /** The time in milliseconds since 1970, the brand's local minute, the seed. */
  context(context) {
    Object.assign(this.call, context);
    return this;
  }

  /** The problems of the settings; fails where there are none. */
  problems() {
    try {
      this.shape();
    } catch (error) {
      if (error instanceof Problems) return error.list;
      throw error;
    }
    throw new Error("the settings are accepted");
  }

  /** The shape under these settings, as a record of the contract. */
  shape() {
    return this.kept("Check", [], () => this.plugin.check(this.text));
  }

  /** Opens the plugin. */
  open() {
    const opened = new Plugin(this.plugin.kind, this.plugin.definition);
    this.kept("Open", [], () => opened.open(this.call, { settings: this.text, model: null, tables: [] }) ?? null);
    return new Opened(this, opened);
  }

  kept(call, given, ask) {
    let answer;
    try {
      answer = ask();
    } catch (error) {
      if (error instanceof Refusal) this.keep(call, given, { Err: error.message });
      if (error instanceof Problems) this.keep(call, given, { Err: error.list });
      throw error;
    }
    this.keep(call, given, { Ok: answer });
    return answer;
  }

  keep(call, given, result) {
    const folder = process.env[FOLDER];
    if (!folder) return;
    const line = plain({
      test: this.name,
      plugin: this.plugin.definition.name,
      context: { now: this.call.now, local_min: this.call.localMin, seed: this.call.seed },
      opening: { settings: this.text, model: null, tables: [] },
      asked: asked(call, given, result),
    });
    appendFileSync(join(folder, `${process.pid}.jsonl`), `${line}\n`);
  }
}

class Opened {
  constructor(bench, plugin) {
    this.bench = bench;
    this.plugin = plugin;
  }

  ask(call, rows) {
    const { shape } = this.plugin.state;
    const batch = rows.batch(shape.columns.needs);
    const answer = this.bench.kept(call, [batch], () => this.plugin.ask(this.bench.call, batch));
    return { answer, shape };
  }

  /** Scores rows: `given.value("score", 0)`, `given.reason(0)`. */
  score(rows) {
    const { answer, shape } = this.ask("Score", rows);
    return given(answer, rows.rows, shape);
  }

  /** Puts rows into segments: `given.segment(0)`. */
  assign(rows) {
    const { answer, shape } = this.ask("Assign", rows);
    const names = Array.from(answer.segment, (at) => shape.named.segments[at]?.name ?? null);
    return { ...given(answer.answer, rows.rows, shape), segment: (row) => names[row] };
  }

  /** Proposes for rows: a list of proposals with the names of actions and reasons. */
  propose(rows) {
    const { answer, shape } = this.ask("Propose", rows);
    return Array.from(answer.row, (row, at) => ({
      row,
      action: shape.named.actions[answer.action[at]].name,
      reason: shape.named.reasons[answer.reason[at]].code,
      quantity: Number(answer.quantity[at]),
      cost: Number(answer.cost[at]),
      expectedOutput: Number(answer.expectedOutput[at]),
    }));
  }
}

/** An answer by the names of its columns. */
function given(answer, count, shape) {
  const rows = new Rows(count, answer.columns, shape.columns.outputs);
  return {
    value(name, row) {
      if (!(name in rows.columns)) throw new RangeError(`the shape has no output \`${name}\``);
      return rows.columns[name].get(row);
    },
    reason: (row) => shape.named.reasons[answer.reasons[row]]?.code ?? null,
  };
}


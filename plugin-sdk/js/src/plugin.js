// The kinds of plugins, and the functions of the contract over what an author writes.

import { NONE_INDEX, Outputs, Rows, words } from "./columns.js";
import { Problems } from "./faults.js";
import { read, schemaOf } from "./settings.js";

/** A plugin that gives columns for rows: `score(rows, out, call)`. */
export const scoring = (definition) => new Plugin("scoring", definition);
/** A plugin that puts rows into segments: `assign(rows, out, call)`. */
export const segmentation = (definition) => new Plugin("segmentation", definition);
/** A plugin that proposes actions for rows: `propose(rows, out, call)`. */
export const incentive = (definition) => new Plugin("incentive", definition);

const ASKED = { scoring: "score", segmentation: "assign", incentive: "propose" };

/** A plugin as its author wrote it, asked as the contract asks. */
export class Plugin {
  constructor(kind, definition) {
    for (const key of ["name", "version", "summary", "shape", ASKED[kind]]) {
      if (definition[key] === undefined) throw new TypeError(`a plugin of kind ${kind} needs \`${key}\``);
    }
    this.kind = kind;
    this.definition = { settings: {}, ...definition };
    this.state = null;
  }

  describe() {
    const { name, version, summary, settings } = this.definition;
    return { kind: this.kind, name, version, summary: words(summary), settingsSchema: schemaOf(settings) };
  }

  check(text) {
    return this.definition.shape(read(this.definition.settings, text)).record();
  }

  open(context, opening) {
    if (this.state !== null) throw new Problems().at("", "the instance is open already");
    const settings = read(this.definition.settings, opening.settings);
    const shape = this.definition.shape(settings);
    const opened = this.definition.open?.(settings, callOf(context, settings, null)) ?? null;
    this.state = { settings, shape, opened };
  }

  /** Asks for the rows of a batch; returns the record of the contract. */
  ask(context, batch) {
    const { settings, shape, opened } = this.state;
    const { needs, outputs } = shape.columns;
    const rows = new Rows(batch.rows, batch.columns, needs);
    const out = new Answers[this.kind](batch.rows, shape, outputs);
    this.definition[ASKED[this.kind]](rows, out, callOf(context, settings, opened));
    return out.finish();
  }

  explain(context, batch) {
    if (!this.definition.explain) return [];
    const { settings, shape, opened } = this.state;
    const { needs, outputs } = shape.columns;
    const said = this.definition.explain(new Rows(batch.rows, batch.columns, needs), callOf(context, settings, opened));
    const place = (columns, name, what) => {
      const at = Object.keys(columns).indexOf(name);
      if (at < 0) throw new RangeError(`the shape has no ${what} \`${name}\``);
      return at;
    };
    return said.map(({ input, output, contribution }) => ({
      input: place(needs, input, "need"), output: place(outputs, output, "output"), contribution,
    }));
  }
}

const U64 = (1n << 64n) - 1n;

function round(x) {
  x = (x + 0x9e3779b97f4a7c15n) & U64;
  x = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & U64;
  x = ((x ^ (x >> 27n)) * 0x94d049bb133111ebn) & U64;
  return x ^ (x >> 31n);
}

/** What a call knows beside its rows: the settings, what `open` returned, the time, and randomness that a key and the seed give. */
function callOf(context, settings, opened) {
  const minutes = Number(context.localMin);
  return {
    settings,
    opened,
    /** Milliseconds since 1970 at which the features end. */
    now: Number(context.now),
    /** Minutes since 1970 on the clock of the brand. */
    localMin: minutes,
    /** Day since 1970 on that clock. */
    localDay: Math.floor(minutes / 1440),
    /** A number of 64 bits, as a BigInt, that is the same for the same key and seed and looks like chance. */
    mixed: (key) => round(round(BigInt(key) & U64) ^ round(BigInt(context.seed) & U64)),
  };
}

class Answer {
  constructor(count, shape, outputs) {
    this.count = count;
    this.shape = shape;
    this.outputs = new Outputs(count, outputs);
    this.reasons = null;
    /** The columns by name: `out.columns.score.set(row, 50)`. */
    this.columns = this.outputs.columns;
  }

  /** Gives the row a reason, by its code. */
  reason(row, code) {
    this.reasons ??= new Uint32Array(this.count).fill(NONE_INDEX);
    this.reasons[row] = this.shape.position("reasons", code);
  }

  finish() {
    return { columns: this.outputs.finish(), reasons: this.reasons ?? new Uint32Array(0) };
  }
}

class Segments extends Answer {
  constructor(count, shape, outputs) {
    super(count, shape, outputs);
    this.chosen = new Uint32Array(count).fill(NONE_INDEX);
  }

  /** Puts the row into a segment, by its name; else it belongs to none. */
  segment(row, name) {
    if (!(row >= 0 && row < this.count)) throw new RangeError(`there is no row ${row}`);
    this.chosen[row] = this.shape.position("segments", name);
  }

  finish() {
    return { segment: this.chosen, answer: super.finish() };
  }
}

class Proposals {
  constructor(count, shape) {
    this.count = count;
    this.shape = shape;
    this.list = [];
  }

  /**
   * Proposes an action for a row, by name, with the code of its reason. `cost` and `expectedOutput` are minor units;
   * `afterMin` and `untilMin` minutes from now, where `null` is at once and the end of the cycle.
   */
  propose(row, action, reason, { quantity = 1, cost = 0, expectedOutput = 0, afterMin = null, untilMin = null } = {}) {
    if (!(row >= 0 && row < this.count)) throw new RangeError(`there is no row ${row}`);
    const [at, why] = [this.shape.position("actions", action), this.shape.position("reasons", reason)];
    this.list.push({ row, action: at, quantity, cost, expectedOutput, reason: why, afterMin, untilMin });
  }

  finish() {
    // Stable: proposals of one row keep their order.
    const list = this.list.sort((a, b) => a.row - b.row);
    const positions = (of) => Uint32Array.from(list, of);
    const amounts = (of) => BigInt64Array.from(list, (one) => BigInt(of(one)));
    const given = (of, none) =>
      list.some((one) => of(one) !== null) ? positions((one) => of(one) ?? none) : new Uint32Array(0);
    return {
      row: positions((one) => one.row),
      action: positions((one) => one.action),
      quantity: amounts((one) => one.quantity),
      cost: amounts((one) => one.cost),
      expectedOutput: amounts((one) => one.expectedOutput),
      reason: positions((one) => one.reason),
      afterMin: given((one) => one.afterMin, 0),
      untilMin: given((one) => one.untilMin, NONE_INDEX),
    };
  }
}

const Answers = { scoring: Answer, segmentation: Segments, incentive: Proposals };

// Columns: what a plugin needs and gives, how they are read and written. A missing value is `null`, never 0 and never NaN.

import { decode, encode } from "./utf8.js";

/** What stands for "no position" in lists. As a single number it is written as -1: the engine of the sandbox takes 32 bits with a sign. */
export const NONE_INDEX = 0xffffffff;
export const NO_POSITION = -1;

const FLAT = { real: "reals", integer: "integers", category: "integers" };

/** A text in English, and in Chinese where given. */
export function words(said) {
  return typeof said === "string" ? { en: said, zh: null } : { en: said.en, zh: said.zh ?? null };
}

class Need {
  constructor(name, cellType, categories = []) {
    this.name = name;
    this.record = { source: { tag: "feature", val: name }, cellType, unit: "", required: true, categories };
  }

  /** "count", "day", "minor", "ratio", "unix-ms": the host refuses a feature of another unit. */
  unit(unit) {
    this.record.unit = unit;
    return this;
  }

  /** A playbook without the column is accepted; every value is then missing. */
  optional() {
    this.record.required = false;
    return this;
  }

  /** Takes the output of that name from another plugin of the cycle. */
  outputOf(plugin) {
    this.record.source = { tag: "output", val: `${plugin}.${this.name}` };
    return this;
  }

  /** Takes this plugin's own output of that name, 1 or 2 closed cycles ago; optional, because a first cycle has none. */
  previous(evaluations) {
    this.record.source = { tag: "previous", val: [evaluations, this.name] };
    return this.optional();
  }
}

class Output {
  constructor(name, cellType, categories = []) {
    this.name = name;
    this.record = {
      name, role: "other", group: "", input: NO_POSITION, table: null, cellType, unit: "", least: null, most: null,
      categories, bounds: [], alarms: [], meaning: { en: "", zh: null },
    };
  }

  unit(unit) {
    this.record.unit = unit;
    return this;
  }

  /** Both bounds, inclusive; the host refuses an answer outside. */
  between(least, most) {
    this.record.least = least;
    this.record.most = most;
    return this;
  }

  /** The lower bound, inclusive. */
  atLeast(least) {
    this.record.least = least;
    return this;
  }

  /** What the output is to pages: "score", "level", "segment", "value", "probability" and so on. */
  role(role) {
    this.record.role = role;
    return this;
  }

  /** The dimension or family that it belongs to, in snake_case. */
  group(group) {
    this.record.group = group;
    return this;
  }

  /** Where each category of a level but the first begins. */
  bounds(bounds) {
    this.record.bounds = [...bounds];
    return this;
  }

  /** How serious each category of a level is: "none", "watch", "warn", "critical". */
  alarms(alarms) {
    this.record.alarms = [...alarms];
    return this;
  }

  /** What a value says, for people. */
  meaning(said) {
    this.record.meaning = words(said);
    return this;
  }
}

const kinds = (Column) => ({
  real: (name) => new Column(name, "real"),
  integer: (name) => new Column(name, "integer"),
  category: (name, values) => new Column(name, "category", [...values]),
  text: (name) => new Column(name, "text"),
  reals: (name) => new Column(name, "reals"),
  integers: (name) => new Column(name, "integers"),
  texts: (name) => new Column(name, "texts"),
});

/** Columns that a plugin wants. Each is required unless `.optional()` says otherwise. */
export const need = {
  ...kinds(Need),
  /**
   * The subject's pseudonym. The engine of the sandbox keeps 53 bits of it: equal keys stay equal, and two members of a million
   * share one in about 1 of 30,000 communities.
   */
  key() {
    const key = new Need("key", "integer");
    key.record.source = { tag: "key" };
    return key;
  },
};

/** Columns that a plugin gives back. */
export const output = kinds(Output);

/** Places of columns: which list each lies in, and where. */
export function layout(columns) {
  const counts = { reals: 0, integers: 0, wides: 0 };
  const places = columns.map(({ record }) => {
    const list = FLAT[record.cellType] ?? "wides";
    return { record, list, nth: counts[list]++ };
  });
  return { places, counts };
}

const isValid = (valid, rows, column, row) =>
  valid === null || valid === undefined || ((valid[column * ((rows + 7) >> 3) + (row >> 3)] >> (row & 7)) & 1) === 1;

/** Columns as a plugin reads them, by the names under which the shape lists them. */
export class Rows {
  constructor(count, data, needs) {
    /** How many rows. */
    this.length = count;
    /** The columns by name: `rows.columns.days.get(row)`. */
    this.columns = {};
    const { places } = layout(Object.values(needs));
    Object.keys(needs).forEach((name, column) => {
      const { record, list, nth } = places[column];
      const valid = (row) => isValid(data.valid, count, column, row);
      const read = list === "wides" ? wideReader(record.cellType, data.wides[nth].val) : flatReader(record, data[list], nth * count);
      this.columns[name] = { get: (row) => (row >= 0 && row < count && valid(row) ? read(row) : null) };
    });
  }

  /** Positions of the rows, for `for (const row of rows)`. */
  *[Symbol.iterator]() {
    for (let row = 0; row < this.length; row++) yield row;
  }
}

function flatReader(record, values, start) {
  if (record.cellType === "category") return (row) => record.categories[Number(values[start + row])] ?? null;
  return (row) => Number(values[start + row]);
}

function wideReader(cellType, cells) {
  const start = (ends, row) => (row === 0 ? 0 : ends[row - 1]);
  if (cellType === "text") return (row) => decode(cells.bytes, start(cells.ends, row), cells.ends[row]);
  const span = (row) => [start(cells.ends, row), cells.ends[row]];
  if (cellType !== "texts") return (row) => Array.from(cells.values.slice(...span(row)), Number);
  const { ends, bytes } = cells.values;
  return (row) => {
    const [from, to] = span(row);
    return Array.from({ length: to - from }, (_, at) => decode(bytes, start(ends, from + at), ends[from + at]));
  };
}

/** Columns as a plugin gives them. A value that is never set is missing. */
export class Outputs {
  constructor(count, outputs) {
    const columns = Object.values(outputs);
    const { places, counts } = layout(columns);
    const each = (count + 7) >> 3;
    this.count = count;
    this.reals = new Float64Array(counts.reals * count);
    this.integers = new BigInt64Array(counts.integers * count);
    this.bits = new Uint8Array(columns.length * each);
    this.wides = places.filter((place) => place.list === "wides").map(({ record }) => ({ record, cells: new Array(count).fill(null) }));
    this.left = columns.length * count;
    /** The columns by name: `out.columns.score.set(row, 50)`. */
    this.columns = {};
    Object.keys(outputs).forEach((name, column) => {
      const place = places[column];
      const write = this.writer(place, name);
      this.columns[name] = {
        set: (row, value) => {
          if (!(row >= 0 && row < count)) throw new RangeError(`there is no row ${row}`);
          const at = column * each + (row >> 3);
          const bit = 1 << (row & 7);
          const was = (this.bits[at] & bit) !== 0;
          if (value === null || value === undefined) {
            if (was) this.left++;
            this.bits[at] &= ~bit;
            write(row, null);
          } else {
            if (!was) this.left--;
            this.bits[at] |= bit;
            write(row, value);
          }
        },
      };
    });
  }

  writer({ record, list, nth }, name) {
    const start = nth * this.count;
    if (list === "wides") return (row, value) => { this.wides[nth].cells[row] = value; };
    if (list === "reals") return (row, value) => { this.reals[start + row] = value ?? 0; };
    if (record.cellType === "category") {
      return (row, value) => {
        const at = value === null ? 0 : record.categories.indexOf(value);
        if (at < 0) throw new RangeError(`\`${name}\` has no category "${value}"`);
        this.integers[start + row] = BigInt(at);
      };
    }
    return (row, value) => { this.integers[start + row] = BigInt(value ?? 0); };
  }

  /** The record of the contract. */
  finish() {
    const wides = this.wides.map(({ record, cells }) => ({ tag: record.cellType, val: packed(record.cellType, cells) }));
    return {
      reals: this.reals,
      integers: this.integers,
      valid: this.left === 0 ? null : this.bits,
      wides: wides.length === 0 ? null : wides,
    };
  }
}

function packed(cellType, cells) {
  const ends = new Uint32Array(cells.length);
  if (cellType === "text") {
    const bytes = [];
    cells.forEach((text, row) => {
      if (text !== null) encode(text, bytes);
      ends[row] = bytes.length;
    });
    return { ends, bytes: Uint8Array.from(bytes) };
  }
  const values = [];
  cells.forEach((list, row) => {
    if (list !== null) values.push(...list);
    ends[row] = values.length;
  });
  if (cellType === "texts") return { ends, values: packed("text", values) };
  return { ends, values: cellType === "reals" ? Float64Array.from(values) : BigInt64Array.from(values, BigInt) };
}

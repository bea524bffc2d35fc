// Settings: declared once with default, rules and meaning; from that come their JSON Schema and their check.

import { Problems } from "./faults.js";

const INTEGER_MAX = Number.MAX_SAFE_INTEGER;

class Setting {
  constructor(schema, standard, is, words) {
    this.schema = schema;
    this.standard = standard;
    this.is = is;
    this.words = words;
  }

  /** What the setting means; the host shows it. */
  about(text) {
    this.schema = { description: text, ...this.schema };
    return this;
  }

  /** Bounds of a number, inclusive; leave one out with `null`. For a list of numbers, of each entry. */
  within(least, most) {
    const schema = this.schema.items ?? this.schema;
    if (least !== null && least !== undefined) schema.minimum = least;
    if (most !== null && most !== undefined) schema.maximum = most;
    return this;
  }

  /** A number above a bound. */
  above(bound) {
    (this.schema.items ?? this.schema).exclusiveMinimum = bound;
    return this;
  }

  /** Bounds of the length of a list or a text, inclusive. */
  length(least, most) {
    const [min, max] = this.schema.type === "string" ? ["minLength", "maxLength"] : ["minItems", "maxItems"];
    if (least > 0) this.schema[min] = least;
    if (most !== null && most !== undefined) this.schema[max] = most;
    return this;
  }
}

/** What settings may hold. The argument is the default. */
export const setting = {
  flag: (standard) => new Setting({ type: "boolean" }, standard, (v) => typeof v === "boolean", "true or false"),
  integer: (standard) =>
    new Setting({ type: "integer", minimum: -INTEGER_MAX, maximum: INTEGER_MAX }, standard, Number.isInteger, "an integer"),
  real: (standard) => new Setting({ type: "number" }, standard, Number.isFinite, "a number"),
  text: (standard) => new Setting({ type: "string" }, standard, (v) => typeof v === "string", "a text"),
  choice: (standard, names) => new Setting({ enum: [...names] }, standard, (v) => typeof v === "string", "a text"),
  /** A list; `entry` is a setting, whose default does not matter: `setting.list([10, 50], setting.integer(0))`. */
  list(standard, entry) {
    const list = new Setting({ type: "array", items: entry.schema }, standard, Array.isArray, "a list");
    list.entry = entry;
    return list;
  },
};

/** The JSON Schema of declared settings. */
export function schemaOf(declared) {
  const properties = {};
  for (const [name, one] of Object.entries(declared)) properties[name] = { ...one.schema, default: one.standard };
  return JSON.stringify({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties,
    additionalProperties: false,
  });
}

/** Reads settings from JSON text, with defaults for what is left out. Throws every problem at once. */
export function read(declared, text) {
  const problems = new Problems();
  let given;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw problems.at("", `not JSON: ${error.message}`);
  }
  if (given === null || typeof given !== "object" || Array.isArray(given)) throw problems.at("", "must be a table");
  const settings = {};
  const names = Object.keys(declared);
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) {
      const known = names.length === 0 ? "there are no settings" : `known keys: ${names.join(", ")}`;
      problems.at(`/${escaped(name)}`, `unknown key \`${name}\``, known);
    }
  }
  for (const [name, one] of Object.entries(declared)) {
    const value = Object.hasOwn(given, name) ? given[name] : one.standard;
    check(one, value, `/${escaped(name)}`, problems);
    settings[name] = value;
  }
  problems.check();
  return settings;
}

const escaped = (key) => key.replaceAll("~", "~0").replaceAll("/", "~1");

function check(one, value, path, problems) {
  if (!one.is(value)) {
    problems.at(path, `must be ${one.words}, is ${JSON.stringify(value)}`);
    return;
  }
  const { schema } = one;
  if (schema.enum && !schema.enum.includes(value)) {
    problems.at(path, `must be one of ${schema.enum.map((name) => `"${name}"`).join(", ")}, is "${value}"`);
  }
  if (typeof value === "number") {
    if (schema.minimum !== undefined && value < schema.minimum) problems.at(path, `must be at least ${schema.minimum}, is ${value}`);
    if (schema.maximum !== undefined && value > schema.maximum) problems.at(path, `must be at most ${schema.maximum}, is ${value}`);
    if (schema.exclusiveMinimum !== undefined && value <= schema.exclusiveMinimum) {
      problems.at(path, `must be above ${schema.exclusiveMinimum}, is ${value}`);
    }
  }
  const least = schema.minLength ?? schema.minItems ?? 0;
  const most = schema.maxLength ?? schema.maxItems ?? Infinity;
  const long = typeof value === "string" ? [...value].length : value.length;
  if (long < least || long > most) {
    const bounds = most === Infinity ? `at least ${least}` : `${least} to ${most}`;
    problems.at(path, `must have ${bounds} ${typeof value === "string" ? "letters" : "entries"}, has ${long}`);
  }
  if (one.entry) value.forEach((entry, at) => check(one.entry, entry, `${path}/${at}`, problems));
}

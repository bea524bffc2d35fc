// What a plugin says instead of an answer. Everything else that is thrown is a fault of the plugin and stops its instance.

/** Refuses a call in words: `throw new Refusal("no order has a price")`. */
export class Refusal extends Error {
  constructor(words) {
    super(words);
    this.name = "Refusal";
  }
}

/** Faults of settings, each with its JSON Pointer. Thrown by `shape` or `open`; all of them are told at once. */
export class Problems extends Error {
  constructor() {
    super("the settings have problems");
    this.name = "Problems";
    this.list = [];
  }

  /** Adds a problem. `path` is a JSON Pointer such as "/days_full", "" for the whole. */
  at(path, message, hint = null) {
    this.list.push({ path, message, hint });
    return this;
  }

  /** Throws itself where there is a problem. */
  check() {
    if (this.list.length > 0) throw this;
  }
}

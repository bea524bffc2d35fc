// What a plugin needs and gives under given settings.

import { words } from "./columns.js";

class Action {
  constructor(name, priority, text) {
    this.record = {
      name, priority, family: name, purpose: "", commercial: false, contactsMember: false, frequency: "once-a-cycle",
      needsApproval: false, text: words(text),
    };
  }

  /** Two of one family within the host's window are duplicates; its own name until then. */
  family(family) {
    this.record.family = family;
    return this;
  }

  /** The consent without which the host refuses. */
  purpose(purpose) {
    this.record.purpose = purpose;
    return this;
  }

  /** Counts against commercial caps. */
  commercial() {
    this.record.commercial = true;
    return this;
  }

  /** Counts against frequency caps as a direct message. */
  contactsMember() {
    this.record.contactsMember = true;
    return this;
  }

  /** "once-a-cycle", "once-a-day" or "once-an-event". */
  frequency(frequency) {
    this.record.frequency = frequency;
    return this;
  }

  /** A person approves before it happens. */
  needsApproval() {
    this.record.needsApproval = true;
    return this;
  }
}

/** An action: `priority` is "transaction", "service", "retention", "campaign", "content" or "promotion". */
export const action = (name, priority, text) => new Action(name, priority, text);

class Shape {
  constructor(subject) {
    this.subject = subject;
    this.columns = { needs: {}, outputs: {} };
    this.named = { segments: [], actions: [], reasons: [], terms: [] };
  }

  /** Columns that the plugin reads, by the name that it reads them under: `{ days: need.integer("active_days_30d") }`. */
  needs(columns) {
    Object.assign(this.columns.needs, columns);
    return this;
  }

  /** Columns that the plugin gives, by the name that it sets them under. */
  outputs(columns) {
    Object.assign(this.columns.outputs, columns);
    return this;
  }

  /** Segments by name in ascending rank, each with its words. */
  segments(segments) {
    for (const [name, text] of Object.entries(segments)) this.named.segments.push({ name, text: words(text) });
    return this;
  }

  /** What may be done. */
  actions(...actions) {
    this.named.actions.push(...actions.map((one) => one.record));
    return this;
  }

  /** Reasons by code, each with its words. */
  reasons(reasons) {
    for (const [code, text] of Object.entries(reasons)) this.named.reasons.push({ code, text: words(text) });
    return this;
  }

  /** Names of answers in words, for pages. */
  terms(terms) {
    for (const [name, text] of Object.entries(terms)) this.named.terms.push({ name, text: words(text) });
    return this;
  }

  /** The position of a name in one of the lists. */
  position(list, name) {
    const key = list === "reasons" ? "code" : "name";
    const at = this.named[list].findIndex((one) => one[key] === name);
    if (at < 0) throw new RangeError(`the shape lists no "${name}" among its ${list}`);
    return at;
  }

  /** The record of the contract. */
  record() {
    const of = (columns) => Object.values(columns).map((column) => column.record);
    return {
      rows: { subject: this.subject, columns: of(this.columns.needs) },
      tables: [],
      produces: of(this.columns.outputs),
      ...this.named,
      fitPassesMax: 0,
    };
  }
}

/** Starts the shape of a plugin that answers row by row about `subject`, as a rule "member". */
export const rows = (subject) => new Shape(subject);

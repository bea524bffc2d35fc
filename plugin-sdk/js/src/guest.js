// What stands between the contract's functions and a plugin in the sandbox.

import { Problems, Refusal } from "./faults.js";
import { connect, panicked } from "./log.js";

/** A value that is none of the contract's types: the engine of the sandbox cannot hand it over, and stops the instance. */
const TRAP = { payload: 0 };

/** The interfaces that a component exports. `host` is the contract's log. */
export function bind(plugin, host) {
  connect(host);
  const asks = (ask) => (...given) => guarded(() => ask(...given));
  const open = (context, opening) => plugin.open(context, opening);
  const answers = asks((context, batch) => {
    if (plugin.state === null) throw new Refusal("the instance is not open");
    return handed(plugin.ask(context, batch));
  });
  const kinds = {
    scoring: { score: answers, explain: asks((context, batch) => plugin.explain(context, batch)) },
    segmentation: { assign: answers },
    incentive: { propose: answers },
  };
  return {
    plugin: { describe: asks(() => plugin.describe()), check: asks((text) => plugin.check(text)), open: asks(open) },
    [plugin.kind]: kinds[plugin.kind],
  };
}

/**
 * An answer as the engine of the sandbox can hand it over. It stops at a typed array without entries, at typed arrays of 64-bit
 * integers and of unsigned ones, and at a BigInt in an array; it takes numbers, and -1 for the greatest of 32 bits.
 */
function handed(value) {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint32Array) return Array.from(value, (one) => one | 0);
  if (value instanceof BigInt64Array) return Array.from(value, whole);
  if (ArrayBuffer.isView(value)) return value.length === 0 ? [] : value;
  if (Array.isArray(value)) return value.map(handed);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, handed(one)]));
}

/** An integer of 64 bits as a number, which holds 53. */
function whole(value) {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is beyond the 53 bits of an integer that JavaScript hands over`);
  return number;
}

/** Turns what is thrown into a refusal in words, problems, or last words and a trap. */
function guarded(ask) {
  try {
    return ask();
  } catch (error) {
    if (error instanceof Refusal) throw error.message;
    if (error instanceof Problems) throw error.list;
    const { file, line } = placeOf(error?.stack);
    panicked(error instanceof Error ? `${error.name}: ${error.message}` : String(error), file, line);
    throw TRAP;
  }
}

/** File and line of the first frame that is not the SDK's own: "    at score (plugin.js:12:5)". */
function placeOf(stack) {
  const frames = String(stack ?? "").split("\n").map((frame) => /([^()\s]+?):(\d+)(?::\d+)?\)?$/.exec(frame.trim())).filter(Boolean);
  const own = frames.find(([, file]) => !file.includes("playbook-sdk")) ?? frames[0];
  return own ? { file: own[1], line: Number(own[2]) } : { file: "", line: 0 };
}

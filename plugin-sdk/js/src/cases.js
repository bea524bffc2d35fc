// Cases of native tests in the form in which the program reads them: records of the contract as JSON.

/** The variants that JSON names in another way than the contract. */
const pascal = (name) => name.split("-").map((word) => word[0].toUpperCase() + word.slice(1)).join("");
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Keys of records whose values are names of the contract. */
const ENUMS = new Set(["cellType", "role", "priority", "frequency"]);

/** One question with its answer. */
export function asked(call, given, result) {
  const [[said, answer]] = Object.entries(result);
  const value = [...given.map((one) => record(one)), { [said]: record(answer) }];
  return { [call]: value.length === 1 ? value[0] : value };
}

/** A record of the contract with the names that JSON has for it. */
function record(value, key = "") {
  if (value === null || typeof value === "boolean" || typeof value === "bigint") return value;
  // None of a position is -1 where the contract's number goes alone.
  if (typeof value === "number") return value === -1 && key === "input" ? 0xffffffff : value;
  if (typeof value === "string") return ENUMS.has(key) ? pascal(value) : value;
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (Array.isArray(value)) return value.map((one) => (key === "alarms" ? pascal(one) : record(one)));
  if ("tag" in value) return "val" in value ? { [pascal(value.tag)]: record(value.val) } : pascal(value.tag);
  const named = {};
  for (const [name, one] of Object.entries(value)) named[snake(name)] = record(one, name);
  return named;
}

/** JSON text in which integers of 64 bits are written in full. */
export function plain(value) {
  if (value === null || typeof value !== "object") return typeof value === "bigint" ? String(value) : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(plain).join(",")}]`;
  return `{${Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}:${plain(one)}`).join(",")}}`;
}

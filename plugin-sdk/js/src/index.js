// What a plugin is written with: declare settings and columns, answer over columns. Nothing else needs to be imported.

export { need, output } from "./columns.js";
export { Problems, Refusal } from "./faults.js";
export { log } from "./log.js";
export { incentive, scoring, segmentation } from "./plugin.js";
export { action, rows } from "./shape.js";
export { setting } from "./settings.js";

// Lines for the operator. The host keeps them where the playbook grants it; native tests print warnings and errors.

let sink = {
  log(severity, message) {
    if (severity === "warn" || severity === "error") console.error(`${severity}: ${message}`);
  },
  panicked() {},
};

/** Takes the host's functions; the component's entry calls it. */
export function connect(host) {
  sink = host;
}

/** Last words before a trap. */
export function panicked(message, file, line) {
  sink.panicked(message, file, line);
}

const line = (severity) => (message) => sink.log(severity, String(message));

/** Writes one line: `log.info("opened")`. */
export const log = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };

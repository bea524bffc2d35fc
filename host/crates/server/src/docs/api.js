// Sends the call that a form describes, and shows what came back. The key stays in its field.
"use strict";

/** The request of a form: URL and options of fetch. */
function requestOf(form, key) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = new Headers();
  for (const input of form.querySelectorAll("input")) {
    const { name, value } = input;
    if (input.dataset.in === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    if (value === "") continue;
    if (input.dataset.in === "query") query.set(name, value);
    if (input.dataset.in === "header") headers.set(name, value);
  }
  if (key !== "") headers.set("Authorization", `Bearer ${key}`);
  const options = { method: form.dataset.method, headers, cache: "no-store" };
  const body = form.querySelector("textarea");
  if (body !== null) {
    headers.set("Content-Type", "application/json");
    options.body = body.value;
  }
  const search = query.toString();
  return [search === "" ? path : `${path}?${search}`, options];
}

/** The text of an answer, with JSON laid out. */
async function textOf(answer) {
  const text = await answer.text();
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function send(event) {
  event.preventDefault();
  const form = event.target;
  const shown = form.querySelector("output");
  const button = form.querySelector("button");
  button.disabled = true;
  shown.textContent = "...";
  try {
    const [url, options] = requestOf(form, document.getElementById("key").value.trim());
    const begun = performance.now();
    const answer = await fetch(url, options);
    const text = await textOf(answer);
    const took = Math.round(performance.now() - begun);
    const id = answer.headers.get("x-request-id") ?? "";
    shown.textContent = `${options.method} ${url}\n${answer.status} ${answer.statusText}, ${took} ms, request ${id}\n\n${text}`;
  } catch (error) {
    shown.textContent = String(error);
  } finally {
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", send);
  for (const input of form.querySelectorAll("input[name='idempotency-key']")) {
    const fresh = () => {
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      input.value = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    };
    fresh();
    // A changed body is another write.
    form.querySelector("textarea")?.addEventListener("input", fresh);
  }
}

// What pages of the console do beyond their forms and links: the live page goes on by itself, and a file fills a field.
"use strict";

/** Asks for the page anew and puts its new part in the place of the old one. */
async function renew(part) {
  const answer = await fetch(location.href, { cache: "no-store", redirect: "error" });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = page.getElementById(part.id);
  if (next !== null) part.replaceChildren(...next.children);
}

/** Keeps the live page up to date until it is paused. */
function follow(part) {
  const pause = document.getElementById("pause");
  const state = document.getElementById("state");
  let source = null;
  let waits = false;
  const look = async () => {
    if (waits) return;
    waits = true;
    // Many decisions at once are one look.
    await new Promise((done) => setTimeout(done, 300));
    waits = false;
    try {
      if (source !== null) await renew(part);
      state.textContent = "";
    } catch {
      state.textContent = state.dataset.lost;
    }
  };
  const open = () => {
    source = new EventSource(part.dataset.stream);
    source.addEventListener("made", look);
    source.addEventListener("error", () => { state.textContent = state.dataset.lost; });
    source.addEventListener("open", () => { state.textContent = ""; });
  };
  pause.hidden = false;
  pause.addEventListener("click", () => {
    const runs = source !== null;
    if (runs) { source.close(); source = null; } else { open(); }
    pause.textContent = runs ? pause.dataset.resume : pause.dataset.pause;
    pause.setAttribute("aria-pressed", String(runs));
  });
  open();
}

/** A file that is chosen becomes the text of a field. */
function fill(input) {
  const field = document.getElementById(input.dataset.into);
  input.disabled = false;
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (file !== undefined) field.value = await file.text();
  });
}

const live = document.getElementById("live");
if (live !== null) follow(live);
document.querySelectorAll("input[data-into]").forEach(fill);

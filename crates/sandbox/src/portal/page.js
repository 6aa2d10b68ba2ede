// Keeps the page up to date. The server renders it; this script fetches it again when the server reports
// a change, and marks what is new. Without a script the page is as complete, and refreshes
// itself now and then.
"use strict";

let main = document.querySelector("main");
const live = document.querySelector("#live");
// What is shown by now under each key, and since when, where it has changed.
const shown = new Map();
const changed = new Map();
// How long a mark fades, as the style sheet says, in milliseconds.
const FADE = 2500;
let isFetching = false;
let isStale = false;

async function refresh() {
  if (isFetching) {
    isStale = true;
    return;
  }
  isFetching = true;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    replace(page.querySelector("main"));
  } catch {
    // The server is unreachable; the stream of changes reports when it is back.
  }
  isFetching = false;
  if (isStale) {
    isStale = false;
    refresh();
  }
}

// Swaps the page's content, and marks what is not as it was; a mark goes on fading where it is fresh.
function replace(fresh) {
  const now = performance.now();
  for (const it of fresh.querySelectorAll("[data-key]")) {
    const { key } = it.dataset;
    if (shown.get(key) !== it.outerHTML) {
      changed.set(key, now);
    }
    const age = now - changed.get(key);
    shown.set(key, it.outerHTML);
    if (age < FADE) {
      it.classList.add("changed");
      it.style.animationDelay = `-${age}ms`;
    }
  }
  for (const it of main.querySelectorAll("details[open]")) {
    const same = fresh.querySelector(`details[data-fold="${CSS.escape(it.dataset.fold)}"]`);
    if (same) {
      same.open = true;
    }
  }
  main.replaceWith(document.adoptNode(fresh));
  main = fresh;
  inLocalTime();
}

function inLocalTime() {
  for (const it of document.querySelectorAll("time")) {
    const time = new Date(it.dateTime);
    if (!isNaN(time)) {
      it.textContent = time.toLocaleTimeString([], { hour12: false });
    }
  }
}

function say(state, text) {
  live.className = state;
  live.textContent = text;
}

const changes = new EventSource("/sandbox/changes");
const version = live.textContent;
changes.addEventListener("open", () => say("on", `${version}, live`));
changes.addEventListener("error", () => say("off", "the server is unreachable"));
changes.addEventListener("change", (event) => {
  if (event.data !== main.dataset.change) {
    refresh();
  }
});
// A task releases its workers in time, without a request that would be reported.
setInterval(() => "again" in main.dataset && refresh(), 1000);
for (const it of main.querySelectorAll("[data-key]")) {
  shown.set(it.dataset.key, it.outerHTML);
}
inLocalTime();

// The log: follows it, holds it while it is paused, goes back in it, and marks what is searched
// for. Lines come drawn from the server, by their place in the file, so that none is lost or
// doubled when the daemon is replaced.

/** How many lines the page holds. */
const LINES = 5000;

/** How long to wait before each try to read on; the last one repeats. */
const RETRY_MS = [300, 1000, 2000, 5000];

const words = document.body.dataset;
const $ = (selector) => document.querySelector(selector);

const log = $("[data-log]");
const buttons = { follow: $("[data-do=follow]"), pause: $("[data-do=pause]"), wrap: $("[data-do=wrap]") };
const state = $("[data-logstate]");

const isOn = (button) => button?.getAttribute("aria-pressed") === "true";
const set = (button, on) => button?.setAttribute("aria-pressed", on);

/** The parts that were read: where each begins, and its lines. */
let parts = [];
let held = [];
let heldCount = 0;
let isReadingBack = false;
let hit = -1;

function begin() {
  parts = [{ start: Number(log.dataset.start), lines: lines(log) }];
  toEnd();
  log.addEventListener("scroll", scrolled, { passive: true });
  buttons.follow?.addEventListener("click", () => { set(buttons.follow, !isOn(buttons.follow)); toEnd(); tell(); });
  buttons.pause?.addEventListener("click", pause);
  buttons.wrap?.addEventListener("click", () => {
    set(buttons.wrap, !isOn(buttons.wrap));
    log.classList.toggle("wrap", isOn(buttons.wrap));
    toEnd();
  });
  const find = $("[data-do=find]");
  find?.addEventListener("input", () => mark(find.value));
  if (find?.value) count();
  $("[data-do=copy]")?.addEventListener("click", copy);
  if (log.dataset.follows !== undefined) follow();
}

const lines = (element) => [...element.children].filter((child) => !child.classList.contains("seam"));

/** Reads on for as long as the page is there. */
async function follow() {
  let next = Number(log.dataset.next), tries = 0;
  for (;;) {
    if (document.hidden) await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
    const part = await read(`after=${next}`);
    if (!part) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]));
      continue;
    }
    tries = 0;
    const isAnew = part.start < next;
    next = part.next;
    if (part.lines.length === 0) continue;
    $("[data-size]").textContent = part.size;
    if (isOn(buttons.pause)) hold(part, isAnew);
    else add(part, isAnew);
  }
}

/** Ends what is being read: a browser may keep a page that was left, and with it a connection, of
 * which it has few. */
let leaving = new AbortController();
addEventListener("pagehide", () => { leaving.abort(); leaving = new AbortController(); });

/** A part of the log, or nothing if nobody answers. */
async function read(where) {
  try {
    const answer = await fetch(`${log.dataset.log}&${where}`, { signal: leaving.signal });
    if (!answer.ok) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const part = page.querySelector("[data-next]");
    if (!part) return null;
    const { start, next, size } = part.dataset;
    return { start: Number(start), next: Number(next), size, lines: lines(part).map((line) => document.importNode(line, true)) };
  } catch {
    return null;
  }
}

function hold(part, isAnew) {
  // A line that had no end comes again when it has one.
  const open = held.at(-1)?.part.lines;
  if (open?.at(-1)?.classList.contains("partial")) { open.pop(); heldCount--; }
  held.push({ part, isAnew });
  heldCount += part.lines.length;
  while (heldCount > LINES) heldCount -= held.shift().part.lines.length;
  tell();
}

function add(part, isAnew) {
  const last = parts.at(-1)?.lines;
  if (last?.at(-1)?.classList.contains("partial")) last.pop().remove();
  log.querySelector("[data-empty]")?.remove();
  const drawn = document.createDocumentFragment();
  if (isAnew) drawn.append(seam(words.anew));
  drawn.append(...part.lines);
  log.append(drawn);
  parts.push(part);
  forget();
  toEnd();
}

/** Lets go of the oldest parts when there are too many lines. */
function forget() {
  let count = parts.reduce((sum, part) => sum + part.lines.length, 0);
  while (parts.length > 1 && count > LINES) {
    const oldest = parts.shift();
    count -= oldest.lines.length;
    for (const line of oldest.lines) line.remove();
  }
}

function seam(text) {
  const line = document.createElement("div");
  line.className = "seam";
  line.textContent = text;
  return line;
}

function pause() {
  set(buttons.pause, !isOn(buttons.pause));
  if (!isOn(buttons.pause)) {
    for (const { part, isAnew } of held) add(part, isAnew);
    held = [];
    heldCount = 0;
  }
  tell();
}

function tell() {
  if (!buttons.follow) return;
  if (isOn(buttons.pause)) state.textContent = words.held.replace("{n}", heldCount);
  else state.textContent = isOn(buttons.follow) ? words.following : words.notFollowing;
}

function toEnd() {
  if (buttons.follow ? isOn(buttons.follow) && !isOn(buttons.pause) : hit < 0) log.scrollTop = log.scrollHeight;
}

let before = 0;

/** Lets go of the end when one scrolls up, takes hold of it again there, and reads back. */
function scrolled() {
  const isUp = log.scrollTop < before;
  before = log.scrollTop;
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
  if (isUp && !isAtEnd && isOn(buttons.follow)) { set(buttons.follow, false); tell(); }
  if (isUp && log.scrollTop < 200) back();
}

async function back() {
  const first = parts[0];
  if (isReadingBack || !first || first.start === 0) return;
  isReadingBack = true;
  const part = await read(`before=${first.start}`);
  if (part && part.lines.length > 0) {
    const height = log.scrollHeight;
    const anchor = first.lines[0] ?? null;
    for (const line of part.lines) { line.classList.remove("partial"); log.insertBefore(line, anchor); }
    parts.unshift(part);
    log.scrollTop += log.scrollHeight - height;
    if (part.start === 0) log.querySelector("[data-earlier]")?.remove();
  }
  isReadingBack = false;
}

/** Marks what is typed, in what is here; the server searches the file when it is sent. */
function mark(text) {
  for (const old of log.querySelectorAll("mark")) old.replaceWith(...old.childNodes);
  log.normalize();
  hit = -1;
  const wanted = text.toLowerCase();
  if (wanted) {
    const walk = document.createTreeWalker(log, NodeFilter.SHOW_TEXT), found = [];
    while (walk.nextNode()) if (!walk.currentNode.parentElement.closest(".seam")) found.push(walk.currentNode);
    for (let node of found) {
      for (let at; (at = node.data.toLowerCase().indexOf(wanted)) >= 0;) {
        const match = node.splitText(at), marked = document.createElement("mark");
        node = match.splitText(wanted.length);
        match.replaceWith(marked);
        marked.append(match);
      }
    }
  }
  count();
}

function count() {
  const marks = log.querySelectorAll("mark").length;
  $("[data-found]").textContent = marks > 0 ? marks : "";
  if (marks > 0) step(-1);
}

/** Goes to the next match, or to the one before. */
export function step(by) {
  const marks = log?.querySelectorAll("mark") ?? [];
  if (marks.length === 0) return;
  marks[hit]?.classList.remove("now");
  hit = hit < 0 ? marks.length - 1 : (hit + by + marks.length) % marks.length;
  marks[hit].classList.add("now");
  marks[hit].scrollIntoView({ block: "nearest" });
  set(buttons.follow, false);
  tell();
  $("[data-found]").textContent = `${hit + 1} / ${marks.length}`;
}

async function copy(event) {
  const button = event.currentTarget;
  try {
    await navigator.clipboard.writeText(new URL(button.dataset.address, location.href).href);
    button.textContent = words.copied;
  } catch {
    location.hash = "log";
  }
}

if (log) begin();

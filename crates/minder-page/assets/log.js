// The log: follows it, holds it while it is paused, goes back in it, and marks what is searched
// for. Lines come drawn from the server, by their place in the file, so that none is lost or
// doubled when the daemon is replaced.

/** How many lines the page holds while it follows, and while somebody reads further up. */
const LINES = 5000;
const LINES_READ = 20_000;

/** How long to wait before each try to read on; the last one repeats. */
const RETRY_MS = [300, 1000, 2000, 5000];

const words = document.body.dataset;
const $ = (selector) => document.querySelector(selector);

const log = $("[data-log]");
const buttons = { follow: $("[data-do=follow]"), pause: $("[data-do=pause]"), wrap: $("[data-do=wrap]") };
const state = $("[data-logstate]");

/** What tells that there is more before the first line. */
const seamBefore = $("[data-back]");
const find = $("[data-do=find]");

const isOn = (button) => button?.getAttribute("aria-pressed") === "true";
const set = (button, on) => button?.setAttribute("aria-pressed", on);

/** The parts that were read: where each is, and its lines. */
let parts = [];
let held = [];
let heldCount = 0;
let hasLetGo = false;
let isReadingBack = false;

function begin() {
  parts = [partOf(log, [...log.children].filter((child) => !isSeam(child) || child.dataset.begun))];
  toEnd();
  log.addEventListener("scroll", scrolled, { passive: true });
  // Where there is nothing to scroll, this is how one goes back.
  log.addEventListener("wheel", (event) => { if (event.deltaY < 0 && log.scrollTop === 0) goBack(); }, { passive: true });
  seamBefore?.addEventListener("click", (event) => { event.preventDefault(); goBack(); });
  buttons.follow?.addEventListener("click", () => { set(buttons.follow, !isOn(buttons.follow)); toEnd(); tell(); });
  buttons.pause?.addEventListener("click", pause);
  buttons.wrap?.addEventListener("click", () => {
    set(buttons.wrap, !isOn(buttons.wrap));
    log.classList.toggle("wrap", isOn(buttons.wrap));
    toEnd();
  });
  find?.addEventListener("input", () => mark(find.value));
  if (find?.value) count();
  $("[data-do=copy]")?.addEventListener("click", () => link(pointed()));
  log.addEventListener("click", (event) => {
    // Beside the line, so that its text can be selected.
    const isBeside = event.offsetX < parseFloat(getComputedStyle(event.target).paddingInlineStart);
    if (isBeside && event.target.dataset.at) link(event.target);
  });
  if (linked()) showLinked();
  if (log.dataset.follows !== undefined) { follow(); fill(); }
}

/** Has what was written before a rotation shown too while there is room for it. */
async function fill() {
  while (log.scrollHeight <= log.clientHeight && await back()) toEnd();
}

const isSeam = (element) => element.classList.contains("seam");

/** A part of a file: which file that is, from where to where it goes, where its last line begins
 * if that has no end yet, and whether there is more before it. */
function partOf({ dataset }, drawn) {
  const { id, start, next, end, size, earlier } = dataset;
  return { id, start: Number(start), next: Number(next), end: Number(end), size, earlier: earlier !== undefined, lines: drawn };
}

/** Reads on for as long as the page is there. */
async function follow() {
  let { id, next, end } = parts[0], tries = 0;
  for (;;) {
    if (document.hidden) await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
    const part = await read(`id=${id}&after=${next}&seen=${end}`);
    if (!part) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]));
      continue;
    }
    tries = 0;
    if (part.lines.length === 0) continue;
    ({ id, next, end } = part);
    $("[data-size]").textContent = part.size;
    if (isOn(buttons.pause)) hold(part);
    else add(part);
  }
}

/** Ends what is being read: a browser may keep a page that was left, and with it a connection, of
 * which it has few. */
let leaving = new AbortController();
addEventListener("pagehide", () => { leaving.abort(); leaving = new AbortController(); });

/** A part of the log, or nothing if nobody answers. */
async function read(where) {
  try {
    // Relative to the address as scripts see it, which is without a password.
    const answer = await fetch(new URL(`${log.dataset.log}&${where}`, location.href), { signal: leaving.signal });
    if (!answer.ok) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const part = page.querySelector("[data-next]");
    return part && partOf(part, [...part.children].map((line) => document.importNode(line, true)));
  } catch {
    return null;
  }
}

/** Takes away the line at the end of what was read if it comes again, because it had no end, and with
 * it what was said about it. */
function reopen(last, part) {
  if (last?.id === part.id) {
    const again = last.lines.filter(({ dataset }) => Number(dataset.begun) >= part.start);
    for (const seam of again) seam.remove();
    last.lines = last.lines.filter((line) => !again.includes(line));
  }
  const line = last?.lines.at(-1);
  if (!line?.classList.contains("partial")) return null;
  if (last.id === part.id && part.start < last.end) return last.lines.pop();
  line.classList.remove("partial");
  return null;
}

/** How many lines a part has that were written, and not said between them. */
const countOf = (part) => part.lines.filter((line) => !isSeam(line)).length;

function hold(part) {
  if (reopen(held.at(-1), part)) heldCount--;
  held.push(part);
  heldCount += countOf(part);
  while (heldCount > LINES && held.length > 1) {
    heldCount -= countOf(held.shift());
    hasLetGo = true;
  }
  tell();
}

function add(part) {
  reopen(parts.at(-1), part)?.remove();
  log.querySelector("[data-empty]")?.remove();
  if (find?.value) for (const line of part.lines) markIn(line, find.value.toLowerCase());
  log.append(...part.lines);
  parts.push(part);
  forget(isOn(buttons.follow) ? LINES : LINES_READ);
  if (find?.value) tellFound();
  toEnd();
}

/** Lets go of the oldest parts when there are more lines than that. What is looked at stays where
 * it is. */
function forget(most) {
  let count = parts.reduce((sum, part) => sum + part.lines.length, 0);
  if (count <= most) return;
  const height = log.scrollHeight;
  while (parts.length > 1 && count > most) {
    const oldest = parts.shift();
    count -= oldest.lines.length;
    for (const line of oldest.lines) line.remove();
    hasEarlier(parts[0], true);
  }
  log.scrollTop -= height - log.scrollHeight;
  // Nobody has scrolled up.
  before = log.scrollTop;
}

/** Says whether there is more before the first part. */
function hasEarlier(first, has) {
  first.earlier = has;
  if (seamBefore) seamBefore.hidden = !has;
}

function pause() {
  set(buttons.pause, !isOn(buttons.pause));
  if (!isOn(buttons.pause)) {
    const [first] = held;
    for (const part of held) add(part);
    // What was held and let go of again lies between what is here and what was here.
    if (hasLetGo && parts.includes(first)) {
      while (parts[0] !== first) for (const line of parts.shift().lines) line.remove();
      hasEarlier(first, true);
      toEnd();
    }
    held = [];
    heldCount = 0;
    hasLetGo = false;
  }
  tell();
}

function tell() {
  if (!buttons.follow) return;
  if (isOn(buttons.pause)) state.textContent = words.held.replace("{n}", heldCount);
  else state.textContent = isOn(buttons.follow) ? words.following : words.notFollowing;
}

function toEnd() {
  if (buttons.follow ? isOn(buttons.follow) && !isOn(buttons.pause) : !current()) log.scrollTop = log.scrollHeight;
}

let before = 0;

/** Lets go of the end when one scrolls up, and reads back. */
function scrolled() {
  const isUp = log.scrollTop < before;
  before = log.scrollTop;
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
  if (isUp && !isAtEnd && isOn(buttons.follow)) { set(buttons.follow, false); tell(); }
  if (isUp && log.scrollTop < 200) back();
}

/** Reads back because somebody wants to read that, and not to be taken to the end by the next line. */
async function goBack() {
  if (await back() && isOn(buttons.follow)) { set(buttons.follow, false); tell(); }
}

/** Reads what was written before the first line, in this file and in those before it. Tells whether
 * there was something. */
async function back() {
  const first = parts[0];
  if (isReadingBack || !first.earlier) return false;
  isReadingBack = true;
  const part = await read(`id=${first.id}&before=${first.start}`);
  const isUseful = part !== null && first === parts[0];
  if (isUseful) {
    const height = log.scrollHeight;
    for (const line of part.lines) {
      line.classList.remove("partial");
      if (find?.value) markIn(line, find.value.toLowerCase());
    }
    seamBefore.after(...part.lines);
    parts.unshift(part);
    log.scrollTop += log.scrollHeight - height;
    hasEarlier(part, part.earlier);
    if (find?.value) tellFound();
  }
  isReadingBack = false;
  return isUseful && part.lines.length > 0;
}

/** Marks what is typed, in what is here; the server searches the file when it is sent. */
function mark(text) {
  for (const old of log.querySelectorAll("mark")) old.replaceWith(...old.childNodes);
  log.normalize();
  if (text) markIn(log, text.toLowerCase());
  count();
}

function markIn(element, wanted) {
  const walk = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), found = [];
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

const marks = () => [...(log?.querySelectorAll("mark") ?? [])];
const current = () => log.querySelector("mark.now");

function count() {
  tellFound();
  if (marks().length > 0) step(-1);
}

/** Says how many matches there are, and at which of them one is. */
function tellFound() {
  const all = marks(), at = all.indexOf(current());
  $("[data-found]").textContent = all.length === 0 ? "" : at < 0 ? all.length : `${at + 1} / ${all.length}`;
}

/** Goes to the next match, or to the one before. */
export function step(by) {
  const all = marks();
  if (all.length === 0) return;
  const at = all.indexOf(current());
  const next = all[at < 0 ? all.length - 1 : (at + by + all.length) % all.length];
  all[at]?.classList.remove("now");
  next.classList.add("now");
  next.scrollIntoView({ block: "nearest" });
  set(buttons.follow, false);
  tell();
  tellFound();
}

/** The line that a link leads to. */
const linked = () => log.querySelector(".here");

/** Shows the line that a link has led to, which may lie outside of what is seen. */
function showLinked() {
  set(buttons.follow, false);
  log.scrollTop = linked().offsetTop - log.offsetTop - log.clientHeight / 3;
}

/** The line that is meant by "here": the one that a link leads to, the match that one is at, or the
 * first that is seen. */
function pointed() {
  const top = log.getBoundingClientRect().top;
  const isSeen = (line) => line.dataset.at && line.getBoundingClientRect().bottom > top;
  return linked() ?? current()?.closest("[data-at]") ?? [...log.children].find(isSeen);
}

/** Makes the link to a line the address of the page, marks the line, and copies the link. */
async function link(line) {
  const part = parts.concat(held).find((part) => part.lines.includes(line));
  if (!part) return;
  linked()?.classList.remove("here");
  line.classList.add("here");
  const page = log.dataset.page, sign = page.includes("?") ? "&" : "?";
  const address = `${page}${sign}id=${part.id}&at=${line.dataset.at}#here`;
  history.replaceState(null, "", address);
  // The line is to stay where it is seen.
  set(buttons.follow, false);
  for (const menu of document.querySelectorAll(".log details.menu[open]")) menu.open = false;
  state.textContent = await copied(new URL(address, location.href).href) ? words.copied : words.notCopied;
}

/** Copies a text. Tells whether that was possible. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS there is only the old way.
    const field = document.createElement("textarea"), focused = document.activeElement;
    field.value = text;
    document.body.append(field);
    field.select();
    const isDone = document.execCommand("copy");
    field.remove();
    focused?.focus({ preventScroll: true });
    return isDone;
  }
}

if (log) begin();

// The web interface, alive. The server draws every page complete; this asks for it anew when
// something has happened and puts in what differs. Without it everything but that works too.

import "./act.js";
import "./keys.js";
import "./log.js";
import { soon, start } from "./live.js";
import { patch } from "./patch.js";

/** What is typed into a filter is asked for when no key has been pressed for so long. */
const TYPING_MS = 150;

/** Who has scrolled down so far reads what is there, and is not disturbed by what is new. */
const READING_PX = 80;

const FOLDED = "minder-folded";

const $ = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

let address = location.href;
let asked = 0;
let isHolding = false;

/** Asks for the page anew and shows it. Tells whether there was an answer. */
async function draw() {
  const mine = ++asked;
  let page;
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (answer.status >= 500) return false;
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return false;
  }
  // A later question has the later answer.
  if (mine === asked && !isHolding) show(page);
  return true;
}

function show(page) {
  const then = $("main", page);
  if (!then) return;
  const known = new Set(all(".events tr[data-name]").map((row) => row.dataset.name));
  if (known.size > 0 && scrollY > READING_PX) return wait(page, known);
  $(".pill")?.remove();
  const row = document.activeElement?.closest(".procs tr, .trouble li");
  patch($("main"), then);
  // Who works with keys stays in the row, although the button that had the focus is gone.
  if (row?.isConnected && document.activeElement === document.body) $("th a, .who a", row)?.focus();
  patch($(".nav"), $(".nav", page));
  document.title = page.title;
  document.body.dataset.asOf = page.body.dataset.asOf;
  if (known.size > 0) for (const row of all(".events tr[data-name]")) row.classList.toggle("fresh", !known.has(row.dataset.name));
  fold();
  count();
}

/** Says how many events have happened while one reads further down. */
function wait(page, known) {
  const rows = all(".events tr[data-name]", page);
  const oldest = Math.min(...[...known].map(Number));
  const number = rows.filter((row) => !known.has(row.dataset.name) && Number(row.dataset.name) > oldest).length;
  if (number === 0) return;
  let pill = $(".pill");
  if (!pill) {
    pill = document.createElement("button");
    pill.type = "button";
    pill.className = "pill primary small";
    pill.addEventListener("click", () => { scrollTo(0, 0); soon(0); });
    document.body.append(pill);
  }
  pill.textContent = document.body.dataset.newEvents.replace("{n}", number);
}

/** Goes to another part of the same page. */
function go(to, replaces = false) {
  if (replaces) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  address = location.href;
  soon(0);
}

addEventListener("popstate", () => { address = location.href; soon(0); });

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
  if (link && isPlain && link.matches(".counts a, .chips a, .strip > a, .pager a, .fold, .rest a, .none-yet a.link")) {
    event.preventDefault();
    if (!(link.dataset.do === "fold" && turn(link))) go(link.href);
  }
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// Filters, as one types; other forms that only ask lead to the page they ask for.
let typing = 0;
document.addEventListener("input", (event) => {
  const form = event.target.dataset.do === "filter" && event.target.form;
  if (!form) return;
  clearTimeout(typing);
  typing = setTimeout(() => filter(form), TYPING_MS);
});
document.addEventListener("submit", (event) => {
  if (!event.target.matches("[role=search]")) return;
  event.preventDefault();
  filter(event.target);
});

function filter(form) {
  const fields = new URLSearchParams(new FormData(form));
  if (!fields.get("q")) fields.delete("q");
  const query = fields.toString();
  go(form.getAttribute("action") + (query ? `?${query}` : ""), true);
}

document.addEventListener("change", (event) => {
  const field = event.target;
  if (field.dataset.do === "submit") field.form.requestSubmit();
  if (field.dataset.do === "all") for (const box of all(".procs input[name=p]")) box.checked = field.checked && box.offsetParent !== null;
  if (field.dataset.group) for (const box of all("input[name=p]", field.closest("tbody"))) box.checked = field.checked;
  if (field.dataset.do === "tick") groups();
  count();
});
document.addEventListener("reset", () => setTimeout(() => {
  for (const box of all(".procs input, .pager input")) box.checked = false;
  count();
}));

/** Counts what is ticked. */
function count() {
  const ticked = all(".procs input[name=p]:checked");
  const number = $("[data-n]"), names = $("[data-names]");
  if (number) number.textContent = ticked.length;
  if (names) names.textContent = ticked.map((box) => box.value).join(", ");
}

/** Says on the button how many groups are to be updated. */
function groups() {
  const button = $("[data-count=update]"), number = all("[data-do=tick]:checked").length;
  if (!button) return;
  button.disabled = number === 0;
  button.textContent = number === 1 ? button.dataset.one : button.dataset.many.replace("77", number);
}

/** Folds or unfolds a group whose rows are here. Tells whether they are. */
function turn(link) {
  const body = link.closest("tbody");
  if (!body?.matches(".procs tbody") || !$("tr.m", body)) return false;
  const folded = remembered(), name = body.dataset.body;
  if (body.hasAttribute("data-folded")) folded.delete(name); else folded.add(name);
  localStorage.setItem(FOLDED, JSON.stringify([...folded]));
  fold();
  return true;
}

function remembered() {
  try {
    return new Set(JSON.parse(localStorage.getItem(FOLDED) ?? "[]"));
  } catch {
    return new Set();
  }
}

/** Folds the groups that this browser remembers as folded. */
function fold() {
  if ($("[data-large]")) return;
  const folded = remembered();
  for (const body of all(".procs tbody[data-body]")) {
    const link = $("a.fold", body);
    if (!link) continue;
    const isFolded = folded.has(body.dataset.body);
    body.toggleAttribute("data-folded", isFolded);
    link.setAttribute("aria-expanded", !isFolded);
  }
}

$("[data-do=hold]")?.addEventListener("click", (event) => {
  isHolding = event.currentTarget.getAttribute("aria-pressed") !== "true";
  event.currentTarget.setAttribute("aria-pressed", isHolding);
  if (!isHolding) soon(0);
});

fold();
count();
start(draw);

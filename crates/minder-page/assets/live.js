// Keeps the page true: listens for what happens, asks for the page anew, and says so when nobody
// answers. A daemon that is replaced is not missed for long, and programs do not notice.

/** How long to wait before each try to reach the daemon again; the last one repeats. */
const RETRY_MS = [300, 1000, 2000, 5000];

/** Figures are asked for this often while somebody looks. */
const FIGURES_MS = 5000;

/** Of many events at once, the page is drawn once. */
const SETTLE_MS = 150;

/** Without an answer for this long it is called so. */
const SILENT_MS = 30_000;

/** A page that nobody looks at lets go of the daemon. */
const HIDDEN_MS = 60_000;

const live = document.querySelector(".live");
const words = document.body.dataset;

let redraw = async () => true;
let source = null;
let tries = 0;
let failures = 0;
let lostAt = 0;
let retry = 0;
let settle = 0;
let hiding = 0;
let countdown = 0;

/** Begins. `draw` asks for the page anew, and tells whether there was an answer. */
export function start(draw) {
  redraw = draw;
  listen();
  setInterval(() => { if (isSeen() && !lostAt) soon(0); }, FIGURES_MS);
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(close, HIDDEN_MS);
    else if (!source && !retry) { listen(); soon(0); }
  });
  // A browser may keep a page that was left, and with it a connection, of which it has few.
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted && !source) { listen(); soon(0); } });
}

/** Draws soon, because something has happened. */
export function soon(delay = SETTLE_MS) {
  if (settle) return;
  settle = setTimeout(async () => {
    settle = 0;
    if (await redraw()) found(); else lost();
  }, delay);
}

const isSeen = () => !document.hidden;

function listen() {
  clearTimeout(retry);
  retry = 0;
  const stream = new EventSource("api/v1/stream");
  source = stream;
  stream.onopen = () => { failures = 0; found(); soon(0); };
  for (const kind of ["event", "reset"]) {
    stream.addEventListener(kind, () => soon());
  }
  stream.onerror = () => {
    close();
    failures++;
    // There may be no stream to listen to while the page is there all the same.
    soon(0);
  };
}

function close() {
  source?.close();
  source = null;
}

/** The daemon answers. */
function found() {
  tries = 0;
  live.hidden = false;
  if (!source && !retry && isSeen()) {
    // More and more seldom, as long as the page is there and the stream is not.
    retry = setTimeout(listen, RETRY_MS[Math.min(Math.max(failures, 1), RETRY_MS.length) - 1]);
  }
  if (!lostAt) return;
  lostAt = 0;
  clearInterval(countdown);
  show("live", words.live);
  document.querySelector("#act")?.classList.remove("stale");
}

/** Nobody answers. */
function lost() {
  close();
  const wait = RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)];
  lostAt ||= performance.now();
  clearTimeout(retry);
  retry = setTimeout(async () => {
    retry = 0;
    if (await redraw()) { found(); listen(); } else lost();
  }, wait);
  if (tries > 1) tell(wait);
}

/** Says what is known. */
function tell(wait) {
  const silent = performance.now() - lostAt > SILENT_MS;
  show("lost", silent ? words.notAnswering : words.reconnecting);
  document.querySelector("#act")?.classList.add("stale");
  const mine = document.title.split(" · ").slice(-2);
  document.title = [live.textContent.trim().toLowerCase(), ...mine].join(" · ");
  let secs = Math.ceil(wait / 1000);
  const say = () => {
    const facts = document.querySelector("[data-facts], .lede");
    if (!facts || !lostAt) return;
    const gone = Math.round((performance.now() - lostAt) / 1000);
    const text = silent ? words.noAnswer : words.restarting;
    facts.textContent = text.replace("{t}", words.asOf).replace("{s}", Math.max(secs--, 0)).replace("{d}", gone);
  };
  say();
  clearInterval(countdown);
  countdown = setInterval(say, 1000);
}

function show(state, word) {
  live.dataset.live = state === "lost" ? "lost" : "live";
  live.querySelector("use").setAttribute("href", state === "lost" ? "#s-lost" : "#s-live");
  const text = live.querySelector("span");
  if (text.textContent !== word) text.textContent = word;
}

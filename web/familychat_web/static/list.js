// The left pane: it reloads itself, searches as one types, and organises in place. Without it, links and forms do.

const EVERY = 5000; // milliseconds between looks at what other tabs and devices did
const TYPING = 150;
const UNDO = 10000;

const pane = document.getElementById("conversations");
const list = document.getElementById("list");
const hits = document.getElementById("hits");
const status = document.getElementById("list-status");
const search = pane.querySelector("form.search");
const words = search.elements.q;
const csrf = document.querySelector('meta[name="csrf"]').content;

let view = "/list";
let pages = 1;
let loading = null;
let editing = false;

const changed = () => document.dispatchEvent(new CustomEvent("familychat:changed"));
const idOf = (address) => address.split("/")[2];

function say(text, bad = false) {
  status.textContent = text;
  status.classList.toggle("problem", bad);
  status.classList.toggle("visually-hidden", !bad);
}

// A part of the page, as an element; null if it is as it was. Whoever isn't signed in any more is led to the sign-in.
async function part(address, { state, signal } = {}) {
  const headers = { accept: "text/html" };
  if (state) headers["if-none-match"] = `"${state}"`;
  const response = await fetch(address, { headers, signal, cache: "no-store" });
  if (response.status === 304) return null;
  if (response.redirected) location.reload();
  if (!response.ok || response.redirected) throw new Error(response.status);
  const made = document.createElement("div");
  made.innerHTML = await response.text();
  return made;
}

// Changes something; says so if that failed, and tells whether it worked.
async function send(address, fields = {}) {
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { accept: "application/json", "x-csrf-token": csrf },
      body: new URLSearchParams(fields),
    });
    if (response.ok) return true;
    const problem = await response.json();
    say(`${problem.detail} ${problem.hint}`, true);
  } catch {
    say(status.dataset.failed, true);
  }
  return false;
}

function mark() {
  for (const row of list.querySelectorAll("a.chat-link")) {
    if (row.pathname === location.pathname) row.setAttribute("aria-current", "page");
    else row.removeAttribute("aria-current");
  }
  for (const more of pane.querySelectorAll("a.chat-more")) {
    more.setAttribute("role", "button");
    more.setAttribute("aria-haspopup", "dialog");
  }
}

// What is shown stays where it is: as many pages, the scroll, the focus, and what is unfolded.
function show(made) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const way = focused?.getAttribute("href");
  const unfolded = list.querySelector("details")?.open;
  const scrolled = pane.scrollTop;
  list.replaceChildren(...made.childNodes);
  const details = list.querySelector("details");
  if (details && unfolded) details.open = true;
  mark();
  pane.scrollTop = scrolled;
  if (way) [...list.querySelectorAll("a")].find((link) => link.getAttribute("href") === way)?.focus();
}

async function load({ again = false } = {}) {
  if (editing || menu.matches(":popover-open")) return;
  loading?.abort();
  const { signal } = (loading = new AbortController());
  try {
    const made = await part(view, { state: again ? "" : list.firstElementChild?.dataset.state, signal });
    if (!made) return mark();
    for (let page = 1; page < pages; page += 1) {
      const older = made.querySelector("[data-older]");
      if (older) append(older, await part(older.dataset.older, { signal }));
    }
    if (!editing && !signal.aborted) show(made);
  } catch {
    // It is tried again soon.
  }
}

function append(older, made) {
  const inside = made.querySelector(".listing") ?? made;
  const first = inside.querySelector("a.chat-link, .hit");
  older.closest(".older").replaceWith(...inside.childNodes);
  mark();
  return first;
}

// Searching

let typed = 0;
let asked = null;

// Who types on hasn't ended the last word: it is looked for as a beginning. Shorter ones would begin too many words.
const begun = (text) => text.replace(/(^|\s)([\p{L}\p{N}]{3,})$/u, "$1$2*");

async function find() {
  clearTimeout(typed);
  asked?.abort();
  const q = begun(words.value).trim();
  hits.hidden = !q;
  list.hidden = Boolean(q);
  if (!q) {
    hits.replaceChildren();
    return say("");
  }
  const { signal } = (asked = new AbortController());
  try {
    const made = await part(`/search?${new URLSearchParams({ q })}`, { signal });
    say(made.querySelector(".told")?.textContent ?? "");
    hits.replaceChildren(...made.childNodes);
  } catch (error) {
    if (error.name !== "AbortError") say(status.dataset.failed, true);
  }
}

words.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(find, words.value.trim() ? TYPING : 0);
});
search.addEventListener("submit", (event) => {
  event.preventDefault();
  find();
});

// What can be done with one conversation

const menu = document.createElement("div");
menu.popover = "auto";
menu.className = "row-menu";
menu.tabIndex = -1;
menu.setAttribute("role", "dialog");
pane.append(menu);
let opener = null;

async function openMenu(more) {
  try {
    menu.replaceChildren(...(await part(`${more.pathname}?whole=0`)).childNodes);
  } catch {
    return location.assign(more.href);
  }
  opener = more;
  menu.setAttribute("aria-label", more.getAttribute("aria-label"));
  menu.showPopover();
  const at = more.getBoundingClientRect();
  menu.style.top = `${Math.max(8, Math.min(at.bottom, innerHeight - menu.offsetHeight - 8))}px`;
  menu.style.left = `${Math.max(8, Math.min(at.left, innerWidth - menu.offsetWidth - 8))}px`;
  menu.focus();
}

menu.addEventListener("toggle", (event) => opener?.setAttribute("aria-expanded", String(event.newState === "open")));

menu.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const row = opener.parentElement.querySelector("a.chat-link");
  const address = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  menu.hidePopover();
  if (form.dataset.does === "rename") return rename(row);
  if (!(await send(address, new FormData(form)))) return;
  if (form.dataset.does === "delete" && row.pathname === location.pathname) {
    return location.assign(`/?undo=${idOf(row.pathname)}`);
  }
  changed();
  if (form.dataset.does === "delete") offerUndo(row);
});

// Enter saves, Escape gives up; going elsewhere saves as well.
function rename(row) {
  const field = document.createElement("input");
  const before = row.textContent;
  field.value = before;
  field.maxLength = 200;
  field.setAttribute("aria-label", status.dataset.title);
  row.hidden = editing = true;
  row.after(field);
  field.select();
  const end = async (save, back) => {
    if (!editing) return;
    editing = false;
    const title = field.value.trim();
    row.hidden = false;
    field.remove();
    if (back) row.focus();
    if (!save || !title || title === before) return;
    row.textContent = title;
    if (await send(`${row.pathname}/rename`, { title })) changed();
    else row.textContent = before;
  };
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    end(event.key === "Enter", true);
  });
  field.addEventListener("blur", () => end(true, false));
}

function offerUndo(row) {
  pane.querySelector(".undo")?.remove();
  const offer = document.createElement("div");
  offer.className = "undo";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = status.dataset.undo;
  offer.append(status.dataset.deleted, " ", button);
  say(status.dataset.deleted);
  pane.append(offer);
  button.addEventListener("click", async () => {
    offer.remove();
    if (await send(`${row.pathname}/restore`)) changed();
  });
  button.focus();
  fade(offer);
}

// An offer ends after a while, but not under somebody's hand.
function fade(offer, then) {
  setTimeout(() => {
    if (offer.matches(":hover")) return fade(offer, then);
    const left = offer.contains(document.activeElement);
    offer.remove();
    if (left) (list.querySelector("a.chat-link") ?? words).focus();
    then?.();
  }, UNDO);
}

pane.addEventListener("click", async (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.matches(".chat-more")) {
    event.preventDefault();
    openMenu(link);
  } else if (link.dataset.older) {
    event.preventDefault();
    try {
      const first = append(link, await part(link.dataset.older));
      if (list.contains(first)) pages += 1;
      first?.focus();
    } catch {
      say(status.dataset.failed, true);
    }
  } else if (link.dataset.list) {
    event.preventDefault();
    view = link.dataset.list;
    pages = 1;
    await load({ again: true });
    pane.scrollTop = 0;
    list.querySelector("a")?.focus();
  }
});

pane.addEventListener("keydown", (event) => {
  if (event.key === " " && event.target.matches("a.chat-more")) {
    event.preventDefault();
    openMenu(event.target);
  } else if (event.key === "F2" && event.target.matches("a.chat-link")) {
    rename(event.target);
  }
});

// Ticking all of them ticks each; without one of them, it is not all any more.
document.getElementById("several")?.addEventListener("change", ({ target, currentTarget: form }) => {
  const ones = form.querySelectorAll('[name="one"]');
  if (target.name === "all") for (const one of ones) one.checked = target.checked;
  else if (target.name === "one" && !target.checked) form.elements.all.checked = false;
});

// While the drawer of a phone is open, there is nothing else to get to; a window that gets wide has none.
pane.addEventListener("beforetoggle", ({ target, newState }) => {
  if (target !== pane) return;
  for (const other of document.body.children) if (other !== pane) other.inert = newState === "open";
});
pane.addEventListener("toggle", ({ target, newState }) => {
  if (target === pane && newState === "open") pane.querySelector(".drawer-button").focus();
});
matchMedia("(max-width: 48rem)").addEventListener("change", () => pane.hidePopover());

document.addEventListener("familychat:changed", () => load());
document.addEventListener("visibilitychange", () => document.hidden || load());
window.addEventListener("popstate", mark);
setInterval(() => document.hidden || load(), EVERY);
for (const offer of document.querySelectorAll("main .undo")) fade(offer, () => history.replaceState({}, "", "/"));
mark();
if (words.value) find(); // back from a hit

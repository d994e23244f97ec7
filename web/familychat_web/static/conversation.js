// One conversation: asking, the answer as it comes, and what can be done with messages. Forms do most of it without us.

const talk = document.getElementById("talk");
const main = document.getElementById("main");
const list = document.getElementById("messages");
const spoken = document.getElementById("spoken");
const composer = document.getElementById("composer");
const token = document.querySelector('meta[name="csrf"]').content;
const words = talk.dataset;
const PULSE = 5000;
const REST_AFTER = 5000;
const SENTENCES_EVERY = 4000;

let id = words.conversation;
let head = words.head;

const part = (name) => composer?.querySelector(`#${name}`);
const field = part("text");
const changed = () => document.dispatchEvent(new CustomEvent("familychat:changed"));

// -- asking the server

class Problem extends Error {
  constructor(detail, hint = "", status = 0) {
    super(detail);
    Object.assign(this, { hint, status });
  }
}

async function asked(url, options = {}) {
  let response;
  try {
    response = await fetch(url, options);
  } catch {
    throw new Problem(words.lost, words.again);
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new Problem(told.detail ?? words.lost, told.hint, response.status);
}

const read = (url) => asked(url, { headers: { accept: "application/json" } });

async function post(url, body) {
  const headers = { accept: "application/json", "x-csrf-token": token };
  return (await asked(url, { method: "POST", headers, body })).json();
}

function tell(problem) {
  const place = part("problem");
  if (!place) return;
  place.hidden = !problem;
  place.textContent = problem ? `${problem.message} ${problem.hint ?? ""}` : "";
}

// -- the draft

const draft = () => `draft ${words.person} ${id || "new"}`;

function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.blockSize = "auto";
  field.style.blockSize = `${field.scrollHeight + 2}px`;
}

function keepDraft() {
  if (field.value) localStorage.setItem(draft(), field.value);
  else localStorage.removeItem(draft());
}

if (field) {
  field.value ||= localStorage.getItem(draft()) ?? "";
  grow();
  field.addEventListener("input", () => {
    keepDraft();
    grow();
  });
  field.addEventListener("keydown", (event) => {
    // 229: the letters are being put together still, in browsers that don't say isComposing.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (!part("send").hidden) composer.requestSubmit(part("send"));
  });
}

// -- asking a question

let asking = false;

composer?.addEventListener("submit", (event) => {
  if (!field) return;
  event.preventDefault();
  event.stopPropagation();
  if (event.submitter === part("stop")) stop();
  else ask();
});

async function ask() {
  if (asking || !field.value.trim()) return;
  asking = true;
  tell(null);
  try {
    const begun = await post(composer.getAttribute("action"), new URLSearchParams(new FormData(composer)));
    localStorage.removeItem(draft());
    field.value = "";
    grow();
    if (!id) settle(begun.conversation);
    entitle(begun.title);
    list.insertAdjacentHTML("beforeend", begun.html);
    enhance(list);
    follow(begun.answer);
    main.scrollTop = main.scrollHeight;
    changed();
  } catch (problem) {
    tell(problem);
  }
  asking = false;
  field.focus();
}

/** The conversation is there from now on. */
function settle(conversation) {
  id = conversation;
  history.replaceState(null, "", `/c/${id}`);
  composer.setAttribute("action", `/c/${id}/ask`);
  part("stop").setAttribute("formaction", `/c/${id}/stop`);
  document.getElementById("own-model").value = part("model")?.value ?? "";
  part("choices")?.remove();
  document.getElementById("intro")?.remove();
  const tools = document.getElementById("tools");
  for (const link of tools.querySelectorAll("a")) link.href = link.href.replace("/c/new/", `/c/${id}/`);
  tools.querySelector("form").setAttribute("action", `/c/${id}/settings`);
  tools.hidden = false;
}

async function stop() {
  try {
    await post(`/c/${id}/stop`);
  } catch (problem) {
    tell(problem);
  }
}

// -- an answer as it comes

let following = null;
let resting = 0;

function busy(is) {
  if (!field) return;
  const had = document.activeElement === part("stop");
  part("send").hidden = is;
  part("stop").hidden = !is;
  part("waiting").hidden = !is;
  if (had) field.focus();
}

function follow(answer) {
  leave();
  const article = document.getElementById(`message-${answer}`);
  if (!article) return;
  const text = article.querySelector(".text");
  clear(article);
  part("notes")?.replaceChildren(); // they were about the answer before
  const source = new EventSource(`/c/${id}/events`);
  following = { answer, article, text, source, said: 0 };
  following.timer = setInterval(say, SENTENCES_EVERY);
  head = answer;
  busy(true);
  source.addEventListener("news", (event) => {
    if (event.lastEventId.startsWith(answer)) show(JSON.parse(event.data));
  });
  source.addEventListener("over", (event) => finish(JSON.parse(event.data).message));
  source.addEventListener("open", () => tell(null));
  source.addEventListener("error", () => {
    tell(new Problem(words.lost, words.again));
    // The browser tries again by itself, unless it was refused.
    if (source.readyState === EventSource.CLOSED) leave();
  });
  rest();
}

function clear(article) {
  article.querySelector(".text").replaceChildren();
  article.querySelector(".reasoning > div").textContent = "";
}

/** A browser has no more than six lines to a server: a tab that nobody looks at gives its own back. */
function rest() {
  clearTimeout(resting);
  if (document.hidden) resting = setTimeout(leave, REST_AFTER);
}

function leave() {
  if (!following) return;
  following.source.close();
  clearInterval(following.timer);
  following = null;
  busy(false);
}

function show(news) {
  const { text, article } = following;
  const atEnd = main.scrollHeight - main.scrollTop - main.clientHeight < 80;
  if (news.anew) clear(article);
  for (const [number, kind, content] of news.blocks ?? []) {
    while (text.children.length <= number) text.append(document.createElement("div"));
    const block = text.children[number];
    if (kind === "html") block.innerHTML = content;
    else block.querySelector("code")?.append(content);
  }
  if (news.reasoning) {
    const thoughts = article.querySelector(".reasoning");
    thoughts.hidden = false;
    thoughts.lastElementChild.append(news.reasoning);
  }
  for (const note of news.notices ?? []) addNote(note);
  const waiting = part("waiting");
  if (waiting && (news.waiting || news.blocks)) {
    waiting.textContent = news.waiting ? `${news.waiting} …` : "";
    waiting.hidden = !news.waiting;
  }
  if (atEnd) main.scrollTop = main.scrollHeight;
}

function addNote(text) {
  const notes = part("notes");
  if (!notes || [...notes.children].some((note) => note.textContent === text)) return;
  const note = document.createElement("li");
  note.textContent = text;
  notes.append(note);
}

/** Whole sentences, now and then: a screen reader would be flooded by every word. */
function say() {
  const whole = following.text.textContent.trimEnd(); // a paragraph that still grows ends with a line break, too
  const end = Math.max(...[".", "!", "?", "。", "।", "\n"].map((mark) => whole.lastIndexOf(mark))) + 1;
  if (end > following.said) spoken.textContent = whole.slice(following.said, end);
  following.said = Math.max(following.said, end);
}

async function finish(message) {
  const said = following?.said ?? 0;
  const open = following?.article.querySelector(".reasoning")?.open;
  leave();
  if (!message) return;
  head = message;
  try {
    const html = await (await read(`/c/${id}/messages/${message}`)).text();
    const old = document.getElementById(`message-${message}`);
    if (!old) return;
    const atEnd = main.scrollHeight - main.scrollTop - main.clientHeight < 80;
    old.outerHTML = html;
    const article = document.getElementById(`message-${message}`);
    const thoughts = article.querySelector(".reasoning");
    if (thoughts && open) thoughts.open = true;
    spoken.textContent = article.querySelector(".text").textContent.slice(said) || words.done;
    enhance(article);
    if (atEnd) main.scrollTop = main.scrollHeight;
  } catch (problem) {
    tell(problem);
  }
  changed();
}

// -- what other tabs and devices do

async function pulse() {
  if (!id || document.hidden || asking || !words.whole) return;
  let now;
  try {
    now = await (await read(`/c/${id}/pulse`)).json();
  } catch (problem) {
    if (problem.status) tell(problem);
    return;
  }
  entitle(now.title);
  if (following) {
    if (now.answer !== following.answer) await finish(following.answer);
  } else if (now.answer || now.head !== head || list.querySelector('[data-status="streaming"]')) {
    head = now.head;
    await refresh(now.answer);
    changed();
  }
}

function entitle(title) {
  const shown = talk.querySelector("h1");
  if (shown.textContent === title) return;
  shown.textContent = title;
  document.title = `${title} · familychat`;
}

async function refresh(answer) {
  const count = list.querySelectorAll(".message").length + 2;
  list.innerHTML = await (await read(`/c/${id}/shown?count=${count}`)).text();
  enhance(list);
  watch();
  if (answer) follow(answer);
}

setInterval(() => following || pulse(), PULSE);
document.addEventListener("visibilitychange", () => {
  rest();
  pulse();
});

// -- what can be done with messages

list.addEventListener("submit", async (event) => {
  event.preventDefault();
  event.stopPropagation();
  const form = event.target;
  const place = [...list.querySelectorAll(".message")].indexOf(form.closest(".message"));
  const url = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  tell(null);
  try {
    const done = await post(url, new URLSearchParams(new FormData(form, event.submitter)));
    if (done.conversation !== id) {
      location.href = `/c/${done.conversation}`;
      return;
    }
    leave();
    await refresh(done.answer);
    if (!done.answer) head = (await (await read(`/c/${id}/pulse`)).json()).head;
    const now = list.querySelectorAll(".message");
    now[Math.min(place, now.length - 1)]?.focus();
    changed();
  } catch (problem) {
    tell(problem);
  }
});

list.addEventListener("click", async (event) => {
  const more = event.target.closest("[data-more]");
  const copy = event.target.closest("[data-copy-as]");
  if (more) {
    event.preventDefault();
    more.focus();
    await addMore(more).catch(tell);
  } else if (copy) {
    await copyMessage(copy.closest(".message"), copy.dataset.copyAs);
  }
});

/** Fetch the messages before the first or after the last one; what is looked at stays where it is. */
async function addMore(link) {
  const [side] = link.dataset.more.split("=");
  const html = await (await read(`/c/${id}/shown?${link.dataset.more}`)).text();
  const had = link === document.activeElement;
  const from = side === "before" ? list.querySelector(".message") : [...list.querySelectorAll(".message")].at(-1);
  const top = from.getBoundingClientRect().top;
  const made = document.createElement("template");
  made.innerHTML = html;
  made.content.querySelector(side === "before" ? ".later" : ".earlier")?.remove();
  link.parentElement.replaceWith(made.content);
  enhance(list);
  main.scrollTop += from.getBoundingClientRect().top - top;
  if (had) (side === "before" ? from.previousElementSibling : from.nextElementSibling)?.focus({ preventScroll: true });
  watch();
}

/** More messages come by themselves when one gets near them. */
const edges = new IntersectionObserver(
  (seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      edges.unobserve(target);
      addMore(target.firstElementChild).catch(tell);
    }
  },
  { root: main, rootMargin: "300px" },
);

function watch() {
  for (const edge of list.querySelectorAll(".earlier, .later")) edges.observe(edge);
}

/** To the message that the address names; whether there is one. */
function goToNamed() {
  const name = location.hash.slice(1);
  if (!name.startsWith("message-")) return false;
  const named = document.getElementById(name);
  if (!named && !location.search) location.replace(`${location.pathname}?at=${name.slice(8)}#${name}`);
  named?.scrollIntoView();
  named?.focus({ preventScroll: true });
  return Boolean(named);
}

// -- copying

async function copyMessage(article, how) {
  const text = read(`/c/${id}/messages/${article.dataset.id}/text`).then((response) => response.blob());
  const parts = { "text/plain": text };
  const body = article.querySelector(".text");
  if (how === "formatted") parts["text/html"] = new Blob([cleaned(body)], { type: "text/html" });
  try {
    if (navigator.clipboard?.write) await navigator.clipboard.write([new ClipboardItem(parts)]);
    else await copyOldWay(how === "formatted" ? body : await (await text).text());
    spoken.textContent = words.copied;
    addNote(words.copied);
  } catch {
    addNote(words.notCopied);
  }
}

function cleaned(body) {
  const copy = body.cloneNode(true);
  for (const button of copy.querySelectorAll("button")) button.remove();
  return copy.innerHTML;
}

/** Browsers keep the clipboard from pages without TLS: there, what is selected can be copied. */
async function copyOldWay(what) {
  const place = document.createElement("pre");
  if (typeof what === "string") place.textContent = what;
  else place.innerHTML = cleaned(what);
  place.className = "visually-hidden";
  talk.append(place);
  getSelection().selectAllChildren(place);
  const done = document.execCommand("copy");
  getSelection().removeAllRanges();
  place.remove();
  if (!done) throw new Error("not copied");
}

// -- small things that need a script

function enhance(root) {
  for (const button of root.querySelectorAll("[data-copy-as]")) button.hidden = false;
  for (const code of root.querySelectorAll(".text pre:not([tabindex])")) {
    code.tabIndex = 0;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain copy-code";
    button.textContent = words.copy;
    button.addEventListener("click", async () => {
      const text = code.querySelector("code").textContent;
      await (navigator.clipboard?.writeText(text) ?? copyOldWay(text)).catch(() => addNote(words.notCopied));
      spoken.textContent = words.copied;
    });
    const box = document.createElement("div");
    box.className = "code";
    code.replaceWith(box);
    box.append(code, button);
  }
  for (const table of root.querySelectorAll(".text > table")) {
    const box = document.createElement("div");
    box.className = "scroll";
    box.tabIndex = 0;
    table.replaceWith(box);
    box.append(table);
  }
  for (const name of root.querySelectorAll(".found th:not(:has(button))")) sortable(name);
}

function sortable(name) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = name.textContent;
  button.title = words.sort.replace("{}", name.textContent);
  name.replaceChildren(button);
  button.addEventListener("click", () => {
    const rows = name.closest("table").tBodies[0];
    const up = name.getAttribute("aria-sort") !== "ascending";
    for (const other of name.parentElement.children) other.removeAttribute("aria-sort");
    name.setAttribute("aria-sort", up ? "ascending" : "descending");
    const order = new Intl.Collator(undefined, { numeric: true });
    const value = (row) => row.cells[name.cellIndex].textContent.replaceAll(",", "");
    const sorted = [...rows.rows].sort((a, b) => order.compare(value(a), value(b)) * (up ? 1 : -1));
    rows.append(...sorted);
  });
}

document.addEventListener("click", (event) => {
  for (const menu of talk.querySelectorAll(".extras[open]")) if (!menu.contains(event.target)) menu.open = false;
});
talk.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest(".extras[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
document.getElementById("intro")?.addEventListener("click", (event) => {
  const link = event.target.closest("[data-ask]");
  if (!link || !field) return;
  event.preventDefault();
  field.value = link.dataset.ask;
  field.dispatchEvent(new Event("input"));
  field.focus();
});
part("task")?.addEventListener("change", (event) => {
  location.replace(`/new?task=${encodeURIComponent(event.target.value)}`);
});

enhance(list);
if (!goToNamed() && words.whole) main.scrollTop = main.scrollHeight;
watch();
window.addEventListener("hashchange", goToNamed);
if (words.running && words.whole) follow(words.running);

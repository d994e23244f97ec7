// Reading answers aloud, and dictating questions: by the device itself, or not at all. Some browsers have voices and ears
// on their makers' servers; these are never used, and where there are no others, neither button is there.

const talk = document.getElementById("talk");
const list = document.getElementById("messages");
const page = document.documentElement.lang;

/** What a language's tag begins with; some devices write en_US. */
const tongue = (tag) => tag.toLowerCase().split(/[-_]/)[0];

// -- reading aloud

let reading = null;

function voiceFor(language) {
  const voices = speechSynthesis.getVoices().filter((one) => one.localService && tongue(one.lang) === tongue(language));
  const own = voices.filter((one) => navigator.languages.includes(one.lang.replace("_", "-")));
  return [...own, ...voices].find((one) => one.default) ?? own[0] ?? voices[0];
}

/** Its paragraphs, lines and cells: one after the other they can be stopped at once, and none is too long. */
function passages(article) {
  const copy = article.querySelector(".text").cloneNode(true);
  for (const button of copy.querySelectorAll("button")) button.remove();
  return copy.textContent.split("\n").filter((line) => /[\p{L}\p{N}]/u.test(line));
}

function read(article) {
  quiet();
  const voice = voiceFor(article.closest("[lang]").lang) ?? voiceFor(page);
  const mine = { id: article.dataset.id };
  const over = () => reading === mine && quiet();
  const queue = passages(article).map((passage) => new SpeechSynthesisUtterance(passage));
  if (!queue.length) return;
  for (const said of queue) {
    Object.assign(said, { voice, lang: voice.lang });
    said.addEventListener("error", over);
    speechSynthesis.speak(said);
  }
  queue.at(-1).addEventListener("end", over);
  reading = mine;
  mark();
}

function quiet() {
  if (!reading) return;
  reading = null;
  speechSynthesis.cancel();
  mark();
}

function mark() {
  for (const button of list.querySelectorAll(".read-aloud")) {
    const [begin, end] = button.children;
    begin.hidden = button.closest(".message").dataset.id === reading?.id;
    end.hidden = !begin.hidden;
  }
}

function offerReading() {
  talk.toggleAttribute("data-reads", Boolean(voiceFor(page)));
}

if (window.speechSynthesis) {
  offerReading();
  speechSynthesis.addEventListener?.("voiceschanged", offerReading); // many browsers find them later
  new MutationObserver(() => (document.getElementById(`message-${reading?.id}`) ? mark() : quiet())).observe(list, {
    childList: true,
  });
  list.addEventListener("click", (event) => {
    const article = event.target.closest(".read-aloud")?.closest(".message");
    if (!article) return;
    if (article.dataset.id === reading?.id) quiet();
    else read(article);
  });
  window.addEventListener("pagehide", quiet);
}

// -- dictating

const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
const field = document.getElementById("text");
const button = document.getElementById("dictate");
const heard = document.getElementById("heard");
let listening = null;

function tell(text = "") {
  heard.textContent = text;
  heard.hidden = !text;
}

function listen(lang) {
  listening = new Recognition();
  Object.assign(listening, { lang, processLocally: true, continuous: true });
  listening.addEventListener("result", ({ results, resultIndex }) => {
    for (const result of [...results].slice(resultIndex)) if (result.isFinal) add(result[0].transcript.trim());
  });
  listening.addEventListener("error", ({ error }) => end(error === "aborted" ? "" : heard.dataset.failed));
  listening.addEventListener("end", () => end());
  listening.start();
  button.setAttribute("aria-pressed", "true");
  tell(heard.dataset.listening);
}

function add(text) {
  field.value += (/^$|\s$/.test(field.value) ? "" : " ") + text;
  field.dispatchEvent(new Event("input"));
}

function end(told = "") {
  if (!listening) return;
  const over = listening;
  listening = null;
  over.abort();
  button.setAttribute("aria-pressed", "false");
  tell(told);
}

async function offerDictation() {
  const lang = navigator.languages.find((tag) => tongue(tag) === tongue(page)) ?? page;
  // "downloadable" would have the browser fetch something first: that is for its owner to do.
  if ((await Recognition.available({ langs: [lang], processLocally: true })) !== "available") return;
  button.hidden = false;
  button.addEventListener("click", () => (listening ? listening.stop() : listen(lang)));
  field.form.addEventListener("submit", () => end());
  window.addEventListener("pagehide", () => end());
}

if (button && Recognition?.available) offerDictation().catch(() => {});

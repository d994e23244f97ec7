// Small comforts on every page. Everything works without them.

for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    field.focus();
  });
}

// A form that is on its way isn't sent twice; back and forward find it as it was.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  // A download leaves the page as it is.
  if (button && !("download" in button.dataset)) setTimeout(() => (button.disabled = !event.defaultPrevented));
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button:disabled")) button.disabled = false;
});

// Who signs out leaves no half-written questions in this browser.
document.querySelector("form[data-person]")?.addEventListener("submit", (event) => {
  const own = `draft ${event.target.dataset.person} `;
  for (const key of Object.keys(localStorage)) if (key.startsWith(own)) localStorage.removeItem(key);
});

// Where browsers have it (over TLS, and on the computer itself), a worker says when familychat can't be reached, in the
// look of this page. Elsewhere there is none, and nothing is said about that.
window.addEventListener("load", async () => {
  const { lang, dataset } = document.documentElement;
  const look = new URLSearchParams({ theme: dataset.theme, accent: dataset.accent, size: dataset.size, language: lang });
  const workers = navigator.serviceWorker;
  await workers?.register("/worker.js", { updateViaCache: "none" }).catch(() => {});
  if (workers) (await workers.ready).active.postMessage(`?${look}`);
});

// Admin pages: uploads say how far they are, and what is under way is looked at again. The rest needs no script.

const POLL = 1000; // milliseconds

function poll() {
  const shown = document.querySelector("[data-poll]");
  if (!shown) return;
  setTimeout(async () => {
    try {
      const response = await fetch(shown.dataset.poll, { headers: { accept: "text/html" } });
      if (!response.ok || response.redirected) return location.reload();
      const found = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-poll]");
      // It has ended: the page itself says how.
      if (!found) return location.replace(shown.dataset.poll.replace(/\/progress$/, ""));
      shown.replaceChildren(...found.childNodes);
    } catch {
      // The line is down for a moment.
    }
    poll();
  }, POLL);
}
poll();

for (const form of document.querySelectorAll("[data-upload]")) {
  const field = form.querySelector("[type=file]");
  const bar = form.querySelector("progress");
  const problem = form.querySelector(".problem");
  const button = form.querySelector("button");
  const refuse = (text) => {
    problem.textContent = text;
    problem.hidden = false;
    bar.hidden = true;
    button.disabled = false;
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation(); // the button is ours: a file that is refused can be followed by another
    const file = field.files[0];
    if (!file) return;
    problem.hidden = true;
    if (file.size > Number(field.dataset.most)) return refuse(field.dataset.tooLarge);
    const sending = new XMLHttpRequest();
    sending.open("POST", `${form.dataset.upload}?name=${encodeURIComponent(file.name)}`);
    sending.setRequestHeader("X-CSRF-Token", document.querySelector("meta[name=csrf]").content);
    sending.setRequestHeader("Content-Type", "application/octet-stream");
    sending.setRequestHeader("Accept", "application/json, text/html;q=0.5");
    sending.upload.addEventListener("progress", ({ loaded, total }) => (bar.value = (100 * loaded) / (total || 1)));
    sending.addEventListener("error", () => refuse(field.dataset.failed));
    sending.addEventListener("load", () => {
      if (sending.status < 400) return location.assign("/admin/music");
      try {
        const told = JSON.parse(sending.responseText);
        refuse(`${told.detail} ${told.hint}`);
      } catch {
        refuse(field.dataset.failed);
      }
    });
    bar.hidden = false;
    setTimeout(() => (button.disabled = true));
    sending.send(file);
  });
}

// Keeps style sheets, scripts, pictures, and the page that says that familychat can't be reached. Nothing else: never
// a page with anybody's content. The server puts SHELL before this: its files, and a version that changes with them.

const CACHE = `familychat ${SHELL.version}`;
const OFFLINE = "/offline";

/** Without cookies: what is kept is the same whoever is signed in. */
async function keepOffline(look = "") {
  const page = await fetch(OFFLINE + look, { credentials: "omit", cache: "no-store" });
  if (!page.ok) throw new Error(page.status);
  await (await caches.open(CACHE)).put(OFFLINE, page);
}

async function keep() {
  await (await caches.open(CACHE)).addAll(SHELL.files);
  await keepOffline();
}

/** Keeps the offline page in the look of the page that was opened last. */
async function dress(look) {
  const there = await (await caches.open(CACHE)).match(OFFLINE);
  if (new URL(there.url).search !== look) await keepOffline(look);
}

async function begin() {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
  await registration.navigationPreload?.enable(); // else each page would wait for us to wake up
}

async function kept(path) {
  return (await (await caches.open(CACHE)).match(path)) ?? fetch(path);
}

async function opened(event) {
  try {
    const answer = (await event.preloadResponse) ?? (await fetch(event.request));
    // Where familychat is gone, a proxy before it may answer. All of familychat's own answers have this header.
    if (answer.status < 502 || answer.headers.has("x-request-id")) return answer;
  } catch {
    // There is no line to the server.
  }
  return kept(OFFLINE);
}

addEventListener("install", (event) => event.waitUntil(keep()));
// Each worker begins with pages that are opened later, and a new one waits until none is left of the old one: Chromium can
// lose a page that is on its way when its worker changes.
addEventListener("activate", (event) => event.waitUntil(begin()));
addEventListener("message", (event) => event.waitUntil(dress(event.data)));
addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin || pathname.startsWith("/api")) return;
  if (SHELL.files.includes(pathname)) event.respondWith(kept(pathname));
  else if (mode === "navigate") event.respondWith(opened(event));
});

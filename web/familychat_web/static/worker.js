// Keeps style sheets, scripts, pictures, and the page that says that familychat can't be reached. Nothing else: never
// a page with anybody's content. The server puts SHELL before this: its files, and a version that changes with them.

const CACHE = `familychat ${SHELL.version}`;
const OFFLINE = "/offline";

async function keep() {
  const cache = await caches.open(CACHE);
  await cache.addAll(SHELL.files);
  // Without cookies: what is kept is the same whoever is signed in. The look is in our own address.
  const page = await fetch(OFFLINE + location.search, { credentials: "omit", cache: "no-store" });
  if (!page.ok) throw new Error(page.status);
  await cache.put(OFFLINE, page);
  await skipWaiting();
}

async function begin() {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
  await registration.navigationPreload?.enable(); // else each page would wait for us to wake up
  await clients.claim();
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
addEventListener("activate", (event) => event.waitUntil(begin()));
addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin || pathname.startsWith("/api")) return;
  if (SHELL.files.includes(pathname)) event.respondWith(kept(pathname));
  else if (mode === "navigate") event.respondWith(opened(event));
});

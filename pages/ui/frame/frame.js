// What cannot be clicked, see frame.css, cannot be reached by the keyboard, either. A button that has the focus keeps it, because
// the page runs again after each click, but it cannot be pressed. Computed styles would tell the same, but take long.
const KINDS = ["stButton", "stDownloadButton", "stPageLink", "stFullScreenFrame"].map((kind) => `[data-testid=${kind}]`).join();
const BLOCKED = `[data-testid=stSidebarNav], ${KINDS}`;
const STALE = `.stMain [data-stale=true]:not([class*=st-key-stop-]) > :is(${KINDS})`;
const isBlocked = (element) => element.matches(document.body.classList.contains("offline") ? BLOCKED : STALE);
function block() {
  const state = document.querySelector("[data-testid=stApp]")?.dataset.testConnectionState;
  const isConnected = state === "CONNECTED";
  window.wasConnected ||= isConnected;
  // Streamlit gives up when it cannot read a message; the address and the server have all that the page needs
  if (window.wasConnected && state === "DISCONNECTED_FOREVER" && document.querySelector("[data-testid=stMain] h1"))
    location.reload();
  const isOffline = window.wasConnected && !isConnected;
  if (document.body.classList.toggle("offline", isOffline) || document.querySelector("#offline")) {
    let message = document.querySelector("#offline");
    if (!message) {
      message = Object.assign(document.createElement("div"), { id: "offline", role: "status" });
      document.body.append(message);
    }
    message.textContent = isOffline ? "The connection to the server is lost. Reconnecting …" : "";
  }
  for (const element of document.querySelectorAll(BLOCKED)) {
    const inert = isBlocked(element) && !element.contains(document.activeElement);
    if (element.inert !== inert) element.inert = inert;
  }
}
function refuse(event) {
  const element = event.target.closest?.(BLOCKED);
  if (!element || !isBlocked(element)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}
if (!window.blocking) {
  window.blocking = new MutationObserver(block);
  window.blocking.observe(document.body, { subtree: true, attributeFilter: ["data-stale", "data-test-connection-state"] });
  document.addEventListener("click", refuse, true); // before other listeners, which are added below
  block();
}

// Streamlit reports its state to the window that embeds the app, which is the app itself if none does. There it would look at
// where each report comes from, which takes long, and ignore it.
function ignoreReport(event) {
  if (event.source === window && event.data?.stCommVersion) event.stopImmediatePropagation();
}
if (!window.ignoringReports) {
  window.ignoringReports = true;
  addEventListener("message", ignoreReport, true);
}

// Opening a page adds an entry to the browser history; changing a setting replaces the address of that entry. Streamlit would
// add an entry for every value that it writes into the address, and Back would step through all of them.
if (!Object.hasOwn(history, "pushState")) {
  const { pushState, replaceState } = History.prototype;
  const EMBEDDING = ["embed", "embed_options"]; // of Streamlit
  let shared = null; // names of the parameters that all pages share
  let ofPages = {}; // by page, the query string of its other parameters
  let expected = null; // path of the page that the user opened last, until they do something else
  let requested = null; // query string that the user's last change of a setting or step in the history sends to the server
  let written = 0; // time of the last change by writeAddress

  // The address of a page with the shared parameters of this address, so that an entry has the settings of its page from the
  // beginning. `query` replaces those of the page if it is not empty.
  function addressOf(path, query) {
    const parameters = new URLSearchParams(location.search);
    if (shared) {
      for (const name of [...parameters.keys()]) if (![...shared, ...EMBEDDING].includes(name)) parameters.delete(name);
      query ||= ofPages[path.split("/").at(-1)] ?? "";
    }
    const own = new URLSearchParams(query);
    for (const name of own.keys()) parameters.delete(name);
    for (const [name, text] of own) parameters.append(name, text);
    return `${path}?${parameters}`.replace(/\?$/, "");
  }

  // While the user opens pages, messages of the server may be about a page which the user has left since.
  history.pushState = function (state, title, address) {
    const url = new URL(address ?? location.href, location.href);
    if (url.pathname === location.pathname) {
      if (expected === null) replaceState.call(history, state, title, address);
    } else if (expected === null || expected === url.pathname)
      pushState.call(history, state, title, addressOf(url.pathname, ""));
  };
  // Streamlit writes a path after the user went back or forward, and a whole address after the user changed a setting. Players
  // write a URL object.
  history.replaceState = function (state, title, address) {
    const isOfServer = `${address}`.startsWith("/");
    if (isOfServer && expected !== null) return;
    replaceState.call(history, state, title, address);
    if (typeof address === "string" && !isOfServer) requested = location.search;
  };

  // Streamlit adds the entry only when the server begins to draw the page: going back before would leave two pages.
  function onClick(event) {
    expected = null;
    const link = event.target.closest?.("[data-testid=stSidebarNav] a, [data-testid=stPageLink] a");
    const base = document.querySelector("[data-testid=stSidebarNav] a"); // links to pages are relative to the first one
    const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (!link || !base || !isPlain || link.target || link.origin !== location.origin) return;
    const url = new URL(link.getAttribute("href"), base.href);
    expected = url.pathname;
    requested = null;
    if (expected !== location.pathname) pushState.call(history, {}, "", addressOf(expected, url.search));
  }
  document.addEventListener("click", onClick, true);
  for (const type of ["pointerdown", "keydown"]) document.addEventListener(type, () => (expected = null), true);
  window.addEventListener("popstate", () => ([expected, requested] = [location.pathname, location.search]));

  function sorted(query) {
    const parameters = new URLSearchParams(query);
    EMBEDDING.forEach((name) => parameters.delete(name));
    parameters.sort();
    return `${parameters}`;
  }

  // Called when a page was drawn for a query string that the server received, and perhaps again by the browser when another
  // page is opened.
  window.writeAddress = (page, received, query, names, queries, time) => {
    if (written >= time || !location.pathname.endsWith(`/${page}`)) return;
    if (requested !== null && sorted(requested) !== sorted(received)) return;
    [shared, ofPages, requested, written] = [names, queries, null, time];
    const [before, after] = [new URLSearchParams(location.search), new URLSearchParams(query)];
    for (const name of EMBEDDING) for (const text of before.getAll(name)) after.append(name, text);
    const address = `${location.pathname}?${after}`.replace(/\?$/, "") + location.hash;
    [before, after].forEach((one) => one.sort());
    if (`${before}` !== `${after}`) replaceState.call(history, history.state, "", address);
  };
}

// Streamlit marks up the menu as one list with section elements in between. Screen readers need one list per section.
function labelMenu() {
  const menu = document.querySelector("[data-testid=stSidebarNavItems]");
  if (!menu || menu.getAttribute("role") === "presentation") return;
  menu.setAttribute("role", "presentation");
  for (const section of menu.children) {
    const header = section.querySelector("header");
    section.setAttribute("role", "list");
    if (header) {
      section.setAttribute("aria-label", header.textContent);
      header.setAttribute("role", "presentation");
    }
  }
}
window.menuLabeling ??= setInterval(labelMenu, 500);

// In a narrow window only the controls of the player, 56 pixels, stay visible. What is said below them scrolls with the page.
function lowerPlayer() {
  const panel = document.querySelector(".st-key-player_panel");
  panel?.parentElement.style.setProperty("--below-controls", `${Math.max(0, panel.parentElement.offsetHeight - 56)}px`);
}
window.loweringPlayer ??= setInterval(lowerPlayer, 500);

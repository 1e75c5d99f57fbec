// Opening a page adds an entry to the browser history; changing a setting replaces the address of that entry. Streamlit would
// add an entry for every value that it writes into the address, and Back would step through all of them.
if (!Object.hasOwn(history, "pushState")) {
  const { pushState, replaceState } = History.prototype;
  history.pushState = function (state, title, url) {
    const samePage = url && new URL(url, location.href).pathname === location.pathname;
    (samePage ? replaceState : pushState).call(history, state, title, url);
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

// Going to a page is a step in the browser's history; what is set on it changes the address of that step. Streamlit would make
// a step of every value that it writes there, and Back would have to go through all of them.
if (!Object.hasOwn(history, "pushState")) {
  const { pushState, replaceState } = History.prototype;
  history.pushState = function (state, title, url) {
    const stays = url && new URL(url, location.href).pathname === location.pathname;
    (stays ? replaceState : pushState).call(history, state, title, url);
  };
}

// The menu is one list to Streamlit, with sections between its entries and them; aloud it is a list for each section.
function readableMenu() {
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
window.readingMenu ??= setInterval(readableMenu, 500);

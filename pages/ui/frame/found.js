// Because there is a folder pages/, Streamlit looks for scripts in it before it knows of the navigation, and greets the first
// visitor of a new server with "Page not found", over a page that is there.
const closing = setInterval(() => {
  const dialog = document.querySelector("[role=dialog]");
  if (dialog?.textContent.startsWith("Page not found")) dialog.querySelector("button[aria-label=Close]").click();
}, 50);
setTimeout(() => clearInterval(closing), 2000);

// Because there is a folder pages/, Streamlit looks for scripts in it until st.navigation has run once, and shows the first
// visitor of a new server "Page not found" over a page that exists. Close that dialog.
const search = setInterval(() => {
  const dialog = document.querySelector("[role=dialog]");
  if (dialog?.textContent.startsWith("Page not found")) dialog.querySelector("button[aria-label=Close]").click();
}, 50);
setTimeout(() => clearInterval(search), 2000);

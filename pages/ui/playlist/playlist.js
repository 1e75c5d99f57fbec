// The bar of a playlist: shows a step and opens the others, with buttons and with Page Down and Page Up or ] and [.
// presentation.js precedes this file.
//
// data: { title, sentence, index, count: of the steps,
//         open: null, or { number: of the request, link: relative, present: whether to begin a presentation,
//                 presented: whether a presentation fills the window with it } }
// Triggers: `go` (index of the step to open), `closed`.

const TEXT_FIELDS = "textarea, select, input, [contenteditable='true']";
const KEYS = { PageDown: 1, "]": 1, PageUp: -1, "[": -1 };
let opened = null; // number of the last request
let interrupted = false; // whether a step that does not fill the window is shown during a presentation

// Streamlit reads the address after the event, as if the user went back to this page.
function open({ number, link, present, presented }) {
  if (number === opened) return;
  opened = number;
  const presenting = present || presentation.on || interrupted;
  interrupted = presenting && !presented;
  const url = new URL(link.replace(/^(?=\?|$)/, "./"), location.href);
  if (presenting && presented) url.searchParams.set("present", "1");
  History.prototype.replaceState.call(history, {}, "", url);
  dispatchEvent(new PopStateEvent("popstate", { state: {} }));
  whenDrawn(url, () => {
    const players = [...document.querySelectorAll(".st-key-player_panel *")].map((element) => element.shadowRoot);
    if (presentation.on && !players.some((player) => player?.querySelector(".present:not([hidden])"))) {
      presentation.set(false);
      interrupted = true;
    }
    // the part of the page that the link selects
    const name = [...url.searchParams.keys()].find((key) => key.endsWith("section"));
    if (name && !presentation.on) document.querySelector(`.stMain .st-key-${CSS.escape(name)}`)?.scrollIntoView();
  });
}

function whenDrawn(url, action) {
  const started = performance.now();
  let running = false; // whether the script has begun to draw the page
  const look = setInterval(() => {
    const time = performance.now() - started;
    if (location.pathname !== url.pathname || time > 20000) return clearInterval(look);
    const ended = document.querySelector("[data-testid=stApp]").dataset.testScriptState === "notRunning";
    running ||= !ended || time > 2000;
    if (!running || !ended) return;
    clearInterval(look);
    action();
  }, 200);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".playlist");
  const $ = (name) => root.querySelector("." + name);
  parentElement.__end?.(); // Streamlit calls this function again for new data, without cleaning up first
  const canGo = (by) => data.index + by >= 0 && data.index + by < data.count;
  const go = (by) => canGo(by) && setTriggerValue("go", data.index + by);
  $("step-title").textContent = data.title;
  $("step-sentence").textContent = data.sentence;
  $("step-number").textContent = `${data.index + 1} of ${data.count}`;
  $("previous").disabled = !canGo(-1);
  $("next").disabled = !canGo(1);
  $("previous").onclick = () => go(-1);
  $("next").onclick = () => go(1);
  $("close").onclick = () => setTriggerValue("closed", true);

  function keys(event) {
    const by = KEYS[event.key];
    const element = event.composedPath()[0];
    const modified = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph");
    if (!by || modified || event.repeat) return;
    if (!presentation.on && element.closest?.(`${TEXT_FIELDS}, [role=dialog], [role=listbox], [role=menu]`)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    go(by);
  }
  const update = () => {
    root.classList.toggle("presenting", presentation.on);
    if (presentation.on) interrupted = false;
  };
  document.addEventListener("keydown", keys, true);
  document.addEventListener("presentation", update);
  update();
  if (data.open) open(data.open);
  parentElement.__end = () => {
    document.removeEventListener("keydown", keys, true);
    document.removeEventListener("presentation", update);
  };
  return parentElement.__end;
}

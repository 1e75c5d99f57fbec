// Shows the sentence of each frame above the picture, and plays it by the keys of the app's player.
// `sentences`, `still` and `playing` are defined before this; Plotly puts its own id in the place of {plot_id}.
const graph = document.getElementById("{plot_id}");
const sentence = document.createElement("p");
sentence.style.cssText = "font:600 17px sans-serif;margin:0 3rem";
sentence.setAttribute("aria-live", "polite");
graph.before(sentence);

let shown = sentences.length - 1;
let plays = false;

const say = (i) => (sentence.textContent = sentences[i] ?? "");
say(shown);
graph.on("plotly_animatingframe", (event) => say((shown = Number(event.name))));
graph.on("plotly_animated", () => (plays = false));
graph.on("plotly_buttonclicked", (event) => (plays = event.button.label === "Play"));
// an animation that gives way to another one is no fault
addEventListener("unhandledrejection", (event) => event.preventDefault());

addEventListener("keydown", (event) => {
  const by = { " ": 0, ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (by) {
    plays = false;
    const next = Math.max(0, Math.min(sentences.length - 1, shown + by));
    Plotly.animate(graph, [String(next)], still);
  } else if (plays) {
    plays = false;
    Plotly.animate(graph, [null], still);
  } else {
    Plotly.animate(graph, null, { ...playing, fromcurrent: shown < sentences.length - 1 });
    plays = true;
  }
});

// Shows the caption of each frame above the plot, and supports the keyboard shortcuts of the app's player.
// `sentences` (the captions) and `still` and `playing` (options of Plotly.animate) are defined before this script. Plotly replaces
// {plot_id} with the id of the plot.
const graph = document.getElementById("{plot_id}");
const sentence = document.createElement("p");
sentence.style.cssText = "font:600 17px sans-serif;margin:0 3rem;white-space:pre-line";
sentence.setAttribute("aria-live", "polite");
graph.before(sentence);

let shown = sentences.length - 1;
let isPlaying = false;

keepThin(graph); // from figures/thin.js
const showSentence = (i) => (sentence.textContent = sentences[i] ?? "");
showSentence(shown);
graph.on("plotly_animatingframe", (event) => showSentence((shown = Number(event.name))));
graph.on("plotly_animated", () => (isPlaying = false));
graph.on("plotly_buttonclicked", (event) => (isPlaying = event.button.label === "Play"));
// Plotly rejects the promise of an animation that is interrupted by another one; this is not an error
addEventListener("unhandledrejection", (event) => event.preventDefault());

addEventListener("keydown", (event) => {
  const step = { " ": 0, ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (step) {
    isPlaying = false;
    const next = Math.max(0, Math.min(sentences.length - 1, shown + step));
    Plotly.animate(graph, [String(next)], still);
  } else if (isPlaying) {
    isPlaying = false;
    Plotly.animate(graph, [null], still);
  } else {
    Plotly.animate(graph, null, { ...playing, fromcurrent: shown < sentences.length - 1 });
    isPlaying = true;
  }
});

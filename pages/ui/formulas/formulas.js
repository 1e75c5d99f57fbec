// Formulas of a run with the values of the frame that the player shows.
//
// data: {
//   figures: identifier of the player's figures
//   html: the formulas; each has the class "formula", its phases in data-phase, and elements .value
//   values: [for each frame, the texts of these elements]
//   phases: [of each frame]
//   first: index of the frame that is shown until the player shows one
//   box: key of the container of this component
//   compact: whether a presentation shows only the formula of the current step
//   visible: whether they are shown when the page is not presented
// }
// `presentation` is in player/presentation.js, which precedes this file.

const SMALLEST = 0.45; // of the usual size of formulas

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".formulas");
  const memory = (parentElement.__formulas ??= {});
  memory.end?.();
  root.innerHTML = data.html;
  const formulas = [...root.children];
  const places = [...root.querySelectorAll(".value")];
  const end = data.phases.length - 1;
  const has = (formula, phase) => formula.dataset.phase.split(" ").includes(phase);

  // the formula of the phase, and those of no phase; before the first of these phases the first formula with a phase
  function highlight(phase) {
    const now = formulas.filter((formula) => has(formula, phase));
    const next = now.length ? now : formulas.filter((formula) => formula.dataset.phase).slice(0, 1);
    for (const formula of formulas) {
      formula.classList.toggle("now", now.includes(formula));
      formula.classList.toggle("shown", next.includes(formula) || !formula.dataset.phase);
    }
  }

  function show() {
    const frame = presentation.frame;
    const index = Math.min(frame?.figures === data.figures ? frame.shown : data.first, end);
    places.forEach((place, i) => (place.textContent = data.values[index][i]));
    highlight(data.phases[index]);
  }

  // Chooses the largest size at which all formulas fit in each frame, and reserves room for their longest values.
  const longest = places.map((_, i) => data.values.reduce((text, row) => (row[i].length > text.length ? row[i] : text), ""));
  const tooLarge = (box) =>
    [...root.querySelectorAll(".math")].some((math) => math.scrollWidth > math.clientWidth) ||
    (presentation.on && root.scrollHeight > box.clientHeight);
  // whether all of them fit at that size
  function shrink(box) {
    let size = 1;
    let fits = true;
    for (const phase of new Set(data.phases)) {
      highlight(phase);
      root.style.setProperty("--size", size);
      while (!(fits = !tooLarge(box)) && size > SMALLEST) root.style.setProperty("--size", (size -= 0.05));
      if (!fits) return false;
    }
    return true;
  }
  function fit() {
    root.hidden = !(data.visible || presentation.on);
    root.classList.toggle("presenting", presentation.on);
    root.classList.toggle("compact", data.compact);
    const box = document.querySelector(`.st-key-${data.box}`);
    if (root.hidden || !box?.clientWidth) return;
    places.forEach((place, i) => (place.textContent = longest[i]));
    root.classList.remove("brief");
    if (!shrink(box) && presentation.on && data.compact) {
      root.classList.add("brief"); // there is room for the formulas, but not for the notes
      shrink(box);
    }
    for (const formula of formulas) {
      formula.style.minHeight = "";
      if (!presentation.on) formula.style.minHeight = `${formula.offsetHeight}px`;
    }
    show();
  }

  const box = document.querySelector(`.st-key-${data.box}`);
  let fitted = ""; // the size of the box for which the formulas were fitted
  const observer = new ResizeObserver(() => {
    const now = `${box.clientWidth} ${presentation.on && box.clientHeight}`;
    if (now !== fitted) requestAnimationFrame(fit);
    fitted = now;
  });
  if (box) observer.observe(box);
  document.addEventListener("frame", show);
  document.addEventListener("presentation", fit);
  document.fonts.ready.then(fit);
  fit();
  memory.end = () => {
    observer.disconnect();
    document.removeEventListener("frame", show);
    document.removeEventListener("presentation", fit);
  };
  return memory.end;
}

// Controls the animated figures of one or several runs: play, pause, step, slider, speed, and the captions of the current frame.
//
// data: {
//   run, figures: identifiers, see `player` in __init__.py
//   pictures, curves: [key of the container of each figure]
//   names: [of each picture]
//   phases: [of each frame]
//   moves: [for each frame, whether centers move into it]
//   captions: [for each picture, [sentence, explanation] of each frame]
//   ticks: [duration of each frame except the last, in thirtieths of a second]
//   rest: index of the frame that the figures show initially
//   altTexts: [for each picture, the alternative text of each frame]
//   formulas: HTML with an element .value for each value
//   values: [for each frame, the texts of these elements]
//   listens: whether to respond to keys pressed anywhere on the page
// }
// `keepThin` is in figures/thin.js, which precedes this file.
// A picture with fewer frames than others stays at its last one. Moves of lines and centers between two frames are interpolated
// here, from the x and y of both frames.

const STEPS_PER_SECOND = 30;
const AT_ONCE = { mode: "immediate", frame: { duration: 0, redraw: false }, transition: { duration: 0 } };

// Streamlit does not expose the Plotly object, but an updatemenu button of the figure calls Plotly.animate with its `args`.
function animate(graph, frames) {
  const button = graph.querySelector(".updatemenu-button");
  if (!button || !button.__data__) return false;
  button.__data__.args = [frames, AT_ONCE];
  button.dispatchEvent(new MouseEvent("click"));
  return true;
}

// hide this button, and Plotly's own toolbar
const hidden = document.createElement("style");
hidden.textContent =
  ".js-plotly-plot .updatemenu-container { opacity: 0; pointer-events: none; }" +
  ".js-plotly-plot .modebar-container { display: none; }";
document.head.append(hidden);

const graphOf = (chart) => document.querySelector(`.st-key-${chart} .js-plotly-plot`);
const belongs = (graph, figures) => graph && graph.layout && graph.layout.meta === figures && graph.querySelector(".updatemenu-button");
const KINDS = { f4: Float32Array, f8: Float64Array };
const unpacked = new WeakMap();

// The values of an array, which Plotly stores as a list or base64-encoded.
function numbers(values) {
  if (!values?.bdata) return values;
  if (!unpacked.has(values)) {
    const bytes = Uint8Array.from(atob(values.bdata), (letter) => letter.charCodeAt(0));
    unpacked.set(values, new KINDS[values.dtype](bytes.buffer));
  }
  return unpacked.get(values);
}

const ease = (s) => s * s * (3 - 2 * s);
const between = (a, b, s) => a.map((v, i) => (v === null || b[i] === null ? v : v + (b[i] - v) * s));

function tween(graph, from, to, s) {
  const hash = graph._transitionData._frameHash;
  const [a, b] = [hash[from], hash[to]];
  const data = [];
  const traces = [];
  b.data.forEach((trace, i) => {
    const other = a.data[a.traces.indexOf(b.traces[i])];
    if (!other?.x || !trace.x) return;
    const [start, end] = [other, trace].map(({ x, y }) => [numbers(x), numbers(y)]);
    if (start[0].length !== end[0].length) return;
    data.push({ x: between(start[0], end[0], s), y: between(start[1], end[1], s) });
    traces.push(b.traces[i]);
  });
  return { data, traces };
}

// Whether the focused element was reached by a pointer. Then keys control the player; after Tab they control the element.
let pointed = true;
let entered = null; // the number input confirmed last by Enter
document.addEventListener("pointerdown", () => ([pointed, entered] = [true, null]), true);
document.addEventListener(
  "keydown",
  (event) => {
    if (event.key === "Tab") pointed = false;
    if (event.key === "Enter") entered = event.composedPath()[0];
    else if (event.key.length === 1 && event.key !== " ") entered = null;
  },
  true,
);

const TEXT = "textarea, [contenteditable='true'], input:not([type=number], [type=range], [type=checkbox], [type=radio])";
const USES_ARROWS = "[role=slider], input[type=range], canvas, .badge";
const INTERACTIVE = "a, summary, input, select, button, [role=combobox], [role=radio], [tabindex='0']";

/** Whether a key belongs to the focused element: an arrow key (`by` is 1 or -1) or the space bar (`by` is 0). */
function isFor(element, by) {
  const is = (kind) => element.matches?.(kind);
  if (element.closest?.("[role=dialog], [role=listbox], [role=menu]") || element.ariaExpanded === "true") return true;
  if (is(USES_ARROWS)) return by !== 0;
  if (is("input[type=number]")) return by !== 0 && entered !== element;
  if (is("[role=combobox]")) return !pointed;
  return is(TEXT) || (!pointed && is(INTERACTIVE) && !is("main"));
}

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".player");
  const $ = (name) => root.querySelector("." + name);
  const last = data.phases.length - 1;
  const ends = data.captions.map((frames) => frames.length - 1); // of each picture
  const charts = [...data.curves, ...data.pictures];
  const memory = (parentElement.__player ??= {});
  memory.end?.(); // Streamlit calls this function again for new data, without cleaning up first
  const plays = memory.run !== data.run && memory.playing; // a new run while the previous one plays is played, too
  if (memory.run !== data.run || memory.shown === memory.rest || memory.shown > last) memory.shown = data.rest;
  Object.assign(memory, { run: data.run, rest: data.rest });
  let timer = null;
  let pending = plays; // play as soon as the figures are on the page
  let before = 0;
  let position = 0; // ticks since the current frame was shown

  const several = data.names.length > 0;
  $("captions").replaceChildren(
    ...data.captions.map((_, i) => {
      const caption = document.createElement("div");
      caption.className = "caption";
      for (const part of several ? ["name", "sentence"] : ["sentence", "explanation"]) {
        caption[part] = document.createElement("p");
        caption[part].className = part;
        caption.append(caption[part]);
      }
      if (several) caption.name.textContent = data.names[i];
      return caption;
    }),
  );
  const captions = [...$("captions").children];
  if ($("formulas").dataset.now !== (data.formulas ?? "")) {
    $("formulas").innerHTML = $("formulas").dataset.now = data.formulas ?? "";
  }
  const valueElements = [...$("formulas").querySelectorAll(".value")];

  function updateTexts() {
    captions.forEach((caption, i) => {
      const [sentence, explanation] = data.captions[i][Math.min(memory.shown, ends[i])];
      caption.sentence.textContent = sentence;
      if (several) caption.name.dataset.state = memory.shown < ends[i] ? "" : "finished";
      else caption.explanation.textContent = explanation;
    });
    valueElements.forEach((element, i) => (element.textContent = data.values[memory.shown][i]));
    for (const formula of $("formulas").children) {
      formula.classList.toggle("now", formula.dataset.phase.split(" ").includes(data.phases[memory.shown]));
    }
    data.pictures.forEach((picture, i) => {
      const text = data.altTexts[i]?.[Math.min(memory.shown, ends[i])];
      document.querySelector(`.st-key-${picture} [data-testid=stPlotlyChart]`)?.setAttribute("aria-label", text);
    });
    $("scrub").value = memory.shown;
    $("scrub").setAttribute("aria-valuetext", captions.map((caption) => caption.sentence.textContent).join(" "));
    $("count").textContent = `${memory.shown} / ${last}`;
  }

  function draw(chart, index) {
    const graph = graphOf(chart);
    if (belongs(graph, data.figures)) {
      animate(graph, [String(Math.min(index, graph._transitionData._frames.length - 1))]);
    }
  }

  function show(index) {
    const previous = memory.shown;
    memory.shown = Math.max(0, Math.min(last, index));
    position = 0;
    // pictures last, so that the curves are up to date when a picture emits its event
    for (const curve of data.curves) draw(curve, memory.shown);
    data.pictures.forEach((picture, i) => {
      if (Math.min(previous, memory.shown) < ends[i] || previous === memory.shown) draw(picture, memory.shown);
    });
    updateTexts();
  }

  function tick(now) {
    if (now - before >= 1000 / STEPS_PER_SECOND - 4) advance(now);
    // requested last, so that Plotly finishes the current update before the next one
    if (timer !== null) timer = requestAnimationFrame(tick);
  }

  function advance(now) {
    const elapsed = now - before;
    before = now;
    // slow machines skip interpolated moves, but never a frame
    position += Math.min(elapsed / 1000, 0.2) * STEPS_PER_SECOND * Number($("speed").value);
    const needed = data.ticks[memory.shown];
    if (position >= needed) {
      show(memory.shown + 1);
      if (memory.shown === last) pause();
    } else if (data.moves[memory.shown + 1]) {
      data.pictures.forEach((picture, i) => {
        const graph = graphOf(picture);
        if (memory.shown < ends[i] && belongs(graph, data.figures)) {
          animate(graph, tween(graph, String(memory.shown), String(memory.shown + 1), ease(position / needed)));
        }
      });
    }
  }

  // uses Plotly's own, hidden button
  function save(picture, format) {
    const graph = graphOf(picture);
    const button = graph?.querySelector(".modebar-btn");
    if (!button) return;
    graph._context.toImageButtonOptions = { format, filename: `${picture}-${memory.shown}`, scale: format === "png" ? 2 : 1 };
    button.dispatchEvent(new MouseEvent("click"));
  }

  function setLive(politeness) {
    $("captions").setAttribute("aria-live", politeness);
  }

  function play() {
    pending = false;
    if (memory.shown === last || memory.shown === data.rest) show(0);
    $("play").textContent = "Pause";
    setLive("off"); // captions change too fast to be read aloud
    before = performance.now();
    timer = requestAnimationFrame(tick);
  }

  function pause() {
    pending = false;
    cancelAnimationFrame(timer);
    timer = null;
    $("play").textContent = "Play";
    setLive("polite");
  }

  function step(by) {
    const underway = timer === null && position > 0;
    pause();
    show(memory.shown + (underway && by < 0 ? 0 : by));
  }

  function keys(event) {
    const by = { " ": 0, ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!data.listens && !event.composedPath().includes(root)) return;
    if (isFor(event.composedPath()[0], by)) return;
    if (by) step(by);
    else if (!event.repeat) timer === null ? play() : pause();
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  $("scrub").max = last;
  $("play").onclick = () => (timer === null ? play() : pause());
  $("back").onclick = () => step(-1);
  $("forward").onclick = () => step(1);
  $("scrub").oninput = () => {
    pause();
    show(Number($("scrub").value));
  };
  for (const format of ["png", "svg"]) $(format).onclick = () => data.pictures.forEach((picture) => save(picture, format));
  document.addEventListener("keydown", keys, true); // capture, to run before the handlers of the focused element
  updateTexts();

  // a redrawn figure shows its initial frame: move it to the current one
  const waiting = setInterval(() => {
    $("saving").hidden = !data.pictures.some((picture) => graphOf(picture)?.querySelector(".modebar-btn"));
    for (const chart of charts) {
      const graph = graphOf(chart);
      if (belongs(graph, data.figures) && graph.__figures !== data.figures) {
        graph.__figures = data.figures;
        keepThin(graph);
        updateTexts();
        if (memory.shown !== data.rest) draw(chart, memory.shown);
      }
    }
    if (pending && charts.every((chart) => graphOf(chart)?.__figures === data.figures)) play();
  }, 200);

  let ended = false;
  memory.end = () => {
    if (ended) return;
    ended = true;
    memory.playing = timer !== null || pending;
    pause();
    clearInterval(waiting);
    document.removeEventListener("keydown", keys, true);
  };
  return memory.end;
}

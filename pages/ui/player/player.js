// Drives the figures of one or several runs in step: play, pause, step, scrub, speed, and the sentences of the frame that is
// shown.
//
// data: {
//   run, figures: their layout.meta, pictures and curves: [key of the container of each figure], names: [of the pictures],
//   phases: [phase of each frame], moves: [for each frame whether centers move before it],
//   captions: [for each picture [sentence, explanation] of each of its frames],
//   ticks: [for how many moments each frame is shown before the next one], rest: the frame that the figures show first,
//   alt_texts: [for each picture [what it is in words, of each of its frames]],
//   formulas: HTML with an element .value for each quantity, values: [for each frame [the texts of these]],
//   listens: to keys that are pressed elsewhere on the page
// }
// A picture with fewer frames than others waits on its last one. Before a frame in which centers move the player moves
// the lines and centers of pictures smoothly; these moves are computed here, from the x and y of the two frames.

const STEPS_PER_SECOND = 30;
const AT_ONCE = { mode: "immediate", frame: { duration: 0, redraw: false }, transition: { duration: 0 } };

// Plotly itself is out of reach inside Streamlit's page; a figure's own button is not, and it runs what its `args` say.
function order(graph, what) {
  const button = graph.querySelector(".updatemenu-button");
  if (!button || !button.__data__) return false;
  button.__data__.args = [what, AT_ONCE];
  button.dispatchEvent(new MouseEvent("click"));
  return true;
}

// that button is for the player alone
const hidden = document.createElement("style");
hidden.textContent =
  ".js-plotly-plot .updatemenu-container { opacity: 0; pointer-events: none; }" +
  ".js-plotly-plot .modebar-container { display: none; }";
document.head.append(hidden);

const graphOf = (chart) => document.querySelector(`.st-key-${chart} .js-plotly-plot`);
const belongs = (graph, figures) => graph && graph.layout && graph.layout.meta === figures && graph.querySelector(".updatemenu-button");
const KINDS = { f4: Float32Array, f8: Float64Array };
const unpacked = new WeakMap();

// of what Plotly keeps as it came: lists, or arrays packed into text
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

// Whether what has the focus was reached by a pointer: then it was used, and keys are the player's again. Who comes by Tab
// wants to work it by its own keys.
let pointed = true;
let entered = null; // the number that was confirmed last
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
const MOVED = "[role=slider], input[type=range], canvas, .badge"; // by arrows
const WORKED = "a, summary, input, select, button, [role=combobox], [role=radio], [tabindex='0']";

/** Whether the key, an arrow by `by` steps or else the space bar, is for the element that has the focus. */
function isFor(element, by) {
  const is = (kind) => element.matches?.(kind);
  if (element.closest?.("[role=dialog], [role=listbox], [role=menu]") || element.ariaExpanded === "true") return true;
  if (is(MOVED)) return by !== 0;
  if (is("input[type=number]")) return by !== 0 && entered !== element;
  if (is("[role=combobox]")) return !pointed;
  return is(TEXT) || (!pointed && is(WORKED) && !is("main"));
}

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".player");
  const $ = (name) => root.querySelector("." + name);
  const last = data.phases.length - 1;
  const ends = data.captions.map((frames) => frames.length - 1); // of each picture
  const charts = [...data.curves, ...data.pictures];
  const memory = (parentElement.__player ??= {});
  memory.end?.(); // new data come as a new call, without an end of the old one
  const plays = memory.run !== data.run && memory.playing; // another run, while one plays: it is played, too
  if (memory.run !== data.run || memory.shown === memory.rest || memory.shown > last) memory.shown = data.rest;
  Object.assign(memory, { run: data.run, rest: data.rest });
  let timer = null;
  let goesOn = plays; // as soon as the figures are there
  let before = 0;
  let position = 0; // in ticks since the frame that is shown

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
  const quantities = [...$("formulas").querySelectorAll(".value")];

  function say() {
    captions.forEach((caption, i) => {
      const [sentence, explanation] = data.captions[i][Math.min(memory.shown, ends[i])];
      caption.sentence.textContent = sentence;
      if (several) caption.name.dataset.state = memory.shown < ends[i] ? "" : ends[i] < last ? "has ended, waits" : "has ended";
      else caption.explanation.textContent = explanation;
    });
    quantities.forEach((place, i) => (place.textContent = data.values[memory.shown][i]));
    for (const formula of $("formulas").children) formula.classList.toggle("now", formula.dataset.phase === data.phases[memory.shown]);
    data.pictures.forEach((picture, i) => {
      const words = data.alt_texts[i]?.[Math.min(memory.shown, ends[i])];
      document.querySelector(`.st-key-${picture} [data-testid=stPlotlyChart]`)?.setAttribute("aria-label", words);
    });
    $("scrub").value = memory.shown;
    $("scrub").setAttribute("aria-valuetext", captions.map((caption) => caption.sentence.textContent).join(" "));
    $("count").textContent = `${memory.shown} / ${last}`;
  }

  function draw(chart, index) {
    const graph = graphOf(chart);
    if (belongs(graph, data.figures)) {
      order(graph, [String(Math.min(index, graph._transitionData._frames.length - 1))]);
    }
  }

  function show(index) {
    const left = memory.shown;
    memory.shown = Math.max(0, Math.min(last, index));
    position = 0;
    // pictures last: whoever listens to their frames finds the curves there already
    for (const curve of data.curves) draw(curve, memory.shown);
    data.pictures.forEach((picture, i) => {
      if (Math.min(left, memory.shown) < ends[i] || left === memory.shown) draw(picture, memory.shown);
    });
    say();
  }

  function tick(now) {
    if (now - before >= 1000 / STEPS_PER_SECOND - 4) advance(now);
    // asked for last, so that Plotly has ended what was ordered now before it gets the next order
    if (timer !== null) timer = requestAnimationFrame(tick);
  }

  function advance(now) {
    const elapsed = now - before;
    before = now;
    // a slow machine skips moves between two frames, never a frame
    position += Math.min(elapsed / 1000, 0.2) * STEPS_PER_SECOND * Number($("speed").value);
    const needed = data.ticks[memory.shown];
    if (position >= needed) {
      show(memory.shown + 1);
      if (memory.shown === last) pause();
    } else if (data.moves[memory.shown + 1]) {
      data.pictures.forEach((picture, i) => {
        const graph = graphOf(picture);
        if (memory.shown < ends[i] && belongs(graph, data.figures)) {
          order(graph, tween(graph, String(memory.shown), String(memory.shown + 1), ease(position / needed)));
        }
      });
    }
  }

  // Plotly's own button does it, which is there but not seen
  function save(picture, format) {
    const graph = graphOf(picture);
    const button = graph?.querySelector(".modebar-btn");
    if (!button) return;
    graph._context.toImageButtonOptions = { format, filename: `${picture}-${memory.shown}`, scale: format === "png" ? 2 : 1 };
    button.dispatchEvent(new MouseEvent("click"));
  }

  function listening(how) {
    $("captions").setAttribute("aria-live", how);
  }

  function play() {
    goesOn = false;
    if (memory.shown === last || memory.shown === data.rest) show(0);
    $("play").textContent = "Pause";
    listening("off"); // nobody can listen that fast
    before = performance.now();
    timer = requestAnimationFrame(tick);
  }

  function pause() {
    goesOn = false;
    cancelAnimationFrame(timer);
    timer = null;
    $("play").textContent = "Play";
    listening("polite");
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
  document.addEventListener("keydown", keys, true); // before what was clicked hears of it
  say();

  // a figure that was drawn anew shows the frame where it rests: bring it back to the one that is shown here
  const waiting = setInterval(() => {
    $("saving").hidden = !data.pictures.some((picture) => graphOf(picture)?.querySelector(".modebar-btn"));
    for (const chart of charts) {
      const graph = graphOf(chart);
      if (belongs(graph, data.figures) && graph.__figures !== data.figures) {
        graph.__figures = data.figures;
        say();
        if (memory.shown !== data.rest) draw(chart, memory.shown);
      }
    }
    if (goesOn && charts.every((chart) => graphOf(chart)?.__figures === data.figures)) play();
  }, 200);

  let ended = false;
  memory.end = () => {
    if (ended) return;
    ended = true;
    memory.playing = timer !== null || goesOn;
    pause();
    clearInterval(waiting);
    document.removeEventListener("keydown", keys, true);
  };
  return memory.end;
}

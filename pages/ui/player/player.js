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
//   readings: { key of a container: [for each frame, the texts of its metrics and of its elements .reading, in this order] }
//   frame: index of the frame in the link with which the page is being opened, else null
//   atStart: whether a new run begins with its first frame
//   ranges: [for each picture, the ranges of its axes as arguments of Plotly.relayout]
//   listens: whether to respond to keys pressed anywhere on the page
//   stage: null, or what a presentation of this page offers: { title, newStart: whether there can be one, whyNot: a sentence if
//     there cannot, examples: their titles, centers: names of those that can be dragged in the first frame of the first picture,
//     names: of all centers, iterations: their number in the run, or null, soft: whether points have memberships }
//   presented: whether the address contains `present`
// }
// Triggers: `new_start`, `example` (its index), `moved` ({ center, x, y }), `left` (the presentation).
// `keepThin` is in figures/thin.js, `presentation` in presentation.js, `centerHandles` in handles.js, `predictions` in predictions.js; they precede this file.
// A picture with fewer frames than others stays at its last one. Moves of lines and centers between two frames are interpolated
// here, from the x and y of both frames.

const STEPS_PER_SECOND = 30;
const MOST_CORRECTIONS = 3; // of a figure that has got another size
const LEAST_WIDTH = 150; // of figures that Streamlit draws
const AT_ONCE = { mode: "immediate", frame: { duration: 0, redraw: false }, transition: { duration: 0 } };

// Streamlit does not expose the Plotly object, but an updatemenu button of the figure calls its `method` with its `args`.
function call(graph, method, args) {
  const button = graph.querySelector(".updatemenu-button");
  if (!button || !button.__data__) return;
  Object.assign(button.__data__, { method, args });
  button.dispatchEvent(new MouseEvent("click"));
}

const animate = (graph, frames) => call(graph, "animate", [frames, AT_ONCE]);

// hide this button
const hidden = document.createElement("style");
hidden.textContent = ".js-plotly-plot .updatemenu-container { opacity: 0; pointer-events: none; }";
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

// Whether a figure is drawn as a whole for its size: nothing is cut off, and axes with equal scales have them.
function isWhole(graph) {
  const { xaxis, yaxis } = graph._fullLayout;
  const clip = graph.querySelector("clipPath[id$=xyplot] rect");
  const differs = (side, axis) => clip && Math.abs(clip.getAttribute(side) - axis._length) > 3;
  const ratio = yaxis.scaleanchor ? Math.abs(yaxis._m / xaxis._m) / yaxis.scaleratio : 1;
  return !differs("width", xaxis) && !differs("height", yaxis) && Math.abs(ratio - 1) < 0.02;
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
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".player");
  const $ = (name) => root.querySelector("." + name);
  const last = data.phases.length - 1;
  const ends = data.captions.map((frames) => frames.length - 1); // of each picture
  const charts = [...data.curves, ...data.pictures];
  const memory = (parentElement.__player ??= {});
  memory.end?.(); // Streamlit calls this function again for new data, without cleaning up first
  const plays = memory.run !== data.run && memory.playing; // a new run while the previous one plays is played, too
  if (memory.run !== data.run) memory.shown = data.frame ?? (data.atStart || (presentation.on && data.stage) ? 0 : data.rest);
  else if (memory.shown > last || (memory.shown === memory.rest && memory.rest !== 0)) memory.shown = data.rest;
  Object.assign(memory, { run: data.run, rest: data.rest });
  let asked = null; // questions about the run
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

  // numbers that are shown outside of the player
  function updateReadings() {
    for (const [key, frames] of Object.entries(data.readings)) {
      const places = document.querySelectorAll(`.st-key-${key} :is([data-testid=stMetricValue] p, .reading)`);
      const texts = frames[memory.shown];
      places.forEach((place, i) => {
        if (texts[i] === undefined) return;
        if (place.dataset.reading === "width") place.style.width = texts[i];
        else if (place.textContent !== texts[i] && place.firstChild) place.firstChild.nodeValue = texts[i];
      });
    }
  }

  function updateTexts() {
    captions.forEach((caption, i) => {
      const [sentence, explanation] = data.captions[i][Math.min(memory.shown, ends[i])];
      caption.sentence.textContent = sentence;
      if (several) caption.name.dataset.state = memory.shown < ends[i] ? "" : "finished";
      else caption.explanation.textContent = explanation;
    });
    updateReadings();
    data.pictures.forEach((picture, i) => {
      const text = data.altTexts[i]?.[Math.min(memory.shown, ends[i])];
      document.querySelector(`.st-key-${picture} [data-testid=stPlotlyChart]`)?.setAttribute("aria-label", text);
    });
    $("scrub").value = memory.shown;
    $("scrub").setAttribute("aria-valuetext", captions.map((caption) => caption.sentence.textContent).join(" "));
    $("count").textContent = `${memory.shown} / ${last}`;
    if (data.listens || data.stage) {
      presentation.frame = { figures: data.figures, shown: memory.shown };
      document.dispatchEvent(new CustomEvent("frame"));
    }
  }

  function draw(chart, index) {
    const graph = graphOf(chart);
    if (belongs(graph, data.figures)) {
      animate(graph, [String(Math.min(index, graph._transitionData._frames.length - 1))]);
    }
  }

  function show(index) {
    asked?.clear();
    const previous = memory.shown;
    memory.shown = Math.max(0, Math.min(last, index));
    position = 0;
    handles?.show(false);
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

  const frameInAddress = () => {
    const text = new URL(location.href).searchParams.get("frame");
    return /^\d{1,9}$/.test(text ?? "") ? Number(text) : null;
  };
  const usualFrame = () => (presentation.on && data.stage ? 0 : data.rest);

  // The address contains the frame unless it is the usual one.
  const path = location.pathname;
  const created = performance.now();
  function writeAddress() {
    const frame = memory.shown === usualFrame() ? null : memory.shown;
    if (!data.listens || timer !== null || memory.followed || location.pathname !== path || frame === frameInAddress()) return;
    const url = new URL(location.href);
    frame === null ? url.searchParams.delete("frame") : url.searchParams.set("frame", frame);
    history.replaceState(history.state, "", url);
  }

  const noteAddress = () => (memory.followed = performance.now());

  // Shows the frame in an address to which the user went back, once its figures are drawn: they may be those of another run.
  function followAddress() {
    if (!data.listens || !memory.followed || !charts.every((chart) => graphOf(chart)?.__figures === data.figures)) return;
    const isNew = created > memory.followed;
    const ended = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning";
    if (!isNew && !(ended && performance.now() - memory.followed > 500)) return;
    memory.followed = null;
    const frame = (isNew ? data.frame : frameInAddress()) ?? usualFrame();
    if (frame !== memory.shown) show(frame);
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
    if (asked?.isOpen()) return;
    const underway = timer === null && position > 0;
    pause();
    show(memory.shown + (underway && by < 0 ? 0 : by));
  }

  function askQuestion() {
    pause();
    asked.ask();
  }

  // a sentence about a key that has no effect
  function announce(text) {
    $("notice").textContent = text;
    clearTimeout(memory.announced);
    memory.announced = setTimeout(() => ($("notice").textContent = ""), 3000);
  }

  // what a key does while the page is presented; undefined for all other keys
  function presentationKey(key) {
    if (key === "Home" || key === "End") {
      return () => {
        pause();
        show(key === "Home" ? 0 : last);
      };
    }
    if (key === "Escape" || key.toLowerCase() === "f") return () => presentation.set(false);
    if (key.toLowerCase() === "q") {
      return () => (asked ? askQuestion() : announce(several ? "Questions are about a single run." : "There are no questions here."));
    }
    if (key.toLowerCase() === "n") {
      return () => (data.stage.newStart ? setTriggerValue("new_start", true) : announce(data.stage.whyNot));
    }
    const example = /^[1-9]$/.test(key) ? Number(key) - 1 : -1;
    if (example >= 0 && example < data.stage.examples.length) return () => setTriggerValue("example", example);
    return undefined;
  }

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!data.listens && !event.composedPath().includes(root)) return;
    const isForQuestion = asked?.key(event);
    if (isForQuestion) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    if (isForQuestion || asked?.isOpen()) return;
    const by = { " ": 0, ArrowRight: 1, ArrowLeft: -1 }[event.key];
    let action = null;
    if (by !== undefined) action = () => (by ? step(by) : timer === null ? play() : pause());
    if (data.stage && presentation.on) action = presentationKey(event.key) ?? action;
    else if (data.stage && event.key.toLowerCase() === "f") action = () => presentation.set(true);
    if (!action || isFor(event.composedPath()[0], by ?? 0)) return;
    if (!event.repeat || by) action();
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  // Streamlit draws a figure again when its element gets another size. Then Plotly adjusts axes with equal scales wrongly, and if the
  // figure is being animated, only a part of it changes. Both is corrected by another change of the layout. While the page is presented, a figure
  // is hidden until it has the attribute data-fits, see presentation.css.
  function fit(chart) {
    const graph = graphOf(chart);
    if (!belongs(graph, data.figures) || graph.__figures !== data.figures) return;
    const { width, height } = graph._fullLayout;
    const size = `${width} ${height}`;
    if (graph.__size !== size) {
      // Streamlit may still be drawing it
      Object.assign(graph, { __resized: graph.__size || presentation.on, __size: size, __corrections: 0 });
      return;
    }
    if ((graph.__resized || !isWhole(graph)) && graph.__corrections < MOST_CORRECTIONS) {
      graph.__resized = false;
      graph.__corrections++;
      const ranges = data.ranges[data.pictures.indexOf(chart)];
      // a change of a margin draws all parts again; the ranges alone then give axes with equal scales their full length
      call(graph, "relayout", [{ "margin.l": graph.layout.margin.l, ...ranges }]);
      if (ranges) call(graph, "relayout", [ranges]);
    }
    if (!presentation.on || "fits" in graph.dataset) return;
    const box = graph.parentElement.getBoundingClientRect();
    const isOfSize = Math.abs(Math.max(box.width, LEAST_WIDTH) - width) < 2 && Math.abs(box.height - height) < 2;
    if (isOfSize && isWhole(graph)) graph.dataset.fits = "";
  }

  function updatePresentation(event) {
    for (const chart of charts) delete graphOf(chart)?.dataset.fits;
    root.classList.toggle("presenting", presentation.on);
    const isOfAddress = event.detail.followed && frameInAddress() !== null; // otherwise it may be the frame before this one
    if (presentation.on && memory.shown === data.rest && timer === null && !isOfAddress) show(0);
    if (!presentation.on) asked?.clear();
    if (!presentation.on && data.presented && !event.detail.followed) setTriggerValue("left", true);
  }

  $("scrub").max = last;
  $("play").onclick = () => (timer === null ? play() : pause());
  $("back").onclick = () => step(-1);
  $("forward").onclick = () => step(1);
  $("present").hidden = !data.stage;
  $("present").onclick = () => presentation.set(true);
  $("leave").onclick = () => presentation.set(false);
  $("about").textContent = data.stage?.title ?? "";
  $("scrub").oninput = () => {
    pause();
    show(Number($("scrub").value));
  };
  for (const format of ["png", "svg"]) $(format).onclick = () => data.pictures.forEach((picture) => save(picture, format));
  document.addEventListener("keydown", keys, true); // capture, to run before the handlers of the focused element
  const handles = data.stage?.centers.length
    ? centerHandles(data.stage.centers, () => graphOf(data.pictures[0]), animate, (moved) => setTriggerValue("moved", moved))
    : null;
  asked = data.stage && !several && data.stage.iterations !== null
    ? predictions({ root, data, graphOf: () => graphOf(data.pictures[0]), shown: () => memory.shown, show, announce })
    : null;
  $("asking-button").hidden = !asked;
  $("asking-button").onclick = askQuestion;
  if (data.stage) {
    document.addEventListener("presentation", updatePresentation);
    if (!memory.mounted) presentation.readAddress();
    memory.mounted = true;
    root.classList.toggle("presenting", presentation.on);
  }
  addEventListener("popstate", noteAddress);
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
      } else fit(chart); // not while it is being drawn
    }
    if (timer === null) updateReadings(); // the page may have been drawn again
    if (data.stage) presentation.writeAddress();
    followAddress();
    writeAddress();
    asked?.draw();
    const drawn = belongs(graphOf(data.pictures[0]), data.figures);
    handles?.show(memory.shown === 0 && timer === null && position === 0 && drawn && !asked?.isOpen());
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
    document.removeEventListener("presentation", updatePresentation);
    removeEventListener("popstate", noteAddress);
    handles?.remove();
    asked?.remove();
  };
  return memory.end;
}

// Drives the figures of one run in step: play, pause, step, scrub, speed, and the sentence of the frame that is shown.
//
// data: { run, figures: their layout.meta, charts: [css class of the container of each figure], frames: [{ kind, sentence, explanation }], tweens }
// The first chart is the picture. Between an E frame and the M frame after it the player moves lines and centers smoothly,
// in `tweens` steps; these are computed here, from the x and y that the two frames hold.

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
hidden.textContent = ".js-plotly-plot .updatemenu-container { opacity: 0; pointer-events: none; }";
document.head.append(hidden);

const graphOf = (chart) => document.querySelector(`.st-key-${chart} .js-plotly-plot`);
const belongs = (graph, figures) => graph && graph.layout && graph.layout.meta === figures && graph.querySelector(".updatemenu-button");
const ease = (s) => s * s * (3 - 2 * s);
const between = (a, b, s) => a.map((v, i) => (v === null || b[i] === null ? v : v + (b[i] - v) * s));

function tween(graph, from, to, s) {
  const hash = graph._transitionData._frameHash;
  const [a, b] = [hash[from], hash[to]];
  const data = [];
  const traces = [];
  b.data.forEach((trace, i) => {
    const other = a.data[a.traces.indexOf(b.traces[i])];
    if (other && other.x && trace.x && other.x.length === trace.x.length) {
      data.push({ x: between(other.x, trace.x, s), y: between(other.y, trace.y, s) });
      traces.push(b.traces[i]);
    }
  });
  return { data, traces };
}

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".player");
  const $ = (name) => root.querySelector("." + name);
  const last = data.frames.length - 1;
  const memory = (parentElement.__player ??= {});
  memory.end?.(); // new data come as a new call, without an end of the old one
  if (memory.run !== data.run) Object.assign(memory, { run: data.run, shown: last });
  let timer = null;
  let before = 0;
  let position = 0; // in ticks since the frame that is shown

  function say() {
    const frame = data.frames[memory.shown];
    $("sentence").textContent = frame.sentence;
    $("explanation").textContent = frame.explanation;
    $("scrub").value = memory.shown;
    $("scrub").setAttribute("aria-valuetext", frame.sentence);
    $("count").textContent = `${memory.shown} / ${last}`;
  }

  function show(index) {
    memory.shown = Math.max(0, Math.min(last, index));
    position = 0;
    // the picture last: whoever listens to its frames finds the other figures there already
    for (const chart of [...data.charts].reverse()) {
      const graph = graphOf(chart);
      if (belongs(graph, data.figures)) order(graph, [String(memory.shown)]);
    }
    say();
  }

  const ticksAfter = (index) => (data.frames[index + 1]?.kind === "M" ? data.tweens : 1);

  function tick(now) {
    timer = requestAnimationFrame(tick);
    const elapsed = now - before;
    if (elapsed < 1000 / STEPS_PER_SECOND - 4) return;
    before = now;
    // a slow machine skips moves between two frames, never a frame
    position += Math.min(elapsed / 1000, 0.2) * STEPS_PER_SECOND * Number($("speed").value);
    const needed = ticksAfter(memory.shown);
    if (position >= needed) {
      show(memory.shown + 1);
      if (memory.shown === last) pause();
    } else if (needed > 1) {
      const graph = graphOf(data.charts[0]);
      if (belongs(graph, data.figures)) {
        order(graph, tween(graph, String(memory.shown), String(memory.shown + 1), ease(position / needed)));
      }
    }
  }

  function play() {
    if (memory.shown === last) show(0);
    $("play").textContent = "Pause";
    $("sentence").setAttribute("aria-live", "off"); // nobody can listen that fast
    before = performance.now();
    timer = requestAnimationFrame(tick);
  }

  function pause() {
    cancelAnimationFrame(timer);
    timer = null;
    $("play").textContent = "Play";
    $("sentence").setAttribute("aria-live", "polite");
  }

  function step(by) {
    const underway = timer === null && position > 0;
    pause();
    show(memory.shown + (underway && by < 0 ? 0 : by));
  }

  function keys(event) {
    const busy = event.target.closest?.(
      "a, summary, input, textarea, select, button, canvas, [tabindex='0']:not(main), [role='slider'], [role='combobox'], [contenteditable]",
    );
    const inside = event.composedPath().includes(root);
    if (event.ctrlKey || event.metaKey || event.altKey || (busy && !inside)) return;
    if (event.key === " " && !inside) timer === null ? play() : pause();
    else if (event.key === "ArrowRight" && event.composedPath()[0] !== $("scrub")) step(1);
    else if (event.key === "ArrowLeft" && event.composedPath()[0] !== $("scrub")) step(-1);
    else return;
    event.preventDefault();
  }

  $("scrub").max = last;
  $("play").onclick = () => (timer === null ? play() : pause());
  $("back").onclick = () => step(-1);
  $("forward").onclick = () => step(1);
  $("scrub").oninput = () => {
    pause();
    show(Number($("scrub").value));
  };
  document.addEventListener("keydown", keys);
  say();

  // a figure that was drawn anew shows the last frame: bring it back to the one that is shown here
  const waiting = setInterval(() => {
    for (const chart of data.charts) {
      const graph = graphOf(chart);
      if (belongs(graph, data.figures) && graph.__figures !== data.figures) {
        graph.__figures = data.figures;
        if (memory.shown !== last) order(graph, [String(memory.shown)]);
      }
    }
  }, 200);

  memory.end = () => {
    pause();
    clearInterval(waiting);
    document.removeEventListener("keydown", keys);
  };
  return memory.end;
}

// Questions in a presentation: where a center will be, which points will change, and how many iterations the run takes. They are
// answered before the frame is shown, and then compared with it. Nothing is stored or sent. Follows handles.js.

const PREDICTION_STYLE = `
.prediction { position: absolute; overflow: visible; z-index: 4; pointer-events: none; touch-action: none; }
.prediction.marking { pointer-events: all; cursor: crosshair; }
.prediction :is(circle, line, polyline) { fill: none; stroke: light-dark(#14161b, #ffffff); stroke-width: 2.5; }
.prediction .ghost { stroke: ${CHOSEN}; stroke-dasharray: 5 4; }
.ghost-handle { border: 3px dashed ${CHOSEN}; }`;

const rounded = (value) => String(Number(Number(value).toPrecision(3))).replace("-", "−");
const toScale = (graph) => graph._fullLayout.yaxis.scaleanchor !== undefined && graph._fullLayout.yaxis.scaleratio === 1;
const counted = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
const compared = (guess, truth) =>
  guess === truth ? "exactly right" : `${Math.abs(guess - truth).toLocaleString("en")} too ${guess > truth ? "many" : "few"}`;

/**
 * root: of the player; data: see player.js; graphOf: returns the figure
 * shown: returns the index of the frame on the screen; show: shows another one; announce: shows a sentence for a moment
 */
function predictions({ root, data, graphOf, shown, show, announce }) {
  if (!document.getElementById("prediction-style")) {
    document.head.append(Object.assign(document.createElement("style"), { id: "prediction-style", textContent: PREDICTION_STYLE }));
  }
  const $ = (name) => root.querySelector("." + name);
  const last = data.phases.length - 1;
  let offered = [];
  let question = null; // the one that is asked, or was asked about the frame on the screen
  let revealing = false;
  let open = false; // whether it is not answered yet
  let handle = null;
  let overlay = null;
  let path = []; // positions of the pointer while points are marked

  const pixels = (graph, [x, y]) => axesOf(graph).map((axis, i) => axis._offset + axis.d2p([x, y][i]));

  // The values of a trace in a frame, which may be those of an earlier frame.
  function traceIn(index, trace, name) {
    const frames = graphOf()._transitionData._frameHash;
    for (let frame = frames[index]; frame; frame = frames[frame.baseframe]) {
      const found = frame.data[frame.traces.indexOf(trace)];
      if (found?.[name]) return found;
    }
    return null;
  }

  function centersIn(index) {
    const trace = tracesOf(graphOf())[0];
    const found = trace === undefined ? null : traceIn(index, trace, "x");
    if (!found) return [];
    const [x, y] = [numbers(found.x), numbers(found.y)];
    return Array.from(x, (value, i) => [value, y[i]]);
  }

  function labelsIn(index) {
    const marker = traceIn(index, 0, "marker")?.marker;
    if (!marker?.symbol || !Array.isArray(marker.color)) return null;
    const symbols = marker.symbol.bdata ? Array.from(atob(marker.symbol.bdata), (letter) => letter.charCodeAt(0)) : marker.symbol;
    return data.stage.soft ? Array.from(symbols) : Array.from(symbols, (symbol, i) => `${symbol} ${marker.color[i]}`);
  }

  function questionsNow() {
    const now = shown();
    const later = Array.from({ length: last - now }, (_, i) => now + 1 + i);
    const found = [];
    const centers = centersIn(now);
    const to = later.find((index) => centersIn(index).some((at, i) => at.some((value, axis) => value !== centers[i]?.[axis])));
    if (to !== undefined && centers.length === data.stage.names.length) {
      found.push({ kind: "center", to, at: centers, center: 0, text: "Where will this center move next? Drag the dashed ring, or use the arrow keys." });
    }
    const next = later.find((index) => !data.moves[index]);
    // without centers, as in a tree, a color says which cluster a point will belong to at the end
    if (next !== undefined && centers.length && data.phases[now] !== "start" && labelsIn(now) && labelsIn(next)) {
      const text = "Which points will change clusters? Click them, draw around them, or enter how many.";
      found.push({ kind: "points", to: next, marked: new Set(), text });
    }
    if (later.length && data.stage.iterations !== null) {
      found.push({ kind: "iterations", to: last, text: "How many iterations will the run take?" });
    }
    return found;
  }

  function ask() {
    if (open) return;
    offered = questionsNow();
    if (!offered.length) return announce("The run has ended. Go back to ask about a frame.");
    clear();
    open = true;
    root.classList.add("asking");
    const names = { center: "A center", points: "Points that change clusters", iterations: "Iterations" };
    $("which").replaceChildren(...offered.map(({ kind }) => new Option(names[kind], kind)));
    $("center").replaceChildren(...data.stage.names.map((name, i) => new Option(name, i)));
    choose(offered[0]);
    $("which").focus();
  }

  function choose(chosen) {
    handle?.remove();
    overlay?.remove();
    handle = overlay = null;
    question = chosen;
    $("ask").textContent = chosen.text;
    $("center").hidden = chosen.kind !== "center";
    $("guess").hidden = chosen.kind === "center";
    $("guess").value = "";
    const parent = graphOf().parentElement;
    parent.style.position = "relative";
    overlay = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    overlay.classList.add("prediction");
    overlay.classList.toggle("marking", chosen.kind === "points");
    parent.append(overlay);
    if (chosen.kind === "center") {
      chosen.guess = [...chosen.at[chosen.center]];
      handle = document.createElement("button");
      handle.type = "button";
      handle.className = "center-handle ghost-handle badge";
      draggable(handle, graphOf, () => chosen.guess, (to) => {
        chosen.guess = to;
        draw();
      });
      parent.append(handle);
    }
    draw();
  }

  // what is drawn above the figure; positions in it may have changed
  function draw() {
    const graph = graphOf();
    if (!overlay || !graph?._fullLayout) return;
    const { offsetLeft: left, offsetTop: top } = graph;
    const { width, height } = graph._fullLayout;
    Object.assign(overlay.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
    const shapes = [];
    const circle = ([x, y], r, ghost) => shapes.push(`<circle cx="${x}" cy="${y}" r="${r}" ${ghost ? 'class="ghost"' : ""}/>`);
    if (question.kind === "center") {
      const [x, y] = pixels(graph, question.guess);
      if (handle) {
        Object.assign(handle.style, { left: `${left + x}px`, top: `${top + y}px` });
        handle.setAttribute("aria-label", `Prediction at ${question.guess.map(rounded).join(", ")}`);
      }
      if (!open) {
        const [a, b] = pixels(graph, centersIn(question.to)[question.center]);
        shapes.push(`<line class="ghost" x1="${x}" y1="${y}" x2="${a}" y2="${b}"/>`);
        circle([x, y], 15, true);
      }
    } else if (question.kind === "points") {
      const places = pointsOf(graph);
      for (const i of question.marked) circle(places[i], 10, true);
      for (const i of open ? [] : question.changed) circle(places[i], 7, false);
      if (path.length > 1) shapes.push(`<polyline class="ghost" points="${path.join(" ")}"/>`);
    }
    overlay.innerHTML = shapes.join("");
  }

  function pointsOf(graph) {
    const { x, y } = graph._fullData[0];
    return Array.from(numbers(x), (value, i) => pixels(graph, [value, numbers(y)[i]]));
  }

  function mark() {
    const graph = graphOf();
    const places = pointsOf(graph);
    const { marked } = question;
    const size = Math.max(...path.map(([x, y]) => Math.hypot(x - path[0][0], y - path[0][1])));
    if (size > 8) places.forEach((place, i) => isInside(place, path) && marked.add(i));
    else {
      const distances = places.map(([x, y]) => Math.hypot(x - path[0][0], y - path[0][1]));
      const nearest = distances.indexOf(Math.min(...distances));
      if (distances[nearest] < 20 && !marked.delete(nearest)) marked.add(nearest);
    }
    path = [];
    $("guess").value = marked.size;
    draw();
  }

  const pointer = {
    pointerdown: (event) => {
      path = [local(graphOf(), event)];
      overlay.setPointerCapture(event.pointerId);
    },
    pointermove: (event) => {
      if (!path.length) return;
      path.push(local(graphOf(), event));
      draw();
    },
    pointerup: () => path.length && mark(),
  };
  const onPointer = (event) => open && question.kind === "points" && event.target.closest?.(".prediction") === overlay && pointer[event.type](event);
  for (const type of Object.keys(pointer)) document.addEventListener(type, onPointer, true);

  function reveal() {
    const guess = Number($("guess").value);
    if (question.kind !== "center" && !($("guess").value !== "" && Number.isInteger(guess) && guess >= 0)) {
      return announce("Enter a whole number first.");
    }
    const before = question.kind === "points" ? labelsIn(shown()) : null;
    close();
    revealing = true;
    show(question.to);
    revealing = false;
    $("answer").textContent = answer(guess, before);
    draw();
  }

  function answer(guess, before) {
    if (question.kind === "center") {
      const truth = centersIn(question.to)[question.center];
      const apart = truth.map((value, i) => value - question.guess[i]);
      const parts = axesOf(graphOf()).map((axis, i) => `${rounded(apart[i])} in ${axis.title.text ?? "xy"[i]}`);
      const distance = toScale(graphOf()) ? `; distance ${rounded(Math.hypot(...apart))}` : ""; // the axes may have different units
      return `${data.stage.names[question.center]} minus your prediction: ${parts.join(", ")}${distance}.`;
    }
    if (question.kind === "iterations") {
      return `The run takes ${counted(data.stage.iterations, "iteration")}; you predicted ${guess}: ${compared(guess, data.stage.iterations)}.`;
    }
    const after = labelsIn(question.to);
    question.changed = after.flatMap((label, i) => (label === before[i] ? [] : [i]));
    const text = `${counted(question.changed.length, "point")} changed clusters; you `;
    const hits = question.changed.filter((i) => question.marked.has(i)).length;
    if (question.marked.size === guess && guess) return `${text}marked ${guess}, of which ${hits} changed clusters.`;
    question.marked.clear();
    return `${text}predicted ${guess}: ${compared(guess, question.changed.length)}.`;
  }

  function close() {
    open = false;
    root.classList.remove("asking");
    handle?.remove();
    handle = null;
    overlay?.classList.remove("marking");
    path = [];
  }

  // removes a question or its answer; returns whether there was one
  function clear() {
    if (revealing) return false;
    const any = question !== null;
    close();
    overlay?.remove();
    overlay = question = null;
    $("answer").textContent = "";
    return any;
  }

  // whether a key is for the open question
  function key(event) {
    if (!open) return event.key === "Escape" && clear();
    const element = event.composedPath()[0];
    if (event.key === "Escape") return clear();
    const isNext = event.key === "ArrowRight" && !element.matches?.("select, input, .badge");
    if (!isNext && !(event.key === "Enter" && !element.matches?.("button:not(.badge)"))) return false;
    reveal();
    return true;
  }

  $("which").onchange = () => choose(offered.find(({ kind }) => kind === $("which").value));
  $("center").onchange = () => {
    question.center = Number($("center").value);
    choose(question);
  };
  $("reveal").onclick = reveal;
  $("cancel").onclick = clear;
  const remove = () => {
    clear();
    for (const type of Object.keys(pointer)) document.removeEventListener(type, onPointer, true);
  };
  return { ask, clear, key, draw, remove, isOpen: () => open };
}

// Whether a position is inside of a polygon, by the even-odd rule.
function isInside([x, y], polygon) {
  let inside = false;
  polygon.forEach(([x1, y1], i) => {
    const [x2, y2] = polygon.at(i - 1);
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  });
  return inside;
}

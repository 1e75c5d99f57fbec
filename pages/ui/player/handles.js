// Handles over the centers of a figure, with which they are dragged or moved with the arrow keys. Precedes player.js.
// The handles are part of the page, above Plotly's figure, not of the player's shadow DOM.

const HANDLE_STEP = 0.01; // fraction of an axis
const CHOSEN = "#d81b7a"; // as in palette.py
const HANDLE_STYLE = `
.center-handle { position: absolute; width: 36px; height: 36px; margin: -18px; padding: 0; border: 0; border-radius: 50%; background: transparent;
  cursor: grab; touch-action: none; z-index: 5; }
.center-handle:is(:hover, :focus-visible, .held) { outline: 3px solid ${CHOSEN}; outline-offset: -2px; }
.center-handle.held { cursor: grabbing; }`;

const axesOf = (graph) => [graph._fullLayout.xaxis, graph._fullLayout.yaxis];
const tracesOf = (graph) => graph._fullData.flatMap((trace, i) => (trace.meta === "centers" ? [i] : []));

// The position of the pointer in pixels of the figure, which may be scaled.
function local(graph, event) {
  const box = graph.getBoundingClientRect();
  const scale = box.width / graph.offsetWidth;
  return [(event.clientX - box.left) / scale, (event.clientY - box.top) / scale];
}

/**
 * Lets a handle be dragged, or moved with the arrow keys.
 *
 * placeOf: returns its position; move: called with another one, inside of the axes
 * released: called after a move, with the milliseconds in which more moves may follow
 */
function draggable(handle, graphOf, placeOf, move, released = () => {}) {
  const clamp = (value, [a, b]) => Math.max(Math.min(a, b), Math.min(Math.max(a, b), value));
  const moveTo = (to) => move(to.map((value, i) => clamp(value, axesOf(graphOf())[i].range)));
  let held = null; // offset of the pointer from the handle, so that it does not jump
  let moved = false;
  handle.onpointerdown = (event) => {
    if (event.button !== 0) return;
    handle.setPointerCapture(event.pointerId);
    handle.classList.add("held");
    const at = placeOf();
    held = local(graphOf(), event).map((pixel, i) => axesOf(graphOf())[i]._offset + axesOf(graphOf())[i].d2p(at[i]) - pixel);
    event.preventDefault();
    handle.focus({ preventScroll: true });
  };
  handle.onpointermove = (event) => {
    if (!held) return;
    const axes = axesOf(graphOf());
    moveTo(local(graphOf(), event).map((pixel, i) => axes[i].p2d(pixel + held[i] - axes[i]._offset)));
    moved = true;
  };
  handle.onpointerup = handle.onpointercancel = () => {
    held = null;
    handle.classList.remove("held");
    if (moved) released(0);
    moved = false;
  };
  handle.onkeydown = (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const length = HANDLE_STEP * (event.shiftKey ? 5 : 1);
    const sizes = axesOf(graphOf()).map(({ range: [a, b] }) => length * (b - a));
    moveTo(placeOf().map((value, i) => value + by[i] * sizes[i]));
    released(400);
  };
}

/**
 * names: of the centers, in the order of the points of the traces whose `meta` is "centers"
 * graphOf: returns the figure; animate: see player.js
 * moved: called with { center: index, x, y } after a center was moved
 */
function centerHandles(names, graphOf, animate, moved) {
  if (!document.getElementById("center-handle-style")) {
    document.head.append(Object.assign(document.createElement("style"), { id: "center-handle-style", textContent: HANDLE_STYLE }));
  }
  let handles = [];
  let sending = null;

  const placesOf = (graph) => {
    const [first] = tracesOf(graph);
    const { x, y } = graph._fullData[first] ?? { x: [], y: [] };
    return Array.from(x, (value, i) => [value, y[i]]);
  };
  function moveTo(center, to) {
    const graph = graphOf();
    const places = placesOf(graph);
    places[center] = to;
    const data = tracesOf(graph).map(() => ({ x: places.map(([x]) => x), y: places.map(([, y]) => y) }));
    animate(graph, { data, traces: tracesOf(graph) });
    place();
  }

  function send(center, delay) {
    clearTimeout(sending);
    sending = setTimeout(() => {
      const [x, y] = placesOf(graphOf())[center];
      moved({ center, x, y });
    }, delay);
  }

  function makeHandle(name, center) {
    const handle = document.createElement("button");
    handle.type = "button";
    handle.className = "center-handle badge"; // the player leaves arrow keys to badges
    draggable(handle, graphOf, () => placesOf(graphOf())[center], (to) => moveTo(center, to), (delay) => send(center, delay));
    handle.title = "Drag this center, or move it with the arrow keys; the run starts again from here";
    return handle;
  }

  function place() {
    const graph = graphOf();
    const [x, y] = axesOf(graph);
    placesOf(graph).forEach((at, i) => {
      handles[i].style.left = `${graph.offsetLeft + x._offset + x.d2p(at[0])}px`;
      handles[i].style.top = `${graph.offsetTop + y._offset + y.d2p(at[1])}px`;
      handles[i].setAttribute("aria-label", `${names[i]} at ${at.map((value) => Number(value.toPrecision(3))).join(", ")}`);
    });
  }

  function remove() {
    clearTimeout(sending);
    for (const handle of handles) handle.remove();
    handles = [];
  }

  function show(on) {
    const graph = on ? graphOf() : null;
    if (!graph || placesOf(graph).length !== names.length) return handles.length && sending === null ? remove() : undefined;
    if (handles[0]?.parentElement !== graph.parentElement) {
      remove();
      graph.parentElement.style.position = "relative";
      handles = names.map(makeHandle);
      graph.parentElement.append(...handles);
    }
    if (!handles.some((handle) => handle.classList.contains("held"))) place();
  }

  return { show, remove };
}

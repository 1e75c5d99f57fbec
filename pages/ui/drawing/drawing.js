// A plane with tools to add and remove points. plane.js is concatenated before this file.
//
// data: { key, token, extent: [left, right, bottom, top], names: [x, y], height, toScale, xy: [x, y, ...], max }
// The component's state `drawn` is { token, xy }. The points in the browser count; `xy` replaces them only when the component
// is mounted or the token changes. After a rerun, `xy` holds points sent earlier, and the next stroke may have begun since.

const CURSOR_STEP = 0.02; // fraction of the extent
const TRAIL = 11; // pixels between the points of a trail
const DOT = 3.6; // radius of a point in pixels
const NEUTRAL = "#8c8c96"; // as in palette.py
const HINT = "Keyboard: arrow keys move a crosshair (Shift: faster), Enter or Space applies the tool.";

// Latest points of unmounted components, by key. A remounted component uses them, because Python may not have received all.
const leftovers = new Map();

const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
const gauss = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

// distance of a point from the line segment between two other points
function distance([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const s = clamp(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1), 0, 1);
  return Math.hypot(x - ax - s * dx, y - ay - s * dy);
}

function build(root) {
  const $ = (name) => root.querySelector("." + name);
  const canvas = root.querySelector("canvas");
  const context = canvas.getContext("2d");
  let data, setState; // from the latest call
  let points = [];
  let [past, future] = [[], []];
  let tool = "point";
  let stroke = null; // { id of the pointer, before: old points, at: pixel position, changed, unsent: whether old points are unsent }
  let pointer = null; // pixel position
  let cursor = null; // position of the keyboard crosshair
  let plane = null; // as last drawn
  let frame = null;
  let sending = null;

  const local = (event) => {
    const around = canvas.getBoundingClientRect();
    return [event.clientX - around.left, event.clientY - around.top];
  };
  const radius = () => Number($("radius").value);
  const density = () => Number($("density").value);
  const countText = () => `${points.length.toLocaleString("en")} ${points.length === 1 ? "point" : "points"}`;
  const announce = (text) => ($("said").textContent = text);

  function send(delay) {
    clearTimeout(sending);
    sending = setTimeout(() => {
      sending = null;
      setState("drawn", { token: data.token, xy: points.flat() });
    }, delay);
  }

  // ---- the canvas ----

  const redraw = () => (frame ??= requestAnimationFrame(draw));
  const themed = (name) => getComputedStyle(root).getPropertyValue(`--st-${name}`).trim() || NEUTRAL;

  function drawStatus() {
    const position = cursor ?? (pointer && plane.toPlane(pointer));
    $("where").textContent = position ? plane.text(position) : "";
    $("count").textContent = countText() + (points.length >= data.max ? " (maximum)" : "");
    $("undo").setAttribute("aria-disabled", !past.length);
    $("redo").setAttribute("aria-disabled", !future.length);
    $("clear").setAttribute("aria-disabled", !points.length);
  }

  function draw() {
    frame = null;
    const width = canvas.clientWidth;
    if (!width) return;
    const height = heightFor(width, data);
    canvas.style.height = `${height}px`;
    const ratio = window.devicePixelRatio || 1;
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = `13px ${themed("font")}`;
    plane = planeOf(context, width, height, data);
    const { box } = plane;
    plane.draw(themed("text-color"));
    context.save();
    context.beginPath();
    context.rect(box.left - DOT, box.top - DOT, box.width + 2 * DOT, box.height + 2 * DOT);
    context.clip();
    drawDots(context, plane, points, DOT, themed("text-color"), 0.65);
    if (!points.length && !stroke) drawInvitation(context, plane, themed("text-color"));
    if (cursor) drawCrosshair(context, plane.toPixel(cursor), themed("primary-color"), themed("background-color"));
    const at = cursor ? plane.toPixel(cursor) : pointer;
    if (at && tool !== "point") drawBrush(context, at, radius(), themed("primary-color"), tool === "erase", stroke ? 0.16 : 0.08);
    drawStatus();
    context.restore();
  }

  // ---- draw ----

  function begin(at, id) {
    stroke = { id, before: points, at, changed: false, unsent: sending !== null };
    clearTimeout(sending); // unsent points are sent with this stroke
    sending = null;
    points = points.slice();
  }

  function finish(delay) {
    const { before, changed, unsent } = stroke;
    stroke = null;
    if (changed) {
      past = [...past, before].slice(-100);
      future = [];
      announce(countText());
    }
    if (changed || unsent) send(delay);
    redraw();
  }

  function add(at) {
    if (!plane.has(at) || points.length >= data.max) return;
    points.push(plane.toPlane(at));
    stroke.changed = true;
  }

  function spray([px, py], count) {
    for (let i = 0; i < count; i++) add([px + (gauss() * radius()) / 2, py + (gauss() * radius()) / 2]);
  }

  function erase(from, to) {
    const rest = points.filter((point) => distance(plane.toPixel(point), from, to) > radius());
    stroke.changed ||= rest.length < points.length;
    points = rest;
  }

  function use(at) {
    if (tool === "point") add(at);
    else if (tool === "spray") spray(at, Math.ceil(density() / 10));
    else erase(at, at);
  }

  // keeps spraying while the pointer is down
  function keepSpraying(own, before, rest = 0) {
    requestAnimationFrame((now) => {
      if (stroke !== own) return;
      const wanted = rest + clamp(now - before, 0, 100) * 0.001 * density();
      spray(own.at, Math.floor(wanted));
      redraw();
      keepSpraying(own, now, wanted % 1);
    });
  }

  function drag(to) {
    const from = stroke.at;
    if (tool === "erase") erase(from, to);
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
    const along = (steps) => from.map((value, i) => value + ((to[i] - value) * steps * TRAIL) / length);
    const steps = tool === "point" ? Math.floor(length / TRAIL) : 0;
    for (let i = 1; i <= steps; i++) add(along(i));
    if (tool !== "point") stroke.at = to;
    else if (steps) stroke.at = along(steps);
  }

  function replacePoints(next) {
    points = next;
    announce(countText());
    send(150);
    redraw();
  }

  function undo() {
    if (stroke || !past.length) return;
    future.push(points);
    replacePoints(past.pop());
  }

  function redo() {
    if (stroke || !future.length) return;
    past.push(points);
    replacePoints(future.pop());
  }

  function clear() {
    if (stroke || !points.length) return;
    past.push(points);
    future = [];
    replacePoints([]);
  }

  function chooseTool(name) {
    tool = name;
    for (const button of root.querySelectorAll(".tool")) button.setAttribute("aria-pressed", button.dataset.tool === tool);
    $("radius").disabled = tool === "point";
    $("density").disabled = tool !== "spray";
  }

  canvas.onpointerdown = (event) => {
    if (stroke || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pointer = local(event);
    cursor = null;
    begin(pointer, event.pointerId);
    use(pointer);
    if (tool === "spray") keepSpraying(stroke, performance.now());
    redraw();
  };
  canvas.onpointermove = (event) => {
    if (stroke ? stroke.id !== event.pointerId : event.pointerType === "touch") return;
    pointer = local(event);
    if (stroke) drag(pointer);
    redraw();
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => {
    if (!stroke || stroke.id !== event.pointerId) return;
    if (event.pointerType === "touch") pointer = null;
    finish(150);
  };
  canvas.onpointerleave = () => {
    if (stroke) return;
    pointer = null;
    redraw();
  };
  canvas.onfocus = () => {
    if (canvas.matches(":focus-visible")) cursor = plane.middle;
    redraw();
  };
  canvas.onblur = () => {
    cursor = null;
    redraw();
  };
  canvas.onkeydown = (event) => {
    if (stroke || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!(event.key in ARROWS || event.key === "Enter" || event.key === " ")) return;
    event.preventDefault();
    cursor ??= plane.middle;
    if (event.key in ARROWS) {
      cursor = plane.shifted(cursor, event.key, CURSOR_STEP * (event.shiftKey ? 5 : 1));
      announce(plane.text(cursor));
    } else {
      begin(plane.toPixel(cursor), null);
      use(stroke.at);
      finish(300);
    }
    redraw();
  };
  root.onkeydown = (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || (key !== "z" && key !== "y")) return;
    event.preventDefault();
    key === "y" || event.shiftKey ? redo() : undo();
  };
  for (const button of root.querySelectorAll(".tool")) button.onclick = () => chooseTool(button.dataset.tool);
  $("undo").onclick = undo;
  $("redo").onclick = redo;
  $("clear").onclick = clear;
  chooseTool(tool);

  // ---- messages from Python ----

  function replaceState() {
    clearTimeout(sending);
    [sending, stroke] = [null, null];
    [past, future, cursor] = [[], [], null];
    points = pairs(data.xy);
    const leftover = leftovers.get(data.key);
    leftovers.delete(data.key);
    if (leftover?.token !== data.token || performance.now() - leftover.time > 1000) return;
    ({ points, past, future } = leftover);
    if (String(points) !== String(data.xy)) send(0);
  }

  const observer = new ResizeObserver(redraw);

  return {
    root,
    update(newData, setStateValue) {
      const old = data;
      [data, setState] = [newData, setStateValue];
      if (old?.token !== data.token) replaceState();
      $("hint").textContent = `${HINT} At most ${data.max.toLocaleString("en")} points.`;
      observer.observe(canvas);
      if (!plane) draw();
      redraw(); // Streamlit also calls this when the theme changes
    },
    unmount() {
      observer.disconnect();
      cancelAnimationFrame(frame);
      leftovers.set(data.key, { token: data.token, points, past, future, time: performance.now() });
      clearTimeout(sending);
      [frame, sending, stroke] = [null, null, null];
    },
  };
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".drawing");
  if (parentElement.__drawing?.root !== root) parentElement.__drawing = build(root);
  const drawing = parentElement.__drawing;
  const call = (drawing.call = (drawing.call ?? 0) + 1);
  drawing.update(data, setStateValue);
  return () => call === drawing.call && drawing.unmount(); // cleanup of an outdated call does not unmount
}

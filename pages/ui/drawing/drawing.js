// A plane in two modes: in "draw" points are put down and taken away, in "place" the badges of centers are dragged.
// plane.js and badges.js are put before it.
//
// data: { key, mode, token, extent: [left, right, bottom, top], names: [x, y], height, toScale, xy: [x, y, ...], most }
//       and in "place" { badges: [{ label, color, symbol }], image: a data URI }
// The state `drawn` is { token, xy }. What is here counts, and `xy` is taken over only at first and with another token:
// a page that reruns tells us what we told it a moment ago, perhaps in the middle of the next stroke.

const CURSOR_STEP = 0.02; // of the extent
const TRAIL = 11; // pixels from point to point
const DOT = 3.6;
const NEUTRAL = "#8c8c96"; // as in palette.py
const HINTS = {
  draw: "Without a mouse: arrow keys move a crosshair (Shift: faster), Enter or Space uses the tool there.",
  place: "Drag the centers, or go to one with Tab and move it by the arrow keys (Shift: faster).",
};

// By key: what a component left behind. Where the page puts another in its place at once, Python may not have heard of it all.
const legacies = new Map();

const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
const gauss = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

// how far a point is from the way between two others
function distance([x, y], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const s = clamp(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1), 0, 1);
  return Math.hypot(x - ax - s * dx, y - ay - s * dy);
}

function build(root) {
  const $ = (name) => root.querySelector("." + name);
  const canvas = root.querySelector("canvas");
  const ink = canvas.getContext("2d");
  let data, tell; // of the last call
  let points = [];
  let [past, future] = [[], []];
  let tool = "point";
  let stroke = null; // { id: of the pointer, before: the points, at: in pixels, changed, owed: something was still to be sent }
  let pointer = null; // where it hovers, in pixels
  let cursor = null; // the crosshair of the keyboard
  let badges = [];
  let image = null;
  let plane = null; // as it was drawn last
  let frame = null;
  let sending = null;

  const local = (event) => {
    const around = canvas.getBoundingClientRect();
    return [event.clientX - around.left, event.clientY - around.top];
  };
  const reach = () => Number($("radius").value);
  const density = () => Number($("density").value);
  const counted = () => `${points.length.toLocaleString("en")} ${points.length === 1 ? "point" : "points"}`;
  const say = (text) => ($("said").textContent = text);

  function send(after) {
    clearTimeout(sending);
    sending = setTimeout(() => {
      sending = null;
      tell("drawn", { token: data.token, xy: points.flat() });
    }, after);
  }

  // ---- the picture ----

  const redraw = () => (frame ??= requestAnimationFrame(draw));
  const themed = (name) => getComputedStyle(root).getPropertyValue(`--st-${name}`).trim() || NEUTRAL;

  function drawStatus() {
    const spot = cursor ?? (pointer && plane.toPlane(pointer));
    $("where").textContent = spot ? plane.text(spot) : "";
    $("count").textContent = counted() + (points.length >= data.most ? ", the most there can be" : "");
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
    const sharp = window.devicePixelRatio || 1;
    const size = [Math.round(width * sharp), Math.round(height * sharp)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    ink.setTransform(sharp, 0, 0, sharp, 0, 0);
    ink.clearRect(0, 0, width, height);
    ink.font = `13px ${themed("font")}`;
    plane = planeOf(ink, width, height, data);
    const { box } = plane;
    if (image?.naturalWidth) ink.drawImage(image, box.left, box.top, box.width, box.height);
    plane.draw(themed("text-color"));
    ink.save();
    ink.beginPath();
    ink.rect(box.left - DOT, box.top - DOT, box.width + 2 * DOT, box.height + 2 * DOT);
    ink.clip();
    if (data.mode === "draw") {
      drawDots(ink, plane, points, DOT, themed("text-color"), 0.65);
      if (!points.length && !stroke) invite(ink, plane, themed("text-color"));
      if (cursor) drawCrosshair(ink, plane.toPixel(cursor), themed("primary-color"), themed("background-color"));
      const at = cursor ? plane.toPixel(cursor) : pointer;
      if (at && tool !== "point") drawReach(ink, at, reach(), themed("primary-color"), tool === "erase", stroke ? 0.16 : 0.08);
      drawStatus();
    }
    ink.restore();
    for (const badge of badges) badge.draw(width);
  }

  // ---- draw ----

  function begin(at, id) {
    stroke = { id, before: points, at, changed: false, owed: sending !== null };
    clearTimeout(sending); // it goes with this stroke
    sending = null;
    points = points.slice();
  }

  function finish(after) {
    const { before, changed, owed } = stroke;
    stroke = null;
    if (changed) {
      past = [...past, before].slice(-100);
      future = [];
      say(counted());
    }
    if (changed || owed) send(after);
    redraw();
  }

  function add(at) {
    if (!plane.has(at) || points.length >= data.most) return;
    points.push(plane.toPlane(at));
    stroke.changed = true;
  }

  function spray([px, py], howMany) {
    for (let i = 0; i < howMany; i++) add([px + (gauss() * reach()) / 2, py + (gauss() * reach()) / 2]);
  }

  function erase(from, to) {
    const left = points.filter((point) => distance(plane.toPixel(point), from, to) > reach());
    stroke.changed ||= left.length < points.length;
    points = left;
  }

  function use(at) {
    if (tool === "point") add(at);
    else if (tool === "spray") spray(at, Math.ceil(density() / 10));
    else erase(at, at);
  }

  // a hand that rests sprays on
  function sprayOn(mine, before, rest = 0) {
    requestAnimationFrame((now) => {
      if (stroke !== mine) return;
      const wanted = rest + clamp(now - before, 0, 100) * 0.001 * density();
      spray(mine.at, Math.floor(wanted));
      redraw();
      sprayOn(mine, now, wanted % 1);
    });
  }

  function drag(to) {
    const from = stroke.at;
    if (tool === "erase") erase(from, to);
    const far = Math.hypot(to[0] - from[0], to[1] - from[1]);
    const along = (steps) => from.map((value, i) => value + ((to[i] - value) * steps * TRAIL) / far);
    const steps = tool === "point" ? Math.floor(far / TRAIL) : 0;
    for (let i = 1; i <= steps; i++) add(along(i));
    if (tool !== "point") stroke.at = to;
    else if (steps) stroke.at = along(steps);
  }

  function become(next) {
    points = next;
    say(counted());
    send(150);
    redraw();
  }

  function undo() {
    if (stroke || !past.length) return;
    future.push(points);
    become(past.pop());
  }

  function redo() {
    if (stroke || !future.length) return;
    past.push(points);
    become(future.pop());
  }

  function clear() {
    if (stroke || !points.length) return;
    past.push(points);
    future = [];
    become([]);
  }

  function choose(which) {
    tool = which;
    for (const button of root.querySelectorAll(".tool")) button.setAttribute("aria-pressed", button.dataset.tool === tool);
    $("radius").disabled = tool === "point";
    $("density").disabled = tool !== "spray";
  }

  canvas.onpointerdown = (event) => {
    if (data.mode !== "draw" || stroke || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pointer = local(event);
    cursor = null;
    begin(pointer, event.pointerId);
    use(pointer);
    if (tool === "spray") sprayOn(stroke, performance.now());
    redraw();
  };
  canvas.onpointermove = (event) => {
    if (data.mode !== "draw" || (stroke ? stroke.id !== event.pointerId : event.pointerType === "touch")) return;
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
    if (data.mode === "draw" && canvas.matches(":focus-visible")) cursor = plane.middle;
    redraw();
  };
  canvas.onblur = () => {
    cursor = null;
    redraw();
  };
  canvas.onkeydown = (event) => {
    if (data.mode !== "draw" || stroke || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!(event.key in ARROWS || event.key === "Enter" || event.key === " ")) return;
    event.preventDefault();
    cursor ??= plane.middle;
    if (event.key in ARROWS) {
      cursor = plane.shifted(cursor, event.key, CURSOR_STEP * (event.shiftKey ? 5 : 1));
      say(plane.text(cursor));
    } else {
      begin(plane.toPixel(cursor), null);
      use(stroke.at);
      finish(300);
    }
    redraw();
  };
  root.onkeydown = (event) => {
    const key = event.key.toLowerCase();
    if (data.mode !== "draw" || !(event.ctrlKey || event.metaKey) || (key !== "z" && key !== "y")) return;
    event.preventDefault();
    key === "y" || event.shiftKey ? redo() : undo();
  };
  for (const button of root.querySelectorAll(".tool")) button.onclick = () => choose(button.dataset.tool);
  $("undo").onclick = undo;
  $("redo").onclick = redo;
  $("clear").onclick = clear;
  choose(tool);

  // ---- place ----

  function badgeOf(told, i) {
    const made = makeBadge(told, {
      plane: () => plane,
      local,
      at: () => points[i],
      move(to) {
        points = points.map((old, j) => (j === i ? to : old));
        redraw();
      },
      end(after) {
        say(made.text());
        send(after);
      },
    });
    return made;
  }

  // ---- the page's side ----

  function takeOver() {
    clearTimeout(sending);
    [sending, stroke] = [null, null];
    [past, future, cursor] = [[], [], null];
    points = pairs(data.xy);
    const legacy = legacies.get(data.key);
    legacies.delete(data.key);
    if (legacy?.token !== data.token || performance.now() - legacy.time > 1000) return;
    ({ points, past, future } = legacy);
    if (String(points) !== String(data.xy)) send(0);
  }

  function showScene(old) {
    const drawing = data.mode === "draw";
    root.classList.toggle("draws", drawing);
    for (const name of ["tools", "where", "count"]) $(name).hidden = !drawing;
    $("hint").textContent = HINTS[data.mode] + (drawing ? ` At most ${data.most.toLocaleString("en")} points.` : "");
    canvas.tabIndex = drawing ? 0 : -1;
    canvas.setAttribute("role", drawing ? "application" : "img");
    canvas.setAttribute("aria-label", drawing ? "Plane to draw points in" : "Plane with the centers");
    if (data.image !== old?.image) {
      image = data.image?.startsWith("data:image/") ? Object.assign(new Image(), { onload: redraw, src: data.image }) : null;
    }
    if (JSON.stringify(data.badges) !== JSON.stringify(old?.badges)) {
      for (const { badge } of badges) badge.remove();
      badges = (data.badges ?? []).map(badgeOf);
      $("plane").append(...badges.map(({ badge }) => badge));
    }
  }

  const observer = new ResizeObserver(redraw);

  return {
    root,
    hear(news, setStateValue) {
      const old = data;
      [data, tell] = [news, setStateValue];
      if (old?.token !== data.token) takeOver();
      showScene(old);
      observer.observe(canvas);
      if (!plane) draw();
      redraw(); // also for colors: with another theme we are called again
    },
    rest() {
      observer.disconnect();
      cancelAnimationFrame(frame);
      legacies.set(data.key, { token: data.token, points, past, future, time: performance.now() });
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
  drawing.hear(data, setStateValue);
  return () => call === drawing.call && drawing.rest(); // the end of a call that another one has followed is not the end
}

// The badge of a center, moved by dragging or with the arrow keys. Concatenated before drawing.js.

const BADGE_STEP = 0.01; // fraction of the extent
const MARKS = {
  circle: "M-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0",
  square: "M-6-6h12v12h-12z",
  diamond: "M0-8.4 8.4 0 0 8.4-8.4 0z",
  "triangle-up": "M0-8 7.6 5.6h-15.2z",
  cross: "M-2.6-8h5.2v5.4h5.4v5.2h-5.4v5.4h-5.2v-5.4h-5.4v-5.2h5.4z",
  star: "M0-9 2.3-3.1 8.6-2.8 3.7 1.2 5.3 7.3 0 3.9-5.3 7.3-3.7 1.2-8.6-2.8-2.3-3.1z",
  x: "M-3.8-7.5 0-3.8 3.8-7.5 7.5-3.8 3.8 0 7.5 3.8 3.8 7.5 0 3.8-3.8 7.5-7.5 3.8-3.8 0-7.5-3.8z",
};

// host: { plane(), local(event): pixel position, at(): position of the center, move(to): moves it, end(delay): sends its position }
function makeBadge({ label, color, symbol }, host) {
  const badge = document.createElement("button");
  badge.type = "button";
  badge.className = "badge";
  badge.innerHTML = `<svg viewBox="-20 -20 40 40" aria-hidden="true">
    <circle r="13.5" fill="#fff" stroke="#26262c" stroke-width="3"/><path/></svg><span class="tip" aria-hidden="true"></span>`;
  badge.querySelector("path").setAttribute("d", MARKS[symbol] ?? MARKS.circle);
  badge.querySelector("path").setAttribute("fill", color);
  let held = null; // during a drag: { id of the pointer, from: the center before, dx, dy }

  badge.onpointerdown = (event) => {
    if (held || event.button !== 0) return;
    badge.setPointerCapture(event.pointerId);
    badge.classList.add("held");
    const [[x, y], [px, py]] = [host.local(event), host.plane().toPixel(host.at())];
    held = { id: event.pointerId, from: host.at(), dx: px - x, dy: py - y }; // offset of the pointer, so that the badge does not jump
  };
  badge.onpointermove = (event) => {
    if (held?.id !== event.pointerId) return;
    const [x, y] = host.local(event);
    host.move(host.plane().toPlane([x + held.dx, y + held.dy]));
  };
  badge.onpointerup = badge.onpointercancel = (event) => {
    if (held?.id !== event.pointerId) return;
    const moved = held.from !== host.at();
    held = null;
    badge.classList.remove("held");
    if (moved) host.end(0);
  };
  badge.onkeydown = (event) => {
    if (held || !(event.key in ARROWS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    host.move(host.plane().shifted(host.at(), event.key, BADGE_STEP * (event.shiftKey ? 5 : 1)));
    host.end(300);
  };

  const text = () => `${label} at ${host.plane().text(host.at())}`;
  function draw(width) {
    const [px, py] = host.plane().toPixel(host.at());
    badge.style.left = `${px}px`;
    badge.style.top = `${py}px`;
    badge.style.setProperty("--shift", px < 0.2 * width ? "-20px" : px > 0.8 * width ? "calc(-100% + 20px)" : "-50%");
    badge.classList.toggle("high", py < 56);
    badge.setAttribute("aria-label", text());
    badge.lastChild.textContent = text();
  }
  return { badge, text, draw };
}

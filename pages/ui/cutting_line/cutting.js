// A line over a figure that can be dragged up and down. The trigger `cut` is { height }, sent when the line is released.
//
// data: { chart: key of the figure's container, height, label: text until the line moves, name: name of the height,
//         note: warning behind the label until the line moves, or "",
//         heights, counts, notes: increasing heights, and from each to the next one the number of clusters and a warning, or "";
//         empty if unknown,
//         start: number of clusters below the first one, most: largest number that is shown, or null,
//         lowest: smallest height to which the line can be moved, inside: whether the label is within the figure,
//         steps: whether arrow keys move to the next number of clusters, rather than by a share of the axis }
// Lines of the same name move together.
// The line is part of the page, above Plotly's figure, not of this component's shadow DOM.

const STYLE = `
.tree-cut { position: absolute; height: 24px; margin-top: -12px; cursor: ns-resize; touch-action: none; z-index: 5; outline: none; }
.tree-cut::before { content: ""; position: absolute; left: 0; right: 0; top: 11px; border-top: 2px dashed currentColor; }
.tree-cut span { position: absolute; left: calc(100% + 4px); top: 0; font-size: 0.8rem; font-weight: 600; padding: 0 0.5rem; border-radius: 1rem;
  white-space: nowrap; color: #fff; background: #3a3a44; border: 1px solid #fff8; line-height: 1.5; }
.tree-cut.inside span { left: auto; right: 0; }
.tree-cut span.warns { background: #8a4b00; }
.tree-cut:focus-visible span, .tree-cut:hover span { box-shadow: 0 0 0 2px #3f90da; }
`;

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const memory = (parentElement.__cutting ??= {});
  memory.end?.();

  if (!document.getElementById("tree-cut-style")) {
    const style = document.createElement("style");
    style.id = "tree-cut-style";
    style.textContent = STYLE;
    document.head.append(style);
  }

  const line = document.createElement("div");
  line.className = data.inside ? "tree-cut inside" : "tree-cut";
  line.tabIndex = 0;
  line.setAttribute("role", "slider");
  line.setAttribute("aria-orientation", "vertical");
  line.setAttribute("aria-label", data.name);
  line.title = "Drag the line, or move it with the arrow keys";
  const label = line.appendChild(document.createElement("span"));
  let height = data.height;
  let dragging = false;
  let sending = null;

  const { heights, counts } = data;
  const most = data.most ?? Infinity;
  const lastBelow = (h) => {
    const above = heights.findIndex((other) => other > h);
    return above < 0 ? heights.length - 1 : above - 1;
  };
  const clustersAt = (h) => counts[lastBelow(h)] ?? data.start;
  const short = (h) => Number(h.toPrecision(3)).toString();

  function plot() {
    const graph = document.querySelector(`.st-key-${data.chart} .js-plotly-plot`);
    if (!graph?._fullLayout?.yaxis) return null;
    return { graph, axis: graph._fullLayout.yaxis, across: graph._fullLayout.xaxis };
  }

  function place() {
    const at = plot();
    line.style.display = at ? "" : "none";
    if (!at) return;
    if (line.parentElement !== at.graph.parentElement) {
      at.graph.parentElement.style.position = "relative";
      at.graph.parentElement.append(line);
    }
    // redrawing the figure removes the line and its focus, sometimes before this component runs again
    if (memory.hadFocus && document.activeElement === document.body) line.focus({ preventScroll: true });
    const [bottom, top] = at.axis.range;
    const y = at.axis._offset + at.axis.d2p(Math.max(bottom, Math.min(top, height)));
    line.style.top = `${at.graph.offsetTop + y}px`;
    line.style.left = `${at.graph.offsetLeft + at.across._offset}px`;
    line.style.width = `${at.across._length}px`;
    // where merges are tied, no height gives the number of clusters of the cut
    const clusters = clustersAt(height);
    const number = clusters > most ? `over ${most} clusters` : `${clusters} ${clusters === 1 ? "cluster" : "clusters"}`;
    const words = heights.length ? number : `radius ${short(height)}`;
    const [said, note] = height === data.height ? [data.label, data.note] : [words, data.notes[lastBelow(height)]];
    const text = note ? `${said}: ${note}` : said;
    label.textContent = text;
    label.classList.toggle("warns", Boolean(note));
    line.setAttribute("aria-valuemin", bottom);
    line.setAttribute("aria-valuemax", top);
    line.setAttribute("aria-valuenow", Math.max(bottom, Math.min(top, height)));
    line.setAttribute("aria-valuetext", `${text} at ${data.steps ? "height" : "radius"} ${short(height)}`);
  }

  function move(to) {
    height = to;
    place();
    document.dispatchEvent(new CustomEvent("cut", { detail: { line, name: data.name, height } }));
  }

  function follow({ detail }) {
    if (detail.line === line || detail.name !== data.name) return;
    height = detail.height;
    place();
  }

  function send(delay) {
    clearTimeout(sending);
    sending = setTimeout(() => {
      sending = null;
      setTriggerValue("cut", { height });
    }, delay);
  }

  line.onpointerdown = (event) => {
    dragging = true;
    line.setPointerCapture(event.pointerId);
    line.focus();
    event.preventDefault();
  };
  line.onpointermove = (event) => {
    const at = dragging && plot();
    if (!at) return;
    const box = at.graph.getBoundingClientRect();
    const [bottom, top] = at.axis.range;
    move(Math.max(bottom, data.lowest, Math.min(top, at.axis.p2d(event.clientY - box.top - at.axis._offset))));
  };
  line.onpointerup = () => {
    if (!dragging) return;
    if (height !== data.height) send(0);
    dragging = false;
  };
  line.onpointercancel = () => {
    dragging = false;
    move(data.height);
  };
  // move to the middle of the range of heights that gives the next number of clusters
  line.onkeydown = (event) => {
    const start = { Home: most + 1, End: 0 }[event.key];
    const step = { ArrowUp: -1, ArrowRight: -1, PageUp: -5, ArrowDown: 1, ArrowLeft: 1, PageDown: 5, Home: -1, End: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const top = plot()?.axis.range[1] ?? heights.at(-1);
    if (!data.steps) {
      const to = { Home: data.lowest, End: top }[event.key] ?? height - (step * top) / 50;
      move(Math.max(data.lowest, Math.min(top, to)));
      send(350);
      return;
    }
    const now = start ?? Math.min(clustersAt(height), most + 1);
    for (let clusters = now + step; clusters >= 1 && clusters <= most + 1; clusters += step) {
      if (clusters > Math.min(most, heights.length + 1)) continue;
      const above = clusters === 1 ? top : heights[heights.length + 1 - clusters];
      const below = heights[heights.length - clusters] ?? 0;
      const middle = (above + below) / 2;
      if (clustersAt(middle) !== clusters) continue; // a tie or an inversion
      move(middle);
      send(350);
      return;
    }
  };

  // remember the focus until the user focuses or clicks something else
  const trackFocus = (event) => (memory.hadFocus = line.contains(event.target));
  for (const kind of ["focusin", "pointerdown"]) document.addEventListener(kind, trackFocus);
  document.addEventListener("cut", follow);
  place();
  const timer = setInterval(() => dragging || place(), 150);
  memory.end = () => {
    clearInterval(timer);
    clearTimeout(sending);
    for (const kind of ["focusin", "pointerdown"]) document.removeEventListener(kind, trackFocus);
    document.removeEventListener("cut", follow);
    line.remove();
  };
  return memory.end;
}

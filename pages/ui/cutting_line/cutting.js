// A line over the figure of a tree, to be dragged up and down. The trigger `cut` is { height }, sent when it is let go.
//
// data: { chart: key of the figure's container, k, height, most: groups at most,
//         heights: how high the tree is after each of the last `most` merges }
// It lies in the page, over Plotly's figure, and not in the shadow of this component.

const STYLE = `
.tree-cut { position: absolute; height: 24px; margin-top: -12px; cursor: ns-resize; touch-action: none; z-index: 5; outline: none; }
.tree-cut::before { content: ""; position: absolute; left: 0; right: 0; top: 11px; border-top: 2px dashed currentColor; }
.tree-cut span { position: absolute; left: calc(100% + 4px); top: 0; font-size: 0.8rem; font-weight: 600; padding: 0 0.5rem; border-radius: 1rem;
  white-space: nowrap; color: #fff; background: #3a3a44; border: 1px solid #fff8; line-height: 1.5; }
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
  line.className = "tree-cut";
  line.tabIndex = 0;
  line.setAttribute("role", "slider");
  line.setAttribute("aria-orientation", "vertical");
  line.setAttribute("aria-label", "Height of the cut");
  line.title = "Drag the cut, or move it by the arrow keys";
  const label = line.appendChild(document.createElement("span"));
  let height = data.height;
  let dragging = false;
  let sending = null;

  const { heights } = data;
  // the merges that a cut makes are all before the first one above it
  const groupsAt = (h) => {
    const above = heights.findIndex((merge) => merge > h);
    return above < 0 ? 1 : heights.length - above + 1;
  };
  const short = (h) => Number(h.toPrecision(3)).toString();

  function scene() {
    const graph = document.querySelector(`.st-key-${data.chart} .js-plotly-plot`);
    if (!graph?._fullLayout?.yaxis) return null;
    return { graph, axis: graph._fullLayout.yaxis, across: graph._fullLayout.xaxis };
  }

  function place() {
    const at = scene();
    line.style.display = at ? "" : "none";
    if (!at) return;
    if (line.parentElement !== at.graph.parentElement) {
      at.graph.parentElement.style.position = "relative";
      at.graph.parentElement.append(line);
    }
    // a figure that is drawn anew takes the line away, and the focus with it, perhaps before this component is called again
    if (memory.held && document.activeElement === document.body) line.focus({ preventScroll: true });
    const [bottom, top] = at.axis.range;
    const y = at.axis._offset + at.axis.d2p(Math.max(bottom, Math.min(top, height)));
    line.style.top = `${at.graph.offsetTop + y}px`;
    line.style.left = `${at.graph.offsetLeft + at.across._offset}px`;
    line.style.width = `${at.across._length}px`;
    // where merges tie, no height leaves k groups
    const groups = height === data.height ? data.k : groupsAt(height);
    const text = groups > data.most ? `more than ${data.most} groups` : `${groups} ${groups === 1 ? "group" : "groups"}`;
    label.textContent = text;
    line.setAttribute("aria-valuemin", bottom);
    line.setAttribute("aria-valuemax", top);
    line.setAttribute("aria-valuenow", Math.max(bottom, Math.min(top, height)));
    line.setAttribute("aria-valuetext", `${text} at height ${short(height)}`);
  }

  function send(after) {
    clearTimeout(sending);
    sending = setTimeout(() => {
      sending = null;
      setTriggerValue("cut", { height });
    }, after);
  }

  line.onpointerdown = (event) => {
    dragging = true;
    line.setPointerCapture(event.pointerId);
    line.focus();
    event.preventDefault();
  };
  line.onpointermove = (event) => {
    const at = dragging && scene();
    if (!at) return;
    const around = at.graph.getBoundingClientRect();
    const [bottom, top] = at.axis.range;
    height = Math.max(bottom, Math.min(top, at.axis.p2d(event.clientY - around.top - at.axis._offset)));
    place();
  };
  line.onpointerup = () => {
    if (!dragging) return;
    if (height !== data.height) send(0);
    dragging = false;
  };
  line.onpointercancel = () => {
    dragging = false;
    height = data.height;
    place();
  };
  // to the middle between the next two heights that leave another number of groups
  line.onkeydown = (event) => {
    const fewest = { Home: data.most + 1, End: 0 }[event.key];
    const by = { ArrowUp: -1, ArrowRight: -1, PageUp: -5, ArrowDown: 1, ArrowLeft: 1, PageDown: 5, Home: -1, End: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const top = scene()?.axis.range[1] ?? heights.at(-1);
    const now = fewest ?? Math.min(groupsAt(height), data.most + 1);
    for (let groups = now + by; groups >= 1 && groups <= data.most + 1; groups += by) {
      if (groups > Math.min(data.most, heights.length + 1)) continue;
      const above = groups === 1 ? top : heights[heights.length + 1 - groups];
      const below = heights[heights.length - groups] ?? 0;
      const middle = (above + below) / 2;
      if (groupsAt(middle) !== groups) continue; // a tie or an inversion
      height = middle;
      send(350);
      place();
      return;
    }
  };

  // until a person goes elsewhere
  const follow = (event) => (memory.held = line.contains(event.target));
  for (const kind of ["focusin", "pointerdown"]) document.addEventListener(kind, follow);
  place();
  const watching = setInterval(() => dragging || place(), 150);
  memory.end = () => {
    clearInterval(watching);
    clearTimeout(sending);
    for (const kind of ["focusin", "pointerdown"]) document.removeEventListener(kind, follow);
    line.remove();
  };
  return memory.end;
}

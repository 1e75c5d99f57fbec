const THINNED = "thinned"; // as in plots.py

// Hides labels that overlap, in traces whose `meta` says so. Later traces and earlier labels of a trace have priority.
function thin(graph) {
  const shown = [];
  for (const trace of [...graph.querySelectorAll(".scatterlayer .trace")].reverse()) {
    if (trace.__data__?.[0]?.trace?.meta !== THINNED) continue;
    const texts = [...trace.querySelectorAll(".textpoint text")];
    const boxes = texts.map((text) => text.getBoundingClientRect());
    texts.forEach((text, i) => {
      const { left, right, top, bottom } = boxes[i];
      const free = shown.every((other) => left >= other.right || right <= other.left || top >= other.bottom || bottom <= other.top);
      if (free && right > left) shown.push(boxes[i]);
      text.style.visibility = free ? "" : "hidden";
    });
  }
}

// Keeps labels from overlapping whenever the figure is drawn.
function keepThin(graph) {
  if (graph.__thinned) return;
  graph.__thinned = true;
  let requested = false;
  const request = () => {
    if (requested) return;
    requested = true;
    requestAnimationFrame(() => {
      requested = false;
      thin(graph);
    });
  };
  for (const event of ["plotly_afterplot", "plotly_animatingframe", "plotly_relayout"]) graph.on(event, request);
  request();
}

// Sends the point of an animated plot that was clicked. Plotly's own selection fails in all frames but the one drawn first.
//
// data: { chart: key of the container of the figure }
// The trigger `picked` is { row }: the customdata of the point if it is a whole number, or the index in the first trace.

export default function ({ data, parentElement, setTriggerValue }) {
  const memory = (parentElement.__picker ??= {});
  memory.end?.();
  let graph = null;

  function pick({ points: [{ customdata, curveNumber, pointIndex }] }) {
    if (Number.isInteger(customdata)) setTriggerValue("picked", { row: customdata });
    else if (curveNumber === 0) setTriggerValue("picked", { row: pointIndex });
  }

  const watching = setInterval(() => {
    const shown = document.querySelector(`.st-key-${data.chart} .js-plotly-plot`);
    if (!shown?.on || shown === graph) return;
    graph = shown;
    graph.on("plotly_click", pick);
  }, 200);

  memory.end = () => {
    clearInterval(watching);
    graph?.removeListener?.("plotly_click", pick);
  };
  return memory.end;
}

// Every table of the page can be downloaded as CSV, as it is shown, and every figure can be saved as PNG and SVG.

const slug = (text) => text.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "").toLowerCase() || "table";

function button(text, title, action) {
  const element = document.createElement("button");
  Object.assign(element, { type: "button", textContent: text, title, onclick: action });
  element.setAttribute("aria-label", title);
  return element;
}

/** The text of a cell; numbers without thousands separators and with a hyphen as minus sign, as spreadsheets read them. */
function textOf(cell) {
  const copy = cell.cloneNode(true);
  for (const mark of copy.querySelectorAll("[aria-hidden=true]")) mark.remove();
  const text = copy.textContent.trim().replace(/\s+/g, " ");
  const number = text.replace(/^−/, "-").replaceAll(",", "");
  if (/^-?\d+(\.\d+)?(e[+-]?\d+)?%?$/.test(number)) return number;
  return /^[=+\-@\t]/.test(text) ? `'${text}` : text; // a spreadsheet may see a formula
}

function csvOf(table) {
  const rows = [...table.rows].map((row) => [...row.cells].map(textOf));
  const shown = rows[0].map((_, j) => rows.some((row) => row[j])); // a column of bars has no text
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => row.filter((_, j) => shown[j]).map(quoted).join(",")).join("\r\n") + "\r\n";
}

function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Streamlit does not expose the Plotly object, but Plotly's own button, which frame.css hides, saves the figure.
function save(graph, format, name) {
  graph._context.toImageButtonOptions = { format, filename: name, scale: format === "png" ? 2 : 1 };
  graph.querySelector(".modebar-btn").dispatchEvent(new MouseEvent("click"));
}

function addButtons() {
  for (const region of document.querySelectorAll(".stHtml .scroll:not(:has(+ .save))")) {
    const label = region.getAttribute("aria-label");
    const csv = button("CSV", `Download as CSV: ${label}`, () => download(`${slug(label)}.csv`, csvOf(region.querySelector("table"))));
    csv.className = "save";
    region.after(csv);
  }
  for (const chart of document.querySelectorAll("[data-testid=stPlotlyChart]:not(:has(> .save))")) {
    const graph = chart.querySelector(".js-plotly-plot");
    if (!graph?.querySelector(".modebar-btn")) continue;
    const label = (chart.getAttribute("aria-label") ?? "figure").split(/[.:]/)[0];
    const buttons = document.createElement("div");
    buttons.className = "save";
    for (const format of ["png", "svg"]) {
      const title = `Save as ${format.toUpperCase()}: ${label}`;
      buttons.append(button(format.toUpperCase(), title, () => save(graph, format, slug(label).slice(0, 60))));
    }
    chart.append(buttons);
  }
}
window.addingButtons ??= setInterval(addButtons, 500);

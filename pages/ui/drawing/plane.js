// A plane: its axes, and the way from its own units to pixels and back. It is put before drawing.js.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

// a number with the digits that a step of this size needs
function written(value, step) {
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const text = step >= 1e6 || digits > 5 ? value.toExponential(2) : value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

function ticks(from, to, most) {
  const rough = (to - from) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((nice) => nice * power >= rough * 0.999) * power;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => {
    const value = (first + i) * step;
    return { value, text: written(value, step) };
  });
}

// of one scale, a narrow plane needs less height than it is given
function heightFor(width, { extent: [left, right, bottom, top], height, toScale }) {
  return toScale ? Math.round(Math.min(height, (width - 60) * ((top - bottom) / (right - left)) + 60)) : height;
}

// { left, top, width, height } of what is left of the canvas for the plane itself, and the ticks on both sides
function axesOf(ink, width, height, { extent: [left, right, bottom, top], names, toScale }) {
  const foot = 24 + (names[0] ? 20 : 0);
  const labels = ticks(bottom, top, (height - foot) / 55).map((tick) => ink.measureText(tick.text).width);
  const side = Math.ceil(Math.max(...labels, 0)) + 12 + (names[1] ? 22 : 0);
  const box = { left: side, top: 14, width: Math.max(width - side - 18, 20), height: Math.max(height - foot - 14, 20) };
  if (toScale) {
    const scale = Math.min(box.width / (right - left), box.height / (top - bottom));
    const [w, h] = [(right - left) * scale, (top - bottom) * scale];
    Object.assign(box, { left: box.left + (box.width - w) / 2, top: box.top + (box.height - h) / 2, width: w, height: h });
  }
  return { box, columns: ticks(left, right, box.width / 85), rows: ticks(bottom, top, box.height / 55) };
}

function drawAxes(ink, { box, columns, rows }, { extent, names, image }, color) {
  const [left, right, bottom, top] = extent;
  const crisp = (value) => Math.round(value) + 0.5;
  const [x, y] = [crisp(box.left), crisp(box.top)];
  const line = (ax, ay, bx, by) => {
    ink.globalAlpha = image ? 0 : 0.1; // over a picture lines would be in the way
    ink.beginPath();
    ink.moveTo(ax, ay);
    ink.lineTo(bx, by);
    ink.stroke();
    ink.globalAlpha = 0.75;
  };
  ink.save();
  ink.lineWidth = 1;
  ink.strokeStyle = ink.fillStyle = color;
  ink.textAlign = "center";
  ink.textBaseline = "top";
  for (const { value, text } of columns) {
    const at = box.left + ((value - left) / (right - left)) * box.width;
    line(crisp(at), y, crisp(at), y + box.height);
    ink.fillText(text, at, y + box.height + 7);
  }
  ink.fillText(names[0], box.left + box.width / 2, y + box.height + 27, box.width);
  ink.textAlign = "right";
  ink.textBaseline = "middle";
  for (const { value, text } of rows) {
    const at = box.top + ((top - value) / (top - bottom)) * box.height;
    line(x, crisp(at), x + box.width, crisp(at));
    ink.fillText(text, box.left - 8, at);
  }
  ink.globalAlpha = 0.3;
  ink.strokeRect(x, y, Math.round(box.width), Math.round(box.height));
  ink.globalAlpha = 0.75;
  ink.textAlign = "center";
  ink.translate(Math.max(10, box.left - 80), box.top + box.height / 2);
  ink.rotate(-Math.PI / 2);
  ink.fillText(names[1], 0, 0, box.height);
  ink.restore();
}

// data: { extent: [left, right, bottom, top], names, toScale, image }; pixels are those of a canvas of this size
function planeOf(ink, width, height, data) {
  const [left, right, bottom, top] = data.extent;
  const sides = [
    [left, right],
    [bottom, top],
  ];
  const axes = axesOf(ink, width, height, data);
  const { box } = axes;
  // no more digits than can be seen
  const settled = (point) =>
    sides.map(([low, high], i) => {
      const step = 10 ** (Math.floor(Math.log10(high - low)) - 4);
      return clamp(Number((Math.round(point[i] / step) * step).toPrecision(12)), low, high);
    });
  return {
    box,
    draw: (color) => drawAxes(ink, axes, data, color),
    middle: sides.map(([low, high]) => (low + high) / 2),
    toPixel: ([x, y]) => [
      box.left + ((x - left) / (right - left)) * box.width,
      box.top + ((top - y) / (top - bottom)) * box.height,
    ],
    toPlane: ([px, py]) =>
      settled([left + ((px - box.left) / box.width) * (right - left), top - ((py - box.top) / box.height) * (top - bottom)]),
    // one arrow key further, by a share of the extent
    shifted: (point, key, share) => settled(sides.map(([low, high], i) => point[i] + ARROWS[key][i] * share * (high - low))),
    text: (point) => sides.map(([low, high], i) => written(point[i], 10 ** (Math.ceil(Math.log10(high - low)) - 3))).join(", "),
    has: ([px, py]) => px >= box.left && px <= box.left + box.width && py >= box.top && py <= box.top + box.height,
  };
}

function drawDots(ink, plane, points, radius, color, alpha) {
  ink.fillStyle = color;
  ink.globalAlpha = alpha;
  for (const point of points) {
    ink.beginPath();
    ink.arc(...plane.toPixel(point), radius, 0, 2 * Math.PI);
    ink.fill();
  }
  ink.globalAlpha = 1;
}

function drawCrosshair(ink, at, color, ground) {
  const arms = new Path2D(`M${at}m8 0h16m-40 0h-16m28-8v-16m0 40v16`);
  ink.lineWidth = 6; // the ground around it, to be seen among points
  ink.strokeStyle = ground;
  ink.stroke(arms);
  ink.lineWidth = 2.5;
  ink.strokeStyle = color;
  ink.stroke(arms);
}

function drawReach(ink, at, radius, color, dashed, alpha) {
  ink.lineWidth = 1.5;
  ink.strokeStyle = ink.fillStyle = color;
  ink.setLineDash(dashed ? [5, 4] : []);
  ink.beginPath();
  ink.arc(...at, radius, 0, 2 * Math.PI);
  ink.stroke();
  ink.setLineDash([]);
  ink.globalAlpha = alpha;
  ink.fill();
  ink.globalAlpha = 1;
}

function invite(ink, { box: { left, top, width, height } }, color) {
  ink.font = ink.font.replace(/^[\d.]+px/, "17px");
  ink.textAlign = "center";
  ink.fillStyle = color;
  ink.globalAlpha = 0.5;
  ink.fillText("Draw points here", left + width / 2, top + height / 2, width);
  ink.globalAlpha = 1;
}

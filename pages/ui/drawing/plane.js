// A plane with axes, and conversions between its units and pixels. Concatenated before drawing.js.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

// formats a number with as many decimals as are needed for a tick step of this size
function formatted(value, step) {
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const text = step >= 1e6 || digits > 5 ? value.toExponential(2) : value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

function ticks(from, to, max) {
  const rough = (to - from) / Math.max(max, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((nice) => nice * power >= rough * 0.999) * power;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => {
    const value = (first + i) * step;
    return { value, text: formatted(value, step) };
  });
}

// with equal scales on both axes, a narrow plane needs less than the given height
function heightFor(width, { extent: [left, right, bottom, top], height, toScale }) {
  return toScale ? Math.round(Math.min(height, (width - 60) * ((top - bottom) / (right - left)) + 60)) : height;
}

// { box: left, top, width and height of the plane on the canvas, columns and rows: ticks }
function axesOf(context, width, height, { extent: [left, right, bottom, top], names, toScale }) {
  const foot = 24 + (names[0] ? 20 : 0);
  const labels = ticks(bottom, top, (height - foot) / 55).map((tick) => context.measureText(tick.text).width);
  const side = Math.ceil(Math.max(...labels, 0)) + 12 + (names[1] ? 22 : 0);
  const box = { left: side, top: 14, width: Math.max(width - side - 18, 20), height: Math.max(height - foot - 14, 20) };
  if (toScale) {
    const scale = Math.min(box.width / (right - left), box.height / (top - bottom));
    const [w, h] = [(right - left) * scale, (top - bottom) * scale];
    Object.assign(box, { left: box.left + (box.width - w) / 2, top: box.top + (box.height - h) / 2, width: w, height: h });
  }
  return { box, columns: ticks(left, right, box.width / 85), rows: ticks(bottom, top, box.height / 55) };
}

function drawAxes(context, { box, columns, rows }, { extent, names }, color) {
  const [left, right, bottom, top] = extent;
  const crisp = (value) => Math.round(value) + 0.5;
  const [x, y] = [crisp(box.left), crisp(box.top)];
  const line = (ax, ay, bx, by) => {
    context.globalAlpha = 0.1;
    context.beginPath();
    context.moveTo(ax, ay);
    context.lineTo(bx, by);
    context.stroke();
    context.globalAlpha = 0.75;
  };
  context.save();
  context.lineWidth = 1;
  context.strokeStyle = context.fillStyle = color;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const { value, text } of columns) {
    const at = box.left + ((value - left) / (right - left)) * box.width;
    line(crisp(at), y, crisp(at), y + box.height);
    context.fillText(text, at, y + box.height + 7);
  }
  context.fillText(names[0], box.left + box.width / 2, y + box.height + 27, box.width);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const { value, text } of rows) {
    const at = box.top + ((top - value) / (top - bottom)) * box.height;
    line(x, crisp(at), x + box.width, crisp(at));
    context.fillText(text, box.left - 8, at);
  }
  context.globalAlpha = 0.3;
  context.strokeRect(x, y, Math.round(box.width), Math.round(box.height));
  context.globalAlpha = 0.75;
  context.textAlign = "center";
  context.translate(Math.max(10, box.left - 80), box.top + box.height / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(names[1], 0, 0, box.height);
  context.restore();
}

// data: { extent: [left, right, bottom, top], names, toScale }; pixels refer to a canvas of this size
function planeOf(context, width, height, data) {
  const [left, right, bottom, top] = data.extent;
  const sides = [
    [left, right],
    [bottom, top],
  ];
  const axes = axesOf(context, width, height, data);
  const { box } = axes;
  // rounds to visible digits
  const rounded = (point) =>
    sides.map(([low, high], i) => {
      const step = 10 ** (Math.floor(Math.log10(high - low)) - 4);
      return clamp(Number((Math.round(point[i] / step) * step).toPrecision(12)), low, high);
    });
  return {
    box,
    draw: (color) => drawAxes(context, axes, data, color),
    middle: sides.map(([low, high]) => (low + high) / 2),
    toPixel: ([x, y]) => [
      box.left + ((x - left) / (right - left)) * box.width,
      box.top + ((top - y) / (top - bottom)) * box.height,
    ],
    toPlane: ([px, py]) =>
      rounded([left + ((px - box.left) / box.width) * (right - left), top - ((py - box.top) / box.height) * (top - bottom)]),
    // moves a point in the direction of an arrow key, by a fraction of the extent
    shifted: (point, key, fraction) =>
      rounded(sides.map(([low, high], i) => point[i] + ARROWS[key][i] * fraction * (high - low))),
    text: (point) => sides.map(([low, high], i) => formatted(point[i], 10 ** (Math.ceil(Math.log10(high - low)) - 3))).join(", "),
    has: ([px, py]) => px >= box.left && px <= box.left + box.width && py >= box.top && py <= box.top + box.height,
  };
}

function drawDots(context, plane, points, radius, color, alpha) {
  context.fillStyle = color;
  context.globalAlpha = alpha;
  for (const point of points) {
    context.beginPath();
    context.arc(...plane.toPixel(point), radius, 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
}

function drawCrosshair(context, at, color, background) {
  const arms = new Path2D(`M${at}m8 0h16m-40 0h-16m28-8v-16m0 40v16`);
  context.lineWidth = 6; // outline in the background color, visible among points
  context.strokeStyle = background;
  context.stroke(arms);
  context.lineWidth = 2.5;
  context.strokeStyle = color;
  context.stroke(arms);
}

function drawBrush(context, at, radius, color, dashed, alpha) {
  context.lineWidth = 1.5;
  context.strokeStyle = context.fillStyle = color;
  context.setLineDash(dashed ? [5, 4] : []);
  context.beginPath();
  context.arc(...at, radius, 0, 2 * Math.PI);
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = alpha;
  context.fill();
  context.globalAlpha = 1;
}

function drawInvitation(context, { box: { left, top, width, height } }, color) {
  context.font = context.font.replace(/^[\d.]+px/, "17px");
  context.textAlign = "center";
  context.fillStyle = color;
  context.globalAlpha = 0.5;
  context.fillText("Draw points here", left + width / 2, top + height / 2, width);
  context.globalAlpha = 1;
}

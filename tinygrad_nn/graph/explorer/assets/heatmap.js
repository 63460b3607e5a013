// Arrays as numbers and colours: blue below zero, orange above, the darker the further. These two the colour-blind tell
// apart, and zero is the colour of the paper, so that a dead half of a gradient is seen at once.

const BELOW = { light: [33, 102, 172], dark: [110, 178, 240] };
const ABOVE = { light: [200, 90, 10], dark: [245, 160, 70] };
const PAPER = { light: [250, 250, 250], dark: [36, 42, 49] };

/** How many numbers are written at most, whatever the page holds: `TABLE` in `arrays.py`, which adds a picture. */
const MOST_NUMBERS = 400;

const themeName = () => (document.documentElement.dataset.theme === "dark" ? "dark" : "light");

/** @returns {[number, number, number]} red, green and blue for a number between −1 and 1 */
function colourOf(share) {
  if (Number.isNaN(share)) return [214, 39, 100];
  const theme = themeName();
  const end = (share < 0 ? BELOW : ABOVE)[theme];
  const paper = PAPER[theme];
  const depth = Math.min(1, Math.abs(share)) ** 0.7; // small numbers should not look like zeros
  return /** @type {[number, number, number]} */ (paper.map((c, i) => Math.round(c + (end[i] - c) * depth)));
}

function inkOn([red, green, blue]) {
  return 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#14202b" : "#ffffff";
}

/** Show an array under a heading: its shape, its numbers or a picture of them, and a line of statistics. */
function arrayView(heading, array, remark = "") {
  const box = html("section", { class: "array" });
  box.append(
    html("h3", {}, heading, html("span", { class: "shape" }, array ? `${shapeText(array.shape)} ${array.dtype}` : "")),
  );
  if (!array) {
    box.append(html("p", { class: "missing" }, remark || "not computed"));
    return box;
  }
  if (array.values) box.append(numberTable(array));
  if (array.picture) box.append(picture(array.picture));
  if (!array.values || array.values.length > 1) box.append(statisticsLine(array));
  return box;
}

/** A small array: each number on its colour. The last axis runs to the right. */
function numberTable(array) {
  const values = array.values.slice(0, MOST_NUMBERS).map(Number);
  if (!values.length) return html("p", { class: "missing" }, "empty");
  const scale = Math.max(...values.filter(Number.isFinite).map(Math.abs), 0) || 1;
  const columns = array.shape.at(-1) ?? 1;
  const table = html("table", { class: "numbers", "aria-label": "values" });
  for (let start = 0; start < values.length; start += columns) {
    table.append(html("tr", {}, ...values.slice(start, start + columns).map((value) => numberCell(value, scale))));
  }
  const [shown, all] = [values.length, array.values.length];
  return html(
    "div",
    { class: "wide-table", tabindex: columns > 5 ? 0 : null },
    table,
    shown < all ? html("p", { class: "caption" }, `the first ${shown} of ${counted(all, "number")}`) : null,
  );
}

function numberCell(value, scale) {
  const cell = html("td", { title: String(value) }, numberText(value, 3));
  const colour = colourOf(value / scale);
  cell.style.background = `rgb(${colour.join(",")})`;
  cell.style.color = inkOn(colour);
  return cell;
}

/** A large array: a heat map whose cells are means of blocks. */
function picture({ rows, columns, block, scale, cells }) {
  const canvas = html("canvas", { width: columns, height: rows, class: "heat", role: "img" });
  const pixels = new ImageData(columns, rows);
  cells.forEach((cell, place) => pixels.data.set([...colourOf(cell / 100), 255], 4 * place));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  const size = Math.max(3, Math.min(16, Math.floor(280 / columns), Math.floor(220 / rows)));
  canvas.style.width = `${Math.max(columns * size, 48)}px`; // a column is no line
  canvas.style.height = `${Math.max(rows * size, 20)}px`;
  const [down, right] = block;
  const what = down * right > 1 ? `each cell is the mean of ${down} × ${right} elements` : "each cell is one element";
  const legend = `−${numberText(scale)} blue, 0 pale, ${numberText(scale)} orange; ${what}`;
  canvas.setAttribute("aria-label", `Heat map: ${legend}`);
  return html("figure", {}, canvas, html("figcaption", {}, legend));
}

function statisticsLine(array) {
  const told = statisticsOf(array);
  const size = array.shape.reduce((product, n) => product * n, 1);
  const parts = [`norm ${numberText(told.norm)}`];
  if (told.low !== undefined)
    parts.push(`min ${numberText(told.low)}`, `mean ${numberText(told.mean)}`, `max ${numberText(told.high)}`);
  if (told.zeros) parts.push(told.zeros === size ? "all zero" : `${numberText((100 * told.zeros) / size, 3)} % zero`);
  if (told.odd) parts.push(`${told.odd} not finite`);
  return html("p", { class: "statistics" }, parts.join(" · "));
}

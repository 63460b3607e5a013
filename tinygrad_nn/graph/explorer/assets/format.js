// Small things that every other file needs: making elements, writing numbers and shapes.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element. All text comes in through `textContent`: a name with angle brackets stays a name.
 * @param {string} tag
 * @param {Object<string, any>} [attributes]
 * @param {...(Node|string|null|undefined)} children
 */
function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for a drawing. */
function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) element.append(child);
  return element;
}

/** @returns {HTMLElement} */
const byId = (id) => document.getElementById(id);

/** Write a number in a few digits. */
function numberText(value, digits = 4) {
  const x = Number(value);
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  const text =
    size >= 1e5 || size < 1e-3 ? x.toExponential(digits - 2).replace("e+", "e") : String(Number(x.toPrecision(digits)));
  return text.replaceAll("-", "−");
}

/** Write a shape as NumPy does, but a word for the one that looks like nothing. */
function shapeText(shape) {
  if (!shape.length) return "scalar";
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

/** Write a number of things: "1 operation", "12 operations". */
function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** Leave out the middle of a long text. */
function shortened(text, longest = 34) {
  const characters = [...text];
  if (characters.length <= longest) return text;
  const half = Math.floor(longest / 2);
  return `${characters.slice(0, half).join("")}…${characters.slice(-half).join("")}`;
}

/** The name of a file without its folders. */
function fileName(path) {
  return path.split(/[\\/]/).at(-1);
}

/** Write a number of bytes. */
function bytesText(count) {
  const units = ["bytes", "kB", "MB", "GB"];
  const power = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(count, 1)) / 3)));
  return `${numberText(count / 1000 ** power)} ${units[power]}`;
}

/** The Euclidean norm of an array, which is told or found from its numbers. */
function normOf(array) {
  return Number(array.norm ?? statisticsOf(array).norm);
}

/** What is said of an array in a line: as it was told, or found here for a short array that is written out. */
function statisticsOf(array) {
  if (array.norm !== undefined) return array;
  const values = array.values.map(Number);
  const finite = values.filter(Number.isFinite);
  const norm = values.reduce((known, x) => Math.hypot(known, x), 0); // which does not overflow where squares would
  const told = { norm, zeros: values.filter((x) => x === 0).length };
  if (finite.length < values.length) told.odd = values.length - finite.length;
  if (!finite.length) return told;
  const largest = Math.max(...finite.map(Math.abs)) || 1; // taken out first: a sum overflows before its mean
  const mean = largest * (finite.reduce((sum, x) => sum + x / largest, 0) / finite.length);
  return { ...told, low: Math.min(...finite), mean, high: Math.max(...finite) };
}

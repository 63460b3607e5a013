// Light on lines: those along which a gradient travels, or a step moves numbers, drawn once more, brightly.

/** The height of a label, how far from its line it may stand, and the height of the stripes that are searched. */
const LABEL = 17;
const FARTHEST = 400;
const STRIPE = 64;

class Light {
  /** @param {Model} model @param {Record<string, SVGElement>} layers where to draw */
  constructor(model, layers) {
    this.model = model;
    this.layers = layers;
    /** @type {Set<string>} the keys of the lines that are lit */
    this.keys = new Set();
  }

  /** Light the lines that stand for `edges`; on the way back each with the norm of the gradient that it carries. */
  show(layout, edges, isBackward) {
    this.layers.lit.replaceChildren();
    this.layers.norms.replaceChildren();
    this.keys.clear();
    if (!edges.size) return;
    const taken = new Taken(layout);
    for (const line of [...layout.unrouted, ...layout.lines]) {
      const lit = line.edges.filter((edge) => edges.has(edge));
      if (!lit.length) continue;
      if (line.key) this.keys.add(line.key);
      const way = line.runs
        ? { path: pathOf(line.runs), places: placesAlong(line.ownRuns) }
        : alongBorders(layout, line);
      const told = isBackward ? this.#norms(lit) : null;
      const looks = {
        class: `line lit ${isBackward ? "gradient" : "value"}${told?.isBroken ? " broken" : ""}`,
        d: way.path,
      };
      looks[isBackward ? "marker-start" : "marker-end"] = isBackward ? "url(#arrow-gradient)" : "url(#arrow-value)";
      const element = svg("path", looks);
      if (told) element.style.strokeWidth = `${told.width}`;
      this.layers.lit.append(element);
      if (told) this.layers.norms.append(normLabel(told, way, taken));
    }
  }

  /**
   * What is told of the gradients along a line: the norm, or of several the smallest and the largest. (The norm of
   * their sum would tell of nothing that flows: they come from several operations, or go to several values.)
   */
  #norms(edges) {
    if (!this.model.arrays.length) return null; // numbers are left out
    const norms = edges.map((edge) => normOf(this.model.arrays[edge.flow]));
    const largest = Math.max(...norms); // NaN if one is
    const [low, high] = [numberText(Math.min(...norms)), numberText(largest)];
    const isBroken = !(largest > 0 && Number.isFinite(largest));
    const width = isBroken ? 2 : Math.max(1.5, Math.min(6, 3.2 + Math.log10(largest) * 0.6));
    return { text: low === high ? high : `${low} … ${high}`, width, isBroken };
  }
}

/**
 * The way of a line that is not drawn until something lights it up: along the right border of each group, where no
 * boxes are, to the gap above the row of its end, and in from the top. Its label stands on the end.
 */
function alongBorders(layout, { source, target }) {
  const { model } = layout;
  const up = model.around(source);
  const down = model.around(target);
  const shared = up.find((group) => down.includes(group));
  const from = layout.boxes.get(source);
  const to = layout.boxes.get(target);
  const x = to.left + to.width * 0.75; // in the middle arrive the lines of data
  let path = `M${round(from.left + from.width / 2)} ${round(from.top + from.height)}`;
  const across = (group, y, end) => {
    const { left, width } = layout.levels.get(group);
    path += `V${round(y)}H${round(end ?? left + width - BORDER)}`;
  };
  let item = source;
  for (const group of up.slice(0, up.indexOf(shared) + 1)) {
    across(group, layout.row(group, item).bottom + BORDER);
    item = -group;
  }
  const inside = down.slice(0, down.indexOf(shared)).reverse();
  [shared, ...inside].forEach((group, depth) => {
    const next = inside[depth];
    if (next) across(next, layout.row(group, -next).top - ENTRY);
    else across(group, layout.row(group, target).top - ENTRY, x);
  });
  return { path: `${path}V${round(to.top)}`, places: [{ x, y: to.top - ENTRY / 2 + 1 }], within: to };
}

/**
 * Where on a line a label may stand: on one of its curves, the last first and there in the middle, or where it runs
 * straight down.
 */
function placesAlong(runs) {
  const places = [];
  for (let at = runs.length - 1; at > 0; at -= 1) {
    const [before, after] = [runs[at - 1], runs[at]];
    if (after.from <= before.to) continue;
    for (const share of [0.5, 0.36, 0.64, 0.22, 0.78]) {
      const ease = share * share * (3 - 2 * share);
      places.push({ x: before.x + (after.x - before.x) * ease, y: before.to + (after.from - before.to) * share });
    }
  }
  for (const { x, from, to } of [...runs].reverse()) if (to - from > LABEL) places.push({ x, y: (from + to) / 2 });
  return places.length ? places : [{ x: runs[0].x, y: (runs[0].from + runs.at(-1).to) / 2 }];
}

/**
 * Write a norm on its line, at the first of some places where it covers nothing, or else beside the line; at the end of
 * a line along borders, `within` the right side of the box there.
 */
function normLabel({ text, isBroken }, { places, within }, taken) {
  const width = textWidth(text, `600 11px ${FONT}`) + 12;
  const boxAt = ({ x, y }) => {
    const last = within ? Math.max(within.left + within.width / 2, within.left + within.width - width / 2) : x;
    return { left: Math.min(x, last) - width / 2, top: y - LABEL / 2, width, height: LABEL };
  };
  const boxes = places.map(boxAt);
  for (let by = 10; by <= FARTHEST; by += 10)
    for (const { x, y } of places.slice(0, 5)) boxes.push(boxAt({ x: x - by, y }), boxAt({ x: x + by, y }));
  const box = boxes.find((each) => taken.isFree(each)) ?? boxes[0];
  taken.add(box);
  return svg(
    "g",
    { class: `norm${isBroken ? " broken" : ""}`, transform: `translate(${round(box.left)} ${round(box.top)})` },
    svg("rect", { width: round(width), height: LABEL, rx: 8 }),
    svg("text", { x: round(width / 2), y: 12.5 }, text),
  );
}

/** What is taken of the drawing: rectangles, sorted into stripes from left to right so that few have to be asked. */
class Taken {
  constructor(layout) {
    /** @type {Map<number, Box[]>} */
    this.stripes = new Map();
    for (const item of layout.labels.keys()) this.add(layout.boxes.get(item));
    for (const { left, top, title } of layout.levels.values())
      if (title) this.add({ left, top, width: title.width, height: TITLE + 4 });
  }

  static *#stripesOf({ top, height }) {
    for (let at = Math.floor(top / STRIPE); at * STRIPE < top + height; at += 1) yield at;
  }

  add(/** @type {Box} */ box) {
    for (const at of Taken.#stripesOf(box)) {
      if (!this.stripes.has(at)) this.stripes.set(at, []);
      this.stripes.get(at).push(box);
    }
  }

  isFree(/** @type {Box} */ box) {
    for (const at of Taken.#stripesOf(box))
      if (this.stripes.get(at)?.some((other) => overlaps(box, other))) return false;
    return true;
  }
}

function overlaps(a, b) {
  return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;
}

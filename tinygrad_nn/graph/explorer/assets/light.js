// Light on lines: those along which a gradient travels, or a step moves numbers, drawn once more, brightly.

/** How many norms are written on lines at once. */
const MOST_NORMS = 400;

class Light {
  /** @param {Model} model @param {Record<string, SVGElement>} layers where to draw */
  constructor(model, layers) {
    this.model = model;
    this.layers = layers;
  }

  /** Light the lines that stand for `edges`; on the way back each with the norm of the gradient that it carries. */
  show(layout, edges, isBackward) {
    this.layers.lit.replaceChildren();
    this.layers.norms.replaceChildren();
    if (!edges.size) return;
    const taken = [];
    for (const line of [...layout.lines, ...layout.unrouted]) {
      const lit = line.edges.filter((edge) => edges.has(edge));
      if (!lit.length) continue;
      const { path, places } = line.runs
        ? { path: pathOf(line.runs), places: placesAlong(line.runs) }
        : fromTheSide(layout, line);
      const told = isBackward ? this.#norms(lit) : null;
      const looks = {
        class: `line lit ${isBackward ? "gradient" : "value"}${told?.isBroken ? " broken" : ""}`,
        d: path,
      };
      looks[isBackward ? "marker-start" : "marker-end"] = isBackward ? "url(#arrow-gradient)" : "url(#arrow-value)";
      const element = svg("path", looks);
      if (told) element.style.strokeWidth = `${told.width}`;
      this.layers.lit.append(element);
      if (told && taken.length < MOST_NORMS) this.layers.norms.append(normLabel(told, places, taken));
    }
  }

  #norms(edges) {
    const norms = edges.filter((edge) => edge.flow !== null).map((edge) => normOf(this.model.arrays[edge.flow]));
    if (!norms.length) return null;
    const largest = norms.some(Number.isNaN) ? NaN : Math.max(...norms);
    const text = norms.length === 1 ? numberText(largest) : `≤ ${numberText(largest)} of ${norms.length}`;
    const width =
      Number.isFinite(largest) && largest > 0 ? Math.max(1.5, Math.min(6, 3.2 + Math.log10(largest) * 0.6)) : 2;
    return { text, width, isBroken: !(largest > 0 && Number.isFinite(largest)) };
  }
}

/** The way of a line that is not drawn until something lights it up: down beside the boxes, and in from the side. */
function fromTheSide(layout, { source, target }) {
  const from = layout.boxes.get(source);
  const to = layout.boxes.get(target);
  const x = from.left + from.width / 2;
  const y = to.top + to.height / 2;
  const isRight = x > to.left + to.width / 2;
  const end = isRight ? to.left + to.width : to.left;
  const side = isRight ? from.left : from.left + from.width;
  const bottom = from.top + from.height;
  const corner = x + Math.min(12, Math.abs(end - x)) * (isRight ? -1 : 1);
  const path =
    y < bottom + 12
      ? `M${round(side)} ${round(from.top + from.height / 2)}L${round(end)} ${round(y)}`
      : `M${round(x)} ${round(bottom)}V${round(y - 12)}` +
        `Q${round(x)} ${round(y)} ${round(corner)} ${round(y)}H${round(end)}`;
  return { path, places: [0.5, 0.35, 0.65].map((share) => ({ x: end + (x - end) * share, y })) };
}

/** Where on a line a label may stand: on its last curve, the middle first. */
function placesAlong(runs) {
  const curves = runs
    .slice(1)
    .map((run, index) => [runs[index], run])
    .filter(([before, after]) => after.from > before.to);
  const [before, after] = curves.at(-1) ?? [runs[0], runs.at(-1)];
  return [0.5, 0.36, 0.64, 0.22, 0.78].map((share) => {
    const ease = share * share * (3 - 2 * share);
    return { x: before.x + (after.x - before.x) * ease, y: before.to + (after.from - before.to) * share };
  });
}

/** Write a norm on its line, at the first of some places where it covers no other. */
function normLabel({ text, isBroken }, places, taken) {
  const width = textWidth(text, `600 11px ${FONT}`) + 12;
  const height = 17;
  const boxes = places.map(({ x, y }) => ({ left: x - width / 2, top: y - height / 2, width, height }));
  const box = boxes.find((each) => !taken.some((other) => overlaps(each, other))) ?? boxes[0];
  taken.push(box);
  return svg(
    "g",
    { class: `norm${isBroken ? " broken" : ""}`, transform: `translate(${round(box.left)} ${round(box.top)})` },
    svg("rect", { width: round(width), height, rx: 8 }),
    svg("text", { x: round(width / 2), y: 12.5 }, text),
  );
}

function overlaps(a, b) {
  return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;
}

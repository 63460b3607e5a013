// One open group: its boxes in layers, with a port for each line that crosses its border.

const PAD = 14;
const TITLE = 26;
const GAP = 40;
const PORT_GAP = 24;

/** How far from the right border, and from a row, lines run that are seen only when lit; and the room for them. */
const BORDER = 8;
const ENTRY = 24;
const ENTRY_ROOM = 30;
const TOP = "top";
const BOTTOM = "bottom";

/**
 * A stretch of a line that runs straight down, at `x`.
 * @typedef {{x: number, from: number, to: number}} Run
 */
/** @typedef {{left: number, top: number, width: number, height: number}} Box */

/** One open group: its boxes in layers, with ports in the first and the last. */
class Level {
  /** @param {number} group @param {?string} title what stands in its corner; the whole graph has none */
  constructor(group, title) {
    this.group = group;
    this.left = 0;
    this.top = 0;
    this.frames = new Map();
    /** @type {Map<any, Place>} */
    this.places = new Map();
    /** @type {Map<Item, {source: Item, origin: Place, ends: Place[], isMain: boolean, ways: Map<Place, Place[]>}>} */
    this.nets = new Map();
    this.arrows = [];
    this.first = title === null ? 0 : 1;
    if (title !== null) {
      const width = textWidth(shortened(title), `600 12px ${FONT}`) + 42;
      this.title = this.#place("title", width, TITLE - PAD, { isFixed: true, isFirst: true, layer: 0 });
    }
  }

  #place(key, width, height, more) {
    const place = { key, width, height, x: 0, layer: this.first, isThin: false, above: [], below: [], ...more };
    this.places.set(key, place);
    return place;
  }

  /** Add a box; one that is aside stands in a row of its own above all others. */
  addBox(item, { width, height }, { isAside, isEntered }) {
    this.#place(item, width, height, { isAside, isEntered });
  }

  addFrame(item, level, { isAside, isEntered }) {
    this.frames.set(item, level);
    this.#place(item, level.width, level.height, { level, isAside, isEntered });
  }

  /** Add a value that flows from a box, or from the top, to others. */
  addNet(source, from, to, isMain) {
    const origin = from === TOP ? this.#port(TOP, source, 0) : this.places.get(from);
    const ends = [...to].map((end) => (end === BOTTOM ? this.#port(BOTTOM, source, 0) : this.places.get(end)));
    this.nets.set(source, { source, origin, ends, isMain, ways: new Map() });
    for (const end of ends) this.arrows.push({ from: origin, to: end });
  }

  #port(side, source, layer) {
    return this.#place(`${side} ${source}`, 2, 1, { isThin: true, isFixed: true, side, source, layer });
  }

  arrange() {
    const places = [...this.places.values()];
    const inner = places.filter((place) => place.side !== BOTTOM);
    if (places.some((place) => place.isAside))
      for (const place of places) if (!place.isAside && !place.isFixed) place.layer += 1;
    assignLayers(
      inner,
      this.arrows.filter(({ to }) => to.side !== BOTTOM),
    );
    const last = Math.max(0, ...inner.map((place) => place.layer)) + 1;
    for (const place of places) if (place.side === BOTTOM) place.layer = last;
    const layers = Array.from({ length: last + 1 }, () => []);
    for (const place of places) layers[place.layer].push(place);
    for (const net of this.nets.values()) this.#bend(net, layers);
    this.layers = layers.filter((layer) => layer.length);
    reduceCrossings(this.layers);
    this.layers.forEach((layer, at) => layer.forEach((place) => spreadEnds(place, this.layers[at - 1])));
    assignColumns(this.layers);
    this.#assignRows();
  }

  /** Draw a line through the layers that it skips: one line for all readers, which leave it where they are. */
  #bend(net, layers) {
    let at = net.origin;
    const bends = [at];
    for (const end of [...net.ends].sort((a, b) => a.layer - b.layer)) {
      while (at.layer < end.layer - 1) {
        const bend = this.#place(Symbol("bend"), 2, 1, { isThin: true, layer: at.layer + 1 });
        layers[bend.layer].push(bend);
        link(at, bend, net);
        at = bend;
        bends.push(bend);
      }
      link(at, end, net);
      net.ways.set(end, [...bends, end]);
    }
  }

  #assignRows() {
    let y = this.title ? PAD : 0;
    for (const layer of this.layers) {
      if (layer.some((place) => place.isEntered)) y += ENTRY_ROOM;
      const height = Math.max(...layer.map((place) => place.height));
      const isPorts = layer.every((place) => place.isFixed);
      for (const place of layer) {
        place.layerTop = y;
        place.layerBottom = y + height;
        const isSource = !place.above.length && place.below.length && !place.isFixed;
        place.top = place.isThin ? y : isSource ? y + height - place.height : y + (height - place.height) / 2;
      }
      const links = layer.reduce((sum, place) => sum + place.below.length, 0);
      y += height + (isPorts ? PORT_GAP : GAP + Math.min(60, Math.max(0, links - 6) * 3));
    }
    const margin = (place) => place.width / 2 + PAD;
    const left = Math.min(...this.layers.flat().map((place) => place.x - margin(place)));
    const right = Math.max(...this.layers.flat().map((place) => place.x + margin(place)));
    for (const place of this.layers.flat()) place.x -= left;
    this.width = right - left;
    const bottom = this.layers.at(-1);
    this.height =
      Math.max(...bottom.map((place) => place.layerBottom)) + (bottom.every((place) => place.isThin) ? 0 : PAD);
    this.boxes = new Map(
      [...this.places.values()]
        .filter((place) => !place.isThin && place !== this.title)
        .map((place) => [
          place.key,
          { left: place.x - place.width / 2, top: place.top, width: place.width, height: place.height },
        ]),
    );
  }

  /** Where a value crosses the border, from the middle of the frame. */
  port(side, source) {
    return this.places.get(`${side} ${source}`).x - this.width / 2;
  }

  /** @returns {Run[]} the way of a value to a box of this level, or to its bottom */
  route(source, to) {
    const net = this.nets.get(source);
    const end = to === BOTTOM ? this.places.get(`${BOTTOM} ${source}`) : this.places.get(to);
    const way = net.ways.get(end);
    return way.map((place, index) => {
      const into = index ? (place.above.find((each) => each.from === way[index - 1])?.into ?? 0) : 0;
      const outOf = place.below.find((each) => each.net === net)?.outOf ?? 0;
      if (place.side === TOP) return { x: place.x, from: 0, to: place.layerBottom };
      if (place.side === BOTTOM) return { x: place.x, from: place.layerTop, to: this.height };
      if (!index) return { x: place.x + outOf, from: place.top + place.height, to: place.layerBottom };
      if (index < way.length - 1) return { x: place.x, from: place.layerTop, to: place.layerBottom };
      return { x: place.x + into, from: place.layerTop, to: place.top };
    });
  }
}

function link(from, to, net) {
  const outOf = from.level ? from.level.port(BOTTOM, net.source) : 0;
  const into = to.level ? to.level.port(TOP, net.source) : 0;
  const made = { from, to, outOf, into, net, isMain: net.isMain };
  from.below.push(made);
  to.above.push(made);
}

/**
 * Let lines arrive side by side. In the middle is the one from the box right above, or else the one of data, so that a
 * chain runs straight down, past what joins it from the side.
 */
function spreadEnds(place, layerAbove) {
  if (place.isThin || place.level || place.above.length < 2) return;
  const order = new Map(layerAbove.map((each, index) => [each, index]));
  const links = [...place.above].sort((a, b) => order.get(a.from) - order.get(b.from));
  const mains = links.filter((each) => each.isMain);
  const near = mains.filter((each) => !each.from.isThin);
  const [straight] = [near, mains].filter((some) => some.length === 1).flat();
  const middle = straight ? links.indexOf(straight) : (links.length - 1) / 2;
  const step = Math.min(18, (place.width / 2 - 8) / Math.max(middle, links.length - 1 - middle));
  links.forEach((each, index) => {
    each.into = (index - middle) * step;
  });
}

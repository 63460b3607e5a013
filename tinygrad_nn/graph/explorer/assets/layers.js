// A layered drawing of one level (Sugiyama et al. 1981): boxes side by side in layers, lines from each to the next.
//
// A line that skips layers gets a bend of no width in each of them. So between two layers nothing but lines runs, and
// within a layer every line runs straight down between the boxes: no line can cross a box.

/**
 * What stands in a layer: a box, a port where a line enters or leaves the level, or a bend.
 * @typedef {object} Place
 * @property {any} key
 * @property {number} width
 * @property {number} height
 * @property {number} x of its middle
 * @property {number} layer
 * @property {boolean} isThin whether it is a line: a bend or a port
 * @property {boolean} isFixed whether it stays in its layer, as ports do
 * @property {boolean} [isAside] whether it stands above all that is not, though no line says so
 * @property {boolean} [isEntered] whether lines lead to it that are seen only when lit
 * @property {boolean} isFirst whether it stays at the left, as a title does
 * @property {Link[]} above
 * @property {Link[]} below
 * @property {Level} [level] what is inside, of an open group
 * @property {string} [side] at which a port is, the top or the bottom
 * @property {number} [top]
 * @property {number} [layerTop] where its layer begins
 * @property {number} [layerBottom] where its layer ends
 */

/**
 * A line between two neighbouring layers. It leaves at `outOf` and arrives at `into`, to the right of the middles. Main
 * lines are those of data; those from a weight to its layer give way to them.
 * @typedef {{from: Place, to: Place, outOf: number, into: number, isMain: boolean, net: object}} Link
 */

const BESIDE = 26;
const BESIDE_LINE = 12;
const SWEEPS = 10;

/** How much the wish of a weight counts: enough to stand near its layer, too little to bend the line of data. */
const GIVES_WAY = 0.01;

/** Number the layers: each box is below all that it reads, and as near to it as can be. */
function assignLayers(places, arrows) {
  const readers = new Map(places.map((place) => [place, []]));
  const waiting = new Map(places.map((place) => [place, 0]));
  for (const { from, to } of arrows) {
    readers.get(from).push(to);
    waiting.set(to, waiting.get(to) + 1);
  }
  const ready = places.filter((place) => !waiting.get(place));
  for (let at = 0; at < ready.length; at += 1) {
    for (const reader of readers.get(ready[at])) {
      reader.layer = Math.max(reader.layer, ready[at].layer + 1);
      waiting.set(reader, waiting.get(reader) - 1);
      if (!waiting.get(reader)) ready.push(reader);
    }
  }
  const isRead = new Set(arrows.map(({ to }) => to));
  for (const place of places) {
    // what reads nothing, such as a weight, stands right above its first reader
    const below = readers.get(place).map((reader) => reader.layer);
    if (!isRead.has(place) && below.length && !place.isFixed)
      place.layer = Math.max(place.layer, Math.min(...below) - 1);
  }
}

/** Count the crossings between two layers, given where the upper ends stand in order of the lower ones. */
function crossingsBetween(layer, order) {
  const ends = [];
  for (const place of layer) {
    ends.push(...place.above.map((link) => order.get(link.from)).sort((a, b) => a - b));
  }
  let crossings = 0;
  const sorted = [];
  for (const end of ends) {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] > end) high = middle;
      else low = middle + 1;
    }
    crossings += sorted.length - low;
    sorted.splice(low, 0, end);
  }
  return crossings;
}

function crossings(layers) {
  let total = 0;
  for (let at = 1; at < layers.length; at += 1) {
    total += crossingsBetween(layers[at], new Map(layers[at - 1].map((place, index) => [place, index])));
  }
  return total;
}

/** Order each layer by the mean place of its neighbours, down and up in turn, and keep the best of all orders. */
function reduceCrossings(layers) {
  let best = layers.map((layer) => [...layer]);
  let fewest = crossings(layers);
  for (let sweep = 0; sweep < SWEEPS && fewest; sweep += 1) {
    const isDown = sweep % 2 === 0;
    const way = isDown ? layers.keys() : [...layers.keys()].reverse();
    for (const at of way) {
      const fixed = layers[isDown ? at - 1 : at + 1];
      if (!fixed) continue;
      const order = new Map(fixed.map((place, index) => [place, index]));
      sortByNeighbours(layers[at], order, isDown);
    }
    const count = crossings(layers);
    if (count < fewest) [best, fewest] = [layers.map((layer) => [...layer]), count];
  }
  best.forEach((layer, at) => {
    layers[at] = layer;
  });
}

function sortByNeighbours(layer, order, isDown) {
  const wish = new Map();
  layer.forEach((place, index) => {
    const ends = isDown
      ? place.above.map((link) => order.get(link.from))
      : place.below.map((link) => order.get(link.to));
    wish.set(place, place.isFirst ? -1 : ends.length ? ends.reduce((sum, x) => sum + x, 0) / ends.length : index);
  });
  layer.sort((a, b) => wish.get(a) - wish.get(b));
}

/**
 * Find the places nearest to the wished ones that keep order and distance, by least squares.
 *
 * With the distances taken off, the places only have to rise, which is isotonic regression: neighbours that want to
 * pass one another are pooled to their weighted mean, until none do.
 */
function settle(layer, wishes, weights) {
  let offset = 0;
  const pools = [];
  layer.forEach((place, index) => {
    if (index) {
      const before = layer[index - 1];
      const gap =
        before.isThin && place.isThin
          ? BESIDE_LINE
          : before.isThin || place.isThin
            ? (BESIDE + BESIDE_LINE) / 2
            : BESIDE;
      offset += (before.width + place.width) / 2 + gap;
    }
    place.offset = offset;
    let pool = { sum: (wishes[index] - offset) * weights[index], weight: weights[index], places: [place] };
    while (pools.length && pools.at(-1).sum / pools.at(-1).weight > pool.sum / pool.weight) {
      const last = pools.pop();
      pool = { sum: last.sum + pool.sum, weight: last.weight + pool.weight, places: [...last.places, ...pool.places] };
    }
    pools.push(pool);
  });
  for (const pool of pools) for (const place of pool.places) place.x = pool.sum / pool.weight + place.offset;
}

/** Pull everything to the middle of its neighbours: long lines become straight, a layer stands over its readers. */
function assignColumns(layers) {
  for (const layer of layers) {
    settle(layer, Array(layer.length).fill(0), Array(layer.length).fill(1));
    const middle = (layer[0].x + layer.at(-1).x) / 2;
    for (const place of layer) place.x -= middle;
  }
  for (let round = 0; round < SWEEPS; round += 1) {
    const sides = round === SWEEPS - 1 ? ["above", "below"] : round % 2 ? ["below"] : ["above"];
    const order = round % 2 ? [...layers].reverse() : layers;
    for (const layer of order) {
      const weights = [];
      const wishes = layer.map((place) => {
        const links = sides.flatMap((side) => place[side]);
        weights.push(links.some((each) => each.isMain) ? (place.isThin ? 1 : 4) : GIVES_WAY);
        return links.length ? wishOf(place, links) : place.x;
      });
      settle(layer, wishes, weights);
    }
  }
}

/**
 * Where the neighbours of a place would have it: boxes right above and below count for more than lines from afar.
 *
 * A bend follows the other bends of its line, and only the last of them a box: in the mean of both ends each would take
 * a part of the way, and the line would come down like a stair. A port follows boxes: if it followed the line that goes
 * around them, as in a residual block, each block would stand a bit further to the side than the one before.
 */
function wishOf(place, links) {
  const farEnd = (link) => (link.from === place ? link.to : link.from);
  const wanted = links.filter((link) => (place.isFixed ? !farEnd(link).isThin : place.isThin && farEnd(link).isThin));
  let sum = 0;
  let total = 0;
  for (const link of wanted.length ? wanted : links) {
    const weight = !link.isMain ? GIVES_WAY : place.isThin || !farEnd(link).isThin ? 6 : 1;
    const shift = link.from === place ? link.into - link.outOf : link.outOf - link.into;
    sum += weight * (farEnd(link).x + shift);
    total += weight;
  }
  return sum / total;
}

// Where everything stands: each open group is laid out by itself, from the inside out, and then is one box of the group
// around it. So to fold or unfold one moves what is around it and leaves alone what is inside of the others.
//
// A value that is read in another group leaves through a port at the bottom of its own and enters through one at the
// top of the other, once, however many read it there.

/** The layout of all that is seen: boxes, frames of open groups, and lines. */
class Layout {
  constructor(model) {
    this.model = model;
    /** @type {Map<Item, Box>} */
    this.boxes = new Map();
    this.labels = new Map();
    /** @type {Map<number, Level>} */
    this.levels = new Map();
    const edges = model.visibleEdges();
    this.hidden = model.hiddenLines(edges);
    const drawn = edges.filter(({ source }) => !this.hidden.has(source));
    this.nets = this.#nets(drawn);
    this.unrouted = edges.filter(({ source }) => this.hidden.has(source));
    /** @type {Set<Item>} what lines that are hidden lead to, and the groups around that */
    this.entered = new Set(
      this.unrouted.flatMap(({ target }) => [target, ...model.around(target).map((group) => -group)]),
    );
    const root = this.#level(0);
    this.#settle(root, 0, 0);
    this.width = root.width;
    this.height = root.height;
    this.lines = drawn.map((edge) => ({
      ...edge,
      key: `${edge.source} ${edge.target}`,
      runs: this.#route(edge),
    }));
    this.#shareBeginnings();
  }

  /**
   * Sort lines by the groups that they run through: for each group, and each value in it, where it comes from and
   * where it goes, each a box of the group, the top or the bottom.
   */
  #nets(edges) {
    const nets = new Map();
    const add = (group, source, from, to) => {
      if (!nets.has(group)) nets.set(group, new Map());
      const inGroup = nets.get(group);
      if (!inGroup.has(source)) inGroup.set(source, { from, to: new Set() });
      inGroup.get(source).to.add(to);
    };
    for (const edge of edges) for (const [group, from, to] of this.#stages(edge)) add(group, edge.source, from, to);
    return nets;
  }

  /** The groups that a line runs through, in its order, with where it enters and leaves each. */
  #stages({ source, target }) {
    const up = this.model.around(source);
    const down = this.model.around(target);
    const shared = up.find((group) => down.includes(group));
    const stages = [];
    let from = source;
    for (const group of up.slice(0, up.indexOf(shared))) {
      stages.push([group, from, BOTTOM]);
      from = -group;
    }
    const inside = down.slice(0, down.indexOf(shared));
    stages.push([shared, from, inside.length ? -inside.at(-1) : target]);
    for (let place = inside.length - 1; place >= 0; place -= 1) {
      stages.push([inside[place], TOP, place ? -inside[place - 1] : target]);
    }
    return stages;
  }

  /** Let lines of one value begin where they leave one another: drawn twice, what they share would look thicker. */
  #shareBeginnings() {
    const seen = new Set();
    for (const line of this.lines) {
      const keys = line.runs.map(({ x, from }) => `${line.source} ${round(x)} ${round(from)}`);
      const own = keys.findIndex((key) => !seen.has(key));
      line.ownRuns = line.runs.slice(own);
      if (own) line.ownRuns.unshift({ ...line.runs[own - 1], from: line.runs[own - 1].to });
      keys.forEach((key) => seen.add(key));
    }
  }

  /** Lay out one open group, after those inside of it. */
  #level(group) {
    const level = new Level(group, group ? this.model.groups[group].title : null);
    for (const item of this.model.groups[group].children) {
      const isEntered = this.entered.has(item);
      if (item < 0 && this.model.open.has(-item)) {
        level.addFrame(item, this.#level(-item), { isAside: this.model.isMinor(item), isEntered });
      } else {
        this.labels.set(item, labelOf(this.model, item, this.hidden.get(item)));
        level.addBox(item, this.labels.get(item), { isAside: this.hidden.has(item), isEntered });
      }
    }
    for (const [source, { from, to }] of this.nets.get(group) ?? []) {
      level.addNet(source, from, to, !this.model.isMinor(source));
    }
    level.arrange();
    this.levels.set(group, level);
    return level;
  }

  /** Move a level, and all that is inside of it, to its place in the picture. */
  #settle(level, left, top) {
    level.left = left;
    level.top = top;
    if (level.group) this.boxes.set(-level.group, { left, top, width: level.width, height: level.height });
    for (const [item, box] of level.boxes) {
      const frame = level.frames.get(item);
      if (frame) this.#settle(frame, left + box.left, top + box.top);
      else this.boxes.set(item, { ...box, left: left + box.left, top: top + box.top });
    }
  }

  /** Where the row begins and ends in which an item of a group stands. */
  row(group, item) {
    const level = this.levels.get(group);
    const { layerTop, layerBottom } = level.places.get(item);
    return { top: level.top + layerTop, bottom: level.top + layerBottom };
  }

  /** @returns {Run[]} the way of a line through all its groups */
  #route(edge) {
    return this.#stages(edge).flatMap(([group, , to]) => {
      const level = this.levels.get(group);
      return level
        .route(edge.source, to)
        .map(({ x, from, to: end }) => ({ x: x + level.left, from: from + level.top, to: end + level.top }));
    });
  }
}

/** Write runs as the path of a line, with a smooth curve from each to the next. */
function pathOf(runs) {
  let text = "";
  runs.forEach(({ x, from, to }, index) => {
    if (!index) text += `M${round(x)} ${round(from)}`;
    else {
      const before = runs[index - 1];
      const middle = (before.to + from) / 2;
      if (Math.abs(before.x - x) < 0.5) text += `L${round(x)} ${round(from)}`;
      else text += `C${round(before.x)} ${round(middle)} ${round(x)} ${round(middle)} ${round(x)} ${round(from)}`;
    }
    if (to > from) text += `L${round(x)} ${round(to)}`;
  });
  return text;
}

const round = (x) => Math.round(x * 10) / 10;

// The drawing: boxes, frames and lines as SVG, of which only what is in sight, and near it, is there.

/** From this scale down text cannot be made out, and is not drawn. */
const FAR_SCALE = 0.3;

/** The smallest scale that a page opens with, and the one that it opens with if everything would be smaller. */
const SMALLEST_TYPE = 0.65;
const READING_SCALE = 0.85;

const LEAST_SCALE = 0.004;
const MOST_SCALE = 3;

class View {
  /** @param {Model} model @param {{onSelect: (item: ?Item) => void, onToggle: (group: number) => void}} actions */
  constructor(model, actions) {
    this.model = model;
    this.canvas = byId("canvas");
    this.scene = byId("scene");
    const layer = (name) => svg("g", { class: name, role: "presentation" });
    /** @type {Record<string, SVGElement>} */
    this.layers = {
      frames: layer("frames"),
      lines: layer("lines"),
      lit: layer("lit"),
      boxes: layer("boxes"),
      norms: layer("norms"),
    };
    this.scene.append(...Object.values(this.layers));
    this.light = new Light(model, this.layers);
    this.at = { x: 0, y: 0, scale: 1 };
    /** @type {Map<any, SVGElement>} what is drawn at present */
    this.drawn = new Map();
    this.selected = null;
    this.active = null;
    this.isBackward = false;
    /** @type {(item: Item) => {isFuture: boolean, hasGradient: boolean}} */
    this.stateOf = () => ({ isFuture: false, hasGradient: false });
    this.#measure();
    followPointer(this, actions);
    this.relayout();
    new ResizeObserver(() => {
      this.#measure();
      this.#draw(true);
    }).observe(this.canvas);
  }

  // Layout

  /** Lay everything out anew, and keep one box where it is on the screen. */
  relayout(anchor = null) {
    const before = anchor !== null && this.layout ? this.layout.boxes.get(anchor) : null;
    this.layout = new Layout(this.model);
    const after = anchor !== null ? this.layout.boxes.get(anchor) : null;
    for (const element of this.drawn.values()) element.remove();
    this.drawn.clear();
    if (before && after) {
      this.at.x += (before.left - after.left) * this.at.scale;
      this.at.y += (before.top - after.top) * this.at.scale;
    }
    this.#move();
  }

  // Where we look

  /**
   * Note the size of the window onto the drawing, and give it to the drawing in pixels. In percent it would change and
   * change back whenever the browser lays out what is beside it, and all of its texts would be laid out anew each time.
   */
  #measure() {
    this.size = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
    for (const [side, length] of Object.entries(this.size)) byId("graph").setAttribute(side, String(length));
  }

  /** Show everything, however small. */
  fit() {
    this.#lookAt(this.#fittingScale());
  }

  /** Show everything if it can be read, else the beginning: a long graph is read from the top. */
  begin() {
    const scale = this.#fittingScale();
    const across = (this.size.width - 40) / this.layout.width;
    if (scale >= SMALLEST_TYPE) this.#lookAt(scale);
    else this.#lookAt(across >= SMALLEST_TYPE ? Math.min(READING_SCALE, across) : READING_SCALE, this.#firstBox());
  }

  #fittingScale() {
    const { width, height } = this.size;
    return Math.max(LEAST_SCALE, Math.min(1.25, (width - 40) / this.layout.width, (height - 40) / this.layout.height));
  }

  /** The box at which the data come in: the topmost one, or of several the one in the middle. */
  #firstBox() {
    const boxes = [...this.layout.labels.keys()].map((item) => this.layout.boxes.get(item));
    const top = Math.min(...boxes.map((box) => box.top));
    const first = boxes.filter((box) => box.top < top + 1).sort((a, b) => a.left - b.left);
    return first[Math.floor(first.length / 2)];
  }

  /** Have the whole drawing in the middle, or one box in the middle of the upper edge. */
  #lookAt(scale, box = null) {
    const { width, height } = this.size;
    const { layout } = this;
    const middle = box ? box.left + box.width / 2 : layout.width / 2;
    this.at.scale = scale;
    this.at.x = width / 2 - middle * scale;
    if (layout.width * scale < width - 20) this.at.x = (width - layout.width * scale) / 2;
    this.at.y = Math.max(20, (height - layout.height * scale) / 2);
    this.#move();
  }

  zoom(factor, x = this.size.width / 2, y = this.size.height / 2) {
    const scale = Math.max(LEAST_SCALE, Math.min(MOST_SCALE, this.at.scale * factor));
    this.at.x = x - ((x - this.at.x) * scale) / this.at.scale;
    this.at.y = y - ((y - this.at.y) * scale) / this.at.scale;
    this.at.scale = scale;
    this.#move();
  }

  pan(x, y) {
    this.at.x += x;
    this.at.y += y;
    this.#move();
  }

  /** Come so near that text can be read. */
  comeNear() {
    if (this.at.scale < 0.45) this.zoom(0.8 / this.at.scale);
  }

  /** Move as little as it takes to have an item in sight. */
  bringIntoSight(item) {
    const box = this.layout.boxes.get(item);
    if (!box) return;
    const { width, height } = this.size;
    const margin = 140; // its neighbours, to which a step sends its numbers, should be seen too
    const left = box.left * this.at.scale + this.at.x;
    const top = box.top * this.at.scale + this.at.y;
    const right = left + box.width * this.at.scale;
    const bottom = top + box.height * this.at.scale;
    const shift = (low, high, size) =>
      low < margin ? margin - low : high > size - margin ? Math.max(size - margin - high, margin - low) : 0;
    const x = shift(left, right, width);
    const y = shift(top, bottom, height);
    if (x || y) this.pan(x, y);
  }

  #move() {
    this.scene.setAttribute(
      "transform",
      `translate(${round(this.at.x)} ${round(this.at.y)}) scale(${this.at.scale.toFixed(4)})`,
    );
    this.canvas.classList.toggle("far", this.at.scale < FAR_SCALE);
    this.#draw();
  }

  // Drawing

  /** Draw what is in sight and a screen around it, and nothing again until the sight leaves that. */
  #draw(isForced = false) {
    const { width, height } = this.size;
    const { x, y, scale } = this.at;
    const sight = { left: -x / scale, top: -y / scale, right: (width - x) / scale, bottom: (height - y) / scale };
    const drawn = this.sight;
    const isInside =
      drawn &&
      sight.left >= drawn.left &&
      sight.top >= drawn.top &&
      sight.right <= drawn.right &&
      sight.bottom <= drawn.bottom;
    if (isInside && this.drawn.size && !isForced && scale < drawn.scale * 2.5) return; // much nearer much less is seen
    const spare = Math.max(width, height) / scale / 2;
    this.sight = {
      left: sight.left - spare,
      top: sight.top - spare,
      right: sight.right + spare,
      bottom: sight.bottom + spare,
      scale,
    };
    const wanted = new Map();
    for (const [item, box] of this.layout.boxes) if (this.#isInSight(box)) wanted.set(item, () => this.#box(item, box));
    for (const line of this.layout.lines) {
      line.box ??= boxAround(line.ownRuns);
      if (this.#isInSight(line.box)) wanted.set(line.key, () => this.#line(line));
    }
    for (const [key, element] of this.drawn)
      if (!wanted.has(key)) {
        element.remove();
        this.drawn.delete(key);
      }
    for (const [key, make] of wanted) if (!this.drawn.has(key)) this.drawn.set(key, make());
    this.refresh();
  }

  #isInSight({ left, top, width, height }) {
    const { sight } = this;
    return left < sight.right && left + width > sight.left && top < sight.bottom && top + height > sight.top;
  }

  #box(item, box) {
    const element = item < 0 && this.model.open.has(-item) ? this.#frame(item, box) : this.#node(item, box);
    element.id = `item${item}`;
    element.dataset.item = String(item);
    return element;
  }

  #frame(item, { left, top, width, height }) {
    const group = this.model.groups[-item];
    const depth = this.model.around(item).length;
    const element = svg(
      "g",
      {
        class: `item frame ${depth % 2 ? "odd" : "even"}`,
        transform: `translate(${round(left)} ${round(top)})`,
        role: "treeitem",
        "aria-expanded": "true",
        "aria-level": depth,
        "aria-label": `${group.title}, open, ${counted(group.operations, "operation")}`,
      },
      svg("rect", { width: round(width), height: round(height), rx: 10 }),
      foldSign(14, 17, true),
      svg("text", { x: 27, y: 21, class: "title" }, shortened(group.title)),
    );
    // Frames stand one inside another, and the outer ones must not cover the inner ones.
    const after = [...this.layers.frames.children].find((other) => Number(other.getAttribute("aria-level")) > depth);
    this.layers.frames.insertBefore(element, after ?? null);
    return element;
  }

  #node(item, { left, top, ...box }) {
    const kind = item < 0 ? "folded" : this.model.nodes[item].kind;
    const shadow = item < 0 ? SHADOW : 0;
    const [width, height] = [box.width - shadow, box.height - shadow];
    const { lines } = this.layout.labels.get(item);
    const depth = this.model.around(item).length;
    const element = svg(
      "g",
      {
        class: `item ${kind}`,
        transform: `translate(${round(left)} ${round(top)})`,
        role: "treeitem",
        "aria-level": depth,
        "aria-expanded": item < 0 ? "false" : null,
        "aria-label": this.#description(item),
      },
      ...outline(kind, width, height),
      item < 0 ? foldSign(15, height / 2, false) : null,
    );
    lines.forEach(({ text, style }, index) => {
      const y = height / 2 + (index - (lines.length - 1) / 2) * LINE + (kind === "parameter" ? 7 : 4.5);
      element.append(svg("text", { x: width / 2 + (item < 0 ? 8 : 0), y: round(y), class: style }, text));
    });
    element.append(svg("circle", { class: "badge", cx: width - 2, cy: 3, r: 5 }));
    this.layers.boxes.append(element);
    return element;
  }

  #description(item) {
    if (item < 0)
      return `${this.model.title(item)}, folded, ${counted(this.model.groups[-item].operations, "operation")}`;
    const node = this.model.nodes[item];
    return `${node.kind} ${this.model.title(item)}, shape ${shapeText(node.shape)}`;
  }

  #line({ source, ownRuns }) {
    const kind = this.model.isMinor(source) ? "minor" : "main";
    const element = svg("path", { class: `line ${kind}`, d: pathOf(ownRuns), "marker-end": "url(#arrow)" });
    this.layers.lines.append(element);
    return element;
  }

  // What is lit

  /**
   * Show a state of things.
   * @param {{selected: ?Item, active: ?Item, isBackward: boolean, edges: Set<Edge>, stateOf: function}} state
   */
  show({ selected, active, isBackward, edges, stateOf }) {
    Object.assign(this, { selected, active, isBackward, stateOf });
    this.light.show(this.layout, edges, isBackward);
    this.refresh();
  }

  /** Give what is drawn the looks of the present state. */
  refresh() {
    for (const [key, element] of this.drawn) {
      if (typeof key !== "number") {
        element.classList.toggle("covered", this.light.keys.has(key));
        continue;
      }
      const { isFuture, hasGradient } = this.stateOf(key);
      const isOpenFrame = element.classList.contains("frame");
      element.classList.toggle("future", isFuture && !isOpenFrame);
      element.classList.toggle("graded", hasGradient && !isOpenFrame);
      element.classList.toggle("selected", key === this.selected);
      element.classList.toggle("active", key === this.active);
      element.classList.toggle("backward", key === this.active && this.isBackward);
      element.setAttribute("aria-selected", String(key === this.selected));
    }
    if (this.selected !== null && this.drawn.has(this.selected))
      this.canvas.setAttribute("aria-activedescendant", `item${this.selected}`);
    else this.canvas.removeAttribute("aria-activedescendant");
  }
}

function boxAround(runs) {
  const xs = runs.map((run) => run.x);
  const left = Math.min(...xs);
  const top = runs[0].from;
  return { left, top, width: Math.max(1, Math.max(...xs) - left), height: Math.max(1, runs.at(-1).to - top) };
}

// The graph as the page thinks of it: nodes in groups that are folded or open, and what of them can be seen.
//
// An "item" is what is drawn as one box: a node, by its number, or a group, by its number with a minus sign. The whole
// graph is group 0, which is no item, so that no two items share a number.

/** @typedef {number} Item */

/**
 * A value that flows from one node to another, and the number of the array that flows back: null for none, -1 for one
 * that is left out. All else in the page that says "line", "rule", "value" or "gradient" is such a number too, of a
 * table of the model.
 * @typedef {{source: number, target: number, position: number, flow: ?number}} Edge
 */

/**
 * A node as `page_data` wrote it, with its edges. What is empty is null.
 * @typedef {object} GraphNode
 * @property {number} id
 * @property {"operation"|"parameter"|"input"|"constant"|"result"} kind
 * @property {string} label
 * @property {string} [name]
 * @property {number[]} shape
 * @property {string} [dtype]
 * @property {number} group
 * @property {number} [value]
 * @property {number} [gradient]
 * @property {number} [line]
 * @property {number} [rule]
 * @property {number} [flops]
 * @property {number} [kept]
 * @property {Edge[]} sources what it reads
 * @property {Edge[]} readers what reads it
 */

/**
 * A group, with what stands directly in it. `first` is the first operation inside, `operations` their number.
 * @typedef {object} Group
 * @property {number} id
 * @property {?number} parent
 * @property {string} title
 * @property {"graph"|"module"|"repetition"|"step"|"stretch"} kind
 * @property {Item[]} children
 * @property {number} operations
 * @property {number} first
 */

/** How many boxes a page opens with, and how many it draws at most. */
const COMFORTABLE = 48;
const MOST = 2500;

/** From how many readers on the lines of a parameter are hidden until it is selected: see `hiddenLines`. */
const MANY_READERS = 5;

/** The rows of a table that `packed` wrote: a column holds its cells, or the numbers of those in a list of all. */
function rowsOf(table) {
  const columns = Object.entries(table).map(([name, column]) => {
    return Array.isArray(column) ? { name, cells: column } : { name, of: column.of, cells: column.at };
  });
  return Array.from({ length: columns[0]?.cells.length ?? 0 }, (_, place) => {
    const row = {};
    for (const { name, of, cells } of columns) {
      row[name] = of && cells[place] !== null ? of[cells[place]] : cells[place];
    }
    return row;
  });
}

class Model {
  /** @param {any} data what `page_data` tells, in columns */
  constructor(data) {
    /** @type {GraphNode[]} */
    this.nodes = rowsOf(data.nodes);
    /** @type {Group[]} */
    this.groups = rowsOf(data.groups);
    /** @type {{shape: number[], dtype: string}[]} with all numbers, or with statistics and a picture */
    this.arrays = data.arrays;
    /** @type {{name: string, formula: string, source: string, operands: string[], closures: string[]}[]} */
    this.rules = data.rules;
    /** @type {{file: string, line: number, text: string}[]} */
    this.lines = data.lines;
    /** @type {string} why numbers are missing, if some are */
    this.remark = data.remark;
    this.nodes.forEach((node, id) => {
      node.id = id;
      node.sources = [];
      node.readers = [];
    });
    /** @type {Edge[]} */
    this.edges = rowsOf(data.edges);
    for (const edge of this.edges) {
      this.nodes[edge.target].sources.push(edge);
      this.nodes[edge.source].readers.push(edge);
    }
    this.operations = this.nodes.filter((node) => node.kind === "operation").map((node) => node.id);
    this.#plantTree();
    this.open = new Set([0]);
    this.openUntil(COMFORTABLE);
  }

  /** Give each group its children, in the order of the graph, and count the operations inside. */
  #plantTree() {
    this.groups.forEach((group, id) => {
      group.id = id;
      group.children = [];
      group.operations = 0;
      group.first = Infinity;
    });
    for (const node of this.nodes) {
      for (let group = this.groups[node.group]; group; group = this.groups[group.parent]) {
        if (node.kind === "operation") group.operations += 1;
        const order = node.kind === "operation" ? node.id : Infinity;
        group.first = Math.min(group.first, order);
      }
      this.groups[node.group].children.push(node.id);
    }
    for (const group of this.groups.slice(1)) this.groups[group.parent].children.push(-group.id);
    const order = (/** @type {Item} */ item) => (item < 0 ? this.groups[-item].first : item);
    // Two groups without operations, whose difference is no number, stay as they are.
    for (const group of this.groups) group.children.sort((a, b) => order(a) - order(b) || 0);
  }

  /** Open groups from the outermost in, those alike together, as long as no more than `limit` boxes are seen. */
  openUntil(limit) {
    this.open = new Set([0]);
    let seen = this.groups[0].children.length;
    for (const parents of this.#alike()) {
      const inside = parents.filter((id) => this.open.has(id)).flatMap((id) => this.#groupsIn(id));
      const more = inside.reduce((sum, id) => sum + this.groups[id].children.length - 1, 0);
      if (seen + more > limit) continue;
      for (const id of inside) this.open.add(id);
      seen += more;
    }
  }

  /** @returns {number[][]} all groups from the outermost in, together where they are as deep and as large: equal blocks */
  #alike() {
    const found = new Map();
    const depths = new Map();
    for (const id of this.#topDown()) {
      const { parent, operations, children } = this.groups[id];
      depths.set(id, (depths.get(parent) ?? 0) + 1);
      const key = [depths.get(id), operations, children.length].join();
      if (!found.has(key)) found.set(key, []);
      found.get(key).push(id);
    }
    return [...found.values()];
  }

  #groupsIn(id) {
    return this.groups[id].children.filter((item) => item < 0).map((item) => -item);
  }

  /** @returns {boolean} whether everything could be opened */
  unfoldAll() {
    this.openUntil(MOST);
    return this.groups.every((group) => this.open.has(group.id));
  }

  foldAll() {
    this.open = new Set([0]);
    // A single box around everything tells nothing.
    while (this.visibleItems().length < 4 && this.visibleItems().some((item) => item < 0)) {
      for (const item of this.visibleItems()) if (item < 0) this.open.add(-item);
    }
  }

  toggle(group) {
    if (this.open.has(group)) this.open.delete(group);
    else this.open.add(group);
  }

  /** Open all groups around an item. */
  reveal(/** @type {Item} */ item) {
    for (let group = this.home(item); group !== null; group = this.groups[group].parent) this.open.add(group);
  }

  /** @returns {?number} the group in which an item stands */
  home(/** @type {Item} */ item) {
    return item < 0 ? this.groups[-item].parent : this.nodes[item].group;
  }

  /** @returns {number[]} the groups around an item, from the inside out, ending with the whole graph */
  around(/** @type {Item} */ item) {
    const found = [];
    for (let group = this.home(item); group !== null; group = this.groups[group].parent) found.push(group);
    return found;
  }

  /** @returns {Item} the item that stands for a node or a group: itself, or the outermost folded group around it */
  shown(/** @type {Item} */ item) {
    let found = item;
    for (const group of this.around(item)) if (!this.open.has(group)) found = -group;
    return found;
  }

  /** @returns {Item[]} all boxes that are seen, without the frames of open groups */
  visibleItems() {
    const found = [];
    const stack = [0];
    while (stack.length) {
      for (const item of this.groups[stack.pop()].children) {
        if (item < 0 && this.open.has(-item)) stack.push(-item);
        else found.push(item);
      }
    }
    return found;
  }

  /**
   * Edges between visible items, each with the recorded edges that it stands for.
   * @returns {{source: Item, target: Item, edges: Edge[]}[]}
   */
  visibleEdges() {
    const standsFor = this.groups.map(() => 0);
    for (const group of this.#topDown()) {
      const parent = this.groups[group].parent;
      standsFor[group] = parent !== null && standsFor[parent] ? standsFor[parent] : this.open.has(group) ? 0 : -group;
    }
    const shown = this.nodes.map((node) => standsFor[node.group] || node.id);
    const found = new Map();
    for (const edge of this.edges) {
      const source = shown[edge.source];
      const target = shown[edge.target];
      if (source === target) continue;
      const key = `${source} ${target}`;
      if (!found.has(key)) found.set(key, { source, target, edges: [] });
      found.get(key).edges.push(edge);
    }
    return [...found.values()];
  }

  #topDown() {
    const order = [0];
    for (let place = 0; place < order.length; place += 1) order.push(...this.#groupsIn(order[place]));
    return order;
  }

  /**
   * Tell which values have so many readers that their lines are drawn only when they are selected. The weight of an
   * unrolled loop would otherwise draw a line to each of its steps, past all the others.
   * @returns {Map<Item, number>} how often each of them is read, which may be more often than it has lines
   */
  hiddenLines(/** @type {{source: Item, target: Item, edges: Edge[]}[]} */ lines) {
    const found = new Map();
    for (const { source, edges } of lines) {
      const { count, reads } = found.get(source) ?? { count: 0, reads: 0 };
      found.set(source, { count: count + 1, reads: reads + edges.length });
    }
    const isInput = (/** @type {Item} */ item) => item >= 0 && this.nodes[item].kind === "input";
    const isSource = (/** @type {Item} */ item) => this.isMinor(item) || isInput(item);
    const many = [...found].filter(([item, { count }]) => count >= MANY_READERS && isSource(item));
    return new Map(many.map(([item, { reads }]) => [item, reads]));
  }

  /** @returns {boolean} whether the lines from an item give way to those of data */
  isMinor(/** @type {Item} */ item) {
    return item < 0 ? !this.groups[-item].operations : ["parameter", "constant"].includes(this.nodes[item].kind);
  }

  /** @returns {string} what to call an item in a sentence */
  title(/** @type {Item} */ item) {
    if (item < 0) return this.groups[-item].title;
    const node = this.nodes[item];
    return node.kind === "operation" && node.name ? `${node.name} = ${node.label}` : node.label;
  }

  /** @returns {string} the names of the groups around an item */
  path(/** @type {Item} */ item) {
    return this.around(item)
      .slice(0, -1)
      .reverse()
      .map((group) => this.groups[group].title)
      .join(" › ");
  }

  /**
   * The edges along which a gradient travels from the results to a node: all that lead onwards from it.
   * @returns {Set<Edge>}
   */
  wayOfGradient(id) {
    const found = new Set();
    const seen = new Set([id]);
    const stack = [id];
    while (stack.length) {
      for (const edge of this.nodes[stack.pop()].readers) {
        if (edge.flow === null) continue;
        found.add(edge);
        if (!seen.has(edge.target)) {
          seen.add(edge.target);
          stack.push(edge.target);
        }
      }
    }
    return found;
  }
}

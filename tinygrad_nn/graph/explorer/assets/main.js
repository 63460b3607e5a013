// Everything together: what is selected, which step it is, and what the keys do.

class Explorer {
  constructor(data) {
    this.model = new Model(data);
    this.timeline = new Timeline(this.model);
    /** @type {?Item} */
    this.selected = null;
    this.isSteered = false; // whether the timeline chose what is selected
    byId("title").textContent = document.title;
    this.#theme();
    this.view = new View(this.model, {
      onSelect: (item) => this.select(item),
      onToggle: (group) => this.toggle(group),
    });
    this.panel = new Panel(
      this.model,
      (item) => this.visit(item),
      (group) => this.toggle(group),
    );
    this.player = new Player(this.timeline, () => this.#step());
    this.search = new Search(this.model, (item) => {
      this.visit(item);
      byId("canvas").focus();
    });
    this.#legend();
    this.#buttons();
    document.addEventListener("keydown", (event) => this.#key(event));
    this.view.begin();
    this.#show();
  }

  // What is selected

  /** Select an item that is seen. */
  select(item) {
    this.selected = item;
    this.isSteered = false;
    this.player.stop();
    this.#show();
  }

  /** Select an item that may be folded away: unfold what is around it and bring it into sight. */
  visit(item) {
    this.#refold(() => this.model.reveal(item));
    this.select(item);
    this.view.comeNear();
    this.view.bringIntoSight(item);
  }

  /** Show what has changed: the way of the gradient to what the reader selected, or the present step. */
  #show() {
    const { current } = this.timeline;
    const node = this.selected !== null && this.selected >= 0 ? this.selected : null;
    const isStep = this.isSteered && current;
    const isBackward = isStep ? current.isBackward : true;
    const edges = isStep ? this.#moved(current) : node !== null ? this.model.wayOfGradient(node) : new Set();
    const selected = this.selected === null ? null : this.model.shown(this.selected);
    this.view.show({
      selected,
      active: current ? this.model.shown(current.id) : null,
      isBackward,
      edges,
      stateOf: (item) => this.timeline.stateOf(item),
    });
    this.panel.show(this.selected, Boolean(isStep && current.isBackward));
  }

  /** The edges along which numbers flow in a step. */
  #moved({ id, isBackward }) {
    return new Set(this.model.nodes[id].sources.filter((edge) => !isBackward || edge.flow !== null));
  }

  #step() {
    const { current } = this.timeline;
    this.isSteered = current !== null;
    this.selected = current ? current.id : null;
    this.#show();
    if (current) this.view.bringIntoSight(this.model.shown(current.id));
  }

  // Folding

  toggle(group) {
    this.model.toggle(group);
    if (!this.model.open.has(group) && this.selected !== null) this.selected = this.model.shown(this.selected);
    this.view.relayout(-group);
    this.#show();
  }

  #refold(change) {
    const before = [...this.model.open].join();
    change();
    if (before !== [...this.model.open].join()) this.view.relayout();
  }

  #foldAll() {
    this.#refold(() => this.model.foldAll());
    this.view.begin();
    this.#show();
  }

  #unfoldAll() {
    this.#refold(() =>
      this.#notice(
        this.model.unfoldAll() ? "" : `Unfolded up to ${MOST.toLocaleString("en")} boxes: more would not be readable.`,
      ),
    );
    this.view.begin();
    this.#show();
  }

  #notice(text) {
    byId("notice").textContent = text;
    byId("notice").hidden = !text;
    clearTimeout(this.clock);
    if (text) this.clock = setTimeout(() => this.#notice(""), 6000);
  }

  // Keys

  #key(event) {
    const { target } = event;
    const isField = target.closest("input, select") !== null;
    const isButton = target.closest("button, summary") !== null;
    if (event.ctrlKey || event.metaKey || event.altKey || dialog().open || (isField && target.type !== "range")) return;
    const isOnGraph = target === byId("canvas") || target === document.body;
    const key = event.key.length > 1 ? event.key : event.key.toLowerCase(); // also with Shift or Caps Lock
    const action =
      this.#everywhere(key, target.type === "range", isButton) ??
      (isOnGraph ? this.#onGraph(key, event.shiftKey) : null);
    if (action) {
      event.preventDefault();
      action();
    }
  }

  #everywhere(key, isSlider, isButton) {
    if ((isSlider && ["Home", "End"].includes(key)) || (isButton && key === " ")) return null;
    return {
      "/": () => byId("search").focus(),
      "?": () => dialog().showModal(),
      ".": () => this.player.move(1),
      ",": () => this.player.move(-1),
      " ": () => this.player.toggle(),
      Home: () => this.player.go(0),
      End: () => this.player.go(this.timeline.length),
      "+": () => this.view.zoom(1.25),
      "=": () => this.view.zoom(1.25),
      "-": () => this.view.zoom(0.8),
      0: () => this.view.fit(),
      d: () => this.#switchTheme(),
      l: () => this.visit(this.model.nodes.length - 1),
      Escape: () => this.select(null),
    }[key];
  }

  #onGraph(key, shiftKey) {
    const way = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[key];
    if (way && shiftKey) return () => this.view.pan(-80 * way[0], -80 * way[1]);
    if (way) return () => this.#walk(...way);
    if (key === "Enter" && this.selected < 0) return () => this.toggle(-this.selected);
    if (key === "f" && this.selected !== null) return () => this.#foldAround();
    return null;
  }

  /** Fold the group around what is selected. */
  #foldAround() {
    const group = this.model.home(this.selected);
    if (group) {
      this.toggle(group);
      this.view.bringIntoSight(-group);
    }
  }

  /** Select the next box in a direction: along a line if there is one, else the nearest. */
  #walk(right, down) {
    const { layout } = this.view;
    const here = this.selected === null ? null : layout.boxes.get(this.model.shown(this.selected));
    if (!here) {
      this.select(this.model.visibleItems()[0] ?? null);
    } else {
      const from = this.model.shown(this.selected);
      const along = down
        ? layout.lines
            .concat(layout.unrouted)
            .filter((line) => (down > 0 ? line.source : line.target) === from)
            .map((line) => (down > 0 ? line.target : line.source))
        : [];
      const all = along.length ? along : [...layout.boxes.keys()].filter((item) => item !== from);
      const next = nearest(
        here,
        all.map((item) => [item, layout.boxes.get(item)]),
        right,
        along.length ? 0 : down,
      );
      if (next !== null) this.select(next);
    }
    if (this.selected !== null) this.view.bringIntoSight(this.selected);
  }

  // Buttons, theme, help

  #buttons() {
    const ways = {
      "fold-all": () => this.#foldAll(),
      "unfold-all": () => this.#unfoldAll(),
      "zoom-in": () => this.view.zoom(1.25),
      "zoom-out": () => this.view.zoom(0.8),
      fit: () => this.view.fit(),
      theme: () => this.#switchTheme(),
      "help-button": () => dialog().showModal(),
    };
    for (const [id, way] of Object.entries(ways)) byId(id).addEventListener("click", way);
  }

  #theme() {
    const wish = matchMedia("(prefers-color-scheme: dark)");
    const follow = () => {
      document.documentElement.dataset.theme = wish.matches ? "dark" : "light";
    };
    follow();
    wish.addEventListener("change", () => {
      follow();
      this.#show();
    });
  }

  #switchTheme() {
    document.documentElement.dataset.theme = themeName() === "dark" ? "light" : "dark";
    this.#show(); // heat maps are painted, not styled
  }

  /** Draw the samples of the legend; all else of the help stands in the page itself. */
  #legend() {
    for (const sample of /** @type {NodeListOf<SVGElement>} */ (document.querySelectorAll("svg[data-kind]"))) {
      sample.append(...outline(sample.dataset.kind, 38, 24));
      sample.classList.add("item", sample.dataset.kind);
    }
  }
}

/** @returns {HTMLDialogElement} the help */
const dialog = () => /** @type {HTMLDialogElement} */ (byId("help"));

/** The nearest of some boxes in a direction; with neither, the one whose middle is nearest to below or above. */
function nearest(here, boxes, right, down) {
  const middle = (box) => [box.left + box.width / 2, box.top + box.height / 2];
  const [x, y] = middle(here);
  let best = null;
  let least = Infinity;
  for (const [item, box] of boxes) {
    const [boxX, boxY] = middle(box);
    const dx = boxX - x;
    const dy = boxY - y;
    const along = dx * right + dy * down;
    const across = Math.abs(dx * down) + Math.abs(dy * right);
    if ((right || down) && along <= 1) continue;
    const distance = right || down ? along + 3 * across : Math.hypot(dx, dy);
    if (distance < least) [best, least] = [item, distance];
  }
  return best;
}

new Explorer(JSON.parse(byId("data").textContent));

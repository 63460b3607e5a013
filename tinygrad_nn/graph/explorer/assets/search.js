// Search: by name, operation, module or line of the program.

const MOST_FOUND = 40;

class Search {
  /** @param {Model} model @param {(item: Item) => void} onChoice */
  constructor(model, onChoice) {
    this.model = model;
    this.onChoice = onChoice;
    this.field = /** @type {HTMLInputElement} */ (byId("search"));
    this.list = byId("found");
    /** @type {?{item: Item, text: string}[]} */
    this.texts = null;
    /** @type {Item[]} */
    this.found = [];
    this.place = 0;
    this.field.addEventListener("input", () => this.#search());
    this.field.addEventListener("focus", () => {
      this.field.select(); // to type is to search anew
      if (this.field.value) this.#search();
    });
    this.field.addEventListener("blur", () => this.close());
    this.field.addEventListener("keydown", (event) => this.#key(event));
  }

  /** The text that is searched for an item; made when the first search comes, and then kept. */
  #texts() {
    this.texts ??= [
      ...this.model.groups.slice(1).map((group) => ({ item: -group.id, text: this.#text(-group.id, "") })),
      ...this.model.nodes.map((node) => {
        return { item: node.id, text: this.#text(node.id, `${node.name ?? ""} ${this.#place(node.id)} ${node.kind}`) };
      }),
    ];
    return this.texts;
  }

  /** Where in the program an item was recorded. */
  #place(item) {
    const line = item < 0 ? undefined : this.model.lines[this.model.nodes[item].line];
    return line ? `${fileName(line.file)}:${line.line}` : "";
  }

  #text(item, more) {
    return `${this.model.title(item)} ${this.model.path(item)} ${more}`.toLowerCase();
  }

  #search() {
    const words = this.field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = ({ text }) => words.every((word) => text.includes(word));
    const all = words.length ? this.#texts().filter(fits) : [];
    this.found = all.slice(0, MOST_FOUND).map(({ item }) => item);
    this.place = 0;
    this.#show(words.length > 0, all.length - this.found.length);
  }

  #show(isOpen, more = 0) {
    this.list.hidden = !isOpen;
    this.field.setAttribute("aria-expanded", String(isOpen));
    this.list.replaceChildren(...this.found.map((item, place) => this.#entry(item, place)));
    if (isOpen && !this.found.length) this.list.append(html("li", { class: "none" }, "nothing found"));
    if (more) this.list.append(html("li", { class: "none" }, `and ${more.toLocaleString("en")} more`));
    this.#mark();
  }

  #entry(item, place) {
    const kind = item < 0 ? this.model.groups[-item].kind : this.model.nodes[item].kind;
    const entry = html(
      "li",
      { role: "option", id: `found-${place}` },
      html("span", { class: `dot ${kind}` }),
      html("b", {}, shortened(this.model.title(item), 44)),
      html("small", {}, [shortened(this.model.path(item), 60), this.#place(item)].filter(Boolean).join(" · ")),
    );
    entry.addEventListener("mousedown", (event) => {
      event.preventDefault();
      this.#choose(item);
    });
    return entry;
  }

  #mark() {
    [...this.list.children].forEach((entry, place) =>
      entry.setAttribute("aria-selected", String(place === this.place)),
    );
    this.field.setAttribute("aria-activedescendant", this.found.length ? `found-${this.place}` : "");
    this.list.children[this.place]?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && this.found.length) {
      this.place = (this.place + by + this.found.length) % this.found.length;
      this.#mark();
    } else if (event.key === "Enter" && this.found.length) this.#choose(this.found[this.place]);
    else if (event.key === "Escape") {
      this.field.value = "";
      this.close();
      byId("canvas").focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #choose(item) {
    this.close();
    this.onChoice(item);
  }

  close() {
    this.found = [];
    this.#show(false);
  }
}

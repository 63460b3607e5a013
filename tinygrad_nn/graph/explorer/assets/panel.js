// What is known of the selected node: its numbers, the line of the program, the formula, and the code of its gradient.

/** Of how many readers of a parameter the page tells what they sent back: the sum of all is its gradient. */
const MOST_ORIGINS = 3;

class Panel {
  /** @param {Model} model @param {(item: Item) => void} onSelect @param {(group: number) => void} onToggle */
  constructor(model, onSelect, onToggle) {
    this.model = model;
    this.onSelect = onSelect;
    this.onToggle = onToggle;
    this.element = byId("panel");
  }

  /** @param {?Item} item @param {boolean} isBackward whether the gradient is what the reader is looking at */
  show(item, isBackward = false) {
    const parts =
      item === null
        ? this.#overview()
        : item < 0
          ? this.#group(this.model.groups[-item])
          : this.#node(this.model.nodes[item], isBackward);
    this.element.replaceChildren(...parts.filter(Boolean));
    this.element.scrollTop = 0;
  }

  #array(number) {
    return number === null || number === undefined ? null : this.model.arrays[number];
  }

  #overview() {
    const { nodes, groups, operations, remark } = this.model;
    const of = (kind) => nodes.filter((node) => node.kind === kind);
    const parameters = of("parameter");
    const elements = parameters.reduce((sum, node) => sum + node.shape.reduce((product, n) => product * n, 1), 0);
    return [
      html("h2", {}, "The whole graph"),
      facts({
        operations: operations.length.toLocaleString("en"),
        parameters: `${parameters.length.toLocaleString("en")} with ${counted(elements, "element")}`,
        folded: this.#folded(),
        modules: String(groups.filter((group) => group.kind === "module").length),
        ...this.#cost(nodes),
      }),
      remark ? html("p", { class: "remark", role: "note" }, remark) : null,
      html(
        "p",
        { class: "hint" },
        "Select a box to see its numbers. Selecting a parameter lights up the way of its gradient, from the " +
          "result back. The key ? lists all others.",
      ),
      ...of("result").map((node) => arrayView(node.label, this.#array(node.value), this.#leftOut())),
    ];
  }

  /** A word on what is not seen. */
  #folded() {
    const folded = this.model.visibleItems().filter((item) => item < 0);
    const hidden = folded.reduce((sum, item) => sum + this.model.groups[-item].operations, 0);
    return hidden ? `${counted(hidden, "operation")} in ${counted(folded.length, "group")}` : null;
  }

  #cost(nodes) {
    const sum = (key) => nodes.reduce((total, node) => total + (node[key] ?? 0), 0);
    return {
      arithmetic: `${counted(sum("flops"), "operation")} on numbers, forward`,
      memory: `${bytesText(sum("kept"))} kept for backward`,
    };
  }

  #group(group) {
    const isInside = (node) => node.group === group.id || this.model.around(node.id).includes(group.id);
    const inside = this.model.nodes.filter(isInside);
    const isOpen = this.model.open.has(group.id);
    const button = html("button", { class: "wide" }, isOpen ? "Fold" : "Unfold");
    button.addEventListener("click", () => this.onToggle(group.id));
    return [
      ...this.#heading(-group.id, group.kind, group.title),
      button,
      facts({
        operations: group.operations.toLocaleString("en"),
        parameters: String(inside.filter((node) => node.kind === "parameter").length),
        ...this.#cost(inside),
      }),
    ];
  }

  #heading(item, kind, title) {
    const path = this.model.path(item);
    return [
      html("p", { class: `kind ${kind}` }, kind),
      html("h2", {}, title),
      path ? html("p", { class: "path" }, path) : null,
    ];
  }

  #node(node, isBackward) {
    const rule = this.model.rules[node.rule];
    const line = this.model.lines[node.line];
    const heading = this.#heading(
      node.id,
      node.kind,
      node.kind === "operation" && node.name ? node.name : (node.name ?? node.label),
    );
    const numbers = [
      arrayView(
        "Value",
        this.#array(node.value),
        this.#leftOut() ?? "not known any more: the graph was released, or a parameter has changed since",
      ),
      arrayView("Gradient", this.#array(node.gradient), this.#whyNoGradient(node)),
    ];
    if (isBackward) numbers.reverse();
    return [
      ...heading,
      facts({
        operation: node.kind === "operation" ? node.label : null,
        shape: shapeText(node.shape),
        dtype: node.dtype ?? "released",
        arithmetic: node.flops ? counted(node.flops, "operation") : null,
        kept: node.kept ? bytesText(node.kept) : null,
      }),
      line ? sourceLine(line) : null,
      ...numbers,
      ...(rule ? this.#rule(node, rule) : []),
      ...(node.kind === "parameter" ? this.#origins(node) : []),
      this.#neighbours(
        "Read by",
        node.readers.map((edge) => edge.target),
      ),
    ];
  }

  /** @returns {?string} why a number is missing, if all are */
  #leftOut() {
    return this.model.arrays.length ? null : "left out: the page has too many operations";
  }

  #whyNoGradient(node) {
    if (this.#leftOut()) return this.#leftOut();
    if (this.model.remark) return "not kept, or never computed: it is not zero";
    return node.kind === "input" || node.kind === "constant"
      ? "none is wanted: this is no parameter"
      : "none was computed: nothing carries one back to here";
  }

  /** The formula, and for each operand what flowed in from it and what the closure sent back to it. */
  #rule(node, rule) {
    const parts = [
      html("h3", {}, "Formula"),
      rule.formula ? prose(rule.formula) : html("p", { class: "missing" }, "the rule has no docstring"),
    ];
    parts.push(html("h3", {}, "In and out"));
    const sources = new Map(node.sources.map((edge) => [edge.position, edge]));
    const positions = [...new Set([...rule.operands.keys(), ...sources.keys()])].sort((a, b) => a - b);
    for (const position of positions) parts.push(this.#operand(node, rule, position, sources.get(position)));
    if (rule.source)
      parts.push(
        html(
          "details",
          { open: rule.closures.length ? null : "" },
          html("summary", {}, "The whole rule"),
          code(rule.source),
        ),
      );
    else parts.push(html("p", { class: "missing" }, "the source of the rule is not at hand"));
    return parts;
  }

  #operand(node, rule, position, edge) {
    const name = rule.operands[position] ?? `operand ${position}`;
    const box = html("div", { class: "operand" });
    if (!edge) {
      box.append(html("h4", {}, name, html("small", {}, "a number, written on the operation")));
      return box;
    }
    const source = this.model.nodes[edge.source];
    box.append(
      html("h4", {}, name, this.#jump(edge.source)),
      arrayView("in", this.#array(source.value), this.#leftOut() ?? "value not known"),
    );
    box.append(...this.#sentBack(edge, rule));
    return box;
  }

  /** What the closure of an operand sends back, and its code. */
  #sentBack(edge, rule) {
    if (edge.flow === null) return [html("p", { class: "missing" }, this.#whyNothingFlows(edge))];
    const closure = rule.closures[edge.position] ?? rule.closures.at(-1); // the last stands for all that a loop made
    const caption = html("p", { class: "caption" }, "the closure that carries the gradient back");
    return [
      ...(closure ? [caption, code(closure)] : []),
      arrayView("gradient out", this.#array(edge.flow), this.#leftOut()),
    ];
  }

  #whyNothingFlows({ source }) {
    const isWanted = !["input", "constant"].includes(this.model.nodes[source].kind);
    return isWanted && this.model.remark && !this.#leftOut()
      ? "not known any more: the graph was released, or a parameter has changed since"
      : "no gradient flows back here";
  }

  /** How a parameter got its gradient: what the first of its readers sent, each with the code that computed it. */
  #origins(node) {
    const edges = node.readers.filter(({ target }) => this.model.rules[this.model.nodes[target].rule]);
    const more = edges.length - MOST_ORIGINS;
    return [
      edges.length ? html("h3", {}, "Where its gradient comes from") : null,
      ...edges.slice(0, MOST_ORIGINS).map((edge) => {
        const reader = this.model.nodes[edge.target];
        return html(
          "div",
          { class: "operand" },
          html("h4", {}, "from", this.#jump(reader.id)),
          edge.flow === null
            ? null
            : arrayView("gradient in", this.#array(reader.gradient), this.#whyNoGradient(reader)),
          ...this.#sentBack(edge, this.model.rules[reader.rule]),
        );
      }),
      more > 0 ? html("p", { class: "caption" }, `and from ${counted(more, "other reader")}`) : null,
    ];
  }

  #jump(id) {
    const button = html("button", { class: "jump" }, shortened(this.model.title(id), 28));
    button.addEventListener("click", () => this.onSelect(id));
    return button;
  }

  #neighbours(heading, ids) {
    if (!ids.length) return null;
    const most = 12;
    const more = ids.length - most;
    return html(
      "section",
      {},
      html("h3", {}, heading),
      html(
        "p",
        { class: "jumps" },
        ...ids.slice(0, most).map((id) => this.#jump(id)),
        more > 0 ? ` and ${more.toLocaleString("en")} more` : null,
      ),
    );
  }
}

function facts(table) {
  const list = html("dl", {});
  for (const [key, value] of Object.entries(table))
    if (value !== null) list.append(html("dt", {}, key), html("dd", {}, value));
  return list;
}

function sourceLine({ file, line, text }) {
  const place = html("p", { class: "place", title: `${file}:${line}` }, `${fileName(file)}:${line}`);
  return html(
    "section",
    { class: "line" },
    html("h3", {}, "Your line"),
    place,
    text ? code(text) : html("p", { class: "missing" }, "its text is not at hand"),
  );
}

function code(text) {
  return html("pre", { tabindex: "0" }, html("code", {}, text));
}

/** A docstring: paragraphs, with what stands between backquotes as code. */
function prose(text) {
  const box = html("div", { class: "prose" });
  for (const paragraph of text.split(/\n\s*\n/)) {
    const parts = paragraph.replace(/\s*\n\s*/g, " ").split(/``(.+?)``|`(.+?)`/);
    box.append(
      html(
        "p",
        {},
        ...parts.map((part, place) => (part === undefined ? null : place % 3 ? html("code", {}, part) : part)),
      ),
    );
  }
  return box;
}

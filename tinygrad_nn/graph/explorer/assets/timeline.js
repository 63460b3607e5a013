// Time: the forward pass, one operation a step, and then the backward pass, the newest operation first.

class Timeline {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.forward = model.operations;
    this.backward = model.operations
      .filter((id) => model.nodes[id].sources.some((edge) => edge.flow !== null))
      .reverse();
    this.length = this.forward.length + this.backward.length;
    this.step = 0;
    this.#noteTimes();
  }

  /** Note for each node at which step its value and its gradient are known. */
  #noteTimes() {
    const { nodes } = this.model;
    const count = this.forward.length;
    this.valueAt = nodes.map((node) => (node.kind === "result" ? count : 0));
    this.gradientAt = nodes.map((node) => (node.kind === "result" ? count + 1 : Infinity));
    this.forward.forEach((id, place) => {
      this.valueAt[id] = place + 1;
    });
    this.backward.forEach((id, place) => {
      this.gradientAt[id] = count + place + 1;
    });
    for (const node of nodes) {
      if (node.kind === "operation" || node.kind === "result") continue;
      const times = node.readers.filter((edge) => edge.flow !== null).map((edge) => this.gradientAt[edge.target]);
      // Complete when the last of its readers has sent its part.
      if (times.length) this.gradientAt[node.id] = Math.max(...times);
    }
  }

  /** @returns {?{id: number, isBackward: boolean}} the operation of the present step; null at the start */
  get current() {
    if (!this.step) return null;
    const place = this.step - 1;
    const count = this.forward.length;
    return place < count
      ? { id: this.forward[place], isBackward: false }
      : { id: this.backward[place - count], isBackward: true };
  }

  /** @returns {{isFuture: boolean, hasGradient: boolean}} what is known of a box at the present step */
  stateOf(/** @type {Item} */ item) {
    if (!this.step) return { isFuture: false, hasGradient: false };
    const first = item < 0 ? this.model.groups[-item].first : item;
    if (first === Infinity) return { isFuture: false, hasGradient: false };
    return { isFuture: this.valueAt[first] > this.step, hasGradient: this.gradientAt[first] <= this.step };
  }

  /** @returns {string} the present step in a sentence */
  get sentence() {
    const { current } = this;
    if (!current) return `${counted(this.forward.length, "operation")}: press play, or step with . and ,`;
    const { id, isBackward } = current;
    const place = isBackward ? this.step - this.forward.length : this.step;
    const total = isBackward ? this.backward.length : this.forward.length;
    return `${isBackward ? "Backward" : "Forward"} ${place} of ${total}: ${shortened(this.model.title(id), 40)}`;
  }
}

/** The controls below the picture, and the clock that plays. */
class Player {
  /** @param {Timeline} timeline @param {() => void} onStep what to do when the step has changed */
  constructor(timeline, onStep) {
    this.timeline = timeline;
    this.onStep = onStep;
    this.clock = null;
    this.slider = /** @type {HTMLInputElement} */ (byId("slider"));
    this.slider.max = String(timeline.length);
    byId("forward").style.flexGrow = String(timeline.forward.length);
    byId("backward").style.flexGrow = String(timeline.backward.length);
    byId("backward").hidden = !timeline.backward.length;
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    const ways = {
      first: () => this.go(0),
      back: () => this.move(-1),
      next: () => this.move(1),
      last: () => this.go(timeline.length),
    };
    for (const [id, way] of Object.entries(ways)) byId(id).addEventListener("click", way);
    byId("play").addEventListener("click", () => this.toggle());
    byId("speed").addEventListener("change", () => this.clock !== null && this.#start());
    this.show();
  }

  /** Go to a step, and stop playing: who takes the wheel drives. */
  go(step) {
    this.stop();
    this.#set(step);
  }

  move(by) {
    this.go(this.timeline.step + by);
  }

  #set(step) {
    const kept = Math.max(0, Math.min(this.timeline.length, step));
    if (kept === this.timeline.step) return;
    this.timeline.step = kept;
    this.show();
    this.onStep();
  }

  toggle() {
    if (this.clock !== null) this.stop();
    else {
      if (this.timeline.step === this.timeline.length) this.#set(0);
      this.#start();
    }
  }

  #start() {
    clearInterval(this.clock);
    const tick = () => {
      this.#set(this.timeline.step + 1);
      if (this.timeline.step === this.timeline.length) this.stop();
    };
    this.clock = setInterval(tick, 1000 / Number(/** @type {HTMLSelectElement} */ (byId("speed")).value));
    this.#showButton();
  }

  stop() {
    clearInterval(this.clock);
    this.clock = null;
    this.#showButton();
  }

  #showButton() {
    const isPlaying = this.clock !== null;
    byId("play")
      .querySelector("path")
      .setAttribute("d", isPlaying ? "M5 3v10M11 3v10" : "M4 2.5L13 8l-9 5.5z");
    byId("play").setAttribute("aria-pressed", String(isPlaying));
    byId("play").setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    byId("status").setAttribute("aria-live", isPlaying ? "off" : "polite"); // who listens cannot follow at this speed
  }

  show() {
    this.slider.value = String(this.timeline.step);
    this.slider.setAttribute("aria-valuetext", this.timeline.sentence);
    byId("status").textContent = this.timeline.sentence;
  }
}

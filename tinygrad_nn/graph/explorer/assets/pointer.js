// What the pointer does: it drags the drawing, turns the wheel, selects, folds and unfolds.

/** How far a pointer may tremble and still click. */
const TREMBLE = 4;

/** @param {View} view @param {{onSelect: (item: ?Item) => void, onToggle: (group: number) => void}} actions */
function followPointer(view, { onSelect, onToggle }) {
  const { canvas } = view;
  let held = null;
  const listeners = {
    pointerdown(event) {
      if (event.button === 0) held = { x: event.clientX, y: event.clientY, isMoved: false };
    },
    pointermove(event) {
      if (!held) return;
      const right = event.clientX - held.x;
      const down = event.clientY - held.y;
      if (!held.isMoved && Math.hypot(right, down) < TREMBLE) return;
      if (!held.isMoved) canvas.setPointerCapture(event.pointerId);
      held = { x: event.clientX, y: event.clientY, isMoved: true };
      view.pan(right, down);
    },
    pointerup(event) {
      const item = itemAt(event);
      if (held && !held.isMoved && isSign(event)) onToggle(-item);
      else if (held && !held.isMoved) onSelect(item);
      held = null;
    },
    pointercancel() {
      held = null;
    },
    dblclick(event) {
      const item = itemAt(event);
      if (item < 0 && !isSign(event)) onToggle(-item);
    },
    wheel(event) {
      event.preventDefault();
      const { left, top } = canvas.getBoundingClientRect();
      const speed = event.ctrlKey ? 0.01 : 0.0015; // two fingers that pinch come as a small turn with the key
      if (event.shiftKey) view.pan(-(event.deltaX || event.deltaY), 0);
      else view.zoom(Math.exp(-event.deltaY * speed), event.clientX - left, event.clientY - top);
    },
  };
  for (const [name, listener] of Object.entries(listeners)) canvas.addEventListener(name, listener, { passive: false });
}

/** @returns {?Item} what the pointer is on */
function itemAt(event) {
  const element = event.target.closest(".item");
  return element ? Number(element.dataset.item) : null;
}

/** @returns {boolean} whether the pointer is on the sign that folds and unfolds */
function isSign(event) {
  return event.target.closest(".sign") !== null;
}

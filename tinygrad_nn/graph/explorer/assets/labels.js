// The text on a box, and how much room it takes: measured, for every machine has other fonts.

const FONT = '"Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif';
const LINE = 16;

/** How far the cards behind a folded group look out from under it, to the right and below. */
const SHADOW = 6;

const pencil = document.createElement("canvas").getContext("2d");

function textWidth(text, font) {
  pencil.font = font;
  return pencil.measureText(text).width;
}

/** The lines of text on a box, each with its class, and its size; `reads` is how often hidden lines read it. */
function labelOf(model, item, reads = 0) {
  const lines = item < 0 ? groupLines(model.groups[-item]) : nodeLines(model.nodes[item]);
  if (reads) lines.push({ text: `read ${reads} times`, style: "small" });
  const width = Math.max(
    ...lines.map(({ text, style }) =>
      textWidth(text, `${style === "name" ? "600 " : ""}${style === "small" ? 11 : 12.5}px ${FONT}`),
    ),
  );
  const shadow = item < 0 ? SHADOW : 0;
  return {
    lines,
    width: Math.max(64, Math.ceil(width) + (item < 0 ? 48 : 30)) + shadow,
    height: lines.length * LINE + 14 + shadow,
  };
}

function groupLines(group) {
  const lines = [{ text: shortened(group.title), style: "name" }];
  if (group.operations) lines.push({ text: counted(group.operations, "operation"), style: "small" });
  return lines;
}

function nodeLines(node) {
  const lines = node.kind === "operation" && node.name ? [{ text: shortened(node.name), style: "name" }] : [];
  const label = shortened(node.label, 60);
  const end = label.length > 18 ? label.search(/, (?![^(]*\))| (?=\[)/) : -1; // as `graph/style.py` breaks labels
  lines.push({
    text: end < 0 ? label : label.slice(0, end),
    style: node.kind === "operation" && !node.name ? "name" : "plain",
  });
  if (end >= 0) lines.push({ text: shortened(label.slice(end).replace(/^, | /, "")), style: "small" });
  lines.push({ text: shapeText(node.shape), style: "small" });
  return lines;
}

// The text on a box, and how much room it takes: measured, for every machine has other fonts.

const FONT = '"Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif';
const LINE = 16;

const pencil = document.createElement("canvas").getContext("2d");

function textWidth(text, font) {
  pencil.font = font;
  return pencil.measureText(text).width;
}

/** The lines of text on a box, each with its class, and the size of the box. */
function labelOf(model, item) {
  const lines = item < 0 ? groupLines(model.groups[-item]) : nodeLines(model.nodes[item]);
  const width = Math.max(
    ...lines.map(({ text, style }) =>
      textWidth(text, `${style === "name" ? "600 " : ""}${style === "small" ? 11 : 12.5}px ${FONT}`),
    ),
  );
  return { lines, width: Math.max(64, Math.ceil(width) + (item < 0 ? 48 : 30)), height: lines.length * LINE + 14 };
}

function groupLines(group) {
  return [
    { text: shortened(group.title), style: "name" },
    { text: counted(group.operations, "operation"), style: "small" },
  ];
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

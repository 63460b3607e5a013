// The outlines of boxes. Each kind has its own, so that they can be told apart without colours.

/** The outline of a box, as elements. */
function outline(kind, width, height) {
  if (kind === "parameter") {
    const rim = 5;
    const side = `M0 ${rim}V${height - rim}A${width / 2} ${rim} 0 0 0 ${width} ${height - rim}V${rim}`;
    return [
      svg("path", { class: "shape", d: `${side}A${width / 2} ${rim} 0 0 0 0 ${rim}Z` }),
      svg("ellipse", { class: "shape", cx: width / 2, cy: rim, rx: width / 2, ry: rim }),
    ];
  }
  if (kind === "input") return [svg("path", { class: "shape", d: `M10 0H${width}L${width - 10} ${height}H0Z` })];
  if (kind === "result")
    return [
      svg("rect", { class: "shape", width, height }),
      svg("rect", { class: "inner", x: 3, y: 3, width: width - 6, height: height - 6 }),
    ];
  const card = svg("rect", { class: "shape", width, height, rx: kind === "constant" ? 0 : 8 });
  if (kind !== "folded") return [card];
  const behind = (by) => svg("rect", { class: "behind", x: by, y: by, width, height, rx: 8 });
  return [behind(SHADOW), behind(SHADOW / 2), card];
}

function foldSign(x, y, isOpen) {
  return svg(
    "g",
    { class: "sign", transform: `translate(${round(x)} ${round(y)})` },
    svg("circle", { r: 10, class: "touch" }),
    svg("circle", { r: 7 }),
    svg("path", { d: isOpen ? "M-3.5 0H3.5" : "M-3.5 0H3.5M0-3.5V3.5" }),
  );
}

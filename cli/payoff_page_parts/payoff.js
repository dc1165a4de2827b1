"use strict";
const view = JSON.parse(document.getElementById("data").textContent);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const usd = (value) => value == null ? "-" : (value < 0 ? "-" : "") + "$" + Math.abs(value).toLocaleString("en-US", { maximumFractionDigits: 0 });
const strokes = [css("--accent"), css("--mid"), css("--ink")];

const PAD = 4;

// Vertical lines first, then their labels on a ground of their own: no line goes through a label.
function marks(u) {
  const ctx = u.ctx, { left, top, width, height } = u.bbox, ratio = devicePixelRatio || 1;
  const at = (price) => u.valToPos(price, "x", true);
  const inside = (x) => x >= left && x <= left + width;
  const line = (x0, y0, x1, y1) => { ctx.beginPath(); ctx.moveTo(x0, y0); ctx.lineTo(x1, y1); ctx.stroke(); };
  const label = (text, x, y, toLeft) => {
    const wide = ctx.measureText(text).width + 2 * PAD * ratio, tall = 15 * ratio;
    let from = toLeft ? x - wide - ratio : x + ratio;
    from = Math.min(Math.max(from, left), left + width - wide);
    const color = ctx.fillStyle;
    ctx.fillStyle = css("--paper"); ctx.fillRect(from, y - tall / 2, wide, tall);
    ctx.fillStyle = color; ctx.fillText(text, from + PAD * ratio, y);
  };
  ctx.save();
  ctx.font = `${11 * ratio}px sans-serif`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ctx.lineWidth = ratio;
  const zero = u.valToPos(0, "y", true);
  ctx.strokeStyle = css("--soft");
  if (zero > top && zero < top + height) line(left, zero, left + width, zero);
  const levels = view.breakevens.filter((price) => inside(at(price)));
  ctx.setLineDash([6 * ratio, 4 * ratio]);
  levels.forEach((price) => line(at(price), top, at(price), top + height));
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  ctx.strokeStyle = css("--accent");
  const spot = at(view.spot);
  if (inside(spot)) line(spot, top, spot, top + height);
  ctx.fillStyle = css("--soft");
  levels.forEach((price, index) => label(price.toFixed(2), at(price), top + (10 + 16 * Math.floor(index / 2)) * ratio, index % 2 === 0));
  ctx.fillStyle = css("--accent");
  if (inside(spot)) label("now " + view.spot.toFixed(2), spot, top + height - 10 * ratio, spot > left + 0.85 * width);
  ctx.restore();
}

// Gains and losses at expiry are shaded: the curve is split where it crosses zero.
const expiry = view.curves[view.curves.length - 1].profit;
const gain = expiry.map((value) => Math.max(value, 0)), loss = expiry.map((value) => Math.min(value, 0));
const holder = document.getElementById("payoff");
const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line") }, labelFont: "12px sans-serif", labelSize: 22 };
const chart = new uPlot({
  width: holder.clientWidth, height: 480,
  pxAlign: false, // points between pixels: curves without steps
  scales: { x: { time: false } },
  legend: { markers: { dash: (u, index) => u.series[index].dash ? "dashed" : "solid" } },
  axes: [
    { ...axis, label: "price of " + view.underlying + ", USD" },
    { ...axis, label: "profit of one unit, USD", size: 74, values: (_, values) => values.map(usd) },
  ],
  series: [
    { label: "price", value: (_, value) => value == null ? "" : value.toFixed(2) },
    { label: "gain", fill: css("--gain") + "22", width: 0, points: { show: false } },
    { label: "loss", fill: css("--loss") + "22", width: 0, points: { show: false } },
    ...view.curves.map((curve, index) => ({
      label: curve.label + ", " + curve.at, stroke: strokes[index], width: index === 2 ? 2.2 : 1.6,
      dash: index === 1 ? [7, 4] : undefined, points: { show: false }, value: (_, value) => value == null ? "" : usd(value),
    })),
  ],
  hooks: { draw: [marks] },
}, [view.prices, gain, loss, ...view.curves.map((curve) => curve.profit)], holder);
chart.root.querySelectorAll(".u-legend .u-series").forEach((row, index) => { if (index === 1 || index === 2) row.style.display = "none"; });
addEventListener("resize", () => chart.setSize({ width: holder.clientWidth, height: 480 }));

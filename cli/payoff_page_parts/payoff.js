"use strict";
const view = JSON.parse(document.getElementById("data").textContent);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const usd = (value) => value == null ? "-" : (value < 0 ? "-" : "") + "$" + Math.abs(value).toLocaleString("en-US", { maximumFractionDigits: 0 });
const strokes = [css("--accent"), css("--mid"), css("--ink")];

function marks(u) {
  const ctx = u.ctx, { left, top, width, height } = u.bbox;
  const ratio = devicePixelRatio || 1;
  const line = (price, dash, label) => {
    const x = u.valToPos(price, "x", true);
    if (x < left || x > left + width) return;
    ctx.setLineDash(dash.map((step) => step * ratio));
    ctx.beginPath(); ctx.moveTo(x, top); ctx.lineTo(x, top + height); ctx.stroke();
    const right = x > left + 0.85 * width;
    ctx.textAlign = right ? "right" : "left";
    ctx.fillText(label, x + (right ? -5 : 5) * ratio, top + 13 * ratio);
  };
  ctx.save();
  ctx.font = `${11 * ratio}px sans-serif`;
  ctx.lineWidth = ratio;
  ctx.strokeStyle = ctx.fillStyle = css("--soft");
  view.breakevens.forEach((price) => line(price, [6, 4], price.toFixed(2)));
  ctx.setLineDash([]);
  const zero = u.valToPos(0, "y", true);
  if (zero > top && zero < top + height) { ctx.beginPath(); ctx.moveTo(left, zero); ctx.lineTo(left + width, zero); ctx.stroke(); }
  ctx.restore();
  ctx.save();
  ctx.font = `${11 * ratio}px sans-serif`;
  ctx.lineWidth = ratio;
  ctx.strokeStyle = ctx.fillStyle = css("--accent");
  const x = u.valToPos(view.spot, "x", true);
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  ctx.beginPath(); ctx.moveTo(x, top); ctx.lineTo(x, top + height); ctx.stroke();
  ctx.textAlign = "center";
  ctx.fillText("now " + view.spot.toFixed(2), x, top + height - 6 * ratio);
  ctx.restore();
}

// Gains and losses at expiry are shaded: the curve is split where it crosses zero.
const expiry = view.curves[view.curves.length - 1].profit;
const gain = expiry.map((value) => Math.max(value, 0)), loss = expiry.map((value) => Math.min(value, 0));
const holder = document.getElementById("payoff");
const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line") } };
const chart = new uPlot({
  width: holder.clientWidth, height: 460,
  scales: { x: { time: false } },
  axes: [{ ...axis }, { ...axis, size: 74, values: (_, values) => values.map(usd) }],
  series: [
    { label: "price", value: (_, value) => value == null ? "-" : value.toFixed(2) },
    { show: true, label: "gain", fill: css("--gain") + "22", width: 0, points: { show: false } },
    { show: true, label: "loss", fill: css("--loss") + "22", width: 0, points: { show: false } },
    ...view.curves.map((curve, index) => ({
      label: curve.label + ", " + curve.at, stroke: strokes[index], width: index === 2 ? 2.2 : 1.6,
      dash: index === 1 ? [7, 4] : undefined, points: { show: false }, value: (_, value) => usd(value),
    })),
  ],
  hooks: { draw: [marks] },
}, [view.prices, gain, loss, ...view.curves.map((curve) => curve.profit)], holder);
chart.root.querySelectorAll(".u-legend .u-series").forEach((row, index) => { if (index === 1 || index === 2) row.style.display = "none"; });
addEventListener("resize", () => chart.setSize({ width: holder.clientWidth, height: 460 }));

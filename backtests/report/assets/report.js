// Draws the charts of the page from the JSON beside it. No request leaves the page.
(() => {
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const zone = "America/New_York";
  const tzDate = (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone);
  const axis = (extra) => Object.assign(
    { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 } }, extra || {});
  const price = (v) => (v == null ? "-" : v.toFixed(4));
  const usd = (v) => (v == null ? "-" : (v < 0 ? "-$" : "$") + Math.abs(v).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
  const sync = uPlot.sync("run");
  const drawn = [];

  function draw(id, options, series) {
    const host = document.getElementById(id);
    if (!host || !series[0].length) return;
    const plot = new uPlot(Object.assign({ width: host.clientWidth, tzDate, cursor: { sync: { key: sync.key } } }, options), series, host);
    drawn.push([plot, host]);
  }

  function drawEquity() {
    const e = data.equity;
    const y = (stroke, fill, label) => ({ label, stroke, fill, width: 1.5, value: (u, v) => usd(v), points: { show: false } });
    const wide = { size: 78, values: (u, vs) => vs.map(usd) };
    draw("equity", { height: 240, hooks: { draw: [breakerLines] }, series: [{ label: "New York" }, y(css("--accent"), undefined, "equity")], axes: [axis(), axis(wide)] }, [e.time, e.equity]);
    draw("drawdown", { height: 130, series: [{ label: "New York" }, y(css("--loss"), css("--loss") + "33", "below the high")], axes: [axis(), axis(wide)] }, [e.time, e.drawdown]);
  }

  // A dashed line where the breaker changed, so that a flat stretch explains itself.
  function breakerLines(u) {
    const ctx = u.ctx;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = css("--loss");
    ctx.font = 11 * devicePixelRatio + "px sans-serif"; ctx.textAlign = "right";
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const b of data.breaker) {
      const x = u.valToPos(b.time, "x", true);
      if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
      ctx.beginPath(); ctx.moveTo(x, u.bbox.top); ctx.lineTo(x, u.bbox.top + u.bbox.height); ctx.stroke();
      ctx.fillText(b.text.replaceAll("_", " "), x - 5 * devicePixelRatio, u.bbox.top + 12 * devicePixelRatio);
    }
    ctx.restore();
  }

  // An upward triangle buys, a downward one sells; a line joins entry and exit in the colour of the result.
  function marks(p) {
    return (u) => {
      const ctx = u.ctx, r = 5 * devicePixelRatio;
      ctx.save();
      ctx.beginPath(); ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height); ctx.clip();
      for (const t of p.trades) {
        const [x0, y0, x1, y1] = [u.valToPos(t.entry[0], "x", true), u.valToPos(t.entry[1], "y", true), u.valToPos(t.exit[0], "x", true), u.valToPos(t.exit[1], "y", true)];
        ctx.strokeStyle = t.net >= 0 ? css("--gain") : css("--loss");
        ctx.lineWidth = 1.5 * devicePixelRatio; ctx.globalAlpha = 0.75;
        ctx.beginPath(); ctx.moveTo(x0, y0); ctx.lineTo(x1, y1); ctx.stroke();
        ctx.globalAlpha = 1;
        triangle(ctx, x0, y0, r, t.long); triangle(ctx, x1, y1, r, !t.long);
      }
      ctx.restore();
    };
  }

  function triangle(ctx, x, y, r, buys) {
    ctx.fillStyle = buys ? css("--gain") : css("--loss");
    ctx.beginPath(); ctx.moveTo(x - r, buys ? y + r : y - r); ctx.lineTo(x + r, buys ? y + r : y - r); ctx.lineTo(x, buys ? y - r : y + r);
    ctx.closePath(); ctx.fill();
  }

  function drawPrice(index) {
    const host = document.getElementById("price");
    if (!host || !data.prices.length) return;
    for (let i = drawn.length - 1; i >= 0; i--) if (drawn[i][1] === host) { drawn[i][0].destroy(); drawn.splice(i, 1); }
    const p = data.prices[index];
    draw("price", {
      height: 320, hooks: { draw: [marks(p), breakerLines] },
      series: [{ label: "New York" }, { label: p.symbol + " mid", stroke: css("--mid"), width: 1, value: (u, v) => price(v), points: { show: false } }],
      axes: [axis(), axis({ size: 70, values: (u, vs) => vs.map((v) => v.toFixed(2)) })],
    }, [p.time, p.mid]);
    document.querySelectorAll("#symbols button").forEach((b, i) => b.setAttribute("aria-selected", String(i === index)));
  }

  function tabs() {
    const nav = document.getElementById("symbols");
    if (!nav) return;
    data.prices.forEach((p, i) => {
      const button = document.createElement("button");
      button.type = "button"; button.textContent = p.symbol + " (" + p.trades.length + ")";
      button.addEventListener("click", () => drawPrice(i)); nav.appendChild(button);
    });
  }

  function sortable(table) {
    table.querySelectorAll("th").forEach((th, column) => th.addEventListener("click", () => {
      const down = th.dataset.down !== "1"; th.dataset.down = down ? "1" : "0";
      const key = (row) => { const cell = row.cells[column]; return cell.dataset.sort ?? cell.textContent; };
      const rows = [...table.tBodies[0].rows].sort((a, b) => {
        const [x, y] = [key(a), key(b)], [nx, ny] = [Number(x), Number(y)];
        const order = Number.isNaN(nx) || Number.isNaN(ny) ? x.localeCompare(y) : nx - ny;
        return down ? -order : order;
      });
      table.tBodies[0].append(...rows);
    }));
  }

  tabs(); drawEquity();
  const busiest = data.prices.reduce((best, p, i) => (p.trades.length > data.prices[best].trades.length ? i : best), 0);
  drawPrice(busiest);
  document.querySelectorAll("table.sortable").forEach(sortable);
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => drawn.forEach(([p, h]) => p.setSize({ width: h.clientWidth, height: p.height })), 120); });
})();

// Draws term structure, smile and table of the chain from the JSON beside it. No request leaves the page.
(() => {
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = (extra) => Object.assign(
    { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 } }, extra || {});
  const percent = (v) => (v == null ? "-" : (100 * v).toFixed(2) + " %");
  const fixed = (places) => (v) => (v == null ? "-" : v.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places }));
  const label = (text) => ({ label: text, labelSize: 22, labelFont: "12px sans-serif" });
  const percentAxis = axis({ ...label("implied volatility a year"), size: 64, values: (u, vs) => vs.map((v) => (100 * v).toFixed(1) + " %") });
  const SHOWN = [["volume", "volume", fixed(0)], ["open int.", "open_interest", fixed(0)], ["theta", "theta", fixed(3)],
    ["vega", "vega", fixed(3)], ["gamma", "gamma", fixed(4)], ["delta", "delta", fixed(3)], ["iv", "iv", percent], ["bid", "bid", fixed(2)], ["ask", "ask", fixed(2)]];
  const DAYS = [1, 2, 4, 7, 14, 30, 60, 91, 182, 365, 730, 1095], FEW_DAYS = [1, 7, 30, 91, 365, 1095];
  let smile = null, term = null;

  function plot(id, options, series) {
    const host = document.getElementById(id);
    host.textContent = "";
    return new uPlot(Object.assign({ width: host.clientWidth }, options), series, host);
  }

  function line(label, stroke, points) {
    return { label, stroke, width: points ? 0 : 1.5, points: { show: true, size: 5 }, value: (u, v) => percent(v), spanGaps: true };
  }

  function drawTerm() {
    const known = data.expiries.filter((e) => e.atm_iv != null && e.days > 0);
    if (!known.length) { document.getElementById("term").textContent = "No expiry has volatilities around the money."; return; }
    const days = axis({ ...label("days to settlement"), size: 32, values: (u, vs) => vs.map((v) => v), filter: (u, splits) => splits,
      splits: (u, i, low, high) => (u.width < 600 ? FEW_DAYS : DAYS).filter((d) => d >= low && d <= high) });
    term = plot("term", { height: 240, scales: { x: { time: false, distr: 3 } }, axes: [days, percentAxis],
      series: [{ label: "days", value: (u, v) => fixed(1)(v) }, line("at the money", css("--accent"))] },
      [known.map((e) => e.days), known.map((e) => e.atm_iv)]);
  }

  function byStrike(expiry) {
    const rows = new Map();
    for (const c of expiry.contracts) {
      if (!rows.has(c.strike)) rows.set(c.strike, {});
      rows.get(c.strike)[c.right] = c;
    }
    return [...rows.entries()].sort((a, b) => a[0] - b[0]);
  }

  function drawSmile(expiry) {
    const rows = byStrike(expiry).filter(([, r]) => (r.C && r.C.iv != null) || (r.P && r.P.iv != null));
    const iv = (right) => rows.map(([, r]) => (r[right] ? r[right].iv : null));
    if (smile) smile.destroy();
    smile = null;
    if (!rows.length) { document.getElementById("smile").textContent = "No contract of this expiry has a volatility."; return; }
    smile = plot("smile", { height: 340, scales: { x: { time: false } }, axes: [axis({ ...label("strike, USD"), size: 32 }), percentAxis],
      series: [{ label: "strike", value: (u, v) => fixed(2)(v) }, line("calls", css("--gain")), line("puts", css("--loss"))],
      hooks: { draw: [(u) => spotLine(u)] } }, [rows.map(([k]) => k), iv("C"), iv("P")]);
  }

  function spotLine(u) {
    if (data.underlying_price == null) return;
    const x = u.valToPos(data.underlying_price, "x", true);
    if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
    u.ctx.save();
    u.ctx.strokeStyle = css("--mid"); u.ctx.setLineDash([4, 4]);
    u.ctx.beginPath(); u.ctx.moveTo(x, u.bbox.top); u.ctx.lineTo(x, u.bbox.top + u.bbox.height); u.ctx.stroke();
    u.ctx.restore();
  }

  function cell(row, text, extra) {
    const td = document.createElement("td");
    td.textContent = text;
    Object.assign(td, extra || {});
    row.appendChild(td);
  }

  function drawTable(expiry) {
    const head = document.getElementById("head"), body = document.getElementById("rows");
    const names = SHOWN.map(([n]) => `<th>${n}</th>`).join("");
    const mirrored = [...SHOWN].reverse();
    head.innerHTML = `<tr><th class="group" colspan="${SHOWN.length}"><span>calls</span></th><th class="strike"></th><th class="group" colspan="${SHOWN.length}"><span>puts</span></th></tr>`
      + `<tr>${names}<th class="strike">strike</th>${mirrored.map(([n]) => `<th>${n}</th>`).join("")}</tr>`;
    body.textContent = "";
    for (const [strike, r] of byStrike(expiry)) {
      const row = document.createElement("tr");
      for (const [right, columns] of [["C", SHOWN], ["P", mirrored]]) {
        const c = r[right];
        const inside = data.underlying_price != null && (right === "C" ? strike < data.underlying_price : strike > data.underlying_price);
        for (const [, key, shown] of columns)
          cell(row, c ? shown(c[key]) : "", { className: inside ? "itm" : "", title: c && key === "iv" ? c.iv_absent_because || "" : "" });
        if (right === "C") cell(row, fixed(2)(strike), { className: "strike" });
      }
      body.appendChild(row);
    }
    const first = [...body.rows].find((r) => data.underlying_price != null && parseFloat(r.cells[SHOWN.length].textContent.replaceAll(",", "")) >= data.underlying_price);
    if (first) body.closest(".tall").scrollTop = Math.max(0, first.offsetTop - 240);
    const box = body.closest(".tall"), middle = head.rows[1].cells[SHOWN.length];
    box.scrollLeft = middle.offsetLeft + middle.offsetWidth / 2 - box.clientWidth / 2;
    document.getElementById("which").textContent = `${expiry.expiry}, ${expiry.dte} days, settlement ${expiry.settlement.join(", ")}`;
  }

  function choose(index) {
    document.querySelectorAll("#expiries button").forEach((b, i) => b.setAttribute("aria-selected", String(i === index)));
    drawSmile(data.expiries[index]);
    drawTable(data.expiries[index]);
  }

  data.expiries.forEach((e, i) => {
    const button = document.createElement("button");
    button.textContent = `${e.expiry} (${e.dte})`;
    button.addEventListener("click", () => choose(i));
    document.getElementById("expiries").appendChild(button);
  });
  const opened = data.open_at_ns == null ? (e) => e.dte >= 20 : (e) => e.expiry_ns === data.open_at_ns;
  drawTerm();
  choose(Math.max(0, data.expiries.findIndex(opened)));
  addEventListener("resize", () => {
    for (const [id, chart] of [["term", term], ["smile", smile]])
      if (chart) chart.setSize({ width: document.getElementById(id).clientWidth, height: chart.height });
  });
})();

// Sorts a table by the column whose heading is clicked; click again to turn it round.
document.querySelectorAll("table.sortable").forEach((table) => {
  table.querySelectorAll("th").forEach((th, column) => th.addEventListener("click", () => {
    const down = th.dataset.down !== "1"; th.dataset.down = down ? "1" : "0";
    const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)], [nx, ny] = [Number(x), Number(y)];
      const order = Number.isNaN(nx) || Number.isNaN(ny) ? x.localeCompare(y) : nx - ny;
      return down ? -order : order;
    });
    table.tBodies[0].append(...rows);
  }));
});

for (const chart of document.querySelectorAll(".chart")) {
  const plot = chart.querySelector(".plot"), hair = plot.querySelector("i"), right = Number(chart.dataset.right);
  const at = chart.querySelector(".at output"), rest = at.textContent;
  const items = [...chart.querySelectorAll("li")].map(item => {
    const out = item.querySelector("output");
    return {points: JSON.parse(item.dataset.points), out, rest: out.textContent};
  });
  const nearest = (points, step) => points.reduce((a, b) => Math.abs(b[0] - step) < Math.abs(a[0] - step) ? b : a);
  plot.addEventListener("pointermove", event => {
    const box = plot.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const step = nearest(items[0].points, share * right)[0];
    hair.hidden = false;
    hair.style.left = 100 * step / right + "%";
    at.textContent = step.toLocaleString("en");
    for (const item of items) item.out.textContent = String(Number(nearest(item.points, step)[1].toPrecision(3)));
  });
  plot.addEventListener("pointerleave", () => {
    hair.hidden = true;
    at.textContent = rest;
    for (const item of items) item.out.textContent = item.rest;
  });
}

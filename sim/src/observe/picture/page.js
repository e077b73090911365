(function () {
  var svg = document.querySelector(".havip-picture"), at = document.getElementById("at");
  var hair = document.createElementNS("http://www.w3.org/2000/svg", "line");
  hair.setAttribute("class", "pole");
  hair.setAttribute("pointer-events", "none");
  svg.appendChild(hair);
  var panels = Array.prototype.map.call(svg.querySelectorAll(".panel"), function (g) {
    var d = g.dataset;
    return { from: +d.from, to: +d.to, left: +d.left, width: +d.width, top: +d.top, bottom: +d.bottom };
  });
  function hide() { at.style.visibility = hair.style.visibility = "hidden"; }
  svg.addEventListener("mousemove", function (event) {
    var p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    var one = panels.find(function (q) {
      return p.y >= q.top && p.y <= q.bottom && p.x >= q.left && p.x <= q.left + q.width;
    });
    if (!one) return hide();
    var time = one.from + (p.x - one.left) / one.width * (one.to - one.from);
    at.textContent = (time / 1e9).toFixed(one.to - one.from < 1e10 ? 4 : 2) + " s";
    hair.setAttribute("x1", p.x); hair.setAttribute("x2", p.x);
    hair.setAttribute("y1", one.top); hair.setAttribute("y2", one.bottom);
    at.style.visibility = hair.style.visibility = "visible";
  });
  svg.addEventListener("mouseleave", hide);
})();

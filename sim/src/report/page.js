// The viewer of a report: a schedule in a dialog, gone through step by step. Without it the page
// says the same. It asks nothing of a network, and puts no markup together from texts.
"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const viewer = by("viewer");
  const range = by("at");
  const cases = [...document.querySelectorAll(".case")];
  const articleOf = (fold) => fold.querySelector("article");
  // What is open: the fold, its article, who opened it, the number of steps.
  let open = null;

  // --- Steps ---------------------------------------------------------------------------------

  const PLACED = "[data-step], [data-arrives]";
  const stepsOf = (article) => [...article.querySelectorAll(".steps li[data-step]")];

  function go(step) {
    const steps = open.steps;
    const at = Math.max(0, Math.min(steps.length, step));
    open.at = at;
    range.value = String(at);
    const place = (one) => {
      const number = Number(one.dataset.step || one.dataset.arrives);
      one.classList.toggle("later", number > at);
      one.classList.toggle("now", number === at);
    };
    open.article.querySelectorAll(PLACED).forEach(place);
    tell(at, steps);
    by("first").disabled = by("back").disabled = at === 0;
    by("last").disabled = by("on").disabled = at === steps.length;
    show(at);
  }

  // What the step is, for whoever reads and for whoever listens.
  function tell(at, steps) {
    const told = by("told");
    const breaks = at > 0 && steps[at - 1].classList.contains("breaks");
    told.classList.toggle("breaks", breaks);
    range.setAttribute("aria-valuetext", `step ${at} of ${steps.length}`);
    told.textContent = "";
    const number = document.createElement("b");
    number.textContent = at === 0 ? "Before the first step. " : `Step ${at} of ${steps.length}. `;
    told.append(number);
    if (at > 0) told.append(steps[at - 1].textContent.trim());
    if (breaks) told.append(" ✗ breaks the rule");
  }

  // Brings the step into view, in the drawing and in the list, and moves nothing else.
  function show(at) {
    const drawn = open.article.querySelector(".drawn");
    const box = drawn && drawn.querySelector(`g[data-step="${at}"]`);
    const page = by("shown");
    if (!box) {
      page.scrollTop = 0;
      if (drawn) drawn.scrollLeft = 0;
      return;
    }
    const [inner, outer] = [box.getBoundingClientRect(), drawn.getBoundingClientRect()];
    if (inner.left < outer.left || inner.right > outer.right) {
      drawn.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
    }
    const seen = page.getBoundingClientRect();
    if (inner.top < seen.top + 40 || inner.bottom > seen.bottom - 40) {
      page.scrollTop += inner.top - seen.top - (seen.height - inner.height) / 2;
    }
  }

  // --- The dialog ----------------------------------------------------------------------------

  function put() {
    if (!open) return;
    open.article.querySelectorAll(PLACED).forEach((one) => one.classList.remove("later", "now"));
    open.fold.append(open.article);
    // An address that leads into a fold has opened it.
    open.fold.open = false;
    open = null;
  }

  function view(fold, opener) {
    const kept = opener || (open && open.opener);
    put();
    const article = articleOf(fold);
    open = { fold, article, opener: kept, steps: stepsOf(article), at: 0 };
    by("viewer-title").textContent = article.querySelector("h3").textContent;
    const place = cases.indexOf(fold);
    by("viewer-place").textContent = `${place + 1} of ${cases.length}`;
    by("before").disabled = place === 0;
    by("after").disabled = place === cases.length - 1;
    by("shown").replaceChildren(article);
    const steps = open.steps.length;
    document.querySelector(".steer").hidden = by("told").hidden = steps === 0;
    range.max = String(steps);
    if (!viewer.open) viewer.showModal();
    (steps > 0 ? range : by("close")).focus();
    history.replaceState(null, "", "#" + article.id);
    if (steps > 0) go(steps);
  }

  function shift(places) {
    const next = cases[cases.indexOf(open.fold) + places];
    if (next) view(next);
  }

  viewer.addEventListener("close", () => {
    const opener = open && open.opener;
    put();
    history.replaceState(null, "", location.pathname + location.search);
    if (opener && opener.isConnected) opener.focus();
  });
  viewer.addEventListener("click", (event) => {
    if (event.target === viewer) viewer.close();
    const step = event.target.closest("[data-step]");
    if (step && open) go(Number(step.dataset.step));
  });
  by("close").addEventListener("click", () => viewer.close());
  by("before").addEventListener("click", () => shift(-1));
  by("after").addEventListener("click", () => shift(1));
  by("first").addEventListener("click", () => go(0));
  by("back").addEventListener("click", () => go(open.at - 1));
  by("on").addEventListener("click", () => go(open.at + 1));
  by("last").addEventListener("click", () => go(open.steps.length));
  range.addEventListener("input", () => go(Number(range.value)));

  const keys = {
    ArrowLeft: () => go(open.at - 1),
    ArrowRight: () => go(open.at + 1),
    Home: () => go(0),
    End: () => go(open.steps.length),
    n: () => shift(1),
    p: () => shift(-1),
  };
  viewer.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || !open || event.ctrlKey || event.metaKey || event.altKey) return;
    if (open.steps.length === 0 && event.key.length > 1) return;
    event.preventDefault();
    act();
  });

  // --- The matrix ----------------------------------------------------------------------------

  function caseOf(address) {
    const found = address.startsWith("#case-") && by(address.slice(1));
    return found ? cases.find((fold) => articleOf(fold) === found) : undefined;
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#case-"]');
    const fold = link && caseOf(link.getAttribute("href"));
    if (!fold || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    view(fold, link);
  });
  for (const fold of cases) {
    const line = fold.querySelector("summary");
    line.addEventListener("click", (event) => {
      event.preventDefault();
      view(fold, line);
    });
  }

  // Arrows go from one broken rule to the next, in a row or a column.
  document.querySelectorAll("#matrix table").forEach((table) => {
    table.addEventListener("keydown", (event) => {
      const ways = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      const way = ways[event.key];
      const cell = event.target.closest("td");
      if (!way || !cell) return;
      const rows = [...table.rows];
      let [row, column] = [rows.indexOf(cell.parentElement), cell.cellIndex];
      for (;;) {
        [row, column] = [row + way[0], column + way[1]];
        if (!rows[row] || column < 0 || column >= rows[0].cells.length) return;
        const link = rows[row].cells[column] && rows[row].cells[column].querySelector("a");
        if (!link) continue;
        event.preventDefault();
        link.focus();
        return;
      }
    });
  });

  // --- The graph of states -------------------------------------------------------------------

  document.querySelectorAll(".states").forEach((graph) => {
    const light = (state) => {
      graph.classList.toggle("lit", Boolean(state));
      graph.querySelectorAll("path[data-from]").forEach((edge) => {
        const { from, to } = edge.dataset;
        const number = state && state.dataset.state;
        edge.classList.toggle("lit", from === number || to === number);
      });
    };
    const find = (event) => light(event.target.closest(".state"));
    graph.addEventListener("pointerover", find);
    graph.addEventListener("pointerleave", () => light(null));
    graph.addEventListener("focusin", find);
    graph.addEventListener("focusout", () => light(null));
  });

  // --- Theme, copying, paper -----------------------------------------------------------------

  const themes = { "": "as the system", light: "light", dark: "dark" };
  // A page in a file may not be allowed to keep anything.
  const kept = {
    get: () => { try { return localStorage.getItem("lastbyte-theme") || ""; } catch { return ""; } },
    set: (name) => { try { localStorage.setItem("lastbyte-theme", name); } catch { /* It is forgotten. */ } },
  };
  function theme(name) {
    const known = name in themes ? name : "";
    if (known) document.documentElement.dataset.theme = known;
    else delete document.documentElement.dataset.theme;
    by("theme").querySelector("span").textContent = themes[known];
    return known;
  }
  let chosen = theme(kept.get());
  by("theme").hidden = false;
  by("theme").addEventListener("click", () => {
    const names = Object.keys(themes);
    chosen = theme(names[(names.indexOf(chosen) + 1) % names.length]);
    kept.set(chosen);
  });

  if (navigator.clipboard) {
    for (const line of document.querySelectorAll(".command")) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.setAttribute("aria-label", "Copy the command");
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(line.querySelector("code").textContent);
          button.textContent = "Copied";
        } catch {
          button.textContent = "Not allowed";
        }
      });
      line.append(button);
    }
  }

  // On paper every fold is open.
  let folded = [];
  addEventListener("beforeprint", () => {
    if (viewer.open) viewer.close();
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((fold) => { fold.open = false; }));

  function ask() {
    const fold = caseOf(location.hash);
    if (fold) view(fold, fold.querySelector("summary"));
  }
  addEventListener("hashchange", ask);
  // After the browser has gone to the address by itself.
  addEventListener("load", () => setTimeout(ask));
})();

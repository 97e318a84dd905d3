(() => {
  const told = document.querySelector('meta[name="kpi-live"]').content;
  const here = decodeURIComponent(location.pathname).split("/");
  const company = here.length > 3 ? here[1] : "";
  const states = new Map();
  const bar = document.createElement("div");
  bar.setAttribute("role", "status");
  bar.id = "kpi-live";
  Object.assign(bar.style, {
    position: "fixed", left: "0", right: "0", bottom: "0", zIndex: "9", maxHeight: "40vh", overflow: "auto",
    padding: "0.7rem 1.2rem", whiteSpace: "pre-wrap", fontSize: "0.9rem", lineHeight: "1.45",
    borderTop: "1px solid var(--line, #888)", background: "var(--band, Canvas)", color: "var(--ink, CanvasText)",
    boxShadow: "0 -4px 16px rgba(0, 0, 0, 0.18)", display: "none",
  });
  const sheet = document.createElement("style");
  sheet.textContent = "@media print { #kpi-live { display: none !important } }";
  document.head.append(sheet);
  document.body.append(bar);

  const show = () => {
    const parts = [];
    for (const state of states.values()) {
      if (!state.text || (company && state.company !== company)) continue;
      const name = company ? "" : `${state.company}: `;
      parts.push(name + state.text + (state.cause ? `\n${state.cause}` : ""));
    }
    const text = parts.join("\n");
    if (bar.textContent === text) return;
    bar.textContent = text;
    bar.style.display = text ? "block" : "none";
    const bad = [...states.values()].some((state) => state.phase === "failed" && (!company || state.company === company));
    bar.style.borderTop = bad ? "3px solid var(--bad, #a3261f)" : "1px solid var(--line, #888)";
  };

  const source = new EventSource("/-/events");
  source.onmessage = (event) => {
    const state = JSON.parse(event.data);
    const before = states.get(state.company);
    states.set(state.company, state);
    show();
    const version = company ? state.version : state.all;
    if ((company && state.company !== company) || version === told) return;
    source.close();
    const moved = company && before && before.as_of === here[2] && state.as_of && state.as_of !== here[2];
    if (moved) {
      here[2] = state.as_of;
      location.replace(here.map(encodeURIComponent).join("/") + location.hash);
    } else {
      location.reload();
    }
  };
})();

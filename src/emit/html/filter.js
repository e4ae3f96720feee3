(() => {
  const all = [...document.querySelectorAll(".who")];
  const texts = all.map((one) => one.textContent.toLowerCase());
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const show = () => {
    const words = search.value.toLowerCase().split(" ").filter(Boolean);
    const state = document.querySelector("input[name=state]:checked").value;
    let shown = 0;
    all.forEach((one, at) => {
      const fits = (state === "all" || one.dataset.state === state) && words.every((word) => texts[at].includes(word));
      one.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    count.textContent = shown + " of " + all.length;
  };
  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let one = target; one; one = one.parentElement) {
      if (one.tagName === "DETAILS") one.open = true;
      one.hidden = false;
    }
    if (target) target.scrollIntoView();
  };
  document.getElementById("filter").hidden = false;
  document.getElementById("filter").addEventListener("input", show);
  addEventListener("hashchange", open);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    }
  });
  const closed = [];
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details:not([open])").forEach((one) => closed.push(one) && (one.open = true));
  });
  addEventListener("afterprint", () => closed.splice(0).forEach((one) => (one.open = false)));
  show();
  open();
})();

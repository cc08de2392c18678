// The wall: shows the pages whose name or description has all words of the search.
const search = document.getElementById("search");
const items = [...document.querySelectorAll("#found li")];
function find() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const item of items) {
    const text = item.textContent.toLowerCase();
    item.hidden = !words.every((word) => text.includes(word));
  }
}
search?.addEventListener("input", find);
document.addEventListener("keydown", (event) => {
  if (search && event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  }
});

// The picture of the lineage: shows what the chosen column is made of, and what is made of it.
const picture = document.querySelector(".lineage");
function choose() {
  const row = document.getElementById(location.hash.slice(1));
  const chosen = row?.dataset.boxes && JSON.parse(row.dataset.boxes);
  picture.classList.toggle("chosen", Boolean(chosen));
  for (const box of picture.querySelectorAll(".box")) {
    const [column, columns] = chosen?.[box.dataset.box] ?? [];
    box.classList.toggle("related", Boolean(column));
    box.querySelector(".kind").textContent = columns ?? box.dataset.kind;
    const page = box.getAttribute("href")?.replace(/#column-.*/, "");
    if (page) box.setAttribute("href", column && column !== "*" && !page.includes("#") ? `${page}#column-${column}` : page);
  }
  for (const line of picture.querySelectorAll("path"))
    line.classList.toggle("related", Boolean(chosen) && line.dataset.ends.split(" ").every((box) => chosen[box]));
}
if (picture) {
  addEventListener("hashchange", choose);
  choose();
  const here = picture.querySelector(".here rect");
  picture.scrollLeft = here.x.baseVal.value + here.width.baseVal.value / 2 - picture.clientWidth / 2;
}

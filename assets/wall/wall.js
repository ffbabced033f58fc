// The wall: shows a tile for each channel, and updates it when changes arrive by server-sent events.
//
//   channels.json -> records -> tiles          events -> pending views -> one patch per frame
//
// Only differences are written to the page. Only tiles near the viewport load pictures and update their ages.

/** The worst first, in the order of the watch. */
const STATES = ["down", "stale", "black", "flat", "frozen", "silent", "ok"];
const LABELS = { down: "Down", black: "Black", frozen: "Frozen", stale: "Stale", flat: "Flat", silent: "Silent", ok: "OK", waiting: "Waiting" };
const SIZES = ["s", "m", "l"];
const HOUR = 3600;

const $ = (id) => document.getElementById(id);
const root = document.documentElement;
const number = new Intl.NumberFormat("en");

/** The state of the page. */
const records = new Map();
const pending = new Map();
const changed = new Set();
const filter = { states: new Set(), group: "", words: [] };
const sections = { trouble: section("trouble"), calm: section("calm") };
const feed = { source: null, id: "", lastMessage: 0, retry: 0, timer: 0 };
let everySeconds = 10;
/** Milliseconds by which the server's clock is ahead. */
let clockAhead = 0;
let counts = {};
let openId = null;
let frameRequested = false;
let current = null;
/** The view that the panel shows. */
let shownView = null;

function section(id) {
  const element = $(id);
  return { element, grid: element.querySelector(".grid"), count: element.querySelector(".count"), list: [] };
}

// --- Text

const now = () => Date.now() + clockAhead;
const stateOf = (view) => view.state ?? "waiting";
const isTroubled = (view) => view.state !== null && view.state !== "ok";

/** A time span in its largest unit. */
function span(seconds) {
  const rounded = Math.max(0, Math.round(seconds));
  if (rounded < 60) return `${rounded} s`;
  if (rounded < HOUR) return `${Math.floor(rounded / 60)} min`;
  if (rounded < 48 * HOUR) return `${Math.floor(rounded / HOUR)} h`;
  return `${Math.floor(rounded / (24 * HOUR))} d`;
}

const secondsSince = (time) => (now() - Date.parse(time)) / 1000;
const clock = (time) => new Date(time).toLocaleTimeString("en-GB");
const plural = (count, word) => `${number.format(count)} ${word}${count === 1 ? "" : "s"}`;

function icon(state) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${state}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// --- Tiles

const template = (() => {
  const li = element("li");
  const tile = element("button", { type: "button", class: "tile", tabindex: "-1" });
  const shot = element("div", { class: "shot" });
  const image = element("img", { alt: "", decoding: "async" });
  const badge = element("span", { class: "badge" }, icon("waiting"), element("span"), element("span"));
  shot.append(element("span", { class: "none" }, "No picture yet"), image, badge);
  const caption = element("div", { class: "caption" }, icon("waiting"), element("span", { class: "name" }));
  caption.append(element("span", { class: "age" }), element("span", { class: "more" }));
  tile.append(shot, caption);
  li.append(tile);
  return li;
})();

const nearby = new Set();
const observer = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const record = entry.target.record;
      record.isNear = entry.isIntersecting;
      if (record.isNear) {
        nearby.add(record);
        showPicture(record);
        showTimes(record);
      } else {
        nearby.delete(record);
      }
    }
  },
  { rootMargin: "300px" },
);

function makeRecord(view, index) {
  const li = template.cloneNode(true);
  const tile = li.firstChild;
  const [shot, caption] = tile.children;
  const [none, image, badge] = shot.children;
  const [badgeIcon, badgeState, badgeTime] = badge.children;
  const [captionIcon, name, age, more] = caption.children;
  const icons = [badgeIcon.firstChild, captionIcon.firstChild];
  const record = { view, index, li, tile, shot, none, image, badgeState, badgeTime, name, age, more, icons, shown: {}, isNear: false, section: null };
  li.record = record;
  image.addEventListener("load", () => set(record, "none", true, (on) => (none.hidden = on)));
  observer.observe(li);
  return record;
}

/** Writes a part of a tile if it has changed. */
function set(record, part, value, write) {
  if (record.shown[part] !== value) {
    record.shown[part] = value;
    write(value);
  }
}

function showTile(record) {
  const { view, tile, icons } = record;
  const state = stateOf(view);
  set(record, "state", state, () => {
    tile.dataset.state = state;
    for (const use of icons) use.setAttribute("href", `#i-${state}`);
    record.badgeState.textContent = LABELS[state];
  });
  set(record, "name", view.name, (text) => (record.name.textContent = text));
  const more = isTroubled(view) ? (view.message ?? view.group) : view.group;
  set(record, "more", more || "\u00a0", (text) => (record.more.textContent = text));
  const label = [view.name, LABELS[state], isTroubled(view) ? view.message : "", view.group].filter(Boolean).join(", ");
  set(record, "label", label, (text) => tile.setAttribute("aria-label", text));
  set(record, "blank", view.verdict?.dominant_color, (color) => color && record.shot.style.setProperty("--blank", color));
  if (record.isNear) {
    showPicture(record);
    showTimes(record);
  }
}

/** Loads a picture. The previous one stays until then. */
function showPicture(record) {
  if (record.view.picture) {
    set(record, "picture", record.view.picture, (url) => (record.image.src = url));
  }
}

function showTimes(record) {
  const { view } = record;
  const age = view.picture_time ? secondsSince(view.picture_time) : null;
  set(record, "age", age === null ? "" : span(age), (text) => (record.age.textContent = text));
  set(record, "late", age !== null && age > Math.max(3 * everySeconds, 15), (on) => record.age.classList.toggle("late", on));
  if (isTroubled(view)) {
    set(record, "for", view.since ? span(secondsSince(view.since)) : "", (text) => (record.badgeTime.textContent = text));
  }
}

// --- Order and filters

const compare = (one, other) => rank(one) - rank(other) || one.index - other.index;
const rank = (record) => (isTroubled(record.view) ? STATES.indexOf(record.view.state) : 0);

function matches({ view, haystack }) {
  const { states, group, words } = filter;
  return (states.size === 0 || states.has(stateOf(view))) && (!group || view.group === group) && words.every((word) => haystack.includes(word));
}

/** The position of a record in a sorted list. */
function position(list, record) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(list[middle], record) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Moves a tile to its place, without moving the others. */
function place(record) {
  const wanted = matches(record) ? (isTroubled(record.view) ? sections.trouble : sections.calm) : null;
  const key = wanted && `${rank(record)} ${record.index}`;
  if (record.section === wanted && record.key === key) return;
  const hadFocus = document.activeElement === record.tile;
  if (record.section) {
    record.section.list.splice(record.section.list.indexOf(record), 1);
    if (!wanted) record.li.remove();
  }
  [record.section, record.key] = [wanted, key];
  if (wanted) {
    const at = position(wanted.list, record);
    wanted.grid.insertBefore(record.li, wanted.list[at]?.li ?? null);
    wanted.list.splice(at, 0, record);
    if (hadFocus) record.tile.focus({ preventScroll: true });
  }
}

/** Places all tiles again, after a change of filters. */
function placeAll() {
  for (const each of Object.values(sections)) each.list = [];
  for (const record of records.values()) {
    record.section = matches(record) ? (isTroubled(record.view) ? sections.trouble : sections.calm) : null;
    record.key = record.section && `${rank(record)} ${record.index}`;
    record.section?.list.push(record);
  }
  for (const { list, grid } of Object.values(sections)) {
    list.sort(compare);
    grid.replaceChildren(...list.map((record) => record.li));
  }
  showCounts();
}

function ordered() {
  return [...sections.trouble.list, ...sections.calm.list];
}

function showCounts() {
  const next = Object.fromEntries([...STATES, "waiting"].map((state) => [state, 0]));
  for (const { view } of records.values()) next[stateOf(view)] += 1;
  counts = next;
  const total = records.size;
  const troubled = total - counts.ok - counts.waiting;
  for (const chip of $("chips").children) {
    const count = chip.dataset.state === "all" ? total : counts[chip.dataset.state];
    if (chip.dataset.count !== String(count)) {
      chip.dataset.count = count;
      chip.querySelector("b").textContent = number.format(count);
    }
  }
  const waiting = counts.waiting ? ` · ${number.format(counts.waiting)} waiting` : "";
  const text = troubled ? `${number.format(troubled)} of ${plural(total, "channel")} in trouble${waiting}` : `${plural(total, "channel")}, none in trouble${waiting}`;
  if ($("summary").textContent !== text) $("summary").textContent = text;
  const title = `${troubled ? `(${troubled}) ` : ""}hlsnap wall`;
  if (document.title !== title) document.title = title;
  for (const { element, list, count } of Object.values(sections)) {
    element.hidden = list.length === 0;
    const shown = number.format(list.length);
    if (count.textContent !== shown) count.textContent = shown;
  }
  const isEmpty = sections.trouble.list.length + sections.calm.list.length === 0;
  $("empty").hidden = !isEmpty;
  if (isEmpty) $("empty").textContent = total ? "No channel matches. Press Esc to clear the filters." : "The list has no channels.";
  // Tab reaches one tile; the arrow keys reach the others
  if (!current?.section) setCurrent(ordered()[0]);
}

function showFilters() {
  for (const chip of $("chips").children) {
    const { state } = chip.dataset;
    chip.setAttribute("aria-pressed", String(state === "all" ? filter.states.size === 0 : filter.states.has(state)));
  }
  placeAll();
}

function toggleState(state) {
  if (state === "all") filter.states.clear();
  else if (!filter.states.delete(state)) filter.states.add(state);
  showFilters();
}

function search() {
  filter.words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  placeAll();
}

function clearFilters() {
  filter.states.clear();
  filter.group = $("group").value = "";
  $("search").value = "";
  filter.words = [];
  showFilters();
}

function showGroups() {
  const names = [...new Set([...records.values()].map(({ view }) => view.group).filter(Boolean))].sort((a, b) => a.localeCompare(b));
  $("group").replaceChildren(element("option", { value: "" }, "All groups"), ...names.map((name) => element("option", { value: name }, name)));
  $("group").value = filter.group;
  $("group").hidden = names.length === 0;
}

// --- Changes

function take(record, view) {
  record.view = view;
  const haystack = [view.name, view.id, view.group, view.url].join("\n").toLowerCase();
  if (record.haystack !== haystack) record.haystack = haystack;
}

function requestPatch() {
  if (frameRequested) return;
  frameRequested = true;
  // A hidden page gets no animation frames, but its title must stay up to date
  if (document.hidden) setTimeout(patch, 250);
  else requestAnimationFrame(patch);
}

function patch() {
  frameRequested = false;
  for (const [id, view] of pending) {
    const record = records.get(id);
    if (!record) continue;
    take(record, view);
    showTile(record);
    place(record);
    if (changed.has(id)) flash(record);
  }
  if (openId !== null && pending.has(openId)) showPanel();
  pending.clear();
  changed.clear();
  showCounts();
}

function flash({ tile }) {
  tile.classList.remove("changed");
  tile.addEventListener("animationend", () => tile.classList.remove("changed"), { once: true });
  requestAnimationFrame(() => tile.classList.add("changed"));
}

/** Loads the list, at the start and if too many changes were missed. */
async function load() {
  const response = await fetch("channels.json", { cache: "no-store" });
  if (response.status === 403) {
    location.reload();
    return;
  }
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const list = await response.json();
  everySeconds = list.every_seconds;
  clockAhead = Date.parse(list.time) - Date.now();
  feed.id = list.event_id;
  pending.clear();
  const ids = new Set(list.channels.map((view) => view.id));
  for (const [id, record] of records) {
    if (ids.has(id)) continue;
    observer.unobserve(record.li);
    nearby.delete(record);
    records.delete(id);
  }
  list.channels.forEach((view, index) => {
    const record = records.get(view.id) ?? makeRecord(view, index);
    records.set(view.id, record);
    record.index = index;
    take(record, view);
    showTile(record);
  });
  showGroups();
  showFilters();
  if (openId !== null) records.has(openId) ? showPanel() : closePanel();
}

function showLink(state, text) {
  if ($("link").dataset.link !== state) $("link").dataset.link = state;
  if ($("link-text").textContent !== text) $("link-text").textContent = text;
}

function follow() {
  feed.source?.close();
  const source = new EventSource(`events?after=${encodeURIComponent(feed.id)}`);
  feed.source = source;
  feed.lastMessage = Date.now();
  const listen = (name, handle) =>
    source.addEventListener(name, (event) => {
      feed.lastMessage = Date.now();
      if (event.lastEventId) feed.id = event.lastEventId;
      handle(event);
    });
  source.addEventListener("open", () => {
    feed.retry = 0;
    showLink("live", "live");
  });
  source.addEventListener("error", () => {
    showLink("lost", "disconnected");
    // The browser retries by itself unless the server refused
    if (source.readyState === EventSource.CLOSED) retry();
  });
  listen("channels", (event) => {
    for (const view of JSON.parse(event.data)) pending.set(view.id, view);
    requestPatch();
  });
  listen("state", (event) => {
    const { channel } = JSON.parse(event.data);
    changed.add(channel);
    if (channel === openId) loadHistory();
  });
  listen("reset", () => load().catch(retry));
}

function retry() {
  clearTimeout(feed.timer);
  feed.retry = Math.min(feed.retry + 1, 5);
  const seconds = 2 ** (feed.retry - 1);
  showLink("lost", `disconnected, next try in ${seconds} s`);
  feed.timer = setTimeout(start, seconds * 1000);
}

async function start() {
  clearTimeout(feed.timer);
  feed.source?.close();
  try {
    await load();
    follow();
  } catch {
    retry();
  }
}

/** Reconnects if the connection was lost without an error. */
function watchConnection() {
  const silence = (Date.now() - feed.lastMessage) / 1000;
  if (feed.source?.readyState === EventSource.OPEN && records.size > 0 && silence > Math.max(30, 4 * everySeconds)) start();
}

// --- The panel

function openPanel(record) {
  setCurrent(record);
  const isOther = openId !== record.view.id;
  openId = record.view.id;
  history.replaceState(null, "", `#${encodeURIComponent(openId)}`);
  if (!$("panel").open) $("panel").showModal();
  if (isOther) {
    $("panel").querySelector(".panel-body").scrollTop = $("panel").scrollTop = 0;
    for (const id of ["strip", "changes"]) $(id).replaceChildren();
    $("strip-text").textContent = "";
    showLarge(null);
    showPanel();
    loadHistory();
    loadLarge();
  }
}

function closePanel() {
  if ($("panel").open) $("panel").close();
}

function step(by) {
  const list = ordered();
  const at = list.findIndex(({ view }) => view.id === openId);
  const record = list[(at + by + list.length) % list.length];
  if (record) openPanel(record);
}

function write(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function showPanel() {
  const { view } = records.get(openId);
  const state = stateOf(view);
  write("panel-name", view.name);
  write("panel-group", view.group ?? "");
  $("panel-group").hidden = !view.group;
  write("panel-since", view.since ? `for ${span(secondsSince(view.since))}, since ${clock(view.since)}` : "");
  // Do not replace unchanged elements, so that users can select text
  if (shownView === view) return;
  shownView = view;
  $("panel-pill").dataset.state = state;
  $("panel-pill").replaceChildren(icon(state), LABELS[state]);
  write("panel-message", [view.kind, view.message].filter(Boolean).join(": "));
  $("panel-message").hidden = !view.message;
  $("panel-picture").alt = `The newest picture of ${view.name}`;
  showNewest(view);
  showFacts(view);
  $("violations").hidden = view.violations.length === 0;
  $("violations").lastElementChild.replaceChildren(...view.violations.map((text) => element("li", {}, text)));
}

function showFacts(view) {
  const { facts, verdict } = view;
  const seconds = (value) => (value === null || value === undefined ? null : `${Number(value.toFixed(1))} s`);
  const rows = [
    ["Playlist", view.url],
    ["Id", view.id],
    ["Picture", view.picture_time && `${clock(view.picture_time)}, ${view.width} × ${view.height} pixels`],
    ["Behind the source", seconds(view.age_seconds)],
    ["Media Sequence Number", facts.media_sequence_number],
    ["Target duration", seconds(facts.target_duration)],
    ["Window", seconds(facts.window_seconds)],
    ["Codec", facts.codec],
    ["Sound", facts.sound],
    ["Bits per pixel and second", facts.bits_per_pixel_second?.toPrecision(3)],
    ["Mean luma", verdict && `${Math.round(verdict.mean_luma * 100)} %${verdict.black ? ", black" : ""}${verdict.flat ? ", flat" : ""}`],
    ["Dominant color", verdict?.dominant_color],
    ["Hash", verdict?.hash],
    ["Last round", facts.requests ? `${plural(facts.requests, "request")}, ${number.format(Math.ceil(facts.bytes / 1000))} kB` : null],
  ].filter(([, value]) => value !== null && value !== undefined && value !== "");
  $("facts").replaceChildren(
    ...rows.flatMap(([name, value]) => {
      const dd = element("dd", {}, String(value));
      if (name === "Dominant color") {
        const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
        swatch.style.setProperty("--blank", value);
        dd.prepend(swatch);
      }
      return [element("dt", {}, name), dd];
    }),
  );
}

const large = { url: null, request: null };

/** Shows the picture of the last round, until there is a large one. */
function showNewest(view) {
  const image = $("panel-picture");
  $("panel-none").hidden = Boolean(view.picture) || large.url !== null;
  image.hidden = !view.picture && large.url === null;
  if (large.url === null && view.picture && image.getAttribute("src") !== view.picture) image.src = view.picture;
}

function showLarge(blob) {
  if (large.url !== null) URL.revokeObjectURL(large.url);
  large.url = blob && URL.createObjectURL(blob);
  if (large.url === null) $("panel-picture").removeAttribute("src");
  else $("panel-picture").src = large.url;
}

/** Requests a new large picture. */
async function loadLarge() {
  large.request?.abort();
  const request = new AbortController();
  large.request = request;
  const id = openId;
  $("panel-fresh").disabled = true;
  write("panel-note", "Taking a large picture …");
  let note;
  try {
    const response = await fetch(`pictures/${encodeURIComponent(id)}/large.jpg`, { signal: request.signal });
    if (response.ok) {
      showLarge(await response.blob());
      note = `Taken at ${clock(now())}`;
    } else {
      const problem = await response.json().catch(() => null);
      note = `No large picture: ${problem?.detail ?? response.status}`;
    }
  } catch {
    note = "No large picture: the server does not answer";
  }
  if (request.signal.aborted || id !== openId) return;
  write("panel-note", note);
  $("panel-fresh").disabled = false;
  showNewest(records.get(id).view);
}

async function loadHistory() {
  const id = openId;
  const response = await fetch(`channels/${encodeURIComponent(id)}.json`, { cache: "no-store" }).catch(() => null);
  const detail = response?.ok ? await response.json() : null;
  if (detail && id === openId) showHistory(detail.history);
}

/** Runs of rounds with the same state. A round lasts until the next one, unless rounds are missing. */
function runsOf(points) {
  const end = now() / 1000;
  const runs = [];
  points.forEach(([time, state], index) => {
    const next = points[index + 1]?.[0] ?? end;
    const until = Math.min(next, time + Math.max(3 * everySeconds, 15));
    const last = runs[runs.length - 1];
    if (last?.state === state && time - last.until < 1) last.until = until;
    else runs.push({ state, from: time, until });
  });
  return runs;
}

function showHistory({ points, changes }) {
  const start = now() / 1000 - HOUR;
  const svg = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const runs = runsOf(points);
  // Bars of trouble are taller, so that color is not the only difference
  const bars = runs.map(({ state, from, until }) => {
    const [y, height] = state === "ok" ? [32, 12] : [0, 44];
    return svg("rect", { "data-state": state ?? "waiting", x: Math.max(0, from - start), y, width: Math.max(4, until - from), height });
  });
  const lit = points.filter(([, , luma]) => luma !== null).map(([time, , luma]) => `${(time - start).toFixed(0)},${(42 - luma * 40).toFixed(1)}`);
  $("strip").replaceChildren(...bars, svg("polyline", { points: lit.join(" ") }));
  const totals = new Map();
  for (const { state, from, until } of runs) totals.set(state, (totals.get(state) ?? 0) + until - from);
  const parts = [...totals].filter(([, seconds]) => seconds >= 1).sort((a, b) => b[1] - a[1]).map(([state, seconds]) => `${LABELS[state ?? "waiting"].toLowerCase()} for ${span(seconds)}`);
  write("strip-text", parts.length ? `In the last hour: ${parts.join(", ")}. The line is the mean luma.` : "No rounds yet.");
  $("changes").replaceChildren(
    ...[...changes].reverse().map((change) => {
      const text = element("span", {}, `${LABELS[change.to]} after ${LABELS[change.from].toLowerCase()}`);
      if (change.message) text.append(element("span", { class: "dim" }, ` · ${change.message}`));
      return element("li", { "data-state": change.to }, element("span", { class: "dim" }, clock(change.time)), icon(change.to), text);
    }),
  );
}

// --- Keyboard

function setCurrent(record) {
  if (current === record) return;
  current?.tile.setAttribute("tabindex", "-1");
  current = record ?? null;
  current?.tile.setAttribute("tabindex", "0");
}

/** The tile that an arrow key reaches. Up and down follow the rows of the grid, across sections. */
function neighbor(record, key) {
  const list = ordered();
  const at = list.indexOf(record);
  if (key === "ArrowLeft" || key === "ArrowRight") return list[at + (key === "ArrowRight" ? 1 : -1)];
  if (key === "Home" || key === "End") return list[key === "Home" ? 0 : list.length - 1];
  const columns = getComputedStyle(record.section.grid).gridTemplateColumns.split(" ").length;
  const inner = record.section.list.indexOf(record);
  const target = inner + (key === "ArrowDown" ? columns : -columns);
  if (record.section.list[target]) return record.section.list[target];
  const { trouble, calm } = sections;
  const column = inner % columns;
  if (key === "ArrowDown") {
    const isLastRow = Math.floor(inner / columns) === Math.floor((record.section.list.length - 1) / columns);
    if (!isLastRow) return record.section.list.at(-1);
    return record.section === trouble ? calm.list[Math.min(column, calm.list.length - 1)] : undefined;
  }
  if (record.section !== calm || trouble.list.length === 0) return undefined;
  const lastRow = Math.floor((trouble.list.length - 1) / columns) * columns;
  return trouble.list[Math.min(lastRow + column, trouble.list.length - 1)];
}

const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const { key } = event;
  if ($("panel").open) {
    if (key === "ArrowLeft" || key === "ArrowRight") {
      event.preventDefault();
      step(key === "ArrowRight" ? 1 : -1);
    }
    return;
  }
  const isTyping = event.target.matches("input, select");
  if (key === "Escape") {
    clearFilters();
    document.activeElement?.blur();
  } else if (isTyping) {
    if (key === "Enter" || (key === "ArrowDown" && event.target.type === "search")) {
      event.preventDefault();
      ordered()[0]?.tile.focus();
    }
  } else if (ARROWS.includes(key)) {
    const record = event.target.closest(".grid li")?.record;
    const next = record ? neighbor(record, key) : (current ?? ordered()[0]);
    if (!next || (!record && (key === "Home" || key === "End"))) return;
    event.preventDefault();
    next.tile.focus();
    next.tile.scrollIntoView({ block: "nearest" });
  } else if (key === "/") {
    event.preventDefault();
    $("search").focus();
    $("search").select();
  } else if (/^[0-7]$/.test(key)) toggleState(key === "0" ? "all" : STATES[Number(key) - 1]);
  else if (SIZES.includes(key.toLowerCase())) setSize(key.toLowerCase());
  else if (key === "t") toggleTheme();
  else if (key === "?") $("help").showModal();
}

// --- Settings of this browser

/** Stores or reads a setting. Does nothing if the browser forbids storage. */
function remember(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`hlsnap-${name}`);
    localStorage.setItem(`hlsnap-${name}`, value);
  } catch {}
  return null;
}

function setSize(size) {
  $("board").dataset.size = size;
  for (const button of $("sizes").children) button.setAttribute("aria-pressed", String(button.dataset.size === size));
  remember("size", size);
}

function toggleTheme() {
  const isDark = (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark")) === "dark";
  root.dataset.theme = isDark ? "light" : "dark";
  remember("theme", root.dataset.theme);
}

function makeChips() {
  const chip = (state, key) => {
    const label = LABELS[state] ?? "All";
    const button = element("button", { type: "button", class: "chip", "data-state": state, "aria-pressed": "false", title: `${label} (${key})` });
    if (state !== "all") button.append(icon(state));
    button.append(element("span", {}, label), element("b", {}, "0"));
    button.addEventListener("click", () => toggleState(state));
    return button;
  };
  $("chips").append(chip("all", 0), ...STATES.map((state, index) => chip(state, index + 1)));
}

function begin() {
  const theme = remember("theme");
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  const size = remember("size");
  if (SIZES.includes(size)) setSize(size);
  makeChips();
  $("search").addEventListener("input", search);
  $("group").addEventListener("change", (event) => {
    filter.group = event.target.value;
    placeAll();
  });
  $("sizes").addEventListener("click", (event) => event.target.dataset.size && setSize(event.target.dataset.size));
  $("theme").addEventListener("click", toggleTheme);
  $("help-open").addEventListener("click", () => $("help").showModal());
  $("board").addEventListener("click", (event) => {
    const record = event.target.closest(".grid li")?.record;
    if (record) openPanel(record);
  });
  $("board").addEventListener("focusin", (event) => {
    const record = event.target.closest(".grid li")?.record;
    if (record) setCurrent(record);
  });
  $("panel-close").addEventListener("click", closePanel);
  $("panel-previous").addEventListener("click", () => step(-1));
  $("panel-next").addEventListener("click", () => step(1));
  $("panel-fresh").addEventListener("click", loadLarge);
  for (const id of ["panel", "help"]) {
    // A click on the backdrop counts as a click on the dialog itself
    $(id).addEventListener("click", (event) => {
      const { left, right, top, bottom } = $(id).getBoundingClientRect();
      const isInside = event.clientX >= left && event.clientX <= right && event.clientY >= top && event.clientY <= bottom;
      if (event.target === $(id) && !isInside) $(id).close();
    });
  }
  $("panel").addEventListener("close", () => {
    large.request?.abort();
    showLarge(null);
    // The browser has given the focus back to the tile that opened the panel
    const record = records.get(openId);
    openId = shownView = null;
    history.replaceState(null, "", location.pathname + location.search);
    record?.tile.focus();
  });
  document.addEventListener("keydown", onKey);
  setInterval(() => {
    if (!document.hidden) {
      for (const record of nearby) showTimes(record);
      if (openId !== null) showPanel();
    }
    watchConnection();
  }, 1000);
  setInterval(() => openId !== null && loadHistory(), 10000);
  start().then(() => {
    const record = records.get(decodeURIComponent(location.hash.slice(1)));
    if (record) openPanel(record);
  });
}

begin();

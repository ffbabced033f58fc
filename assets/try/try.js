// The page to try hlsnap: turns a form, which is made from the table of options, into a URL of this server and a command line.

const $ = (id) => document.getElementById(id);
const LABELS = { snapshot: "Picture", sheet: "Contact sheet", storyboard: "Storyboard", animated: "Animation", inspect: "Playlists" };
const ACTIONS = { snapshot: "Take the picture", sheet: "Make the sheet", storyboard: "Make the storyboard", animated: "Make the animation", inspect: "Read the playlists" };
const OUTPUTS = { snapshot: "snapshot", sheet: "sheet", storyboard: "storyboard", animated: "preview" };
/** Frequent values. The server accepts more. */
const SUGGESTIONS = {
  at: ["live", "start", "90", "1:30", "-10s", "50%"],
  fit: ["contain", "cover", "fill", "pad"],
  subsampling: ["420", "444"],
  tone_map: ["auto", "clip", "none"],
  variant: ["auto", "best", "worst", "720p", "<=720p", "<=2M", "#0"],
  width: ["320", "640", "1280"],
};
const OPEN_SECTIONS = ["Moments", "Layout", "Picture", "Variant and size"];
const SHORT_DEFAULT = /\s*\[default: ([^\]]{1,24})\]/;
const WHOLE_TIMEOUT = 120000;

let catalog = { resources: [], options: [], signed: false };
let resource = null;
let running = null;
let shownBlob = null;
/** The given values by the option's key. They stay when the user chooses another resource. */
const values = new Map();

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// --- The form

const optionsOf = () => catalog.options.filter((option) => option.kind !== "argument" && resource.options.includes(option.key));

/** The control of one option, by its kind. */
function control(option) {
  const id = `option-${option.key}`;
  const common = { id, "aria-describedby": `${id}-help` };
  const given = values.get(option.key);
  if (option.kind === "switch") {
    const box = element("input", { ...common, type: "checkbox" });
    box.checked = given === "true";
    box.addEventListener("input", () => give(option, box.checked ? "true" : ""));
    return box;
  }
  if (option.kind === "bool") {
    const select = element("select", common, element("option", { value: "" }, /\[default: true/.test(option.help) ? "default: yes" : "default: no"), element("option", { value: "true" }, "yes"), element("option", { value: "false" }, "no"));
    select.value = given ?? "";
    select.addEventListener("input", () => give(option, select.value));
    return select;
  }
  const fallback = SHORT_DEFAULT.exec(option.help)?.[1] ?? "";
  const input = element("input", { ...common, placeholder: fallback, spellcheck: "false" });
  if (option.kind === "integer") {
    const [min, max] = option.range;
    Object.assign(input, { type: "number", min, max, step: 1, inputMode: "numeric" });
  } else {
    input.type = "text";
  }
  const suggestions = option.kind === "optional" ? ["true"] : SUGGESTIONS[option.key];
  if (suggestions) input.setAttribute("list", `${id}-list`);
  input.value = given ?? "";
  input.addEventListener("input", () => give(option, input.value.trim()));
  return input;
}

function field(option) {
  const id = `option-${option.key}`;
  const made = element("div", { class: "field", "data-key": option.key });
  const label = element("label", { for: id }, option.key.replaceAll("_", " "));
  // The field itself shows the default
  const help = element("p", { class: "help", id: `${id}-help` }, option.kind === "switch" ? option.help : option.help.replace(SHORT_DEFAULT, ""));
  if (option.long_help) help.title = option.long_help;
  const input = control(option);
  if (option.kind === "switch") made.append(element("div", { class: "line" }, input, label), help);
  else made.append(label, input, help);
  const suggestions = option.kind === "optional" ? ["true"] : SUGGESTIONS[option.key];
  if (suggestions) made.append(element("datalist", { id: `${id}-list` }, ...suggestions.map((value) => element("option", { value }))));
  made.classList.toggle("given", values.has(option.key));
  return made;
}

function showForm() {
  const open = new Set([...document.querySelectorAll("details.group[open]")].map((group) => group.dataset.section));
  const isFirst = !document.querySelector("details.group");
  const sections = Map.groupBy ? Map.groupBy(optionsOf(), (option) => option.section) : groupBySection(optionsOf());
  $("sections").replaceChildren(
    ...[...sections].map(([name, options]) => {
      const group = element("details", { class: "group", "data-section": name }, element("summary", {}, `${name} `, element("span", { class: "dim" })));
      group.open = isFirst ? OPEN_SECTIONS.includes(name) : open.has(name) || OPEN_SECTIONS.includes(name);
      group.append(element("div", { class: "fields" }, ...options.map(field)));
      return group;
    }),
  );
  for (const button of $("resources").children) button.setAttribute("aria-pressed", String(button.dataset.path === resource.path));
  $("ending").replaceChildren(...resource.endings.map((ending) => element("option", { value: ending }, ending.toUpperCase())));
  $("ending").hidden = resource.endings.length < 2;
  $("go").textContent = ACTIONS[resource.path];
  showTexts();
}

function groupBySection(options) {
  const groups = new Map();
  for (const option of options) groups.set(option.section, [...(groups.get(option.section) ?? []), option]);
  return groups;
}

function give(option, value) {
  if (value === "") values.delete(option.key);
  else values.set(option.key, value);
  // Options that conflict are an error
  const conflicting = catalog.options.filter((other) => other.name === option.conflicts_with || other.conflicts_with === option.name);
  if (value !== "") {
    for (const other of conflicting) {
      if (values.delete(other.key)) document.querySelector(`[data-key="${other.key}"]`)?.replaceWith(field(other));
    }
  }
  document.querySelector(`[data-key="${option.key}"]`)?.classList.toggle("given", values.has(option.key));
  showTexts();
}

// --- The texts to copy

function query() {
  const pairs = new URLSearchParams();
  pairs.set("url", $("url").value.trim());
  for (const option of optionsOf()) {
    if (values.has(option.key)) pairs.set(option.key, values.get(option.key));
  }
  return pairs.toString();
}

const path = (ending = $("ending").value || resource.endings[0]) => `${resource.path}.${ending}`;
const absolute = (relative) => new URL(relative, document.baseURI).href;

/** A word quoted for a POSIX shell. */
const quoted = (word) => (/^[A-Za-z0-9_@%+:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function commandLine() {
  const words = ["hlsnap", ...(resource.command === "snap" ? [] : [resource.command]), $("url").value.trim() || "URL"];
  for (const option of optionsOf()) {
    const value = values.get(option.key);
    if (value === undefined) continue;
    const isBare = value === "true" && ["switch", "optional"].includes(option.kind);
    if (isBare) words.push(`--${option.name}`);
    else if (["bool", "optional"].includes(option.kind) || value.startsWith("-")) words.push(`--${option.name}=${value}`);
    else words.push(`--${option.name}`, value);
  }
  const ending = $("ending").value;
  if (resource.path === "inspect") words.push("--json");
  else if (resource.path === "storyboard") words.push(...(ending === "webp" ? ["--format", "webp"] : []), "-o", "storyboard");
  else words.push("-o", `${OUTPUTS[resource.path]}.${ending}`);
  return words.map(quoted).join(" ");
}

function showTexts() {
  const url = `${path()}?${query()}`;
  $("request-url").textContent = absolute(url);
  $("command").textContent = commandLine();
  $("sign-command").textContent = `HLSNAP_KEY=... hlsnap sign ${quoted(absolute(url))}`;
  for (const group of document.querySelectorAll("details.group")) {
    const count = group.querySelectorAll(".given").length;
    group.querySelector("summary .dim").textContent = count ? `${count} given` : "";
  }
  history.replaceState(null, "", `#${path()}?${query()}`);
}

async function copy(button) {
  const source = $(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    // Without https: the browser may refuse; the user can copy the selected text by hand
    getSelection().selectAllChildren(source);
    button.textContent = "Selected";
  }
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

// --- The answer

function showStage(...children) {
  $("stage").replaceChildren(...children);
  // On a phone the result is below the form
  if ($("form").getBoundingClientRect().right > $("stage").getBoundingClientRect().left) $("stage").scrollIntoView({ block: "nearest" });
  for (const id of ["scrubber", "facts-section", "report"]) $(id).hidden = true;
  $("report").open = false;
}

function showProblem(problem, status) {
  const lines = [problem.detail, problem.url, problem.hint && `What to do: ${problem.hint}`].filter(Boolean);
  const title = element("strong", {}, problem.title ?? "No answer");
  const kind = element("p", { class: "dim" }, [problem.kind, status && `HTTP ${status}`, problem.origin_status && `the origin answered ${problem.origin_status}`].filter(Boolean).join(" · "));
  showStage(element("div", { class: "problem", role: "alert" }, title, ...lines.map((line) => element("p", {}, line)), kind));
  $("measure").textContent = "";
}

/** The pasted signed URL, moved to this server. */
function signedUrl() {
  const text = $("signed-url").value.trim();
  if (!catalog.signed || !text) return null;
  const given = new URL(text, document.baseURI);
  return absolute(given.pathname.split("/").at(-1) + given.search);
}

async function run(event) {
  event.preventDefault();
  running?.abort();
  const request = new AbortController();
  running = request;
  const timeout = setTimeout(() => request.abort(), WHOLE_TIMEOUT);
  const began = performance.now();
  const elapsed = () => `${((performance.now() - began) / 1000).toFixed(2)} s`;
  const clock = setInterval(() => ($("measure").textContent = elapsed()), 100);
  $("go").setAttribute("aria-busy", "true");
  try {
    const url = signedUrl() ?? absolute(`${path()}?${query()}`);
    const response = await fetch(url, { signal: request.signal, cache: "no-store" });
    const isProblem = response.headers.get("content-type")?.includes("problem+json");
    const blob = await response.blob();
    clearInterval(clock);
    if (isProblem) showProblem(JSON.parse(await blob.text()), response.status);
    else if (!response.ok) showProblem({ detail: await blob.text() }, response.status);
    else if (blob.type.startsWith("image/")) await showPicture(response, blob, elapsed());
    else showJson(JSON.parse(await blob.text()), elapsed());
  } catch (error) {
    if (running === request) showProblem({ detail: error.name === "AbortError" ? "It took too long." : `The server does not answer, or not as expected: ${error.message}` });
  } finally {
    clearInterval(clock);
    clearTimeout(timeout);
    if (running === request) $("go").removeAttribute("aria-busy");
  }
}

function showJson(json, elapsed) {
  showStage(element("pre", { tabindex: "0" }, JSON.stringify(json, null, 2)));
  $("measure").textContent = elapsed;
}

async function showPicture(response, blob, elapsed) {
  if (shownBlob) URL.revokeObjectURL(shownBlob);
  shownBlob = URL.createObjectURL(blob);
  const image = element("img", { src: shownBlob, alt: "The picture that hlsnap made" });
  await image.decode().catch(() => {});
  showStage(image);
  const kilobytes = (blob.size / 1000).toFixed(1);
  $("measure").textContent = `${image.naturalWidth} × ${image.naturalHeight} pixels · ${kilobytes} kB · ${blob.type} · ${elapsed}`;
  const facts = [...response.headers].filter(([name]) => /^(x-hlsnap-|cache-control|etag|age)/.test(name));
  $("facts").replaceChildren(...facts.flatMap(([name, value]) => [element("dt", {}, name.replace("x-hlsnap-", "").replaceAll("-", " ")), element("dd", {}, value)]));
  $("facts-section").hidden = facts.length === 0;
  $("report").hidden = resource.path !== "snapshot" || catalog.signed;
  if (resource.path === "storyboard" && !catalog.signed) await showScrubber(image);
}

async function loadReport() {
  if (!$("report").open) return;
  $("report-text").textContent = "Loading …";
  const response = await fetch(`report.json?${query()}`).catch(() => null);
  $("report-text").textContent = response ? JSON.stringify(await response.json(), null, 2) : "The server does not answer.";
}

/** A seek bar that shows the storyboard's tiles, by its WebVTT document. */
async function showScrubber(image) {
  const response = await fetch(`storyboard.vtt?${query()}`).catch(() => null);
  if (!response?.ok) return;
  const cues = [...(await response.text()).matchAll(/^([\d:.]+) --> ([\d:.]+).*\n.*#xywh=(\d+),(\d+),(\d+),(\d+)/gm)];
  if (cues.length === 0) return;
  const seconds = (text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  const show = () => {
    const [, from, , x, y, width, height] = cues[$("scrub").value];
    const style = { width: `${width}px`, height: `${height}px`, backgroundImage: `url(${shownBlob})`, backgroundPosition: `-${x}px -${y}px`, backgroundSize: `${image.naturalWidth}px` };
    Object.assign($("tile").style, style);
    $("tile-time").textContent = `${seconds(from).toFixed(1)} s`;
  };
  $("scrub").max = cues.length - 1;
  $("scrub").value = 0;
  $("scrub").oninput = show;
  show();
  $("scrubber").hidden = false;
}

// --- The start

function toggleTheme() {
  const root = document.documentElement;
  const isDark = (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark")) === "dark";
  root.dataset.theme = isDark ? "light" : "dark";
  try {
    localStorage.setItem("hlsnap-theme", root.dataset.theme);
  } catch {}
}

function choose(chosen) {
  resource = chosen;
  showForm();
}

/** Reads the form from the fragment of the URL, so that users can share it. */
function readFragment() {
  const [name, text = ""] = location.hash.slice(1).split(/\?(.*)/s);
  const [stem, ending] = name.split(".");
  const pairs = new URLSearchParams(text);
  $("url").value = pairs.get("url") ?? "";
  for (const option of catalog.options) {
    if (option.kind !== "argument" && pairs.has(option.key)) values.set(option.key, pairs.get(option.key));
  }
  choose(catalog.resources.find(({ path }) => path === stem) ?? catalog.resources[0]);
  if (resource.endings.includes(ending)) $("ending").value = ending;
  showTexts();
}

async function begin() {
  try {
    const theme = localStorage.getItem("hlsnap-theme");
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  } catch {}
  catalog = await (await fetch("options.json")).json();
  $("version").textContent = catalog.version;
  $("signed").hidden = !catalog.signed;
  $("resources").append(
    ...catalog.resources.map((row) => {
      const button = element("button", { type: "button", "data-path": row.path, "aria-pressed": "false" }, LABELS[row.path]);
      button.addEventListener("click", () => choose(row));
      return button;
    }),
  );
  readFragment();
  $("form").addEventListener("submit", run);
  $("url").addEventListener("input", showTexts);
  $("ending").addEventListener("input", showTexts);
  $("clear").addEventListener("click", () => {
    values.clear();
    showForm();
  });
  $("theme").addEventListener("click", toggleTheme);
  $("report").addEventListener("toggle", loadReport);
  for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button));
  $("url").focus({ preventScroll: true });
}

begin();

// The wall in Chromium: see pages.mjs.

const tiles = (page, section = "") => page.locator(`${section} .grid > li`);
const names = (page, section = "") => page.locator(`${section} .grid > li .name`).allTextContents();
const focused = (page) => page.evaluate(() => document.activeElement?.querySelector?.(".name")?.textContent ?? document.activeElement?.id);
const overflows = (page) => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

/** Checks the wall; gives what was measured. */
export async function checkWall(url, openPage, check) {
  const { page, shoot, close } = await openPage({});
  const ask = (path) => page.evaluate((path) => fetch(path).then(() => undefined), path);
  await page.goto(url);
  await page.waitForFunction(() => document.querySelectorAll(".grid > li").length === 1000);
  await page.waitForFunction(() => document.getElementById("link").dataset.link === "live");
  await checkGrid(page, check);
  await page.waitForFunction(() => [...document.querySelectorAll("#trouble img")].every((image) => image.complete && image.naturalWidth > 0));
  await shoot("wall-dark");
  await checkFilters(page, shoot, check);
  await checkKeyboard(page, check);
  await checkPanel(page, shoot, check);
  await checkUpdates(page, ask, check);
  const figures = await measureUpdates(page, ask);
  await checkReconnection(page, ask, shoot, check);
  await page.keyboard.press("t");
  check("t changes the theme", (await page.evaluate(() => document.documentElement.dataset.theme)) === "light");
  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForTimeout(300);
  await shoot("wall-light");
  await page.locator("#calm .tile").nth(1).click();
  await page.waitForFunction(() => document.getElementById("panel-note").textContent.startsWith("Taken"));
  await shoot("wall-panel-light");
  await page.keyboard.press("Escape");
  for (const size of ["s", "l"]) {
    await page.keyboard.press(size);
    await page.waitForTimeout(300);
    await shoot(`wall-light-${size}`);
  }
  await close();
  await checkPhone(url, openPage, check);
  return figures;
}

async function checkGrid(page, check) {
  const trouble = await names(page, "#trouble");
  check("the troubled channels are first, the worst of them at the top", trouble.length === 9 && trouble[0] === "Kids Club 1", trouble);
  check("the title counts them", (await page.title()) === "(9) hlsnap wall", await page.title());
  check("so does the summary", (await page.locator("#summary").textContent()) === "9 of 1,000 channels in trouble");
  const first = tiles(page, "#trouble").first();
  check("a state has its name in text", (await first.locator(".badge").textContent()).startsWith("Down"), await first.textContent());
  const label = await first.locator(".tile").getAttribute("aria-label");
  check("a tile says all to a screen reader", label.includes("Kids Club 1, Down, the origin answered 404"), label);
  const loaded = await page.evaluate(() => [...document.images].filter((image) => image.getAttribute("src")?.startsWith("pictures/")).length);
  check("tiles far away load no picture", loaded > 10 && loaded < 150, loaded);
  check("no secret is in the page", !(await page.content()).includes("hunter2"));
}

async function checkFilters(page, shoot, check) {
  await page.locator('.chip[data-state="frozen"]').click();
  check("a chip filters by state", (await tiles(page).count()) === 3, await tiles(page).count());
  check("a chip says that it is pressed", (await page.locator('.chip[data-state="frozen"]').getAttribute("aria-pressed")) === "true");
  await page.keyboard.press("3");
  check("states add up", (await tiles(page).count()) === 5, await tiles(page).count());
  await page.keyboard.press("0");
  await page.locator("#group").selectOption("Sport");
  check("the group filters", (await tiles(page).count()) === 200, await tiles(page).count());
  await page.keyboard.press("Escape");
  await page.locator("body").press("/");
  check("/ leads to the search", (await focused(page)) === "search");
  await page.keyboard.type("opera 7");
  const found = await names(page);
  check("all words of a search must match", found.length > 0 && found.every((name) => name.startsWith("Opera")) && found.includes("Opera 7"), found);
  await shoot("wall-search");
  await page.keyboard.press("Enter");
  check("Enter leads from the search to the first tile", (await focused(page)) === found[0], await focused(page));
  await page.keyboard.press("/");
  await page.keyboard.type("nothing like it");
  check("an empty result says so", await page.locator("#empty").isVisible());
  await page.keyboard.press("Escape");
  check("Esc clears all filters", (await tiles(page).count()) === 1000);
}

async function checkKeyboard(page, check) {
  const trouble = await names(page, "#trouble");
  const calm = await names(page, "#calm");
  await page.locator("#trouble .tile").first().focus();
  await page.keyboard.press("ArrowRight");
  check("the right arrow leads to the next tile", (await focused(page)) === trouble[1], await focused(page));
  await page.keyboard.press("ArrowLeft");
  const columns = await page.evaluate(() => getComputedStyle(document.querySelector("#trouble .grid")).gridTemplateColumns.split(" ").length);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const expected = trouble.length > columns ? calm[0] : calm[columns];
  check("the down arrow leads from one section into the other", (await focused(page)) === expected, [await focused(page), expected]);
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  check("the up arrow leads back", (await focused(page)) === trouble[0], await focused(page));
  const stops = await page.locator('.tile[tabindex="0"]').count();
  check("the Tab key stops at one tile", stops === 1, stops);
  await page.keyboard.press("?");
  check("? opens the help", await page.locator("#help").isVisible());
  await page.keyboard.press("Escape");
  await page.keyboard.press("s");
  check("s makes the tiles small", (await page.locator("#board").getAttribute("data-size")) === "s");
  await page.keyboard.press("m");
}

async function checkPanel(page, shoot, check) {
  await page.locator("#calm .tile").first().focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("panel-note").textContent.startsWith("Taken"));
  await page.waitForFunction(() => document.querySelectorAll("#changes li").length === 2);
  check("the panel has the channel's name", (await page.locator("#panel-name").textContent()) === "City News 1");
  check("the large picture is shown", (await page.locator("#panel-picture").getAttribute("src")).startsWith("blob:"));
  check("the strip shows the states of the hour", (await page.locator('#strip rect[data-state="black"]').count()) === 1);
  const summary = await page.locator("#strip-text").textContent();
  check("the strip has a text", /ok for \d+ min, black for 6 min/.test(summary), summary);
  check("the facts are there", (await page.locator("#facts").textContent()).includes("https://live.example.com/1/master.m3u8?..."));
  await shoot("wall-panel");
  await page.keyboard.press("ArrowRight");
  check("the arrow leads to the next channel", (await page.locator("#panel-name").textContent()) === "Docu World 1");
  check("the address names the channel", page.url().endsWith("#c0002"), page.url());
  await page.keyboard.press("Escape");
  check("Esc closes the panel", !(await page.locator("#panel").isVisible()));
  check("the focus returns to the tile", (await focused(page)) === "Docu World 1", await focused(page));
  await page.locator("#trouble .tile").first().click();
  await page.waitForFunction(() => document.getElementById("panel-note").textContent.startsWith("No large picture"));
  const note = await page.locator("#panel-note").textContent();
  check("a large picture that fails says why", note.includes("the origin did not answer in time"), note);
  await shoot("wall-panel-down");
  await page.keyboard.press("Escape");
}

async function checkUpdates(page, ask, check) {
  const tile = page.locator('.tile[aria-label^="Docu World 3,"]');
  const before = await tile.locator("img").getAttribute("src");
  await ask("test/change?id=c0022&from=ok&to=black");
  await page.waitForFunction(() => document.title === "(10) hlsnap wall");
  const moved = await names(page, "#trouble");
  check("a channel in trouble moves to the others", moved.includes("Docu World 3"), moved);
  check("its picture is the new one", (await tile.locator("img").getAttribute("src")) !== before);
  check("its state is in words", (await tile.locator(".badge").textContent()).startsWith("Black"));
  await ask("test/change?id=c0022&from=black&to=ok");
  await page.waitForFunction(() => document.title === "(9) hlsnap wall");
  const calm = await names(page, "#calm");
  check("a channel that recovers returns to its place", calm.indexOf("Docu World 3") === calm.indexOf("City News 3") + 1);
}

/** What the page's thread does in a second of changes, at the pace of 1,000 channels every 10 s, then ten times that. */
async function measureUpdates(page, ask) {
  const figures = {};
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const metrics = async () => Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
  for (const rate of [100, 1000]) {
    await ask(`test/rounds?per_second=${rate}`);
    const before = await metrics();
    const frames = await page.evaluate(async () => {
      const long = [];
      const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => Math.round(entry.duration))));
      observer.observe({ entryTypes: ["longtask"] });
      const [start, times] = [performance.now(), []];
      while (performance.now() < start + 2000) times.push(await new Promise(requestAnimationFrame));
      observer.disconnect();
      const gaps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
      return { frames: times.length, median_ms: Math.round(gaps[gaps.length >> 1]), longest_ms: Math.round(gaps.at(-1)), long_tasks_ms: long };
    });
    const after = await metrics();
    await ask("test/rounds?per_second=0");
    const share = (name) => `${((100 * (after[name] - before[name])) / (after.Timestamp - before.Timestamp)).toFixed(1)} %`;
    figures[`${rate} rounds a second`] = { ...frames, script: share("ScriptDuration"), style: share("RecalcStyleDuration"), layout: share("LayoutDuration") };
  }
  return figures;
}

async function checkReconnection(page, ask, shoot, check) {
  await page.route("**/events*", (route) => route.abort());
  await ask("test/drop");
  await page.waitForFunction(() => document.getElementById("link").dataset.link === "lost");
  check("the page says that it is disconnected", (await page.locator("#link").textContent()).includes("disconnected"));
  await shoot("wall-disconnected");
  await ask("test/change?id=c0034&from=ok&to=frozen");
  await page.unroute("**/events*");
  await page.waitForFunction(() => document.getElementById("link").dataset.link === "live" && document.title === "(10) hlsnap wall");
  check("what was missed is shown after it", (await names(page, "#trouble")).includes("Retro Movies 4"), await names(page, "#trouble"));
}

async function checkPhone(url, openPage, check) {
  const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
  for (const colorScheme of ["dark", "light"]) {
    const { page, shoot, close } = await openPage({ ...phone, colorScheme, reducedMotion: "reduce" });
    await page.goto(url);
    await page.waitForFunction(() => [...document.querySelectorAll("#trouble img")].slice(0, 6).every((image) => image.naturalWidth > 0));
    check("a phone needs no horizontal scrolling", !(await overflows(page)));
    await shoot(`wall-phone-${colorScheme}`);
    await page.locator("#calm .tile").first().tap();
    await page.waitForFunction(() => document.getElementById("panel-note").textContent.startsWith("Taken"));
    check("nor does the panel", !(await page.evaluate(() => document.getElementById("panel").scrollWidth > innerWidth)));
    await shoot(`wall-phone-panel-${colorScheme}`);
    await close();
  }
}

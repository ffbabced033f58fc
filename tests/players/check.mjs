// Shows a storyboard of a recording in players, and compares what they show with an expectation.
//
//   check.mjs FOLDER --expect FILE [--out FOLDER]
//
// FILE: {"duration": seconds, "probes": [{"seconds", "sprite", "x", "y", "w", "h", "i_frame"?: {"file", "offset", "length"}}]}
//   "sprite" is a file name. Null says that the tile is missing: players do as they like, but must not fail. Without "i_frame", hls.js is
//   not asked. "query", if given beside "probes", is required of all requests for the storyboard's images, as that of signed URLs is.
// Prints {"ok", "probes": [{"player", "seconds", "ok", "shown", "expected", "crop"}]}. "shown" has the fields of a probe, or is null if the
// player shows nothing; "crop" is a PNG of the tile's pixels in --out, where a screenshot of each player is too. Exits with 1 if a player
// shows another tile.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { startServer } from "./server.mjs";
import { manifest, multivariant, writeVideo } from "./video.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** The players. `open` prepares a page; `show` shows a time, and gives the fields of a probe and the element or rectangle with the tile. */
const PLAYERS = {
  plyr: {
    page: "plyr.html",
    open: (page) => page.waitForFunction(() => window.player.duration > 0 && window.player.previewThumbnails?.loaded),
    show: showInPlyr,
  },
  "shaka-webvtt": shaka("/video/video.m3u8", "/storyboard/storyboard.vtt"),
  "shaka-images": shaka("/storyboard/main.m3u8", null, "jpeg"),
  "shaka-dash": shaka("/storyboard/main.mpd"),
  "hls.js": { page: "hls.html", asks: (probe) => "i_frame" in probe, open: () => {}, show: showInHls },
};

function shaka(url, webvtt, codecs) {
  return {
    page: "shaka.html",
    open: async (page) => {
      const tracks = await page.evaluate(([url, webvtt]) => window.loadManifest(url, webvtt), [url, webvtt]);
      if (tracks === 0) {
        throw new Error(`no image track in ${url}`);
      }
    },
    show: async (page, seconds) => {
      const tile = await page.evaluate(([seconds, codecs]) => window.showTile(seconds, codecs), [seconds, codecs]);
      return { shown: tile && tileAt(tile), element: "canvas" };
    },
  };
}

/** Hovers over the seek bar. Plyr scales the sheet so that the tile fills its container. */
async function showInPlyr(page, seconds) {
  const bar = await page.locator(".plyr__progress").boundingBox();
  const duration = await page.evaluate(() => window.player.duration);
  await page.mouse.move(bar.x + (bar.width * seconds) / duration, bar.y + bar.height / 2);
  const selector = ".plyr__preview-thumb__image-container";
  const tile = await page.waitForFunction((selector) => {
    const images = document.querySelectorAll(`${selector} img:not([data-deleting])`);
    const image = images[images.length - 1];
    // Plyr positions an image once it is loaded, and fades the preview in
    const isShown = () => getComputedStyle(image.closest(".plyr__preview-thumb")).opacity === "1";
    if (images.length !== 1 || !image.complete || !image.naturalWidth || !image.style.width || !isShown()) {
      return null;
    }
    // Sizes of the layout: a transition still scales what is drawn
    const container = image.parentElement;
    const scale = image.naturalHeight / image.offsetHeight;
    const pixels = (length) => Math.round(length * scale);
    const offset = (side) => pixels(-parseFloat(image.style[side] || "0"));
    return { url: image.src, x: offset("left"), y: offset("top"), w: pixels(container.clientWidth), h: pixels(container.clientHeight) };
  }, selector);
  return { shown: tileAt(await tile.jsonValue()), element: selector };
}

/** hls.js 1.7.4 shows the next I-frame, and says nothing, if it is asked twice in a row for the same one. Probes must not do so. */
async function showInHls(page, seconds) {
  const frame = await orNull(page.evaluate((seconds) => window.showFrame(seconds), seconds));
  const i_frame = frame && { file: fileName(frame.url), offset: frame.offset, length: frame.length };
  return { shown: i_frame && { i_frame }, element: "img" };
}

/** Which requests the server answers: images need the query. */
const isAllowed = (query) => (url) => {
  const isImage = /^\/storyboard\/storyboard-/.test(url.pathname);
  return !query || !isImage || url.search === `?${query}`;
};

const fileName = (url) => basename(new URL(url, "http://localhost").pathname);

const tileAt = ({ url, x, y, w, h }) => ({ sprite: fileName(url), x, y, w, h });

/** The promise's value, or null after three seconds: a page that shows nothing must not hold the test. */
async function orNull(promise) {
  const timeout = new AbortController();
  const nothing = sleep(3000, null, { signal: timeout.signal }).catch(() => null);
  return Promise.race([promise, nothing]).finally(() => timeout.abort());
}

/** Whether all fields that a player shows are as expected. A scaled edge may be a pixel off. */
function matches(shown, expected) {
  if (shown === null || typeof shown !== "object") {
    return typeof shown === "number" ? Math.abs(shown - expected) <= 1 : shown === expected;
  }
  return Object.entries(shown).every(([name, value]) => matches(value, expected?.[name]));
}

async function check(browser, origin, name, expectation, out) {
  const player = PLAYERS[name];
  const probes = expectation.probes.filter(player.asks ?? (() => true));
  const page = await browser.newPage({ viewport: { width: 1920, height: 1200 } });
  page.setDefaultTimeout(20000);
  await page.goto(`${origin}/pages/${player.page}`);
  await player.open(page);
  const results = [];
  for (const [index, expected] of probes.entries()) {
    const { shown, element } = await player.show(page, expected.seconds);
    const crop = join(out, `${name}-${index}.png`);
    if (shown) {
      await page.locator(element).first().screenshot({ path: crop });
    }
    const ok = expected.sprite === null || (shown !== null && matches(shown, expected));
    results.push({ player: name, seconds: expected.seconds, ok, shown, expected, crop: shown && crop });
    if (index === Math.floor(probes.length / 2)) {
      await page.screenshot({ path: join(out, `${name}.png`) });
    }
  }
  await page.close();
  return results;
}

async function main() {
  const options = { expect: { type: "string" }, out: { type: "string", default: "." } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [storyboard, out] = [resolve(positionals[0]), resolve(values.out)];
  const expectation = JSON.parse(readFileSync(values.expect, "utf8"));
  mkdirSync(out, { recursive: true });
  const video = mkdtempSync(join(tmpdir(), "players-"));
  let server, browser;
  try {
    writeVideo(video, expectation.duration);
    const folders = { modules: join(here, "node_modules"), pages: join(here, "pages"), storyboard, video };
    const texts = { "/storyboard/main.m3u8": multivariant(storyboard), "/storyboard/main.mpd": manifest(storyboard) };
    server = await startServer(folders, texts, isAllowed(expectation.query));
    // A container has no user namespaces for Chromium's sandbox, and a small /dev/shm
    const args = ["--no-sandbox", "--disable-dev-shm-usage"];
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
    const probes = [];
    for (const name of Object.keys(PLAYERS)) {
      probes.push(...(await check(browser, server.origin, name, expectation, out)));
    }
    const ok = probes.length > 0 && probes.every((probe) => probe.ok);
    console.log(JSON.stringify({ ok, probes }, null, 2));
    process.exitCode = ok ? 0 : 1;
  } finally {
    await browser?.close();
    server?.close();
    rmSync(video, { recursive: true });
  }
}

// A page that hangs must not hold the tests. The exit ends Chromium too
setTimeout(() => {
  console.error("players: no result after two minutes");
  process.exit(1);
}, 120000).unref();
await main();

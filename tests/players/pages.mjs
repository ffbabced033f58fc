// The wall and the try page in Chromium, against running servers.
//
//   pages.mjs WALL TRY SIGNED STREAM OUT
//
// WALL is the URL of a wall with 1,000 channels, and with the paths /test/… of tests/wall/wall_server.rs. TRY is `hlsnap serve` that answers
// anything, SIGNED one with a key. STREAM is a playlist. Screenshots go to OUT. Prints what was measured; exits with 1 if a check fails.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { checkTryPage } from "./try_page.mjs";
import { checkWall } from "./wall.mjs";

const [wall, open, signed, stream, out] = process.argv.slice(2);
mkdirSync(out, { recursive: true });

// A page that hangs must not hold the tests. The exit ends Chromium too
setTimeout(() => {
  console.error("pages: no result after two minutes");
  process.exit(1);
}, 120000).unref();

const failed = [];
/** Notes a check. `details` are shown if it fails. */
function check(what, ok, details) {
  if (!ok) {
    failed.push(what);
    console.log(`FAILED: ${what}`, details === undefined ? "" : JSON.stringify(details));
  }
}

// A container has no user namespaces for Chromium's sandbox, and a small /dev/shm
const args = ["--no-sandbox", "--disable-dev-shm-usage"];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
try {
  const open_page = async (options) => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "dark", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(15000);
    page.on("pageerror", (error) => check(`no script fails: ${error.message}`, false));
    // Answers with an error status are what some checks are about
    page.on("console", (message) => {
      const isOfNetwork = /Failed to load resource|ERR_/.test(message.text());
      check(`nothing is wrong: ${message.text()}`, message.type() !== "error" || isOfNetwork);
    });
    const shoot = (name) => page.screenshot({ path: join(out, `${name}.png`) });
    return { page, shoot, close: () => context.close() };
  };
  const figures = await checkWall(wall, open_page, check);
  await checkTryPage(open, signed, stream, open_page, check);
  console.log(JSON.stringify(figures));
} finally {
  await browser.close();
}
process.exitCode = failed.length > 0 ? 1 : 0;

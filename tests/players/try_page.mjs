// The try page of `hlsnap serve` in Chromium: see pages.mjs.

const text = (page, id) => page.locator(`#${id}`).textContent();
const chosen = (page, name) => page.locator("#resources button", { hasText: name }).click();

async function take(page) {
  await page.locator("#go").click();
  await page.waitForFunction(() => !document.getElementById("go").hasAttribute("aria-busy"));
}

/** Checks the page of a server that answers anything, and of one that needs signatures. */
export async function checkTryPage(open, signed, stream, openPage, check) {
  const { page, shoot, close } = await openPage({});
  await page.goto(`${open}/`);
  await page.waitForSelector("#sections .field");
  await page.locator("#url").fill(stream);
  await page.locator("#option-at").fill("3");
  await page.locator("#option-width").fill("640");
  await page.locator("#option-exact").check();
  await take(page);
  const size = await page.locator("#stage img").evaluate((image) => [image.naturalWidth, image.naturalHeight]);
  check("the picture is as wide as the form says", size.join("x") === "640x360", size);
  check("the URL to copy is a request of this server", (await text(page, "request-url")).startsWith(`${open}/snapshot.jpg?url=http%3A%2F%2F`), await text(page, "request-url"));
  check("the command line to copy has all options", (await text(page, "command")).endsWith("--at 3 --exact --width 640 -o snapshot.jpg"), await text(page, "command"));
  check("the facts of the response are shown", (await text(page, "facts")).includes("presentation seconds"), await text(page, "facts"));
  await page.locator("#report summary").click();
  await page.waitForFunction(() => document.getElementById("report-text").textContent.includes('"verdict"'));
  await page.evaluate(() => scrollTo(0, 0));
  await shoot("try-dark");
  await checkQuoting(page, check);
  await checkProblem(page, shoot, check);
  await checkOthers(page, shoot, check);
  await page.locator("#theme").click();
  await page.evaluate(() => scrollTo(0, 0));
  await shoot("try-light");
  await close();
  await checkSigned(signed, stream, openPage, check);
  await checkPhone(open, stream, openPage, check);
}

async function checkQuoting(page, check) {
  const before = await page.locator("#url").inputValue();
  await page.locator("#url").fill("http://h/it's?a=b&c=$(d)");
  await page.locator("#option-at").fill("-10s");
  const command = await text(page, "command");
  check("the shell reads the words as they are", command.startsWith("hlsnap 'http://h/it'\\''s?a=b&c=$(d)' '--at=-10s'") || command.startsWith("hlsnap 'http://h/it'\\''s?a=b&c=$(d)' --at=-10s"), command);
  await page.locator("#option-key_frame").check();
  check("options that exclude each other are not both given", !(await page.locator("#option-exact").isChecked()));
  await page.locator("#clear").click();
  check("clearing leaves the playlist", (await text(page, "command")) === "hlsnap 'http://h/it'\\''s?a=b&c=$(d)' -o snapshot.jpg", await text(page, "command"));
  await page.locator("#url").fill(before);
}

async function checkProblem(page, shoot, check) {
  const before = await page.locator("#url").inputValue();
  await page.locator("#url").fill(before.replace("master", "missing"));
  await take(page);
  const problem = await text(page, "stage");
  check("a failure says what happened", problem.includes("The origin refused") && problem.includes("404") && problem.includes("HTTP 502"), problem);
  await shoot("try-problem");
  await page.locator("#url").fill(before);
}

async function checkOthers(page, shoot, check) {
  await chosen(page, "Contact sheet");
  await page.locator("#option-count").fill("6");
  await page.locator("#option-columns").fill("3");
  await take(page);
  check("a sheet is shown", (await page.locator("#stage img").evaluate((image) => image.naturalWidth)) > 900);
  check("its command line is that of sheet", (await text(page, "command")).startsWith("hlsnap sheet http"), await text(page, "command"));
  await chosen(page, "Storyboard");
  await page.locator("#option-count").fill("4");
  await take(page);
  await page.waitForSelector("#scrubber:not([hidden])");
  await page.locator("#scrub").fill("2");
  check("the seek bar shows the storyboard's tiles", (await text(page, "tile-time")) === "3.0 s", await text(page, "tile-time"));
  await shoot("try-storyboard");
  await chosen(page, "Animation");
  await page.locator("#option-for").fill("2");
  await page.locator("#option-width").fill("320");
  await take(page);
  check("an animation is shown", (await text(page, "measure")).includes("image/webp"), [await text(page, "measure"), await text(page, "stage")]);
  await chosen(page, "Playlists");
  await take(page);
  check("playlists are shown as JSON", (await text(page, "stage")).includes('"multivariant"'));
  await chosen(page, "Picture");
  await take(page);
}

async function checkSigned(signed, stream, openPage, check) {
  const { page, shoot, close } = await openPage({ colorScheme: "light" });
  await page.goto(`${signed}/`);
  await page.waitForSelector("#sections .field");
  await page.locator("#url").fill(stream);
  check("the page says how to sign", (await text(page, "sign-command")).includes(`hlsnap sign '${signed}/snapshot.jpg?url=`), await text(page, "sign-command"));
  await take(page);
  check("an unsigned request is refused with the reason", (await text(page, "stage")).includes("the request is not signed"), await text(page, "stage"));
  await page.locator("#signed-url").fill(await signature(`${await text(page, "request-url")}`));
  await take(page);
  check("a signed URL that was pasted gives its picture", (await page.locator("#stage img").count()) === 1, await text(page, "stage"));
  await shoot("try-signed");
  await close();
}

/** The URL with the signature of the key that the test gave the server. */
async function signature(text) {
  const { createHmac } = await import("node:crypto");
  const url = new URL(text);
  return `${text}&sig=${createHmac("sha256", "key").update(url.pathname + url.search).digest("hex")}`;
}

async function checkPhone(open, stream, openPage, check) {
  const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: "dark" };
  const { page, shoot, close } = await openPage(phone);
  await page.goto(`${open}/#snapshot.jpg?url=${encodeURIComponent(stream)}&width=320`);
  await page.waitForSelector("#sections .field");
  check("the address fills the form", (await page.locator("#option-width").inputValue()) === "320");
  await take(page);
  check("a phone needs no horizontal scrolling here either", !(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)));
  await shoot("try-phone");
  await page.locator("#stage").scrollIntoViewIfNeeded();
  await shoot("try-phone-picture");
  await close();
}

// Decodes pictures in Chromium.
//
//   image.mjs FOLDER NAME...
//
// Prints {"name": {"width", "height", "mean": [r, g, b]}} for each: its size, and the mean of its pixels on a canvas in sRGB.
import { chromium } from "playwright-core";
import { startServer } from "./server.mjs";

const [folder, ...names] = process.argv.slice(2);
const server = await startServer({ pictures: folder }, { "/index.html": "<!doctype html><title>pictures</title>" }, () => true);
// A container has no user namespaces for Chromium's sandbox, and a small /dev/shm
const args = ["--no-sandbox", "--disable-dev-shm-usage"];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
try {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/index.html`);
  const shown = {};
  for (const name of names) {
    shown[name] = await page.evaluate(async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      const { naturalWidth: width, naturalHeight: height } = image;
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, width, height);
      const sums = [0, 0, 0];
      data.forEach((value, index) => (index % 4 < 3 ? (sums[index % 4] += value) : 0));
      return { width, height, mean: sums.map((sum) => sum / (width * height)) };
    }, `/pictures/${name}`);
  }
  console.log(JSON.stringify(shown));
} finally {
  await browser.close();
  server.close();
}

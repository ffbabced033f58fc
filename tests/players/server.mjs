// A static server on 127.0.0.1: folders by the first part of the path, texts by the whole path. Understands byte ranges.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".avif": "image/avif",
  ".css": "text/css",
  ".html": "text/html",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".json": "application/json",
  ".m3u8": "application/vnd.apple.mpegurl",
  ".m4s": "video/mp4",
  ".mp4": "video/mp4",
  ".mpd": "application/dash+xml",
  ".png": "image/png",
  ".vtt": "text/vtt",
  ".webp": "image/webp",
};

/**
 * Starts a server; `folders` maps names to folders, `texts` maps paths to texts, `isAllowed` says which URLs are answered.
 * Gives `{origin, close}`.
 */
export async function startServer(folders, texts, isAllowed) {
  const server = createServer((request, response) => {
    const url = new URL(request.url, "http://localhost");
    if (!isAllowed(url)) {
      response.writeHead(403).end();
      return;
    }
    respond(decodeURIComponent(url.pathname), request, response, folders, texts).catch(() => response.writeHead(404).end());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${server.address().port}`, close };
}

async function respond(path, request, response, folders, texts) {
  const headers = { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream", "Accept-Ranges": "bytes" };
  if (texts[path] !== undefined) {
    response.writeHead(200, headers).end(texts[path]);
    return;
  }
  const [, folder, ...inner] = normalize(path).split("/");
  const file = join(folders[folder], ...inner);
  const { size } = await stat(file);
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const first = range ? Number(range[1]) : 0;
  const last = range?.[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
  if (range) {
    headers["Content-Range"] = `bytes ${first}-${last}/${size}`;
  }
  response.writeHead(range ? 206 : 200, { ...headers, "Content-Length": last - first + 1 });
  createReadStream(file, { start: first, end: last }).pipe(response);
}
